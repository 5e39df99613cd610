"""Each kind of decision: what it does, and the event that says why it was not done."""

import pytest
from waiting import eventually
from world import complete, decision, timer, unique


def failed(world, run, kind):
    return world.last(run, kind)["cause"]


@pytest.mark.parametrize(
    ("kind", "attributes", "event", "status"),
    [
        ("CompleteWorkflowExecution", {"result": "r"}, "WorkflowExecutionCompleted", "COMPLETED"),
        (
            "FailWorkflowExecution",
            {"reason": "r", "details": "d"},
            "WorkflowExecutionFailed",
            "FAILED",
        ),
        ("CancelWorkflowExecution", {"details": "d"}, "WorkflowExecutionCanceled", "CANCELED"),
    ],
)
def test_an_execution_is_closed(world, kind, attributes, event, status):
    run = world.start()
    world.decide(decision(kind, **attributes))
    assert world.last(run, event) == {**attributes, "decisionTaskCompletedEventId": 4}
    assert world.describe(run)["executionInfo"]["closeStatus"] == status


def test_an_execution_continues_as_new(world):
    run = world.start(tagList=["t"])
    world.decide(decision("ContinueAsNewWorkflowExecution", input="2", tagList=["u"]))
    event = world.last(run, "WorkflowExecutionContinuedAsNew")
    assert event["decisionTaskCompletedEventId"] == 4
    assert event["input"] == "2"
    assert event["tagList"] == ["u"]
    assert event["taskList"] == world.decisions
    assert event["workflowType"] == world.workflow_type
    assert world.describe(run)["executionInfo"]["closeStatus"] == "CONTINUED_AS_NEW"
    new = {"workflowId": run["workflowId"], "runId": event["newExecutionRunId"]}
    started = world.history(new)[0]["workflowExecutionStartedEventAttributes"]
    assert started["continuedExecutionRunId"] == run["runId"]
    assert started["input"] == "2"
    world.decide(complete())
    assert world.describe(new)["executionInfo"]["closeStatus"] == "COMPLETED"


def test_a_close_before_unseen_events_is_not_done(world):
    run = world.start()
    task = world.poll()
    world.signal(run)
    world.respond(task, complete())
    assert failed(world, run, "CompleteWorkflowExecutionFailed") == "UNHANDLED_DECISION"
    world.decide(complete())
    assert world.types(run)[-1] == "WorkflowExecutionCompleted"


def test_a_close_must_be_the_last_decision(world):
    run = world.start()
    task = world.poll()
    message = "Close must be last decision in list"
    with pytest.raises(world.swf.exceptions.ClientError) as caught:
        world.respond(task, complete(), timer("t", 5))
    error = caught.value.response["Error"]
    assert error == {"Code": "ValidationException", "Message": message}
    assert len(world.history(run)) == 3
    world.respond(task, timer("t", 500), complete())
    assert world.types(run)[-2:] == ["TimerStarted", "WorkflowExecutionCompleted"]


def test_decisions_are_held_against_the_model(world, unchecked):
    run = world.start()
    task = world.poll()
    for bad in [
        decision("StartTimer", timerId="t"),
        decision("StartTimer", timerId="", startToFireTimeout="5"),
        decision("StartTimer", timerId="t", startToFireTimeout="soon"),
        decision("RecordMarker", markerName="x" * 257),
        decision("CompleteWorkflowExecution", result="x" * 32769),
        decision("ScheduleActivityTask", activityId="a"),
    ]:
        with pytest.raises(unchecked.exceptions.ClientError) as caught:
            unchecked.respond_decision_task_completed(taskToken=task["taskToken"], decisions=[bad])
        error = caught.value.response["Error"]
        assert error["Code"] == "ValidationException", error
        assert "at 'decisions.1.member." in error["Message"]
    # Nothing of it was taken, and the task is still the decider's.
    assert len(world.history(run)) == 3
    world.respond(task, complete())


def test_a_marker_is_recorded(world):
    run = world.start()
    world.decide(decision("RecordMarker", markerName="m", details="d"))
    assert world.last(run, "MarkerRecorded") == {
        "markerName": "m",
        "details": "d",
        "decisionTaskCompletedEventId": 4,
    }
    assert world.types(run)[-1] == "MarkerRecorded"


def test_a_timer_fires(world):
    run = world.start()
    world.decide(timer("t", 0, control="c"))
    world.decide(timer("u", 1))
    started, fired = [
        event["eventTimestamp"]
        for event in world.poll()["events"]
        if event["eventType"] in ("TimerStarted", "TimerFired")
    ][2:]
    assert 1 <= (fired - started).total_seconds() < 3
    assert world.last(run, "TimerFired")["timerId"] == "u"


def test_a_timer_is_cancelled(world):
    run = world.start()
    world.decide(timer("t", 500))
    world.signal(run)
    world.decide(decision("CancelTimer", timerId="t"))
    assert world.last(run, "TimerCanceled")["timerId"] == "t"
    assert world.last(run, "TimerCanceled")["startedEventId"] == 5
    assert world.describe(run)["openCounts"]["openTimers"] == 0


def test_a_timer_that_cannot_be_started_or_cancelled(world):
    run = world.start()
    world.decide(timer("t", 500), timer("t", 500))
    assert failed(world, run, "StartTimerFailed") == "TIMER_ID_ALREADY_IN_USE"
    world.decide(decision("CancelTimer", timerId="unknown"))
    assert failed(world, run, "CancelTimerFailed") == "TIMER_ID_UNKNOWN"


def test_an_activity_that_cannot_be_scheduled(world, swf):
    run = world.start()

    def cause(*decisions):
        world.decide(*decisions)
        return failed(world, run, "ScheduleActivityTaskFailed")

    unknown = {"name": unique("unknown"), "version": "1"}
    assert cause(world.schedule(activityType=unknown)) == "ACTIVITY_TYPE_DOES_NOT_EXIST"
    assert cause(world.schedule("a"), world.schedule("a")) == "ACTIVITY_ID_ALREADY_IN_USE"
    bare = {"name": unique("bare"), "version": "1"}
    swf.register_activity_type(domain=world.domain, **bare)
    # Which one is named first is not said anywhere.
    wanted = {
        "DEFAULT_TASK_LIST_UNDEFINED": {"taskList": {"name": "list"}},
        "DEFAULT_SCHEDULE_TO_CLOSE_TIMEOUT_UNDEFINED": {"scheduleToCloseTimeout": "60"},
        "DEFAULT_SCHEDULE_TO_START_TIMEOUT_UNDEFINED": {"scheduleToStartTimeout": "60"},
        "DEFAULT_START_TO_CLOSE_TIMEOUT_UNDEFINED": {"startToCloseTimeout": "60"},
        "DEFAULT_HEARTBEAT_TIMEOUT_UNDEFINED": {"heartbeatTimeout": "60"},
    }
    given = {"activityType": bare}
    while wanted:
        given |= wanted.pop(cause(world.schedule("b", **given)))
    swf.deprecate_activity_type(domain=world.domain, activityType=bare)
    assert cause(world.schedule("b", **given)) == "ACTIVITY_TYPE_DEPRECATED"


def test_an_activity_that_was_not_started_is_cancelled_at_once(world):
    run = world.start()
    world.decide(world.schedule("a"))
    world.signal(run)
    world.decide(decision("RequestCancelActivityTask", activityId="a"))
    assert world.last(run, "ActivityTaskCancelRequested")["activityId"] == "a"
    assert world.last(run, "ActivityTaskCanceled")["scheduledEventId"] == 5
    assert world.pending_activities() == 0
    world.decide(decision("RequestCancelActivityTask", activityId="a"))
    assert failed(world, run, "RequestCancelActivityTaskFailed") == "ACTIVITY_ID_UNKNOWN"


def test_a_signal_goes_to_another_execution(world):
    target = world.start(taskList={"name": unique("other")})
    run = world.start()
    world.decide(
        decision(
            "SignalExternalWorkflowExecution",
            workflowId=target["workflowId"],
            signalName="s",
            input="i",
            control="c",
        )
    )
    received = eventually(lambda: world.last(target, "WorkflowExecutionSignaled"), retry=AssertionError)
    assert received["signalName"] == "s"
    assert received["input"] == "i"
    assert received["externalWorkflowExecution"] == run
    assert received["externalInitiatedEventId"] == 5
    world.decide()
    delivered = world.last(run, "ExternalWorkflowExecutionSignaled")
    assert delivered == {"workflowExecution": target, "initiatedEventId": 5}


def test_a_cancel_goes_to_another_execution(world):
    target = world.start(taskList={"name": unique("other")})
    run = world.start()
    kind = "RequestCancelExternalWorkflowExecution"
    world.decide(decision(kind, workflowId=target["workflowId"], control="c"))
    received = eventually(
        lambda: world.last(target, "WorkflowExecutionCancelRequested"), retry=AssertionError
    )
    assert received["externalWorkflowExecution"] == run
    assert received["externalInitiatedEventId"] == 5
    world.decide()
    delivered = world.last(run, "ExternalWorkflowExecutionCancelRequested")
    assert delivered == {"workflowExecution": target, "initiatedEventId": 5}


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("SignalExternalWorkflowExecution", {"signalName": "s"}),
        ("RequestCancelExternalWorkflowExecution", {}),
    ],
)
def test_nobody_gets_what_is_sent_to_nobody(world, kind, more):
    run = world.start()
    world.decide(decision(kind, workflowId="nobody", **more))
    world.decide()
    event = world.last(run, f"{kind}Failed")
    assert event["cause"] == "UNKNOWN_EXTERNAL_WORKFLOW_EXECUTION"
    assert event["workflowId"] == "nobody"
    assert event["initiatedEventId"] == 5


def child(world, workflow_id, **more):
    return decision(
        "StartChildWorkflowExecution",
        workflowType=more.pop("workflowType", world.workflow_type),
        workflowId=workflow_id,
        taskList={"name": f"{world.name}-children"},
        **more,
    )


def start_child(world, **more):
    """A parent with a child that has started: the ids of both."""
    parent = world.start()
    workflow_id = world.new_id()
    world.decide(child(world, workflow_id, **more))
    world.decide()
    started = world.last(parent, "ChildWorkflowExecutionStarted")
    assert started["initiatedEventId"] == 5
    return parent, started["workflowExecution"]


@pytest.mark.parametrize(
    ("close", "event", "attributes"),
    [
        (complete(result="r"), "Completed", {"result": "r"}),
        (
            decision("FailWorkflowExecution", reason="r", details="d"),
            "Failed",
            {"reason": "r", "details": "d"},
        ),
        (decision("CancelWorkflowExecution", details="d"), "Canceled", {"details": "d"}),
        (None, "Terminated", {}),
    ],
)
def test_a_parent_hears_how_its_child_closed(world, close, event, attributes):
    parent, run = start_child(world, input="i", control="c")
    begun = world.history(run)[0]["workflowExecutionStartedEventAttributes"]
    assert begun["parentWorkflowExecution"] == parent
    assert begun["parentInitiatedEventId"] == 5
    assert begun["input"] == "i"
    assert world.describe(run)["executionInfo"]["parent"] == parent
    assert world.describe(parent)["openCounts"]["openChildWorkflowExecutions"] == 1
    if close is None:
        world.terminate(run)
    else:
        world.respond(world.poll(taskList={"name": f"{world.name}-children"}), close)
    world.decide(complete())
    heard = world.last(parent, f"ChildWorkflowExecution{event}")
    started_event = heard.pop("startedEventId")
    assert world.history(parent)[started_event - 1]["eventType"] == "ChildWorkflowExecutionStarted"
    assert heard == {
        "workflowExecution": run,
        "workflowType": world.workflow_type,
        "initiatedEventId": 5,
        **attributes,
    }


def test_a_child_that_cannot_be_started(world):
    taken = world.start(taskList={"name": unique("other")})
    run = world.start()
    world.decide(child(world, taken["workflowId"]))
    world.decide()
    cause = failed(world, run, "StartChildWorkflowExecutionFailed")
    assert cause == "WORKFLOW_ALREADY_RUNNING"
    world.signal(run)
    unknown = {"name": unique("unknown"), "version": "1"}
    world.decide(child(world, "c", workflowType=unknown))
    cause = failed(world, run, "StartChildWorkflowExecutionFailed")
    assert cause == "WORKFLOW_TYPE_DOES_NOT_EXIST"


@pytest.mark.parametrize(
    ("policy", "last", "status"),
    [
        ("TERMINATE", "WorkflowExecutionTerminated", "CLOSED"),
        ("REQUEST_CANCEL", "WorkflowExecutionCancelRequested", "OPEN"),
        ("ABANDON", "DecisionTaskScheduled", "OPEN"),
    ],
)
def test_a_policy_says_what_becomes_of_children(world, policy, last, status):
    parent, run = start_child(world)
    world.terminate(parent, childPolicy=policy)
    eventually(lambda: last in world.types(run))
    assert world.describe(run)["executionInfo"]["executionStatus"] == status
    if policy != "ABANDON":
        assert world.last(run, last)["cause"] == "CHILD_POLICY_APPLIED"


def test_a_lambda_function_has_nobody_to_run_it(world):
    run = world.start()
    world.decide(decision("ScheduleLambdaFunction", id="l", name="function", input="1"))
    cause = failed(world, run, "ScheduleLambdaFunctionFailed")
    assert cause == "LAMBDA_SERVICE_NOT_AVAILABLE_IN_REGION"
