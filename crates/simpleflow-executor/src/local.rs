//! The local backend: decider, workers and service in this process. It is the code that runs on
//! SWF, and what it does leaves a full SWF history.

use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use simpleflow_core::objects::Objects;
use simpleflow_core::{Registry, WorkflowEntry};
use simpleflow_engine::TaskKind;
use simpleflow_jumbo::Jumbo;
use simpleflow_model::operation::{RequestCancelWorkflowExecution, SignalWorkflowExecution};
use simpleflow_model::{
    DomainName, FaultKind, HistoryEvent, RunId, SmolStr, Timestamp, WorkflowExecution, WorkflowId,
    limits,
};
use simpleflow_service::{ServiceError, SwfService as _};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::Semaphore;

use crate::decider::{Decider, DeciderError};
use crate::in_process::{InProcess, lambda};
use crate::outcome::Outcome;
use crate::registration::register_all;
use crate::resources::Resources;
use crate::start::{StartError, StartOptions, start};
use crate::values::{self, ValueError};
use crate::worker::{Begun, Ending, Worker};

/// The domain of local executions.
pub const LOCAL_DOMAIN: &str = "local";

/// How many activities run at once by default.
const CONCURRENT_ACTIVITIES: usize = 1_000;

/// More than concurrent activities: these are what limits the threads of those that block.
const BLOCKING_THREADS: usize = 1 << 15;

/// How long activities that block have to end when the backend is dropped.
const GRACE: Duration = Duration::from_millis(100);

/// A heartbeat is cheap here, and brings cancels. It is also shorter than any limit.
const HEARTBEAT: Duration = Duration::from_millis(250);

/// How a local execution went wrong before it could end.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// The async runtime could not be started.
    #[error("cannot start the async runtime: {0}")]
    Runtime(#[from] io::Error),
    /// A name and version stands twice in the registry.
    #[error(transparent)]
    Duplicate(#[from] simpleflow_core::Duplicate),
    /// The execution cannot be started like that.
    #[error(transparent)]
    Start(#[from] StartError),
    /// A decision could not be made.
    #[error(transparent)]
    Decider(#[from] DeciderError),
    /// The engine refused something.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// A value cannot be read.
    #[error(transparent)]
    Value(#[from] ValueError),
    /// The execution is gone before it was closed.
    #[error("the execution {0} is not in the engine any more")]
    Gone(RunId),
}

/// A local execution that is closed.
#[derive(Clone, Debug)]
pub struct LocalRun {
    /// The workflow id and the id of the last run.
    pub execution: WorkflowExecution,
    /// How it ended.
    pub outcome: Outcome,
    /// The history of the last run, with its values: those that were too long for their fields too.
    pub history: Vec<HistoryEvent>,
}

/// The local backend. It is on the calling thread while it runs something; activities that wait or
/// block are on threads of its own.
///
/// Activities that are still running when it is dropped are not waited for.
pub struct Local {
    /// There until the drop.
    runtime: Option<Runtime>,
    service: InProcess,
    registry: Registry,
    slots: Arc<Semaphore>,
    kept: Option<NonZeroUsize>,
    resources: Resources,
    jumbo: Jumbo,
    later: Vec<Later>,
}

/// What comes from outside while an execution is open.
#[derive(Clone, Debug)]
pub(crate) struct Later {
    /// How long after the start.
    pub after: Duration,
    pub what: Outside,
}

/// What comes from outside of an execution.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Outside {
    /// A signal: its name, and its input as JSON text.
    Signal(SmolStr, Option<SmolStr>),
    /// The request to cancel it.
    Cancel,
}

impl Local {
    /// A local backend for the workflows and activities of a registry.
    ///
    /// # Errors
    /// [`LocalError`], when a name stands twice or the runtime cannot be started.
    pub fn new(registry: Registry) -> Result<Self, LocalError> {
        Self::with_service(registry, InProcess::new())
    }

    /// The same with virtual time: timers and limits are over at once, in their order.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_virtual_time(registry: Registry) -> Result<Self, LocalError> {
        Self::with_service(registry, InProcess::with_virtual_time())
    }

    /// The same, where it is this time at the start.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_virtual_time_from(
        registry: Registry,
        start: Timestamp,
    ) -> Result<Self, LocalError> {
        Self::with_service(registry, InProcess::with_virtual_time_from(start))
    }

    fn with_service(registry: Registry, service: InProcess) -> Result<Self, LocalError> {
        registry.check()?;
        let runtime = Builder::new_multi_thread()
            .enable_all()
            .max_blocking_threads(BLOCKING_THREADS)
            .build()?;
        let local = Self {
            runtime: Some(runtime),
            service,
            registry,
            slots: Arc::new(Semaphore::new(CONCURRENT_ACTIVITIES)),
            kept: None,
            resources: Resources::new(Objects::memory()),
            later: Vec::new(),
            jumbo: Jumbo::in_memory(),
        };
        let domain = DomainName::from(LOCAL_DOMAIN);
        local.block_on(|| register_all(&local.service, &domain, &local.registry))?;
        Ok(local)
    }

    fn runtime(&self) -> &Runtime {
        self.runtime.as_ref().expect("only the drop takes it")
    }

    fn block_on<T: Send, F: Future<Output = T>>(&self, future: impl FnOnce() -> F + Send) -> T {
        off_runtime(|| self.runtime().block_on(future()))
    }

    /// How many activities run at once at most.
    #[must_use]
    pub fn concurrent_activities(mut self, most: NonZeroUsize) -> Self {
        self.slots = Arc::new(Semaphore::new(most.get()));
        self
    }

    /// How many suspended executions the decider keeps; the others are replayed from the start.
    #[must_use]
    pub fn keep(mut self, most: NonZeroUsize) -> Self {
        self.kept = Some(most);
        self
    }

    /// What comes from outside to the executions that are run, so long after their start.
    pub(crate) fn later(mut self, later: Vec<Later>) -> Self {
        self.later = later;
        self.later.sort_by_key(|later| later.after);
        self
    }

    /// What activities are given beside their input. Unless this is said they keep their objects in
    /// memory.
    #[must_use]
    pub fn resources(mut self, resources: Resources) -> Self {
        self.resources = resources;
        self
    }

    /// Where values go that are longer than their fields: to memory unless this is said, where they
    /// end with the backend.
    #[must_use]
    pub fn jumbo(mut self, jumbo: Jumbo) -> Self {
        self.jumbo = jumbo;
        self
    }

    /// The service behind it.
    pub fn service(&self) -> &InProcess {
        &self.service
    }

    /// Starts an execution and runs it to its end.
    ///
    /// The input is JSON text: a list of arguments, an object of named ones, or
    /// `{"args": [...], "kwargs": {...}}`.
    ///
    /// # Errors
    /// [`LocalError`], when it could not be started or brought to an end. That the workflow fails
    /// is no error here but an [`Outcome`].
    pub fn run(
        &mut self,
        workflow: &WorkflowEntry,
        input: &str,
        options: StartOptions,
    ) -> Result<LocalRun, LocalError> {
        self.block_on(async || {
            let domain = DomainName::from(LOCAL_DOMAIN);
            let now = self.service.now();
            let options = StartOptions {
                jumbo: Some(self.jumbo.clone()),
                ..options
            };
            let started = start(&self.service, &domain, workflow, input, &options, now).await?;
            let WorkflowExecution {
                workflow_id,
                run_id,
                ..
            } = started;
            let (run_id, last) = tokio::select! {
                closed = self.service.closed(&run_id) => closed,
                error = self.decide() => return Err(error),
                error = self.work() => return Err(error),
                error = self.intervene(&workflow_id, now) => return Err(error),
                () = self.service.keep_time() => return Err(LocalError::Gone(run_id)),
            };
            let jumbo = Some(&self.jumbo);
            let mut last = last.ok_or_else(|| LocalError::Gone(run_id.clone()))?;
            values::decode(jumbo, &mut last).await?;
            let outcome =
                Outcome::of(&last.attributes).ok_or_else(|| LocalError::Gone(run_id.clone()))?;
            let mut history = self.service.history(&run_id);
            for lost in values::decode_each(jumbo, &mut *history).await {
                tracing::warn!("the history has a signature in place of a value: {lost}");
            }
            if history.len() > limits::HISTORY_EVENTS {
                tracing::warn!(
                    "the history has {} events: SWF would have terminated the execution at {}",
                    history.len(),
                    limits::HISTORY_EVENTS
                );
            }
            Ok(LocalRun {
                history,
                execution: WorkflowExecution {
                    workflow_id,
                    run_id,
                    ..WorkflowExecution::default()
                },
                outcome,
            })
        })
    }

    /// Lets come from outside what is to come, until something goes wrong.
    async fn intervene(&self, workflow_id: &WorkflowId, start: Timestamp) -> LocalError {
        for Later { after, what } in &self.later {
            let Some(_at_work) = self.service.wait_until(start + *after).await else {
                break;
            };
            let (domain, workflow_id) = (LOCAL_DOMAIN.into(), workflow_id.clone());
            let sent = match what.clone() {
                Outside::Signal(name, input) => {
                    let mut signal = SignalWorkflowExecution {
                        domain,
                        workflow_id,
                        signal_name: name.into(),
                        input,
                        ..SignalWorkflowExecution::default()
                    };
                    if let Err(error) = values::encode(Some(&self.jumbo), &mut signal).await {
                        return error.into();
                    }
                    self.service.signal_workflow_execution(signal).await
                }
                Outside::Cancel => {
                    let cancel = RequestCancelWorkflowExecution {
                        domain,
                        workflow_id,
                        ..RequestCancelWorkflowExecution::default()
                    };
                    self.service.request_cancel_workflow_execution(cancel).await
                }
            };
            match sent {
                // It is closed.
                Err(error) if error.is_fault(FaultKind::UnknownResource) => break,
                Err(error) => return error.into(),
                Ok(()) => {}
            }
        }
        std::future::pending().await
    }

    /// Decides for every task list, until something goes wrong.
    async fn decide(&self) -> LocalError {
        let mut decider = Decider::new(
            self.service.clone(),
            DomainName::from(LOCAL_DOMAIN),
            self.registry.clone(),
        )
        .jumbo(self.jumbo.clone());
        if let Some(kept) = self.kept {
            decider = decider.keep(kept.get());
        }
        loop {
            let (_, task_list) = self.service.ready_list(TaskKind::Decision).await;
            let (task, _at_work) = match self
                .service
                .poll_decision_now(&decider.poll_request(&task_list))
            {
                Ok(Some(task)) => task,
                Ok(None) => continue,
                Err(error) => return error.into(),
            };
            match decider.decide(task, &task_list).await {
                Ok(()) => {}
                // Its time was up, and it will be handed out again, or its execution is closed.
                Err(DeciderError::Service(error)) if error.is_fault(FaultKind::UnknownResource) => {
                    tracing::warn!("a decision came too late: {error}");
                }
                Err(error) => return error.into(),
            }
            self.run_lambda_functions();
            // Without this executions that start each other would starve everything else.
            tokio::task::consume_budget().await;
        }
    }

    /// Runs what stands in for the Lambda functions that a decision has scheduled.
    fn run_lambda_functions(&self) {
        let registry = &self.registry;
        let taken = self
            .service
            .take_lambda_functions(|name| registry.find_lambda_function(name).is_some());
        for (function, at_work) in taken {
            let Some(stand_in) = registry.find_lambda_function(&function.name) else {
                continue;
            };
            let service = self.service.clone();
            self.runtime().spawn_blocking(move || {
                let result = lambda::run(&stand_in, &function);
                service.end_lambda_function(&function, result);
                drop(at_work);
            });
        }
    }

    /// Works on every task list, until something goes wrong.
    async fn work(&self) -> LocalError {
        let worker = Worker::new(
            self.service.clone(),
            DomainName::from(LOCAL_DOMAIN),
            self.registry.clone(),
        )
        .heartbeat(HEARTBEAT)
        .jumbo(self.jumbo.clone())
        .resources(self.resources.clone());
        loop {
            let (_, task_list) = self.service.ready_list(TaskKind::Activity).await;
            // The semaphore is never closed.
            let Ok(slot) = Arc::clone(&self.slots).acquire_owned().await else {
                continue;
            };
            match self
                .service
                .poll_activity_now(&worker.poll_request(&task_list))
            {
                Ok(Some((task, at_work))) => {
                    let begun = worker.begin(task, &task_list, Ending::default(), None);
                    if let Begun::GoesOn(background) = begun.await {
                        self.runtime().spawn(async move {
                            let abandoned = background.await;
                            drop(at_work);
                            if let Some(abandoned) = abandoned {
                                abandoned.await;
                            }
                            drop(slot);
                        });
                    }
                }
                Ok(None) => {}
                Err(error) => return error.into(),
            }
            // Without this an endless stream of activities would starve the decider.
            tokio::task::consume_budget().await;
        }
    }
}

/// Runs something here, or, when this thread is an async runtime's and must not block in another
/// one, on a thread of its own. (A test may be async.)
pub(crate) fn off_runtime<T: Send>(run: impl FnOnce() -> T + Send) -> T {
    if Handle::try_current().is_err() {
        return run();
    }
    std::thread::scope(|scope| scope.spawn(run).join())
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

impl Drop for Local {
    /// A runtime that is merely dropped waits for all its threads, and one that blocks for ever
    /// would keep the program from ending.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            match Handle::try_current() {
                Ok(_) => runtime.shutdown_background(),
                Err(_) => runtime.shutdown_timeout(GRACE),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_of_an_async_runtime_may_have_a_backend() {
        let outer = Builder::new_current_thread().build().unwrap();
        outer.block_on(async {
            let local = Local::new(Registry::new()).unwrap();
            assert_eq!(local.block_on(async || 1), 1);
        });
    }
}
