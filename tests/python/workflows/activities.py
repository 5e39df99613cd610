"""What the workflows do."""

import time
from pathlib import Path

from simpleflow import activity

TASK_LIST = "workers"
VERSION = "test"


@activity.with_attributes(task_list=TASK_LIST, version=VERSION)
def increment(x):
    return x + 1


@activity.with_attributes(task_list=TASK_LIST, version=VERSION)
def double(x):
    return x * 2


@activity.with_attributes(task_list=TASK_LIST, version=VERSION, idempotent=True)
def total(values):
    return sum(values)


@activity.with_attributes(task_list=TASK_LIST, version=VERSION, raises_on_failure=True)
def fail(message):
    raise ValueError(message)


@activity.with_attributes(task_list=TASK_LIST, version=VERSION)
def scale(value, *, by):
    return value * by


@activity.with_attributes(task_list=TASK_LIST, version=VERSION)
def echo(value):
    return value


@activity.with_attributes(task_list=TASK_LIST, version=VERSION)
def repeat(text, times):
    return text * times


@activity.with_attributes(task_list=TASK_LIST, version=VERSION)
def pause(seconds):
    time.sleep(seconds)
    return "rested"


@activity.with_attributes(task_list=TASK_LIST, version=VERSION, retry=2)
def fail_at_first(times, path):
    """Fails so many times; the attempts are counted in a file."""
    path = Path(path)
    attempts = int(path.read_text()) + 1 if path.exists() else 1
    path.write_text(str(attempts))
    if attempts <= times:
        raise RuntimeError(f"attempt {attempts}")
    return attempts
