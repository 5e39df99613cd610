"""What pollers get, in which order, and what becomes of a task whose poller has gone."""

from waiting import eventually
from world import complete, refused, timer, unique


def test_decision_tasks_come_by_priority_and_then_by_age(world):
    runs = [
        world.start(taskPriority=priority)["workflowId"] for priority in ["0", "-1", "5", "0", "5"]
    ]
    assert world.pending_decisions() == 5
    order = [world.poll()["workflowExecution"]["workflowId"] for _ in range(5)]
    assert order == [runs[index] for index in [2, 4, 0, 3, 1]]


def test_an_execution_has_one_decision_task_at_a_time(world):
    run = world.start()
    task = world.poll(identity="me")
    assert world.last(run, "DecisionTaskStarted") == {"identity": "me", "scheduledEventId": 2}
    world.signal(run)
    world.signal(run)
    assert world.pending_decisions() == 0
    world.respond(task)
    assert world.pending_decisions() == 1
    assert world.types(run)[3:] == [
        "WorkflowExecutionSignaled",
        "DecisionTaskScheduled",
        "WorkflowExecutionSignaled",
        "DecisionTaskCompleted",
    ]
    task = world.poll()
    assert task["previousStartedEventId"] == 3
    assert task["startedEventId"] == 8


def test_a_decision_task_is_answered_once(world):
    world.start()
    task = world.decide()
    message = "Unknown decision task, scheduledEventId = 2"
    refused("UnknownResourceFault", message, world.respond, task=task)


def test_a_history_comes_in_pages_from_either_end(world, swf):
    run = world.start()
    world.decide()
    for reverse in [False, True]:
        world.signal(run)
        more = {"maximumPageSize": 4, "reverseOrder": reverse}
        page = task = world.poll(**more)
        ids = [event["eventId"] for event in page["events"]]
        assert len(ids) == 4
        while page.get("nextPageToken"):
            page = swf.poll_for_decision_task(
                domain=world.domain,
                taskList=world.decisions,
                nextPageToken=page["nextPageToken"],
                **more,
            )
            assert page["taskToken"] == task["taskToken"]
            assert len(page["events"]) <= 4
            ids += [event["eventId"] for event in page["events"]]
        assert ids == sorted(range(1, task["startedEventId"] + 1), reverse=reverse)
        world.respond(task)
    poll = swf.poll_for_decision_task
    request = {"domain": world.domain, "taskList": world.decisions, "nextPageToken": "nonsense"}
    refused("ValidationException", "Invalid token", poll, **request)


def test_a_history_begins_at_the_decision_task_before_if_asked_to(world):
    run = world.start()
    world.decide()
    world.signal(run)
    task = world.poll(startAtPreviousStartedEvent=True)
    assert task["previousStartedEventId"] == 3
    assert [event["eventId"] for event in task["events"]] == list(range(3, 8))


def test_the_tasks_of_an_execution_go_to_the_list_that_its_decider_names(world):
    run = world.start()
    sticky = {"name": unique("sticky")}
    world.decide(taskList=sticky, taskListScheduleToStartTimeout="1")
    completed = world.last(run, "DecisionTaskCompleted")
    assert completed["taskList"] == sticky
    assert completed["taskListScheduleToStartTimeout"] == "1"
    world.signal(run)
    scheduled = world.last(run, "DecisionTaskScheduled")
    assert scheduled["taskList"] == sticky
    assert scheduled["scheduleToStartTimeout"] == "1"
    # Nobody takes it there, so it goes back.
    eventually(lambda: world.pending_decisions() == 1, seconds=10)
    timed_out = world.last(run, "DecisionTaskTimedOut")
    assert timed_out["timeoutType"] == "SCHEDULE_TO_START"
    task = world.poll()
    assert task["workflowExecution"] == run
    world.respond(task, complete())


def test_a_decision_task_that_is_not_answered_in_time_is_handed_out_again(world):
    run = world.start(taskStartToCloseTimeout="1")
    first = world.poll()
    eventually(lambda: "DecisionTaskTimedOut" in world.types(run), seconds=10)
    assert world.last(run, "DecisionTaskTimedOut")["timeoutType"] == "START_TO_CLOSE"
    message = "Unknown decision task, scheduledEventId = 2"
    refused("UnknownResourceFault", message, world.respond, task=first)
    world.decide(complete())


def test_a_waiting_poll_is_woken_by_its_task(world, threads):
    poll = threads.submit(world.poll)
    work = threads.submit(world.work)
    run = world.start()
    task = poll.result()
    assert task["workflowExecution"] == run
    world.respond(task, world.schedule())
    assert work.result()["workflowExecution"] == run


def test_a_waiting_poll_is_woken_by_a_timer(world):
    world.start()
    world.decide(timer("t", 1))
    task = world.poll()
    assert "TimerFired" in [event["eventType"] for event in task["events"]]
    world.respond(task, complete())


def test_many_pollers_share_the_tasks(world, threads):
    polls = [threads.submit(world.poll) for _ in range(8)]
    runs = [world.start() for _ in range(8)]
    tasks = [poll.result() for poll in polls]
    assert sorted(task["workflowExecution"]["runId"] for task in tasks) == sorted(
        run["runId"] for run in runs
    )
    assert len({task["taskToken"] for task in tasks}) == 8
