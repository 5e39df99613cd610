//! What activities are given beside their input, and what is around them.

use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::common::{command, run, simpleflow};
use crate::proxy::{Fault, Proxy};
use crate::running::Running;
use crate::swf::{DOMAIN, Swf, TASK_LIST, WORKFLOW};

/// A worker that runs one task.
fn one_task<'a>(isolation: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let args = [
        "worker.start",
        "-d",
        DOMAIN,
        "-t",
        TASK_LIST,
        "--one-task",
        "--isolation",
        isolation,
    ];
    [&args, more].concat()
}

fn results(swf: &Swf) -> Vec<Value> {
    let events = swf.events().into_iter();
    events
        .map(|event| event["activityTaskCompletedEventAttributes"]["result"].clone())
        .filter(|result| !result.is_null())
        .collect()
}

#[test]
fn objects_are_in_the_server_in_the_box_or_where_one_says() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().to_str().unwrap();
    for place in [&[][..], &["--objects", folder]] {
        let swf = Swf::start();
        for (isolation, activity, args) in [
            ("process", "keep", json!(["a/b", "long"])),
            ("none", "read_kept", json!(["a/b"])),
            ("none", "keep", json!(["a/b", "longer"])),
            ("process", "read_kept", json!(["a/b"])),
        ] {
            swf.schedule(&[(activity, args)]);
            let done = run(swf.command(&one_task(isolation, place)), "");
            assert_eq!(done.code, 0, "{}", done.stderr);
        }
        let expected = ["\"a/b\"", "\"long\"", "\"a/b\"", "\"longer\""];
        assert_eq!(results(&swf), expected);
    }
    let file = std::path::Path::new(folder).join("a%/b");
    assert_eq!(std::fs::read_to_string(file).unwrap(), "longer");
}

#[test]
fn a_worker_waits_until_the_service_tells_where_objects_are() {
    let swf = Swf::start();
    swf.schedule(&[("keep", json!(["a", "value"])), ("read_kept", json!(["a"]))]);
    let proxy = Proxy::start(swf.address(), |_| Some(Fault::Lost));
    let mut worker = swf.command(&one_task("process", &[]));
    let endpoint = format!("http://{}", proxy.address());
    worker.env("AWS_ENDPOINT_URL_SWF", &endpoint);
    let mut worker = Running::start(worker.stdin(Stdio::null()));
    worker.says("waits for the service");
    proxy.calm_down();
    worker.says(&format!("keeps objects in {endpoint}/objects"));
    assert_eq!(worker.ends(), 0);
    let done = run(swf.command(&one_task("none", &[])), "");
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert_eq!(results(&swf), ["\"a\"", "\"value\""]);
}

#[test]
fn a_place_is_named_for_activities_that_run_here() {
    let start = ["workflow.start", "examples.basic.BasicWorkflow"];
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().to_str().unwrap();
    for option in ["--objects", "--metrology", "--metrology-path-prefix"] {
        let done = simpleflow(&[&start[..], &[option, folder, "-d", DOMAIN]].concat());
        assert_eq!(done.code, 2, "{}", done.stderr);
        let said = format!("{option} {folder:?}: it is for activities that run here");
        assert!(done.stderr.contains(&said), "{}", done.stderr);
    }
    // A variable may be meant for workers; an empty one is none.
    for (value, more, code) in [
        (folder, &["--input", "[1, 0]", "--local"][..], 0),
        ("", &["--input", "[1, 0]", "--local"], 0),
        (folder, &["--input", "[1, 0]"], 2),
    ] {
        let mut start = command(&[&start[..], more].concat());
        start
            .env("SIMPLEFLOW_OBJECTS", value)
            .env_remove("SWF_DOMAIN");
        let done = run(start, "");
        assert_eq!(done.code, code, "{}", done.stderr);
        assert!(!done.stderr.contains("--objects"), "{}", done.stderr);
    }
    let help = simpleflow(&["workflow.start", "--help"]);
    assert!(help.stdout.contains("By default in memory"));
}

#[test]
fn every_binary_that_cannot_be_downloaded_is_told() {
    let swf = Swf::start();
    let directory = tempfile::tempdir().unwrap();
    let names = ["one", "two", "three"];
    let binaries = names.map(|name| format!("{name}=http://{}/objects/{name}", swf.address()));
    let mut download = command(&["binaries.download"]);
    download
        .args(&binaries)
        .env("SIMPLEFLOW_BINARIES_DIRECTORY", directory.path());
    let done = run(download, "");
    assert_eq!(done.code, 1, "{}", done.stderr);
    for name in names {
        let said = format!("error: binary {name}: ");
        assert!(done.stderr.contains(&said), "{}", done.stderr);
    }
}

#[test]
fn what_activities_measured_is_put_together() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().to_str().unwrap();
    // In the server in the box, and where the original's variables say.
    for variables in [
        &[][..],
        &[
            ("METROLOGY_BUCKET", folder),
            ("METROLOGY_PATH_PREFIX", "us"),
        ],
    ] {
        let swf = Swf::start();
        let command = |args: &[&str]| {
            let mut command = swf.command(args);
            command.envs(variables.iter().copied());
            command
        };
        let metrology = ["--format", "json", "workflow.metrology", DOMAIN, WORKFLOW];
        let done = run(command(&metrology), "");
        assert_eq!(done.code, 1, "{}", done.stderr);
        assert!(done.stderr.contains("left metrics in"), "{}", done.stderr);
        swf.schedule(&[
            ("measure", json!(["abc"])),
            ("measure", json!([""])),
            ("measure_blocking", json!(["ab"])),
            ("add", json!([1, 2])),
        ]);
        for isolation in ["none", "process", "process", "none"] {
            let done = run(command(&one_task(isolation, &[])), "");
            assert_eq!(done.code, 0, "{}", done.stderr);
        }
        let done = run(command(&metrology), "");
        assert_eq!(done.code, 0, "{}", done.stderr);
        let merged: Value = serde_json::from_str(&done.stdout).unwrap();
        let bytes = |task: usize, io: &str| {
            assert_eq!(merged[task][0], format!("activity-{task}"));
            merged[task][1]["metrology"]["steps"][0][io]["bytes"].clone()
        };
        assert_eq!(bytes(0, "read"), 3);
        assert_eq!(bytes(1, "read"), 0);
        assert_eq!(merged[1][1]["state"], "failed");
        assert_eq!(bytes(2, "write"), 2);
        assert_eq!(merged[3][1]["metrology"], Value::Null);
        assert_eq!(merged[3][1]["result"], "3");
        if !variables.is_empty() {
            let runs = format!("{folder}/us%/{WORKFLOW}%");
            let names = |directory: &Path| -> Vec<String> {
                let entries = std::fs::read_dir(directory)
                    .unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
                entries
                    .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                    .collect()
            };
            let run = names(Path::new(&runs)).remove(0);
            let mut names = names(&Path::new(&runs).join(run));
            names.sort();
            let expected = ["activity-0", "activity-1", "activity-2"];
            let expected = expected.map(|id| format!("activity.{id}.json"));
            assert_eq!(names, [&expected[..], &["metrology.json".into()]].concat());
        }
    }
}

#[test]
fn middleware_runs_where_the_activity_does() {
    let directory = tempfile::tempdir().unwrap();
    let notes = directory.path().join("notes");
    for isolation in ["none", "process"] {
        let swf = Swf::start();
        swf.schedule(&[("add", json!([1, 2]))]);
        let active = [
            "--middleware-pre-execution",
            "refuse",
            "--middleware-post-execution",
            "notes",
        ];
        let mut worker = swf.command(&one_task(isolation, &active));
        worker.env("SIMPLEFLOW_TEST_NOTES", &notes);
        let done = run(worker, "");
        assert_eq!(done.code, 0, "{}", done.stderr);
        assert_eq!(swf.event("ActivityTaskCompleted")["result"], "3");
        let identity = swf.event("ActivityTaskStarted")["identity"].clone();
        let identity: Value = serde_json::from_str(identity.as_str().unwrap()).unwrap();
        let noted = std::fs::read_to_string(&notes).unwrap();
        let (process, noted) = noted.split_once(' ').unwrap();
        assert_eq!(noted, "activity-0 Ok(\"3\")");
        let same = identity["pid"].as_u64() == process.parse().ok();
        assert_eq!(same, isolation == "none", "{identity} {process}");
    }
}

#[test]
fn a_middleware_refuses_an_activity() {
    for isolation in ["none", "process"] {
        let swf = Swf::start();
        swf.schedule(&[("keep", json!(["forbidden", ""]))]);
        let active = ["--middleware-pre-execution", "refuse"];
        let done = run(swf.command(&one_task(isolation, &active)), "");
        assert_eq!(done.code, 0, "{}", done.stderr);
        let reason = swf.event("ActivityTaskFailed")["reason"].clone();
        assert_eq!(reason, "Error: that is forbidden");
    }
}

#[test]
fn a_middleware_that_is_not_there_is_told() {
    for arguments in [
        &["workflow.start", "--local", "steps", "--input", "[1]"][..],
        &["standalone", "steps", "--input", "[1]"],
        &["worker.start", "-d", DOMAIN, "-t", TASK_LIST],
    ] {
        let done = simpleflow(&[arguments, &["--middleware-pre-execution", "refsue"]].concat());
        assert_eq!(done.code, 2, "{}", done.stderr);
        for said in ["no middleware \"refsue\"", "refuse", "notes"] {
            assert!(done.stderr.contains(said), "{}", done.stderr);
        }
        let done = simpleflow(&[arguments, &["--middleware-post-execution", "refuse"]].concat());
        assert_eq!(done.code, 2, "{}", done.stderr);
        let said = "\"refuse\" runs before an activity, not after";
        assert!(done.stderr.contains(said), "{}", done.stderr);
    }
}

#[test]
fn middleware_is_for_activities_that_run_here() {
    let active = ["--middleware-pre-execution", "refuse"];
    let start = ["workflow.start", "-d", DOMAIN, "steps", "--input", "[1]"];
    let done = simpleflow(&[&start[..], &active].concat());
    assert_eq!(done.code, 2, "{}", done.stderr);
    assert!(done.stderr.contains("add --local"), "{}", done.stderr);
}

#[test]
fn a_place_that_is_none_is_told() {
    let done = simpleflow(&["workflow.start", "--local", "steps", "--objects", "ftp://x"]);
    assert_eq!(done.code, 2, "{}", done.stderr);
    assert!(done.stderr.contains("expected s3://"), "{}", done.stderr);
}

#[test]
fn a_binary_that_cannot_be_one_is_told() {
    for (binary, said) in [
        ("tool", "expected NAME=LOCATION"),
        ("tool=/usr/bin/tool", "expected s3://BUCKET/KEY"),
        ("../tool=s3://b/k", "the name must be that of a file"),
    ] {
        let done = simpleflow(&["binaries.download", binary]);
        assert_eq!(done.code, 2, "{}", done.stderr);
        assert!(done.stderr.contains(said), "{}", done.stderr);
    }
}
