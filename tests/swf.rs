//! SWF as a test sees it: a server process, and a decider by hand.

use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::common::command;
use crate::running::{PATIENCE, Running};
use crate::server::Server;

/// Waits until there is something.
pub fn wait_for<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    wait_at_most(PATIENCE, what, look)
}

/// Waits until there is something that may take longer than most.
pub fn wait_at_most<T>(patience: Duration, what: &str, look: impl FnMut() -> Option<T>) -> T {
    let found = found_within(patience, look);
    found.unwrap_or_else(|| panic!("there is still no {what}"))
}

/// Waits until there is something: none when there is none in that time.
pub fn found_within<T>(patience: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let start = Instant::now();
    loop {
        let found = look();
        if found.is_some() || start.elapsed() >= patience {
            return found;
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// A server with an execution that a test decides for.
pub struct Swf {
    server: Server,
    run_id: String,
}

pub const DOMAIN: &str = "worker-tests";
pub const WORKFLOW: &str = "by-hand";
pub const TASK_LIST: &str = "activities";

impl Swf {
    /// Starts both.
    pub fn start() -> Self {
        let mut swf = Self {
            server: Server::start(&["--in-memory"]),
            run_id: String::new(),
        };
        swf.call(
            "RegisterDomain",
            json!({"name": DOMAIN, "workflowExecutionRetentionPeriodInDays": "1"}),
        );
        let workflow_type = json!({"name": WORKFLOW, "version": "1"});
        swf.call(
            "RegisterWorkflowType",
            json!({"domain": DOMAIN, "name": WORKFLOW, "version": "1"}),
        );
        let started = swf.call(
            "StartWorkflowExecution",
            json!({
                "domain": DOMAIN,
                "workflowId": WORKFLOW,
                "workflowType": workflow_type,
                "taskList": {"name": "by-hand"},
                "executionStartToCloseTimeout": "3600",
                "taskStartToCloseTimeout": "3600",
                "childPolicy": "TERMINATE",
            }),
        );
        swf.run_id = started["runId"].as_str().expect("a run id").to_owned();
        swf
    }

    /// The address of the server.
    pub fn address(&self) -> &str {
        &self.server.address
    }

    pub fn run_id(&self) -> &str {
        &self.run_id
    }

    /// Carries out an operation.
    pub fn call(&self, operation: &str, request: Value) -> Value {
        self.server.ask(operation, request)
    }

    /// Answers the next decision task.
    pub fn decide(&self, decisions: &[Value]) {
        let task = self.call(
            "PollForDecisionTask",
            json!({"domain": DOMAIN, "taskList": {"name": "by-hand"}}),
        );
        self.call(
            "RespondDecisionTaskCompleted",
            json!({"taskToken": task["taskToken"], "decisions": decisions}),
        );
    }

    /// Schedules activities of the command under test: a name, and its arguments.
    pub fn schedule(&self, activities: &[(&str, Value)]) {
        self.schedule_with(activities, json!({}));
    }

    /// The same, with other time limits than 600 seconds.
    pub fn schedule_with(&self, activities: &[(&str, Value)], limits: Value) {
        let mut decisions = Vec::new();
        for (index, (name, args)) in activities.iter().enumerate() {
            let name = format!("simpleflow_under_test.{name}");
            let activity_type = json!({"domain": DOMAIN, "name": name, "version": "default"});
            // It is there already when the activity is scheduled twice.
            self.server
                .call("RegisterActivityType", &activity_type.to_string());
            let mut attributes = json!({
                "activityId": format!("activity-{index}"),
                "activityType": {"name": name, "version": "default"},
                "taskList": {"name": TASK_LIST},
                "input": json!({"args": args, "kwargs": {}}).to_string(),
                "scheduleToStartTimeout": "600",
                "scheduleToCloseTimeout": "600",
                "startToCloseTimeout": "600",
                "heartbeatTimeout": "600",
            });
            for (name, value) in limits.as_object().expect("limits are an object") {
                attributes[name] = value.clone();
            }
            decisions.push(json!({
                "decisionType": "ScheduleActivityTask",
                "scheduleActivityTaskDecisionAttributes": attributes,
            }));
        }
        self.decide(&decisions);
    }

    /// Asks for the cancel of the first activity.
    pub fn cancel(&self) {
        self.call(
            "SignalWorkflowExecution",
            json!({"domain": DOMAIN, "workflowId": WORKFLOW, "signalName": "decide"}),
        );
        self.decide(&[json!({
            "decisionType": "RequestCancelActivityTask",
            "requestCancelActivityTaskDecisionAttributes": {"activityId": "activity-0"},
        })]);
    }

    /// The events of the execution.
    pub fn events(&self) -> Vec<Value> {
        let history = self.call(
            "GetWorkflowExecutionHistory",
            json!({
                "domain": DOMAIN,
                "execution": {"workflowId": WORKFLOW, "runId": self.run_id},
            }),
        );
        history["events"].as_array().expect("events").clone()
    }

    /// Waits for an event of this type, and gives its attributes.
    pub fn event(&self, event_type: &str) -> Value {
        wait_for(event_type, || {
            let events = self.events();
            let event = events
                .into_iter()
                .find(|event| event["eventType"] == event_type)?;
            let mut attributes = event_type.to_owned() + "EventAttributes";
            attributes[..1].make_ascii_lowercase();
            Some(event[attributes].clone())
        })
    }

    /// The command with this server as its service.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = command(args);
        command
            .env(
                "AWS_ENDPOINT_URL_SWF",
                format!("http://{}", self.server.address),
            )
            .env_remove("AWS_ENDPOINT_URL")
            .env_remove("SWF_DOMAIN");
        command
    }

    /// Starts a worker.
    pub fn worker(&self, args: &[&str]) -> Running {
        let all = [&["worker.start", "-d", DOMAIN, "-t", TASK_LIST], args];
        Running::start(self.command(&all.concat()).stdin(Stdio::null()))
    }
}

/// Waits until a process is gone; one that nobody has waited for yet is.
pub fn gone(process: u32) {
    wait_for("end of a process", || {
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat"));
        let zombie = |stat: String| stat.rsplit(')').next().is_some_and(|s| s.starts_with(" Z"));
        stat.map_or(true, zombie).then_some(())
    });
}
