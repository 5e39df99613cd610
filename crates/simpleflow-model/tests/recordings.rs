//! What the real service sent, and what it accepted, survives being read and written back.

mod common;

use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};
use simpleflow_model::{EventAttributes, HistoryEvent, Members, operation, types};

use common::{read_json, reference, round_trip};

/// The JSON files of a directory, by name.
fn files(directory: &Path) -> Vec<(String, Value)> {
    let mut files: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "json"))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{} is empty", directory.display());
    let read = |path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        (name.into_owned(), read_json(path))
    };
    files.iter().map(|path| read(path)).collect()
}

#[test]
fn requests_and_responses_round_trip() {
    let Some(directory) = reference("recorded/executions") else {
        return;
    };
    let mut problems = Vec::new();
    for (file, calls) in files(&directory) {
        for (i, call) in calls.as_array().unwrap().iter().enumerate() {
            let target = call["target"].as_str().unwrap();
            let request = &call["request"];
            // The exact text, with numbers as the service prints them (1.490445225378E9).
            let response = match call["response_text"].as_str() {
                Some("") | None => Value::Null,
                Some(text) => serde_json::from_str(text).unwrap(),
            };
            let (request, response) = match target {
                "DescribeWorkflowExecution" => (
                    round_trip::<operation::DescribeWorkflowExecution>(request),
                    round_trip::<types::WorkflowExecutionDetail>(&response),
                ),
                "DescribeWorkflowType" => (
                    round_trip::<operation::DescribeWorkflowType>(request),
                    round_trip::<types::WorkflowTypeDetail>(&response),
                ),
                "GetWorkflowExecutionHistory" => {
                    for event in response["events"].as_array().unwrap() {
                        if let Err(problem) = check_event(event) {
                            problems.push(format!("{file}: call {i}: {problem}"));
                        }
                    }
                    (
                        round_trip::<operation::GetWorkflowExecutionHistory>(request),
                        round_trip::<types::History>(&response),
                    )
                }
                "ListOpenWorkflowExecutions" => (
                    round_trip::<operation::ListOpenWorkflowExecutions>(request),
                    round_trip::<types::WorkflowExecutionInfos>(&response),
                ),
                "StartWorkflowExecution" => (
                    round_trip::<operation::StartWorkflowExecution>(request),
                    round_trip::<types::Run>(&response),
                ),
                "TerminateWorkflowExecution" => (
                    round_trip::<operation::TerminateWorkflowExecution>(request),
                    match response {
                        Value::Null => Ok(()),
                        other => Err(format!("expected no response, found {other}")),
                    },
                ),
                other => (Err(format!("no shape is known for {other}")), Ok(())),
            };
            for (what, result) in [("request", request), ("response", response)] {
                if let Err(problem) = result {
                    problems.push(format!("{file}: call {i}: {target} {what}: {problem}"));
                }
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn events_of_scenarios_round_trip() {
    let Some(directory) = reference("recorded/scenarios") else {
        return;
    };
    let mut problems = Vec::new();
    for (file, scenario) in files(&directory) {
        let histories = scenario["histories"].as_array().unwrap();
        for event in histories.iter().flat_map(|h| h.as_array().unwrap()) {
            if let Err(problem) = wire_form(event).and_then(|event| check_event(&event)) {
                problems.push(format!("{file}: {problem}"));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// An event round-trips, and nothing of it is unknown.
fn check_event(event: &Value) -> Result<(), String> {
    let said = |problem| format!("event {}: {problem}", event["eventId"]);
    round_trip::<HistoryEvent>(event).map_err(said)?;
    let (event_type, member, members) = entry(event).map_err(said)?;
    if event.as_object().is_none_or(|event| event.len() != 4) {
        return Err(said(format!("{event_type} has members beside {member}")));
    }
    let attributes = event[member].as_object();
    for name in attributes.into_iter().flat_map(Map::keys) {
        if !members.iter().any(|(known, _)| known == name) {
            return Err(said(format!("{event_type} has no member {name}")));
        }
    }
    Ok(())
}

/// What the crate says about the event's type.
fn entry(event: &Value) -> Result<(&'static str, &'static str, Members), String> {
    let event_type = &event["eventType"];
    EventAttributes::TYPES
        .iter()
        .find(|(name, ..)| event_type == name)
        .copied()
        .ok_or_else(|| format!("event type {event_type} is not known"))
}

/// A scenario's event as the service would send it. The printer of the scenarios has written
/// structures as a name, and has left out times and whatever is zero.
fn wire_form(printed: &Value) -> Result<Value, String> {
    let (event_type, attributes_member, members) = entry(printed)?;
    let mut attributes = Map::new();
    let printed_attributes = printed["attributes"].as_object();
    for (name, value) in printed_attributes.into_iter().flatten() {
        let value = match (name.as_str(), value.as_str()) {
            ("taskList", Some(text)) => json!({ "name": text }),
            ("workflowType" | "activityType", Some(text)) => json!({"name": text, "version": "1"}),
            (name, Some(text)) if name.to_lowercase().ends_with("workflowexecution") => {
                execution(text).ok_or_else(|| format!("{text} is not an execution"))?
            }
            _ => value.clone(),
        };
        attributes.insert(name.clone(), value);
    }
    for (name, required) in members {
        if *required && name.ends_with("EventId") && !attributes.contains_key(*name) {
            attributes.insert((*name).to_owned(), json!(0));
        }
    }
    Ok(json!({
        "eventId": printed["eventId"],
        "eventTimestamp": 0,
        "eventType": event_type,
        attributes_member: attributes,
    }))
}

/// Reads `WorkflowExecution(RunId="a", WorkflowId=b)`.
fn execution(printed: &str) -> Option<Value> {
    let members = printed.strip_prefix("WorkflowExecution(RunId=")?;
    let (run_id, workflow_id) = members.strip_suffix(')')?.split_once(", WorkflowId=")?;
    let unquoted = |text: &str| text.trim_matches('"').to_owned();
    Some(json!({"runId": unquoted(run_id), "workflowId": unquoted(workflow_id)}))
}
