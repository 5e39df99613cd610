//! The decisions that events came from.

use serde_json::{Value, json};
use simpleflow_model::RunId;

use crate::Outcome;
use crate::play::Stage;
use crate::recording::RecordedEvent;

impl RecordedEvent {
    /// The type of the decision that it is the outcome of, if it is not the outcome of an event.
    pub(crate) fn decision_type(&self) -> Outcome<Option<&'static str>> {
        Ok(Some(match self.event_type.as_str() {
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
            "StartChildWorkflowExecutionFailed" if self.number("initiatedEventId") == 0 => {
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
            "ContinueAsNewWorkflowExecutionFailed" => "ContinueAsNewWorkflowExecution",
            // These follow later from a decision that has an event of its own.
            "SignalExternalWorkflowExecutionFailed"
            | "RequestCancelExternalWorkflowExecutionFailed"
            | "StartChildWorkflowExecutionFailed" => return Ok(None),
            other => return Err(format!("no decision is known for {other}").into()),
        }))
    }
}

/// The outcomes of the decisions of the decision task that was completed by the event at this
/// place, with their places.
pub(crate) fn outcomes_of(
    recorded: &[RecordedEvent],
    completed: usize,
) -> impl Iterator<Item = (usize, &RecordedEvent)> {
    let id = completed as i64 + 1;
    let later = recorded.iter().enumerate().skip(completed);
    later.filter(move |(_, event)| event.number("decisionTaskCompletedEventId") == id)
}

impl Stage<'_> {
    /// The decision that an event is the outcome of, if it is not the outcome of an event.
    pub(crate) fn decision(
        &self,
        recorded: &[RecordedEvent],
        index: usize,
    ) -> Outcome<Option<Value>> {
        let event = &recorded[index];
        let Some(kind) = event.decision_type()? else {
            return Ok(None);
        };
        let mut attributes = Value::from(event.attributes.clone());
        if event.event_type == "ContinueAsNewWorkflowExecutionFailed"
            && event.text("cause") == "WORKFLOW_TYPE_DOES_NOT_EXIST"
        {
            attributes["workflowTypeVersion"] = "unregistered".into();
        }
        if event.event_type == "ActivityTaskScheduled" && out_of_order(recorded) {
            attributes["taskList"]["name"] =
                own_list(&attributes["taskList"], index as i64 + 1).into();
        }
        if let Some(run_id) = attributes.get("runId").and_then(Value::as_str) {
            attributes["runId"] = json!(self.run_named(run_id));
        }
        Ok(Some(decision_json(kind, attributes)))
    }

    /// The run that a recorded run id stands for; an unknown one stands for itself.
    pub(crate) fn run_named(&self, recorded: &str) -> RunId {
        let quoted = format!("RunId=\"{recorded}\"");
        let known = self.runs.iter().find(|(text, _)| text.contains(&quoted));
        known.map_or_else(|| RunId::from(recorded), |(_, run_id)| run_id.clone())
    }
}

/// Whether an activity task was started before one that was scheduled earlier: the service keeps
/// the order "as far as possible", the engine always. Each task gets a list of its own then, so
/// that the recorded order can be had.
pub(crate) fn out_of_order(recorded: &[RecordedEvent]) -> bool {
    let starts: Vec<_> = recorded
        .iter()
        .filter(|event| event.event_type == "ActivityTaskStarted")
        .map(|event| event.number("scheduledEventId"))
        .collect();
    !starts.is_sorted()
}

pub(crate) fn own_list(list: &Value, scheduled: i64) -> String {
    format!(
        "{} of {scheduled}",
        list["name"].as_str().unwrap_or_default()
    )
}

/// A decision; the name of its attributes is that of its type with a small first letter.
pub(crate) fn decision_json(kind: &str, attributes: Value) -> Value {
    let (first, rest) = kind.split_at(1);
    let member = format!("{}{rest}DecisionAttributes", first.to_ascii_lowercase());
    json!({ "decisionType": kind, member: attributes })
}
