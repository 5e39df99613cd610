//! The flow: what a workflow's code sees of its execution.

mod cancel;
mod coroutines;
mod failures;
mod saga;
mod scope;
mod state;
mod submit;
mod wakes;

use std::cell::RefCell;
use std::panic::Location;
use std::rc::Rc;
use std::time::Duration;

use rand::RngExt as _;
use rand::distr::{Distribution, StandardUniform};
use serde::Serialize;
use serde::de::DeserializeOwned;
use simpleflow_model::{SmolStr, Timestamp};

pub(crate) use coroutines::Coroutines;
pub(crate) use failures::FailureHandler;
pub use saga::{Saga, SagaError};
pub use scope::Scope;
pub(crate) use scope::ScopeState;
pub(crate) use state::{FlowState, timer_seconds};
pub use submit::Submit;
pub(crate) use submit::{Site, SubmitTo};
pub(crate) use submit::{signal_payload, too_long};
pub(crate) use wakes::MAIN;

use crate::context::RunContext;
use crate::continued::ContinueAs;
use crate::error::{Error, Result, TaskError};
use crate::future::{Future, WaitAll};
use crate::registry::json_of_result;
use crate::task::Task;

/// What a workflow's code sees of its execution: the way to submit tasks, and time, randomness and
/// ids that are the same at each replay. A handle: clones are the same flow.
#[derive(Clone)]
pub struct Flow {
    pub(crate) shared: Rc<Shared>,
    /// The scope that tasks belong to that are submitted through it.
    pub(crate) scope: Option<Rc<ScopeState>>,
}

pub(crate) struct Shared {
    pub(crate) state: RefCell<FlowState>,
    pub(crate) coroutines: Coroutines,
}

impl Flow {
    /// Makes a task that belongs to the scope of this flow.
    fn make(&self, make: impl FnOnce(&mut FlowState) -> Rc<Task>) -> Rc<Task> {
        let mut state = self.shared.state.borrow_mut();
        state.scope.clone_from(&self.scope);
        let task = make(&mut state);
        state.admit(&task);
        task
    }

    fn new_task<T>(&self, make: impl FnOnce(&mut FlowState) -> Rc<Task>) -> Future<T> {
        Future::new(self.make(make), &self.shared)
    }

    /// Submits an activity, a child workflow or a [canvas](crate::canvas), and gives the future of
    /// its result.
    ///
    /// The task takes its id and its place there and then, and the call never waits. What depends
    /// on other tasks is scheduled when they are done; when one of them fails, it fails with it.
    #[track_caller]
    pub fn submit<S: Submit>(&self, call: S) -> Future<S::Output> {
        let task = call.submit_to(self, Site::caller());
        Future::new(task, &self.shared)
    }

    /// Starts a timer with an id of one's own; a second start of the same id is the same timer.
    ///
    /// SWF counts in whole seconds: a fraction is rounded up.
    #[track_caller]
    pub fn start_timer(&self, id: impl Into<SmolStr>, duration: Duration) -> Future<()> {
        let location = Location::caller();
        self.new_task(|state| state.start_timer(id.into(), duration, location))
    }

    /// Waits for some time, durably. SWF counts in whole seconds: a fraction is rounded up.
    #[track_caller]
    pub fn sleep(&self, duration: Duration) -> Future<()> {
        let location = Location::caller();
        self.new_task(|state| state.sleep(duration, location))
    }

    /// The next signal of a name: each call takes one, in the order in which they arrived,
    /// whether it arrived before the call or comes later. A future that is dropped before its
    /// signal came leaves it to the next.
    ///
    /// The payload is the signal's input as JSON; of an input in the original's form,
    /// `{"args": [...], "kwargs": {...}}`, it is the only argument, or the object of the named
    /// ones. A signal without input is `null`.
    #[track_caller]
    pub fn wait_signal<T: DeserializeOwned>(&self, name: impl Into<SmolStr>) -> Future<T> {
        let location = Location::caller();
        self.new_task(|state| state.wait_signal(name.into(), location))
    }

    /// Runs code beside the workflow's own, whether or not it is awaited, and gives the future of
    /// its result: a task like any other, which can be awaited, passed as an argument, cancelled.
    ///
    /// The code runs up to its first wait there and then, so what it submits takes its ids in the
    /// order of the code. It is dropped where it waits when its future is cancelled, and when the
    /// workflow ends; what it submitted goes on. Its result goes through JSON, as a task's does.
    /// When it ends with the failure of a task, that is its own failure; any other error is
    /// [`TaskErrorKind::Failed`](crate::TaskErrorKind::Failed), with its message as the reason.
    ///
    /// ```
    /// # use simpleflow_core::{Flow, Result};
    /// # use std::time::Duration;
    /// # async fn remind(flow: Flow) -> Result<u32> {
    /// let reminders = flow.spawn({
    ///     let flow = flow.clone();
    ///     async move {
    ///         let mut sent = 0;
    ///         while sent < 3 {
    ///             flow.sleep(Duration::from_secs(3_600)).await?;
    ///             sent += 1;
    ///         }
    ///         Ok(sent)
    ///     }
    /// });
    /// let answer = flow.wait_signal::<u32>("answer").await?;
    /// reminders.cancel();
    /// # Ok(answer)
    /// # }
    /// ```
    #[track_caller]
    pub fn spawn<T: Serialize>(
        &self,
        code: impl std::future::Future<Output = Result<T>> + 'static,
    ) -> Future<T> {
        let location = Location::caller();
        let code = Box::pin(async move { json_of_result(&code.await?) });
        let task = self.spawn_task("coroutine", code, location);
        Future::new(task, &self.shared)
    }

    /// Waits until every future is done, and gives their results in order. It takes a tuple, an
    /// array, a slice or a vector of futures or of references to them.
    ///
    /// # Errors
    /// The first failure in order, after all are done.
    pub async fn wait_all<W: WaitAll>(&self, futures: W) -> Result<W::Output, TaskError> {
        futures.wait().await
    }

    /// Waits until one of the futures is done or failed, and gives its position; the first in
    /// order when several are.
    pub async fn wait_any<T>(&self, futures: &[&Future<T>]) -> usize {
        crate::future::wait_any(futures).await
    }

    /// Records a marker: a name and details that stay in the history. Its payload is JSON.
    ///
    /// The workflow fails when the details have no JSON form or more than 32,768 characters.
    #[track_caller]
    pub fn record_marker<T: Serialize>(&self, name: impl Into<SmolStr>, details: T) {
        let location = Location::caller();
        let details = crate::payload::to_json(&details);
        let mut state = self.shared.state.borrow_mut();
        state.record_marker(name.into(), details, location);
    }

    /// Whether the code behind this id may run, so that code can change under running executions:
    /// `true` in an execution that meets this call for the first time, and from then on; `false`
    /// in one that passed this place before the call was there.
    #[track_caller]
    pub fn patched(&self, id: &str) -> bool {
        let location = Location::caller();
        self.shared.state.borrow_mut().patched(id, location)
    }

    /// The time of the event that the workflow reacts to: the same at each replay.
    pub fn now(&self) -> Timestamp {
        self.shared.state.borrow().now
    }

    /// A random value, the same at each replay.
    pub fn random<T>(&self) -> T
    where
        StandardUniform: Distribution<T>,
    {
        self.shared.state.borrow_mut().rng().random()
    }

    /// A random UUID (version 4), the same at each replay.
    pub fn uuid(&self) -> uuid::Uuid {
        uuid::Builder::from_random_bytes(self.random()).into_uuid()
    }

    /// Ends this run with a new one, which has its own history. What is given is the next input: the
    /// workflow itself with other fields, or a [call](crate::Workflow::call) of it.
    ///
    /// ```standalone_crate
    /// # extern crate simpleflow_core as simpleflow;
    /// # use simpleflow::{Flow, Result, Workflow};
    /// # use simpleflow_macros::workflow;
    /// # fn main() {}
    /// #[workflow]
    /// struct Crawl {
    ///     page: u32,
    /// }
    ///
    /// impl Workflow for Crawl {
    ///     type Output = u32;
    ///
    ///     async fn run(self, flow: Flow) -> Result<u32> {
    ///         // … the work of one page …
    ///         if self.page < 1_000 {
    ///             return flow.continue_as_new(Crawl { page: self.page + 1 });
    ///         }
    ///         Ok(self.page)
    ///     }
    /// }
    /// ```
    ///
    /// It gives the error to return, for any type of result: the run ends when `run` returns it. As
    /// at any end, activities and timers that are open are not waited for, and children go on.
    ///
    /// The new run has the settings of this one, which were given at its start: task list, tags,
    /// priority, child policy, and the time limits, which begin anew. A call changes those that it
    /// names, as in `Self { .. }.call().tag_list(["late"])`; a workflow id is not among them. The
    /// version is that of the workflow that is given, so that a long-running execution can move to
    /// a new version.
    ///
    /// # Errors
    /// Always. When the input has no JSON form or is longer than SWF takes (32,768 characters), or
    /// when the workflow has another name than the one that runs, the error fails the execution.
    #[track_caller]
    pub fn continue_as_new<T>(&self, next: impl ContinueAs) -> Result<T> {
        Err(match next.into_next_run(Location::caller()) {
            Ok(next) => Error::continue_as_new(next),
            Err(error) => error,
        })
    }

    /// How many events of the history the code has seen: the id of the event that it reacts to. The
    /// same at each replay.
    ///
    /// SWF terminates an execution whose history has more than 25,000 events
    /// ([`HISTORY_EVENTS`](simpleflow_model::limits::HISTORY_EVENTS)). What was recorded since that
    /// event is not counted, such as the tasks of one's own last decision.
    pub fn history_length(&self) -> usize {
        self.shared.state.borrow().history_length()
    }

    /// Whether the workflow is going over what it decided before. For logs; a workflow that
    /// decides by it is not deterministic.
    pub fn is_replaying(&self) -> bool {
        self.shared.state.borrow().replaying
    }

    /// Which execution this is.
    pub fn run_context(&self) -> RunContext {
        self.shared.state.borrow().run.clone()
    }
}
