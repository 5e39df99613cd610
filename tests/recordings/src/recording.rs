//! Reading recordings into one form.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value, json};
use simpleflow_model::Timestamp;

/// The members of an event's attributes.
pub(crate) type Attributes = Map<String, Value>;

/// An event of the real service.
#[derive(Clone, Debug)]
pub(crate) struct RecordedEvent {
    pub event_type: String,
    /// Not kept by the scenarios.
    pub at: Option<Timestamp>,
    pub attributes: Attributes,
}

impl RecordedEvent {
    pub(crate) fn number(&self, member: &str) -> i64 {
        self.attributes
            .get(member)
            .and_then(Value::as_i64)
            .unwrap_or(0)
    }

    pub(crate) fn text(&self, member: &str) -> &str {
        self.attributes
            .get(member)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }
}

/// A request to the real service and its answer.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Exchange {
    #[serde(rename = "target")]
    pub operation: String,
    pub request: Value,
    pub response: Value,
}

/// What was recorded of a workflow and its children.
#[derive(Clone, Debug)]
pub struct Recording {
    pub(crate) name: String,
    /// Whether names are symbols, and null and zero members were left out.
    pub(crate) symbolic: bool,
    /// The first is the parent's. None at all if the history was not asked for.
    pub(crate) histories: Vec<Vec<RecordedEvent>>,
    /// What was asked and answered, the start included; nothing if that was not recorded.
    pub(crate) exchanges: Vec<Exchange>,
}

impl Recording {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many events were recorded.
    pub fn events(&self) -> usize {
        self.histories.iter().map(Vec::len).sum()
    }

    /// Whether AWS Lambda ran a function in it, of which no request tells the service.
    pub fn runs_lambda_functions(&self) -> bool {
        let mut events = self.histories.iter().flatten();
        events.any(runs_a_function)
    }

    /// What there is of it until AWS Lambda runs a function.
    #[must_use]
    pub fn until_lambda_runs(mut self) -> Self {
        for history in &mut self.histories {
            let end = history.iter().position(runs_a_function);
            history.truncate(end.unwrap_or(history.len()));
        }
        self
    }
}

fn runs_a_function(event: &RecordedEvent) -> bool {
    event.event_type == "LambdaFunctionStarted"
}

/// The sequences of events that were recorded of single features; nothing if they are not there.
///
/// # Errors
/// One cannot be read.
pub fn scenarios() -> io::Result<Option<Vec<Recording>>> {
    read("scenarios", scenario)
}

/// The executions that were recorded with the requests of a client; nothing if they are not there.
///
/// # Errors
/// One cannot be read.
pub fn executions() -> io::Result<Option<Vec<Recording>>> {
    read("executions", execution)
}

fn read(
    folder: &str,
    parse: fn(String, &str) -> serde_json::Result<Recording>,
) -> io::Result<Option<Vec<Recording>>> {
    // Asked at run time: what is compiled in may be of another checkout, where they share a target.
    let package = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default();
    let folder = Path::new(&package)
        .join("../../../shared/swf/recorded")
        .join(folder);
    if !folder.is_dir() {
        // Not `eprintln`, which the test harness keeps to itself when a test passes.
        let missing = folder.display();
        writeln!(io::stderr(), "skipped: no recordings at {missing}")?;
        return Ok(None);
    }
    let files = fs::read_dir(&folder)?.map(|entry| Ok(entry?.path()));
    let mut files = files.collect::<io::Result<Vec<PathBuf>>>()?;
    files.sort();
    if files.is_empty() {
        let problem = format!("no recordings in {}", folder.display());
        return Err(io::Error::new(io::ErrorKind::NotFound, problem));
    }
    let recordings = files.into_iter().map(|file| {
        let name = file.file_stem().unwrap_or_default();
        let name = name.to_string_lossy().into_owned();
        let text = fs::read_to_string(&file)?;
        parse(name, &text).map_err(|error| {
            let problem = format!("{}: {error}", file.display());
            io::Error::new(io::ErrorKind::InvalidData, problem)
        })
    });
    recordings.collect::<io::Result<_>>().map(Some)
}

/// Reads a scenario, whose printer wrote shapes as names and left out what is null or zero.
fn scenario(name: String, text: &str) -> serde_json::Result<Recording> {
    #[derive(Deserialize)]
    struct Scenario {
        histories: Vec<Vec<Event>>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Event {
        event_type: String,
        attributes: Attributes,
    }
    let scenario: Scenario = serde_json::from_str(text)?;
    let event = |mut event: Event| {
        for (member, value) in &mut event.attributes {
            *value = unprinted(member, value.take());
        }
        RecordedEvent {
            event_type: event.event_type,
            at: None,
            attributes: event.attributes,
        }
    };
    let histories = scenario.histories.into_iter();
    Ok(Recording {
        name,
        symbolic: true,
        histories: histories
            .map(|history| history.into_iter().map(event).collect())
            .collect(),
        exchanges: Vec::new(),
    })
}

/// The service's form of what the printer wrote as a name.
fn unprinted(member: &str, value: Value) -> Value {
    match member {
        "taskList" => json!({ "name": value }),
        "workflowType" | "activityType" => json!({ "name": value, "version": "1" }),
        _ => value,
    }
}

/// Reads an execution.
fn execution(name: String, text: &str) -> serde_json::Result<Recording> {
    #[derive(Deserialize)]
    struct History {
        events: Vec<Event>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Event {
        event_type: String,
        event_timestamp: Timestamp,
        #[serde(flatten)]
        members: Attributes,
    }
    let mut exchanges: Vec<Exchange> = serde_json::from_str(text)?;
    let event = |event: Event| {
        let mut members = event.members.into_iter();
        let attributes = members.find(|(name, _)| name.ends_with("EventAttributes"));
        let attributes = match attributes {
            Some((_, Value::Object(attributes))) => attributes,
            _ => Attributes::new(),
        };
        RecordedEvent {
            event_type: event.event_type,
            at: Some(event.event_timestamp),
            attributes,
        }
    };
    let asked = |operation: &str, exchanges: &[Exchange]| {
        let mut exchanges = exchanges.iter();
        exchanges.position(|exchange| exchange.operation == operation)
    };
    let mut histories = Vec::new();
    match asked("GetWorkflowExecutionHistory", &exchanges) {
        Some(index) => {
            let history = History::deserialize(&exchanges[index].response)?;
            histories.push(history.events.into_iter().map(event).collect());
        }
        // What its decider did is not known, nor how it came to be as it was described.
        None => {
            let end = asked("DescribeWorkflowExecution", &exchanges);
            exchanges.truncate(end.unwrap_or(exchanges.len()));
        }
    }
    for exchange in &mut exchanges {
        if exchange.response == "" {
            exchange.response = Value::Null;
        }
        // These members are in no model.
        let info = exchange.response.get_mut("executionInfo");
        if let Some(info) = info.and_then(Value::as_object_mut) {
            info.retain(|member, _| !member.starts_with("reopen"));
        }
    }
    Ok(Recording {
        name,
        symbolic: false,
        histories,
        exchanges,
    })
}
