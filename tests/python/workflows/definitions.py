"""One workflow for each thing that a workflow can do."""

from simpleflow import Workflow, futures
from simpleflow.canvas import Chain, Group
from simpleflow.task import ActivityTask

from workflows import TASK_LIST, VERSION
from workflows.activities import double, fail, fail_at_first, increment, total


class Tested(Workflow):
    version = VERSION
    task_list = TASK_LIST


class Basic(Tested):
    """Dataflow: (x + 1) * 2."""

    name = "basic"

    def run(self, x):
        y = self.submit(increment, x)
        z = self.submit(double, y)
        return z.result


class FanOut(Tested):
    """More activities than fit in one response."""

    name = "fan-out"

    def run(self, width):
        parts = self.map(increment, range(width))
        futures.wait(*parts)
        return self.submit(total, [part.result for part in parts]).result


class Canvas(Tested):
    """Groups in chains and chains in groups; a chain that breaks."""

    name = "canvas"

    def run(self):
        group = self.submit(
            Group(
                (increment, 1),
                Chain((increment, 2), (double,), send_result=True),
                Group((increment, 4), (increment, 5), max_parallel=1),
            )
        )
        broken = self.submit(
            Chain((fail, "no"), (increment, 1), raises_on_failure=False)
        )
        futures.wait(group, broken)
        return [group.result, broken.result]


class Child(Tested):
    name = "workflows.definitions.Child"

    def run(self, x):
        return self.submit(double, x).result


class Parent(Tested):
    """Two children, one after another."""

    name = "parent"

    def run(self, x):
        first = self.submit(Child, x)
        second = self.submit(Child, first)
        return second.result


class SelfSignal(Tested):
    """A signal that the execution sends to itself, and one that comes from outside."""

    name = "signals"

    def run(self):
        self.submit(self.signal("ping", propagate=False, value=1))
        ping = self.submit(self.wait_signal("ping"))
        answer = self.submit(self.wait_signal("answer"))
        futures.wait(ping, answer)
        return [ping.result["kwargs"]["value"], answer.result["kwargs"]["value"]]


class Timers(Tested):
    """A timer that fires, and one that is cancelled then."""

    name = "timers"

    def run(self):
        soon = self.submit(self.start_timer("soon", 1))
        late = self.submit(self.start_timer("late", 250))
        futures.wait(soon)
        if not late.cancelled:
            self.submit(self.cancel_timer("late"))
            futures.wait(late)
        return "cancelled"


class Markers(Tested):
    name = "markers"

    def run(self):
        recorded = [
            self.submit(self.record_marker("first", details={"n": 1})),
            self.submit(self.record_marker("second")),
            self.submit(self.record_marker("first", details={"n": 2})),
        ]
        futures.wait(*recorded)
        return [[marker.name, marker.details] for marker in self.list_markers(all=True)]


class Continued(Tested):
    """A run for each number down to 0."""

    name = "continued"
    execution_timeout = 250

    def run(self, n, done=0):
        done = self.submit(increment, done).result
        if n:
            futures.wait(self.submit(self.continue_as_new(n=n - 1, done=done)))
        return done


class Retried(Tested):
    """An activity that fails twice, and one that fails too often."""

    name = "retried"

    def run(self, path):
        good = self.submit(fail_at_first, 2, f"{path}-good")
        bad = self.submit(fail_at_first, 5, f"{path}-bad")
        futures.wait(good, bad)
        return [good.result, bad.exception.reason]


class Failing(Tested):
    """An activity whose failure fails the execution."""

    name = "failing"

    def run(self):
        return self.submit(fail, "this cannot be").result


class GivingUp(Tested):
    """The workflow itself says that it fails."""

    name = "giving-up"

    def run(self):
        self.fail("no more", "that was all")


class Priorities(Tested):
    name = "priorities"
    task_priority = 3

    def run(self):
        tasks = [
            self.submit(increment, 1),
            self.submit(increment, 2, __priority=7),
            self.submit(increment, 3, __priority=None),
        ]
        futures.wait(*tasks)
        return [task.result for task in tasks]


class Idempotent(Tested):
    """The same activity with the same arguments is done once."""

    name = "idempotent"

    def run(self):
        first = self.submit(ActivityTask(total, [1, 2]))
        second = self.submit(ActivityTask(total, [1, 2]))
        futures.wait(first, second)
        return [first.result, second.result]


ALL = [
    Basic,
    Canvas,
    Child,
    Continued,
    Failing,
    FanOut,
    GivingUp,
    Idempotent,
    Markers,
    Parent,
    Priorities,
    Retried,
    SelfSignal,
    Timers,
]
