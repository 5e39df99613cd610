//! The cancel of the execution itself.

use std::panic::Location;
use std::rc::Rc;

use super::{Flow, FlowState};
use crate::future::Future;
use crate::task::{State, Task, TaskKind};

/// What is known of the cancel of the execution.
#[derive(Default)]
pub(crate) struct CancelRequest {
    /// Whether the code handles it.
    handled: bool,
    requested: bool,
    waiting: Option<Rc<Task>>,
}

impl CancelRequest {
    pub(crate) fn is_handled(&self) -> bool {
        self.handled
    }

    pub(crate) fn is_requested(&self) -> bool {
        self.requested
    }

    /// Whether the code waits for it.
    pub(crate) fn is_awaited(&self) -> bool {
        self.waiting.as_ref().is_some_and(|task| task.is_awaited())
    }
}

impl Flow {
    /// The request for the cancel of the execution: it is done as soon as there is one.
    ///
    /// A cancel ends an execution at once, unless its code has called this, or
    /// [`is_cancel_requested`](Self::is_cancel_requested), before the request comes. From then on it
    /// is the code that ends: it does what it has to, and returns
    /// [`Error::cancelled`](crate::Error::cancelled). A request that comes when the code has ended with
    /// a [next run](Self::continue_as_new), which the service has not started yet, cancels the
    /// execution instead.
    ///
    /// All who ask wait for one request. To [cancel](Future::cancel) the future changes nothing; drop
    /// it when it is of no use any more.
    ///
    /// ```
    /// # use simpleflow_core::{ActivityCall, Error, Flow, Result};
    /// # async fn example(flow: Flow, work: ActivityCall<u32>, tidy_up: ActivityCall<()>) -> Result<u32> {
    /// use futures::future::{Either, select};
    ///
    /// let cancel = flow.cancel_requested();
    /// let scope = flow.scope();
    /// match select(scope.submit(work), cancel).await {
    ///     Either::Left((result, _)) => Ok(result?),
    ///     Either::Right(_) => {
    ///         scope.cancel();
    ///         flow.submit(tidy_up).await?;
    ///         Err(Error::cancelled())
    ///     }
    /// }
    /// # }
    /// ```
    #[track_caller]
    pub fn cancel_requested(&self) -> Future<()> {
        let location = Location::caller();
        let task = self.shared.state.borrow_mut().cancel_requested(location);
        Future::new(task, &self.shared)
    }

    /// Whether the cancel of the execution was requested. Who asks handles it, as with
    /// [`cancel_requested`](Self::cancel_requested).
    pub fn is_cancel_requested(&self) -> bool {
        let mut state = self.shared.state.borrow_mut();
        state.note_use();
        state.cancel.handled = true;
        state.cancel.requested
    }
}

impl FlowState {
    fn cancel_requested(&mut self, location: &'static Location<'static>) -> Rc<Task> {
        self.note_use();
        self.cancel.handled = true;
        if let Some(task) = self.cancel.waiting.as_ref().filter(|task| !task.is_done()) {
            return Rc::clone(task);
        }
        let state = match self.cancel.requested {
            true => State::Done(Ok("null".into())),
            false => State::Waiting,
        };
        // It belongs to no scope: it is there to be told of a cancel.
        let kind = TaskKind::CancelRequest;
        let task = Task::new(None, kind, location, state, Rc::clone(&self.awaited));
        self.cancel.waiting = Some(Rc::clone(&task));
        task
    }

    /// The cancel of the execution is requested: the code learns of it.
    pub(crate) fn request_cancel(&mut self) {
        self.cancel.requested = true;
        if let Some(task) = self.cancel.waiting.take() {
            self.finish(&task, Ok("null".into()));
        }
    }
}
