//! The derived state of an execution: a function of its events.

use std::collections::BTreeSet;

use simpleflow_model::event::WorkflowExecutionStarted;
use simpleflow_model::{
    CloseStatus, EventAttributes, EventId, HistoryEvent, SmolStr, TaskListName, Timeout, Timestamp,
    limits,
};

use super::activities::Activities;
use super::children::Children;
use super::decision_tasks::DecisionTasks;
use super::lambda::Lambdas;
use super::slot::{Slot, Standing};
use super::timers::Timers;

/// How and when an execution was closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Closed {
    pub status: CloseStatus,
    pub at: Timestamp,
}

/// What follows from the events of an execution, and from nothing else.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// What the execution was started with, but for the input.
    pub(crate) start: Box<WorkflowExecutionStarted>,
    pub(crate) started_at: Timestamp,
    pub(crate) closed: Option<Closed>,
    pub(crate) cancel_requested: bool,
    /// The latest execution context that a decider gave; an empty one counts.
    pub(crate) execution_context: Option<SmolStr>,
    pub(crate) decisions: DecisionTasks,
    pub(crate) activities: Activities,
    pub(crate) timers: Timers,
    pub(crate) children: Children,
    pub(crate) lambdas: Lambdas,
    /// Signals and cancel requests to other executions that are not delivered yet.
    pub(crate) externals: BTreeSet<EventId>,
}

impl State {
    /// The state that a history leads to.
    pub fn replay<'a>(history: impl IntoIterator<Item = &'a HistoryEvent>) -> Self {
        let mut state = Self::default();
        history.into_iter().for_each(|event| state.apply(event));
        state
    }

    /// Whether the execution is open.
    pub fn is_open(&self) -> bool {
        self.closed.is_none()
    }

    /// Whether a decision task is scheduled and not started, and whether one is started.
    pub fn decision_tasks(&self) -> (bool, bool) {
        (
            self.decisions.scheduled.is_some(),
            self.decisions.started.is_some(),
        )
    }

    /// Follows one event. Whatever does not fit the state is passed over: histories are written
    /// by the engine, which checks before it appends.
    pub(crate) fn apply(&mut self, event: &HistoryEvent) {
        use EventAttributes as E;
        let (id, at) = (event.event_id, event.event_timestamp);
        match &event.attributes {
            E::WorkflowExecutionStarted(a) => {
                self.start.clone_from(a);
                // It may be long, and nothing follows from it.
                self.start.input = None;
                self.started_at = at;
            }
            E::WorkflowExecutionCancelRequested(_) => self.cancel_requested = true,
            E::WorkflowExecutionCompleted(_) => self.close(CloseStatus::Completed, at),
            E::WorkflowExecutionFailed(_) => self.close(CloseStatus::Failed, at),
            E::WorkflowExecutionCanceled(_) => self.close(CloseStatus::Canceled, at),
            E::WorkflowExecutionTerminated(_) => self.close(CloseStatus::Terminated, at),
            E::WorkflowExecutionTimedOut(_) => self.close(CloseStatus::TimedOut, at),
            E::WorkflowExecutionContinuedAsNew(_) => self.close(CloseStatus::ContinuedAsNew, at),

            E::DecisionTaskScheduled(a) => self.decisions.scheduled(id, at, a),
            E::DecisionTaskStarted(_) => self.decisions.started(id, at),
            E::DecisionTaskCompleted(a) => {
                if a.execution_context.is_some() {
                    self.execution_context.clone_from(&a.execution_context);
                }
                self.decisions.completed(at, a);
            }
            E::DecisionTaskTimedOut(a) => self.decisions.timed_out(at, a),

            E::ActivityTaskScheduled(a) => self.activities.scheduled(id, at, a),
            E::ActivityTaskStarted(a) => self.activities.started(a.scheduled_event_id, id, at),
            E::ActivityTaskCancelRequested(a) => {
                self.activities.cancel_requested(&a.activity_id, id, at);
            }
            E::ActivityTaskCompleted(a) => self.activities.closed(a.scheduled_event_id, at),
            E::ActivityTaskFailed(a) => self.activities.closed(a.scheduled_event_id, at),
            E::ActivityTaskTimedOut(a) => self.activities.closed(a.scheduled_event_id, at),
            E::ActivityTaskCanceled(a) => self.activities.closed(a.scheduled_event_id, at),

            E::TimerStarted(a) => self.timers.started(id, at, a),
            E::TimerFired(a) => self.timers.closed(a.started_event_id),
            E::TimerCanceled(a) => self.timers.closed(a.started_event_id),

            E::StartChildWorkflowExecutionInitiated(a) => self.children.initiated(id, a),
            E::StartChildWorkflowExecutionFailed(a) => self.children.closed(a.initiated_event_id),
            E::ChildWorkflowExecutionStarted(a) => {
                self.children.started(a.initiated_event_id, id);
            }
            E::ChildWorkflowExecutionCompleted(a) => self.children.closed(a.initiated_event_id),
            E::ChildWorkflowExecutionFailed(a) => self.children.closed(a.initiated_event_id),
            E::ChildWorkflowExecutionTimedOut(a) => self.children.closed(a.initiated_event_id),
            E::ChildWorkflowExecutionCanceled(a) => self.children.closed(a.initiated_event_id),
            E::ChildWorkflowExecutionTerminated(a) => self.children.closed(a.initiated_event_id),

            E::SignalExternalWorkflowExecutionInitiated(_)
            | E::RequestCancelExternalWorkflowExecutionInitiated(_) => {
                self.externals.insert(id);
            }
            E::SignalExternalWorkflowExecutionFailed(a) => self.settled(a.initiated_event_id),
            E::ExternalWorkflowExecutionSignaled(a) => self.settled(a.initiated_event_id),
            E::RequestCancelExternalWorkflowExecutionFailed(a) => {
                self.settled(a.initiated_event_id);
            }
            E::ExternalWorkflowExecutionCancelRequested(a) => self.settled(a.initiated_event_id),

            E::LambdaFunctionScheduled(a) => self.lambdas.scheduled(id, at, a),
            E::LambdaFunctionStarted(a) => self.lambdas.started(a.scheduled_event_id, id, at),
            E::LambdaFunctionCompleted(a) => self.lambdas.closed(a.scheduled_event_id),
            E::LambdaFunctionFailed(a) => self.lambdas.closed(a.scheduled_event_id),
            E::LambdaFunctionTimedOut(a) => self.lambdas.closed(a.scheduled_event_id),
            E::StartLambdaFunctionFailed(a) => {
                self.lambdas
                    .closed(a.scheduled_event_id.unwrap_or_default());
            }

            // Refused decisions, signals and markers change nothing but the history.
            E::CompleteWorkflowExecutionFailed(_)
            | E::FailWorkflowExecutionFailed(_)
            | E::CancelWorkflowExecutionFailed(_)
            | E::ContinueAsNewWorkflowExecutionFailed(_)
            | E::ScheduleActivityTaskFailed(_)
            | E::RequestCancelActivityTaskFailed(_)
            | E::WorkflowExecutionSignaled(_)
            | E::MarkerRecorded(_)
            | E::RecordMarkerFailed(_)
            | E::StartTimerFailed(_)
            | E::CancelTimerFailed(_)
            | E::ScheduleLambdaFunctionFailed(_)
            | E::Other(_) => {}
        }
    }

    fn close(&mut self, status: CloseStatus, at: Timestamp) {
        self.closed = Some(Closed { status, at });
        // Recorded: what else was open is still counted on a closed run, decision tasks are not.
        self.decisions.close();
    }

    fn settled(&mut self, initiated: EventId) {
        self.externals.remove(&initiated);
    }

    /// Where a slot stands. `heartbeat` tells the latest heartbeat of an activity task.
    pub(crate) fn standing(
        &self,
        slot: Slot,
        heartbeat: impl Fn(EventId) -> Option<Timestamp>,
    ) -> Standing {
        if !self.is_open() {
            return Standing::default();
        }
        match slot {
            Slot::Execution => Standing {
                deadline: self.execution_deadline(),
                waiting: None,
            },
            Slot::Decision => self.decisions.standing(),
            Slot::Activity(id) => self.activities.standing(id, heartbeat(id)),
            Slot::Timer(id) => self.timers.standing(id),
            Slot::Lambda(id) => self.lambdas.standing(id),
            Slot::Record => Standing::default(),
        }
    }

    /// Every slot that may stand somewhere.
    pub(crate) fn slots(&self) -> Vec<Slot> {
        let mut slots = vec![Slot::Execution, Slot::Decision];
        slots.extend(self.activities.ids().map(Slot::Activity));
        slots.extend(self.timers.ids().map(Slot::Timer));
        slots.extend(self.lambdas.ids().map(Slot::Lambda));
        slots
    }

    /// An execution may be open for a year at most, whatever it was started with.
    fn execution_deadline(&self) -> Option<Timestamp> {
        // Before the first event there is nothing to time.
        let timeout = self.start.execution_start_to_close_timeout?;
        let seconds = match timeout {
            Timeout::Seconds(seconds) => seconds.min(limits::EXECUTION_SECONDS),
            Timeout::None => limits::EXECUTION_SECONDS,
        };
        after(self.started_at, Timeout::Seconds(seconds))
    }

    /// The list of the next decision task, and how long it may wait there: those of the override
    /// if there is one, else the list the execution was started with.
    pub(crate) fn decision_task_list(&self) -> (&TaskListName, Timeout) {
        match &self.decisions.list_override {
            Some(list) => (&list.task_list, list.schedule_to_start),
            None => (&self.start.task_list.name, Timeout::None),
        }
    }
}

/// The end of a time limit that began at `from`.
pub(super) fn after(from: Timestamp, timeout: Timeout) -> Option<Timestamp> {
    timeout.duration().map(|duration| from + duration)
}
