"""A decider, a worker and a starter in one, for tests that say each step."""

import itertools
import uuid

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

REGION = "us-east-1"

# A signature of the right form that signs nothing.
SIGNED = (
    "AWS4-HMAC-SHA256 Credential=AKIDTEST/20260101/us-east-1/swf/aws4_request, "
    "SignedHeaders=host;x-amz-date, Signature=" + "0" * 64
)


def client(endpoint, read_timeout=20, **config):
    """A client of SWF that asks once, so that a test sees what is answered."""
    session = boto3.session.Session(
        aws_access_key_id="AKIDTEST", aws_secret_access_key="secret", region_name=REGION
    )
    return session.client(
        "swf",
        endpoint_url=endpoint,
        config=Config(
            retries={"total_max_attempts": 1}, read_timeout=read_timeout, **config
        ),
    )


def unique(prefix):
    return f"{prefix}-{uuid.uuid4().hex[:12]}"


def refused(code, message, call, **request):
    """The call is refused with this code, and this message unless it is None."""
    with pytest.raises(ClientError) as caught:
        call(**request)
    error = caught.value.response["Error"]
    assert error["Code"] == code, error
    if message is not None:
        assert error.get("Message", "") == message
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def decision(kind, **attributes):
    """A decision of a kind, with its attributes under the name that they have on the wire."""
    member = kind[0].lower() + kind[1:] + "DecisionAttributes"
    return {"decisionType": kind, member: attributes}


def complete(**attributes):
    return decision("CompleteWorkflowExecution", **attributes)


def timer(timer_id, seconds, **more):
    return decision("StartTimer", timerId=timer_id, startToFireTimeout=str(seconds), **more)


class World:
    """Types, task lists and ids that no other test has, in a domain."""

    def __init__(self, swf, domain):
        self.swf = swf
        self.domain = domain
        self.name = unique("world")
        self.workflow_type = {"name": self.name, "version": "1"}
        self.activity_type = {"name": f"{self.name}-activity", "version": "1"}
        self.decisions = {"name": f"{self.name}-decisions"}
        self.activities = {"name": f"{self.name}-activities"}
        self.arn = swf.describe_domain(name=domain)["domainInfo"].get("arn")
        self._ids = itertools.count(1)
        swf.register_workflow_type(
            domain=domain,
            **self.workflow_type,
            defaultTaskStartToCloseTimeout="60",
            defaultExecutionStartToCloseTimeout="600",
            defaultTaskList=self.decisions,
            defaultChildPolicy="TERMINATE",
        )
        swf.register_activity_type(
            domain=domain,
            **self.activity_type,
            defaultTaskList=self.activities,
            defaultTaskStartToCloseTimeout="60",
            defaultTaskHeartbeatTimeout="60",
            defaultTaskScheduleToStartTimeout="60",
            defaultTaskScheduleToCloseTimeout="120",
        )

    def new_id(self):
        return f"{self.name}-{next(self._ids)}"

    def start(self, **more):
        """Starts an execution and gives its ids."""
        request = {
            "domain": self.domain,
            "workflowId": self.new_id(),
            "workflowType": self.workflow_type,
            **more,
        }
        run = self.swf.start_workflow_execution(**request)
        return {"workflowId": request["workflowId"], "runId": run["runId"]}

    def signal(self, execution, name="signal", **more):
        self.swf.signal_workflow_execution(
            domain=self.domain,
            workflowId=execution["workflowId"],
            runId=execution["runId"],
            signalName=name,
            **more,
        )

    def terminate(self, execution, **more):
        self.swf.terminate_workflow_execution(
            domain=self.domain, workflowId=execution["workflowId"], **more
        )

    def poll(self, **more):
        """The decision task that must be there."""
        request = {"domain": self.domain, "taskList": self.decisions, **more}
        task = self.swf.poll_for_decision_task(**request)
        assert task.get("taskToken"), "no decision task"
        return task

    def respond(self, task, *decisions, **more):
        self.swf.respond_decision_task_completed(
            taskToken=task["taskToken"], decisions=list(decisions), **more
        )

    def decide(self, *decisions, **more):
        """Answers the decision task that must be there, and gives it."""
        task = self.poll()
        self.respond(task, *decisions, **more)
        return task

    def schedule(self, activity_id="a", **more):
        attributes = {"activityType": self.activity_type, "activityId": activity_id, **more}
        return decision("ScheduleActivityTask", **attributes)

    def work(self, **more):
        """The activity task that must be there."""
        request = {"domain": self.domain, "taskList": self.activities, **more}
        task = self.swf.poll_for_activity_task(**request)
        assert task.get("taskToken"), "no activity task"
        return task

    def complete(self, task, **more):
        self.swf.respond_activity_task_completed(taskToken=task["taskToken"], **more)

    def pending_decisions(self):
        counted = self.swf.count_pending_decision_tasks(
            domain=self.domain, taskList=self.decisions
        )
        return counted["count"]

    def pending_activities(self):
        counted = self.swf.count_pending_activity_tasks(
            domain=self.domain, taskList=self.activities
        )
        return counted["count"]

    def history(self, execution):
        """All events; their ids are dense."""
        pages = self.swf.get_paginator("get_workflow_execution_history").paginate(
            domain=self.domain, execution=execution
        )
        events = [event for page in pages for event in page["events"]]
        assert [event["eventId"] for event in events] == list(range(1, len(events) + 1))
        return events

    def types(self, execution):
        return [event["eventType"] for event in self.history(execution)]

    def last(self, execution, kind):
        """The attributes of the last event of a type."""
        member = kind[0].lower() + kind[1:] + "EventAttributes"
        for event in reversed(self.history(execution)):
            if event["eventType"] == kind:
                return event[member]
        raise AssertionError(f"no {kind} in {self.types(execution)}")

    def describe(self, execution):
        return self.swf.describe_workflow_execution(domain=self.domain, execution=execution)
