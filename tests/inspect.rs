//! The commands that inspect and steer executions, beside a server, on executions that are decided
//! and carried out by hand.

use std::process::Command;

use serde_json::{Value, json};

use crate::common::{Done, command, run, start};
use crate::server::Server;

const DOMAIN: &str = "inspect";

/// A server with a domain and types, and whoever answers its tasks.
struct World {
    server: Server,
}

impl World {
    fn start() -> Self {
        let world = Self {
            server: Server::start(&["--in-memory"]),
        };
        let days = json!({"name": DOMAIN, "workflowExecutionRetentionPeriodInDays": "1"});
        world.call("RegisterDomain", days);
        for (operation, name) in [
            ("RegisterWorkflowType", "order"),
            ("RegisterActivityType", "pack"),
        ] {
            world.call(
                operation,
                json!({"domain": DOMAIN, "name": name, "version": "1"}),
            );
        }
        world
    }

    fn call(&self, operation: &str, request: Value) -> Value {
        let (status, body) = self.server.call(operation, &request.to_string());
        assert!(status.contains(" 200 "), "{operation}: {status} {body}");
        match body.as_str() {
            "" => Value::Null,
            body => serde_json::from_str(body).expect("an answer is JSON"),
        }
    }

    /// Starts an execution; its run id.
    fn order(&self, workflow_id: &str) -> String {
        let started = self.call(
            "StartWorkflowExecution",
            json!({
                "domain": DOMAIN,
                "workflowId": workflow_id,
                "workflowType": {"name": "order", "version": "1"},
                "taskList": {"name": "orders"},
                "executionStartToCloseTimeout": "3600",
                "taskStartToCloseTimeout": "3600",
                "childPolicy": "TERMINATE",
                "input": r#"{"args":[7],"kwargs":{}}"#,
                "tagList": ["night", "shop=3"],
            }),
        );
        started["runId"].as_str().expect("a run id").to_owned()
    }

    /// Answers the next decision task.
    fn decide(&self, decisions: Value, context: &str) {
        let task = self.call(
            "PollForDecisionTask",
            json!({"domain": DOMAIN, "taskList": {"name": "orders"}, "identity": "by hand"}),
        );
        self.call(
            "RespondDecisionTaskCompleted",
            json!({
                "taskToken": task["taskToken"],
                "decisions": decisions,
                "executionContext": context,
            }),
        );
    }

    /// Answers the next activity task, with a result or a failure.
    fn work(&self, answer: Result<&str, &str>) {
        let task = self.call(
            "PollForActivityTask",
            json!({"domain": DOMAIN, "taskList": {"name": "packers"}}),
        );
        let token = &task["taskToken"];
        match answer {
            Ok(result) => self.call(
                "RespondActivityTaskCompleted",
                json!({"taskToken": token, "result": result}),
            ),
            Err(reason) => self.call(
                "RespondActivityTaskFailed",
                json!({"taskToken": token, "reason": reason, "details": "{}"}),
            ),
        };
    }

    /// An execution of a packed order, closed; its run id.
    fn packed(&self, workflow_id: &str) -> String {
        let run_id = self.order(workflow_id);
        self.decide(json!([pack("pack-1"), pack("pack-2")]), "");
        self.work(Ok("2"));
        self.work(Err("OSError: no boxes"));
        self.decide(json!([pack("pack-2")]), "");
        self.call(
            "SignalWorkflowExecution",
            json!({"domain": DOMAIN, "workflowId": workflow_id, "signalName": "paid"}),
        );
        self.work(Ok("3"));
        let complete = json!({
            "decisionType": "CompleteWorkflowExecution",
            "completeWorkflowExecutionDecisionAttributes": {"result": "5"},
        });
        self.decide(json!([complete]), "");
        run_id
    }

    /// The command, to be run beside the server.
    fn command(&self, args: &[&str]) -> Command {
        let mut command = command(args);
        command
            .env(
                "AWS_ENDPOINT_URL_SWF",
                format!("http://{}", self.server.address),
            )
            .env_remove("SWF_DOMAIN")
            .env_remove("SIMPLEFLOW_FORMAT");
        command
    }

    fn run(&self, args: &[&str]) -> Done {
        run(self.command(args), "")
    }

    /// What a command prints that succeeds.
    fn out(&self, args: &[&str]) -> String {
        let done = self.run(args);
        assert_eq!(done.code, 0, "{args:?}: {}", done.stderr);
        done.stdout
    }

    /// The rows that a command prints.
    fn rows(&self, args: &[&str]) -> Vec<Value> {
        let json = self.out(&[&["--format", "json", "--header"], args].concat());
        serde_json::from_str(&json).expect("the rows are JSON")
    }

    /// What a command says that fails.
    fn fails(&self, code: i32, args: &[&str]) -> String {
        let done = self.run(args);
        assert_eq!(
            (done.code, &*done.stdout),
            (code, ""),
            "{args:?}: {}",
            done.stderr
        );
        done.stderr
    }
}

fn pack(id: &str) -> Value {
    json!({
        "decisionType": "ScheduleActivityTask",
        "scheduleActivityTaskDecisionAttributes": {
            "activityId": id,
            "activityType": {"name": "pack", "version": "1"},
            "taskList": {"name": "packers"},
            "input": r#"{"args":[1],"kwargs":{}}"#,
            "scheduleToStartTimeout": "600",
            "scheduleToCloseTimeout": "600",
            "startToCloseTimeout": "600",
            "heartbeatTimeout": "NONE",
        },
    })
}

fn column<'a>(rows: &'a [Value], name: &str) -> Vec<&'a Value> {
    rows.iter().map(|row| &row[name]).collect()
}

#[test]
fn an_execution_is_shown_in_tables() {
    let world = World::start();
    let run_id = world.packed("order-7");
    let info = world.rows(&["workflow.info", DOMAIN, "order-7", &run_id]);
    let time = info[0]["execution_time"].as_f64().unwrap();
    assert_eq!(
        info,
        [json!({
            "domain": DOMAIN,
            "workflow_type.name": "order",
            "workflow_type.version": "1",
            "task_list": "orders",
            "workflow_id": "order-7",
            "run_id": run_id,
            "tag_list": "night,shop=3",
            "execution_time": time,
            "input": {"args": [7], "kwargs": {}},
        })]
    );
    let tasks = world.rows(&["workflow.tasks", DOMAIN, "order-7"]);
    assert_eq!(column(&tasks, "Tasks"), ["paid", "pack", "pack"]);
    assert_eq!(
        column(&tasks, "Last State"),
        ["signaled", "completed", "completed"]
    );
    let newest = world.out(&["--header", "workflow.tasks", DOMAIN, "order-7", "-n", "1"]);
    let lines: Vec<_> = newest.lines().collect();
    assert!(
        lines[0].starts_with("Tasks") && lines[1].starts_with("paid"),
        "{newest}"
    );
    assert_eq!(lines.len(), 2);
    let mut profile = world.rows(&["workflow.profile", DOMAIN, "order-7"]);
    profile.sort_by_key(|row| row["Task"].to_string());
    assert_eq!(column(&profile, "Task"), ["pack-1", "pack-2"]);
    assert!(profile[0]["Time Running"].is_number(), "{profile:?}");
    let csv = world.out(&[
        "--format",
        "csv",
        "--header",
        "workflow.profile",
        DOMAIN,
        "order-7",
    ]);
    assert_eq!(
        csv.lines().next().unwrap(),
        "Task,Last State,Scheduled,Time Scheduled,Start,Time Running,End,Percentage of total time"
    );
    let task = world.rows(&["task.info", DOMAIN, "order-7", "pack-1", "--details"]);
    assert_eq!(task[0]["result"], "2");
    assert_eq!(task[0]["input"], json!({"args": [1], "kwargs": {}}));
    assert_eq!(task[0].as_object().unwrap().len(), 10);
    let missing = world.fails(1, &["task.info", DOMAIN, "order-7", "pack-9"]);
    assert!(
        missing.contains("no task \"pack-9\"; it has\n  pack-1"),
        "{missing}"
    );
}

#[test]
fn executions_are_listed_and_filtered() {
    let world = World::start();
    world.packed("order-1");
    world.order("order-2");
    let open = world.rows(&["workflow.list", DOMAIN]);
    assert_eq!(
        open[0],
        json!({"Workflow ID": "order-2", "Workflow Type": "order", "Status": "OPEN"})
    );
    world.order("order-3");
    for list in ["workflow.list", "workflow.filter"] {
        let listed = |args: &[&str]| {
            let rows = world.rows(&[&[list, DOMAIN], args].concat());
            rows.iter()
                .map(|row| row["Workflow ID"].clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(listed(&[]), ["order-3", "order-2"]);
        assert_eq!(listed(&["--limit", "1"]), ["order-3"]);
        world.fails(2, &[list, DOMAIN, "--limit", "0"]);
    }
    let closed = world.rows(&["workflow.list", DOMAIN, "-s", "closed"]);
    assert_eq!(column(&closed, "Workflow ID"), ["order-1"]);
    let filter = |args: &[&str]| {
        let rows = world.rows(&[&["workflow.filter", DOMAIN, "--status", "closed"], args].concat());
        column(&rows, "Workflow ID").len()
    };
    assert_eq!(
        filter(&["--tag", "night", "--close-status", "completed"]),
        1
    );
    assert_eq!(filter(&["--tag", "night", "--close-status", "FAILED"]), 0);
    assert_eq!(filter(&["--workflow-id", "order-1", "--tag", "day"]), 0);
    assert_eq!(
        filter(&[
            "--workflow-type-name",
            "order",
            "--workflow-type-version",
            "1"
        ]),
        1
    );
    assert_eq!(
        filter(&[
            "--from-date",
            "2020-01-01",
            "--to-date",
            "2020-02-01 12:00:00"
        ]),
        0
    );
    assert_eq!(filter(&["--from-date", "2020-01-01"]), 1);
    let bad = world.fails(2, &["workflow.filter", DOMAIN, "-c", "failed"]);
    assert!(bad.contains("add --status closed"), "{bad}");
    // An end alone, of long ago or in time to come, has no beginning.
    assert_eq!(filter(&["--to-date", "2020-02-01"]), 0);
    assert_eq!(filter(&["--to-date", "2999-01-01"]), 1);
    for since in [["--from-date", "2020-03-01"], ["--started-since", "7"]] {
        let order = [
            &["workflow.filter", DOMAIN, "--to-date", "2020-02-01"],
            &since[..],
        ];
        let bad = world.fails(2, &order.concat());
        assert!(
            bad.contains("--to-date")
                && bad.contains("2020-02-01T00:00:00.000Z")
                && bad.contains("an earlier --from-date"),
            "{bad}"
        );
    }
    let bad = world.fails(2, &["workflow.filter", DOMAIN, "--from-date", "soon"]);
    assert!(bad.contains("'soon'"), "{bad}");
}

#[test]
fn an_execution_is_found_by_what_is_known_of_it() {
    let world = World::start();
    let first = world.packed("order-7");
    let second = world.packed("order-7");
    let run = |rows: Vec<Value>| rows[0]["run_id"].as_str().unwrap().to_owned();
    // No run is open: the one that was started last.
    assert_eq!(
        run(world.rows(&["workflow.info", DOMAIN, "order-7"])),
        second
    );
    assert_eq!(
        run(world.rows(&["workflow.info", "--domain", DOMAIN, "order-7", &first])),
        first
    );
    let escaped = first.replace('=', "%3D").replace('+', "%2B");
    assert_eq!(
        run(world.rows(&["workflow.info", DOMAIN, "order-7", &escaped])),
        first
    );
    let mut command = world.command(&["--format", "json", "--header", "workflow.info", "order-7"]);
    command.env("SWF_DOMAIN", DOMAIN);
    let done = run_json(command);
    assert_eq!(run(done), second);
    let open = world.order("order-7");
    assert_eq!(run(world.rows(&["workflow.info", DOMAIN, "order-7"])), open);

    // The latest run has no task; the run that is named has.
    let task = ["task.info", "--domain", DOMAIN, "order-7", &first, "pack-1"];
    assert_eq!(world.rows(&task)[0]["result"], "2");
    let task = ["task.info", DOMAIN, "order-7", &first, "pack-1"];
    assert_eq!(world.rows(&task)[0]["result"], "2");
    let twice = [&task[..], &["--run-id", &second]].concat();
    let twice = world.fails(2, &twice);
    assert!(twice.contains("the run is given twice"), "{twice}");

    let missing = world.fails(1, &["workflow.info", DOMAIN, "order-8"]);
    assert!(
        missing.contains("Workflow order-8 not found in domain inspect"),
        "{missing}"
    );
    let missing = world.fails(1, &["workflow.tasks", DOMAIN, "order-7", "nope"]);
    assert!(
        missing.contains("Execution order-7 nope not found"),
        "{missing}"
    );
    let missing = world.fails(2, &["workflow.info", "order-7"]);
    assert!(missing.contains("in which domain?"), "{missing}");
    let missing = world.fails(1, &["workflow.info", "nowhere", "order-7"]);
    assert!(missing.contains("Unknown domain: nowhere"), "{missing}");
    assert!(
        missing.contains("decider.start and standalone register"),
        "{missing}"
    );
}

fn run_json(command: Command) -> Vec<Value> {
    let done = run(command, "");
    serde_json::from_str(&done.stdout).unwrap_or_else(|_| panic!("{}", done.stderr))
}

#[test]
fn an_execution_is_steered() {
    let world = World::start();
    let first = world.order("order-7");
    world.out(&[
        "workflow.signal",
        DOMAIN,
        "order-7",
        "paid",
        "--input",
        "{\"by\": 1}",
    ]);
    world.out(&["workflow.cancel", DOMAIN, "order-7", &first]);
    let signal = world.rows(&["task.info", DOMAIN, "order-7", "paid"]);
    assert_eq!(signal[0]["input"], json!({"by": 1}));
    let why = world.out(&["workflow.why", DOMAIN, "order-7"]);
    assert!(why.contains("Its cancel was asked for"), "{why}");
    let order = json!({"domain": DOMAIN, "workflowType": {"name": "order", "version": "1"}});
    world.call("DeprecateWorkflowType", order.clone());
    let refused = world.fails(1, &["workflow.restart", DOMAIN, "order-7"]);
    assert!(
        refused.contains("workflow type order 1 is deprecated in domain inspect"),
        "{refused}"
    );
    world.call("UndeprecateWorkflowType", order);
    let restarted = world.out(&["workflow.restart", DOMAIN, "order-7"]);
    let second = restarted.trim_end().strip_prefix("order-7 ").unwrap();
    assert_ne!(second, first);
    let inputs = [&*first, second].map(|run_id| {
        world.rows(&["workflow.info", DOMAIN, "order-7", run_id])[0]["input"].clone()
    });
    assert_eq!(inputs[0], inputs[1]);
    world.out(&[
        "workflow.terminate",
        DOMAIN,
        "order-7",
        "--reason",
        "enough",
    ]);
    let why = world.out(&["workflow.why", DOMAIN, "order-7"]);
    assert!(
        why.contains("terminated at") && why.contains("Reason: enough"),
        "{why}"
    );
    for steer in ["workflow.terminate", "workflow.cancel"] {
        let closed = world.fails(1, &[steer, DOMAIN, "order-7"]);
        assert!(closed.contains("is closed"), "{closed}");
    }
    let bad = world.fails(
        2,
        &["workflow.signal", DOMAIN, "order-7", "paid", "-i", "{"],
    );
    assert!(bad.contains("not JSON"), "{bad}");
}

#[test]
fn it_says_what_an_execution_waits_for() {
    let world = World::start();
    world.order("order-7");
    let why = world.out(&["workflow.why", DOMAIN, "order-7"]);
    assert!(
        why.contains("A decision task waits for a decider in task list orders"),
        "{why}"
    );
    assert!(
        why.contains("1 decision task waits in that task list."),
        "{why}"
    );
    world.decide(json!([pack("pack-1")]), r#"{"waiting_signals": ["paid"]}"#);
    let why = world.out(&["--format", "json", "workflow.why", DOMAIN, "order-7"]);
    let why: Value = serde_json::from_str(&why).unwrap();
    let findings = why["findings"].as_array().unwrap();
    assert_eq!(
        column(findings, "kind"),
        ["activity_waiting", "signal", "time_limit"]
    );
    assert_eq!(
        column(findings, "about"),
        [&json!("pack-1"), &json!("paid"), &json!(null)]
    );
    assert_eq!(findings[0]["pending"], 1);
    let bad = world.fails(2, &["--format", "csv", "workflow.why", DOMAIN, "order-7"]);
    assert!(bad.contains("prints no table"), "{bad}");
}

#[test]
fn a_history_is_printed_in_three_forms() {
    let world = World::start();
    world.packed("order-7");
    let history = |args: &[&str]| -> Value {
        let args = [&["workflow.history", "--domain", DOMAIN, "order-7"], args].concat();
        serde_json::from_str(&world.out(&args)).unwrap()
    };
    let raw = history(&[]);
    assert_eq!(raw[0]["type"], "WorkflowExecution");
    assert!(raw.as_array().unwrap().len() > 10, "all events are there");
    let reversed = history(&["--reverse-order", "true"]);
    assert_eq!(reversed[0]["state"], "completed");
    let events = history(&["--of", "events"]);
    assert_eq!(events[0]["eventType"], "WorkflowExecutionStarted");
    let cooked = history(&["-o", "cooked"]);
    assert_eq!(cooked["activities"]["pack-2"]["retry"], 0);
    assert_eq!(
        cooked["activities"]["pack-2"]["reason"],
        "OSError: no boxes"
    );
    assert_eq!(cooked["workflow"]["state"], "completed");
}

#[test]
fn a_timeline_is_written() {
    let world = World::start();
    world.packed("order-7");
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("order-7.html");
    let path = path.to_str().unwrap();
    assert_eq!(
        world.out(&["workflow.profile", DOMAIN, "order-7", "--html", path]),
        ""
    );
    let html = std::fs::read_to_string(path).unwrap();
    assert!(html.starts_with("<!DOCTYPE html>") && html.contains("OSError: no boxes"));
    let nowhere = [
        "workflow.profile",
        DOMAIN,
        "order-7",
        "--html",
        "/nowhere/p.html",
    ];
    assert!(
        world
            .fails(1, &nowhere)
            .contains("cannot write /nowhere/p.html")
    );
}

const BASIC: &str = "examples.basic.BasicWorkflow";

#[test]
fn a_history_is_replayed_against_the_code() {
    let world = World::start();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("history.json");
    let path = path.to_str().unwrap();
    assert_eq!(start(&[BASIC, "-i", "[1, 0]", "--history", path]).code, 0);
    let replayed = world.out(&["workflow.replay", BASIC, "--history", path]);
    assert!(
        replayed.contains("same decisions (decision tasks: "),
        "{replayed}"
    );
    let other = std::fs::read_to_string(path).unwrap();
    std::fs::write(path, other.replace("increment-1", "increase-1")).unwrap();
    let replayed = world.run(&["workflow.replay", BASIC, "--history", path]);
    assert_eq!(replayed.code, 1);
    assert!(
        replayed
            .stderr
            .contains("non-deterministic workflow code at event 5")
    );
    assert!(
        replayed.stderr.contains("examples/basic.rs"),
        "{}",
        replayed.stderr
    );

    world.packed("order-7");
    let args = [
        "workflow.replay",
        BASIC,
        "--domain",
        DOMAIN,
        "--workflow-id",
        "order-7",
    ];
    let replayed = world.run(&args);
    assert_eq!(replayed.code, 1);
    assert!(
        replayed.stderr.contains("of workflow type \"order\""),
        "{}",
        replayed.stderr
    );
    assert!(replayed.stderr.contains("pack-1"), "{}", replayed.stderr);
    std::fs::write(path, "{}").unwrap();
    let bad = world.fails(2, &["workflow.replay", BASIC, "--history", path]);
    assert!(
        bad.contains(path) && bad.contains("missing field `events`"),
        "{bad}"
    );
    world.fails(2, &["workflow.replay", BASIC]);
}

#[test]
fn an_execution_of_the_service_is_replayed() {
    let world = World::start();
    let mut command = world.command(&[
        "workflow.start",
        BASIC,
        "--domain",
        DOMAIN,
        "--task-list",
        "orders",
        "--workflow-id",
        "basic-1",
        "-i",
        "[1, 0]",
    ]);
    command.env("LOG_LEVEL", "error");
    assert_eq!(run(command, "").code, 0);
    let name = "examples.basic.increment";
    let activity_type = json!({"name": name, "version": "example"});
    let registered = json!({"domain": DOMAIN, "name": name, "version": "example"});
    world.call("RegisterActivityType", registered);
    let mut increment = pack("activity-examples.basic.increment-1");
    increment["scheduleActivityTaskDecisionAttributes"]["activityType"] = activity_type;
    world.decide(json!([increment]), "");
    let args = [
        "workflow.replay",
        BASIC,
        "--domain",
        DOMAIN,
        "--workflow-id",
        "basic-1",
    ];
    let replayed = world.out(&args);
    assert!(
        replayed.contains("same decisions (decision tasks: 1, events: 5)"),
        "{replayed}"
    );
}

#[test]
fn the_environment_is_shown_without_its_secrets() {
    let mut command = command(&["info", "versions,environment"]);
    command
        .env("AWS_SECRET_ACCESS_KEY", "hush")
        .env("AWS_SESSION_TOKEN", "hush")
        .env("SIMPLEFLOW_FORMAT", "json")
        .env("HOME_OF_NOBODY", "x");
    let done = run(command, "");
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert!(
        done.stdout.contains("# Versions\nsimpleflow: "),
        "{}",
        done.stdout
    );
    assert!(done.stdout.contains("AWS_SECRET_ACCESS_KEY=<redacted>"));
    assert!(done.stdout.contains("SIMPLEFLOW_FORMAT=json"));
    assert!(!done.stdout.contains("hush") && !done.stdout.contains("HOME_OF_NOBODY"));
    assert!(!done.stdout.contains("# Settings"));
}
