"""The Python simpleflow as decider, worker and starter: its own commands, workflows of ours."""

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest
from commands import COMMAND, PATIENCE, Outcome, background, dotted, ran
from workflows import definitions
from world import unique


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    return tmp_path_factory.mktemp("simpleflow")


@pytest.fixture(scope="module")
def standalone(domain, environment, logs):
    """Runs from the beginning, because at its end it waits for polls that get nothing."""
    workflow_id = unique("standalone")
    arguments = ["standalone", "--domain", domain, "--nb-deciders", "1", "--nb-workers", "2"]
    arguments += ["--workflow-id", workflow_id, "--input", "[20]", dotted(definitions.Basic)]
    log = logs / "standalone.log"
    with background(COMMAND + arguments, environment, log, stdout=subprocess.PIPE, text=True) as process:
        yield process, workflow_id


@pytest.fixture(scope="module")
def executions(standalone, domain, environment, logs, tmp_path_factory):
    """All the workflows, started with their inputs: the ids of each by its name."""
    counters = tmp_path_factory.mktemp("attempts") / "attempts"
    inputs = {
        "basic": [1],
        "continued": {"kwargs": {"n": 2}},
        "fan-out": [110],
        "parent": [5],
        "retried": [str(counters)],
    }
    workflows = [workflow for workflow in definitions.ALL if workflow is not definitions.Child]

    def start(workflow):
        arguments = ["workflow.start", "--domain", domain, "--tags", "one,two"]
        arguments += ["--input", json.dumps(inputs.get(workflow.name, []))]
        arguments += ["--workflow-id", unique(workflow.name), dotted(workflow)]
        workflow_id, run_id = ran(COMMAND + arguments, environment).split()
        return workflow.name, {"workflowId": workflow_id, "runId": run_id}

    decider = ["decider.start", "--domain", domain, "--nb-processes", "2"]
    decider += map(dotted, definitions.ALL)
    worker = ["worker.start", "--domain", domain, "--nb-processes", "4", "--heartbeat", "5"]
    worker += ["--task-list", "workers"]
    with (
        background(COMMAND + decider, environment, logs / "decider.log"),
        background(COMMAND + worker, environment, logs / "worker.log"),
        ThreadPoolExecutor(max_workers=2) as executor,
    ):
        yield dict(executor.map(start, workflows))


@pytest.fixture
def outcome(swf, domain, executions):
    """The outcome of the execution of a workflow, by its name."""
    return lambda name: Outcome(swf, domain, executions[name])


def test_dataflow(outcome):
    basic = outcome("basic")
    assert basic.result == 4
    assert basic.info["tagList"] == ["one", "two"]


def test_more_activities_than_fit_in_a_response(outcome):
    assert outcome("fan-out").result == sum(range(1, 111))


def test_canvas(outcome):
    canvas = outcome("canvas")
    assert canvas.result == [[2, [3, 6], [5, 6]], [None]]


def test_children(outcome):
    parent = outcome("parent")
    assert parent.result == 20
    assert len(parent.attributes("ChildWorkflowExecutionCompleted")) == 2


def test_signals(swf, domain, executions, outcome):
    value = {"args": [], "kwargs": {"value": 42}, "__propagate": False}
    execution = executions["signals"]
    swf.signal_workflow_execution(
        domain=domain,
        workflowId=execution["workflowId"],
        runId=execution["runId"],
        signalName="answer",
        input=json.dumps(value),
    )
    signals = outcome("signals")
    assert signals.result == [1, 42]
    assert len(signals.attributes("ExternalWorkflowExecutionSignaled")) == 1


def test_timers(outcome):
    timers = outcome("timers")
    assert timers.result == "cancelled"
    assert [event["timerId"] for event in timers.attributes("TimerCanceled")] == ["late"]


def test_markers(outcome):
    assert sorted(outcome("markers").result, key=str) == [
        ["first", {"n": 1}],
        ["first", {"n": 2}],
        ["second", None],
    ]


def test_continue_as_new(swf, domain, outcome):
    run = outcome("continued")
    for _ in range(2):
        assert run.status == "CONTINUED_AS_NEW"
        (continued,) = run.attributes("WorkflowExecutionContinuedAsNew")
        execution = {
            "workflowId": run.info["execution"]["workflowId"],
            "runId": continued["newExecutionRunId"],
        }
        run = Outcome(swf, domain, execution)
    assert run.result == 3


def test_retries(outcome):
    retried = outcome("retried")
    assert retried.result == [3, "RuntimeError: attempt 3"]
    assert len(retried.attributes("ActivityTaskFailed")) == 5
    # A type that is not registered yet is registered by the decider, which then tries again.
    causes = {event["cause"] for event in retried.attributes("ScheduleActivityTaskFailed")}
    assert causes <= {"ACTIVITY_TYPE_DOES_NOT_EXIST"}


def test_failures(outcome):
    failing = outcome("failing")
    assert failing.status == "FAILED"
    (failed,) = failing.attributes("WorkflowExecutionFailed")
    assert "ValueError: this cannot be" in failed["reason"]
    giving_up = outcome("giving-up")
    assert giving_up.status == "FAILED"
    (failed,) = giving_up.attributes("WorkflowExecutionFailed")
    assert failed["reason"] == "Workflow execution failed: no more"
    assert failed["details"] == "that was all"


def test_priorities(outcome):
    priorities = outcome("priorities")
    assert priorities.result == [2, 3, 4]
    scheduled = priorities.attributes("ActivityTaskScheduled")
    assert [event.get("taskPriority") for event in scheduled] == ["3", "7", None]


def test_idempotent_activities_are_done_once(outcome):
    idempotent = outcome("idempotent")
    assert idempotent.result == [3, 3]
    assert len(idempotent.attributes("ActivityTaskScheduled")) == 1


def test_the_commands_that_look_at_executions(domain, environment, executions, outcome):
    def run(*arguments):
        return subprocess.run(
            [*COMMAND, *arguments], env=environment, text=True, capture_output=True, check=True
        ).stdout

    basic = outcome("basic")
    execution = executions["basic"]
    ids = [execution["workflowId"], execution["runId"]]
    info = json.loads(run("--header", "--format", "json", "workflow.info", domain, *ids))
    assert info[0]["workflow_id"] == execution["workflowId"]
    assert info[0]["tag_list"] in ("one,two", ["one", "two"])
    tasks = json.loads(run("--format", "json", "workflow.tasks", domain, *ids))
    assert sorted(task[0] for task in tasks) == [
        "workflows.activities.double",
        "workflows.activities.increment",
    ]
    assert basic.status == "COMPLETED"
    closed = run("workflow.list", domain, "--status", "closed")
    assert execution["workflowId"] in closed


# How long an empty poll lasts, in seconds.
POLL = 60


def test_standalone(swf, domain, standalone, executions):
    process, workflow_id = standalone
    # When the execution is closed it stops its worker and then its decider, and each of them first
    # finishes the poll that it is in: up to 60 seconds each.
    output, _ = process.communicate(timeout=PATIENCE + 2 * POLL)
    assert process.returncode == 0
    printed_id, run_id = output.split()
    assert printed_id == workflow_id
    outcome = Outcome(swf, domain, {"workflowId": workflow_id, "runId": run_id})
    assert outcome.result == 42
