//! The history of an execution, read into states: each activity, child, timer, marker and signal
//! with its attempts.
//!
//! Nothing here asks a service: a history is read from its events, wherever they come from. One
//! that begins in the middle is read as far as it goes.

mod attempts;
mod cooked;
mod flat;
mod read;
mod task;

use std::collections::HashMap;
use std::time::Duration;

use simpleflow_model::event::WorkflowExecutionStarted;
use simpleflow_model::{
    CloseStatus, EventAttributes, EventId, HistoryEvent, RunId, SmolStr, Timestamp,
};

pub use flat::read as read_json;
pub use task::{Attempt, Moment, State, Task, TaskKind, TimeLimits};

/// The history of an execution, with the state of each task.
#[derive(Clone, Debug, Default)]
pub struct History {
    events: Vec<HistoryEvent>,
    tasks: Vec<Task>,
    /// Where the last task of an id is. Markers and signals are several tasks of one name.
    by_id: HashMap<(TaskKind, SmolStr), usize>,
    /// Which attempt an event began.
    by_event: HashMap<EventId, Place>,
    decision_tasks: Vec<Attempt>,
    execution_context: Option<SmolStr>,
    cancel_requested: Option<Moment>,
    close: Option<Close>,
}

/// Where an attempt is.
#[derive(Clone, Copy, Debug)]
enum Place {
    Task(usize, usize),
    Decision(usize),
}

/// How an execution was closed.
#[derive(Clone, Debug, PartialEq)]
pub struct Close {
    /// How.
    pub status: CloseStatus,
    /// When.
    pub at: Moment,
    /// The result, of one that completed.
    pub result: Option<SmolStr>,
    /// Why it failed or was terminated.
    pub reason: Option<SmolStr>,
    /// More about why.
    pub details: Option<SmolStr>,
    /// What terminated it, or which time limit ran out.
    pub cause: Option<SmolStr>,
    /// The run in which it goes on.
    pub new_run_id: Option<RunId>,
}

impl History {
    /// Reads events, oldest first.
    pub fn new(events: Vec<HistoryEvent>) -> Self {
        let mut history = Self::default();
        for event in &events {
            history.read(event);
        }
        history.events = events;
        history
    }

    /// The events, oldest first.
    pub fn events(&self) -> &[HistoryEvent] {
        &self.events
    }

    /// All tasks, in the order in which they first appeared.
    pub fn tasks(&self) -> &[Task] {
        &self.tasks
    }

    /// The tasks of a kind, in the order in which they first appeared.
    pub fn tasks_of(&self, kind: TaskKind) -> impl DoubleEndedIterator<Item = &Task> {
        self.tasks.iter().filter(move |task| task.kind == kind)
    }

    /// A task by its kind and id; the last one, where several have the id.
    pub fn task(&self, kind: TaskKind, id: &str) -> Option<&Task> {
        let index = *self.by_id.get(&(kind, SmolStr::new(id)))?;
        self.tasks.get(index)
    }

    /// A task by its id alone: an activity before a child, a child before anything else.
    pub fn find(&self, id: &str) -> Option<&Task> {
        use TaskKind as K;
        let kinds = [
            K::Activity,
            K::ChildWorkflow,
            K::LambdaFunction,
            K::Timer,
            K::Marker,
            K::Signal,
            K::SignalSent,
            K::CancelSent,
        ];
        kinds.into_iter().find_map(|kind| self.task(kind, id))
    }

    /// The decision tasks, oldest first.
    pub fn decision_tasks(&self) -> &[Attempt] {
        &self.decision_tasks
    }

    /// What the execution was started with.
    pub fn started(&self) -> Option<&WorkflowExecutionStarted> {
        match &self.events.first()?.attributes {
            EventAttributes::WorkflowExecutionStarted(started) => Some(started),
            _ => None,
        }
    }

    /// How the execution was closed, if it is.
    pub fn close(&self) -> Option<&Close> {
        self.close.as_ref()
    }

    /// The execution context that the last decision left, if it left one.
    pub fn execution_context(&self) -> Option<&str> {
        self.execution_context.as_deref()
    }

    /// When a cancel of the execution was last asked for, if it was.
    pub fn cancel_requested(&self) -> Option<Moment> {
        self.cancel_requested
    }

    /// When the first and the last event were.
    pub fn span(&self) -> Option<(Timestamp, Timestamp)> {
        let (first, last) = (self.events.first()?, self.events.last()?);
        Some((first.event_timestamp, last.event_timestamp))
    }

    /// The time from the first event to the last.
    pub fn elapsed(&self) -> Duration {
        self.span()
            .map_or(Duration::ZERO, |(first, last)| last.since(first))
    }
}
