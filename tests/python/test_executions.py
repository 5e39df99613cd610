"""Executions: starting, signalling, cancelling, terminating, describing, reading."""

import pytest
from waiting import eventually
from world import complete, decision, refused, timer, unique


def test_a_start_takes_the_defaults_of_its_type(world):
    run = world.start(input="i", tagList=["x", "y"])
    started, scheduled = world.history(run)
    assert started["eventType"] == "WorkflowExecutionStarted"
    assert started["workflowExecutionStartedEventAttributes"] == {
        "input": "i",
        "tagList": ["x", "y"],
        "executionStartToCloseTimeout": "600",
        "taskStartToCloseTimeout": "60",
        "childPolicy": "TERMINATE",
        "taskList": world.decisions,
        "workflowType": world.workflow_type,
        "parentInitiatedEventId": 0,
    }
    assert scheduled["eventType"] == "DecisionTaskScheduled"
    assert scheduled["decisionTaskScheduledEventAttributes"]["taskList"] == world.decisions
    assert scheduled["decisionTaskScheduledEventAttributes"]["startToCloseTimeout"] == "60"


def test_what_a_start_says_is_stronger_than_the_defaults(world):
    run = world.start(
        executionStartToCloseTimeout="70",
        taskStartToCloseTimeout="NONE",
        childPolicy="ABANDON",
        taskList={"name": "elsewhere"},
        taskPriority="5",
    )
    configuration = world.describe(run)["executionConfiguration"]
    assert configuration == {
        "executionStartToCloseTimeout": "70",
        "taskStartToCloseTimeout": "NONE",
        "childPolicy": "ABANDON",
        "taskList": {"name": "elsewhere"},
        "taskPriority": "5",
    }


def test_a_start_is_refused(world, swf):
    start = world.start
    unknown = {"name": unique("unknown"), "version": "1"}
    message = f"Unknown type: WorkflowType=[name={unknown['name']}, version=1]"
    refused("UnknownResourceFault", message, start, workflowType=unknown)

    bare = {"name": unique("bare"), "version": "1"}
    swf.register_workflow_type(domain=world.domain, **bare)
    given = {}
    for default, member, value in [
        ("defaultExecutionStartToCloseTimeout", "executionStartToCloseTimeout", "60"),
        ("defaultTaskList", "taskList", {"name": "list"}),
        ("defaultTaskStartToCloseTimeout", "taskStartToCloseTimeout", "60"),
        ("defaultChildPolicy", "childPolicy", "TERMINATE"),
    ]:
        refused("DefaultUndefinedFault", default, start, workflowType=bare, **given)
        given[member] = value
    start(workflowType=bare, **given)

    swf.deprecate_workflow_type(domain=world.domain, workflowType=bare)
    message = f"WorkflowType=[name={bare['name']}, version=1]"
    refused("TypeDeprecatedFault", message, start, workflowType=bare, **given)


def test_one_open_execution_has_an_id(world):
    first = world.start(workflowId="one")
    refused("WorkflowExecutionAlreadyStartedFault", None, world.start, workflowId="one")
    world.terminate(first)
    second = world.start(workflowId="one")
    assert second["runId"] != first["runId"]
    world.terminate(second)


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("workflowId", "a:b"),
        ("workflowId", "a/b"),
        ("workflowId", "a|b"),
        ("workflowId", "arn"),
        ("workflowId", "a\nb"),
        ("input", "x" * 32769),
        ("executionStartToCloseTimeout", "NONE"),
        ("executionStartToCloseTimeout", "soon"),
        ("taskStartToCloseTimeout", "-1"),
        ("taskPriority", "high"),
        ("tagList", ["1", "2", "3", "4", "5", "6"]),
        ("tagList", ["x" * 257]),
        ("childPolicy", "HUG"),
    ],
)
def test_a_start_that_cannot_be_is_refused(world, member, value):
    with pytest.raises(world.swf.exceptions.ClientError) as caught:
        world.start(**{member: value})
    error = caught.value.response["Error"]
    assert error["Code"] == "ValidationException", error
    assert f"at '{member}" in error["Message"]


def test_a_signal_is_recorded_and_wakes_the_decider(world):
    run = world.start()
    world.decide()
    world.signal(run, "paid", input="7")
    assert world.last(run, "WorkflowExecutionSignaled") == {
        "signalName": "paid",
        "input": "7",
        "externalInitiatedEventId": 0,
    }
    task = world.decide(complete())
    assert [event["eventType"] for event in task["events"]][-3:] == [
        "WorkflowExecutionSignaled",
        "DecisionTaskScheduled",
        "DecisionTaskStarted",
    ]


def test_what_is_sent_to_nobody_is_refused(world, swf):
    run = world.start()
    world.terminate(run)
    sends = [
        (swf.signal_workflow_execution, {"signalName": "s"}),
        (swf.request_cancel_workflow_execution, {}),
        (swf.terminate_workflow_execution, {}),
    ]
    for send, more in sends:
        target = {"domain": world.domain, "workflowId": run["workflowId"], **more}
        message = f"Unknown execution, workflowId = {run['workflowId']}"
        refused("UnknownResourceFault", message, send, **target)
        message = (
            "Unknown execution: WorkflowExecution="
            f"[workflowId={run['workflowId']}, runId={run['runId']}]"
        )
        refused("UnknownResourceFault", message, send, runId=run["runId"], **target)


def test_a_cancel_is_the_deciders_to_grant(world, swf):
    run = world.start()
    world.decide()
    swf.request_cancel_workflow_execution(domain=world.domain, workflowId=run["workflowId"])
    assert world.describe(run)["executionInfo"]["cancelRequested"] is True
    assert world.last(run, "WorkflowExecutionCancelRequested") == {"externalInitiatedEventId": 0}
    world.decide(decision("CancelWorkflowExecution", details="d"))
    info = world.describe(run)["executionInfo"]
    assert info["executionStatus"] == "CLOSED"
    assert info["closeStatus"] == "CANCELED"
    assert world.last(run, "WorkflowExecutionCanceled")["details"] == "d"


def test_a_terminated_execution_takes_no_answer(world, swf):
    run = world.start()
    task = world.poll()
    world.terminate(run, reason="r", details="d", childPolicy="ABANDON")
    assert world.last(run, "WorkflowExecutionTerminated") == {
        "reason": "r",
        "details": "d",
        "childPolicy": "ABANDON",
        "cause": "OPERATOR_INITIATED",
    }
    length = len(world.history(run))
    message = "Unknown decision task, scheduledEventId = 2"
    refused("UnknownResourceFault", message, world.respond, task=task)
    assert len(world.history(run)) == length
    info = world.describe(run)["executionInfo"]
    assert info["closeStatus"] == "TERMINATED"
    assert info["closeTimestamp"] >= info["startTimestamp"]


def test_an_execution_is_described(world):
    run = world.start(tagList=["t"])
    detail = world.describe(run)
    assert detail["executionInfo"]["execution"] == run
    assert detail["executionInfo"]["workflowType"] == world.workflow_type
    assert detail["executionInfo"]["executionStatus"] == "OPEN"
    assert detail["executionInfo"]["tagList"] == ["t"]
    assert detail["executionInfo"]["cancelRequested"] is False
    world.decide(
        world.schedule("a"), world.schedule("b"), timer("t", 500), executionContext="context"
    )
    worker = world.work()
    detail = world.describe(run)
    assert detail["openCounts"] == {
        "openActivityTasks": 2,
        "openDecisionTasks": 0,
        "openTimers": 1,
        "openChildWorkflowExecutions": 0,
        "openLambdaFunctions": 0,
    }
    assert detail["latestExecutionContext"] == "context"
    assert "latestActivityTaskTimestamp" in detail
    world.complete(worker)
    world.decide(complete(result="r"))
    detail = world.describe(run)
    assert detail["executionInfo"]["closeStatus"] == "COMPLETED"


def test_a_history_is_read_from_either_end_a_page_at_a_time(world, swf):
    run = world.start()
    world.decide()
    for reverse in [False, True]:
        pages = list(
            swf.get_paginator("get_workflow_execution_history").paginate(
                domain=world.domain,
                execution=run,
                reverseOrder=reverse,
                PaginationConfig={"PageSize": 3},
            )
        )
        ids = [[event["eventId"] for event in page["events"]] for page in pages]
        assert ids == ([[4, 3, 2], [1]] if reverse else [[1, 2, 3], [4]])


def test_an_execution_is_known_by_both_its_ids(world, swf):
    run = world.start()
    other = world.start()
    wrong = {"workflowId": run["workflowId"], "runId": other["runId"]}
    message = (
        "Unknown execution: WorkflowExecution="
        f"[workflowId={wrong['workflowId']}, runId={wrong['runId']}]"
    )
    for call in [swf.describe_workflow_execution, swf.get_workflow_execution_history]:
        refused("UnknownResourceFault", message, call, domain=world.domain, execution=wrong)


def test_an_execution_times_out(world):
    run = world.start(executionStartToCloseTimeout="1")
    world.decide()
    eventually(lambda: world.types(run)[-1] == "WorkflowExecutionTimedOut", seconds=10)
    assert world.last(run, "WorkflowExecutionTimedOut") == {
        "timeoutType": "START_TO_CLOSE",
        "childPolicy": "TERMINATE",
    }
    assert world.describe(run)["executionInfo"]["closeStatus"] == "TIMED_OUT"
