//! Reading recordings into one form.

use serde_json::{Map, Value, json};
use simpleflow_model::Timestamp;

/// The members of an event's attributes.
pub type Attributes = Map<String, Value>;

/// An event of the real service.
#[derive(Clone, Debug)]
pub struct RecordedEvent {
    pub event_type: String,
    /// Not kept by the scenarios.
    pub at: Option<Timestamp>,
    pub attributes: Attributes,
}

impl RecordedEvent {
    pub fn number(&self, member: &str) -> i64 {
        self.attributes
            .get(member)
            .and_then(Value::as_i64)
            .unwrap_or(0)
    }

    pub fn text(&self, member: &str) -> &str {
        self.attributes
            .get(member)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }
}

/// What was recorded of a workflow and its children.
#[derive(Debug)]
pub struct Recording {
    /// Whether names are symbols, and null and zero members were left out.
    pub symbolic: bool,
    /// The first is the parent's.
    pub histories: Vec<Vec<RecordedEvent>>,
    /// The last answer to `DescribeWorkflowExecution`.
    pub described: Option<Value>,
}

impl Recording {
    /// A scenario, whose printer wrote shapes as names and left out what is null or zero.
    pub fn scenario(text: &str) -> Option<Self> {
        let scenario: Value = serde_json::from_str(text).unwrap();
        let histories = scenario["histories"].as_array().unwrap();
        let event = |event: &Value| RecordedEvent {
            event_type: event["eventType"].as_str().unwrap().to_owned(),
            at: None,
            attributes: event["attributes"]
                .as_object()
                .unwrap()
                .iter()
                .map(|(member, value)| (member.clone(), unprinted(member, value)))
                .collect(),
        };
        Some(Self {
            symbolic: true,
            histories: histories
                .iter()
                .map(|history| history.as_array().unwrap().iter().map(event).collect())
                .collect(),
            described: None,
        })
    }

    /// A recorded execution; nothing if its history was not read.
    pub fn execution(text: &str) -> Option<Self> {
        let interactions: Vec<Value> = serde_json::from_str(text).unwrap();
        let answer = |target: &str| {
            let mut of = interactions.iter().rev();
            of.find(|i| i["target"] == target).map(|i| &i["response"])
        };
        let history = answer("GetWorkflowExecutionHistory")?;
        let event = |event: &Value| {
            let members = event.as_object().unwrap();
            let attributes = members
                .iter()
                .find(|(name, _)| name.ends_with("Attributes"));
            RecordedEvent {
                event_type: event["eventType"].as_str().unwrap().to_owned(),
                at: Some(serde_json::from_value(event["eventTimestamp"].clone()).unwrap()),
                attributes: attributes.unwrap().1.as_object().unwrap().clone(),
            }
        };
        let events = history["events"].as_array().unwrap();
        Some(Self {
            symbolic: false,
            histories: vec![events.iter().map(event).collect()],
            described: answer("DescribeWorkflowExecution").cloned(),
        })
    }
}

/// The service's form of what the printer wrote as a name.
fn unprinted(member: &str, value: &Value) -> Value {
    match member {
        "taskList" => json!({ "name": value }),
        "workflowType" | "activityType" => json!({ "name": value, "version": "1" }),
        _ => value.clone(),
    }
}
