//! Whether decisions are the same.

use serde_json::Value;
use simpleflow::model::Decision;
use simpleflow_recordings::RecordedDecision;

/// Members that FsDecider wrote and no workflow of ours has a use for. It finds its tasks in the
/// history by a number in their `control`. It names the run of a child, which may have gone on in
/// another since: while the child is open its workflow id is enough.
const UNSAID: [(&str, &str); 6] = [
    ("ScheduleActivityTask", "control"),
    ("StartChildWorkflowExecution", "control"),
    ("SignalExternalWorkflowExecution", "control"),
    ("RequestCancelExternalWorkflowExecution", "control"),
    ("SignalExternalWorkflowExecution", "runId"),
    ("RequestCancelExternalWorkflowExecution", "runId"),
];

/// Texts that are not the same, and why: the decision, its member, the recorded text and ours.
const IN_OTHER_WORDS: [(&str, &str, &str, &str); 3] = [
    // The failure of an execution begins with what failed, as the original's does.
    (
        "FailWorkflowExecution",
        "reason",
        "Child Failed Reason",
        "Workflow execution failed: Child Failed Reason",
    ),
    (
        "FailWorkflowExecution",
        "reason",
        "Child Fail Reason",
        "Workflow execution failed: Child Fail Reason",
    ),
    // Python's exception is our error.
    (
        "FailWorkflowExecution",
        "reason",
        "Cannot replay the workflow: JumboTooLargeError(Message too long (10485785 chars))",
        "Workflow execution failed: JumboTooLargeError(Message too long (10485785 chars))",
    ),
];

/// Where decisions differ from those that were recorded.
pub fn difference(recorded: &[RecordedDecision], ours: &[Decision]) -> Option<String> {
    let ours: Vec<Value> = ours
        .iter()
        .map(|decision| serde_json::to_value(decision).unwrap())
        .collect();
    let kind = |decision: &Value| decision["decisionType"].as_str().unwrap_or("?").to_owned();
    let recorded_types: Vec<_> = recorded
        .iter()
        .map(|decision| kind(&decision.json))
        .collect();
    let our_types: Vec<_> = ours.iter().map(kind).collect();
    if recorded_types != our_types {
        let (recorded, ours) = (recorded_types.join(", "), our_types.join(", "));
        return Some(format!("[{recorded}] was recorded, not [{ours}]"));
    }
    let mut pairs = recorded.iter().zip(&ours);
    pairs.find_map(|(recorded, ours)| of_one(recorded, ours))
}

/// Where two decisions of one type differ.
fn of_one(recorded: &RecordedDecision, ours: &Value) -> Option<String> {
    let kind = recorded.json["decisionType"].as_str().unwrap_or("?");
    let (first, rest) = kind.split_at(1);
    let member = format!("{}{rest}DecisionAttributes", first.to_ascii_lowercase());
    let attributes = |decision: &Value| {
        let attributes = decision.get(&member).and_then(Value::as_object);
        attributes.cloned().unwrap_or_default()
    };
    let (mut expected, actual) = (attributes(&recorded.json), attributes(ours));
    expected.retain(|name, _| !UNSAID.contains(&(kind, name)));
    let differs = |name: &str, expected: &Value| {
        let actual = actual.get(name).unwrap_or(&Value::Null);
        let same = same_text(expected, actual) || in_other_words(kind, name, expected, actual);
        (!same).then(|| format!("{kind}: {name}: {expected} was recorded, not {actual}"))
    };
    let known = expected
        .iter()
        .find_map(|(name, value)| differs(name, value));
    known.or_else(|| {
        let more = |(name, _): &(&String, _)| !recorded.refused && !expected.contains_key(*name);
        let (name, value) = actual.iter().find(more)?;
        Some(format!("{kind}: {name} was not recorded, but is {value}"))
    })
}

/// Whether they are equal, as texts or as JSON: the original left spaces in it once.
fn same_text(expected: &Value, actual: &Value) -> bool {
    let json = |value: &Value| serde_json::from_str::<Value>(value.as_str()?).ok();
    expected == actual || json(expected).is_some_and(|expected| Some(expected) == json(actual))
}

fn in_other_words(kind: &str, name: &str, expected: &Value, actual: &Value) -> bool {
    let expected = expected.as_str().unwrap_or_default();
    let actual = actual.as_str().unwrap_or_default();
    // Where Python was.
    let is_traceback = name == "details" && expected.starts_with("Traceback:\nTraceback");
    is_traceback || IN_OTHER_WORDS.contains(&(kind, name, expected, actual))
}
