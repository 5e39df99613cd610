//! Sagas: steps that are undone when a later one fails.

use std::cell::RefCell;
use std::fmt;
use std::future::Future as StdFuture;
use std::ops::Deref;
use std::panic::Location;
use std::pin::{Pin, pin};
use std::rc::Rc;

use simpleflow_model::SmolStr;

use super::{Flow, Scope, Shared, Site, Submit};
use crate::error::{Error, Result, TaskErrorKind};
use crate::future::Done;
use crate::registry::WorkflowFuture;
use crate::task::{State, Task};

/// The steps of a saga. It derefs to [`Flow`]: what is submitted through it belongs to the saga. Made
/// by [`Flow::saga`].
pub struct Saga {
    scope: Scope,
    undos: RefCell<Vec<Undo>>,
}

type Undo = Box<dyn FnOnce(Flow) -> Undone>;
type Undone = Pin<Box<dyn StdFuture<Output = Result<()>>>>;

impl Saga {
    /// How to undo what was done, or is about to be: the call of an activity or a child workflow,
    /// which is submitted when the saga fails.
    ///
    /// It may have the future of the step as an argument, and so be said before the step is done:
    /// when the step fails, there is nothing to undo, and it is left out.
    #[track_caller]
    pub fn undo<S: Submit + 'static>(&self, call: S) {
        let site = Site::caller();
        self.add(Box::new(move |flow| {
            let task = call.submit_to(&flow, site);
            Box::pin(async move {
                Done::of(task.clone()).await;
                task.with_state(|state| match state {
                    State::Done(Err(error)) => match error.kind() {
                        TaskErrorKind::Dependency(_) => Ok(()),
                        _ => Err(error.clone().into()),
                    },
                    _ => Ok(()),
                })
            })
        }));
    }

    /// How to undo what was done, in several steps. They go through the flow that the closure gets,
    /// which no cancel reaches.
    pub fn undo_with(&self, undo: impl AsyncFnOnce(Flow) -> Result<()> + 'static) {
        self.add(Box::new(|flow| Box::pin(async move { undo(flow).await })));
    }

    fn add(&self, undo: Undo) {
        self.shared.state.borrow().note_use();
        self.undos.borrow_mut().push(undo);
    }
}

impl Deref for Saga {
    type Target = Flow;

    fn deref(&self) -> &Flow {
        &self.scope
    }
}

/// Why a saga failed, some of whose steps could not be undone.
#[derive(Debug)]
pub struct SagaError {
    cause: Error,
    failures: Vec<Error>,
}

impl SagaError {
    /// Why the saga was to be undone.
    pub fn cause(&self) -> &Error {
        &self.cause
    }

    /// The undos that failed, in the order in which they were tried.
    pub fn failures(&self) -> &[Error] {
        &self.failures
    }
}

impl fmt::Display for SagaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, and what was done is not all undone: ", self.cause)?;
        for (index, failure) in self.failures.iter().enumerate() {
            let comma = if index > 0 { "; " } else { "" };
            write!(f, "{comma}{failure}")?;
        }
        Ok(())
    }
}

impl std::error::Error for SagaError {}

impl Flow {
    /// Runs steps that belong together: when one fails, or the cancel of the execution is requested,
    /// those that were done are undone, the last first.
    ///
    /// ```
    /// # use simpleflow_core::{ActivityCall, Flow, Future, Result};
    /// # async fn example(
    /// #     flow: Flow,
    /// #     book_car: fn() -> ActivityCall<u32>,
    /// #     cancel_car: fn(&Future<u32>) -> ActivityCall<()>,
    /// #     book_hotel: fn() -> ActivityCall<u32>,
    /// # ) -> Result<(u32, u32)> {
    /// let (car, hotel) = flow
    ///     .saga(async |saga| {
    ///         let car = saga.submit(book_car());
    ///         saga.undo(cancel_car(&car));
    ///         let hotel = saga.submit(book_hotel()).await?;
    ///         Ok((car.await?, hotel))
    ///     })
    ///     .await?;
    /// # Ok((car, hotel))
    /// # }
    /// ```
    ///
    /// Before anything is undone, the steps that are open are cancelled, and waited for until they
    /// have stopped. The undos run one after the other, where no cancel reaches them. When one
    /// fails, after its retries, the rest are done all the same.
    ///
    /// A saga that is dropped before its end (its time is up, the scope of the code that it is in is
    /// cancelled) is stopped and undone just so. A scope around it is not
    /// [done](Scope::done) before that, nor does a saga around it undo its own steps. The execution
    /// ends after that, too; when an undo failed, with a [`SagaError`]. What ends an execution
    /// otherwise leaves no time to undo anything: a panic, steps whose failure fails the workflow at
    /// once (`raises_on_failure`), and the end of the workflow's own code while a saga goes on that
    /// was spawned beside it: wait for that.
    ///
    /// A saga handles the cancel of the execution, as
    /// [`cancel_requested`](Self::cancel_requested) does: what comes after it in the workflow has to
    /// handle it, too.
    ///
    /// # Errors
    /// What the steps returned, or [`Error::cancelled`]; a [`SagaError`] when an undo failed.
    pub async fn saga<T>(&self, steps: impl AsyncFnOnce(&Saga) -> Result<T>) -> Result<T> {
        let saga = Rc::new(Saga {
            scope: self.scope(),
            undos: RefCell::default(),
        });
        let mut begun = Begun {
            around: self,
            saga: Some(Rc::clone(&saga)),
        };
        let cancel = self.cancel_requested();
        let result = {
            // No code waits for it: that is what the steps do.
            let mut cancelled = pin!(Done::aside(cancel.task()));
            let mut steps = pin!(steps(&saga));
            std::future::poll_fn(|context| {
                if !saga.scope.is_cancelled() && cancelled.as_mut().poll(context).is_ready() {
                    saga.scope.cancel();
                }
                steps.as_mut().poll(context)
            })
            .await
        };
        let cause = match result {
            Ok(value) if !saga.scope.is_cancelled() => {
                begun.saga = None;
                return Ok(value);
            }
            // The end of a run, and no failure.
            Err(error) if error.is_continue_as_new() => {
                begun.saga = None;
                return Err(error);
            }
            Err(error) if !saga.scope.is_cancelled() => error,
            _ => Error::cancelled(),
        };
        let Some(rollback) = begun.roll_back() else {
            return Err(cause);
        };
        rollback.done().await;
        let failures = rollback.failures.take();
        match failures.is_empty() {
            true => Err(cause),
            false => Err(SagaError { cause, failures }.into()),
        }
    }

    /// The workflow's own code, which ends when the sagas are undone that failed or were dropped.
    pub(crate) fn until_undone(&self, code: WorkflowFuture) -> WorkflowFuture {
        let shared = Rc::downgrade(&self.shared);
        Box::pin(async move {
            let result = code.await;
            let mut failures = Vec::new();
            while let Some(rollback) = shared.upgrade().and_then(|shared| shared.last_rollback()) {
                rollback.done().await;
                failures.append(&mut rollback.failures.take());
            }
            if failures.is_empty() {
                return result;
            }
            let cause = result.err().filter(|error| !error.is_continue_as_new());
            let cause = cause.unwrap_or_else(Error::cancelled);
            Err(SagaError { cause, failures }.into())
        })
    }
}

/// A saga that is neither done nor being undone.
struct Begun<'a> {
    around: &'a Flow,
    saga: Option<Rc<Saga>>,
}

impl Begun<'_> {
    /// Begins to undo it: in a coroutine of its own, which goes on when nobody waits for it.
    fn roll_back(&mut self) -> Option<Rollback> {
        let saga = self.saga.take()?;
        let shared = &self.around.shared;
        let failures = Rc::<RefCell<Vec<Error>>>::default();
        let flow = self.around.apart();
        let (failed, undo_flow) = (Rc::clone(&failures), flow.clone());
        let code = Box::pin(async move {
            saga.scope.cancel();
            saga.scope.done().await;
            let undos = saga.undos.take();
            drop(saga);
            for undo in undos.into_iter().rev() {
                let undone = undo(undo_flow.clone()).await;
                failed.borrow_mut().extend(undone.err());
            }
            Ok(SmolStr::new_static("null"))
        });
        let task = flow.spawn_task("undo", code, Location::caller());
        let rollback = Rollback { task, failures };
        if let Some(scope) = &self.around.scope {
            scope.await_rollback(&rollback.task);
        }
        let rollbacks = &mut shared.state.borrow_mut().rollbacks;
        rollbacks.retain(Rollback::is_of_interest);
        rollbacks.push(rollback.clone());
        Some(rollback)
    }
}

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        if !self.around.shared.is_closed() && !std::thread::panicking() {
            self.roll_back();
        }
    }
}

/// The undoing of a saga.
#[derive(Clone)]
pub(crate) struct Rollback {
    pub(super) task: Rc<Task>,
    /// The undos that failed, until somebody takes them.
    failures: Rc<RefCell<Vec<Error>>>,
}

impl Rollback {
    fn done(&self) -> impl StdFuture<Output = ()> + use<> {
        Done::of(Rc::clone(&self.task))
    }

    fn is_of_interest(&self) -> bool {
        !self.task.is_done() || !self.failures.borrow().is_empty()
    }
}

impl Shared {
    /// The last rollback that goes on, or whose failures nobody has taken.
    fn last_rollback(&self) -> Option<Rollback> {
        let rollbacks = &mut self.state.borrow_mut().rollbacks;
        rollbacks.retain(Rollback::is_of_interest);
        rollbacks.last().cloned()
    }
}
