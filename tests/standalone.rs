//! `standalone`: a workflow with a decider and a worker of its own.

use std::path::Path;
use std::process::Command;

use crate::common::{Done, alone, run};
use crate::running::Running;

const BASIC: &str = "examples.basic.BasicWorkflow";

fn command(dir: &Path, args: &[&str]) -> Command {
    alone(dir, &[&["standalone"], args].concat())
}

fn standalone(dir: &Path, args: &[&str]) -> Done {
    run(command(dir, args), "")
}

/// The lines of stdout: the ids, and the last.
fn ids_and_result(done: &Done) -> (&str, &str) {
    let mut lines = done.stdout.lines();
    let ids = lines.next().unwrap_or_default();
    (ids, lines.next_back().unwrap_or_default())
}

#[test]
fn a_workflow_runs_with_nothing_set_up() {
    let dir = tempfile::tempdir().expect("a directory");
    let done = standalone(dir.path(), &[BASIC, "--input", "[1, 0]"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    let (ids, result) = ids_and_result(&done);
    assert!(ids.starts_with("basic 22"), "{}", done.stdout);
    assert_eq!(result, "4");
    for told in [
        "a server in this process, data in simpleflow-data, domain standalone",
        "activity-examples.basic.increment-1 scheduled",
        "activity-examples.basic.double-1 completed after",
    ] {
        assert!(done.stderr.contains(told), "{told:?} in {}", done.stderr);
    }
    // What is closed does not keep the next from its id.
    let again = ["--display-status", "false", BASIC, "--input", "[2, 0]"];
    let done = standalone(dir.path(), &again);
    assert_eq!((done.code, ids_and_result(&done).1), (0, "6"));
    assert!(!done.stderr.contains("scheduled"), "{}", done.stderr);
}

#[test]
fn a_failure_is_the_exit_code() {
    let dir = tempfile::tempdir().expect("a directory");
    let done = standalone(dir.path(), &["Download", "--input", "[18]"]);
    assert_eq!(done.code, 1, "{}", done.stderr);
    assert!(
        done.stderr.contains("error: examples.retry.Download"),
        "{}",
        done.stderr
    );
    let done = standalone(dir.path(), &["basic", "--input", "[1, 2, 3]"]);
    assert_eq!((done.code, &*done.stdout), (2, ""), "{}", done.stderr);
    let done = standalone(dir.path(), &["basic", "--run-id", "x"]);
    assert_eq!(done.code, 2);
    let done = standalone(dir.path(), &["basic", "--repair", "gone"]);
    assert_eq!(done.code, 1);
    assert!(
        done.stderr.contains("Workflow gone not found"),
        "{}",
        done.stderr
    );
}

#[test]
fn what_is_interrupted_goes_on_with_the_next_call() {
    let dir = tempfile::tempdir().expect("a directory");
    let approval = ["approval", "--input", r#"["a report", 3600]"#];
    let first = Running::start(&mut command(dir.path(), &approval));
    first.says("completed after");
    first.signal("-INT");
    let first = first.done();
    assert_eq!(first.code, 1, "{}", first.stderr);
    assert!(
        first.stderr.contains("The same command goes on with it"),
        "{}",
        first.stderr
    );
    // With another input it is another execution.
    let other = standalone(dir.path(), &["approval", "--input", r#"["another", 3600]"#]);
    assert_eq!(other.code, 1, "{}", other.stderr);
    assert!(other.stderr.contains("its input is"), "{}", other.stderr);

    let second = Running::start(&mut command(dir.path(), &approval));
    second.says("going on with it");
    second.says("completed after");
    second.signal("-INT");
    let second = second.done();
    assert_eq!(second.stdout, first.stdout, "it is the same run");
}

#[test]
fn a_repair_takes_over_what_was_done() {
    let dir = tempfile::tempdir().expect("a directory");
    let done = standalone(
        dir.path(),
        &[BASIC, "--workflow-id", "former", "--input", "[3, 0]"],
    );
    assert_eq!(done.code, 0, "{}", done.stderr);
    let repaired = [BASIC, "--workflow-id", "next", "--repair", "former"];
    let done = standalone(
        dir.path(),
        &[&repaired[..], &["--force-activities", "^activity-.*double"]].concat(),
    );
    assert_eq!(
        (done.code, ids_and_result(&done).1),
        (0, "8"),
        "{}",
        done.stderr
    );
    assert!(
        done.stderr.contains("takes over 2 tasks of former "),
        "{}",
        done.stderr
    );
}

#[test]
fn an_activity_is_rerun_in_a_store_that_others_can_look_into() {
    let dir = tempfile::tempdir().expect("a directory");
    let done = standalone(
        dir.path(),
        &[BASIC, "--workflow-id", "former", "--input", "[3, 0]"],
    );
    assert_eq!(done.code, 0, "{}", done.stderr);
    let mut rerun = alone(dir.path(), &["activity.rerun", "-d", "standalone"]);
    rerun
        .args(["--workflow-id", "former"])
        .args(["--activity-id", "activity-examples.basic.increment-1"]);
    let done = run(rerun, "");
    assert_eq!((done.code, &*done.stdout), (0, "4\n"), "{}", done.stderr);
    assert!(
        done.stderr.contains("a server in this process"),
        "{}",
        done.stderr
    );
}

#[test]
fn others_look_into_it_while_it_runs_and_afterwards() {
    let dir = tempfile::tempdir().expect("a directory");
    let waits = ["approval", "--input", r#"["a report", 3600]"#];
    let running = Running::start(&mut command(dir.path(), &waits));
    running.says("deadline scheduled");
    // A region of the environment is not that of the store.
    let why = || {
        let mut why = alone(dir.path(), &["workflow.why", "standalone", "approval"]);
        why.env("AWS_REGION", "eu-west-1");
        run(why, "")
    };
    let told = why();
    assert_eq!(told.code, 0, "{}", told.stderr);
    assert!(
        told.stderr.contains("the server on simpleflow-data"),
        "{}",
        told.stderr
    );
    assert!(
        told.stdout.contains("Timer deadline fires at"),
        "{}",
        told.stdout
    );
    // It ends with its work, so nobody else may count on its server.
    let second = standalone(dir.path(), &[BASIC, "--input", "[1, 0]"]);
    assert_eq!(second.code, 1, "{}", second.stderr);
    assert!(
        second.stderr.contains("in use by another standalone"),
        "{}",
        second.stderr
    );
    running.signal("-INT");
    let ended = running.done();
    assert!(
        ended
            .stderr
            .contains("workflow.terminate standalone approval --data-dir simpleflow-data"),
        "{}",
        ended.stderr
    );
    let told = why();
    assert!(
        told.stderr.contains("the store in simpleflow-data"),
        "{}",
        told.stderr
    );
    assert!(
        told.stdout.contains("Timer deadline fires at"),
        "{}",
        told.stdout
    );
}

#[test]
fn an_interrupted_repair_goes_on_with_the_same_command() {
    let dir = tempfile::tempdir().expect("a directory");
    let approval = |seconds: u32| {
        let input = format!(r#"["a report", {seconds}]"#);
        ["approval".to_owned(), "--input".to_owned(), input]
    };
    let first = approval(0);
    let first: Vec<_> = first.iter().map(String::as_str).collect();
    let done = standalone(dir.path(), &first);
    assert_eq!(done.code, 0, "{}", done.stderr);
    let mut repair: Vec<_> = approval(3600).to_vec();
    repair.extend(["--repair".to_owned(), "approval".to_owned()]);
    let repair: Vec<_> = repair.iter().map(String::as_str).collect();
    let running = Running::start(&mut command(dir.path(), &repair));
    running.says("takes over 2 tasks");
    running.says("deadline scheduled");
    running.signal("-INT");
    let interrupted = running.done();
    assert_eq!(interrupted.code, 1, "{}", interrupted.stderr);
    let again = Running::start(&mut command(dir.path(), &repair));
    again.says("takes over 2 tasks");
    again.says("going on with it");
    again.signal("-INT");
    assert_eq!(
        again.done().stdout,
        interrupted.stdout,
        "it is the same run"
    );
}

#[test]
fn a_repair_that_continued_as_new_goes_on_with_the_same_command() {
    let dir = tempfile::tempdir().expect("a directory");
    let done = standalone(dir.path(), &["continue_as_new", "--input", "[0, 2]"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    // Its last run did one task, and is what is repaired although the repair leaves closed runs.
    let repair = [
        "continue_as_new",
        "--input",
        "[0, 1000000]",
        "--repair",
        "continue_as_new",
    ];
    let taken_over = |running: &Running| {
        let said = running.says("takes over 1 tasks of continue_as_new ");
        said.lines().next_back().map(str::to_owned)
    };
    let first = Running::start(&mut command(dir.path(), &repair));
    let former = taken_over(&first);
    first.says("completed after");
    first.says("completed after");
    first.signal("-INT");
    assert_eq!(first.done().code, 1);
    let again = Running::start(&mut command(dir.path(), &repair));
    assert_eq!(taken_over(&again), former);
    again.says("going on with it");
    again.says("completed after");
    again.signal("-INT");
    assert_eq!(again.done().code, 1);
}
