//! The replayer: from the history of an execution to its next decisions.
//!
//! Events go in, in order; the workflow's future is polled after each completion; decisions come
//! out. There is no I/O and no clock here: the decisions are a function of the code and the
//! history. The replayer keeps the suspended future, so feeding it only the events that are new
//! gives the same decisions as feeding it all from the first.
//!
//! # The order of things
//!
//! A decider that answers a decision task knows the history up to that task's
//! `DecisionTaskStarted`. What arrives while it works is recorded before its
//! `DecisionTaskCompleted`, but the code has not seen it. So such events are *held* until the
//! decisions of that task have been matched with what the code asked for: the code is at each
//! replay where it was when it decided.

mod decisions;
mod error;
mod matching;
mod outcome;
mod poll;

use std::collections::VecDeque;
use std::rc::Rc;

use simpleflow_model::{
    ActivityType, EventAttributes, EventId, HistoryEvent, SmolStr, WorkflowType, limits,
};

pub use decisions::Decisions;
pub use error::{Divergence, NonDeterminism, ReplayError};

use crate::context::RunContext;
use crate::error::{Failure, TaskErrorKind};
use crate::flow::{Flow, FlowState, PATCH_MARKER, Shared};
use crate::registry::{WorkflowEntry, WorkflowFuture};
use crate::task::Task;
use poll::RootWaker;

/// The limits that a replayer keeps. The default is the service's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most decisions of one response, with the wake-up timer.
    pub decisions: usize,
    /// The most bytes of one response's decisions as JSON. The rest of SWF's 1 MB is for the
    /// response's other members.
    pub decision_bytes: usize,
    /// The most open activity tasks of the execution.
    pub open_activities: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            decisions: limits::DECISIONS_PER_RESPONSE,
            // The execution context (32,768 characters) and the frame of the request, as the
            // original reserves them.
            decision_bytes: limits::REQUEST_BYTES - 37_000,
            open_activities: limits::OPEN_ACTIVITIES,
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
    waker: RootWaker,
    /// The event that is expected next.
    next_event: EventId,
    window: Window,
    /// Events that the code may not see yet.
    held: VecDeque<HistoryEvent>,
    /// Events up to this one were seen by decisions that the history has.
    decided_until: EventId,
    closed: bool,
    wake_up_timer_open: bool,
    context_was_set: bool,
    missing_types: Vec<MissingType>,
    /// Tasks that the service refused in the decisions that are being matched.
    refused: Vec<(Rc<Task>, TaskErrorKind)>,
    recent: error::Recent,
}

/// How the code ended.
enum Ending {
    Completed(SmolStr),
    Failed(Failure),
    Cancelled,
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
    pub fn new(entry: WorkflowEntry, run: RunContext, limits: Limits) -> Self {
        Self {
            entry,
            limits,
            shared: Rc::new(Shared {
                state: FlowState::new(run).into(),
            }),
            future: None,
            ending: None,
            waker: RootWaker::default(),
            next_event: EventId(1),
            window: Window::Open,
            held: VecDeque::new(),
            decided_until: EventId(0),
            closed: false,
            wake_up_timer_open: false,
            context_was_set: false,
            missing_types: Vec::new(),
            refused: Vec::new(),
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

    /// The types that the service refused since the last call because it does not know them. They
    /// must be registered before the next decisions are sent.
    pub fn take_missing_types(&mut self) -> Vec<MissingType> {
        std::mem::take(&mut self.missing_types)
    }

    /// Feeds the next events of the history.
    ///
    /// # Errors
    /// [`ReplayError`] when they are not the next events, or when the code does not do what the
    /// history says it did. The replayer is of no use then.
    pub fn feed(
        &mut self,
        events: impl IntoIterator<Item = HistoryEvent>,
    ) -> Result<(), ReplayError> {
        let events: Vec<HistoryEvent> = events.into_iter().collect();
        self.look_ahead(&events);
        self.waker.enter();
        for event in events {
            self.feed_one(event)?;
        }
        self.waker.leave();
        Ok(())
    }

    /// What has to be known of events before they are reached: which of them were decided on, and
    /// which patches the history has.
    fn look_ahead(&mut self, events: &[HistoryEvent]) {
        let mut state = self.shared.state.borrow_mut();
        for event in events {
            match &event.attributes {
                EventAttributes::DecisionTaskCompleted(completed) => {
                    self.decided_until = completed.started_event_id;
                }
                EventAttributes::MarkerRecorded(marker)
                    if marker.marker_name.as_str() == PATCH_MARKER =>
                {
                    let id = marker.details.as_deref().unwrap_or_default();
                    if let Ok(id) = serde_json::from_str::<SmolStr>(id) {
                        state.known_patches.insert(id);
                    }
                }
                _ => {}
            }
        }
    }

    fn feed_one(&mut self, event: HistoryEvent) -> Result<(), ReplayError> {
        if event.event_id != self.next_event {
            return Err(ReplayError::NotNext {
                expected: self.next_event,
                found: event.event_id,
            });
        }
        self.next_event.0 += 1;
        match &event.attributes {
            EventAttributes::DecisionTaskScheduled(_) => Ok(()),
            EventAttributes::DecisionTaskStarted(_) => {
                self.settle()?;
                let boundary = self.shared.state.borrow().next_place();
                self.window = Window::Deciding { boundary };
                Ok(())
            }
            EventAttributes::DecisionTaskCompleted(completed) => {
                self.context_was_set = completed
                    .execution_context
                    .as_ref()
                    .is_some_and(|context| !context.is_empty());
                self.begin_batch(event.event_id);
                Ok(())
            }
            // Its decisions were never sent.
            EventAttributes::DecisionTaskTimedOut(_) => {
                self.window = Window::Open;
                self.release()
            }
            EventAttributes::WorkflowExecutionTerminated(_)
            | EventAttributes::WorkflowExecutionTimedOut(_) => {
                self.closed = true;
                Ok(())
            }
            // A child that was initiated and then not started: its failure may stand among the
            // decisions, but is none.
            EventAttributes::StartChildWorkflowExecutionFailed(failed)
                if failed.initiated_event_id != EventId(0)
                    && matches!(self.window, Window::Matching(_)) =>
            {
                self.held.push_back(event);
                Ok(())
            }
            _ if self.take_as_decision(&event)? => Ok(()),
            _ if matches!(self.window, Window::Deciding { .. }) => {
                self.held.push_back(event);
                Ok(())
            }
            _ => {
                self.settle()?;
                self.deliver(event)
            }
        }
    }

    /// Ends the matching of decisions, if it goes on, and lets the code see what was held.
    fn settle(&mut self) -> Result<(), ReplayError> {
        if let Window::Matching(_) = self.window {
            self.end_batch()?;
            self.window = Window::Open;
            self.settle_refused();
            self.release()?;
        }
        Ok(())
    }

    /// Lets the code see which of its tasks the service refused.
    fn settle_refused(&mut self) {
        for (task, kind) in std::mem::take(&mut self.refused) {
            self.fail_task(&task, kind);
            self.poll();
        }
    }

    fn release(&mut self) -> Result<(), ReplayError> {
        while let Some(event) = self.held.pop_front() {
            self.deliver(event)?;
        }
        Ok(())
    }

    fn flow(&self) -> Flow {
        Flow {
            shared: Rc::clone(&self.shared),
        }
    }
}
