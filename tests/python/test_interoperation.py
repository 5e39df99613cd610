"""The Python simpleflow and the command of the project, each doing the other's work on one server:
activities, children, and the commands that look at executions.

SIMPLEFLOW_UNDER_TEST is the path of the command, the one with `tests/interoperation.rs` in it.
"""

import csv
import io
import json
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from click.testing import CliRunner
from commands import COMMAND, PATIENCE, Outcome, all_running, dotted, ran
from simpleflow.command import cli
from waiting import eventually
from workflows import elsewhere
from workflows.definitions import Child
from world import unique

# A signature of a jumbo field, which stands for a text in S3.
SIGNATURE = "simpleflow+s3://bucket/dir/735471c1-ac26-4c5d-a4ba-f85c7c5fb211 1048578"

# Values that have to go to the other side and back as they are.
SAMPLE = {
    "text like a signature": SIGNATURE,
    "text": 'é\u2028\U0001f980 "quoted" \\ \n',
    "numbers": [0, -1, 2**63 - 1, 1.5, 1e100, -0.1],
    "nothing": [None, {}, [], ""],
    "members": {"z": True, "a": False, "args": [1], "kwargs": {"x": 2}},
}


@pytest.fixture(scope="module")
def executions(rust, domain, environment, tmp_path_factory):
    """All executions, each started by the command of the side that decides for it."""
    files = tmp_path_factory.mktemp("interoperation")
    sample = json.dumps(SAMPLE)
    starts = {
        "served by Python": (rust, "served-by-python", f'[{sample}, "{files}/python"]'),
        "failed by Python": (rust, "failed-by-python", "[]"),
        "waits": (rust, "waits", "[]"),
        "served by Rust": (
            COMMAND,
            dotted(elsewhere.ServedByRust),
            f'{{"args": [{sample}], "kwargs": {{"attempts": "{files}/rust"}}}}',
        ),
        "failed by Rust": (COMMAND, dotted(elsewhere.FailedByRust), "[]"),
        # Of a type and for a decider in Rust.
        "started by Python": (COMMAND, dotted(elsewhere.Child), "[20]"),
    }

    def start(item):
        name, (command, workflow, arguments) = item
        start = ["workflow.start", "--domain", domain, "--workflow-id", unique("interoperation")]
        start += ["--tags", "one,two", "--input", arguments, workflow]
        workflow_id, run_id = ran(command + start, environment).split()
        return name, {"workflowId": workflow_id, "runId": run_id}

    processes = {
        "python-decider": COMMAND
        + ["decider.start", "--domain", domain, "--nb-processes", "1"]
        + [dotted(w) for w in (elsewhere.ServedByRust, elsewhere.FailedByRust, Child)],
        "python-worker": COMMAND
        + ["worker.start", "--domain", domain, "--task-list", "workers"]
        + ["--nb-processes", "3", "--heartbeat", "1"],
        "rust-decider": rust
        + ["decider.start", "--domain", domain, "--task-list", "rust-deciders"],
        "rust-worker": rust
        + ["worker.start", "--domain", domain, "--task-list", "rust-workers"]
        + ["--nb-processes", "3", "--heartbeat", "1"],
    }
    with (
        ThreadPoolExecutor(max_workers=2) as threads,
        all_running(processes, environment, files),
    ):
        yield dict(threads.map(start, starts.items()))


@pytest.fixture
def outcome(swf, domain, executions):
    """The outcome of an execution, by its name."""
    return lambda name: Outcome(swf, domain, executions[name])


@pytest.fixture
def closed(executions, outcome):
    """The names of the executions that close by themselves, when they have."""
    names = [name for name in executions if name != "waits"]
    assert all(outcome(name).status for name in names)
    return names


def beaten(outcome):
    """No task timed out, though one took longer than its heartbeat may."""
    return "ActivityTaskTimedOut" not in [event["eventType"] for event in outcome.events]


def test_a_worker_in_python_serves_a_decider_in_rust(outcome):
    served = outcome("served by Python")
    result = served.result
    details = json.loads(result["failed"].pop("details"))
    assert details.pop("traceback")[0].startswith("Traceback")
    assert details == {
        "error": "ValueError",
        "error_type": "ValueError",
        "message": "this cannot be",
    }
    assert result == {
        "scaled": 42,
        "child": 8,
        "echoed": SAMPLE,
        "retried": 3,
        "paused": "rested",
        "failed": {"reason": "ValueError: this cannot be"},
        "too long": {
            "reason": "JumboTooLargeError: Message too long (40002 chars)",
            "details": None,
        },
    }
    assert beaten(served)
    inputs = {
        event["activityType"]["name"].rpartition(".")[2]: json.loads(event["input"])
        for event in served.attributes("ActivityTaskScheduled")
    }
    assert inputs["scale"] == {"args": [], "kwargs": {"value": 2, "by": 21}}


def test_a_worker_in_rust_serves_a_decider_in_python(outcome):
    served = outcome("served by Rust")
    result = served.result
    too_long = result.pop("too long")
    assert "40002 characters of result" in too_long["reason"], too_long
    panicked = result.pop("panicked")
    assert panicked["reason"] == "panic: this neither"
    assert panicked["details"]["error_type"] == "panic"
    assert result == {
        "sums": [3, 13, 14],
        "child": 12,
        "echoed": [SAMPLE, SIGNATURE],
        "retried": 3,
        "paused": "rested",
        "failed": {
            "reason": "ParseIntError: invalid digit found in string",
            "details": {
                "error": "ParseIntError",
                "error_type": "core::num::error::ParseIntError",
                "message": "invalid digit found in string",
                "traceback": [],
            },
        },
    }
    assert beaten(served)


def test_both_fail_an_execution_in_the_same_words(outcome):
    for name, words in {
        "failed by Python": 'workflows.activities.fail: "ValueError: this cannot be"',
        "failed by Rust": 'workflows.elsewhere.fail: '
        '"ParseIntError: invalid digit found in string"',
    }.items():
        failing = outcome(name)
        assert failing.status == "FAILED"
        (failed,) = failing.attributes("WorkflowExecutionFailed")
        assert failed["reason"] == f"Workflow execution error in activity-{words}"
        assert set(json.loads(failed["details"])) == {
            "error",
            "error_type",
            "message",
            "traceback",
        }


def test_a_workflow_in_rust_is_started_by_the_command_in_python(outcome):
    assert outcome("started by Python").result == 40


@pytest.fixture(scope="module")
def printed(rust, environment):
    """What both commands print on stdout: of Rust, and of Python."""

    def printed(*arguments):
        done = CliRunner().invoke(cli, arguments, env=environment, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return ran([*rust, *arguments], environment), done.stdout

    return printed


FORMATS = [
    [],
    ["--header"],
    ["--format", "csv"],
    ["--format", "tsv"],
    ["--format", "json"],
    ["--header", "--format", "json"],
]

# A time without places of a second, which is how the original prints one when they are all 0.
WHOLE_SECONDS = re.compile(r"(\d\d:\d\d:\d\d)(Z|\+00:00)")


def rows(printed, options):
    """The rows of a table: lists of cells, or objects."""
    printed = WHOLE_SECONDS.sub(
        lambda time: time[1] + (".000" if time[2] == "Z" else ".000000") + time[2], printed
    )
    if "json" in options:
        return json.loads(printed)
    if "csv" in options or "tsv" in options:
        delimiter = "\t" if "tsv" in options else ","
        table = csv.reader(io.StringIO(printed, newline=""), delimiter=delimiter)
        # The original ends in an empty line.
        return [row for row in table if row]
    return [line.split() for line in printed.splitlines()]


def is_child(row):
    return "Child" in (row[0] if isinstance(row, list) else str(row))


SERVED = ["served by Python", "served by Rust"]


@pytest.mark.parametrize("options", FORMATS, ids=" ".join)
@pytest.mark.parametrize("command", ["workflow.tasks", "workflow.profile"])
@pytest.mark.parametrize("name", SERVED)
def test_both_print_the_same_tasks(
    printed, domain, executions, outcome, name, command, options
):
    assert outcome(name).status == "COMPLETED"
    ids = executions[name]
    rust, python = (
        rows(text, options)
        for text in printed(*options, command, domain, ids["workflowId"], ids["runId"])
    )
    # The original does not say when a child was scheduled.
    assert [is_child(row) for row in rust] == [is_child(row) for row in python]
    assert any(map(is_child, rust))
    rust, python = ([row for row in table if not is_child(row)] for table in (rust, python))
    assert rust == python
    assert len(rust) >= 7


@pytest.mark.parametrize("name", SERVED)
def test_both_print_the_same_execution(printed, domain, executions, outcome, name):
    assert outcome(name).status == "COMPLETED"
    ids = executions[name]
    info = ["--header", "--format", "json", "workflow.info", domain, *ids.values()]
    rust, python = (json.loads(text) for text in printed(*info))
    # The original's time and input are those of tasks.
    for row in (*rust, *python):
        del row["execution_time"]
    assert rust[0].pop("input") is not None
    assert python[0].pop("input") is not None
    assert rust == python
    assert rust[0]["tag_list"] == "one,two"


@pytest.mark.parametrize("options", FORMATS, ids=" ".join)
def test_both_list_the_same_executions(printed, domain, closed, options):
    rust, python = (
        rows(text, options)
        for text in printed(*options, "workflow.list", domain, "--status", "closed")
    )
    assert rust == python
    # The children are there too.
    assert len(rust) > len(closed)


def said(cooked):
    """What a cooked history says, without what the original never says."""
    if not isinstance(cooked, dict):
        return cooked
    unsaid = ["raw_input", "schedule_failed_id"]
    return {
        name: said(value)
        for name, value in cooked.items()
        if value not in (None, "") and name not in unsaid
    }


@pytest.mark.parametrize("name", SERVED)
def test_both_print_the_same_history(rust, domain, environment, executions, outcome, name):
    assert outcome(name).status == "COMPLETED"
    history = ["--header", "--format", "json", "workflow.history", "--domain", domain]
    history += executions[name].values()
    for form, read in [("events", lambda events: events), ("cooked", said)]:
        of_rust, of_python = (
            rows(ran([*command, *history, "--output-format", form], environment), ["json"])
            for command in (rust, COMMAND)
        )
        assert len(of_rust) > 5
        assert read(of_rust) == read(of_python)


def test_both_look_at_an_open_execution(
    rust, printed, domain, environment, executions, closed, outcome
):
    workflow_id = executions["waits"]["workflowId"]
    task = "activity-workflows.activities.increment-1"

    def waits():
        tasks = ran([*rust, "workflow.tasks", domain, workflow_id], environment)
        return "completed" in tasks

    eventually(waits, seconds=PATIENCE, interval=0.1)
    for command in [
        ["workflow.tasks", domain, workflow_id],
        ["task.info", "--details", domain, workflow_id, task],
        ["workflow.list", domain],
    ]:
        for options in [["--format", "json"], ["--header", "--format", "json"]]:
            of_rust, of_python = (rows(text, options) for text in printed(*options, *command))
            assert of_rust == of_python
    ran([*rust, "workflow.signal", domain, workflow_id, "go", "--input", "41"], environment)
    assert outcome("waits").result == 42


def test_standalone_on_the_same_server(rust, printed, domain, environment):
    """The other one's is in test_simpleflow.py."""
    workflow_id = unique("standalone")
    command = ["standalone", "--domain", domain, "--workflow-id", workflow_id]
    command += ["--nb-deciders", "1", "--nb-workers", "1"]
    ids, *_, result = ran(
        [*rust, *command, "--input", "[20, 0]", "examples.basic.BasicWorkflow"], environment
    ).splitlines()
    assert result == "42"
    tasks = printed("--format", "json", "workflow.tasks", domain, *ids.split())
    of_rust, of_python = (rows(text, ["json"]) for text in tasks)
    assert of_rust == of_python
    assert len(of_rust) == 3
