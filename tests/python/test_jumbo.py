"""Long values on S3, which is moto here: what the Python simpleflow writes this one reads, and the
other way round.

SIMPLEFLOW_UNDER_TEST is the path of the command.
"""

import json
import subprocess
import sys

import pytest
from commands import COMMAND, PATIENCE, Outcome, all_running, dotted, ran
from workflows import elsewhere
from world import unique

BUCKET, PREFIX = "jumbo-values", "of/us"
SIGNATURE = f"simpleflow+s3://{BUCKET}/{PREFIX}/"

# Longer than a field, and not of ASCII alone.
LONG = "é🦀" * 20_000


@pytest.fixture(scope="module")
def settings(environment, moto_url, s3):
    """The environment of programs whose long values are on S3."""
    s3.create_bucket(Bucket=BUCKET)
    return {
        **environment,
        "AWS_ENDPOINT_URL_S3": moto_url,
        "SIMPLEFLOW_JUMBO_FIELDS_BUCKET": f"{BUCKET}/{PREFIX}",
    }


@pytest.fixture(scope="module")
def executions(rust, domain, settings, tmp_path_factory):
    """One in which this decides and Python works, and one the other way round."""
    files = tmp_path_factory.mktemp("jumbo")
    text = files / "text.json"
    text.write_text(json.dumps([LONG]))
    starts = {
        "by Python": (rust, "long-by-python"),
        "by Rust": (COMMAND, dotted(elsewhere.LongByRust)),
    }
    decider = ["decider.start", "--domain", domain]
    worker = ["worker.start", "--domain", domain, "--nb-processes", "3"]
    processes = {
        "python-decider": COMMAND
        + decider
        + ["--nb-processes", "1", dotted(elsewhere.LongByRust)],
        "python-worker": COMMAND + worker + ["--task-list", "workers"],
        "rust-decider": rust + decider + ["--task-list", "rust-deciders"],
        "rust-worker": rust + worker + ["--task-list", "rust-workers"],
    }
    with all_running(processes, settings, files):
        started = {}
        for name, (command, workflow) in starts.items():
            start = ["workflow.start", "--domain", domain, "--workflow-id", unique("jumbo")]
            start += ["--input-file", str(text), workflow]
            workflow_id, run_id = ran(command + start, settings).split()
            started[name] = {"workflowId": workflow_id, "runId": run_id}
        yield started


def object_of(s3, signature):
    """What is on S3, without any decoder."""
    location, length = signature.split(" ")
    assert location.startswith(SIGNATURE), signature
    key = location.removeprefix(f"simpleflow+s3://{BUCKET}/")
    text = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read().decode()
    assert len(text) == int(length)
    return text


@pytest.mark.parametrize("name", ["by Python", "by Rust"])
def test_long_values_go_to_the_other_side_and_back(executions, s3, swf, domain, name):
    outcome = Outcome(swf, domain, executions[name])
    assert outcome.status == "COMPLETED", outcome.events[-1]
    (completed,) = outcome.attributes("WorkflowExecutionCompleted")
    assert json.loads(object_of(s3, completed["result"])) == LONG * 2
    results = [a["result"] for a in outcome.attributes("ActivityTaskCompleted")]
    assert [json.loads(object_of(s3, result)) for result in results] == [LONG * 2] * 2
    inputs = [a["input"] for a in outcome.attributes("ActivityTaskScheduled")]
    inputs += [outcome.attributes("WorkflowExecutionStarted")[0]["input"]]
    assert all(given.startswith(SIGNATURE) for given in inputs)


def test_what_is_shown_is_the_signature_unless_it_is_asked_for(
    executions, swf, domain, settings, rust
):
    execution = executions["by Rust"]
    Outcome(swf, domain, execution)
    info = ["--format", "json", "--header", "workflow.info", domain, execution["workflowId"]]
    (shown,) = json.loads(ran(rust + info, settings))
    assert shown["input"].startswith(SIGNATURE)
    (shown,) = json.loads(ran(rust + info + ["--decode"], settings))
    assert shown["input"]["args"] == [LONG]


# The original's own encoder and decoder.
ENCODE = "import sys; from simpleflow import format; print(format.input([sys.stdin.read()]))"
DECODE = "import sys; from simpleflow import format; print(format.decode(sys.argv[1])[0], end='')"


@pytest.mark.parametrize("more", [{}, {"SIMPLEFLOW_ENABLE_DISK_CACHE": "true"}])
def test_each_reads_what_the_other_wrote(
    settings, s3, swf, domain, rust, more, tmp_path
):
    environment = {**settings, **more, "SIMPLEFLOW_DISK_CACHE_DIR": str(tmp_path)}
    encoded = subprocess.run(
        [sys.executable, "-c", ENCODE],
        input=LONG,
        env=environment,
        text=True,
        capture_output=True,
        timeout=PATIENCE,
        check=True,
    ).stdout.strip()
    assert encoded.startswith(SIGNATURE)
    # An execution with what Python wrote, and a signal with what this writes.
    workflow_id = unique("jumbo")
    swf.register_workflow_type(domain=domain, name=workflow_id, version="1")
    swf.start_workflow_execution(
        domain=domain,
        workflowId=workflow_id,
        workflowType={"name": workflow_id, "version": "1"},
        taskList={"name": "nobody"},
        childPolicy="TERMINATE",
        executionStartToCloseTimeout="600",
        taskStartToCloseTimeout="600",
        input=encoded,
    )
    for _ in range(2):
        info = ["--format", "json", "--header", "workflow.info", "--decode", domain, workflow_id]
        (shown,) = json.loads(ran(rust + info, environment))
        assert shown["input"] == [LONG]
    payload = tmp_path / "payload.json"
    payload.write_text(json.dumps([LONG], ensure_ascii=False))
    signal = ["workflow.signal", domain, workflow_id, "go", "--input-file", str(payload)]
    ran(rust + signal, settings)
    events = swf.get_workflow_execution_history(
        domain=domain,
        execution={
            "workflowId": workflow_id,
            "runId": swf.list_open_workflow_executions(
                domain=domain,
                startTimeFilter={"oldestDate": 0},
                executionFilter={"workflowId": workflow_id},
            )["executionInfos"][0]["execution"]["runId"],
        },
    )["events"]
    (signaled,) = [e for e in events if e["eventType"] == "WorkflowExecutionSignaled"]
    sent = signaled["workflowExecutionSignaledEventAttributes"]["input"]
    assert object_of(s3, sent) == payload.read_text()
    assert ran([sys.executable, "-c", DECODE, sent], settings) == LONG
    swf.terminate_workflow_execution(domain=domain, workflowId=workflow_id)


def test_what_is_compressed_is_read_by_this_side(settings, s3, swf, domain, rust, tmp_path):
    text = tmp_path / "text.json"
    text.write_text(json.dumps([LONG]))
    start = ["workflow.start", "--domain", domain, "--workflow-id", unique("jumbo")]
    start += ["--task-list", "nobody", "--input-file", str(text), "long-by-python"]
    compresses = {**settings, "SIMPLEFLOW_JUMBO_FIELDS_COMPRESSION": "zstd"}
    started = ran(rust + start, compresses)
    workflow_id = started.split()[0]
    info = ["--format", "json", "--header", "workflow.info", domain, workflow_id]
    (shown,) = json.loads(ran(rust + info, settings))
    key = shown["input"].split(" ")[0].removeprefix(f"simpleflow+s3://{BUCKET}/")
    assert s3.head_object(Bucket=BUCKET, Key=key)["ContentLength"] < 1_000
    (shown,) = json.loads(ran(rust + info + ["--decode"], settings))
    assert shown["input"]["args"] == [LONG]
    swf.terminate_workflow_execution(domain=domain, workflowId=workflow_id)
