//! The decider: takes decision tasks, replays, answers.
//!
//! It keeps the suspended code of the executions that it decided for. A decision task is then
//! answered from the events that are new; when the code is not there, or does not fit, the whole
//! history is read and replayed.

use std::num::NonZeroUsize;
use std::time::Duration;

use lru::LruCache;
use simpleflow_core::replay::{Decisions, Limits, MissingType, ReplayError, Replayer};
use simpleflow_core::{Registry, RunContext};
use simpleflow_model::operation::{
    GetWorkflowExecutionHistory, PollForDecisionTask, RespondDecisionTaskCompleted,
};
use simpleflow_model::types::DecisionTask;
use simpleflow_model::{
    Decision, DomainName, EventId, FaultKind, HistoryEvent, RunId, TaskList, TaskListName,
    WorkflowExecution, WorkflowType,
};
use simpleflow_service::{ServiceError, SwfService};
use tokio_util::sync::CancellationToken;

use crate::registration;
use crate::retry::persistently;

/// How long to wait before a poll that was refused is tried once more.
const REFUSED: Duration = Duration::from_secs(10);

/// How many suspended executions a decider keeps by default.
const KEPT: NonZeroUsize = NonZeroUsize::new(10_000).expect("it is not zero");

/// Why a decision task was not answered. The service will hand it out again when its time is up:
/// nothing is lost.
#[derive(Debug, thiserror::Error)]
pub enum DeciderError {
    /// The service did not take or give something.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// No workflow of the program has that type.
    #[error(
        "workflow {:?} version {:?} is not in this program ({})",
        workflow_type.name.as_str(), workflow_type.version.as_str(), describe(execution)
    )]
    UnknownType {
        /// The type.
        workflow_type: WorkflowType,
        /// The execution.
        execution: WorkflowExecution,
    },
    /// The history cannot be replayed with this code.
    #[error("{}: {source}", describe(execution))]
    Replay {
        /// The execution.
        execution: WorkflowExecution,
        /// Why.
        source: ReplayError,
    },
}

fn describe(execution: &WorkflowExecution) -> String {
    format!(
        "execution {} run {}",
        execution.workflow_id, execution.run_id
    )
}

/// A decider for one domain. It stays on one thread: workflows may hold what is not `Send`.
pub struct Decider<S> {
    service: S,
    domain: DomainName,
    registry: Registry,
    limits: Limits,
    kept: LruCache<RunId, Kept>,
}

struct Kept {
    replayer: Replayer,
    /// The started event that its history ends in.
    started: EventId,
}

impl<S: SwfService> Decider<S> {
    /// A decider for the workflows of a registry.
    pub fn new(service: S, domain: DomainName, registry: Registry) -> Self {
        Self {
            service,
            domain,
            registry,
            limits: Limits::default(),
            kept: LruCache::new(KEPT),
        }
    }

    /// How many suspended executions to keep at most.
    #[must_use]
    pub fn keep(mut self, most: NonZeroUsize) -> Self {
        self.kept.resize(most);
        self
    }

    /// Polls a task list and answers its tasks until it is told to stop: the task at hand is
    /// answered then. A task that cannot be answered is logged and left to the service, which hands
    /// it out again when its time is up. What the service may yet do is asked again, for as long
    /// as it takes.
    pub async fn run(&mut self, task_list: &TaskListName, stop: &CancellationToken) {
        let service = self.service.clone();
        while !stop.is_cancelled() {
            let request = self.poll_request(task_list);
            let polled = tokio::select! {
                polled = persistently("PollForDecisionTask", stop, || service.poll_for_decision_task(request.clone())) => polled,
                () = stop.cancelled() => return,
            };
            match polled {
                Ok(Some(task)) => self.decide_or_log(task, stop).await,
                Ok(None) => {}
                Err(ServiceError::Stopped) => return,
                Err(error) => {
                    tracing::error!(%task_list, "cannot poll for decision tasks: {error}");
                    // It was refused and will be again, until somebody does something about it.
                    tokio::select! {
                        () = tokio::time::sleep(REFUSED) => {}
                        () = stop.cancelled() => return,
                    }
                }
            }
            // Decisions that need no wait would starve everything else on this thread.
            tokio::task::consume_budget().await;
        }
    }

    async fn decide_or_log(&mut self, task: DecisionTask, stop: &CancellationToken) {
        match self.decide_until(task, stop).await {
            Ok(()) => {}
            Err(DeciderError::Service(error)) if error.is_fault(FaultKind::UnknownResource) => {
                tracing::warn!("a decision came too late: {error}");
            }
            Err(error) => tracing::error!("a decision task is not answered: {error}"),
        }
    }

    /// Answers a decision task.
    ///
    /// # Errors
    /// [`DeciderError`]: the task stays unanswered.
    pub async fn decide(&mut self, task: DecisionTask) -> Result<(), DeciderError> {
        self.decide_until(task, &CancellationToken::new()).await
    }

    /// Answers a decision task, and asks again what may yet succeed until there is a stop.
    async fn decide_until(
        &mut self,
        task: DecisionTask,
        stop: &CancellationToken,
    ) -> Result<(), DeciderError> {
        let execution = task.workflow_execution.clone();
        let started = task.started_event_id;
        let task_token = task.task_token.clone();
        let mut replayer = self.replayer(task, stop).await?;
        let Decisions {
            decisions,
            execution_context,
        } = replayer
            .decisions()
            .map_err(|source| DeciderError::Replay {
                execution: execution.clone(),
                source,
            })?;
        for missing in replayer.take_missing_types() {
            self.register(missing, stop).await?;
        }
        let closes = decisions.last().is_some_and(is_closing);
        tracing::debug!(
            workflow_id = %execution.workflow_id,
            run_id = %execution.run_id,
            decisions = decisions.len(),
            "decided"
        );
        let answer = RespondDecisionTaskCompleted {
            task_token,
            decisions: Some(decisions),
            execution_context,
            ..RespondDecisionTaskCompleted::default()
        };
        let service = self.service.clone();
        persistently("RespondDecisionTaskCompleted", stop, || {
            service.respond_decision_task_completed(answer.clone())
        })
        .await?;
        // A close may be refused, when something happened meanwhile: the rare full replay is
        // cheaper than keeping what is most likely over.
        if !closes {
            self.kept.put(execution.run_id, Kept { replayer, started });
        }
        Ok(())
    }

    /// The replay of the task's execution, up to the task.
    async fn replayer(
        &mut self,
        task: DecisionTask,
        stop: &CancellationToken,
    ) -> Result<Replayer, DeciderError> {
        let execution = task.workflow_execution.clone();
        let started = task.started_event_id;
        let failed = |source| DeciderError::Replay {
            execution: execution.clone(),
            source,
        };
        if let Some(Kept {
            mut replayer,
            started,
        }) = self.kept.pop(execution.run_id.as_str())
            && task.previous_started_event_id == Some(started)
            && task.next_page_token.is_none()
        {
            let known = replayer.last_event_id();
            let new = task
                .events
                .iter()
                .position(|event| event.event_id.0 == known.0 + 1);
            if let Some(new) = new {
                let mut events = task.events;
                replayer.feed(events.drain(new..)).map_err(failed)?;
                return Ok(replayer);
            }
        }
        let Some(entry) = self
            .registry
            .find_workflow(&task.workflow_type.name, &task.workflow_type.version)
        else {
            return Err(DeciderError::UnknownType {
                workflow_type: task.workflow_type,
                execution,
            });
        };
        let run = RunContext {
            domain_name: self.domain.clone(),
            workflow_id: execution.workflow_id.clone(),
            run_id: execution.run_id.clone(),
            ..RunContext::default()
        };
        let mut replayer = Replayer::new(*entry, run, self.limits);
        let whole = task
            .events
            .first()
            .is_some_and(|event| event.event_id == EventId(1));
        let mut events = match (whole, &task.next_page_token) {
            (true, None) => task.events,
            _ => self.whole_history(&execution, stop).await?,
        };
        // The history may have grown past the task.
        events.retain(|event| event.event_id <= started);
        replayer.feed(events).map_err(failed)?;
        Ok(replayer)
    }

    /// All pages at once: page tokens expire, and what is ahead tells what is a replay.
    async fn whole_history(
        &self,
        execution: &WorkflowExecution,
        stop: &CancellationToken,
    ) -> Result<Vec<HistoryEvent>, ServiceError> {
        let mut request = GetWorkflowExecutionHistory {
            domain: self.domain.clone(),
            execution: execution.clone(),
            ..GetWorkflowExecutionHistory::default()
        };
        let mut events = Vec::new();
        loop {
            let page = persistently("GetWorkflowExecutionHistory", stop, || {
                self.service.get_workflow_execution_history(request.clone())
            })
            .await?;
            events.extend(page.events);
            match page.next_page_token {
                Some(token) => request.next_page_token = Some(token),
                None => return Ok(events),
            }
        }
    }

    async fn register(
        &self,
        missing: MissingType,
        stop: &CancellationToken,
    ) -> Result<(), ServiceError> {
        persistently("a registration", stop, || async {
            let domain = self.domain.clone();
            match missing.clone() {
                MissingType::Activity(activity_type) => {
                    registration::register_activity_type(&self.service, domain, activity_type).await
                }
                MissingType::Workflow(workflow_type) => {
                    registration::register_workflow_type(&self.service, domain, workflow_type).await
                }
            }
        })
        .await
    }

    /// The poll of a task list, for only what is new since the last decision.
    pub fn poll_request(&self, task_list: &TaskListName) -> PollForDecisionTask {
        PollForDecisionTask {
            domain: self.domain.clone(),
            task_list: TaskList {
                name: task_list.clone(),
                ..TaskList::default()
            },
            identity: Some(crate::identity().clone()),
            start_at_previous_started_event: Some(true),
            ..PollForDecisionTask::default()
        }
    }
}

fn is_closing(decision: &Decision) -> bool {
    matches!(
        decision,
        Decision::CompleteWorkflowExecution(_)
            | Decision::FailWorkflowExecution(_)
            | Decision::CancelWorkflowExecution(_)
            | Decision::ContinueAsNewWorkflowExecution(_)
    )
}
