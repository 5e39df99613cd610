"""Long values on S3, which is moto here: what the Python simpleflow writes this one reads, and the
other way round.

SIMPLEFLOW_UNDER_TEST is the path of the command.
"""

import json
import os
import subprocess
import sys
from urllib.error import URLError
from urllib.request import urlopen

import boto3
import pytest
from commands import COMMAND, Outcome, background, dotted
from server import free_port
from test_moto import PATIENCE, running
from waiting import eventually
from workflows import elsewhere
from world import unique

BUCKET, PREFIX = "jumbo-values", "of/us"
SIGNATURE = f"simpleflow+s3://{BUCKET}/{PREFIX}/"

# Longer than a field, and not of ASCII alone.
LONG = "é🦀" * 20_000


@pytest.fixture(scope="module")
def values(endpoint, environment, tmp_path_factory):
    """The environment of programs whose long values are on S3, and a client of it."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    log = tmp_path_factory.mktemp("s3") / "moto.log"
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with running(command, log) as process:

        def listens():
            assert process.poll() is None, log.read_text()
            with urlopen(f"{url}/moto-api/", timeout=5):
                return True

        eventually(listens, retry=(URLError, ConnectionError))
        settings = {
            **environment,
            "AWS_ENDPOINT_URL_S3": url,
            "SIMPLEFLOW_JUMBO_FIELDS_BUCKET": f"{BUCKET}/{PREFIX}",
        }
        s3 = boto3.client(
            "s3",
            endpoint_url=url,
            aws_access_key_id="AKIDTEST",
            aws_secret_access_key="secret",
            region_name="us-east-1",
        )
        s3.create_bucket(Bucket=BUCKET)
        yield settings, s3


@pytest.fixture(scope="module")
def rust():
    path = os.environ.get("SIMPLEFLOW_UNDER_TEST")
    assert path, "set SIMPLEFLOW_UNDER_TEST to the path of the command"
    return [path]


@pytest.fixture(scope="module")
def ran(values):
    """Runs a command to its end: what it prints."""
    settings, _ = values

    def run(command, **more):
        done = subprocess.run(
            command,
            env={**settings, **more},
            text=True,
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture(scope="module")
def executions(rust, domain, values, ran, tmp_path_factory):
    """One in which this decides and Python works, and one the other way round."""
    settings, _ = values
    files = tmp_path_factory.mktemp("jumbo")
    text = files / "text.json"
    text.write_text(json.dumps([LONG]))
    starts = {
        "by Python": (rust, "long-by-python"),
        "by Rust": (COMMAND, dotted(elsewhere.LongByRust)),
    }
    decider = ["decider.start", "--domain", domain]
    worker = ["worker.start", "--domain", domain, "--nb-processes", "3"]
    processes = [
        COMMAND + decider + ["--nb-processes", "1", dotted(elsewhere.LongByRust)],
        COMMAND + worker + ["--task-list", "workers"],
        rust + decider + ["--task-list", "rust-deciders"],
        rust + worker + ["--task-list", "rust-workers"],
    ]
    contexts = [
        background(command, settings, files / f"{number}.log")
        for number, command in enumerate(processes)
    ]
    try:
        for context in contexts:
            context.__enter__()
        started = {}
        for name, (command, workflow) in starts.items():
            start = ["workflow.start", "--domain", domain, "--workflow-id", unique("jumbo")]
            start += ["--input-file", str(text), workflow]
            workflow_id, run_id = ran(command + start).split()
            started[name] = {"workflowId": workflow_id, "runId": run_id}
        yield started
    finally:
        for context in contexts:
            context.__exit__(None, None, None)


def object_of(s3, signature):
    """What is on S3, without any decoder."""
    location, length = signature.split(" ")
    assert location.startswith(SIGNATURE), signature
    key = location.removeprefix(f"simpleflow+s3://{BUCKET}/")
    text = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read().decode()
    assert len(text) == int(length)
    return text


@pytest.mark.parametrize("name", ["by Python", "by Rust"])
def test_long_values_go_to_the_other_side_and_back(executions, values, swf, domain, name):
    _, s3 = values
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
    executions, swf, domain, ran, rust
):
    execution = executions["by Rust"]
    Outcome(swf, domain, execution)
    info = ["--format", "json", "--header", "workflow.info", domain, execution["workflowId"]]
    (shown,) = json.loads(ran(rust + info))
    assert shown["input"].startswith(SIGNATURE)
    (shown,) = json.loads(ran(rust + info + ["--decode"]))
    assert shown["input"]["args"] == [LONG]


# The original's own encoder and decoder.
ENCODE = "import sys; from simpleflow import format; print(format.input([sys.stdin.read()]))"
DECODE = "import sys; from simpleflow import format; print(format.decode(sys.argv[1])[0], end='')"


@pytest.mark.parametrize("more", [{}, {"SIMPLEFLOW_ENABLE_DISK_CACHE": "true"}])
def test_each_reads_what_the_other_wrote(values, swf, domain, ran, rust, more, tmp_path):
    settings, s3 = values
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
        (shown,) = json.loads(ran(rust + info, **more, SIMPLEFLOW_DISK_CACHE_DIR=str(tmp_path)))
        assert shown["input"] == [LONG]
    payload = tmp_path / "payload.json"
    payload.write_text(json.dumps([LONG], ensure_ascii=False))
    ran(rust + ["workflow.signal", domain, workflow_id, "go", "--input-file", str(payload)])
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
    assert ran([sys.executable, "-c", DECODE, sent]) == LONG
    swf.terminate_workflow_execution(domain=domain, workflowId=workflow_id)


def test_what_is_compressed_is_read_by_this_side(values, swf, domain, ran, rust, tmp_path):
    _, s3 = values
    text = tmp_path / "text.json"
    text.write_text(json.dumps([LONG]))
    start = ["workflow.start", "--domain", domain, "--workflow-id", unique("jumbo")]
    start += ["--task-list", "nobody", "--input-file", str(text), "long-by-python"]
    started = ran(rust + start, SIMPLEFLOW_JUMBO_FIELDS_COMPRESSION="zstd")
    workflow_id = started.split()[0]
    info = ["--format", "json", "--header", "workflow.info", domain, workflow_id]
    (shown,) = json.loads(ran(rust + info))
    key = shown["input"].split(" ")[0].removeprefix(f"simpleflow+s3://{BUCKET}/")
    assert s3.head_object(Bucket=BUCKET, Key=key)["ContentLength"] < 1_000
    (shown,) = json.loads(ran(rust + info + ["--decode"]))
    assert shown["input"]["args"] == [LONG]
    swf.terminate_workflow_execution(domain=domain, workflowId=workflow_id)
