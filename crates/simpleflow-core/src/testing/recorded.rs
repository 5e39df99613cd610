//! Histories that were recorded, as they are written down.

use serde::Deserialize as _;
use simpleflow_model::types::History;
use simpleflow_model::{EventId, HistoryEvent, WorkflowExecution};

use super::HistoryBuilder;
use super::flat::{FlatEvent, events_of_flat};

/// A text that is not a history.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidHistory {
    /// It is not JSON, or its members are not those of a history.
    #[error(
        "cannot read the history: {0}; expected what GetWorkflowExecutionHistory answers, \
         or the list of its events"
    )]
    Json(String),
    /// An event in the flat form of `workflow.history` cannot be read.
    #[error(
        "cannot read event {event} of the history, which is in the flat form of workflow.history: \
         {problem}; print it with --output-format events"
    )]
    Flat {
        /// Its id.
        event: EventId,
        /// What is wrong.
        problem: String,
    },
    /// It is the first page of several.
    #[error("the history is not complete: it has a nextPageToken, so there are further pages")]
    Page,
    /// There is nothing in it.
    #[error("the history has no events")]
    Empty,
}

/// A history that was recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordedHistory {
    /// The events.
    pub events: Vec<HistoryEvent>,
    /// The execution that it is of, if that was recorded with it. The ids of children and the
    /// random values of a workflow depend on it.
    pub execution: Option<WorkflowExecution>,
}

impl RecordedHistory {
    /// Reads JSON text:
    /// - what `GetWorkflowExecutionHistory` answers, as the AWS CLI prints it, and as
    ///   `json.dumps(response, default=str)` writes it with boto3;
    /// - what `workflow.start --history` writes, which has the execution too;
    /// - what `workflow.history` prints, by default or with `--output-format events`, and what the
    ///   Python original's prints;
    /// - the bare list of the events.
    ///
    /// # Errors
    /// [`InvalidHistory`] when it is none of these, or not all of a history.
    pub fn parse(text: &str) -> Result<Self, InvalidHistory> {
        let unreadable = |error: serde_json::Error| InvalidHistory::Json(error.to_string());
        if text.trim_start().starts_with('[') {
            if let Ok(flat) = serde_json::from_str::<Vec<FlatEvent>>(text) {
                return events_of_flat(flat)?.into_history();
            }
            let events: Vec<HistoryEvent> = serde_json::from_str(text).map_err(unreadable)?;
            return events.into_history();
        }
        let history: History = serde_json::from_str(text).map_err(unreadable)?;
        if history.next_page_token.is_some() {
            return Err(InvalidHistory::Page);
        }
        let mut unknown = history.unknown.iter();
        let execution = unknown
            .find(|(name, _)| *name == "workflowExecution")
            .map(|(_, execution)| WorkflowExecution::deserialize(execution))
            .transpose()
            .map_err(unreadable)?;
        Ok(Self {
            execution,
            ..history.events.into_history()?
        })
    }
}

/// What can be read as a history.
pub trait IntoHistory {
    /// The history.
    ///
    /// # Errors
    /// [`InvalidHistory`] when it is empty, or a text that cannot be read.
    fn into_history(self) -> Result<RecordedHistory, InvalidHistory>;
}

impl IntoHistory for RecordedHistory {
    fn into_history(self) -> Result<RecordedHistory, InvalidHistory> {
        Ok(self)
    }
}

impl IntoHistory for Vec<HistoryEvent> {
    fn into_history(self) -> Result<RecordedHistory, InvalidHistory> {
        match self.is_empty() {
            true => Err(InvalidHistory::Empty),
            false => Ok(RecordedHistory {
                events: self,
                execution: None,
            }),
        }
    }
}

impl IntoHistory for &[HistoryEvent] {
    fn into_history(self) -> Result<RecordedHistory, InvalidHistory> {
        self.to_vec().into_history()
    }
}

impl IntoHistory for HistoryBuilder {
    fn into_history(self) -> Result<RecordedHistory, InvalidHistory> {
        self.build().into_history()
    }
}

impl IntoHistory for &HistoryBuilder {
    fn into_history(self) -> Result<RecordedHistory, InvalidHistory> {
        self.events().into_history()
    }
}

impl IntoHistory for &str {
    fn into_history(self) -> Result<RecordedHistory, InvalidHistory> {
        RecordedHistory::parse(self)
    }
}

impl IntoHistory for String {
    fn into_history(self) -> Result<RecordedHistory, InvalidHistory> {
        RecordedHistory::parse(&self)
    }
}

impl IntoHistory for &String {
    fn into_history(self) -> Result<RecordedHistory, InvalidHistory> {
        RecordedHistory::parse(self)
    }
}
