//! The replayer: from the history of an execution to its next decisions.
//!
//! Events go in, in order; the workflow's future is polled after each completion; decisions come
//! out. There is no I/O and no clock here: the decisions are a function of the code and the
//! history. The replayer keeps the suspended future, so feeding it only the events that are new
//! gives the same decisions as feeding it all from the first.
//!
//! The code sees events when decisions are asked for, not when they are fed: whether it is
//! replaying, and which patches it has, depends on what comes later in the history. So it makes no
//! difference in how many pieces the events come.
//!
//! # The order of things
//!
//! A decider that answers a decision task knows the history up to that task's
//! `DecisionTaskStarted`. What arrives while it works is recorded before its
//! `DecisionTaskCompleted`, but the code has not seen it. So such events are *held* until the
//! decisions of that task have been matched with what the code asked for: the code is at each
//! replay where it was when it decided.

mod decisions;
mod ending;
mod error;
mod failures;
mod hooks;
mod matching;
mod outcome;
mod poll;
mod refusal;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::rc::Rc;

use simpleflow_model::decision::ContinueAsNewWorkflowExecution;
use simpleflow_model::event::WorkflowExecutionStarted;
use simpleflow_model::{
    ActivityType, EventAttributes, EventId, HistoryEvent, SmolStr, Timestamp, WorkflowType, limits,
};

pub use decisions::Decisions;
pub use error::{Divergence, NonDeterminism, ReplayError};
pub use hooks::HookPanic;

use crate::commands::{PATCH_MARKER, VALUE_MARKER};
use crate::context::RunContext;
use crate::continued::same_settings;
use crate::error::TaskErrorKind;
use crate::flow::{Coroutines, Flow, FlowState, Shared};
use crate::registry::{WorkflowEntry, WorkflowFuture};
use crate::task::Task;
use ending::Ending;

/// The limits that a replayer keeps. The default is the service's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most decisions of one response, with the wake-up timer.
    pub decisions: usize,
    /// The most bytes of one response's decisions as JSON. The rest of SWF's 1 MB is for the
    /// response's other members.
    pub decision_bytes: usize,
    /// The most open activity tasks of the execution; a workflow may have a lower limit of its own.
    pub open_activities: usize,
    /// The most open timers of the execution; the wake-up timer is not counted.
    pub open_timers: usize,
    /// The most characters of an input, a result or details. More than the service takes, where
    /// longer ones travel elsewhere. Code that was told of a value that it is too long has to be
    /// replayed with the limit of then.
    pub value_length: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            decisions: limits::DECISIONS_PER_RESPONSE,
            // The execution context (32,768 characters) and the frame of the request, as the
            // original reserves them.
            decision_bytes: limits::REQUEST_BYTES - 37_000,
            open_activities: limits::OPEN_ACTIVITIES,
            open_timers: limits::OPEN_TIMERS,
            value_length: limits::DATA_LENGTH,
        }
    }
}

/// A type that the service does not know and the execution needs.
#[derive(Clone, Debug, PartialEq)]
pub enum MissingType {
    /// An activity type.
    Activity(ActivityType),
    /// A workflow type.
    Workflow(WorkflowType),
}

/// The replay of one execution, with its suspended code.
pub struct Replayer {
    entry: WorkflowEntry,
    limits: Limits,
    shared: Rc<Shared>,
    /// Dropped as soon as the code has ended.
    future: Option<WorkflowFuture>,
    ending: Option<Ending>,
    /// The decision for a next run with the settings of this one.
    same_settings: Box<ContinueAsNewWorkflowExecution>,
    /// The event that is expected next.
    next_event: EventId,
    /// Events that were fed since decisions were last asked for.
    unread: Vec<HistoryEvent>,
    window: Window,
    /// What the code may not see yet, in the order of the history.
    held: VecDeque<Held>,
    /// Events up to this one were seen by decisions that the history has.
    decided_until: EventId,
    closed: bool,
    wake_up_timer_open: bool,
    context_was_set: bool,
    missing_types: Vec<MissingType>,
    hook_panics: Vec<HookPanic>,
    recent: error::Recent,
}

/// What happened while a decision task was with a decider, or is among its decisions.
enum Held {
    Event(HistoryEvent),
    /// The service did not take a task.
    Refused {
        task: Rc<Task>,
        kind: TaskErrorKind,
        at: Moment,
    },
}

/// The event that the code reacts to.
#[derive(Clone, Copy)]
struct Moment {
    event_id: EventId,
    timestamp: Timestamp,
}

impl Moment {
    fn of(event: &HistoryEvent) -> Self {
        Self {
            event_id: event.event_id,
            timestamp: event.event_timestamp,
        }
    }
}

/// Where in the cycle of decision tasks the history is.
enum Window {
    /// No decision task is with a decider: events reach the code.
    Open,
    /// A decision task is with a decider. Commands below this place are its to send.
    Deciding { boundary: u64 },
    /// The events of the decisions of one decision task are being matched.
    Matching(matching::Batch),
}

impl Replayer {
    /// The replay of an execution of this workflow, of which no event is known yet.
    ///
    /// Of the context, the domain, workflow id and run id must be set; the rest is read from the
    /// first event.
    pub fn new(entry: WorkflowEntry, run: RunContext, mut limits: Limits) -> Self {
        let own = entry.definition().max_open_activity_count as usize;
        limits.open_activities = limits.open_activities.min(own);
        let mut state = FlowState::new(run, limits.value_length);
        state.steps.task_list = entry.definition().task_list.clone();
        Self {
            entry,
            limits,
            shared: Rc::new(Shared {
                state: state.into(),
                coroutines: Coroutines::default(),
            }),
            future: None,
            ending: None,
            same_settings: Box::default(),
            next_event: EventId(1),
            unread: Vec::new(),
            window: Window::Open,
            held: VecDeque::new(),
            decided_until: EventId(0),
            closed: false,
            wake_up_timer_open: false,
            context_was_set: false,
            missing_types: Vec::new(),
            hook_panics: Vec::new(),
            recent: error::Recent::default(),
        }
    }

    /// The id of the last event that was fed; 0 when none was.
    pub fn last_event_id(&self) -> EventId {
        EventId(self.next_event.0 - 1)
    }

    /// Whether the history says that the execution is closed.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// The types that the service refused because it does not know them, once each: they must be
    /// registered before the decisions are sent that [`decisions`](Self::decisions) gave last.
    pub fn take_missing_types(&mut self) -> Vec<MissingType> {
        std::mem::take(&mut self.missing_types)
    }

    /// Feeds the next events of the history. What the code makes of them shows when decisions are
    /// asked for.
    ///
    /// # Errors
    /// [`ReplayError::NotNext`] when they are not the next events, [`ReplayError::Value`] when one of
    /// them remembers a value and cannot be read. The replayer is of no use then.
    pub fn feed(
        &mut self,
        events: impl IntoIterator<Item = HistoryEvent>,
    ) -> Result<(), ReplayError> {
        let mut unread = std::mem::take(&mut self.unread);
        let known = unread.len();
        if known == 0 {
            // A vector that is given whole is kept as it is: histories are large.
            unread = events.into_iter().collect();
        } else {
            unread.extend(events);
        }
        for event in &unread[known..] {
            if event.event_id != self.next_event {
                return Err(ReplayError::NotNext {
                    expected: self.next_event,
                    found: event.event_id,
                });
            }
            self.next_event.0 += 1;
            self.look_ahead(event)?;
        }
        self.unread = unread;
        Ok(())
    }

    /// What has to be known of an event before it is reached: up to where the history was decided
    /// on, which patches it has, which values it remembers, and whether it ends.
    fn look_ahead(&mut self, event: &HistoryEvent) -> Result<(), ReplayError> {
        use EventAttributes as E;
        match &event.attributes {
            E::WorkflowExecutionStarted(started) => self.begin(event.event_timestamp, started),
            E::DecisionTaskCompleted(completed) => {
                self.decided_until = completed.started_event_id;
            }
            E::MarkerRecorded(marker) if *marker.marker_name == *PATCH_MARKER => {
                let id = marker.details.as_deref().unwrap_or_default();
                if let Ok(id) = serde_json::from_str::<SmolStr>(id) {
                    self.shared.state.borrow_mut().known_patches.insert(id);
                }
            }
            E::MarkerRecorded(marker) if *marker.marker_name == *VALUE_MARKER => {
                let details = marker.details.as_deref().unwrap_or_default();
                let markers = &mut self.shared.state.borrow_mut().markers;
                markers
                    .remember(details)
                    .map_err(|problem| ReplayError::Value {
                        event_id: event.event_id,
                        problem: problem.to_string(),
                    })?;
            }
            E::WorkflowExecutionCompleted(_)
            | E::WorkflowExecutionFailed(_)
            | E::WorkflowExecutionCanceled(_)
            | E::WorkflowExecutionContinuedAsNew(_)
            | E::WorkflowExecutionTerminated(_)
            | E::WorkflowExecutionTimedOut(_) => self.closed = true,
            _ => {}
        }
        Ok(())
    }

    /// What is known of the run from its first event, before the code sees it.
    fn begin(&mut self, at: Timestamp, started: &WorkflowExecutionStarted) {
        let started = started.clone();
        *self.same_settings = same_settings(&started);
        let mut state = self.shared.state.borrow_mut();
        state.now = at;
        let run = &mut state.run;
        run.name = started.workflow_type.name;
        run.version = started.workflow_type.version;
        run.task_list = started.task_list.name;
        run.tag_list = started.tag_list.into_iter().flatten().flatten().collect();
        run.continued_execution_run_id = started
            .continued_execution_run_id
            .filter(|id| !id.is_empty());
        if let Some(parent) = started.parent_workflow_execution {
            run.parent_workflow_id = Some(parent.workflow_id);
            run.parent_run_id = Some(parent.run_id);
        }
    }

    /// Lets the code see all events that were fed.
    fn read(&mut self) -> Result<(), ReplayError> {
        self.shared.coroutines.wakes.set_reading(true);
        // Taken, so that a kept replayer does not keep room for a whole history.
        for event in std::mem::take(&mut self.unread) {
            self.read_one(event)?;
        }
        self.settle()?;
        self.shared.coroutines.wakes.set_reading(false);
        Ok(())
    }

    fn read_one(&mut self, event: HistoryEvent) -> Result<(), ReplayError> {
        use EventAttributes as E;
        match &event.attributes {
            E::DecisionTaskScheduled(_) => Ok(()),
            E::DecisionTaskStarted(_) => {
                self.settle()?;
                let boundary = self.shared.state.borrow().next_place();
                self.window = Window::Deciding { boundary };
                Ok(())
            }
            E::DecisionTaskCompleted(completed) => {
                self.context_was_set = completed
                    .execution_context
                    .as_ref()
                    .is_some_and(|context| !context.is_empty());
                self.begin_batch(event.event_id);
                Ok(())
            }
            // No decider had it. One may well be at work on the task before it.
            E::DecisionTaskTimedOut(timed_out) if timed_out.started_event_id == EventId(0) => {
                Ok(())
            }
            // Its decisions were never sent.
            E::DecisionTaskTimedOut(_) => {
                self.settle()?;
                self.window = Window::Open;
                self.release()
            }
            E::WorkflowExecutionTerminated(_) | E::WorkflowExecutionTimedOut(_) => self.settle(),
            // That an initiated child was not started, or a cancel or a signal not delivered, may
            // stand among the decisions, but is none.
            E::StartChildWorkflowExecutionFailed(failed)
                if failed.initiated_event_id != EventId(0) =>
            {
                self.hold_or_deliver(event)
            }
            E::RequestCancelExternalWorkflowExecutionFailed(failed)
                if failed.initiated_event_id != EventId(0) =>
            {
                self.hold_or_deliver(event)
            }
            E::SignalExternalWorkflowExecutionFailed(failed)
                if failed.initiated_event_id != EventId(0) =>
            {
                self.hold_or_deliver(event)
            }
            _ if self.take_as_decision(&event)? => Ok(()),
            _ => {
                self.settle()?;
                self.hold_or_deliver(event)
            }
        }
    }

    fn hold_or_deliver(&mut self, event: HistoryEvent) -> Result<(), ReplayError> {
        match self.window {
            Window::Open => self.deliver(event),
            Window::Deciding { .. } | Window::Matching(_) => {
                self.held.push_back(Held::Event(event));
                Ok(())
            }
        }
    }

    /// Ends the matching of decisions, if it goes on, and lets the code see what was held.
    fn settle(&mut self) -> Result<(), ReplayError> {
        if let Window::Matching(_) = self.window {
            self.end_batch()?;
            self.window = Window::Open;
            self.release()?;
        }
        Ok(())
    }

    fn set_moment(&mut self, at: Moment) {
        let mut state = self.shared.state.borrow_mut();
        state.now = at.timestamp;
        state.seen = at.event_id;
        state.replaying = at.event_id <= self.decided_until;
    }

    fn release(&mut self) -> Result<(), ReplayError> {
        while let Some(held) = self.held.pop_front() {
            match held {
                Held::Event(event) => self.deliver(event)?,
                Held::Refused { task, kind, at } => self.deliver_refusal(&task, kind, at),
            }
        }
        Ok(())
    }

    fn flow(&self) -> Flow {
        Flow::new(&self.shared)
    }
}
