//! What can go wrong in a replay, told so that one sees which side is which.

use std::collections::VecDeque;
use std::fmt;

use simpleflow_model::{EventAttributes, EventId, HistoryEvent, SmolStr};

use super::{Replayer, Window};

/// How many lines of either side a message shows.
pub(super) const SHOWN: usize = 3;

/// Why a history cannot be replayed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// The code does not do what the history says it did.
    #[error(transparent)]
    NonDeterminism(Box<NonDeterminism>),
    /// An event is not the next one of the history.
    #[error("the history is not complete: expected event {expected}, found event {found}")]
    NotNext {
        /// The event that should have come.
        expected: EventId,
        /// The event that came.
        found: EventId,
    },
    /// An event that records a decision stands where there can be none.
    #[error(
        "the history is damaged: event {event_id} ({event_type}) records a decision of event \
         {completed}, but does not follow it"
    )]
    Misplaced {
        /// The event.
        event_id: EventId,
        /// Its type.
        event_type: SmolStr,
        /// The `DecisionTaskCompleted` that it names.
        completed: EventId,
    },
    /// A marker that remembers a value cannot be read.
    #[error(
        "the history is damaged: the marker of event {event_id} is to remember a value of \
         flow.record, but its details cannot be read: {problem}"
    )]
    Value {
        /// The event.
        event_id: EventId,
        /// What is wrong.
        problem: String,
    },
}

/// In which way code and history differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Divergence {
    /// The history has a decision that the code does not make: the code now does less.
    Unclaimed,
    /// The code makes a decision that the history does not have: the code now does more.
    Missing,
    /// The code makes the decision with another type.
    Other,
}

/// The code does not do what the history says it did. Its message shows both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NonDeterminism {
    /// In which way they differ.
    pub divergence: Divergence,
    /// The event of the history at which they part, or after which.
    pub event_id: EventId,
    /// What the history has there, oldest first.
    pub history: Vec<String>,
    /// What the code does there, each with its place in the source.
    pub code: Vec<String>,
}

impl fmt::Display for NonDeterminism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.divergence {
            Divergence::Unclaimed => "the history has what the code does not do",
            Divergence::Missing => "the code does what the history does not have",
            Divergence::Other => "history and code do different things under one id",
        };
        writeln!(
            f,
            "non-deterministic workflow code at event {}: {what}",
            self.event_id
        )?;
        side(f, "history", &self.history)?;
        side(f, "code", &self.code)?;
        write!(
            f,
            "the workflow's code must do the same at each replay; to change it under running \
             executions, put the change behind flow.patched(\"...\")"
        )
    }
}

fn side(f: &mut fmt::Formatter<'_>, name: &str, lines: &[String]) -> fmt::Result {
    for (index, line) in lines.iter().enumerate() {
        let name = if index == 0 { name } else { "" };
        writeln!(f, "  {name:<8} {line}")?;
    }
    Ok(())
}

impl std::error::Error for NonDeterminism {}

/// The last events that were matched with the code, for the context of a message.
#[derive(Default)]
pub(super) struct Recent(VecDeque<(EventId, SmolStr, SmolStr)>);

impl Recent {
    pub(super) fn matched(&mut self, event: &HistoryEvent) {
        if self.0.len() == SHOWN - 1 {
            self.0.pop_front();
        }
        let event_type = SmolStr::new(event.event_type());
        self.0
            .push_back((event.event_id, event_type, subject(event)));
    }
}

/// What an event is about, in a word.
fn subject(event: &HistoryEvent) -> SmolStr {
    use EventAttributes as E;
    match &event.attributes {
        E::ActivityTaskScheduled(a) => a.activity_id.as_str(),
        E::ScheduleActivityTaskFailed(a) => a.activity_id.as_str(),
        E::ActivityTaskCancelRequested(a) => a.activity_id.as_str(),
        E::TimerStarted(a) => a.timer_id.as_str(),
        E::StartTimerFailed(a) => a.timer_id.as_str(),
        E::TimerCanceled(a) => a.timer_id.as_str(),
        E::CancelTimerFailed(a) => a.timer_id.as_str(),
        E::RequestCancelActivityTaskFailed(a) => a.activity_id.as_str(),
        E::RequestCancelExternalWorkflowExecutionInitiated(a) => a.workflow_id.as_str(),
        E::StartChildWorkflowExecutionInitiated(a) => a.workflow_id.as_str(),
        E::StartChildWorkflowExecutionFailed(a) => a.workflow_id.as_str(),
        E::MarkerRecorded(a) => a.marker_name.as_str(),
        E::SignalExternalWorkflowExecutionInitiated(a) => a.signal_name.as_str(),
        E::LambdaFunctionScheduled(a) => a.id.as_str(),
        E::ScheduleLambdaFunctionFailed(a) => a.id.as_str(),
        _ => "",
    }
    .into()
}

/// The type that an event names.
fn type_name(event: &HistoryEvent) -> &str {
    use EventAttributes as E;
    match &event.attributes {
        E::ActivityTaskScheduled(a) => &a.activity_type.name,
        E::ScheduleActivityTaskFailed(a) => &a.activity_type.name,
        E::StartChildWorkflowExecutionInitiated(a) => &a.workflow_type.name,
        E::StartChildWorkflowExecutionFailed(a) => &a.workflow_type.name,
        E::LambdaFunctionScheduled(a) => &a.name,
        _ => "",
    }
}

fn event_line(id: EventId, event_type: &str, subject: &str) -> String {
    format!("event {id} {event_type} {subject}")
        .trim_end()
        .to_owned()
}

impl Replayer {
    /// The error at `event`, or after the last one that was matched.
    pub(super) fn diverged(
        &self,
        divergence: Divergence,
        event: Option<&HistoryEvent>,
        mut code: Vec<String>,
    ) -> ReplayError {
        let mut history: Vec<String> = self
            .recent
            .0
            .iter()
            .map(|(id, event_type, subject)| event_line(*id, event_type, subject))
            .collect();
        let event_id = match event {
            Some(event) => {
                let mut line = event_line(event.event_id, event.event_type(), &subject(event));
                if divergence == Divergence::Other {
                    line.push_str(&format!(" of type {}", type_name(event)));
                }
                history.push(line);
                event.event_id
            }
            None => {
                history.push("nothing more in this decision".to_owned());
                match &self.window {
                    Window::Matching(batch) => batch.last_event(),
                    _ => self.last_event_id(),
                }
            }
        };
        if code.is_empty() {
            code = match &self.ending {
                Some(ending) => vec![ending.line()],
                None => {
                    let mut lines = self.waiting_for();
                    lines.truncate(SHOWN);
                    lines
                        .iter_mut()
                        .for_each(|line| line.insert_str(0, "it waits for "));
                    lines
                }
            };
        }
        ReplayError::NonDeterminism(Box::new(NonDeterminism {
            divergence,
            event_id,
            history,
            code,
        }))
    }
}
