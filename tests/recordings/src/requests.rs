//! The requests that events came from.

use serde_json::{Value, json};
use simpleflow_model::types::DecisionTask;
use simpleflow_model::{EventId, SmolStr, TaskToken, Timeout, Timestamp};

use crate::decisions::{decision_json, out_of_order, outcomes_of, own_list};
use crate::play::Stage;
use crate::recording::RecordedEvent;
use crate::{LambdaNews, Outcome, refused, shape};

impl Stage<'_> {
    /// Sees to it that the next recorded event of an execution happens.
    pub(crate) fn cause(&mut self, player: usize) -> Outcome<()> {
        let Some(this) = self.players.get(player) else {
            return Err("there is no such execution".into());
        };
        let (recorded, at) = (this.recorded, this.compared);
        let event = recorded.get(at).ok_or("nothing more was recorded")?;
        let execution = &this.execution;
        let target = json!({
            "domain": self.domain,
            "workflowId": execution.workflow_id,
            "runId": execution.run_id,
        });
        self.time(event.at);
        let with = |members: &[&str]| copy(event, members, target.clone());
        match event.event_type.as_str() {
            "DecisionTaskStarted" => self.poll_decision(player, event.text("identity")),
            "DecisionTaskCompleted" => {
                let mut decisions = Vec::new();
                for (outcome, _) in outcomes_of(recorded, at) {
                    decisions.extend(self.decision(recorded, outcome)?);
                }
                let members = [
                    "executionContext",
                    "taskList",
                    "taskListScheduleToStartTimeout",
                ];
                let rest = copy(event, &members, json!({}));
                self.respond_decision(player, decisions, rest)
            }
            "ActivityTaskStarted" => self.poll_activity(player, event),
            "ActivityTaskCompleted" => {
                self.respond_activity("RespondActivityTaskCompleted", player, event, &["result"])
            }
            "ActivityTaskFailed" => {
                let members = ["reason", "details"];
                self.respond_activity("RespondActivityTaskFailed", player, event, &members)
            }
            "ActivityTaskCanceled" if event.number("startedEventId") != 0 => {
                self.respond_activity("RespondActivityTaskCanceled", player, event, &["details"])
            }
            "WorkflowExecutionSignaled" if event.number("externalInitiatedEventId") == 0 => {
                let request = with(&["signalName", "input"]);
                self.call("SignalWorkflowExecution", request).map(drop)
            }
            "WorkflowExecutionCancelRequested"
                if event.number("externalInitiatedEventId") == 0
                    && event.text("cause").is_empty() =>
            {
                self.call("RequestCancelWorkflowExecution", target)
                    .map(drop)
            }
            "WorkflowExecutionTerminated" if event.text("cause") != "CHILD_POLICY_APPLIED" => {
                let request = with(&["reason", "details", "childPolicy"]);
                self.call("TerminateWorkflowExecution", request).map(drop)
            }
            "TimerFired" => self.pass_timer(player, event),
            "LambdaFunctionStarted" => self.lambda(player, event, LambdaNews::Started),
            "LambdaFunctionCompleted" => {
                let result = text(event, "result");
                self.lambda(player, event, LambdaNews::Completed { result })
            }
            "LambdaFunctionFailed" => {
                let reason = text(event, "reason");
                let details = text(event, "details");
                self.lambda(player, event, LambdaNews::Failed { reason, details })
            }
            other => Err(format!("event {}, {other}, did not come by itself", at + 1).into()),
        }
    }

    /// Closes a child of which nothing is recorded, as its parent was told.
    pub(crate) fn close_as_told(&mut self, child: usize, news: &RecordedEvent) -> Outcome<()> {
        let how = news.event_type.trim_start_matches("ChildWorkflowExecution");
        let kind = match how {
            "Completed" => "CompleteWorkflowExecution",
            "Failed" => "FailWorkflowExecution",
            "Canceled" => "CancelWorkflowExecution",
            _ => return Err(format!("a child {how} without a history").into()),
        };
        let attributes = copy(news, &["result", "reason", "details"], json!({}));
        let run_id = &self.players[child].execution.run_id;
        if !self.decision_tasks.contains_key(run_id) {
            self.poll_decision(child, "nobody")?;
        }
        let decisions = vec![decision_json(kind, attributes)];
        self.respond_decision(child, decisions, json!({}))
    }

    fn poll_decision(&mut self, player: usize, identity: &str) -> Outcome<()> {
        let history = self.read(player)?;
        let mut events = history.iter().rev();
        let scheduled = events.find_map(|event| event.get("decisionTaskScheduledEventAttributes"));
        let list = &scheduled.ok_or("no decision task was scheduled")?["taskList"];
        let request = json!({ "domain": self.domain, "taskList": list, "identity": identity });
        loop {
            let task = self.call("PollForDecisionTask", request.clone())?;
            if task.get("taskToken").is_none() {
                return Err("no decision task waits".into());
            }
            let task: DecisionTask = shape(&task)?;
            let length = task.events.len() as i64;
            let last = task.events.last().map(|event| event.event_id);
            if last != Some(task.started_event_id) || length != task.started_event_id.0 {
                return Err("a decision task does not hold the history up to its start".into());
            }
            let of = task.workflow_execution.run_id;
            self.decision_tasks.insert(of.clone(), task.task_token);
            if of == self.players[player].execution.run_id {
                return Ok(());
            }
            // A child without a history may share the list: its task is kept for it.
            let mut others = self.players.iter();
            if !others.any(|other| other.execution.run_id == of && other.recorded.is_empty()) {
                return Err("the decision task of another run came first".into());
            }
        }
    }

    fn respond_decision(
        &mut self,
        player: usize,
        decisions: Vec<Value>,
        rest: Value,
    ) -> Outcome<()> {
        let run_id = &self.players[player].execution.run_id;
        let token = self.decision_tasks.remove(run_id);
        let mut request = rest;
        request["taskToken"] = json!(token.ok_or("nobody has the decision task")?);
        request["decisions"] = decisions.into();
        self.call("RespondDecisionTaskCompleted", request).map(drop)
    }

    fn poll_activity(&mut self, player: usize, event: &RecordedEvent) -> Outcome<()> {
        let this = &self.players[player];
        let scheduled = event.number("scheduledEventId");
        let event_scheduled = usize::try_from(scheduled - 1)
            .ok()
            .and_then(|index| this.recorded.get(index));
        let list = event_scheduled.and_then(|event| event.attributes.get("taskList"));
        let mut list = list
            .ok_or("an activity was started that was not scheduled")?
            .clone();
        if out_of_order(this.recorded) {
            list["name"] = own_list(&list, scheduled).into();
        }
        let task_of = (this.execution.run_id.clone(), scheduled);
        let identity = event.text("identity");
        let request = json!({ "domain": self.domain, "taskList": list, "identity": identity });
        let task = self.call("PollForActivityTask", request)?;
        let token = task.get("taskToken").ok_or("no activity task waits")?;
        let token: TaskToken = shape(token)?;
        self.activity_tasks.insert(task_of, token);
        Ok(())
    }

    fn respond_activity(
        &mut self,
        operation: &str,
        player: usize,
        event: &RecordedEvent,
        members: &[&str],
    ) -> Outcome<()> {
        let run_id = self.players[player].execution.run_id.clone();
        let task = (run_id, event.number("scheduledEventId"));
        let token = self.activity_tasks.remove(&task);
        let token = token.ok_or("nobody has the activity task")?;
        let request = copy(event, members, json!({ "taskToken": token }));
        self.call(operation, request).map(drop)
    }

    /// Lets the time come to when a timer fires.
    fn pass_timer(&mut self, player: usize, fired: &RecordedEvent) -> Outcome<()> {
        let started = usize::try_from(fired.number("startedEventId") - 1).ok();
        let started = started.and_then(|index| self.players[player].history.get(index));
        let started = started.ok_or("a timer fired that was not started")?;
        let at: Timestamp = shape(&started["eventTimestamp"])?;
        let attributes = &started["timerStartedEventAttributes"];
        let timeout: Timeout = shape(&attributes["startToFireTimeout"])?;
        let due = at + timeout.duration().ok_or("a timer without end fired")?;
        self.time(Some(due));
        Ok(())
    }

    fn lambda(&mut self, player: usize, event: &RecordedEvent, news: LambdaNews) -> Outcome<()> {
        let run_id = &self.players[player].execution.run_id;
        let scheduled = EventId(event.number("scheduledEventId"));
        self.service
            .lambda_news(run_id, scheduled, news)
            .map_err(refused("the news of a function"))
    }
}

/// Copies members of an event into a request.
fn copy(event: &RecordedEvent, members: &[&str], mut request: Value) -> Value {
    for member in members {
        if let Some(value) = event.attributes.get(*member) {
            request[*member] = value.clone();
        }
    }
    request
}

fn text(event: &RecordedEvent, member: &str) -> Option<SmolStr> {
    let text = event.attributes.get(member).and_then(Value::as_str);
    text.map(SmolStr::from)
}
