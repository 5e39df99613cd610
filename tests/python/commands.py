"""Commands as processes: those of the Python simpleflow, and those of the project."""

import contextlib
import json
import os
import signal
import subprocess
import sys

from waiting import eventually

# How long an execution may take on a machine that has other things to do.
PATIENCE = 120

# The command of the Python simpleflow.
COMMAND = [sys.executable, "-c", "from simpleflow.command import cli; cli()"]


def dotted(workflow):
    return f"{workflow.__module__}.{workflow.__qualname__}"


def done(command, environment):
    """What came of a command that ran to its end."""
    return subprocess.run(
        command, env=environment, text=True, capture_output=True, timeout=PATIENCE, check=False
    )


def ran(command, environment):
    """What a command prints on stdout, which succeeds."""
    came = done(command, environment)
    assert came.returncode == 0, came.stderr
    return came.stdout


@contextlib.contextmanager
def background(command, environment, log, **more):
    """A command that runs until the end, with all the processes that it makes."""
    with log.open("wb") as errors:
        process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
            **more,
        )
    try:
        yield process
    finally:
        # At a friendly signal they would finish their polls, which takes a minute.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextlib.contextmanager
def all_running(commands, environment, logs):
    """Commands that run until the end, each by the name of its log."""
    with contextlib.ExitStack() as stack:
        for name, command in commands.items():
            stack.enter_context(background(command, environment, logs / f"{name}.log"))
        yield


class Outcome:
    """How an execution closed, and its history."""

    def __init__(self, swf, domain, execution):
        def closed():
            described = swf.describe_workflow_execution(domain=domain, execution=execution)
            info = described["executionInfo"]
            return info if info["executionStatus"] == "CLOSED" else None

        self.info = eventually(closed, seconds=PATIENCE, interval=0.1)
        self.status = self.info["closeStatus"]
        pages = swf.get_paginator("get_workflow_execution_history").paginate(
            domain=domain, execution=execution
        )
        self.events = [event for page in pages for event in page["events"]]

    def attributes(self, kind):
        member = kind[0].lower() + kind[1:] + "EventAttributes"
        return [event[member] for event in self.events if event["eventType"] == kind]

    @property
    def result(self):
        assert self.status == "COMPLETED", (self.status, self.events[-1])
        (completed,) = self.attributes("WorkflowExecutionCompleted")
        return json.loads(completed["result"])
