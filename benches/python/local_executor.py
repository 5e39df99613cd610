"""Times the local executor of the Python simpleflow: a fan-out and a chain of trivial activities.

Prints one JSON line for each shape, with the best of the runs:

    {"shape": "fan-out", "tasks": 10000, "seconds": 1.23}

Usage: local_executor.py [RUNS]
"""

import json
import os
import sys
import time

# Read when simpleflow is imported: at INFO it writes a line for each task.
os.environ["LOG_LEVEL"] = "ERROR"

from simpleflow import Workflow, activity, futures
from simpleflow.local import Executor


@activity.with_attributes(task_list="bench", version="bench")
def increment(x):
    return x + 1


class FanOut(Workflow):
    name = "fan-out"
    version = "bench"
    task_list = "bench"

    def run(self, tasks):
        submitted = [self.submit(increment, x) for x in range(tasks)]
        futures.wait(*submitted)
        return sum(future.result for future in submitted)


class Chain(Workflow):
    name = "chain"
    version = "bench"
    task_list = "bench"

    def run(self, tasks):
        x = 0
        for _ in range(tasks):
            x = self.submit(increment, x)
        return x.result


def best_of(runs, workflow, tasks, expected):
    """The least wall time of the runs, in seconds."""
    best = float("inf")
    for _ in range(runs):
        executor = Executor(workflow)
        started = time.perf_counter()
        result = executor.run({"args": [tasks], "kwargs": {}})
        best = min(best, time.perf_counter() - started)
        if result != expected:
            sys.exit(f"{workflow.name}: the result is {result}, expected {expected}")
    return best


def main():
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    fan_out, chain = 10_000, 1_000
    for workflow, tasks, expected in (
        (FanOut, fan_out, fan_out * (fan_out + 1) // 2),
        (Chain, chain, chain),
    ):
        seconds = best_of(runs, workflow, tasks, expected)
        line = {"shape": workflow.name, "tasks": tasks, "seconds": round(seconds, 6)}
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
