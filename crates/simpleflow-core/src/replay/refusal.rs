//! What the service refuses to do: for now, until something is registered, or for good.

use std::rc::Rc;

use simpleflow_model::enums;
use simpleflow_model::event::{
    RequestCancelExternalWorkflowExecutionFailed, SignalExternalWorkflowExecutionFailed,
    StartChildWorkflowExecutionFailed, StartLambdaFunctionFailed,
};

use super::{Held, MissingType, Moment, Replayer, Window};
use crate::commands::Command;
use crate::error::TaskErrorKind;
use crate::task::{IdSpace, Task};

/// How long a task rests when the service refuses it because of its rate: 1 second, then twice as
/// long each time, a minute at most.
const LONGEST_BACK_OFF_SECONDS: u32 = 60;

/// How often a timer that the service refuses is asked for.
const TIMER_ATTEMPTS: u32 = 10;

/// How long to rest after so many refusals before this one.
pub(super) fn back_off_seconds(refusals: u32) -> u32 {
    LONGEST_BACK_OFF_SECONDS.min(1 << refusals.min(6))
}

impl Replayer {
    /// A child was not started: the way on depends on the cause.
    pub(super) fn child_not_started(
        &mut self,
        at: Moment,
        failed: &StartChildWorkflowExecutionFailed,
        task: &Rc<Task>,
    ) {
        if task.cancel_requested.get() {
            return self.give_up(at, task, TaskErrorKind::Cancelled { details: None });
        }
        use enums::StartChildWorkflowExecutionFailedCause as Cause;
        match failed.cause {
            Cause::WorkflowTypeDoesNotExist => {
                let missing = MissingType::Workflow(failed.workflow_type.clone());
                self.register_and_retry(at, missing, task);
            }
            Cause::ChildCreationRateExceeded
            | Cause::OpenChildrenLimitExceeded
            | Cause::OpenWorkflowsLimitExceeded => self.back_off(task),
            _ => self.refuse(at, task, failed.cause.as_str()),
        }
    }

    pub(super) fn register_and_retry(&mut self, at: Moment, missing: MissingType, task: &Rc<Task>) {
        self.report_missing(at, missing);
        self.shared.state.borrow_mut().queue(task);
    }

    /// A type is to be registered, unless that was so long ago that it has been.
    pub(super) fn report_missing(&mut self, at: Moment, missing: MissingType) {
        if at.event_id > self.decided_until && !self.missing_types.contains(&missing) {
            self.missing_types.push(missing);
        }
    }

    /// The cancel of a child did not reach it: it has ended, or the service refuses for its rate.
    pub(super) fn cancel_not_delivered(
        &mut self,
        failed: &RequestCancelExternalWorkflowExecutionFailed,
    ) {
        use enums::RequestCancelExternalWorkflowExecutionFailedCause as Cause;
        if failed.cause != Cause::RequestCancelExternalWorkflowExecutionRateExceeded {
            return;
        }
        let task = {
            let state = self.shared.state.borrow();
            let is_it = |task: &&Rc<Task>| {
                task.kind.id_space() == Some(IdSpace::Children)
                    && **task.id() == *failed.workflow_id
            };
            state.open.values().find(is_it).map(Rc::clone)
        };
        if let Some(task) = task {
            self.back_off(&task);
        }
    }

    /// A Lambda function that was scheduled could not be started: its role is missing or wrong, so
    /// another attempt would be no better.
    pub(super) fn lambda_not_started(&mut self, at: Moment, failed: &StartLambdaFunctionFailed) {
        let scheduled = failed.scheduled_event_id.unwrap_or_default();
        if let Some(task) = self.close_task(scheduled) {
            let cause = failed.cause.as_ref().map_or("", |cause| cause.as_str());
            let kind = TaskErrorKind::NotStarted {
                cause: cause.into(),
                message: failed.message.clone().unwrap_or_default(),
            };
            self.give_up(at, &task, kind);
        }
    }

    /// A signal was not delivered.
    pub(super) fn signal_not_delivered(
        &mut self,
        at: Moment,
        failed: &SignalExternalWorkflowExecutionFailed,
    ) {
        if let Some(task) = self.close_task(failed.initiated_event_id) {
            self.signal_refused(at, &task, &failed.cause);
        }
    }

    pub(super) fn signal_refused(
        &mut self,
        at: Moment,
        task: &Rc<Task>,
        cause: &enums::SignalExternalWorkflowExecutionFailedCause,
    ) {
        use enums::SignalExternalWorkflowExecutionFailedCause as Cause;
        match cause {
            Cause::SignalExternalWorkflowExecutionRateExceeded => self.back_off(task),
            _ => self.refuse(at, task, cause.as_str()),
        }
    }

    /// Starts the timer after which what the service refused for its rate is tried again.
    pub(super) fn back_off(&mut self, task: &Rc<Task>) {
        let refusals = task.refusals.get();
        task.refusals.set(refusals + 1);
        self.rest(task, back_off_seconds(refusals), 0);
    }

    /// The service refuses to start a timer. What could delay another attempt is a timer, so the
    /// attempts are made at once, and are few.
    pub(super) fn timer_refused(
        &mut self,
        at: Moment,
        task: &Rc<Task>,
        cause: &enums::StartTimerFailedCause,
    ) {
        task.refusals.set(task.refusals.get() + 1);
        if may_pass(cause) && task.refusals.get() < TIMER_ATTEMPTS {
            self.shared.state.borrow_mut().queue(task);
        } else {
            self.refuse(at, task, cause.as_str());
        }
    }

    /// The service refuses to start the timer after which a task is tried again. At last the task is
    /// tried again without it.
    pub(super) fn retry_timer_refused(
        &mut self,
        at: Moment,
        back_off: Command,
        cause: &enums::StartTimerFailedCause,
    ) {
        let Command::BackOff {
            task,
            timer_id,
            seconds,
            refusals,
        } = back_off
        else {
            return;
        };
        let mut state = self.shared.state.borrow_mut();
        state.backing_off.remove(&timer_id);
        if may_pass(cause) && refusals + 1 < TIMER_ATTEMPTS {
            drop(state);
            self.rest(&task, seconds, refusals + 1);
        } else if may_pass(cause) {
            state.try_again(&task);
        } else if !task.cancel_requested.get() {
            drop(state);
            self.refuse(at, &task, cause.as_str());
        }
    }

    /// The service will never take the task. The code learns of it in its turn.
    pub(super) fn refuse(&mut self, at: Moment, task: &Rc<Task>, cause: &str) {
        let cause = cause.into();
        self.give_up(at, task, TaskErrorKind::Refused { cause });
    }

    fn give_up(&mut self, at: Moment, task: &Rc<Task>, kind: TaskErrorKind) {
        match self.window {
            Window::Open => self.deliver_refusal(task, kind, at),
            Window::Deciding { .. } | Window::Matching(_) => {
                let task = Rc::clone(task);
                self.held.push_back(Held::Refused { task, kind, at });
            }
        }
    }
}

/// Whether a timer that was refused for this may be started later.
fn may_pass(cause: &enums::StartTimerFailedCause) -> bool {
    use enums::StartTimerFailedCause as Cause;
    matches!(
        cause,
        Cause::TimerCreationRateExceeded | Cause::OpenTimersLimitExceeded
    )
}
