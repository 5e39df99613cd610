//! The things of an execution that have a deadline or wait in a list, each with a name.
//!
//! The engine keeps its indexes (deadlines, task lists) by comparing where the slot that an event
//! is about stands before and after that event. So there is one place where indexes change, and
//! an execution that is rebuilt from its history gets the same entries.

use simpleflow_model::{EventAttributes, EventId, TaskListName, TaskPriority, Timestamp};

/// Something of an execution that may have a deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Slot {
    /// The execution itself, by its start-to-close timeout.
    Execution,
    /// The decision task: the started one if there is one, else the scheduled one.
    Decision,
    /// An activity task, by its scheduled event.
    Activity(EventId),
    /// A timer, by its started event.
    Timer(EventId),
    /// A Lambda function, by its scheduled event.
    Lambda(EventId),
    /// The record of the closed execution, by the retention of its domain.
    Record,
}

/// What a task waits in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Queue {
    Decisions,
    Activities,
    Lambdas,
}

/// That a task waits, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub queue: Queue,
    /// Empty for a Lambda function, which has no list.
    pub task_list: TaskListName,
    pub priority: TaskPriority,
    pub since: Timestamp,
    pub scheduled: EventId,
}

/// When something falls due, and where it waits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    pub deadline: Option<Timestamp>,
    pub waiting: Option<Waiting>,
}

impl Slot {
    /// The slot that an event may move. `id` is the event's own.
    pub(crate) fn of(id: EventId, attributes: &EventAttributes) -> Option<Self> {
        use EventAttributes as E;
        Some(match attributes {
            E::WorkflowExecutionStarted(_) => Self::Execution,
            E::DecisionTaskScheduled(_)
            | E::DecisionTaskStarted(_)
            | E::DecisionTaskCompleted(_)
            | E::DecisionTaskTimedOut(_) => Self::Decision,
            E::ActivityTaskScheduled(_) => Self::Activity(id),
            E::ActivityTaskStarted(a) => Self::Activity(a.scheduled_event_id),
            E::ActivityTaskCompleted(a) => Self::Activity(a.scheduled_event_id),
            E::ActivityTaskFailed(a) => Self::Activity(a.scheduled_event_id),
            E::ActivityTaskTimedOut(a) => Self::Activity(a.scheduled_event_id),
            E::ActivityTaskCanceled(a) => Self::Activity(a.scheduled_event_id),
            E::TimerStarted(_) => Self::Timer(id),
            E::TimerFired(a) => Self::Timer(a.started_event_id),
            E::TimerCanceled(a) => Self::Timer(a.started_event_id),
            E::LambdaFunctionScheduled(_) => Self::Lambda(id),
            E::LambdaFunctionStarted(a) => Self::Lambda(a.scheduled_event_id),
            E::LambdaFunctionCompleted(a) => Self::Lambda(a.scheduled_event_id),
            E::LambdaFunctionFailed(a) => Self::Lambda(a.scheduled_event_id),
            E::LambdaFunctionTimedOut(a) => Self::Lambda(a.scheduled_event_id),
            E::StartLambdaFunctionFailed(a) => Self::Lambda(a.scheduled_event_id?),
            _ => return None,
        })
    }
}
