//! The command as a person uses it.

use std::process::Stdio;

use crate::common::{Done, command, run, simpleflow, start};
use simpleflow::model::types::History;
use simpleflow::testing::replay;

const BASIC: &str = "examples.basic.BasicWorkflow";

fn assert_is_four(done: &Done) {
    assert_eq!(done.stderr, "");
    assert_eq!(done.stdout, "(1 + 1) * 2 = 4\n4\n");
    assert_eq!(done.code, 0);
}

#[test]
fn a_workflow_is_found_by_path_name_or_last_part() {
    for name in [BASIC, "basic", "BasicWorkflow", "basic.BasicWorkflow"] {
        assert_is_four(&start(&[name, "--input", "[1, 0]"]));
    }
}

#[test]
fn an_input_is_a_list_an_object_an_envelope_a_file_or_stdin() {
    for input in [
        "[1, 0]",
        r#"{"x": 1, "t": 0}"#,
        r#"{"args": [1], "kwargs": {"t": 0}}"#,
    ] {
        assert_is_four(&start(&[BASIC, "--input", input]));
        assert_is_four(&start(&[BASIC, "-i", input]));
        let from_stdin = command(&["workflow.start", "--local", BASIC, "--input-file", "-"]);
        assert_is_four(&run(from_stdin, input));
        let piped = command(&["workflow.start", "--local", BASIC]);
        assert_is_four(&run(piped, input));
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), input).unwrap();
        assert_is_four(&start(&[
            BASIC,
            "--input-file",
            file.path().to_str().unwrap(),
        ]));
    }
}

#[test]
fn virtual_time_passes_at_once() {
    let done = start(&["approval", "--input", "[\"ada\", 31000000]", "--skip-time"]);
    assert_eq!(
        (done.code, &*done.stdout),
        (0, "\"ada: no answer\"\n"),
        "{}",
        done.stderr
    );
}

#[test]
fn a_signal_is_sent_right_after_the_start() {
    let answer = "answer={\"approved\": false}";
    let done = start(&["approval", "--input", "[\"ada\"]", "--signal", answer]);
    assert_eq!(
        (done.code, &*done.stdout),
        (0, "\"ada: refused\"\n"),
        "{}",
        done.stderr
    );
}

#[test]
fn a_failure_has_its_cause_and_exit_code_1() {
    let done = start(&["examples.retry.Download", "--input", "[19]"]);
    assert_eq!(done.code, 1);
    assert_eq!(done.stdout, "");
    assert_eq!(
        done.stderr,
        "error: examples.retry.Download: Workflow execution failed: 2 parts are damaged\n"
    );
}

#[test]
fn the_history_is_swf_s_and_replays() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap();
    let done = start(&[
        "fan_out.WordCount",
        "--input",
        "[[\"a b\", \"b\"]]",
        "--history",
        path,
    ]);
    assert_eq!(
        (done.code, &*done.stdout),
        (0, "{\"a\":1,\"b\":2}\n"),
        "{}",
        done.stderr
    );
    let json = std::fs::read_to_string(path).unwrap();
    let history: History = serde_json::from_str(&json).unwrap();
    let types: Vec<_> = history
        .events
        .iter()
        .map(|event| event.event_type())
        .collect();
    assert_eq!(
        types[..3],
        [
            "WorkflowExecutionStarted",
            "DecisionTaskScheduled",
            "DecisionTaskStarted"
        ]
    );
    assert_eq!(
        types
            .iter()
            .filter(|t| **t == "ActivityTaskCompleted")
            .count(),
        3
    );
    assert_eq!(types.last(), Some(&"WorkflowExecutionCompleted"));
    replay::<examples::fan_out::WordCount>(&json)
        .check()
        .unwrap();
}

#[test]
fn options_reach_the_execution() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap();
    let done = start(&[
        BASIC,
        "--input",
        "[1, 0]",
        "--history",
        path,
        "--workflow-id",
        "mine",
        "--tags",
        "a,b",
        "--execution-timeout",
        "600",
        "--decision-tasks-timeout",
        "30",
        "--task-list",
        "elsewhere",
    ]);
    assert_is_four(&done);
    let history: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(history["workflowExecution"]["workflowId"], "mine");
    let started = &history["events"][0]["workflowExecutionStartedEventAttributes"];
    assert_eq!(started["tagList"], serde_json::json!(["a", "b"]));
    assert_eq!(started["executionStartToCloseTimeout"], "600");
    assert_eq!(started["taskStartToCloseTimeout"], "30");
    assert_eq!(started["taskList"]["name"], "elsewhere");
    assert_eq!(started["input"], r#"{"args":[1,0],"kwargs":{}}"#);
}

#[test]
fn help_version_and_completions_are_data() {
    let help = simpleflow(&["--help"]);
    assert_eq!((help.code, &*help.stderr), (0, ""));
    for command in [
        "workflow.start",
        "new",
        "completions",
        "LOG_LEVEL",
        "also with csv and tsv",
    ] {
        assert!(help.stdout.contains(command), "{}", help.stdout);
    }
    assert!(!help.stdout.contains('\u{1b}'), "no colours in a pipe");
    let help = simpleflow(&["workflow.start", "--help"]);
    for part in ["Examples:", "Workflows:\n", "\n  examples.retry.Download\n"] {
        assert!(help.stdout.contains(part), "{}", help.stdout);
    }
    let version = simpleflow(&["--version"]);
    assert_eq!(
        version.stdout,
        format!("simpleflow {}\n", env!("CARGO_PKG_VERSION"))
    );
    for shell in ["bash", "zsh", "fish"] {
        let script = simpleflow(&["completions", shell]);
        for word in ["workflow.start", "simpleflow-under-test"] {
            assert!(script.stdout.contains(word), "{shell}: {}", script.stdout);
        }
    }
}

#[test]
fn logs_are_on_stderr_as_the_environment_asks() {
    for (name, value) in [
        ("LOG_LEVEL", "DEBUG"),
        ("RUST_LOG", "simpleflow_executor=debug"),
    ] {
        let mut logging = command(&["workflow.start", "--local", BASIC, "--input", "[1, 0]"]);
        logging.env(name, value);
        let done = run(logging, "");
        assert_eq!(done.stdout, "(1 + 1) * 2 = 4\n4\n");
        assert!(done.stderr.contains("decided"), "{}", done.stderr);
    }
    for (name, value) in [("LOG_LEVEL", "loud"), ("RUST_LOG", "loud,,=")] {
        let mut logging = command(&["workflow.start", "--local", BASIC, "--input", "[1, 0]"]);
        logging.env(name, value);
        let done = run(logging, "");
        assert_eq!(done.code, 0);
        let told = format!("{name} {value:?}");
        assert!(done.stderr.contains(&told), "{}", done.stderr);
    }
}

#[test]
fn a_level_that_there_is_not_is_refused() {
    let done = simpleflow(&["decider.start", "-d", "d", "-t", "t", "--log-level", "loud"]);
    assert_eq!(done.code, 2);
    assert!(
        done.stderr.contains("expected off, error, warn"),
        "{}",
        done.stderr
    );
}

#[test]
fn colours_are_there_when_they_are_asked_for() {
    let coloured = |args: &[&str]| {
        let done = simpleflow(&[args, &["workflow.start", "--local", "nothing"]].concat());
        assert_eq!(done.code, 2);
        done.stderr.contains('\u{1b}')
    };
    assert!(coloured(&["--color", "always"]));
    assert!(!coloured(&["--color", "never"]));
    assert!(!coloured(&[]), "no colours in a pipe");
    let mut logging = command(&["workflow.start", "--local", BASIC, "--input", "[1, 0]"]);
    logging
        .args(["--color", "always"])
        .env("LOG_LEVEL", "debug");
    let done = run(logging, "");
    assert!(done.stderr.contains('\u{1b}'), "{}", done.stderr);
}

#[test]
fn an_empty_variable_is_none() {
    let mut start = command(&["workflow.start", "--local", BASIC, "--input", "[1, 0]"]);
    start.env("SIMPLEFLOW_FORMAT", "").env("SWF_DOMAIN", "");
    assert_is_four(&run(start, ""));
    for args in [
        &["decider.start", "-t", "t"][..],
        &["worker.start", "-t", "t"],
    ] {
        let mut start = command(args);
        start.env("SWF_DOMAIN", "");
        let done = run(start, "");
        assert_eq!(done.code, 2, "{}", done.stderr);
        let missing = "required arguments were not provided:\n  --domain";
        assert!(done.stderr.contains(missing), "{}", done.stderr);
    }
}

/// Somebody who has hung up: what is written to it is lost.
fn hung_up() -> std::io::PipeWriter {
    std::io::pipe().unwrap().1
}

#[test]
fn a_reader_that_hung_up_is_no_failure() {
    let logging = |args: &[&str]| {
        let mut command = command(&[&["workflow.start", "--local"], args].concat());
        command
            .env("LOG_LEVEL", "debug")
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    };
    let approval = ["approval", "--input", "[\"ada\"]", "--skip-time"];
    let done = logging(&approval).stdout(hung_up()).status().unwrap();
    assert_eq!(done.code(), Some(0));
    let done = logging(&approval).stderr(hung_up()).status().unwrap();
    assert_eq!(done.code(), Some(0));
    let done = logging(&["nothing"]).stderr(hung_up()).status().unwrap();
    assert_eq!(done.code(), Some(2));
}

#[test]
fn a_history_that_cannot_be_written_is_told_before_the_run() {
    let done = start(&[
        BASIC,
        "--input",
        "[1, 0]",
        "--history",
        "no/such/directory/history.json",
    ]);
    assert_eq!((done.code, &*done.stdout), (1, ""));
    assert!(
        done.stderr
            .contains("cannot write no/such/directory/history.json"),
        "{}",
        done.stderr
    );
}

#[test]
fn a_byte_order_mark_is_no_input() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "\u{feff}[1, 0]").unwrap();
    let path = file.path().to_str().unwrap();
    assert_is_four(&start(&[BASIC, "--input-file", path]));
}
