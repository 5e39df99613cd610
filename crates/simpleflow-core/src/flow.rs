//! The flow: what a workflow's code sees of its execution.

mod cancel;
mod coroutines;
mod failures;
mod lambdas;
mod markers;
mod saga;
mod scope;
mod signals;
mod state;
mod submit;
mod timers;
mod wakes;

use std::cell::RefCell;
use std::collections::HashMap;
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
use markers::Effect;
pub use saga::{Saga, SagaError};
pub use scope::Scope;
pub(crate) use scope::ScopeState;
pub(crate) use signals::Received;
pub(crate) use state::FlowState;
pub use submit::Submit;
pub(crate) use submit::{Site, SubmitTo};
pub(crate) use timers::timer_seconds;
pub(crate) use wakes::MAIN;

use crate::check::check_length;
use crate::context::RunContext;
use crate::continued::ContinueAs;
use crate::error::{Error, Result, TaskError};
use crate::event_details::{EventDetails, EventKind};
use crate::future::{Future, WaitAll};
use crate::marker::Marker;
use crate::registry::json_of_result;
use crate::signal::{Signal, Signals};
use crate::task::Task;
use crate::timer::{Elapsed, Timer};

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
    /// A flow in no scope.
    pub(crate) fn new(shared: &Rc<Shared>) -> Self {
        Self {
            shared: Rc::clone(shared),
            scope: None,
        }
    }

    /// The most characters of an input, a result or details.
    pub(crate) fn value_length(&self) -> usize {
        self.shared.state.borrow().value_length
    }

    /// Makes a task that belongs to the scope of this flow.
    fn make(&self, make: impl FnOnce(&mut FlowState) -> Rc<Task>) -> Rc<Task> {
        let mut state = self.shared.state.borrow_mut();
        state.scope.clone_from(&self.scope);
        state.has_made.set(false);
        let task = make(&mut state);
        // What makes tasks otherwise belongs to none.
        state.scope = None;
        let is_late = self
            .scope
            .as_ref()
            .is_some_and(|scope| scope.is_cancelled());
        if is_late && state.has_made.get() {
            state.turn_away(&task);
        }
        task
    }

    pub(crate) fn new_task<T>(&self, make: impl FnOnce(&mut FlowState) -> Rc<Task>) -> Future<T> {
        Future::new(self.make(make), &self.shared)
    }

    /// Submits an activity, a child workflow, a Lambda function, a signal, a timer or a
    /// [canvas](crate::canvas), and gives the future of its result.
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
    /// SWF counts in whole seconds: a fraction is rounded up. A [`Timer`] can have a control.
    #[track_caller]
    pub fn start_timer(&self, id: impl Into<SmolStr>, duration: Duration) -> Future<()> {
        self.submit(Timer::new(id, duration))
    }

    /// Waits for some time, durably. SWF counts in whole seconds: a fraction is rounded up.
    #[track_caller]
    pub fn sleep(&self, duration: Duration) -> Future<()> {
        let location = Location::caller();
        self.new_task(|state| state.sleep("sleep", duration, location))
    }

    /// Waits for any future, but no longer than some time, which begins with this call. SWF counts
    /// in whole seconds: a fraction is rounded up.
    ///
    /// The timer is cancelled when the future is first, or when this is dropped. When the time is
    /// first, the future is dropped; a task goes on, since the future of a task is a handle: cancel
    /// it, if its result is of no use any more.
    ///
    /// ```
    /// # use simpleflow_core::{Flow, Future, Result};
    /// # use std::time::Duration;
    /// # async fn example(flow: Flow, task: Future<i64>) -> Result<Option<i64>> {
    /// match flow.timeout(task.get(), Duration::from_secs(60)).await {
    ///     Ok(result) => Ok(Some(result?)),
    ///     Err(_elapsed) => {
    ///         task.cancel();
    ///         Ok(None)
    ///     }
    /// }
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Elapsed`], when the time was first.
    #[track_caller]
    pub fn timeout<F: IntoFuture>(
        &self,
        future: F,
        limit: Duration,
    ) -> impl std::future::Future<Output = Result<F::Output, Elapsed>> + use<F> {
        let location = Location::caller();
        let timer = self.new_task(|state| state.sleep("timeout", limit, location));
        crate::timer::timeout(timer, future, limit)
    }

    /// The next signal of a name: each call takes one, in the order in which they arrived,
    /// whether it arrived before the call or comes later. A future that is dropped before its
    /// signal came leaves it to the next.
    ///
    /// The payload is the signal's input as JSON; of an input in the original's form,
    /// `{"args": [...], "kwargs": {...}}`, it is the only argument, or the object of the named
    /// ones. A signal without input, or without arguments, is `null`.
    ///
    /// To wait no longer than some time, see [`timeout`](Self::timeout); to take one after the
    /// other, [`signals`](Self::signals).
    #[track_caller]
    pub fn wait_signal<T: DeserializeOwned>(&self, name: impl Into<SmolStr>) -> Future<T> {
        let location = Location::caller();
        self.new_task(|state| state.wait_signal(name.into(), location))
    }

    /// The signals of a name, one after the other, as a `Stream` that never ends.
    ///
    /// It takes signals as calls of [`wait_signal`](Self::wait_signal) do, one whenever it is asked
    /// for the next: a signal goes to whoever has waited longest, and to nobody else. What it
    /// has not given when it is dropped stays for the others.
    ///
    /// ```
    /// # use simpleflow_core::{Flow, Result};
    /// # async fn example(flow: Flow) -> Result<i64> {
    /// let mut payments = flow.signals::<i64>("paid");
    /// let mut sum = 0;
    /// while sum < 100 {
    ///     sum += payments.next().await?;
    /// }
    /// # Ok(sum)
    /// # }
    /// ```
    #[track_caller]
    pub fn signals<T: DeserializeOwned>(&self, name: impl Into<SmolStr>) -> Signals<T> {
        Signals::new(self.clone(), name.into(), Location::caller())
    }

    /// Sends a signal to this execution itself, marked to be propagated: to its parent and its
    /// children. [`Signal`] sends it elsewhere.
    #[track_caller]
    pub fn signal<T: serde::Serialize>(&self, name: impl Into<SmolStr>, payload: T) -> Future<()> {
        self.submit(Signal::new(name, payload))
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

    /// Records a marker: a name and details that stay in the history, as JSON; a [`Raw`](crate::Raw)
    /// is the text itself.
    ///
    /// The workflow fails when the details have no JSON form or more than 32,768 characters, and when
    /// the name is `simpleflow.value` or `simpleflow.patch`: those are for [`record`](Self::record) and
    /// [`patched`](Self::patched).
    #[track_caller]
    pub fn record_marker<T: Serialize>(&self, name: impl Into<SmolStr>, details: T) {
        let location = Location::caller();
        let details = crate::raw::to_text(&details);
        let mut state = self.shared.state.borrow_mut();
        state.record_marker(name.into(), details, location);
    }

    /// The last marker of each name that [`record_marker`](Self::record_marker) recorded so far,
    /// in the order in which the names came up.
    pub fn list_markers(&self) -> Vec<Marker> {
        let state = self.shared.state.borrow();
        let mut last: Vec<Marker> = Vec::new();
        let mut places: HashMap<&str, usize> = HashMap::new();
        for marker in state.markers.recorded() {
            match places.get(marker.name.as_str()) {
                Some(&place) => last[place] = marker.clone(),
                None => {
                    places.insert(&marker.name, last.len());
                    last.push(marker.clone());
                }
            }
        }
        last
    }

    /// All markers that [`record_marker`](Self::record_marker) recorded so far, in order.
    pub fn list_all_markers(&self) -> Vec<Marker> {
        self.shared.state.borrow().markers.recorded().to_vec()
    }

    /// The value of a closure with a side effect, such as reading a file or the environment, which
    /// runs once: the value is remembered in a marker, and comes from there at each replay.
    ///
    /// When the decision in which it ran does not reach the service, because its decider fell or
    /// took too long, it runs again. It is to be quick: nothing else is decided meanwhile. It may
    /// read the flow, such as [`now`](Self::now), and no more: one that submits, cancels, records or
    /// takes a random value from it fails the workflow, since a replay would not do that again.
    ///
    /// ```
    /// # use simpleflow_core::{Flow, Result};
    /// # async fn example(flow: Flow) -> Result<()> {
    /// let region = flow.record(|| std::env::var("AWS_REGION").ok())?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// When what the history remembers is not a `T`. A value that cannot be remembered, since it has no
    /// JSON form or more than about 32,700 characters of it, fails the workflow.
    #[track_caller]
    pub fn record<T>(&self, effect: impl FnOnce() -> T) -> Result<T>
    where
        T: serde::Serialize + DeserializeOwned,
    {
        self.record_named("record", effect)
    }

    /// As [`record`](Self::record), with a name for the value: values of different names may change
    /// their order in the code under running executions. Each call of a name is a value of its own.
    ///
    /// # Errors
    /// As [`record`](Self::record).
    #[track_caller]
    pub fn record_named<T>(&self, name: impl Into<SmolStr>, effect: impl FnOnce() -> T) -> Result<T>
    where
        T: serde::Serialize + DeserializeOwned,
    {
        let location = Location::caller();
        let name = name.into();
        let (number, known) = self.shared.state.borrow_mut().next_value(&name);
        let problem = |problem: &dyn std::fmt::Display| {
            Error::msg(format_args!(
                "the recorded value {name:?} at {location}: {problem}"
            ))
        };
        let value = match known {
            Some(value) => value,
            None => self.run_effect(effect).map_err(|misuse| {
                let mut state = self.shared.state.borrow_mut();
                state.raised.get_or_insert_with(|| problem(&misuse));
                problem(&misuse)
            })?,
        };
        let mut state = self.shared.state.borrow_mut();
        state.remember_value(&name, number, &value, location);
        // Also when it is new, so that it is the same then as at each replay.
        serde_json::from_str(&value).map_err(|error| {
            let expected = std::any::type_name::<T>();
            problem(&format_args!("{value} is not of type {expected}: {error}"))
        })
    }

    /// The value of an effect as JSON text, or why it cannot be remembered: then a replay would run it
    /// again, and might get another.
    fn run_effect<T: Serialize>(&self, effect: impl FnOnce() -> T) -> Result<SmolStr, SmolStr> {
        let state = || self.shared.state.borrow();
        let outer = state().effect.replace(Effect::Runs);
        // No borrow is held: it may read the flow.
        let value = effect();
        if state().effect.replace(outer) == Effect::Misused {
            return Err(
                "its effect uses the flow, which a replay would not repeat, since it does not run the \
                 effect: submit, record, and take random values before or after it"
                    .into(),
            );
        }
        crate::payload::to_json(&value)
            .map_err(|error| format!("it has no JSON form: {error}").into())
    }

    /// What is known of the last signal or marker of a name, or of the timer with an id that was
    /// started by [`start_timer`](Self::start_timer); `None` when there is none.
    pub fn get_event_details(&self, kind: EventKind, name: &str) -> Option<EventDetails> {
        self.shared.state.borrow().event_details(kind, name)
    }

    /// Whether the code behind this id may run, so that code can change under running executions:
    /// `true` in an execution that meets this call for the first time, and from then on; `false`
    /// in one that passed this place before the call was there.
    #[track_caller]
    pub fn patched(&self, id: &str) -> bool {
        let location = Location::caller();
        self.shared.state.borrow_mut().patched(id, location)
    }

    /// Sets the execution context: a text of at most 32,768 characters that SWF shows with the
    /// execution (`latestExecutionContext`), from the next decision on. By default it is the signals
    /// that the workflow waits for. A text that is too long fails the workflow.
    #[track_caller]
    pub fn set_execution_context(&self, context: impl Into<SmolStr>) {
        let location = Location::caller();
        let context = context.into();
        let mut state = self.shared.state.borrow_mut();
        state.note_use();
        match check_length("execution context", &context, state.value_length) {
            Ok(()) => state.execution_context = Some(context),
            Err(problem) => {
                let error = Error::msg(format_args!("at {location}: {problem}"));
                state.raised.get_or_insert(error);
            }
        }
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
    /// priority, child policy, and the time limits, which begin anew. A call, or the workflow's
    /// `get_task_list` and `get_tag_list`, change those that they
    /// name, as in `Self { .. }.call().tag_list(["late"])`; a workflow id is not among them. The
    /// version is that of the workflow that is given, so that a long-running execution can move to
    /// a new version.
    ///
    /// The new run has none of the signals of this one. Take those that came, and put them into its
    /// input: `while let Some(signal) = flow.wait_signal::<T>("name").result()` ends when there is
    /// none left. One that comes later, while the last decision is made, is lost all the same; a
    /// decider warns of signals that are left behind.
    ///
    /// # Errors
    /// Always. When the input has no JSON form or is longer than SWF takes (32,768 characters), when
    /// SWF would not take the version, the task list, the tags or the Lambda role, or when the
    /// workflow has another name than the one that runs, the error fails the execution.
    #[track_caller]
    pub fn continue_as_new<T>(&self, next: impl ContinueAs) -> Result<T> {
        Err(
            match next.into_next_run(Location::caller(), self.value_length()) {
                Ok(next) => Error::continue_as_new(next),
                Err(error) => error,
            },
        )
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
