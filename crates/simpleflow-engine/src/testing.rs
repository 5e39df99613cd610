//! A small world for the unit tests: a domain, a type of each kind, and short ways to act.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use simpleflow_model::types::{ActivityTask, DecisionTask};
use simpleflow_model::{Fault, FaultKind, RunId, TaskToken, Timestamp};

use crate::{Engine, Limits, Settings, State};

/// Reads a request from JSON.
pub(crate) fn shape<T: DeserializeOwned>(value: Value) -> T {
    let text = value.to_string();
    serde_json::from_value(value).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// A decision of a type with attributes.
pub(crate) fn decision(kind: &str, attributes: Value) -> Value {
    let mut member = kind.to_owned();
    member.get_mut(..1).unwrap().make_ascii_lowercase();
    json!({ "decisionType": kind, format!("{member}DecisionAttributes"): attributes })
}

/// Schedules an activity of the registered type; `more` overrides.
pub(crate) fn activity(id: &str, more: Value) -> Value {
    let mut attributes = json!({ "activityId": id, "activityType": kind("activity") });
    merge(&mut attributes, more);
    decision("ScheduleActivityTask", attributes)
}

pub(crate) fn timer(id: &str, seconds: u32) -> Value {
    let timeout = seconds.to_string();
    decision(
        "StartTimer",
        json!({ "timerId": id, "startToFireTimeout": timeout }),
    )
}

pub(crate) fn child(id: &str, more: Value) -> Value {
    let mut attributes = json!({ "workflowId": id, "workflowType": kind("workflow") });
    merge(&mut attributes, more);
    decision("StartChildWorkflowExecution", attributes)
}

pub(crate) fn complete() -> Value {
    decision("CompleteWorkflowExecution", json!({ "result": "done" }))
}

pub(crate) fn kind(name: &str) -> Value {
    json!({ "name": name, "version": "1" })
}

fn merge(into: &mut Value, more: Value) {
    if let (Some(into), Value::Object(more)) = (into.as_object_mut(), more) {
        into.extend(more);
    }
}

pub(crate) struct World {
    pub engine: Engine,
    pub now: Timestamp,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with_limits(Limits::default())
    }

    pub(crate) fn with_limits(limits: Limits) -> Self {
        Self::with(|settings| settings.limits = limits)
    }

    pub(crate) fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings {
            record_changes: true,
            record_closes: true,
            ..Settings::default()
        };
        change(&mut settings);
        let now = Timestamp::from_millis(1_000_000);
        let mut engine = Engine::new(settings);
        let domain = json!({ "name": "d", "workflowExecutionRetentionPeriodInDays": "1" });
        engine.register_domain(&shape(domain), now).unwrap();
        let workflow = json!({
            "domain": "d", "name": "workflow", "version": "1",
            "defaultTaskList": { "name": "deciders" },
            "defaultTaskStartToCloseTimeout": "50",
            "defaultExecutionStartToCloseTimeout": "1000",
            "defaultChildPolicy": "TERMINATE",
        });
        engine
            .register_workflow_type(&shape(workflow), now)
            .unwrap();
        let activity = json!({
            "domain": "d", "name": "activity", "version": "1",
            "defaultTaskList": { "name": "workers" },
            "defaultTaskScheduleToStartTimeout": "NONE",
            "defaultTaskScheduleToCloseTimeout": "NONE",
            "defaultTaskStartToCloseTimeout": "NONE",
            "defaultTaskHeartbeatTimeout": "NONE",
        });
        engine
            .register_activity_type(&shape(activity), now)
            .unwrap();
        // Types without a default.
        for name in ["bare", "old"] {
            let request = json!({ "domain": "d", "name": name, "version": "1" });
            engine
                .register_workflow_type(&shape(request.clone()), now)
                .unwrap();
            engine.register_activity_type(&shape(request), now).unwrap();
        }
        let old = json!({ "domain": "d", "workflowType": kind("old") });
        engine.deprecate_workflow_type(&shape(old), now).unwrap();
        let old = json!({ "domain": "d", "activityType": kind("old") });
        engine.deprecate_activity_type(&shape(old), now).unwrap();
        Self { engine, now }
    }

    /// Lets so many seconds pass.
    pub(crate) fn pass(&mut self, seconds: i64) {
        self.now = Timestamp::from_micros(self.now.as_micros() + seconds * 1_000_000);
        self.engine.advance(self.now);
    }

    pub(crate) fn try_start(&mut self, id: &str, more: Value) -> Result<RunId, Fault> {
        let mut request =
            json!({ "domain": "d", "workflowId": id, "workflowType": kind("workflow") });
        merge(&mut request, more);
        self.engine
            .start_workflow_execution(&shape(request), self.now)
            .map(|run| run.run_id.unwrap())
    }

    pub(crate) fn start(&mut self, id: &str) -> RunId {
        self.try_start(id, json!({})).unwrap()
    }

    /// Polls for a decision task; `more` overrides.
    pub(crate) fn poll_with(&mut self, more: Value) -> Option<DecisionTask> {
        let mut request = json!({ "domain": "d", "taskList": { "name": "deciders" } });
        merge(&mut request, more);
        self.engine
            .poll_for_decision_task(&shape(request), self.now)
            .unwrap()
    }

    pub(crate) fn poll(&mut self) -> DecisionTask {
        self.poll_with(json!({})).expect("a decision task")
    }

    pub(crate) fn try_respond(
        &mut self,
        token: &TaskToken,
        decisions: &[Value],
        more: Value,
    ) -> Result<(), Fault> {
        let mut request = json!({ "taskToken": token, "decisions": decisions });
        merge(&mut request, more);
        self.engine
            .respond_decision_task_completed(&shape(request), self.now)
    }

    /// Polls for a decision task and answers it.
    pub(crate) fn decide(&mut self, decisions: &[Value]) -> RunId {
        let task = self.poll();
        self.try_respond(&task.task_token, decisions, json!({}))
            .unwrap();
        task.workflow_execution.run_id
    }

    /// Starts an execution and takes its first decisions.
    pub(crate) fn begin(&mut self, decisions: &[Value]) -> RunId {
        let run = self.start("w");
        self.decide(decisions);
        run
    }

    pub(crate) fn work(&mut self) -> Option<ActivityTask> {
        let request = json!({ "domain": "d", "taskList": { "name": "workers" } });
        self.engine
            .poll_for_activity_task(&shape(request), self.now)
            .unwrap()
    }

    pub(crate) fn work_done(&mut self, token: &TaskToken) -> Result<(), Fault> {
        self.engine
            .respond_activity_task_completed(&shape(json!({ "taskToken": token })), self.now)
    }

    pub(crate) fn signal(&mut self, id: &str) -> Result<(), Fault> {
        let request = json!({ "domain": "d", "workflowId": id, "signalName": "s" });
        self.engine
            .signal_workflow_execution(&shape(request), self.now)
    }

    pub(crate) fn terminate(&mut self, id: &str, more: Value) -> Result<(), Fault> {
        let mut request = json!({ "domain": "d", "workflowId": id });
        merge(&mut request, more);
        self.engine
            .terminate_workflow_execution(&shape(request), self.now)
    }

    /// The open run of a workflow id.
    pub(crate) fn run_of(&self, id: &str) -> RunId {
        let mut open = self.engine.executions().filter(|execution| {
            execution.state().is_open() && execution.id().workflow_id.as_str() == id
        });
        open.next().expect("an open execution").id().run_id.clone()
    }

    /// The event types of a history from an event on.
    pub(crate) fn types(&self, run: &RunId, from: usize) -> Vec<&str> {
        let history = self.engine.execution(run).unwrap().history();
        history[from - 1..].iter().map(|e| e.event_type()).collect()
    }

    /// The attributes of an event, by its id.
    pub(crate) fn event(&self, run: &RunId, id: usize) -> Value {
        let history = self.engine.execution(run).unwrap().history();
        let event = serde_json::to_value(&history[id - 1]).unwrap();
        let members = event.as_object().unwrap();
        let attributes = members
            .iter()
            .find(|(name, _)| name.ends_with("Attributes"));
        attributes.map_or(Value::Null, |(_, attributes)| attributes.clone())
    }

    /// The attributes of the last event of a type.
    pub(crate) fn last(&self, run: &RunId, event_type: &str) -> Value {
        let history = self.engine.execution(run).unwrap().history();
        let found = history.iter().rposition(|e| e.event_type() == event_type);
        self.event(run, found.expect("an event of the type") + 1)
    }

    pub(crate) fn open_counts(&mut self, run: &RunId) -> Value {
        let execution = self.engine.execution(run).unwrap().id().clone();
        let request = json!({ "domain": "d", "execution": execution });
        let detail = self
            .engine
            .describe_workflow_execution(&shape(request), self.now)
            .unwrap();
        serde_json::to_value(detail.open_counts).unwrap()
    }
}

impl Drop for World {
    /// Whatever a test did: every state follows from its history.
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        for execution in self.engine.executions() {
            assert_eq!(State::replay(execution.history()), *execution.state());
        }
    }
}

/// That a request was refused with a kind of fault and these words.
#[track_caller]
pub(crate) fn refused<T: std::fmt::Debug>(
    result: Result<T, Fault>,
    kind: FaultKind,
    message: &str,
) {
    assert_eq!(result.unwrap_err(), Fault::new(kind, message));
}
