//! Matching the decisions that the history has with what the code asked for.

use std::rc::Rc;

use simpleflow_model::{EventAttributes, EventId, HistoryEvent, enums, limits};

use super::ending::Rest;
use super::error;
use super::{Divergence, Ending, MissingType, Moment, ReplayError, Replayer, Window};
use crate::commands::{Command, Commands};
use crate::task::{IdSpace, State, Task, TaskKind};
use crate::task_id::{NEXT_RUN_TIMER, RETRY_TIMER_PREFIX, WAKE_UP_TIMER};

/// The decisions of one decision task, as the history tells them.
pub(super) struct Batch {
    completed: EventId,
    /// Commands at this place and above were issued after the decision task was started.
    boundary: u64,
    decisions: usize,
    /// How many of these sent on a signal.
    sent_on: usize,
    /// The last event that records one of them.
    last_event: EventId,
    /// Activities that the service refused: when they were sent, they counted as open.
    refused_activities: usize,
    /// The same for timers.
    refused_timers: usize,
    /// Whether the last decision, but for the wake-up timer, cancelled a timer.
    ends_with_free_timer: bool,
    woken_up: bool,
    closing: bool,
    last_activity: Option<u64>,
    last_other: Option<u64>,
}

impl Batch {
    pub(super) fn last_event(&self) -> EventId {
        self.last_event
    }
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
            sent_on: 0,
            last_event: completed,
            refused_activities: 0,
            refused_timers: 0,
            ends_with_free_timer: false,
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
        let at = Moment::of(event);
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
                if let Window::Matching(batch) = &mut self.window {
                    batch.refused_activities += 1;
                }
                use enums::ScheduleActivityTaskFailedCause as Cause;
                match failed.cause {
                    Cause::ActivityTypeDoesNotExist => {
                        let missing = MissingType::Activity(failed.activity_type.clone());
                        self.register_and_retry(at, missing, &task);
                    }
                    Cause::ActivityCreationRateExceeded | Cause::OpenActivitiesLimitExceeded => {
                        self.back_off(&task);
                    }
                    _ => self.refuse(at, &task, failed.cause.as_str()),
                }
                failed.decision_task_completed_event_id
            }
            E::ActivityTaskCancelRequested(requested) => {
                self.claim_cancel(event, IdSpace::Activities, &requested.activity_id)?;
                requested.decision_task_completed_event_id
            }
            // The task ended before the request came: its end is in the history.
            E::RequestCancelActivityTaskFailed(failed) => {
                self.claim_cancel(event, IdSpace::Activities, &failed.activity_id)?;
                failed.decision_task_completed_event_id
            }

            E::TimerStarted(started) if *started.timer_id == *WAKE_UP_TIMER => {
                self.wake_up_timer_open = true;
                self.note_woken_up();
                started.decision_task_completed_event_id
            }
            E::TimerStarted(started) if *started.timer_id == *NEXT_RUN_TIMER => {
                self.claim_rest(event, Rest::Begun)?;
                started.decision_task_completed_event_id
            }
            E::TimerStarted(started) if started.timer_id.starts_with(RETRY_TIMER_PREFIX) => {
                self.claim_back_off(event, &started.timer_id)?;
                self.shared.state.borrow_mut().open_timers += 1;
                started.decision_task_completed_event_id
            }
            E::TimerStarted(started) => {
                let task = self.claim_start(event, IdSpace::Timers, &started.timer_id)?;
                let mut state = self.shared.state.borrow_mut();
                state.open_timers += 1;
                open(&mut state, id, task);
                started.decision_task_completed_event_id
            }
            // The service calls again because of the refusal itself.
            E::StartTimerFailed(failed) if *failed.timer_id == *WAKE_UP_TIMER => {
                self.note_woken_up();
                failed.decision_task_completed_event_id
            }
            // Without a timer there is no rest.
            E::StartTimerFailed(failed) if *failed.timer_id == *NEXT_RUN_TIMER => {
                self.claim_rest(event, Rest::Over)?;
                self.note_woken_up();
                failed.decision_task_completed_event_id
            }
            E::StartTimerFailed(failed) if failed.timer_id.starts_with(RETRY_TIMER_PREFIX) => {
                let back_off = self.claim_back_off(event, &failed.timer_id)?;
                self.note_refused_timer();
                self.retry_timer_refused(at, back_off, &failed.cause);
                failed.decision_task_completed_event_id
            }
            E::StartTimerFailed(failed) => {
                let task = self.claim_start(event, IdSpace::Timers, &failed.timer_id)?;
                self.note_refused_timer();
                self.timer_refused(at, &task, &failed.cause);
                failed.decision_task_completed_event_id
            }
            E::TimerCanceled(canceled) => {
                self.claim_cancel(event, IdSpace::Timers, &canceled.timer_id)?;
                let mut state = self.shared.state.borrow_mut();
                state.open_timers = state.open_timers.saturating_sub(1);
                state.open.remove(&canceled.started_event_id);
                canceled.decision_task_completed_event_id
            }
            // The timer fired before the cancel came. To the code it is cancelled all the same.
            E::CancelTimerFailed(failed) => {
                self.claim_cancel(event, IdSpace::Timers, &failed.timer_id)?;
                failed.decision_task_completed_event_id
            }

            E::StartChildWorkflowExecutionInitiated(initiated) => {
                let name = &initiated.workflow_type.name;
                let task = self.claim_child(event, &initiated.workflow_id, name)?;
                open(&mut self.shared.state.borrow_mut(), id, task);
                initiated.decision_task_completed_event_id
            }
            E::StartChildWorkflowExecutionFailed(failed)
                if failed.initiated_event_id == EventId(0) =>
            {
                let name = &failed.workflow_type.name;
                let task = self.claim_child(event, &failed.workflow_id, name)?;
                self.child_not_started(at, failed, &task);
                failed.decision_task_completed_event_id
            }
            E::RequestCancelExternalWorkflowExecutionInitiated(initiated) => {
                self.claim_cancel(event, IdSpace::Children, &initiated.workflow_id)?;
                initiated.decision_task_completed_event_id
            }
            E::RequestCancelExternalWorkflowExecutionFailed(failed)
                if failed.initiated_event_id == EventId(0) =>
            {
                self.claim_cancel(event, IdSpace::Children, &failed.workflow_id)?;
                self.cancel_not_delivered(failed);
                failed.decision_task_completed_event_id
            }

            E::LambdaFunctionScheduled(scheduled) => {
                let task = self.claim_start(event, IdSpace::Lambdas, &scheduled.id)?;
                let task = self.check_type(event, task, &scheduled.name)?;
                open(&mut self.shared.state.borrow_mut(), id, task);
                scheduled.decision_task_completed_event_id
            }
            E::ScheduleLambdaFunctionFailed(failed) => {
                let task = self.claim_start(event, IdSpace::Lambdas, &failed.id)?;
                use enums::ScheduleLambdaFunctionFailedCause as Cause;
                match failed.cause {
                    Cause::OpenLambdaFunctionsLimitExceeded
                    | Cause::LambdaFunctionCreationRateExceeded => self.back_off(&task),
                    _ => self.refuse(at, &task, failed.cause.as_str()),
                }
                failed.decision_task_completed_event_id
            }

            E::SignalExternalWorkflowExecutionInitiated(initiated) => {
                let name = Some(&*initiated.signal_name);
                let task = self.claim_signal(event, &initiated.workflow_id, name)?;
                open(&mut self.shared.state.borrow_mut(), id, task);
                initiated.decision_task_completed_event_id
            }
            E::SignalExternalWorkflowExecutionFailed(failed)
                if failed.initiated_event_id == EventId(0) =>
            {
                let task = self.claim_signal(event, &failed.workflow_id, None)?;
                self.signal_refused(at, &task, &failed.cause);
                failed.decision_task_completed_event_id
            }

            E::MarkerRecorded(marker) => {
                self.claim(event, |command| {
                    matches!(command, Command::RecordMarker { name, details, .. }
                        if **name == *marker.marker_name && Some(details) == marker.details.as_ref())
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
                self.expect_ending(event, |ending| matches!(ending, Ending::Cancelled { .. }))?;
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
            E::WorkflowExecutionContinuedAsNew(continued) => {
                self.expect_ending(event, Ending::is_continued)?;
                continued.decision_task_completed_event_id
            }
            E::ContinueAsNewWorkflowExecutionFailed(failed) => {
                self.expect_ending(event, Ending::is_continued)?;
                self.next_run_refused(at, failed);
                failed.decision_task_completed_event_id
            }
            _ => return Ok(false),
        };
        self.recent.matched(event);
        if let Window::Matching(batch) = &mut self.window {
            batch.decisions += 1;
            batch.last_event = id;
            // Nothing follows the wake-up timer.
            batch.ends_with_free_timer = matches!(event.attributes, E::TimerCanceled(_))
                || (batch.ends_with_free_timer && batch.woken_up);
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

    /// The place below which commands were issued when the decisions were made that are matched.
    fn boundary(&self) -> u64 {
        match &self.window {
            Window::Matching(batch) => batch.boundary,
            _ => u64::MAX,
        }
    }

    /// Takes the command that an event confirms, or finds that the code never issued it.
    fn claim(
        &mut self,
        event: &HistoryEvent,
        fits: impl Fn(&Command) -> bool,
    ) -> Result<Command, ReplayError> {
        let boundary = self.boundary();
        let claimed = {
            let mut state = self.shared.state.borrow_mut();
            state.others.claim(boundary, fits)
        };
        let Some((place, command)) = claimed else {
            return Err(self.unclaimed(event));
        };
        if let Window::Matching(batch) = &mut self.window
            && !command.goes_first()
        {
            if command.is_sent_on() {
                batch.sent_on += 1;
            } else {
                batch.last_other = batch.last_other.max(Some(place));
            }
        }
        Ok(command)
    }

    /// Takes the start of the activity that an event confirms.
    fn claim_activity(
        &mut self,
        event: &HistoryEvent,
        id: &str,
        name: &str,
    ) -> Result<Rc<Task>, ReplayError> {
        let boundary = self.boundary();
        let claimed = {
            let mut state = self.shared.state.borrow_mut();
            let fits =
                |command: &Command| matches!(command, Command::Start(task) if task.id() == id);
            state.activities.claim(boundary, fits)
        };
        let Some((place, Command::Start(task))) = claimed else {
            let task = self.claim_resting(event, IdSpace::Activities, id)?;
            return self.check_type(event, task, name);
        };
        if let Window::Matching(batch) = &mut self.window {
            batch.last_activity = batch.last_activity.max(Some(place));
        }
        self.check_type(event, task, name)
    }

    /// Takes the start of the child that an event confirms.
    fn claim_child(
        &mut self,
        event: &HistoryEvent,
        id: &str,
        name: &str,
    ) -> Result<Rc<Task>, ReplayError> {
        let task = self.claim_start(event, IdSpace::Children, id)?;
        self.check_type(event, task, name)
    }

    fn claim_start(
        &mut self,
        event: &HistoryEvent,
        space: IdSpace,
        id: &str,
    ) -> Result<Rc<Task>, ReplayError> {
        let command = self.claim(event, |command| {
            matches!(command, Command::Start(task)
                if task.kind.id_space() == Some(space) && task.id() == id)
        });
        match command {
            Ok(Command::Start(task)) => Ok(task),
            _ => self.claim_resting(event, space, id),
        }
    }

    /// Takes the signal that an event confirms; one that refuses it does not say its name.
    fn claim_signal(
        &mut self,
        event: &HistoryEvent,
        workflow_id: &str,
        name: Option<&str>,
    ) -> Result<Rc<Task>, ReplayError> {
        let command = self.claim(event, |command| {
            matches!(command, Command::Start(task)
                if matches!(&task.kind, TaskKind::SendSignal(signal)
                    if signal.workflow_id == workflow_id
                        && name.is_none_or(|name| signal.name == name)))
        })?;
        match command {
            Command::Start(task) => Ok(task),
            _ => Err(self.unclaimed(event)),
        }
    }

    fn check_type(
        &self,
        event: &HistoryEvent,
        task: Rc<Task>,
        name: &str,
    ) -> Result<Rc<Task>, ReplayError> {
        if *task.name() == name {
            return Ok(task);
        }
        let line = format!(
            "submit of {} of type {} at {}",
            task.id(),
            task.name(),
            task.location
        );
        Err(self.diverged(Divergence::Other, Some(event), vec![line]))
    }

    fn claim_cancel(
        &mut self,
        event: &HistoryEvent,
        space: IdSpace,
        id: &str,
    ) -> Result<(), ReplayError> {
        self.claim(event, |command| {
            matches!(command, Command::Cancel(task)
                if task.kind.id_space() == Some(space) && task.id() == id)
        })
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

    fn claim_back_off(&mut self, event: &HistoryEvent, id: &str) -> Result<Command, ReplayError> {
        self.claim(
            event,
            |command| matches!(command, Command::BackOff { timer_id, .. } if *timer_id == *id),
        )
    }

    /// Takes a task whose next attempt the history has although the code asks for a timer before it
    /// again: when such a timer was refused, tasks were once tried again at once.
    fn claim_resting(
        &mut self,
        event: &HistoryEvent,
        space: IdSpace,
        id: &str,
    ) -> Result<Rc<Task>, ReplayError> {
        let command = self.claim(event, |command| {
            matches!(command, Command::BackOff { task, refusals, .. }
                if *refusals > 0 && task.kind.id_space() == Some(space) && task.id() == id)
        })?;
        let Command::BackOff { task, timer_id, .. } = command else {
            return Err(self.unclaimed(event));
        };
        self.shared.state.borrow_mut().backing_off.remove(&timer_id);
        Ok(task)
    }

    fn note_refused_timer(&mut self) {
        if let Window::Matching(batch) = &mut self.window {
            batch.refused_timers += 1;
        }
    }

    /// Takes the timer before a next run, after which this is to be.
    fn claim_rest(&mut self, event: &HistoryEvent, then: Rest) -> Result<(), ReplayError> {
        let ending = self.ending.as_mut();
        if !ending.is_some_and(|ending| ending.change_rest(Rest::Asked, then)) {
            return Err(self.unclaimed(event));
        }
        Ok(())
    }

    fn note_woken_up(&mut self) {
        if let Window::Matching(batch) = &mut self.window {
            batch.woken_up = true;
        }
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
        let full = batch.woken_up
            || self.wake_up_timer_open
            // The original sends signals on before anything else, and then waits for the next
            // decision task.
            || (batch.sent_on > 0 && batch.sent_on == batch.decisions)
            || batch.decisions + 1 >= self.limits.decisions;
        let state = self.shared.state.borrow();
        let issued_before = |queue: &Commands, place: u64, fits: &dyn Fn(&Command) -> bool| {
            queue
                .iter()
                .take_while(|(issued, _)| *issued < place)
                .filter(|(_, command)| fits(command) && !command.is_sent_on())
                .take(error::SHOWN)
                .map(|(issued, command)| (issued, error_line(command)))
                .collect()
        };
        let mut extra: Vec<(u64, String)> = if batch.closing {
            issued_before(&state.others, batch.boundary, &Command::outlives_execution)
        } else if let Some(ending) = &self.ending {
            if !full && !ending.rests() {
                return Err(self.diverged(Divergence::Missing, None, Vec::new()));
            }
            Vec::new()
        } else {
            // A response that is full leaves out what comes last, and nothing in between.
            let until = |full: bool, last: Option<u64>| match full {
                true => last.unwrap_or(0).min(batch.boundary),
                false => batch.boundary,
            };
            let open = state.open_activities + batch.refused_activities;
            // A limit of the workflow's own may have been another when this was decided.
            let has_own_limit = self.limits.open_activities < limits::OPEN_ACTIVITIES;
            let held_back =
                full || open >= self.limits.open_activities || (has_own_limit && open > 0);
            // After a cancel comes a timer that was held back, unless that did not fit.
            let without_room = usize::from(full && batch.ends_with_free_timer);
            let timers = state.open_timers + batch.refused_timers + without_room;
            let no_timer = timers >= self.limits.open_timers;
            let mut extra =
                issued_before(&state.others, until(full, batch.last_other), &|command| {
                    !(no_timer && command.starts_timer())
                });
            extra.append(&mut issued_before(
                &state.activities,
                until(held_back, batch.last_activity),
                &|_| true,
            ));
            extra
        };
        if extra.is_empty() {
            return Ok(());
        }
        extra.sort_unstable();
        let lines = extra.into_iter().map(|(_, line)| line);
        let lines = lines.take(error::SHOWN).collect();
        Err(self.diverged(Divergence::Missing, None, lines))
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
}

fn open(state: &mut crate::flow::FlowState, event_id: EventId, task: Rc<Task>) {
    task.set_state(State::Scheduled);
    state.open.insert(event_id, task);
}

fn error_line(command: &Command) -> String {
    match command {
        Command::Start(task) if task.kind.id_space() == Some(IdSpace::Timers) => {
            format!("start of timer {} at {}", task.id(), task.location)
        }
        Command::Start(task) if command.is_sent_on() => {
            format!("{} sent on, which was received", task.id())
        }
        Command::Start(task) => format!("submit of {} at {}", task.id(), task.location),
        Command::Cancel(task) => format!("cancel of {} submitted at {}", task.id(), task.location),
        Command::BackOff { task, seconds, .. } => {
            format!(
                "retry in {seconds} s of {} submitted at {}",
                task.id(),
                task.location
            )
        }
        Command::RecordMarker { name, location, .. } => format!("marker {name:?} at {location}"),
    }
}
