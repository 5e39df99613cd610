//! Polling the workflow's code, outside any runtime.

use std::task::{Context, Poll};

use super::{Ending, Replayer};
use crate::error::{Error, Failure, TaskErrorKind};
use crate::flow::MAIN;
use crate::panics;
use crate::task::State;

/// How often the code may wake itself in one go before that counts as a loop without end.
const SELF_WAKES: u32 = 1_000_000;

enum Polled {
    Ready(Result<simpleflow_model::SmolStr, Error>),
    Pending,
    Spinning,
}

impl Replayer {
    /// Lets the code go on as far as it can: the workflow's own after each event, its coroutines
    /// when they were woken, in the order of the wakes.
    pub(super) fn poll(&mut self) {
        let Some(future) = &mut self.future else {
            return;
        };
        let shared = &self.shared;
        let coroutines = &shared.coroutines;
        let polled = panics::catch(|| {
            coroutines.main.go_first();
            for _ in 0..SELF_WAKES {
                if shared.state.borrow().raised.is_some() {
                    return Polled::Pending;
                }
                match coroutines.wakes.next() {
                    Some(MAIN) => {
                        let waker = coroutines.main.begin_poll();
                        let mut context = Context::from_waker(&waker);
                        if let Poll::Ready(result) = future.as_mut().poll(&mut context) {
                            return Polled::Ready(result);
                        }
                    }
                    Some(coroutine) => shared.resume(coroutine),
                    None => return Polled::Pending,
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
            Ok(Polled::Ready(Err(error))) => Some(self.ending_of(error)),
            Ok(Polled::Spinning) => Some(self.foreign("it wakes itself without end")),
            Ok(Polled::Pending) if coroutines.wakes.was_woken_from_outside() => {
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
        self.shared.close();
        let future = self.future.take();
        // It may hold the flow, which holds it.
        let handler = self.shared.state.borrow_mut().failure_handler.take();
        // What is dropped is the user's; that it panics changes nothing any more.
        let _ = panics::catch(|| drop((future, handler)));
        self.shared.drop_coroutines();
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
        if state.cancel.is_awaited() {
            lines.push("a request to cancel the execution".to_owned());
        }
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

/// What tokio's and async-io's resources say when they are polled outside a runtime.
fn is_missing_runtime(message: &str) -> bool {
    message.contains("there is no reactor running")
        || message.contains("must be called from the context of a Tokio")
}
