//! Histories in the flat form of the Python original's `workflow.history -o raw`: the type cut in
//! two, the attributes beside it under snake case names, input and control read.

use serde::Deserialize;
use serde_json::{Map, Value};
use simpleflow_model::{EventAttributes, EventId, HistoryEvent};

use super::InvalidHistory;

/// An event in the flat form.
#[derive(Deserialize)]
pub(super) struct FlatEvent {
    id: EventId,
    /// What the event is about, such as `ActivityTask`.
    #[serde(rename = "type")]
    group: String,
    /// What became of it, such as `schedule_failed`.
    state: String,
    timestamp: Value,
    #[serde(flatten)]
    attributes: Map<String, Value>,
}

/// The events that flat ones were made of.
///
/// # Errors
/// [`InvalidHistory::Flat`].
pub(super) fn events_of_flat(flat: Vec<FlatEvent>) -> Result<Vec<HistoryEvent>, InvalidHistory> {
    flat.into_iter().map(event).collect()
}

fn event(flat: FlatEvent) -> Result<HistoryEvent, InvalidHistory> {
    let id = flat.id;
    let unreadable = |problem: String| InvalidHistory::Flat { event: id, problem };
    let mut attributes = Map::new();
    for (name, value) in flat.attributes {
        let (name, value) = match (name.as_str(), value) {
            ("input" | "control", Value::Null) => continue,
            // That there is no input reads like this.
            ("input", Value::Object(input)) if input.is_empty() => continue,
            ("input" | "control", value) => (name, value.to_string().into()),
            ("function_id", value) => ("id".to_owned(), value),
            (_, value) => (camel(&name), value),
        };
        attributes.insert(name, value);
    }
    let mut problem = format!("{} {} is no event", flat.group, flat.state);
    for event_type in event_types(&flat.group, &flat.state) {
        let member = first(&event_type, char::to_ascii_lowercase) + "EventAttributes";
        let event = serde_json::json!({
            "eventId": id,
            "eventTimestamp": flat.timestamp,
            "eventType": event_type,
            member: attributes,
        });
        match serde_json::from_value::<HistoryEvent>(event) {
            Ok(event) if !matches!(event.attributes, EventAttributes::Other(_)) => {
                return Ok(event);
            }
            Ok(_) => {}
            Err(error) => problem = error.to_string(),
        }
    }
    Err(unreadable(problem))
}

/// The types that a group and a state may be of: the group was cut out somewhere between two words.
fn event_types(group: &str, state: &str) -> Vec<String> {
    let group = match group {
        // The name of the group says more than was cut out.
        "ExternalWorkflowExecution" => "ExternalWorkflow",
        group => group,
    };
    let words: Vec<_> = state
        .split('_')
        .map(|word| first(word, char::to_ascii_uppercase))
        .collect();
    (0..=words.len())
        .map(|place| {
            let (before, after) = words.split_at(place);
            [&before.concat(), group, &after.concat()].concat()
        })
        .collect()
}

fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let start = words.next().unwrap_or_default().to_owned();
    words.fold(start, |name, word| {
        name + &first(word, char::to_ascii_uppercase)
    })
}

/// A word with its first letter changed.
fn first(word: &str, change: fn(&char) -> char) -> String {
    let mut letters = word.chars();
    let start = letters.next();
    start.iter().map(change).chain(letters).collect()
}
