//! Events as flat JSON objects, in the form of the Python original's `workflow.history -o raw`:
//! the type cut in two, the attributes beside it under snake case names, input and control read.

use serde_json::{Map, Value};
use simpleflow_model::{HistoryEvent, SmolStr};

use super::History;

/// The first of these that an event type contains is its group; the rest of it is the state.
const GROUPS: [&str; 8] = [
    "ActivityTask",
    "DecisionTask",
    "ChildWorkflowExecution",
    "Marker",
    "Timer",
    "ExternalWorkflow",
    "WorkflowExecution",
    "LambdaFunction",
];

impl History {
    /// The events as flat JSON objects, oldest first.
    pub fn flat_events(&self) -> Vec<Value> {
        self.events().iter().map(flat).collect()
    }
}

fn flat(event: &HistoryEvent) -> Value {
    let (group, state) = split(event.event_type());
    let mut flat = Map::new();
    flat.insert("input".into(), Value::Object(Map::new()));
    flat.insert("control".into(), Value::Null);
    // An event always has a JSON form.
    if let Ok(Value::Object(members)) = serde_json::to_value(event) {
        let attributes = members
            .into_iter()
            .filter(|(name, _)| name.ends_with("EventAttributes"));
        for (_, attributes) in attributes {
            let Value::Object(attributes) = attributes else {
                continue;
            };
            for (name, value) in attributes {
                let value = match (&*name, value) {
                    ("input" | "control", Value::String(text)) => read(&text),
                    (_, value) => value,
                };
                let name = match &*name {
                    // Of a Lambda function; the event has an id of its own.
                    "id" => "function_id".to_owned(),
                    name => snake(name),
                };
                flat.insert(name, value);
            }
        }
    }
    // Last: nothing that an event may have in time to come takes their place.
    flat.insert("id".into(), event.event_id.0.into());
    flat.insert("type".into(), group.into());
    flat.insert("state".into(), state.into());
    flat.insert("timestamp".into(), event.event_timestamp.to_string().into());
    Value::Object(flat)
}

fn split(event_type: &str) -> (&str, String) {
    let Some(group) = GROUPS.into_iter().find(|group| event_type.contains(group)) else {
        return (event_type, String::new());
    };
    let state = snake(&event_type.replacen(group, "", 1));
    match group {
        // The original's name for the group says more than it cuts off.
        "ExternalWorkflow" => ("ExternalWorkflowExecution", state),
        group => (group, state),
    }
}

fn snake(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    for (index, c) in name.chars().enumerate() {
        if c.is_ascii_uppercase() && index > 0 {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    snake
}

/// A text that may be JSON: its value, or the text itself.
pub fn read(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| text.into())
}

/// [`read`], of what may not be there.
pub(super) fn read_option(text: Option<&SmolStr>) -> Value {
    text.map_or(Value::Null, |text| read(text))
}
