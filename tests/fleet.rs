//! Deciders and workers as processes on a server process, and executions of one workflow for them.

use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::hash::BuildHasher as _;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng as _;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common::command;
use crate::running::kill;
use crate::server::Server;
use crate::swf::{wait_at_most, wait_for};

const DOMAIN: &str = "fleet";
const WORKFLOW: &str = "steps";

/// How many activities an execution has.
pub const STEPS: usize = 6;

/// What an execution comes to.
fn expected(n: usize) -> String {
    (3 * n + 9).to_string()
}

/// Where chance begins: `SIMPLEFLOW_TEST_SEED`, or anywhere. A test that fails shows it.
pub fn chance() -> ChaCha8Rng {
    let seed = match std::env::var("SIMPLEFLOW_TEST_SEED") {
        Ok(seed) => seed.parse().expect("SIMPLEFLOW_TEST_SEED is a number"),
        Err(_) => RandomState::new().hash_one(0),
    };
    println!("SIMPLEFLOW_TEST_SEED={seed} gives the same chances");
    ChaCha8Rng::seed_from_u64(seed)
}

/// A server, with its executions.
pub struct Fleet {
    /// There is one but while it is started anew.
    server: Option<Server>,
    address: String,
    /// For the logs of the processes, and the data of the server.
    directory: TempDir,
    executions: Vec<String>,
}

impl Fleet {
    pub fn start() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let server = Server::start(&["--in-memory"]);
        Self::on(server, directory)
    }

    /// The same with a server that has a disk, so that it may be killed.
    pub fn start_on_disk() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let server = Server::start(&["--data-dir", &data_dir(&directory)]);
        Self::on(server, directory)
    }

    fn on(server: Server, directory: TempDir) -> Self {
        server.ask(
            "RegisterDomain",
            json!({"name": DOMAIN, "workflowExecutionRetentionPeriodInDays": "1"}),
        );
        server.ask(
            "RegisterWorkflowType",
            json!({"domain": DOMAIN, "name": WORKFLOW, "version": "test"}),
        );
        Self {
            address: server.address.clone(),
            server: Some(server),
            directory,
            executions: Vec::new(),
        }
    }

    /// Kills the server, and starts it anew where it was.
    pub fn kill_server(&mut self) {
        if let Some(server) = self.server.take() {
            server.kill();
        }
        let args = ["--data-dir", &data_dir(&self.directory)];
        self.server = Some(Server::start_at(&self.address, &args));
    }

    fn server(&self) -> &Server {
        self.server.as_ref().expect("the server runs")
    }

    pub fn address(&self) -> &str {
        &self.address
    }

    /// Starts executions. They are asked for at the server itself: an execution whose start is
    /// repeated is refused, since it is open.
    pub fn execute(&mut self, count: usize) {
        for _ in 0..count {
            let n = self.executions.len();
            let started = self.server().ask(
                "StartWorkflowExecution",
                json!({
                    "domain": DOMAIN,
                    "workflowId": format!("steps-{n}"),
                    "workflowType": {"name": WORKFLOW, "version": "test"},
                    "taskList": {"name": "decisions"},
                    "input": json!({"args": [n], "kwargs": {}}).to_string(),
                    "executionStartToCloseTimeout": "3600",
                    // A decision that was lost comes back after that.
                    "taskStartToCloseTimeout": "2",
                    "childPolicy": "TERMINATE",
                }),
            );
            let run_id = started["runId"].as_str().expect("a run id");
            self.executions.push(run_id.to_owned());
        }
    }

    /// How many executions are not over.
    pub fn open(&self) -> usize {
        let request = json!({"domain": DOMAIN, "startTimeFilter": {"oldestDate": 0}});
        let count = self.server().ask("CountOpenWorkflowExecutions", request);
        let count = count["count"].as_u64().expect("a count");
        count.try_into().expect("it is small")
    }

    /// Waits until all executions are over.
    pub fn wait(&self, patience: Duration) {
        wait_at_most(patience, "end of all executions", || {
            (self.open() == 0).then_some(())
        });
    }

    /// Checks that each execution has its result and its whole history, and counts the events of
    /// each type in all.
    pub fn check(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for (n, run_id) in self.executions.iter().enumerate() {
            let events = self.server().ask(
                "GetWorkflowExecutionHistory",
                json!({
                    "domain": DOMAIN,
                    "execution": {"workflowId": format!("steps-{n}"), "runId": run_id},
                }),
            );
            let events = events["events"].as_array().expect("events").clone();
            check(&events, &expected(n));
            for event in &events {
                *counts.entry(event_type(event).to_owned()).or_default() += 1;
            }
        }
        let completed = counts.get("ActivityTaskCompleted").copied();
        assert_eq!(completed, Some(STEPS * self.executions.len()));
        counts
    }

    /// Starts deciders that reach the service there, in one process.
    pub fn decider(&self, address: &str) -> Process {
        let args = ["decider.start", "-d", DOMAIN, "-t", "decisions", "-N", "2"];
        self.process(address, &args)
    }

    /// Starts a worker that reaches the service there.
    pub fn worker(&self, address: &str) -> Process {
        let args = ["worker.start", "-d", DOMAIN, "-t", "steps", "-N", "8"];
        self.process(address, &args)
    }

    fn process(&self, address: &str, args: &[&str]) -> Process {
        let log = self
            .directory
            .path()
            .join(RandomState::new().hash_one(0).to_string());
        let stderr = File::create(&log).expect("a log");
        let process = command(args)
            .env("AWS_ENDPOINT_URL_SWF", format!("http://{address}"))
            .env_remove("AWS_ENDPOINT_URL")
            .env_remove("SWF_DOMAIN")
            // Some faults are left to the SDK, and some get through to what is behind it.
            .env("SWF_CONNECTION_RETRIES", "2")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(stderr)
            .spawn();
        Process {
            process: process.expect("it starts"),
            log,
        }
    }
}

/// Where the server keeps its data.
fn data_dir(directory: &TempDir) -> String {
    directory.path().join("data").display().to_string()
}

fn event_type(event: &Value) -> &str {
    event["eventType"].as_str().expect("an event has a type")
}

/// Checks that in a history nothing is missing and nothing came twice, and that it ended well.
fn check(events: &[Value], result: &str) {
    let told = || serde_json::to_string_pretty(events).unwrap_or_default();
    // What was scheduled, and is not over.
    let mut open = BTreeSet::new();
    for (index, event) in events.iter().enumerate() {
        let (id, kind) = (index as u64 + 1, event_type(event));
        assert_eq!(event["eventId"], id, "{}", told());
        match kind {
            "DecisionTaskScheduled" | "ActivityTaskScheduled" => {
                open.insert(id);
            }
            "DecisionTaskCompleted"
            | "DecisionTaskTimedOut"
            | "ActivityTaskCompleted"
            | "ActivityTaskTimedOut" => {
                let mut attributes = kind.to_owned() + "EventAttributes";
                attributes[..1].make_ascii_lowercase();
                let scheduled = event[attributes]["scheduledEventId"].as_u64();
                let was_open = scheduled.is_some_and(|scheduled| open.remove(&scheduled));
                assert!(was_open, "{id} closes what is not open: {}", told());
            }
            "WorkflowExecutionStarted" | "DecisionTaskStarted" | "ActivityTaskStarted" => {}
            "WorkflowExecutionCompleted" => {
                assert_eq!(index + 1, events.len(), "{}", told());
                let found = &event["workflowExecutionCompletedEventAttributes"]["result"];
                assert_eq!(found, result, "{}", told());
            }
            // The types of activities are registered when the first is needed.
            "ScheduleActivityTaskFailed" => {}
            _ => panic!("{id} is not expected: {}", told()),
        }
    }
    let last = events.last().map(event_type);
    assert_eq!(last, Some("WorkflowExecutionCompleted"), "{}", told());
    assert!(open.is_empty(), "{open:?} are open: {}", told());
}

/// A process, whose stderr is shown when the test fails.
pub struct Process {
    process: Child,
    log: PathBuf,
}

impl Process {
    /// Tells it to stop, and waits until it has.
    pub fn stop(mut self) {
        kill("-TERM", self.process.id());
        let status = wait_for("end of a process", || {
            self.process.try_wait().expect("it can be waited for")
        });
        assert_eq!(status.code(), Some(0));
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // SIGKILL, unless it has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
        if std::thread::panicking() {
            println!("{}", std::fs::read_to_string(&self.log).unwrap_or_default());
        }
    }
}
