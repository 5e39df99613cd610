//! What deciders were told and what they answered, for whoever is to decide the same.

use serde_json::{Map, Value, json};
use simpleflow_model::{EventId, HistoryEvent, Timestamp, WorkflowExecution};

use crate::decisions::{decision_json, outcomes_of};
use crate::recording::{RecordedEvent, Recording};
use crate::{Outcome, Problem, shape};

/// The history of an execution, with what its deciders answered.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DecidedRun {
    /// The execution, with the ids that were recorded; where none were, `workflow` and `run`.
    pub execution: WorkflowExecution,
    /// Its history.
    pub events: Vec<HistoryEvent>,
    /// The decision tasks that were answered, in the order of their answers.
    pub tasks: Vec<AnsweredTask>,
}

/// A decision task and its answer.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AnsweredTask {
    /// Its start: the decider knew the events up to it.
    pub started: EventId,
    /// The decisions, in order.
    pub decisions: Vec<RecordedDecision>,
    /// The execution context that was set.
    pub execution_context: Option<String>,
}

/// A decision, as far as its event tells.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RecordedDecision {
    /// It as JSON.
    pub json: Value,
    /// Whether it was refused: then its event has hardly more than its id.
    pub refused: bool,
}

impl Recording {
    /// The executions of which a history was recorded, the parent first.
    ///
    /// # Errors
    /// A history is not one of the model.
    pub fn decided(&self) -> Result<Vec<DecidedRun>, Problem> {
        let runs = self.histories.iter().map(|history| self.run(history));
        runs.collect()
    }

    fn run(&self, recorded: &[RecordedEvent]) -> Outcome<DecidedRun> {
        let events = recorded.iter().enumerate();
        let events = events.map(|(index, event)| shape(&event.to_json(index)));
        let mut tasks = Vec::new();
        for (index, event) in recorded.iter().enumerate() {
            if event.event_type != "DecisionTaskCompleted" {
                continue;
            }
            let mut decisions = Vec::new();
            for (_, outcome) in outcomes_of(recorded, index) {
                decisions.extend(outcome.decision()?);
            }
            let context = event.attributes.get("executionContext");
            tasks.push(AnsweredTask {
                started: EventId(event.number("startedEventId")),
                decisions,
                execution_context: context.and_then(Value::as_str).map(str::to_owned),
            });
        }
        Ok(DecidedRun {
            execution: self.execution()?,
            events: events.collect::<Outcome<_>>()?,
            tasks,
        })
    }

    /// The ids of the execution that was started, if that was recorded.
    fn execution(&self) -> Outcome<WorkflowExecution> {
        let starts = |operation: &str| operation == "StartWorkflowExecution";
        let mut exchanges = self.exchanges.iter();
        let start = exchanges.find(|exchange| starts(&exchange.operation));
        shape(&match start {
            Some(start) => json!({
                "workflowId": start.request["workflowId"],
                "runId": start.response["runId"],
            }),
            None => json!({ "workflowId": "workflow", "runId": "run" }),
        })
    }
}

impl RecordedEvent {
    /// It as the service answers it.
    fn to_json(&self, index: usize) -> Value {
        let (first, rest) = self.event_type.split_at(1);
        let member = format!("{}{rest}EventAttributes", first.to_ascii_lowercase());
        let attributes = self.attributes.iter().map(|(member, value)| {
            let value = match value.as_str() {
                Some(printed) if member.ends_with("orkflowExecution") => execution(printed),
                _ => value.clone(),
            };
            (member.clone(), value)
        });
        json!({
            "eventId": index + 1,
            "eventTimestamp": self.at.unwrap_or(Timestamp::from_millis(index as i64)),
            "eventType": self.event_type,
            (member): attributes.collect::<Map<_, _>>(),
        })
    }

    /// The decision that it is the outcome of, if it is not the outcome of an event.
    fn decision(&self) -> Outcome<Option<RecordedDecision>> {
        // What the service adds.
        const OWN: [&str; 3] = ["decisionTaskCompletedEventId", "startedEventId", "cause"];
        let Some(kind) = self.decision_type()? else {
            return Ok(None);
        };
        let members = self.attributes.iter();
        let members = members.filter(|(member, _)| !OWN.contains(&member.as_str()));
        let members: Map<_, _> = members
            .map(|(member, value)| (member.clone(), value.clone()))
            .collect();
        Ok(Some(RecordedDecision {
            json: decision_json(kind, members.into()),
            refused: self.event_type.ends_with("Failed") && kind != "FailWorkflowExecution",
        }))
    }
}

/// The execution that was printed as `WorkflowExecution(RunId="…", WorkflowId=…)`.
fn execution(printed: &str) -> Value {
    let member = |name: &str| {
        let (_, value) = printed.split_once(&format!("{name}="))?;
        match value.strip_prefix('"') {
            Some(quoted) => quoted.split('"').next(),
            None => value.trim_end_matches(')').into(),
        }
    };
    json!({ "runId": member("RunId"), "workflowId": member("WorkflowId") })
}
