//! Scopes: tasks that can be cancelled together.

use std::cell::{Cell, RefCell};
use std::ops::Deref;
use std::rc::{Rc, Weak};

use super::saga::Rollback;
use super::{Flow, Shared};
use crate::future::Done;
use crate::task::Task;

/// A part of a flow, whose tasks can be cancelled together. Made by [`Flow::scope`].
///
/// It derefs to [`Flow`]: what is submitted through it belongs to it, and so do the scopes that are
/// made from it. Dropping it cancels nothing; clones are the same scope.
#[derive(Clone)]
pub struct Scope {
    flow: Flow,
    state: Rc<ScopeState>,
}

/// What belongs to a scope.
pub(crate) struct ScopeState {
    cancelled: Cell<bool>,
    tasks: RefCell<Vec<Weak<Task>>>,
    /// The sagas in it that are being undone: they belong to it, but no cancel reaches them.
    rollbacks: RefCell<Vec<Weak<Task>>>,
    /// The scopes in it that are cancelled with it.
    inner: RefCell<Vec<Weak<ScopeState>>>,
    /// At how many tasks to look which of them have ended.
    crowded: Cell<usize>,
}

/// So many tasks are kept without a look at which of them have ended.
const CROWD: usize = 64;

impl ScopeState {
    fn new(cancelled: bool) -> Rc<Self> {
        Rc::new(Self {
            cancelled: cancelled.into(),
            tasks: RefCell::default(),
            rollbacks: RefCell::default(),
            inner: RefCell::default(),
            crowded: CROWD.into(),
        })
    }

    /// Whether it was cancelled, or the scope around it was, unless it is shielded.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.get()
    }

    pub(super) fn add(&self, task: &Rc<Task>) {
        let mut tasks = self.tasks.borrow_mut();
        tasks.push(Rc::downgrade(task));
        if tasks.len() >= self.crowded.get() {
            tasks.retain(|task| task.upgrade().is_some_and(|task| !task.is_done()));
            self.crowded.set((2 * tasks.len()).max(CROWD));
            self.inner
                .borrow_mut()
                .retain(|scope| scope.strong_count() > 0);
        }
    }

    /// Lets it not be done before a saga is undone.
    pub(super) fn await_rollback(&self, task: &Rc<Task>) {
        let mut rollbacks = self.rollbacks.borrow_mut();
        rollbacks.retain(|task| task.upgrade().is_some_and(|task| !task.is_done()));
        rollbacks.push(Rc::downgrade(task));
    }

    fn cancel(&self, shared: &Shared) {
        if self.cancelled.replace(true) {
            return;
        }
        shared.state.borrow().note_use();
        let before = shared.state.borrow().rollbacks.clone();
        let tasks = self.tasks.borrow().clone();
        for task in tasks.iter().filter_map(Weak::upgrade) {
            shared.cancel(&task);
        }
        let inner = self.inner.borrow().clone();
        for scope in inner.iter().filter_map(Weak::upgrade) {
            scope.cancel(shared);
        }
        // Code that is dropped may have begun sagas through a flow of another scope.
        for Rollback { task, .. } in &shared.state.borrow().rollbacks {
            if !before.iter().any(|known| Rc::ptr_eq(&known.task, task)) {
                self.await_rollback(task);
            }
        }
    }

    /// The tasks that are open, with those of the scopes in it.
    fn open(&self, open: &mut Vec<Rc<Task>>) {
        let (tasks, rollbacks) = (self.tasks.borrow(), self.rollbacks.borrow());
        let tasks = tasks.iter().chain(&*rollbacks).filter_map(Weak::upgrade);
        open.extend(tasks.filter(|task| !task.is_done()));
        for scope in self.inner.borrow().iter().filter_map(Weak::upgrade) {
            scope.open(open);
        }
    }
}

impl Flow {
    /// A scope in this flow: tasks that can be cancelled together.
    ///
    /// ```
    /// # use simpleflow_core::{Flow, Result, Submit};
    /// # use std::time::Duration;
    /// # async fn example(flow: Flow, search: impl Fn(u32) -> simpleflow_core::ActivityCall<u32>) -> Result<()> {
    /// let scope = flow.scope();
    /// let found: Vec<_> = (0..10).map(|place| scope.submit(search(place))).collect();
    /// let found: Vec<_> = found.iter().collect();
    /// let first = flow.wait_any(&found).await;
    /// scope.cancel(); // the others
    /// # Ok(())
    /// # }
    /// ```
    pub fn scope(&self) -> Scope {
        let cancelled = self
            .scope
            .as_ref()
            .is_some_and(|scope| scope.is_cancelled());
        let state = ScopeState::new(cancelled);
        if let (Some(outer), false) = (&self.scope, cancelled) {
            outer.inner.borrow_mut().push(Rc::downgrade(&state));
        }
        self.in_scope(state)
    }

    /// A scope that is not cancelled with the one around it: for work that must be done just then,
    /// such as to tidy up.
    pub fn shielded_scope(&self) -> Scope {
        self.in_scope(ScopeState::new(false))
    }

    /// The same flow for what belongs to no scope: tasks that others rely on too.
    pub(crate) fn apart(&self) -> Self {
        Self::new(&self.shared)
    }

    fn in_scope(&self, state: Rc<ScopeState>) -> Scope {
        Scope {
            flow: Self {
                shared: Rc::clone(&self.shared),
                scope: Some(Rc::clone(&state)),
            },
            state,
        }
    }
}

impl Scope {
    /// Cancels every open task of the scope, and of the scopes in it that are not
    /// [shielded](Flow::shielded_scope), in the order in which they were submitted: each as
    /// [`Future::cancel`](crate::Future::cancel) does.
    ///
    /// What is submitted in it from then on is cancelled at once, and never sent. A task that was
    /// there already because its id is its own (an idempotent activity, a timer with an id) belongs
    /// to the scope that submitted it first.
    pub fn cancel(&self) {
        self.state.cancel(&self.flow.shared);
    }

    /// Whether it was cancelled, or a scope around it that it is not shielded from.
    pub fn is_cancelled(&self) -> bool {
        self.state.is_cancelled()
    }

    /// Waits until none of its tasks is open, nor one of the scopes in it, whatever their results:
    /// after a cancel, until what was running has stopped, and the sagas in it are undone.
    pub async fn done(&self) {
        loop {
            let mut open = Vec::new();
            self.state.open(&mut open);
            if open.is_empty() {
                return;
            }
            for task in open {
                Done::of(task).await;
            }
        }
    }
}

impl Deref for Scope {
    type Target = Flow;

    fn deref(&self) -> &Flow {
        &self.flow
    }
}
