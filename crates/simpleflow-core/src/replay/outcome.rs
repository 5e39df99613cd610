//! Delivering to the code what happened to its tasks.

use std::rc::Rc;

use simpleflow_model::enums::ActivityTaskTimeoutType;
use simpleflow_model::event::{WorkflowExecutionSignaled, WorkflowExecutionStarted};
use simpleflow_model::{EventAttributes, EventId, HistoryEvent, SmolStr};

use super::ending::Rest;
use super::{Ending, Moment, ReplayError, Replayer};
use crate::commands::Command;
use crate::error::{Failure, TaskErrorKind};
use crate::flow::Received;
use crate::hooks::ReplayContext;
use crate::panics;
use crate::payload::ArgumentError;
use crate::signal;
use crate::task::{Task, TaskKind};
use crate::task_id::{NEXT_RUN_TIMER, WAKE_UP_TIMER};

impl Replayer {
    /// Lets the code see an event.
    pub(super) fn deliver(&mut self, event: HistoryEvent) -> Result<(), ReplayError> {
        let at = Moment::of(&event);
        self.set_moment(at);
        use EventAttributes as E;
        match event.attributes {
            E::WorkflowExecutionStarted(started) => self.start(*started),
            E::WorkflowExecutionSignaled(signaled) => self.signaled(signaled),
            E::ExternalWorkflowExecutionSignaled(signaled) => {
                self.completed(signaled.initiated_event_id, None);
            }
            E::SignalExternalWorkflowExecutionFailed(failed) => {
                self.signal_not_delivered(at, &failed);
            }
            E::WorkflowExecutionCancelRequested(_) => self.cancel_requested(),

            E::ActivityTaskStarted(started) => self.started(started.scheduled_event_id, None),
            E::ActivityTaskCompleted(completed) => {
                self.completed(completed.scheduled_event_id, completed.result);
            }
            E::ActivityTaskFailed(failed) => {
                let kind = TaskErrorKind::Failed {
                    reason: failed.reason.unwrap_or_default(),
                    details: failed.details,
                };
                self.failed(failed.scheduled_event_id, kind);
            }
            E::ActivityTaskTimedOut(timed_out) => {
                let kind = TaskErrorKind::TimedOut {
                    timeout_type: timed_out.timeout_type,
                    details: timed_out.details,
                };
                self.failed(timed_out.scheduled_event_id, kind);
            }
            E::ActivityTaskCanceled(canceled) => {
                let details = canceled.details;
                self.failed(
                    canceled.scheduled_event_id,
                    TaskErrorKind::Cancelled { details },
                );
            }

            E::TimerFired(fired) => self.timer_fired(&fired.timer_id, fired.started_event_id),

            E::LambdaFunctionStarted(started) => self.started(started.scheduled_event_id, None),
            E::LambdaFunctionCompleted(completed) => {
                self.completed(completed.scheduled_event_id, completed.result);
            }
            E::LambdaFunctionFailed(failed) => {
                let kind = TaskErrorKind::Failed {
                    reason: failed.reason.unwrap_or_default(),
                    details: failed.details,
                };
                self.failed(failed.scheduled_event_id, kind);
            }
            // It has one time limit.
            E::LambdaFunctionTimedOut(timed_out) => {
                let kind = TaskErrorKind::TimedOut {
                    timeout_type: ActivityTaskTimeoutType::StartToClose,
                    details: None,
                };
                self.failed(timed_out.scheduled_event_id, kind);
            }
            E::StartLambdaFunctionFailed(failed) => self.lambda_not_started(at, &failed),

            E::ChildWorkflowExecutionStarted(started) => {
                let run_id = SmolStr::from(started.workflow_execution.run_id.as_str());
                self.started(started.initiated_event_id, Some(run_id));
            }
            E::ChildWorkflowExecutionCompleted(completed) => {
                self.completed(completed.initiated_event_id, completed.result);
            }
            E::ChildWorkflowExecutionFailed(failed) => {
                let kind = TaskErrorKind::Failed {
                    reason: failed.reason.unwrap_or_default(),
                    details: failed.details,
                };
                self.failed(failed.initiated_event_id, kind);
            }
            E::ChildWorkflowExecutionTimedOut(timed_out) => {
                let kind = TaskErrorKind::TimedOut {
                    timeout_type: ActivityTaskTimeoutType::StartToClose,
                    details: None,
                };
                self.failed(timed_out.initiated_event_id, kind);
            }
            E::ChildWorkflowExecutionCanceled(canceled) => {
                let details = canceled.details;
                self.failed(
                    canceled.initiated_event_id,
                    TaskErrorKind::Cancelled { details },
                );
            }
            E::ChildWorkflowExecutionTerminated(terminated) => {
                self.failed(terminated.initiated_event_id, TaskErrorKind::Terminated);
            }
            E::StartChildWorkflowExecutionFailed(failed) => {
                if let Some(task) = self.close_task(failed.initiated_event_id) {
                    self.child_not_started(at, &failed, &task);
                }
            }
            E::RequestCancelExternalWorkflowExecutionFailed(failed) => {
                self.cancel_not_delivered(&failed);
            }

            // Others say nothing that the code waits for.
            _ => {}
        }
        Ok(())
    }

    /// The execution is to be cancelled: it ends, unless its code handles that. Code that has ended
    /// with a next run can do so no more, and no other run would learn of the request.
    fn cancel_requested(&mut self) {
        let is_continued = match &self.ending {
            Some(ending) if !ending.is_continued() => return,
            ending => ending.is_some(),
        };
        let (handled, requested) = {
            let cancel = &self.shared.state.borrow().cancel;
            (cancel.is_handled(), cancel.is_requested())
        };
        if requested {
            return;
        }
        let context = ReplayContext::new(&self.shared.state, None);
        match panics::catch(|| (self.entry.hooks().should_cancel)(&context)) {
            Ok(true) if handled && !is_continued => {
                self.shared.state.borrow_mut().request_cancel();
                self.poll();
            }
            Ok(true) => self.end(Ending::Cancelled { details: None }),
            Ok(false) => {}
            Err(panic) => self.end(Ending::of_panic(&panic)),
        }
    }

    pub(super) fn deliver_refusal(&mut self, task: &Rc<Task>, kind: TaskErrorKind, at: Moment) {
        self.set_moment(at);
        self.ended_badly(task, kind);
    }

    fn start(&mut self, started: WorkflowExecutionStarted) {
        let input = started.input.unwrap_or_default();
        match panics::catch(|| self.entry.start(&input, self.flow())) {
            Ok(Ok(code)) => {
                self.future = Some(self.flow().until_undone(code));
                self.poll();
            }
            Ok(Err(error)) => self.end(Ending::Failed(bad_input(&error))),
            Err(panic) => self.end(Ending::of_panic(&panic)),
        }
    }

    fn started(&mut self, scheduled: EventId, run_id: Option<SmolStr>) {
        let mut state = self.shared.state.borrow_mut();
        let Some(task) = state.open.get(&scheduled).map(Rc::clone) else {
            return;
        };
        let is_awaited = task.start();
        if let TaskKind::Child(child) = &task.kind {
            child.run_id.replace(run_id);
            state.send_to_started(&task);
            if task.cancel_requested.get() {
                state.push(Command::Cancel(task));
            }
        }
        drop(state);
        if is_awaited {
            self.poll();
        }
    }

    fn signaled(&mut self, signaled: WorkflowExecutionSignaled) {
        {
            let mut state = self.shared.state.borrow_mut();
            let name = SmolStr::from(signaled.signal_name.as_str());
            let signal = Received {
                input: signaled.input,
                sender: signaled.external_workflow_execution,
                at: state.now,
            };
            if signal::is_propagated(signal.input.as_deref()) {
                let to_parent = self.entry.definition().propagate_signals_to_parent;
                state.send_on(&name, signal.clone(), to_parent);
            }
            state.receive_signal(&name, signal);
        }
        self.poll();
    }

    /// The task that an event about its end speaks of, which is open no more.
    pub(super) fn close_task(&mut self, scheduled: EventId) -> Option<Rc<Task>> {
        let mut state = self.shared.state.borrow_mut();
        let task = state.open.remove(&scheduled)?;
        if let TaskKind::Activity(_) = task.kind {
            state.open_activities -= 1;
        }
        if task.cancel_requested.get() {
            state.withdraw_requests(&task);
        }
        Some(task)
    }

    fn completed(&mut self, scheduled: EventId, result: Option<SmolStr>) {
        if let Some(task) = self.close_task(scheduled) {
            let result = as_json(result);
            self.shared.state.borrow_mut().finish(&task, Ok(result));
            self.poll();
        }
    }

    fn failed(&mut self, scheduled: EventId, kind: TaskErrorKind) {
        if let Some(task) = self.close_task(scheduled) {
            self.ended_badly(&task, kind);
        }
    }

    /// A task did not end with a result. The code may have cancelled it before it learns of that.
    fn ended_badly(&mut self, task: &Rc<Task>, kind: TaskErrorKind) {
        if task.is_done() {
            return;
        }
        let is_work = matches!(
            task.kind,
            TaskKind::Activity(_) | TaskKind::Child(_) | TaskKind::Lambda(_)
        );
        let cancelled =
            matches!(kind, TaskErrorKind::Cancelled { .. }) || task.cancel_requested.get();
        if is_work && !cancelled {
            self.task_failed(task, kind);
        } else {
            self.fail_task(task, kind);
            self.poll();
        }
    }

    fn timer_fired(&mut self, timer_id: &str, started: EventId) {
        if timer_id == WAKE_UP_TIMER {
            self.wake_up_timer_open = false;
            return;
        }
        if timer_id == NEXT_RUN_TIMER {
            if let Some(ending) = &mut self.ending {
                ending.change_rest(Rest::Begun, Rest::Over);
            }
            return;
        }
        let retried = {
            let mut state = self.shared.state.borrow_mut();
            state.open_timers = state.open_timers.saturating_sub(1);
            state.backing_off.remove(timer_id)
        };
        match retried {
            Some(task) => self.shared.state.borrow_mut().try_again(&task),
            None => self.completed(started, None),
        }
    }
}

/// A result as JSON. As in the original, no result is `null`, and what a worker in another
/// language wrote that is not JSON is a string.
fn as_json(result: Option<SmolStr>) -> SmolStr {
    match result {
        Some(text) if serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok() => text,
        Some(text) if !text.is_empty() => serde_json::Value::from(text.as_str()).to_string().into(),
        _ => "null".into(),
    }
}

/// How an execution fails whose input does not fit.
fn bad_input(error: &ArgumentError) -> Failure {
    Failure::new(format!("Cannot start the workflow: {error}"), None)
}
