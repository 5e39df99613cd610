"""A workflow whose activities and child are done elsewhere, by workers and deciders in Rust."""

import json

from simpleflow import Workflow, activity, futures

from workflows import TASK_LIST, VERSION


def elsewhere(function=None, **attributes):
    """An activity of Rust: a signature."""

    def wrap(function):
        return activity.with_attributes(
            task_list="rust-workers", version=VERSION, **attributes
        )(function)

    return wrap(function) if function else wrap


@elsewhere
def add(x, y=None): ...


@elsewhere
def echo(value): ...


@elsewhere
def fail(text): ...


@elsewhere(name="workflows.elsewhere.fail", raises_on_failure=True)
def fail_for_good(text): ...


@elsewhere
def panic(message): ...


@elsewhere
def repeat(text, times): ...


@elsewhere(retry=2)
def fail_at_first(times, path): ...


@elsewhere(heartbeat_timeout=4)
def pause(seconds): ...


class Child(Workflow):
    """A workflow of Rust."""

    name = "workflows.elsewhere.Child"
    version = VERSION
    task_list = "rust-deciders"
    execution_timeout = 250


class ServedByRust(Workflow):
    name = "served-by-rust"
    version = VERSION
    task_list = TASK_LIST

    def run(self, sample, attempts):
        both = self.submit(add, 1, 2)
        child = self.submit(Child, 4, factor=3)
        echoed = self.map(echo, [sample, sample["text like a signature"]])
        retried = self.submit(fail_at_first, 2, path=attempts)
        paused = self.submit(pause, 5.0)
        failed = self.submit(fail, "this cannot be")
        panicked = self.submit(panic, "this neither")
        too_long = self.submit(repeat, "x", times=40_000)
        named = self.submit(add, y=10, x=both)
        one_missing = self.submit(add, named)
        futures.wait(
            child, *echoed, retried, paused, failed, panicked, too_long, one_missing
        )

        def failure(future):
            exception = future.exception
            details = exception.details and json.loads(exception.details)
            return {"reason": exception.reason, "details": details}

        return {
            "sums": [both.result, named.result, one_missing.result],
            "child": child.result,
            "echoed": [each.result for each in echoed],
            "retried": retried.result,
            "paused": paused.result,
            "failed": failure(failed),
            "panicked": failure(panicked),
            "too long": failure(too_long),
        }


class LongByRust(Workflow):
    """Has a long text made longer by Rust, and hands on what came of it."""

    name = "long-by-rust"
    version = VERSION
    task_list = TASK_LIST

    def run(self, text):
        longer = self.submit(repeat, text, times=2)
        again = self.submit(repeat, longer, times=1)
        futures.wait(again)
        return again.result


class FailedByRust(Workflow):
    """Fails with the failure of Rust's activity."""

    name = "failed-by-rust"
    version = VERSION
    task_list = TASK_LIST

    def run(self):
        return self.submit(fail_for_good, "this cannot be").result
