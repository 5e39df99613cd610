"""Waiting for conditions, with a deadline."""

import time


def eventually(condition, seconds=30, interval=0.02, retry=()):
    """The first true value of the condition, which is asked again until the deadline.

    Exceptions of the types in `retry` count as not yet.
    """
    deadline = time.monotonic() + seconds
    while True:
        last = None
        try:
            last = condition()
            if last:
                return last
        except retry as error:
            last = error
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds} s: {condition}, last {last!r}")
        time.sleep(interval)
