"""Activity tasks: their answers, heartbeats, cancels and time limits."""

import pytest
from waiting import eventually
from world import complete, decision, refused


def test_an_activity_task_says_what_to_do(world):
    run = world.start()
    world.decide(world.schedule("a", input="i", control="c", taskPriority="3"))
    scheduled = world.last(run, "ActivityTaskScheduled")
    assert scheduled == {
        "activityType": world.activity_type,
        "activityId": "a",
        "input": "i",
        "control": "c",
        "taskPriority": "3",
        "taskList": world.activities,
        "scheduleToStartTimeout": "60",
        "scheduleToCloseTimeout": "120",
        "startToCloseTimeout": "60",
        "heartbeatTimeout": "60",
        "decisionTaskCompletedEventId": 4,
    }
    task = world.work(identity="me")
    assert task["activityId"] == "a"
    assert task["activityType"] == world.activity_type
    assert task["input"] == "i"
    assert task["workflowExecution"] == run
    assert task["startedEventId"] == 6
    assert world.last(run, "ActivityTaskStarted") == {"identity": "me", "scheduledEventId": 5}


@pytest.mark.parametrize(
    ("verb", "attributes", "event"),
    [
        ("completed", {"result": "r"}, "ActivityTaskCompleted"),
        ("failed", {"reason": "r", "details": "d"}, "ActivityTaskFailed"),
        ("canceled", {"details": "d"}, "ActivityTaskCanceled"),
    ],
)
def test_an_answer_is_recorded_and_wakes_the_decider(world, verb, attributes, event):
    run = world.start()
    world.decide(world.schedule())
    task = world.work()
    answer = getattr(world.swf, f"respond_activity_task_{verb}")
    answer(taskToken=task["taskToken"], **attributes)
    assert world.last(run, event) == {**attributes, "scheduledEventId": 5, "startedEventId": 6}
    # It is answered once.
    message = "Unknown activity, scheduledEventId = 5"
    refused("UnknownResourceFault", message, answer, taskToken=task["taskToken"])
    assert world.decide(complete())["startedEventId"] == 9


def test_an_id_is_free_when_its_task_is_closed(world):
    run = world.start()
    for _ in range(3):
        world.decide(world.schedule("again"))
        world.swf.respond_activity_task_failed(taskToken=world.work()["taskToken"])
    world.decide(complete())
    assert world.types(run).count("ActivityTaskFailed") == 3
    assert "ScheduleActivityTaskFailed" not in world.types(run)


def test_a_heartbeat_learns_of_a_cancel(world, swf):
    run = world.start()
    world.decide(world.schedule("a"))
    token = world.work()["taskToken"]
    beat = swf.record_activity_task_heartbeat
    assert beat(taskToken=token, details="half")["cancelRequested"] is False
    world.signal(run)
    world.decide(decision("RequestCancelActivityTask", activityId="a"))
    assert beat(taskToken=token)["cancelRequested"] is True
    swf.respond_activity_task_canceled(taskToken=token, details="d")
    canceled = world.last(run, "ActivityTaskCanceled")
    requested = canceled.pop("latestCancelRequestedEventId")
    assert canceled == {"details": "d", "scheduledEventId": 5, "startedEventId": 6}
    assert world.history(run)[requested - 1]["eventType"] == "ActivityTaskCancelRequested"
    message = "Unknown activity, scheduledEventId = 5"
    refused("UnknownResourceFault", message, beat, taskToken=token)


@pytest.mark.parametrize(
    ("limit", "start", "kind"),
    [
        ("scheduleToStartTimeout", False, "SCHEDULE_TO_START"),
        ("scheduleToCloseTimeout", False, "SCHEDULE_TO_CLOSE"),
        ("startToCloseTimeout", True, "START_TO_CLOSE"),
        ("heartbeatTimeout", True, "HEARTBEAT"),
    ],
)
def test_a_task_times_out(world, swf, limit, start, kind):
    run = world.start()
    none = dict.fromkeys(
        [
            "scheduleToStartTimeout",
            "scheduleToCloseTimeout",
            "startToCloseTimeout",
            "heartbeatTimeout",
        ],
        "NONE",
    )
    world.decide(world.schedule("a", **{**none, limit: "1"}))
    if start:
        token = world.work()["taskToken"]
        swf.record_activity_task_heartbeat(taskToken=token, details="half")
    eventually(lambda: "ActivityTaskTimedOut" in world.types(run), seconds=10)
    timed_out = world.last(run, "ActivityTaskTimedOut")
    assert timed_out["timeoutType"] == kind
    assert timed_out["scheduledEventId"] == 5
    assert timed_out["startedEventId"] == (6 if start else 0)
    if start:
        assert timed_out["details"] == "half"
        message = "Unknown activity, scheduledEventId = 5"
        complete_it = swf.respond_activity_task_completed
        refused("UnknownResourceFault", message, complete_it, taskToken=token)
    assert world.pending_activities() == 0
    world.decide(complete())


def test_tasks_are_handed_out_by_priority_and_then_by_age(world):
    world.start()
    world.decide(
        world.schedule("a"),
        world.schedule("b", taskPriority="-1"),
        world.schedule("c", taskPriority="5"),
        world.schedule("d"),
        world.schedule("e", taskPriority="5"),
    )
    assert world.pending_activities() == 5
    assert [world.work()["activityId"] for _ in range(5)] == ["c", "e", "a", "d", "b"]
    assert world.pending_activities() == 0


def test_a_token_is_of_one_kind(world, swf):
    world.start()
    task = world.poll()
    refused("ValidationException", "Invalid token", world.complete, task=task)
    world.respond(task, world.schedule())
    refused("ValidationException", "Invalid token", world.respond, task=world.work())
