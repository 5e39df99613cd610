//! Polling the workflow's code, outside any runtime.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use super::{Ending, Replayer};
use crate::error::{Error, Failure, TaskErrorKind};
use crate::panics::{self, Panic};
use crate::task::State;

/// How often the code may wake itself in one go before that counts as a loop without end.
const SELF_WAKES: u32 = 1_000_000;

/// The waker that the code is polled with. The code's own futures wake it while events are fed;
/// a wake at any other time comes from something that is not the flow's.
pub(super) struct RootWaker {
    flags: Arc<Flags>,
    waker: Waker,
}

#[derive(Default)]
struct Flags {
    feeding: AtomicBool,
    woken: AtomicBool,
    woken_from_outside: AtomicBool,
}

impl Wake for Flags {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.store(true, Ordering::Relaxed);
        if !self.feeding.load(Ordering::Acquire) {
            self.woken_from_outside.store(true, Ordering::Release);
        }
    }
}

impl Default for RootWaker {
    fn default() -> Self {
        let flags = Arc::<Flags>::default();
        Self {
            waker: Waker::from(Arc::clone(&flags)),
            flags,
        }
    }
}

impl RootWaker {
    pub(super) fn enter(&self) {
        self.flags.feeding.store(true, Ordering::Release);
    }

    pub(super) fn leave(&self) {
        self.flags.feeding.store(false, Ordering::Release);
    }

    fn was_woken_from_outside(&self) -> bool {
        self.flags.woken_from_outside.load(Ordering::Acquire)
    }
}

enum Polled {
    Ready(Result<simpleflow_model::SmolStr, Error>),
    Pending,
    Spinning,
}

impl Replayer {
    /// Lets the code go on as far as it can.
    pub(super) fn poll(&mut self) {
        let Some(future) = &mut self.future else {
            return;
        };
        let mut context = Context::from_waker(&self.waker.waker);
        let woken = &self.waker.flags.woken;
        let polled = panics::catch(|| {
            for _ in 0..SELF_WAKES {
                woken.store(false, Ordering::Relaxed);
                match future.as_mut().poll(&mut context) {
                    Poll::Ready(result) => return Polled::Ready(result),
                    Poll::Pending if woken.load(Ordering::Relaxed) => {}
                    Poll::Pending => return Polled::Pending,
                }
            }
            Polled::Spinning
        });
        let raised = self.shared.state.borrow_mut().raised.take();
        let ending = match polled {
            _ if raised.is_some() => {
                raised.map(|error| Ending::Failed(error.to_execution_failure()))
            }
            Ok(Polled::Ready(Ok(result))) => Some(Ending::Completed(result)),
            Ok(Polled::Ready(Err(error))) => Some(Ending::Failed(error.to_execution_failure())),
            Ok(Polled::Spinning) => Some(self.foreign("it wakes itself without end")),
            Ok(Polled::Pending) if self.waker.was_woken_from_outside() => {
                Some(self.foreign("it was woken by something that is not the flow"))
            }
            Ok(Polled::Pending) if self.shared.state.borrow().awaited.get() == 0 => {
                Some(self.foreign("it waits for nothing that is open in the flow"))
            }
            Ok(Polled::Pending) => None,
            Err(panic) if is_missing_runtime(&panic.message) => Some(self.foreign(&panic.message)),
            Err(panic) => Some(Ending::of_panic(&panic)),
        };
        if let Some(ending) = ending {
            self.end(ending);
        }
    }

    /// The code is over: what it holds is dropped.
    pub(super) fn end(&mut self, ending: Ending) {
        self.ending = Some(ending);
        self.drop_code();
    }

    fn drop_code(&mut self) {
        let future = self.future.take();
        // What is dropped is the user's; that it panics changes nothing any more.
        let _ = panics::catch(|| drop(future));
    }

    /// The workflow awaits something that no event of its history will ever complete.
    fn foreign(&self, sign: &str) -> Ending {
        let place = match self.shared.state.borrow().last_submit {
            Some(location) => format!("after the submit at {location}"),
            None => "before its first submit".to_owned(),
        };
        Ending::Failed(Failure::new(
            format!("Cannot replay the workflow: it awaits a foreign future {place}"),
            Some(format!(
                "The workflow awaits a future that is not of its flow: {sign}.\n\
                 Such a future (a socket, a tokio timer, a channel) has no event in the history \
                 and cannot be replayed. Use flow.sleep() for time, and an activity for all else."
            )),
        ))
    }

    /// What the code waits for, each with its place; if it is none of these, what is open.
    pub(super) fn waiting_for(&self) -> Vec<String> {
        let state = self.shared.state.borrow();
        let mut tasks: Vec<_> = state.open.iter().collect();
        tasks.sort_by_key(|(event_id, _)| **event_id);
        if tasks.iter().any(|(_, task)| task.is_awaited()) {
            tasks.retain(|(_, task)| task.is_awaited());
        }
        let mut lines: Vec<String> = tasks
            .into_iter()
            .map(|(_, task)| {
                let running = task.with_state(|state| match state {
                    State::Started => ", which runs,",
                    _ => "",
                });
                format!("{}{running} submitted at {}", task.id(), task.location)
            })
            .collect();
        lines.extend(
            state
                .waiting_signals()
                .map(|name| format!("the signal {name:?}")),
        );
        lines
    }

    pub(super) fn fail_task(&mut self, task: &std::rc::Rc<crate::task::Task>, kind: TaskErrorKind) {
        let error = task.error(kind);
        self.shared.state.borrow_mut().finish(task, Err(error));
    }
}

impl Drop for Replayer {
    /// Who lets go of an execution must not fall with its code.
    fn drop(&mut self) {
        self.drop_code();
    }
}

impl Ending {
    pub(super) fn of_panic(panic: &Panic) -> Self {
        Self::Failed(Failure::new(
            format!("Cannot replay the workflow: panic({})", panic.message),
            Some(format!("panicked at {}", panic.location)),
        ))
    }
}

/// What tokio's and async-io's resources say when they are polled outside a runtime.
fn is_missing_runtime(message: &str) -> bool {
    message.contains("there is no reactor running")
        || message.contains("must be called from the context of a Tokio")
}
