//! Failed tasks: tried again, or told to the code.

use std::rc::Rc;
use std::time::Duration;

use super::{Ending, Replayer};
use crate::commands::Command;
use crate::error::{TaskError, TaskErrorKind};
use crate::failure::{Choice, FailureDecision, TaskFailure};
use crate::panics::{self, Panic};
use crate::task::{State, Task};
use crate::{flow, task_id};

impl Replayer {
    /// A task failed that nobody wants cancelled: what becomes of it says the workflow's code, or
    /// else its retry policy.
    pub(super) fn task_failed(&mut self, task: &Rc<Task>, kind: TaskErrorKind) {
        let error = task.error(kind);
        let was_asked = self.shared.state.borrow().failure_handler.is_some();
        let choice = match self.choose(&error) {
            Ok(choice) => choice,
            Err(panic) => return self.end(Ending::of_panic(&panic)),
        };
        let delay = match &choice {
            Choice::Default => task.retry_policy().and_then(|policy| {
                policy.delay_after(&error, &self.shared.state.borrow().run.run_id)
            }),
            Choice::Retry(delay) => Some(*delay),
            _ => None,
        };
        if let Some(delay) = delay {
            self.try_again_after(task, delay);
            // It may have used the flow, so that other code can go on.
            if was_asked {
                self.poll();
            }
            return;
        }
        let outcome = match choice {
            Choice::Default | Choice::Retry(_) => Err(error),
            Choice::Abort => {
                let raised = &mut self.shared.state.borrow_mut().raised;
                raised.get_or_insert_with(|| error.clone().into());
                Err(error)
            }
            Choice::Ignore(Ok(result)) => Ok(result),
            Choice::Ignore(Err(value)) => Err(task.error(TaskErrorKind::Result {
                expected: value.type_name,
                problem: value.problem,
            })),
            Choice::Cancel => {
                let details = error.details().map(Into::into);
                Err(task.error(TaskErrorKind::Cancelled { details }))
            }
            Choice::Handled => {
                task.handled.set(true);
                Err(error)
            }
        };
        self.shared.state.borrow_mut().finish(task, outcome);
        self.poll();
    }

    /// What the code says.
    fn choose(&self, error: &TaskError) -> Result<Choice, Panic> {
        let state = self.shared.state.borrow();
        let Some(handler) = state.failure_handler.clone() else {
            return Ok(Choice::Default);
        };
        let failure = TaskFailure {
            error: error.clone(),
            time: state.now,
        };
        drop(state);
        panics::catch(|| {
            let FailureDecision(choice) = handler.borrow_mut()(&failure);
            choice
        })
    }

    fn try_again_after(&mut self, task: &Rc<Task>, delay: Duration) {
        task.failures.set(task.failures.get() + 1);
        match flow::timer_seconds(delay) {
            0 => self.shared.state.borrow_mut().queue(task),
            seconds => self.rest(task, seconds, 0),
        }
    }

    /// Starts the timer after which a task is queued again, which the service refused so often.
    pub(super) fn rest(&mut self, task: &Rc<Task>, seconds: u32, refusals: u32) {
        let mut state = self.shared.state.borrow_mut();
        let mut timer_id = task_id::of_retry_timer(task.id());
        // A task of another kind may have the same id.
        for number in 2.. {
            let other = state.backing_off.get(&timer_id);
            if other.is_none_or(|other| Rc::ptr_eq(other, task)) {
                break;
            }
            timer_id = task_id::of_retry_timer(&task_id::join(task.id(), number));
        }
        // Of a task whose cancel was refused, nothing else changes.
        if !task.cancel_requested.get() {
            task.set_state(State::BackingOff);
        }
        state.backing_off.insert(timer_id.clone(), Rc::clone(task));
        state.push(Command::BackOff {
            task: Rc::clone(task),
            timer_id,
            seconds,
            refusals,
        });
    }
}
