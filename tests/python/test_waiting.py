"""How long polls wait when there is nothing."""

import contextlib
import threading
import time

from botocore.exceptions import BotoCoreError
from world import client, unique


class IdlePoll(threading.Thread):
    """A poll that gets nothing, on a task list that nobody else has."""

    def __init__(self, endpoint, domain, operation):
        # Should the tests end before it does, nobody waits for it.
        super().__init__(daemon=True)
        self.endpoint = endpoint
        self.domain = domain
        self.operation = operation
        self.answer = None
        self.seconds = None

    def run(self):
        swf = client(self.endpoint, read_timeout=90)
        poll = getattr(swf, self.operation)
        start = time.monotonic()
        # When the server is stopped under it there is no answer, which the test says.
        with contextlib.suppress(BotoCoreError):
            self.answer = poll(domain=self.domain, taskList={"name": unique("idle")})
        self.seconds = time.monotonic() - start


@contextlib.contextmanager
def idle_polls(endpoint):
    domain = unique("idle")
    client(endpoint).register_domain(name=domain, workflowExecutionRetentionPeriodInDays="1")
    operations = ["poll_for_decision_task", "poll_for_activity_task"]
    polls = {operation: IdlePoll(endpoint, domain, operation) for operation in operations}
    for poll in polls.values():
        poll.start()
    yield polls


def test_an_idle_poll_is_answered_with_no_task_after_a_minute(idle_polls):
    for operation, poll in idle_polls.items():
        poll.join(90)
        assert poll.answer is not None, operation
        assert not poll.answer.get("taskToken"), operation
        assert poll.answer["startedEventId"] == 0, operation
        assert 59 <= poll.seconds <= 65, operation
