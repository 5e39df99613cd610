//! `decider.start`: deciders as a process, beside a server as another.

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::common::{Done, alone, command, run};
use crate::running::Running;
use crate::server::Server;
use crate::swf::wait_for;

/// The command, to be run beside a server.
fn beside(server: &Server, args: &[&str]) -> Command {
    let mut command = command(args);
    command
        .env("AWS_ENDPOINT_URL_SWF", format!("http://{}", server.address))
        .env_remove("SWF_DOMAIN");
    command
}

/// Deciders that run.
fn deciders(server: &Server, args: &[&str]) -> Running {
    let args = [&["decider.start", "-d", "d"], args].concat();
    Running::start(beside(server, &args).stdin(Stdio::null()))
}

/// Starts an execution that gathers so many numbers; its run id.
fn gather(server: &Server, id: &str, n: usize) -> String {
    let input = format!("[{n}]");
    let args = [
        "workflow.start",
        "--domain",
        "d",
        "--workflow-id",
        id,
        "gather",
        "--input",
        &input,
    ];
    let Done {
        code,
        stdout,
        stderr,
    } = run(beside(server, &args), "");
    assert_eq!(code, 0, "{stderr}");
    let (workflow_id, run_id) = stdout.trim_end().split_once(' ').expect("two ids");
    assert_eq!(workflow_id, id);
    run_id.to_owned()
}

fn send(server: &Server, id: &str, number: i64) {
    let body =
        format!(r#"{{"domain":"d","workflowId":"{id}","signalName":"number","input":"{number}"}}"#);
    let (status, body) = server.call("SignalWorkflowExecution", &body);
    assert_eq!(status, "HTTP/1.1 200 OK", "{body}");
}

/// The history of an execution, as text.
fn history(server: &Server, id: &str, run_id: &str) -> String {
    let body =
        format!(r#"{{"domain":"d","execution":{{"workflowId":"{id}","runId":"{run_id}"}}}}"#);
    server.call("GetWorkflowExecutionHistory", &body).1
}

/// Waits until a history has so many of something.
fn has(server: &Server, id: &str, run_id: &str, what: &str, times: usize) -> String {
    wait_for(what, || {
        let history = history(server, id, run_id);
        (history.matches(what).count() >= times).then_some(history)
    })
}

/// Whether a decision task was sent to who kept the execution.
fn was_kept(history: &str) -> bool {
    let history: Value = serde_json::from_str(history).expect("a history is JSON");
    let mut events = history["events"].as_array().into_iter().flatten();
    events.any(|event| {
        let scheduled = &event["decisionTaskScheduledEventAttributes"];
        let list = scheduled["taskList"]["name"].as_str();
        list.is_some_and(|list| list.starts_with("sticky-"))
    })
}

const DECIDED: &str = "\"DecisionTaskCompleted\"";

#[test]
fn they_serve_start_anew_and_stop() {
    let server = Server::start(&["--in-memory"]);
    let mut deciders = deciders(&server, &["gather", "-N", "2"]);
    let target = deciders.says("domain d");
    assert!(target.contains(&server.address), "{target}");
    deciders.says("decides on gatherers\n");
    wait_for("registered domain", || {
        let (_, domains) = server.call("ListDomains", r#"{"registrationStatus":"REGISTERED"}"#);
        domains.contains("\"name\":\"d\"").then_some(())
    });
    let old = gather(&server, "old", 2);
    has(&server, "old", &old, DECIDED, 1);
    send(&server, "old", 1);
    let events = has(&server, "old", &old, DECIDED, 2);
    assert!(was_kept(&events), "{events}");

    let pid = deciders.id();
    deciders.signal("-HUP");
    deciders.says("SIGHUP: stopping");
    deciders.says("decides on gatherers");
    assert_eq!(deciders.id(), pid);
    let new = gather(&server, "new", 1);
    has(&server, "new", &new, DECIDED, 1);
    send(&server, "new", 3);
    has(&server, "new", &new, r#""result":"3""#, 1);
    // What the deciders before had kept goes on as well.
    send(&server, "old", 2);
    has(&server, "old", &old, r#""result":"3""#, 1);

    deciders.signal("-TERM");
    deciders.says("SIGTERM: stopping");
    assert_eq!(deciders.ends(), 0);
}

#[test]
fn a_start_can_wait_for_the_end() {
    let server = Server::start(&["--in-memory"]);
    let deciders = deciders(&server, &["gather", "-N", "1"]);
    deciders.says("decides on gatherers");
    let wait = |id| {
        let args = [
            "workflow.start",
            "-d",
            "d",
            "--wait",
            "gather",
            "--input",
            "[1]",
        ];
        let mut start = beside(&server, &args);
        let start = Running::start(start.args(["--workflow-id", id]));
        start.prints(id);
        start
    };
    let (gathers, ends) = (wait("gathers"), wait("ends"));
    send(&server, "gathers", 7);
    let done = gathers.done();
    assert_eq!((done.code, &*done.stdout), (0, "7\n"), "{}", done.stderr);
    let body = r#"{"domain":"d","workflowId":"ends"}"#;
    let (status, body) = server.call("TerminateWorkflowExecution", body);
    assert_eq!(status, "HTTP/1.1 200 OK", "{body}");
    let done = ends.done();
    assert_eq!((done.code, &*done.stdout), (1, ""), "{}", done.stderr);
    assert!(done.stderr.contains("terminated"), "{}", done.stderr);
}

#[test]
fn a_start_waits_for_nobody() {
    let directory = tempfile::tempdir().expect("a directory");
    // It leaves a store with a domain, and no server.
    let args = ["standalone", "gather", "--input", "[0]"];
    let done = run(alone(directory.path(), &args), "");
    assert_eq!(done.code, 0, "{}", done.stderr);
    let args = [
        "workflow.start",
        "-d",
        "standalone",
        "gather",
        "--input",
        "[1]",
    ];
    let mut start = alone(directory.path(), &args);
    start.arg("--wait");
    let done = run(start, "");
    assert_eq!((done.code, &*done.stdout), (2, ""), "{}", done.stderr);
    assert!(done.stderr.contains("no server runs"), "{}", done.stderr);
}

#[test]
fn nothing_is_lost_when_they_start_anew_under_load() {
    let server = Server::start(&["--in-memory"]);
    let deciders = deciders(&server, &["-t", "gatherers", "-N", "2"]);
    deciders.says("decides on gatherers");
    let runs: Vec<_> = (0..6)
        .map(|n| {
            let id = format!("gather-{n}");
            let run_id = gather(&server, &id, 6);
            (id, run_id)
        })
        .collect();
    for round in 0..6 {
        if round % 2 == 1 {
            deciders.signal("-HUP");
        }
        for (id, _) in &runs {
            send(&server, id, round);
        }
        if round % 2 == 1 {
            deciders.says("decides on gatherers");
        }
    }
    for (id, run_id) in &runs {
        let history = has(&server, id, run_id, r#""result":"15""#, 1);
        // It would have been for a decision task that was started and not answered.
        assert!(!history.contains("START_TO_CLOSE"), "{history}");
    }
}

#[test]
fn bad_arguments_are_named() {
    let deciders = |args: &[&str]| {
        let mut command = command(&[&["decider.start"], args].concat());
        command.env_remove("SWF_DOMAIN");
        run(command, "")
    };
    for (args, named) in [
        (&["-d", "d"][..], "--task-list"),
        (&["-t", "list"], "--domain"),
        (&["-d", "a:b", "-t", "list"], "a:b"),
        (&["-d", "d", "-t", ""], "--task-list"),
        (&["-d", "d", "-t", "list", "-N", "0"], "--nb-processes"),
        (&["-d", "d", "gathre"], "did you mean \"Gather\""),
        (&["-d", "d", "misbehave"], "has no task list"),
    ] {
        let done = deciders(args);
        assert_eq!((done.code, &*done.stdout), (2, ""), "{args:?}");
        assert!(done.stderr.contains(named), "{args:?}: {}", done.stderr);
    }
}
