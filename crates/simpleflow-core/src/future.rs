//! The future of a task's result, and waiting for several.

use std::future::Future as StdFuture;
use std::marker::PhantomData;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll};

use serde::de::DeserializeOwned;

use crate::error::{TaskError, TaskErrorKind};
use crate::flow::Shared;
use crate::task::{State, Task, Waiter};

/// Where a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FutureState {
    /// It waits: for its arguments, to be sent, or for a worker.
    Pending,
    /// A worker or decider has it, or it is code of the workflow's own.
    Running,
    /// It is done: it has a result or a failure.
    Finished,
    /// It was cancelled.
    Cancelled,
}

/// The result of a task that was submitted.
///
/// Awaiting reads it; the task runs whether or not it is awaited. A `Future` is a handle: clones
/// are the same task, and [`get`](Self::get) lets one await it and keep it. It works with every
/// combinator of the `futures` crate. Dropping it cancels nothing.
pub struct Future<T> {
    task: Waiter,
    flow: Weak<Shared>,
    output: PhantomData<fn() -> T>,
}

impl<T> Future<T> {
    pub(crate) fn new(task: Rc<Task>, flow: &Rc<Shared>) -> Self {
        Self {
            task: Waiter::new(task),
            flow: Rc::downgrade(flow),
            output: PhantomData,
        }
    }

    pub(crate) fn task(&self) -> Rc<Task> {
        Rc::clone(&*self.task)
    }

    /// The result, with the future kept, and with the error that a workflow returns: so
    /// `z.get().await` can end a workflow.
    pub fn get(&self) -> Get<T> {
        Get(self.clone())
    }

    /// Where the task is, without waiting.
    pub fn state(&self) -> FutureState {
        self.task.future_state()
    }

    /// Whether the task is done or cancelled.
    pub fn is_done(&self) -> bool {
        self.task.is_done()
    }

    /// The id of the task, such as `activity-examples.basic.increment-1`.
    pub fn task_id(&self) -> &str {
        self.task.id()
    }

    /// Waits until the task is done, whatever its result.
    pub fn done(&self) -> impl StdFuture<Output = ()> + use<T> {
        Done(self.task.clone())
    }

    /// Waits until the task is started: a worker has the activity, the child execution is open, the
    /// Lambda function runs. What ends without a start, as timers and signals do, ends the wait too.
    ///
    /// The service has no decision task for the start of an activity or a function, so code learns
    /// of it with the next event that has one.
    ///
    /// ```
    /// # use simpleflow_core::{Flow, Result, Workflow};
    /// # async fn example<W: Workflow>(flow: Flow, child: W) -> Result<()> {
    /// // The child goes on when this execution ends.
    /// let child = flow.submit(child);
    /// child.started().await;
    /// # Ok(())
    /// # }
    /// ```
    pub fn started(&self) -> impl StdFuture<Output = ()> + use<T> {
        let task = self.task.clone();
        std::future::poll_fn(move |context| task.poll_started(context))
    }

    /// Asks for the cancel of the task.
    ///
    /// What was not sent yet is withdrawn, a timer is cancelled, and code that was spawned is
    /// dropped where it waits, at once. A running activity
    /// is asked to stop, and a child execution, once it is started, to cancel itself: their future
    /// resolves when they did, or with their result when they went on. What was to be cancelled is
    /// not tried again when it fails.
    pub fn cancel(&self) {
        if let Some(flow) = self.flow.upgrade() {
            flow.cancel(&self.task);
        }
    }
}

impl<T: DeserializeOwned> Future<T> {
    /// The result, if the task is done.
    ///
    /// # Errors
    /// The task's failure, or [`TaskErrorKind::Result`] when its result is not a `T`.
    pub fn result(&self) -> Option<Result<T, TaskError>> {
        self.task.with_state(|state| match state {
            State::Done(Ok(json)) => Some(serde_json::from_str(json).map_err(|problem| {
                self.task.error(TaskErrorKind::Result {
                    expected: std::any::type_name::<T>(),
                    problem: problem.to_string().into(),
                })
            })),
            State::Done(Err(error)) => Some(Err(error.clone())),
            _ => None,
        })
    }
}

impl<T> Clone for Future<T> {
    fn clone(&self) -> Self {
        Self {
            task: self.task.clone(),
            flow: Weak::clone(&self.flow),
            output: PhantomData,
        }
    }
}

impl<T: DeserializeOwned> StdFuture for Future<T> {
    type Output = Result<T, TaskError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.result() {
            Some(result) => Poll::Ready(result),
            None => {
                let _ = self.task.poll(context);
                Poll::Pending
            }
        }
    }
}

impl<T> std::fmt::Debug for Future<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Future({}, {:?})", self.task.id(), self.state())
    }
}

/// The result of a task as a workflow returns it: see [`Future::get`].
#[must_use = "it reads the result when it is awaited"]
pub struct Get<T>(Future<T>);

impl<T: DeserializeOwned> StdFuture for Get<T> {
    type Output = crate::error::Result<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context).map_err(Into::into)
    }
}

/// The end of a task, whatever its result.
pub(crate) struct Done(Waiter);

impl Done {
    pub(crate) fn of(task: Rc<Task>) -> Self {
        Self(Waiter::new(task))
    }

    /// The same for one who does other things meanwhile: it does not count as a wait.
    pub(crate) fn aside(task: Rc<Task>) -> Self {
        Self(Waiter::aside(task))
    }

    pub(crate) fn is_done(&self) -> bool {
        self.0.is_done()
    }
}

impl StdFuture for Done {
    type Output = ();
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.0.poll(context)
    }
}

/// Several futures that can be waited for together: a tuple, an array, a slice or a vector of
/// futures or of references to them.
pub trait WaitAll {
    /// The results, in order.
    type Output;

    /// Waits until every task is done.
    fn all_done(&self) -> impl StdFuture<Output = ()>;

    /// Waits until every task is done, and gives the results.
    ///
    /// # Errors
    /// The first failure in order.
    fn wait(&self) -> impl StdFuture<Output = Result<Self::Output, TaskError>>;
}

impl<T: DeserializeOwned> WaitAll for Future<T> {
    type Output = T;

    fn all_done(&self) -> impl StdFuture<Output = ()> {
        self.done()
    }

    fn wait(&self) -> impl StdFuture<Output = Result<T, TaskError>> {
        self.clone()
    }
}

impl<W: WaitAll + ?Sized> WaitAll for &W {
    type Output = W::Output;

    fn all_done(&self) -> impl StdFuture<Output = ()> {
        (**self).all_done()
    }

    fn wait(&self) -> impl StdFuture<Output = Result<W::Output, TaskError>> {
        (**self).wait()
    }
}

impl<W: WaitAll> WaitAll for [W] {
    type Output = Vec<W::Output>;

    async fn all_done(&self) {
        for future in self {
            future.all_done().await;
        }
    }

    async fn wait(&self) -> Result<Vec<W::Output>, TaskError> {
        self.all_done().await;
        let mut results = Vec::with_capacity(self.len());
        for future in self {
            results.push(future.wait().await?);
        }
        Ok(results)
    }
}

macro_rules! wait_all_as_slice {
    ($([$($generics:tt)*] $type:ty;)*) => {$(
        impl<W: WaitAll, $($generics)*> WaitAll for $type {
            type Output = Vec<W::Output>;

            fn all_done(&self) -> impl StdFuture<Output = ()> {
                self.as_slice().all_done()
            }

            fn wait(&self) -> impl StdFuture<Output = Result<Vec<W::Output>, TaskError>> {
                self.as_slice().wait()
            }
        }
    )*};
}

wait_all_as_slice! {
    [] Vec<W>;
    [const N: usize] [W; N];
}

macro_rules! wait_all_tuples {
    ($(($($name:ident $index:tt),+))*) => {$(
        impl<$($name: WaitAll),+> WaitAll for ($($name,)+) {
            type Output = ($($name::Output,)+);

            async fn all_done(&self) {
                $(self.$index.all_done().await;)+
            }

            async fn wait(&self) -> Result<Self::Output, TaskError> {
                self.all_done().await;
                Ok(($(self.$index.wait().await?,)+))
            }
        }
    )*};
}

wait_all_tuples! {
    (A 0)
    (A 0, B 1)
    (A 0, B 1, C 2)
    (A 0, B 1, C 2, D 3)
    (A 0, B 1, C 2, D 3, E 4)
    (A 0, B 1, C 2, D 3, E 4, F 5)
}

/// Waits until one of the futures is done, and gives its position. When several are, it is the
/// first in order.
pub(crate) async fn wait_any<T>(futures: &[&Future<T>]) -> usize {
    // Waiters of its own: the futures are lent, and outlive the wait.
    let waiters: Vec<_> = futures.iter().map(|future| future.task.clone()).collect();
    std::future::poll_fn(|context| {
        waiters
            .iter()
            .position(|waiter| waiter.poll(context).is_ready())
            .map_or(Poll::Pending, Poll::Ready)
    })
    .await
}
