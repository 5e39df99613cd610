//! The coroutines of a flow: code that runs beside the workflow's own, on the same history.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::panic::Location;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use simpleflow_model::SmolStr;

use super::wakes::{Key, MAIN, Wakes, Wakeup};
use super::{Flow, ScopeState, Shared};
use crate::panics;
use crate::registry::WorkflowFuture;
use crate::task::{Awaited, State, Task, TaskKind};
use crate::task_id;

/// The coroutines that have not ended, and who of them was woken.
pub(crate) struct Coroutines {
    pub(crate) wakes: Arc<Wakes>,
    /// The wakeup of the workflow's own code.
    pub(crate) main: Arc<Wakeup>,
    alive: RefCell<BTreeMap<Key, Coroutine>>,
    /// Whether the workflow has ended: nothing is spawned any more.
    closed: Cell<bool>,
}

struct Coroutine {
    task: Rc<Task>,
    /// Absent while it is polled.
    code: Option<WorkflowFuture>,
    wakeup: Arc<Wakeup>,
}

impl Default for Coroutines {
    fn default() -> Self {
        let wakes = Arc::<Wakes>::default();
        Self {
            main: Wakeup::new(MAIN, &wakes),
            wakes,
            alive: RefCell::default(),
            closed: Cell::new(false),
        }
    }
}

impl Coroutines {
    fn insert(&self, key: Key, task: Rc<Task>, code: WorkflowFuture) {
        let coroutine = Coroutine {
            task,
            code: Some(code),
            wakeup: Wakeup::new(key, &self.wakes),
        };
        self.alive.borrow_mut().insert(key, coroutine);
    }

    /// Forgets a coroutine. What it holds is the user's and may use the flow when it is dropped.
    fn remove(&self, key: Key) -> Option<Coroutine> {
        self.alive.borrow_mut().remove(&key)
    }

    /// How many have not ended.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.alive.borrow().len()
    }
}

impl Flow {
    /// Adds a coroutine and lets it run up to its first wait, unless it is too late.
    pub(crate) fn spawn_task(
        &self,
        name: &'static str,
        code: WorkflowFuture,
        location: &'static Location<'static>,
    ) -> Rc<Task> {
        let Shared { state, coroutines } = &*self.shared;
        let key = {
            let mut state = state.borrow_mut();
            state.count(&SmolStr::new_static("coroutine"))
        };
        let id = task_id::join(name, key);
        // No event ends a coroutine: that something waits for it keeps nothing going.
        let awaited = Awaited::default();
        let kind = TaskKind::Coroutine(key);
        let task = Task::new(id, kind, location, State::Waiting, awaited);
        let is_late = |scope: &Rc<ScopeState>| scope.is_cancelled();
        if coroutines.closed.get() || self.scope.as_ref().is_some_and(is_late) {
            self.shared.cancel(&task);
            return task;
        }
        if let Some(scope) = &self.scope {
            scope.add(&task);
        }
        coroutines.insert(key, Rc::clone(&task), code);
        self.shared.resume(key);
        task
    }
}

impl Shared {
    /// Polls a coroutine once, if it has not ended.
    pub(crate) fn resume(&self, key: Key) {
        let (mut code, waker) = {
            let mut alive = self.coroutines.alive.borrow_mut();
            let Some(coroutine) = alive.get_mut(&key) else {
                return;
            };
            let Some(code) = coroutine.code.take() else {
                return;
            };
            (code, coroutine.wakeup.begin_poll())
        };
        match code.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(result) => {
                drop(code);
                if let Some(Coroutine { task, .. }) = self.coroutines.remove(key) {
                    let outcome = result.map_err(|error| error.into_task_error(&task));
                    self.state.borrow_mut().finish(&task, outcome);
                }
            }
            Poll::Pending => {
                // One that was cancelled meanwhile is dropped here.
                if let Some(coroutine) = self.coroutines.alive.borrow_mut().get_mut(&key) {
                    coroutine.code = Some(code);
                }
            }
        }
    }

    /// Cancels a task; a coroutine is dropped where it waits.
    pub(crate) fn cancel(&self, task: &Rc<Task>) {
        self.state.borrow_mut().cancel(task);
        if let TaskKind::Coroutine(key) = task.kind {
            drop(self.coroutines.remove(key));
        }
    }

    /// Cancels a task because the canvas is that it is a member of. When the workflow is over, or
    /// about to be by a panic, its canvases are dropped, and what they submitted goes on.
    pub(crate) fn cancel_in_canvas(&self, task: &Rc<Task>) {
        if !self.is_closed() && !std::thread::panicking() {
            self.cancel(task);
        }
    }

    /// Lets the workflow be over: from now on no coroutine begins.
    pub(crate) fn close(&self) {
        self.coroutines.closed.set(true);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.coroutines.closed.get()
    }

    /// Drops all coroutines. What they hold is the user's; that it panics changes nothing any
    /// more.
    pub(crate) fn drop_coroutines(&self) {
        loop {
            let first = self.coroutines.alive.borrow_mut().pop_first();
            let Some((_, coroutine)) = first else { return };
            let _ = panics::catch(|| drop(coroutine));
        }
    }
}
