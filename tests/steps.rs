//! Steps, with the command: what is done is known to the next run, wherever it is kept.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::common::{alone, run};

/// Runs a workflow in a directory, and gives its result if it completed.
fn standalone(directory: &Path, args: &[&str]) -> Option<Value> {
    let done = run(alone(directory, &[&["standalone"], args].concat()), "");
    let last = done.stdout.lines().next_back().unwrap_or_default();
    match done.code {
        0 => Some(serde_json::from_str(last).expect("a result is JSON")),
        1 => None,
        code => panic!("{code}: {}", done.stderr),
    }
}

const STEPS: [&str; 3] = ["examples.step.StepWorkflow", "--workflow-id", "steps"];

#[test]
fn a_second_run_skips_what_the_server_in_the_box_has() {
    let directory = tempfile::tempdir().expect("a directory");
    let all = standalone(directory.path(), &STEPS).expect("it completes");
    assert_eq!(all.as_array().map(Vec::len), Some(4));
    let again = standalone(directory.path(), &STEPS);
    assert_eq!(again, Some(json!(["my_step_force"])));
}

#[test]
fn a_second_run_skips_what_a_folder_has() {
    let objects = tempfile::tempdir().expect("a directory");
    let objects = objects.path().to_str().expect("its name is UTF-8");
    let args = [&STEPS[..], &["--objects", objects]].concat();
    let mut results = [(); 2].map(|()| {
        let directory = tempfile::tempdir().expect("a directory");
        standalone(directory.path(), &args).expect("it completes")
    });
    assert_eq!(results[0].as_array().map(Vec::len), Some(4));
    assert_eq!(results[1].take(), json!(["my_step_force"]));
}

#[test]
fn a_repair_goes_on_with_the_steps_that_are_left() {
    let objects = tempfile::tempdir().expect("a directory");
    let directory = tempfile::tempdir().expect("a directory");
    let folder = objects.path().to_str().expect("its name is UTF-8");
    let args = |more: [&'static str; 2]| [&["stepwise", "--objects", folder], &more[..]].concat();
    let failed = standalone(directory.path(), &args(["--workflow-id", "it"]));
    assert_eq!(failed, None);
    fs::write(objects.path().join("wanted"), "here it is").expect("the folder can be written");
    let repaired = standalone(directory.path(), &args(["--repair", "it"]));
    let second = json!({"status": "completed", "result": "here it is"});
    let repaired = repaired.expect("it completes");
    assert_eq!(repaired[1], second);
}
