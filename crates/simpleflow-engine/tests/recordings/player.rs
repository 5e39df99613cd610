//! Drives an engine so that it does what was recorded, and compares each event.
//!
//! The commands are derived from the recorded events: an event that somebody's command caused
//! gives that command, an event that the service caused must come by itself. The parent goes as
//! far as it can; when it waits for a child to close, that child goes on.

use std::collections::HashMap;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use simpleflow_engine::{Engine, Settings, State};
use simpleflow_model::operation::*;
use simpleflow_model::{
    DomainName, EventId, Fault, RunId, TaskToken, Timestamp, WorkflowExecution,
};

use crate::recording::{RecordedEvent, Recording};

type Outcome<T> = Result<T, String>;

const DOMAIN: &str = "recorded";
const WORKFLOW_ID: &str = "workflowId";
const START: i64 = 1_400_000_000_000;

/// Reads a shape of the model from JSON.
fn shape<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value.clone()).unwrap_or_else(|error| panic!("{value}: {error}"))
}

fn refused(what: &str) -> impl FnOnce(Fault) -> String {
    move |fault| format!("{what} was refused: {fault}")
}

/// An execution that is compared with a recorded history.
struct Player<'a> {
    run_id: RunId,
    recorded: &'a [RecordedEvent],
    /// How many events were compared.
    compared: usize,
}

/// An engine, and the executions on it.
pub struct Stage<'a> {
    recording: &'a Recording,
    engine: Engine,
    now: Timestamp,
    parent: Player<'a>,
    /// The children by their initiated event; those with no recorded history are played so that
    /// they close as the parent's history says.
    children: HashMap<i64, Player<'a>>,
    /// The runs that stand for the recorded texts.
    runs: HashMap<String, RunId>,
    tokens: HashMap<(RunId, i64), TaskToken>,
}

impl<'a> Stage<'a> {
    /// Plays a recording, and says how many events were compared.
    pub fn play(recording: &'a Recording) -> Outcome<usize> {
        let settings = Settings {
            seed: 7,
            ..Settings::default()
        };
        let mut engine = Engine::new(settings);
        let begin = recording.histories[0][0].at;
        let now = begin.unwrap_or(Timestamp::from_millis(START));
        let domain = json!({ "name": DOMAIN, "workflowExecutionRetentionPeriodInDays": "90" });
        engine
            .register_domain(&shape(domain), now)
            .map_err(refused("the domain"))?;
        register_types(&mut engine, recording, now);
        let recorded = &recording.histories[0];
        let mut request = recorded[0].attributes.clone();
        request.insert("domain".into(), DOMAIN.into());
        request.insert("workflowId".into(), WORKFLOW_ID.into());
        let run = engine
            .start_workflow_execution(&shape(request.into()), now)
            .map_err(refused("the start"))?;
        let mut stage = Self {
            recording,
            engine,
            now,
            parent: Player {
                run_id: run.run_id.unwrap(),
                recorded,
                compared: 0,
            },
            children: HashMap::new(),
            runs: HashMap::new(),
            tokens: HashMap::new(),
        };
        stage.play_parent()?;
        stage.finish_children()?;
        stage.check_end()
    }

    fn play_parent(&mut self) -> Outcome<()> {
        loop {
            self.parent.compared = self.compare(
                &self.parent.run_id.clone(),
                self.parent.recorded,
                self.parent.compared,
            )?;
            self.adopt();
            let Some(next) = self.parent.recorded.get(self.parent.compared) else {
                return Ok(());
            };
            if next.event_type.starts_with("ChildWorkflowExecution")
                && next.event_type != "ChildWorkflowExecutionStarted"
            {
                self.close_child(next)?;
            } else {
                let run_id = self.parent.run_id.clone();
                self.cause(&run_id, self.parent.recorded, self.parent.compared)?;
            }
        }
    }

    /// Finds the children that the parent has started by now.
    fn adopt(&mut self) {
        for (index, event) in self.parent.recorded[..self.parent.compared]
            .iter()
            .enumerate()
        {
            let initiated = event.number("initiatedEventId");
            if event.event_type != "ChildWorkflowExecutionStarted"
                || self.children.contains_key(&initiated)
            {
                continue;
            }
            let event = self.json(&self.parent.run_id, index);
            let attributes = &event["childWorkflowExecutionStartedEventAttributes"];
            let execution: WorkflowExecution = shape(attributes["workflowExecution"].clone());
            let number = self.children.len() + 1;
            let recorded = self.recording.histories.get(number);
            let player = Player {
                run_id: execution.run_id,
                recorded: recorded.map_or(&[], Vec::as_slice),
                compared: 0,
            };
            self.children.insert(initiated, player);
        }
    }

    /// Lets a child close as the parent's event says.
    fn close_child(&mut self, news: &RecordedEvent) -> Outcome<()> {
        let initiated = news.number("initiatedEventId");
        let Some(child) = self.children.get(&initiated) else {
            return Err(format!("no child was initiated by {initiated}"));
        };
        if !child.recorded.is_empty() {
            return self.play_child(initiated);
        }
        let run_id = child.run_id.clone();
        self.time(news.at);
        let mut decision = news.attributes.clone();
        decision.retain(|member, _| ["result", "reason", "details"].contains(&member.as_str()));
        let how = news.event_type.trim_start_matches("ChildWorkflowExecution");
        let kind = match how {
            "Completed" => "Complete",
            "Failed" => "Fail",
            "Canceled" => "Cancel",
            _ => return Err(format!("a child {how} without a history")),
        };
        if !self.tokens.contains_key(&(run_id.clone(), 0)) {
            self.poll_decision(&run_id, "nobody")?;
        }
        self.respond_decision(
            &run_id,
            json!([decision_json(
                &format!("{kind}WorkflowExecution"),
                decision.into()
            )]),
            json!({}),
        )
    }

    fn play_child(&mut self, initiated: i64) -> Outcome<()> {
        loop {
            let child = &self.children[&initiated];
            let (run_id, recorded) = (child.run_id.clone(), child.recorded);
            let compared = self.compare(&run_id, recorded, child.compared)?;
            self.children.get_mut(&initiated).unwrap().compared = compared;
            if compared == recorded.len() {
                return Ok(());
            }
            self.cause(&run_id, recorded, compared)?;
        }
    }

    /// What is left of the children must have come by itself, as by the child policy.
    fn finish_children(&mut self) -> Outcome<()> {
        let initiated: Vec<i64> = self.children.keys().copied().collect();
        for initiated in initiated {
            if !self.children[&initiated].recorded.is_empty() {
                self.play_child(initiated)?;
            }
        }
        Ok(())
    }

    /// Sees to it that the next recorded event happens.
    fn cause(&mut self, run_id: &RunId, recorded: &[RecordedEvent], at: usize) -> Outcome<()> {
        let event = &recorded[at];
        self.time(event.at);
        let now = self.now;
        let workflow_id = self
            .engine
            .execution(run_id)
            .unwrap()
            .id()
            .workflow_id
            .clone();
        let target = json!({ "domain": DOMAIN, "workflowId": workflow_id, "runId": run_id });
        let with = |members: &[&str]| {
            let mut request = target.clone();
            for member in members {
                if let Some(value) = event.attributes.get(*member) {
                    request[*member] = value.clone();
                }
            }
            request
        };
        let scheduled = EventId(event.number("scheduledEventId"));
        let text = |member: &str| {
            let text = event.attributes.get(member).and_then(Value::as_str);
            text.map(simpleflow_model::SmolStr::from)
        };
        match event.event_type.as_str() {
            "DecisionTaskStarted" => self.poll_decision(run_id, event.text("identity")),
            "DecisionTaskCompleted" => {
                let id = at as i64 + 1;
                let decisions: Vec<Value> = (at..recorded.len())
                    .filter(|later| recorded[*later].number("decisionTaskCompletedEventId") == id)
                    .filter_map(|later| self.decision(recorded, later))
                    .collect();
                let mut rest = json!({});
                for member in [
                    "executionContext",
                    "taskList",
                    "taskListScheduleToStartTimeout",
                ] {
                    if let Some(value) = event.attributes.get(member) {
                        rest[member] = value.clone();
                    }
                }
                self.respond_decision(run_id, decisions.into(), rest)
            }
            "ActivityTaskStarted" => {
                self.poll_activity(run_id, scheduled.0, recorded, event.text("identity"))
            }
            "ActivityTaskCompleted" => {
                let request = self.response(run_id, event, &["result"]);
                self.engine
                    .respond_activity_task_completed(&shape(request), now)
                    .map_err(refused("a completion"))
            }
            "ActivityTaskFailed" => {
                let request = self.response(run_id, event, &["reason", "details"]);
                self.engine
                    .respond_activity_task_failed(&shape(request), now)
                    .map_err(refused("a failure"))
            }
            "ActivityTaskCanceled" if event.number("startedEventId") != 0 => {
                let request = self.response(run_id, event, &["details"]);
                self.engine
                    .respond_activity_task_canceled(&shape(request), now)
                    .map_err(refused("a cancel"))
            }
            "WorkflowExecutionSignaled" if event.number("externalInitiatedEventId") == 0 => {
                let request = with(&["signalName", "input"]);
                self.engine
                    .signal_workflow_execution(&shape(request), now)
                    .map_err(refused("a signal"))
            }
            "WorkflowExecutionCancelRequested"
                if event.number("externalInitiatedEventId") == 0
                    && event.text("cause").is_empty() =>
            {
                self.engine
                    .request_cancel_workflow_execution(&shape(target), now)
                    .map_err(refused("a cancel request"))
            }
            "WorkflowExecutionTerminated" if event.text("cause") != "CHILD_POLICY_APPLIED" => {
                let request = with(&["reason", "details", "childPolicy"]);
                self.engine
                    .terminate_workflow_execution(&shape(request), now)
                    .map_err(refused("a termination"))
            }
            "TimerFired" => {
                let due = self.engine.next_deadline().ok_or("nothing is due")?;
                self.now = self.now.max(due);
                self.engine.advance(self.now);
                Ok(())
            }
            "LambdaFunctionStarted" => self
                .engine
                .lambda_function_started(run_id, scheduled, now)
                .map_err(refused("a start of a function")),
            "LambdaFunctionCompleted" => self
                .engine
                .lambda_function_completed(run_id, scheduled, text("result"), now)
                .map_err(refused("a result of a function")),
            "LambdaFunctionFailed" => self
                .engine
                .lambda_function_failed(run_id, scheduled, text("reason"), text("details"), now)
                .map_err(refused("a failure of a function")),
            other => Err(format!("event {}, {other}, did not come by itself", at + 1)),
        }
    }

    fn poll_decision(&mut self, run_id: &RunId, identity: &str) -> Outcome<()> {
        let history = self.engine.execution(run_id).unwrap().history().to_vec();
        let scheduled = history.iter().rev().find_map(|event| {
            let event = serde_json::to_value(event).unwrap();
            event.get("decisionTaskScheduledEventAttributes").cloned()
        });
        let list = scheduled.ok_or("no decision task")?["taskList"].clone();
        let request: PollForDecisionTask =
            shape(json!({ "domain": DOMAIN, "taskList": list, "identity": identity }));
        loop {
            let task = self
                .engine
                .poll_for_decision_task(&request, self.now)
                .map_err(refused("a poll"))?
                .ok_or("no decision task waits")?;
            let length = task.events.len() as i64;
            let last = task.events.last().map(|event| event.event_id);
            if last != Some(task.started_event_id) || length != task.started_event_id.0 {
                return Err("a decision task does not hold the history up to its start".into());
            }
            let of = task.workflow_execution.run_id;
            self.tokens.insert((of.clone(), 0), task.task_token);
            if of == *run_id {
                return Ok(());
            }
            // A child without a history may share the list: its task is kept for it.
            let mut children = self.children.values();
            if !children.any(|child| child.run_id == of && child.recorded.is_empty()) {
                return Err("the decision task of another run came first".into());
            }
        }
    }

    fn respond_decision(&mut self, run_id: &RunId, decisions: Value, rest: Value) -> Outcome<()> {
        let mut request = rest;
        request["taskToken"] = json!(self.tokens[&(run_id.clone(), 0)]);
        request["decisions"] = decisions;
        self.engine
            .respond_decision_task_completed(&shape(request), self.now)
            .map_err(refused("a response"))
    }

    fn poll_activity(
        &mut self,
        run_id: &RunId,
        scheduled: i64,
        recorded: &[RecordedEvent],
        identity: &str,
    ) -> Outcome<()> {
        let mut list = recorded[scheduled as usize - 1].attributes["taskList"].clone();
        if out_of_order(recorded) {
            list["name"] = own_list(&list, scheduled).into();
        }
        let request: PollForActivityTask =
            shape(json!({ "domain": DOMAIN, "taskList": list, "identity": identity }));
        let task = self
            .engine
            .poll_for_activity_task(&request, self.now)
            .map_err(refused("a poll"))?
            .ok_or("no activity task waits")?;
        self.tokens
            .insert((run_id.clone(), scheduled), task.task_token);
        Ok(())
    }

    fn response(&self, run_id: &RunId, event: &RecordedEvent, members: &[&str]) -> Value {
        let scheduled = event.number("scheduledEventId");
        let mut request = json!({ "taskToken": self.tokens[&(run_id.clone(), scheduled)] });
        for member in members {
            if let Some(value) = event.attributes.get(*member) {
                request[*member] = value.clone();
            }
        }
        request
    }

    /// The decision that an event is the outcome of.
    fn decision(&self, recorded: &[RecordedEvent], index: usize) -> Option<Value> {
        let event = &recorded[index];
        let mut attributes = Value::from(event.attributes.clone());
        let kind = match event.event_type.as_str() {
            "ActivityTaskScheduled" | "ScheduleActivityTaskFailed" => "ScheduleActivityTask",
            "ActivityTaskCancelRequested" | "RequestCancelActivityTaskFailed" => {
                "RequestCancelActivityTask"
            }
            "TimerStarted" => "StartTimer",
            "TimerCanceled" | "CancelTimerFailed" => "CancelTimer",
            "MarkerRecorded" => "RecordMarker",
            "SignalExternalWorkflowExecutionInitiated" => "SignalExternalWorkflowExecution",
            "RequestCancelExternalWorkflowExecutionInitiated" => {
                "RequestCancelExternalWorkflowExecution"
            }
            "StartChildWorkflowExecutionInitiated" => "StartChildWorkflowExecution",
            "StartChildWorkflowExecutionFailed" if event.number("initiatedEventId") == 0 => {
                "StartChildWorkflowExecution"
            }
            "LambdaFunctionScheduled" => "ScheduleLambdaFunction",
            "WorkflowExecutionCompleted" | "CompleteWorkflowExecutionFailed" => {
                "CompleteWorkflowExecution"
            }
            "WorkflowExecutionFailed" | "FailWorkflowExecutionFailed" => "FailWorkflowExecution",
            "WorkflowExecutionCanceled" | "CancelWorkflowExecutionFailed" => {
                "CancelWorkflowExecution"
            }
            "ContinueAsNewWorkflowExecutionFailed" => {
                if event.text("cause") == "WORKFLOW_TYPE_DOES_NOT_EXIST" {
                    attributes["workflowTypeVersion"] = "unregistered".into();
                }
                "ContinueAsNewWorkflowExecution"
            }
            // These follow later from a decision that has an event of its own.
            "SignalExternalWorkflowExecutionFailed"
            | "RequestCancelExternalWorkflowExecutionFailed"
            | "StartChildWorkflowExecutionFailed" => return None,
            other => panic!("no decision is known for {other}"),
        };
        if event.event_type == "ActivityTaskScheduled" && out_of_order(recorded) {
            attributes["taskList"]["name"] =
                own_list(&attributes["taskList"], index as i64 + 1).into();
        }
        if let Some(run_id) = attributes.get("runId").and_then(Value::as_str) {
            attributes["runId"] = json!(self.run_named(run_id));
        }
        Some(decision_json(kind, attributes))
    }

    /// The run that a recorded run id stands for; an unknown one stands for itself.
    fn run_named(&self, recorded: &str) -> RunId {
        let quoted = format!("RunId=\"{recorded}\"");
        let known = self.runs.iter().find(|(text, _)| text.contains(&quoted));
        known.map_or_else(|| RunId::from(recorded), |(_, run_id)| run_id.clone())
    }

    /// Lets the time go on: to that of the recording, or by a little.
    fn time(&mut self, recorded: Option<Timestamp>) {
        let later = Timestamp::from_micros(self.now.as_micros() + 50_000);
        self.now = recorded.unwrap_or(later);
    }

    /// An event of the engine as the service would write it.
    fn json(&self, run_id: &RunId, index: usize) -> Value {
        let execution = self.engine.execution(run_id).unwrap();
        serde_json::to_value(&execution.history()[index]).unwrap()
    }

    /// Compares what is new in a history with the recording, and says how much was compared.
    fn compare(
        &mut self,
        run_id: &RunId,
        recorded: &[RecordedEvent],
        from: usize,
    ) -> Outcome<usize> {
        let length = self.engine.execution(run_id).unwrap().history().len();
        for index in from..length {
            let event = self.json(run_id, index);
            let expected = recorded
                .get(index)
                .ok_or_else(|| format!("one event too many: {event}"))?;
            let wrong = |what: String| {
                format!(
                    "event {}: {what}\n  recorded: {expected:?}\n  engine: {event}",
                    index + 1
                )
            };
            if event["eventType"] != expected.event_type.as_str()
                || event["eventId"] != json!(index + 1)
            {
                return Err(wrong("another event was expected".into()));
            }
            self.compare_time(recorded, index, &event).map_err(wrong)?;
            let attributes = event
                .as_object()
                .unwrap()
                .iter()
                .find(|(member, _)| member.ends_with("EventAttributes"))
                .map(|(_, attributes)| attributes.as_object().unwrap())
                .ok_or("no attributes")?;
            for (member, value) in &expected.attributes {
                let actual = attributes.get(member).unwrap_or(&Value::Null);
                if !self.same(run_id, member, value, actual) {
                    return Err(wrong(format!("{member} is {actual}")));
                }
            }
            for (member, value) in attributes {
                let left_out = self.recording.symbolic && (value.is_null() || *value == 0);
                // The service did not write it before 2018.
                let unlimited = member == "scheduleToStartTimeout" && value == "NONE";
                if !expected.attributes.contains_key(member) && !left_out && !unlimited {
                    return Err(wrong(format!("{member} was not recorded")));
                }
            }
        }
        Ok(length)
    }

    /// Events come when they came. The service starts a child some time after the decision, the
    /// engine does it at once.
    fn compare_time(&self, recorded: &[RecordedEvent], index: usize, event: &Value) -> Outcome<()> {
        let Some(expected) = recorded[index].at else {
            return Ok(());
        };
        let same_moment = |i: usize| recorded[i].at == Some(expected);
        let starts_child =
            |i: usize| same_moment(i) && recorded[i].event_type == "ChildWorkflowExecutionStarted";
        let early = starts_child(index) || (index > 0 && starts_child(index - 1));
        let actual: Timestamp = shape(event["eventTimestamp"].clone());
        if actual == expected || (early && actual < expected) {
            return Ok(());
        }
        Err(format!("it is of {actual}, not of {expected}"))
    }

    fn same(&mut self, run_id: &RunId, member: &str, recorded: &Value, actual: &Value) -> bool {
        match member {
            "workflowExecution" | "parentWorkflowExecution" => {
                let actual: WorkflowExecution = match actual {
                    Value::Null => return false,
                    actual => shape(actual.clone()),
                };
                let Some(known) = self.engine.execution(&actual.run_id) else {
                    return false;
                };
                let expected_run = if member == "parentWorkflowExecution" {
                    Some(self.parent.run_id.clone())
                } else {
                    self.runs.get(&recorded.to_string()).cloned()
                };
                let ids_agree =
                    self.recording.symbolic || recorded["workflowId"] == json!(actual.workflow_id);
                let same = *known.id() == actual
                    && actual.run_id != *run_id
                    && ids_agree
                    && expected_run.is_none_or(|expected| expected == actual.run_id);
                let text = recorded
                    .as_str()
                    .map_or(recorded.to_string(), str::to_owned);
                self.runs.insert(text, actual.run_id);
                same
            }
            "runId" => {
                let recorded = recorded.as_str().unwrap_or_default();
                *actual == json!(self.run_named(recorded))
            }
            // One variable and the name of its value were both printed for the children's list.
            "taskList" if self.recording.symbolic => {
                let names = ["childTaskList", "TestConfiguration.TaskList"];
                let list = |value: &Value| {
                    let name = value["name"].as_str().unwrap_or_default();
                    name.split(" of ").next().unwrap_or_default().to_owned()
                };
                let known = |value: &Value| names.contains(&list(value).as_str());
                recorded == actual || (known(recorded) && known(actual))
            }
            _ => recorded == actual,
        }
    }

    /// What must hold at the end, and how many events were compared.
    fn check_end(mut self) -> Outcome<usize> {
        for execution in self.engine.executions() {
            if State::replay(execution.history()) != *execution.state() {
                return Err("the state does not follow from the history".into());
            }
        }
        if let Some(recorded) = &self.recording.described {
            let execution = self
                .engine
                .execution(&self.parent.run_id)
                .unwrap()
                .id()
                .clone();
            let request: DescribeWorkflowExecution =
                shape(json!({ "domain": DOMAIN, "execution": execution }));
            let actual = self
                .engine
                .describe_workflow_execution(&request, self.now)
                .map_err(refused("the description"))?;
            let actual = serde_json::to_value(actual).unwrap();
            let mut recorded = recorded.clone();
            let info = recorded["executionInfo"].as_object_mut().unwrap();
            // These members are in no model, and the ids were made by the service.
            info.retain(|member, _| !member.starts_with("reopen"));
            info["execution"] = actual["executionInfo"]["execution"].clone();
            if recorded != actual {
                return Err(format!("described as\n  {actual}\n  recorded {recorded}"));
            }
        }
        let children = self.children.values().map(|child| child.compared);
        Ok(self.parent.compared + children.sum::<usize>())
    }
}

/// Whether an activity task was started before one that was scheduled earlier: the service keeps
/// the order "as far as possible", the engine always. Each task gets a list of its own then, so
/// that the recorded order can be had.
fn out_of_order(recorded: &[RecordedEvent]) -> bool {
    let starts: Vec<_> = recorded
        .iter()
        .filter(|event| event.event_type == "ActivityTaskStarted")
        .map(|event| event.number("scheduledEventId"))
        .collect();
    !starts.is_sorted()
}

fn own_list(list: &Value, scheduled: i64) -> String {
    format!(
        "{} of {scheduled}",
        list["name"].as_str().unwrap_or_default()
    )
}

fn decision_json(kind: &str, attributes: Value) -> Value {
    let mut member = kind.to_owned();
    member.get_mut(..1).unwrap().make_ascii_lowercase();
    json!({ "decisionType": kind, format!("{member}DecisionAttributes"): attributes })
}

/// Registers every type that the service knew, without defaults: the recorded requests gave all.
fn register_types(engine: &mut Engine, recording: &Recording, now: Timestamp) {
    for event in recording.histories.iter().flatten() {
        if event.text("cause").ends_with("DOES_NOT_EXIST") {
            continue;
        }
        for member in ["workflowType", "activityType"] {
            let Some(kind) = event.attributes.get(member) else {
                continue;
            };
            let request = json!({
                "domain": DomainName::from(DOMAIN),
                "name": kind["name"],
                "version": kind["version"],
            });
            // Most are there from an earlier event.
            let _ = match member {
                "workflowType" => engine.register_workflow_type(&shape(request), now),
                _ => engine.register_activity_type(&shape(request), now),
            };
        }
    }
}
