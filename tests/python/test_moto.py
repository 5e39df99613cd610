"""The command on moto, which many test against, as far as moto goes: it knows no task lists of
deciders, no child executions that run, and its polls last a second.

SIMPLEFLOW_UNDER_TEST is the path of the command.
"""

import contextlib
import json
import os
import subprocess

import pytest
from commands import PATIENCE, ran
from server import stop
from waiting import eventually
from world import REGION, client

DOMAIN = "moto-tests"


@contextlib.contextmanager
def running(command, log, environment):
    """A process that is stopped at the end as an operator would, and says on stderr what the log then
    has.
    """
    with log.open("wb") as errors:
        process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )
    try:
        yield process
    finally:
        stop(process)


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    return tmp_path_factory.mktemp("moto")


@pytest.fixture(scope="module")
def moto(moto_url):
    """A client of moto, with the domain in it."""
    swf = client(moto_url)
    swf.register_domain(name=DOMAIN, workflowExecutionRetentionPeriodInDays="1")
    return swf


@pytest.fixture(scope="module")
def environment(moto, moto_url):
    return {
        **os.environ,
        "AWS_ENDPOINT_URL_SWF": moto_url,
        "AWS_ACCESS_KEY_ID": "AKIDTEST",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "SWF_DOMAIN": DOMAIN,
        "LOG_LEVEL": "info",
    }


@pytest.fixture(scope="module")
def simpleflow(rust, environment):
    """Runs the command to its end: what it prints."""
    return lambda *arguments: ran([*rust, *arguments], environment)


@pytest.fixture(scope="module")
def execution(moto, simpleflow, rust, environment, logs):
    """One that was run by a decider and a worker, which have stopped."""
    decider = [*rust, "decider.start", "--nb-processes", "2", "basic"]
    worker = [*rust, "worker.start", "--task-list", "quickstart", "--nb-processes", "2"]
    with (
        running(decider, logs / "decider.log", environment) as deciding,
        running(worker, logs / "worker.log", environment) as working,
    ):
        started = simpleflow(
            "workflow.start", "basic", "--input", "[1, 0]", "--workflow-id", "basic"
        )
        workflow_id, run_id = started.split()
        ids = {"workflowId": workflow_id, "runId": run_id}

        def closed():
            described = moto.describe_workflow_execution(domain=DOMAIN, execution=ids)
            return described["executionInfo"]["executionStatus"] == "CLOSED"

        eventually(closed, seconds=PATIENCE, interval=0.1)
    assert (deciding.returncode, working.returncode) == (0, 0)
    return ids


def test_a_decider_and_a_worker_run_a_workflow(moto, execution, logs):
    history = moto.get_workflow_execution_history(domain=DOMAIN, execution=execution)
    last = history["events"][-1]
    assert last["eventType"] == "WorkflowExecutionCompleted"
    assert last["workflowExecutionCompletedEventAttributes"]["result"] == "4"
    assert "does not support task lists of deciders" in (logs / "decider.log").read_text()


def test_it_is_looked_at(simpleflow, execution):
    def rows(command):
        about = [DOMAIN, execution["workflowId"], execution["runId"]]
        return json.loads(simpleflow("--format", "json", "--header", command, *about))

    (info,) = rows("workflow.info")
    assert (info["workflow_type.name"], info["task_list"]) == ("basic", "example")
    assert {(task["Tasks"], task["Last State"]) for task in rows("workflow.tasks")} == {
        (f"examples.basic.{name}", "completed") for name in ("increment", "delay", "double")
    }
    assert len(rows("workflow.profile")) == 3
    history = json.loads(simpleflow("workflow.history", execution["workflowId"]))
    assert history
    replay = ["workflow.replay", "basic", "--workflow-id", execution["workflowId"]]
    assert "same decisions" in simpleflow(*replay)


def test_it_is_terminated(moto, simpleflow):
    start = ["workflow.start", "basic", "--input", "[1, 0]", "--task-list", "nobody's"]
    workflow_id, run_id = simpleflow(*start, "--workflow-id", "waits").split()
    assert "waits" in simpleflow("workflow.list", DOMAIN)
    simpleflow("workflow.signal", DOMAIN, workflow_id, "go", "--input", "1")
    simpleflow("workflow.terminate", DOMAIN, workflow_id, run_id)
    history = moto.get_workflow_execution_history(
        domain=DOMAIN, execution={"workflowId": workflow_id, "runId": run_id}
    )
    kinds = [event["eventType"] for event in history["events"]]
    assert "WorkflowExecutionSignaled" in kinds
    assert kinds[-1] == "WorkflowExecutionTerminated"


def test_standalone_needs_nothing_beside_it(simpleflow):
    arguments = ["basic", "--input", "[2, 0]", "--workflow-id", "alone", "--nb-deciders", "2"]
    ids, result = simpleflow("standalone", *arguments).split("\n", 1)
    assert ids.startswith("alone ")
    assert result.splitlines()[-1] == "6"
