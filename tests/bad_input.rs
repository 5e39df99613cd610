//! Bad input: each has a clear message and its exit code, and no panic reaches the user.

use crate::common::{Done, command, run, simpleflow, start};

const BASIC: &str = "examples.basic.BasicWorkflow";

/// Refused before anything ran.
fn refused(done: &Done) -> &str {
    assert_eq!((done.code, &*done.stdout), (2, ""), "{}", done.stderr);
    assert!(
        !done.stderr.contains("panicked at crates"),
        "{}",
        done.stderr
    );
    &done.stderr
}

#[test]
fn malformed_json_has_its_line_and_column() {
    assert_eq!(
        refused(&start(&[BASIC, "--input", "[1,\n 5"])),
        "error: the input is not JSON: EOF while parsing a list, at line 2 column 2\n   5\n   ^\n"
    );
    let done = start(&[BASIC, "--input", "{x: 1}"]);
    assert!(
        refused(&done).contains("key must be a string, at line 1 column 2"),
        "{}",
        done.stderr
    );
    let from_stdin = command(&["workflow.start", "--local", BASIC, "--input-file", "-"]);
    assert_eq!(
        refused(&run(from_stdin, "")),
        "error: the input is empty: expected JSON\n"
    );
}

#[test]
fn a_missing_file_is_named() {
    let done = start(&[BASIC, "--input-file", "no/such/file.json"]);
    assert_eq!(done.code, 1);
    assert!(
        done.stderr
            .contains("cannot read the input from no/such/file.json"),
        "{}",
        done.stderr
    );
}

#[test]
fn arguments_that_do_not_fit_are_named() {
    let says = |input: &str| {
        let done = start(&[BASIC, "--input", input]);
        let message = refused(&done);
        let start = "error: the input does not fit workflow examples.basic.BasicWorkflow: ";
        message
            .strip_prefix(start)
            .unwrap_or(message)
            .trim_end()
            .to_owned()
    };
    assert_eq!(says("[]"), "argument 1 `x` is missing: expected i64");
    assert_eq!(
        says("[1, 2, 3]"),
        "too many arguments: expected at most 2, found 3; the arguments are x: i64, t: f64"
    );
    assert_eq!(
        says("[\"one\"]"),
        "argument 1 `x`: expected i64, found \"one\" (invalid type: string \"one\", expected i64)"
    );
    assert_eq!(
        says("{\"y\": 1}"),
        "there is no argument \"y\"; the arguments are x: i64, t: f64"
    );
    assert_eq!(
        says("{\"args\": [1], \"kwargs\": {\"x\": 1}}"),
        "argument \"x\" is given twice: by position and by name"
    );
}

#[test]
fn an_unknown_workflow_gets_the_list_and_the_nearest() {
    let done = start(&["examples.basic.BasicWorkflo"]);
    let message = refused(&done);
    assert!(
        message.contains("there is no workflow \"examples.basic.BasicWorkflo\""),
        "{message}"
    );
    assert!(
        message.contains("did you mean \"examples.basic.BasicWorkflow\"?"),
        "{message}"
    );
    assert!(
        message.contains("\n  examples.retry.Download\n"),
        "{message}"
    );
    let message = refused(&start(&["zzz"])).to_owned();
    assert!(!message.contains("did you mean"), "{message}");
}

#[test]
fn a_name_of_several_is_refused() {
    let done = start(&["WordCount"]);
    let message = refused(&done);
    assert!(
        message.contains("is the name of several workflows"),
        "{message}"
    );
    assert!(message.contains("examples.fan_out.WordCount"), "{message}");
    assert!(
        message.contains("simpleflow_under_test.other.WordCount"),
        "{message}"
    );
}

#[test]
fn two_workflows_with_one_name_and_version_are_refused() {
    let mut twins = command(&["workflow.start", "--local", BASIC, "--input", "[1, 0]"]);
    twins.env("SIMPLEFLOW_TEST_TWINS", "1");
    let done = run(twins, "");
    let message = refused(&done);
    assert!(
        message.contains("two workflows have the name \"twin\" and version \"test\""),
        "{message}"
    );
    assert!(message.contains("command.rs:"), "{message}");
}

/// Runs a workflow locally with a low ceiling on long values.
fn start_low(args: &[&str]) -> Done {
    let mut command = command(&[&["workflow.start", "--local"], args].concat());
    command.env("SIMPLEFLOW_JUMBO_FIELDS_MAX_SIZE", "35000");
    run(command, "")
}

#[test]
fn an_input_over_the_ceiling_is_refused() {
    let input = format!("[\"{}\", 1]", "x".repeat(40_000));
    let done = start_low(&["approval", "--input", &input]);
    let message = refused(&done);
    assert!(
        message.contains("the input has 40027 characters: jumbo fields take at most 35000"),
        "{message}"
    );
}

#[test]
fn settings_of_long_values_that_mean_nothing_are_named() {
    for (variable, value) in [
        ("SIMPLEFLOW_JUMBO_FIELDS_MAX_SIZE", "many"),
        ("SIMPLEFLOW_JUMBO_FIELDS_BUCKET", "gs://bucket"),
        ("SIMPLEFLOW_ENABLE_DISK_CACHE", "maybe"),
    ] {
        let mut command = command(&["jumbo.cache"]);
        command.env(variable, value);
        let done = run(command, "");
        assert_eq!(done.code, 2, "{}", done.stderr);
        assert!(done.stderr.contains(variable), "{}", done.stderr);
        assert!(done.stderr.contains(value), "{}", done.stderr);
    }
}

#[test]
fn options_with_bad_values_are_named() {
    let says = |args: &[&str]| {
        let args: Vec<&str> = [&[BASIC, "--input", "[1, 0]"], args].concat();
        refused(&start_low(&args)).to_owned()
    };
    let message = says(&["--workflow-id", "a:b"]);
    assert!(
        message.contains("'a:b' for '--workflow-id <ID>'") && message.contains("':'"),
        "{message}"
    );
    let message = says(&["--tags", "1,2,3,4,5,6"]);
    assert!(message.contains("at most 5 tags"), "{message}");
    let message = says(&["--signal", "=1"]);
    assert!(message.contains("signal name \"\" is empty"), "{message}");
    let message = says(&["--signal", "go={"]);
    assert!(message.contains("its payload is not JSON"), "{message}");
    let signal = format!("go=\"{}\"", "x".repeat(40_000));
    let message = says(&["--signal", &signal]);
    assert!(
        message.contains("the payload of signal \"go\" has 40002 characters: jumbo fields take"),
        "{message}"
    );
    let message = says(&["--tags", &format!("a,{}", "x".repeat(257))]);
    assert!(message.contains("a tag of 257 characters"), "{message}");
    let message = says(&["--task-list", "a:b"]);
    assert!(
        message.contains("'a:b' for '--task-list <NAME>'"),
        "{message}"
    );
    for option in ["--execution-timeout", "--decision-tasks-timeout"] {
        for seconds in ["soon", "0", "-1"] {
            let message = says(&[option, seconds]);
            let named = format!("'{seconds}' for '{option} <SECONDS>'");
            assert!(message.contains(&named), "{message}");
        }
    }
    assert!(says(&["--execution-timeout", "31536001"]).contains("1..=31536000"));
    let message = says(&["--input-file", "-"]);
    assert!(message.contains("cannot be used with"), "{message}");
    let message = refused(&simpleflow(&["workflow.start", BASIC])).to_owned();
    assert!(message.contains("--local"), "{message}");
    let message = refused(&simpleflow(&["workflow.begin"])).to_owned();
    assert!(message.contains("workflow.start"), "{message}");
}

#[test]
fn what_goes_wrong_in_the_code_fails_the_workflow() {
    let cases = [
        (
            "panic",
            "Cannot replay the workflow: panic(the workflow panics)",
            "command.rs:",
        ),
        (
            "activity panics",
            "Workflow execution error in",
            "panic: boom: now",
        ),
        (
            "blocking activity panics",
            "Workflow execution error in",
            "panic: boom from a thread",
        ),
        (
            "activity result",
            "Workflow execution error in",
            "has no JSON form: key must be a string",
        ),
        (
            "huge activity result",
            "Workflow execution error in",
            "jumbo fields take at most 35000",
        ),
        (
            "huge activity input",
            "Workflow execution error in",
            "jumbo fields take at most 35000",
        ),
        (
            "huge result",
            "Workflow execution failed",
            "jumbo fields take at most 35000",
        ),
        (
            "foreign",
            "it awaits a foreign future before its first submit",
            "flow.sleep()",
        ),
    ];
    for (how, reason, more) in cases {
        let done = start_low(&["misbehave", "--input", &format!("[{how:?}]")]);
        assert_eq!(
            (done.code, &*done.stdout),
            (1, ""),
            "{how}: {}",
            done.stderr
        );
        assert!(
            done.stderr
                .starts_with("error: simpleflow_under_test.Misbehave: "),
            "{how}: {}",
            done.stderr
        );
        assert!(done.stderr.contains(reason), "{how}: {}", done.stderr);
        assert!(done.stderr.contains(more), "{how}: {}", done.stderr);
        assert!(
            !done.stderr.contains("note: run with `RUST_BACKTRACE"),
            "{how}: {}",
            done.stderr
        );
    }
    let done = start(&["unserialisable"]);
    assert_eq!((done.code, &*done.stdout), (1, ""), "{}", done.stderr);
    assert!(done.stderr.contains("has no JSON form"), "{}", done.stderr);
}

#[test]
fn a_panic_of_an_activity_can_be_handled() {
    let done = start(&["misbehave", "--input", "[\"catches the panic\"]"]);
    assert_eq!(
        (done.code, &*done.stdout),
        (0, "\"panic: boom: caught\"\n"),
        "{}",
        done.stderr
    );
}
