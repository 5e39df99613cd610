//! Matching the decisions that the history has with what the code asked for.

use std::rc::Rc;

use simpleflow_model::event::StartChildWorkflowExecutionFailed;
use simpleflow_model::{EventAttributes, EventId, HistoryEvent, SmolStr, enums};

use super::error;
use super::outcome::{RETRY_TIMER_PREFIX, WAKE_UP_TIMER};
use super::{Divergence, Ending, MissingType, ReplayError, Replayer, Window};
use crate::commands::Command;
use crate::error::TaskErrorKind;
use crate::task::{State, Task, TaskKind};

/// How long a task rests when the service refuses it because of its rate: 1 second, then twice as
/// long each time, a minute at most.
const LONGEST_BACK_OFF_SECONDS: u32 = 60;

/// How often a timer that the service refuses is asked for again.
const TIMER_ATTEMPTS: u32 = 10;

/// The decisions of one decision task, as the history tells them.
pub(super) struct Batch {
    completed: EventId,
    /// Commands at this place and above were issued after the decision task was started.
    boundary: u64,
    decisions: usize,
    woken_up: bool,
    closing: bool,
    last_activity: Option<u64>,
    last_other: Option<u64>,
}

impl Replayer {
    pub(super) fn begin_batch(&mut self, completed: EventId) {
        let boundary = match self.window {
            Window::Deciding { boundary } => boundary,
            _ => self.shared.state.borrow().next_place(),
        };
        self.window = Window::Matching(Batch {
            completed,
            boundary,
            decisions: 0,
            woken_up: false,
            closing: false,
            last_activity: None,
            last_other: None,
        });
    }

    /// Takes an event that records a decision, and matches it. Other events are left.
    pub(super) fn take_as_decision(&mut self, event: &HistoryEvent) -> Result<bool, ReplayError> {
        use EventAttributes as E;
        let id = event.event_id;
        let of_decision = match &event.attributes {
            E::ActivityTaskScheduled(scheduled) => {
                let name = &scheduled.activity_type.name;
                let task = self.claim_activity(event, &scheduled.activity_id, name)?;
                let mut state = self.shared.state.borrow_mut();
                state.open_activities += 1;
                open(&mut state, id, task);
                scheduled.decision_task_completed_event_id
            }
            E::ScheduleActivityTaskFailed(failed) => {
                let name = &failed.activity_type.name;
                let task = self.claim_activity(event, &failed.activity_id, name)?;
                use enums::ScheduleActivityTaskFailedCause as Cause;
                match failed.cause {
                    Cause::ActivityTypeDoesNotExist => {
                        let missing = MissingType::Activity(failed.activity_type.clone());
                        self.register_and_retry(id, missing, &task);
                    }
                    Cause::ActivityCreationRateExceeded | Cause::OpenActivitiesLimitExceeded => {
                        self.back_off(&task);
                    }
                    _ => self.refuse(&task, failed.cause.as_str()),
                }
                failed.decision_task_completed_event_id
            }
            E::ActivityTaskCancelRequested(requested) => {
                self.claim_cancel(event, &requested.activity_id)?;
                requested.decision_task_completed_event_id
            }
            // The task ended before the request came: its end is in the history.
            E::RequestCancelActivityTaskFailed(failed) => {
                self.claim_cancel(event, &failed.activity_id)?;
                failed.decision_task_completed_event_id
            }

            E::TimerStarted(started) if *started.timer_id == *WAKE_UP_TIMER => {
                self.wake_up_timer_open = true;
                if let Window::Matching(batch) = &mut self.window {
                    batch.woken_up = true;
                }
                started.decision_task_completed_event_id
            }
            E::TimerStarted(started) if started.timer_id.starts_with(RETRY_TIMER_PREFIX) => {
                self.claim(event, |command| {
                    matches!(command, Command::BackOff { timer_id, .. } if **timer_id == *started.timer_id)
                })?;
                started.decision_task_completed_event_id
            }
            E::TimerStarted(started) => {
                let task = self.claim_start(event, &started.timer_id)?;
                open(&mut self.shared.state.borrow_mut(), id, task);
                started.decision_task_completed_event_id
            }
            E::StartTimerFailed(failed) if *failed.timer_id == *WAKE_UP_TIMER => {
                failed.decision_task_completed_event_id
            }
            E::StartTimerFailed(failed) if failed.timer_id.starts_with(RETRY_TIMER_PREFIX) => {
                self.claim(event, |command| {
                    matches!(command, Command::BackOff { timer_id, .. } if **timer_id == *failed.timer_id)
                })?;
                // Without a timer the task can only be tried again at once.
                let mut state = self.shared.state.borrow_mut();
                if let Some(task) = state.backing_off.remove(failed.timer_id.as_str()) {
                    state.queue(&task);
                }
                failed.decision_task_completed_event_id
            }
            E::StartTimerFailed(failed) => {
                let task = self.claim_start(event, &failed.timer_id)?;
                use enums::StartTimerFailedCause as Cause;
                let may_pass = matches!(
                    failed.cause,
                    Cause::TimerCreationRateExceeded | Cause::OpenTimersLimitExceeded
                );
                task.failures.set(task.failures.get() + 1);
                if may_pass && task.failures.get() < TIMER_ATTEMPTS {
                    self.shared.state.borrow_mut().queue(&task);
                } else {
                    self.refuse(&task, failed.cause.as_str());
                }
                failed.decision_task_completed_event_id
            }
            E::TimerCanceled(canceled) => {
                self.claim_cancel(event, &canceled.timer_id)?;
                self.shared
                    .state
                    .borrow_mut()
                    .open
                    .remove(&canceled.started_event_id);
                canceled.decision_task_completed_event_id
            }
            // The timer fired before the cancel came. To the code it is cancelled all the same.
            E::CancelTimerFailed(failed) => {
                self.claim_cancel(event, &failed.timer_id)?;
                failed.decision_task_completed_event_id
            }

            E::StartChildWorkflowExecutionInitiated(initiated) => {
                let task = self.claim_start(event, &initiated.workflow_id)?;
                open(&mut self.shared.state.borrow_mut(), id, task);
                initiated.decision_task_completed_event_id
            }
            E::StartChildWorkflowExecutionFailed(failed)
                if failed.initiated_event_id == EventId(0) =>
            {
                let task = self.claim_start(event, &failed.workflow_id)?;
                self.child_not_started(id, failed, &task);
                failed.decision_task_completed_event_id
            }
            E::RequestCancelExternalWorkflowExecutionInitiated(initiated) => {
                self.claim_cancel(event, &initiated.workflow_id)?;
                initiated.decision_task_completed_event_id
            }
            E::RequestCancelExternalWorkflowExecutionFailed(_) => return Ok(true),

            E::MarkerRecorded(marker) => {
                self.claim(event, |command| {
                    matches!(command, Command::RecordMarker { name, details, .. }
                        if **name == *marker.marker_name && *details == marker.details)
                })?;
                marker.decision_task_completed_event_id
            }
            E::RecordMarkerFailed(failed) => {
                self.claim(event, |command| {
                    matches!(command, Command::RecordMarker { name, .. } if **name == *failed.marker_name)
                })?;
                failed.decision_task_completed_event_id
            }

            E::WorkflowExecutionCompleted(completed) => {
                self.expect_ending(event, |ending| matches!(ending, Ending::Completed(_)))?;
                completed.decision_task_completed_event_id
            }
            E::WorkflowExecutionFailed(failed) => {
                self.expect_ending(event, |ending| matches!(ending, Ending::Failed(_)))?;
                failed.decision_task_completed_event_id
            }
            E::WorkflowExecutionCanceled(canceled) => {
                self.expect_ending(event, |ending| matches!(ending, Ending::Cancelled))?;
                canceled.decision_task_completed_event_id
            }
            E::CompleteWorkflowExecutionFailed(failed) => {
                self.expect_refused_ending(event)?;
                failed.decision_task_completed_event_id
            }
            E::FailWorkflowExecutionFailed(failed) => {
                self.expect_refused_ending(event)?;
                failed.decision_task_completed_event_id
            }
            E::CancelWorkflowExecutionFailed(failed) => {
                self.expect_refused_ending(event)?;
                failed.decision_task_completed_event_id
            }
            E::WorkflowExecutionContinuedAsNew(_)
            | E::SignalExternalWorkflowExecutionInitiated(_)
            | E::LambdaFunctionScheduled(_)
            | E::ScheduleLambdaFunctionFailed(_) => return Err(self.unclaimed(event)),
            _ => return Ok(false),
        };
        self.recent.matched(event);
        if let Window::Matching(batch) = &mut self.window {
            batch.decisions += 1;
            if batch.completed == of_decision {
                return Ok(true);
            }
        }
        Err(ReplayError::Misplaced {
            event_id: id,
            event_type: event.event_type().into(),
            completed: of_decision,
        })
    }

    /// Takes the command that an event confirms, or finds that the code never issued it.
    fn claim(
        &mut self,
        event: &HistoryEvent,
        fits: impl Fn(&Command) -> bool,
    ) -> Result<Command, ReplayError> {
        let claimed = self.shared.state.borrow_mut().others.claim(fits);
        match claimed {
            Some((place, command)) => {
                if let Window::Matching(batch) = &mut self.window {
                    batch.last_other = batch.last_other.max(Some(place));
                }
                Ok(command)
            }
            None => Err(self.unclaimed(event)),
        }
    }

    fn claim_activity(
        &mut self,
        event: &HistoryEvent,
        id: &str,
        name: &str,
    ) -> Result<Rc<Task>, ReplayError> {
        let claimed = self
            .shared
            .state
            .borrow_mut()
            .activities
            .claim(|command| matches!(command, Command::Start(task) if task.id() == id));
        match claimed {
            Some((place, Command::Start(task))) if *task.name() == name => {
                if let Window::Matching(batch) = &mut self.window {
                    batch.last_activity = batch.last_activity.max(Some(place));
                }
                Ok(task)
            }
            Some((_, command)) => {
                Err(self.diverged(Divergence::Other, Some(event), vec![error_line(&command)]))
            }
            None => Err(self.unclaimed(event)),
        }
    }

    fn claim_start(&mut self, event: &HistoryEvent, id: &str) -> Result<Rc<Task>, ReplayError> {
        let is_timer = matches!(
            event.attributes,
            EventAttributes::TimerStarted(_) | EventAttributes::StartTimerFailed(_)
        );
        let command = self.claim(event, |command| {
            matches!(command, Command::Start(task)
                if task.id() == id && matches!(task.kind, TaskKind::Timer { .. }) == is_timer)
        })?;
        match command {
            Command::Start(task) => Ok(task),
            _ => Err(self.unclaimed(event)),
        }
    }

    fn claim_cancel(&mut self, event: &HistoryEvent, id: &str) -> Result<(), ReplayError> {
        self.claim(
            event,
            |command| matches!(command, Command::Cancel(task) if task.id() == id),
        )
        .map(drop)
    }

    fn expect_ending(
        &mut self,
        event: &HistoryEvent,
        fits: fn(&Ending) -> bool,
    ) -> Result<(), ReplayError> {
        if !self.ending.as_ref().is_some_and(fits) {
            return Err(self.unclaimed(event));
        }
        self.closed = true;
        self.note_closing();
        Ok(())
    }

    fn expect_refused_ending(&mut self, event: &HistoryEvent) -> Result<(), ReplayError> {
        if self.ending.is_none() {
            return Err(self.unclaimed(event));
        }
        self.note_closing();
        Ok(())
    }

    fn note_closing(&mut self) {
        if let Window::Matching(batch) = &mut self.window {
            batch.closing = true;
        }
    }

    /// All decisions of a decision task are matched. What the code had asked for by then and the
    /// response did not carry must have a reason, or the code asks for more than it did.
    pub(super) fn end_batch(&mut self) -> Result<(), ReplayError> {
        let Window::Matching(batch) = &self.window else {
            return Ok(());
        };
        if self.closed || batch.closing {
            return Ok(());
        }
        let full = batch.woken_up
            || self.wake_up_timer_open
            || batch.decisions >= self.limits.decisions - 1;
        if self.ending.is_some() {
            if full {
                return Ok(());
            }
            return Err(self.diverged(Divergence::Missing, None, Vec::new()));
        }
        let extra = {
            let state = self.shared.state.borrow();
            let held_back = full || state.open_activities >= self.limits.open_activities;
            let first_extra =
                |queue: &crate::commands::Commands, last: Option<u64>, excused: bool| {
                    queue
                        .iter()
                        .next()
                        .filter(|(place, _)| *place < batch.boundary)
                        .filter(|(place, _)| !excused || last.is_some_and(|last| *place < last))
                        .map(|(_, command)| error_line(command))
                };
            first_extra(&state.others, batch.last_other, full)
                .or_else(|| first_extra(&state.activities, batch.last_activity, held_back))
        };
        match extra {
            Some(line) => Err(self.diverged(Divergence::Missing, None, vec![line])),
            None => Ok(()),
        }
    }

    fn unclaimed(&self, event: &HistoryEvent) -> ReplayError {
        let lines = {
            let state = self.shared.state.borrow();
            let mut commands: Vec<_> = state.activities.iter().chain(state.others.iter()).collect();
            commands.sort_by_key(|(place, _)| *place);
            commands
                .into_iter()
                .take(error::SHOWN)
                .map(|(_, command)| error_line(command))
                .collect()
        };
        self.diverged(Divergence::Unclaimed, Some(event), lines)
    }

    /// A child was not started: the way on depends on the cause.
    pub(super) fn child_not_started(
        &mut self,
        event_id: EventId,
        failed: &StartChildWorkflowExecutionFailed,
        task: &Rc<Task>,
    ) {
        use enums::StartChildWorkflowExecutionFailedCause as Cause;
        match failed.cause {
            Cause::WorkflowTypeDoesNotExist => {
                let missing = MissingType::Workflow(failed.workflow_type.clone());
                self.register_and_retry(event_id, missing, task);
            }
            Cause::ChildCreationRateExceeded
            | Cause::OpenChildrenLimitExceeded
            | Cause::OpenWorkflowsLimitExceeded => self.back_off(task),
            _ => self.refuse(task, failed.cause.as_str()),
        }
    }

    fn register_and_retry(&mut self, event_id: EventId, missing: MissingType, task: &Rc<Task>) {
        if event_id > self.decided_until && !self.missing_types.contains(&missing) {
            self.missing_types.push(missing);
        }
        self.shared.state.borrow_mut().queue(task);
    }

    fn back_off(&mut self, task: &Rc<Task>) {
        let mut state = self.shared.state.borrow_mut();
        let refusals = task.refusals.get();
        task.refusals.set(refusals + 1);
        let seconds = LONGEST_BACK_OFF_SECONDS.min(1 << refusals.min(6));
        let timer_id = SmolStr::from(format!("{RETRY_TIMER_PREFIX}{}", task.id()));
        task.set_state(State::BackingOff);
        state.backing_off.insert(timer_id.clone(), Rc::clone(task));
        state.push(Command::BackOff {
            task: Rc::clone(task),
            timer_id,
            seconds,
        });
    }

    /// The service will never take the task. The code learns of it when it may see what follows
    /// the decisions.
    fn refuse(&mut self, task: &Rc<Task>, cause: &str) {
        self.refused.push((
            Rc::clone(task),
            TaskErrorKind::Refused {
                cause: cause.into(),
            },
        ));
    }
}

fn open(state: &mut crate::flow::FlowState, event_id: EventId, task: Rc<Task>) {
    task.set_state(State::Scheduled);
    state.open.insert(event_id, task);
}

fn error_line(command: &Command) -> String {
    match command {
        Command::Start(task) => format!("submit of {} at {}", task.id(), task.location),
        Command::Cancel(task) => format!("cancel of {}, submitted at {}", task.id(), task.location),
        Command::BackOff { task, seconds, .. } => {
            format!(
                "retry of {} in {seconds} s, submitted at {}",
                task.id(),
                task.location
            )
        }
        Command::RecordMarker { name, location, .. } => format!("marker {name:?} at {location}"),
    }
}
