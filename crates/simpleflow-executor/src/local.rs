//! The local backend: decider, workers and service in this process. It is the code that runs on
//! SWF, and what it does leaves a full SWF history.

use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use simpleflow_core::payload::Arguments;
use simpleflow_core::{Registry, WorkflowEntry};
use simpleflow_engine::TaskKind;
use simpleflow_model::enums::WorkflowExecutionTimeoutType;
use simpleflow_model::operation::StartWorkflowExecution;
use simpleflow_model::{
    DomainName, EventAttributes, FaultKind, HistoryEvent, RunId, SmolStr, TaskList,
    WorkflowExecution, WorkflowId, WorkflowType, limits,
};
use simpleflow_service::{ServiceError, SwfService};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::Semaphore;

use crate::decider::{Decider, DeciderError};
use crate::in_process::InProcess;
use crate::registration::register_all;
use crate::worker::Worker;

/// The domain of local executions.
pub const LOCAL_DOMAIN: &str = "local";

/// The task list of local executions whose workflow names none.
const LOCAL_TASK_LIST: &str = "default";

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
    /// The input does not fit the workflow.
    #[error("the input does not fit workflow {workflow}: {problem}")]
    Input {
        /// The workflow's path.
        workflow: SmolStr,
        /// What does not fit.
        problem: simpleflow_core::payload::ArgumentError,
    },
    /// The input is longer than SWF takes.
    #[error(
        "the input has {length} characters: SWF takes at most {}",
        limits::DATA_LENGTH
    )]
    InputTooLong {
        /// Its length in characters, in the form in which it travels.
        length: usize,
    },
    /// Decisions have no time.
    #[error("the limit of a decision is 0 seconds: expected at least 1")]
    NoTimeToDecide,
    /// A decision could not be made.
    #[error(transparent)]
    Decider(#[from] DeciderError),
    /// The engine refused something.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// The execution is gone before it was closed.
    #[error("the execution {0} is not in the engine any more")]
    Gone(RunId),
}

/// How a local execution ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// With a result, JSON text.
    Completed(SmolStr),
    /// With a failure.
    Failed {
        /// What happened, in a line.
        reason: SmolStr,
        /// More of it.
        details: Option<SmolStr>,
    },
    /// It was cancelled.
    Canceled,
    /// It was terminated.
    Terminated,
    /// Its time was up.
    TimedOut(WorkflowExecutionTimeoutType),
}

/// A local execution that is closed.
#[derive(Clone, Debug)]
pub struct LocalRun {
    /// The workflow id and the id of the last run.
    pub execution: WorkflowExecution,
    /// How it ended.
    pub outcome: Outcome,
    /// The history of the last run.
    pub history: Vec<HistoryEvent>,
}

/// What a local execution is started with.
#[derive(Clone, Debug, Default)]
pub struct StartOptions {
    /// The workflow id; by default one from the workflow's name and the time.
    pub workflow_id: Option<WorkflowId>,
    /// The tags; by default the workflow's.
    pub tag_list: Option<Vec<SmolStr>>,
    /// How long the execution may be open, in seconds; by default the workflow's limit.
    pub execution_timeout: Option<u32>,
    /// How long a decision may take, in seconds; by default the workflow's limit.
    pub decision_tasks_timeout: Option<u32>,
    /// The task list of the deciders; by default the workflow's.
    pub task_list: Option<SmolStr>,
    /// Signals that are sent right after the start: names, and inputs as JSON text.
    pub signals: Vec<(SmolStr, Option<SmolStr>)>,
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
        };
        let domain = DomainName::from(LOCAL_DOMAIN);
        local.block_on(|| register_all(&local.service, &domain, &local.registry))?;
        Ok(local)
    }

    fn runtime(&self) -> &Runtime {
        self.runtime.as_ref().expect("only the drop takes it")
    }

    /// Runs a future to its end here, or, when this thread is an async runtime's and must not
    /// block in another one, on a thread of its own. (A test may be async.)
    fn block_on<T: Send, F: Future<Output = T>>(&self, future: impl FnOnce() -> F + Send) -> T {
        let run = || self.runtime().block_on(future());
        if Handle::try_current().is_err() {
            return run();
        }
        std::thread::scope(|scope| scope.spawn(run).join())
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
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
        let request = self.start_request(workflow, input, &options)?;
        let workflow_id = request.workflow_id.clone();
        self.block_on(async || {
            let run_id = self.service.start_workflow_execution(request).await?.run_id;
            let run_id = run_id.unwrap_or_default();
            for (name, input) in options.signals {
                self.service
                    .signal_workflow_execution(
                        simpleflow_model::operation::SignalWorkflowExecution {
                            domain: LOCAL_DOMAIN.into(),
                            workflow_id: workflow_id.clone(),
                            signal_name: name.into(),
                            input,
                            ..Default::default()
                        },
                    )
                    .await?;
            }
            let (run_id, last) = tokio::select! {
                closed = self.service.closed(&run_id) => closed,
                error = self.decide() => return Err(error),
                error = self.work() => return Err(error),
                () = self.service.keep_time() => return Err(LocalError::Gone(run_id)),
            };
            let outcome = last
                .and_then(|event| outcome(event.attributes))
                .ok_or_else(|| LocalError::Gone(run_id.clone()))?;
            let history = self.service.history(&run_id);
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

    fn start_request(
        &self,
        workflow: &WorkflowEntry,
        input: &str,
        options: &StartOptions,
    ) -> Result<StartWorkflowExecution, LocalError> {
        let definition = workflow.definition();
        let bad_input = |problem| LocalError::Input {
            workflow: definition.path.clone(),
            problem,
        };
        workflow.check_input(input).map_err(bad_input)?;
        let input = Arguments::parse(input).map_err(bad_input)?.to_input();
        let length = input.chars().count();
        if length > limits::DATA_LENGTH {
            return Err(LocalError::InputTooLong { length });
        }
        let decision_tasks_timeout = options
            .decision_tasks_timeout
            .map_or(definition.decision_tasks_timeout, Into::into);
        // Each decision would be too late, and the next one due at once.
        if decision_tasks_timeout.duration() == Some(Duration::ZERO) {
            return Err(LocalError::NoTimeToDecide);
        }
        let workflow_id = options.workflow_id.clone().unwrap_or_else(|| {
            let seconds = self.service.now().as_micros() / 1_000_000;
            format!("{}-{}-{seconds}", definition.name, definition.version).into()
        });
        let task_list = options.task_list.as_ref().or(definition.task_list.as_ref());
        let tags = options.tag_list.as_ref().unwrap_or(&definition.tag_list);
        Ok(StartWorkflowExecution {
            domain: LOCAL_DOMAIN.into(),
            workflow_id,
            workflow_type: WorkflowType {
                name: definition.name.clone().into(),
                version: definition.version.clone().into(),
                ..WorkflowType::default()
            },
            task_list: Some(TaskList {
                name: task_list.map_or(LOCAL_TASK_LIST.into(), |list| list.clone().into()),
                ..TaskList::default()
            }),
            task_priority: definition.task_priority,
            input: Some(input),
            execution_start_to_close_timeout: Some(
                options
                    .execution_timeout
                    .map_or(definition.execution_timeout, Into::into),
            ),
            task_start_to_close_timeout: Some(decision_tasks_timeout),
            child_policy: Some(definition.child_policy.clone()),
            tag_list: (!tags.is_empty()).then(|| tags.iter().cloned().map(Some).collect()),
            ..StartWorkflowExecution::default()
        })
    }

    /// Decides for every task list, until something goes wrong.
    async fn decide(&self) -> LocalError {
        let mut decider = Decider::new(
            self.service.clone(),
            DomainName::from(LOCAL_DOMAIN),
            self.registry.clone(),
        );
        if let Some(kept) = self.kept {
            decider = decider.keep(kept);
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
            match decider.decide(task).await {
                Ok(()) => {}
                // Its time was up, and it will be handed out again, or its execution is closed.
                Err(DeciderError::Service(error)) if error.is_fault(FaultKind::UnknownResource) => {
                    tracing::warn!("a decision came too late: {error}");
                }
                Err(error) => return error.into(),
            }
            // Without this executions that start each other would starve everything else.
            tokio::task::consume_budget().await;
        }
    }

    /// Works on every task list, until something goes wrong.
    async fn work(&self) -> LocalError {
        let worker = Worker::new(
            self.service.clone(),
            DomainName::from(LOCAL_DOMAIN),
            self.registry.clone(),
        )
        .heartbeat(HEARTBEAT);
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
                    if let Some(background) = worker.begin(task, &task_list).await {
                        self.runtime().spawn(async move {
                            background.await;
                            drop((slot, at_work));
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

fn outcome(last: EventAttributes) -> Option<Outcome> {
    Some(match last {
        EventAttributes::WorkflowExecutionCompleted(completed) => {
            Outcome::Completed(completed.result.unwrap_or_else(|| "null".into()))
        }
        EventAttributes::WorkflowExecutionFailed(failed) => Outcome::Failed {
            reason: failed.reason.unwrap_or_default(),
            details: failed.details,
        },
        EventAttributes::WorkflowExecutionCanceled(_) => Outcome::Canceled,
        EventAttributes::WorkflowExecutionTerminated(_) => Outcome::Terminated,
        EventAttributes::WorkflowExecutionTimedOut(timed_out) => {
            Outcome::TimedOut(timed_out.timeout_type)
        }
        _ => return None,
    })
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
