"""Steps of the Python simpleflow and of the project, each going by the list of the other, in S3, which
is moto here.

SIMPLEFLOW_UNDER_TEST is the path of the command, the one with `tests/interoperation.rs` in it.
"""

import json

import pytest
from commands import COMMAND, Outcome, all_running, dotted, ran
from workflows.steps import Steps
from world import unique

BUCKET = "lists"

# What each side decides for, and whose workers keep the list.
SIDES = ("rust", "python")


@pytest.fixture(scope="module")
def everything(environment, moto_url):
    """Where the commands find the server and S3."""
    return {**environment, "AWS_ENDPOINT_URL_S3": moto_url}


@pytest.fixture(scope="module", autouse=True)
def processes(rust, s3, domain, everything, tmp_path_factory):
    files = tmp_path_factory.mktemp("steps")
    s3.create_bucket(Bucket=BUCKET)
    at = ["--domain", domain]
    commands = {
        "rust-decider": [*rust, "decider.start", *at, "--task-list", "rust-deciders"],
        "rust-worker": [*rust, "worker.start", *at, "--task-list", "rust-step-workers"],
        "python-decider": [*COMMAND, "decider.start", *at, "--nb-processes", "1", dotted(Steps)],
        "python-worker": [*COMMAND, "worker.start", *at, "--nb-processes", "1"]
        + ["--task-list", "python-step-workers"],
    }
    with all_running(commands, everything, files):
        yield


@pytest.fixture
def outcome(rust, swf, domain, everything):
    """Runs the workflow of one side with the workers of one."""

    def run(decider, worker, prefix):
        command, workflow = {
            "rust": (rust, "steps-of-both"),
            "python": (COMMAND, dotted(Steps)),
        }[decider]
        start = ["workflow.start", "--domain", domain, "--workflow-id", unique("steps")]
        arguments = json.dumps([BUCKET, prefix, f"{worker}-step-workers"])
        printed = ran([*command, *start, "--input", arguments, workflow], everything)
        workflow_id, run_id = printed.split()
        return Outcome(swf, domain, {"workflowId": workflow_id, "runId": run_id})

    return run


def told(outcome):
    """What a history tells of its steps."""
    assert outcome.status == "COMPLETED", outcome.events[-1]
    markers = outcome.attributes("MarkerRecorded")
    assert {marker["markerName"] for marker in markers} == {"log.step"}
    signals = outcome.attributes("WorkflowExecutionSignaled")
    activities = outcome.attributes("ActivityTaskScheduled")
    return {
        "markers": [marker["details"] for marker in markers],
        "signals": [(signal["signalName"], json.loads(signal["input"])) for signal in signals],
        "activities": [
            [activity["activityType"], activity["activityId"], json.loads(activity["input"])]
            + [activity[name] for name in ("heartbeatTimeout", "startToCloseTimeout")]
            + [activity["taskPriority"]]
            for activity in activities
        ],
    }


def statuses(outcome):
    details = [json.loads(details) for details in told(outcome)["markers"]]
    return [(marker["step"], marker["status"], *marker["reasons"]) for marker in details]


@pytest.mark.parametrize("worker", SIDES)
@pytest.mark.parametrize("decider", SIDES)
def test_each_side_goes_by_the_list_of_the_other(s3, outcome, decider, worker):
    prefix = f"{unique('people')}/steps"
    first = outcome(decider, worker, prefix)
    forced = [("forced.b", "scheduled", "always"), ("forced.b", "completed", "always")]
    assert statuses(first) == [("é.a", "scheduled"), ("é.a", "completed"), *forced]
    listed = s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix)["Contents"]
    assert [it["Key"] for it in listed] == [f"{prefix}/forced.b", f"{prefix}/é.a"]
    content = s3.get_object(Bucket=BUCKET, Key=listed[0]["Key"])["Body"].read()
    content = json.loads(content)
    started = first.info["execution"]
    assert content == {
        "run_id": started["runId"],
        "workflow_id": started["workflowId"],
        "version": "1.0",
    }
    other = {"rust": "python", "python": "rust"}
    second = outcome(other[decider], other[worker], prefix)
    skipped = ("é.a", "skipped", "Step was already played")
    assert statuses(second) == [skipped, *forced]


@pytest.mark.parametrize("worker", SIDES)
def test_both_sides_leave_the_same_in_the_history(s3, outcome, worker):
    prefix = unique("same") + "/"
    histories = []
    for decider in SIDES:
        histories.append(told(outcome(decider, worker, prefix)))
        for it in s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix)["Contents"]:
            s3.delete_object(Bucket=BUCKET, Key=it["Key"])
    assert histories[0] == histories[1]
