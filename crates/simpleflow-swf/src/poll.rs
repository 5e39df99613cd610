//! The bare loops: poll, hand the task to a closure, answer.
//!
//! They replay nothing, retry nothing and send no heartbeat: a decider or worker that is written
//! against SWF itself does that as it sees fit. What the service says is returned. A poll that is
//! under way at the stop is dropped; a task that Amazon SWF hands to it meanwhile waits for its time
//! limit.

use futures::future::{self, Either};
use futures::stream::TryStreamExt as _;
use simpleflow_model::operation::{
    PollForActivityTask, PollForDecisionTask, RecordActivityTaskHeartbeat,
    RespondActivityTaskCanceled, RespondActivityTaskCompleted, RespondActivityTaskFailed,
    RespondDecisionTaskCompleted,
};
use simpleflow_model::types::{ActivityTask, DecisionTask};
use simpleflow_model::{Decision, FaultKind, Identity, SmolStr, TaskListName};
use simpleflow_service::{ServiceError, SwfService};

use crate::domain::named;
use crate::pages::pages;
use crate::{Domain, History};

/// Takes tasks from a task list, and answers them.
#[derive(Clone, Debug)]
pub struct Poller<S> {
    domain: Domain<S>,
    task_list: TaskListName,
    identity: Option<Identity>,
}

/// What a decider decided.
#[derive(Clone, Debug, Default)]
pub struct Decided {
    /// The decisions, in the order in which they take effect.
    pub decisions: Vec<Decision>,
    /// What the execution is to be described with from now on, if that is to change.
    pub execution_context: Option<SmolStr>,
}

impl From<Vec<Decision>> for Decided {
    fn from(decisions: Vec<Decision>) -> Self {
        Self {
            decisions,
            execution_context: None,
        }
    }
}

/// What became of an activity task.
#[derive(Clone, Debug)]
pub enum Answer {
    /// It is done, with this result.
    Completed(Option<SmolStr>),
    /// It failed.
    Failed {
        /// Why, at most 256 characters.
        reason: Option<SmolStr>,
        /// More about why.
        details: Option<SmolStr>,
    },
    /// It was cancelled, as was asked for.
    Canceled(Option<SmolStr>),
}

impl<S: SwfService> Domain<S> {
    /// A decider or worker of a task list. Who it is shows in the history.
    pub fn poller(
        &self,
        task_list: impl Into<TaskListName>,
        identity: Option<Identity>,
    ) -> Poller<S> {
        Poller {
            domain: self.clone(),
            task_list: task_list.into(),
            identity,
        }
    }
}

impl<S: SwfService> Poller<S> {
    /// Waits up to a minute for a decision task. It has the whole history: all pages are read.
    ///
    /// # Errors
    /// The service does not know the domain, or does not answer.
    pub async fn poll_for_decision_task(&self) -> Result<Option<DecisionTask>, ServiceError> {
        let service = &self.domain.service;
        let request = PollForDecisionTask {
            domain: self.domain.name.clone(),
            task_list: named(self.task_list.clone()),
            identity: self.identity.clone(),
            ..PollForDecisionTask::default()
        };
        let Some(mut task) = service.poll_for_decision_task(request.clone()).await? else {
            return Ok(None);
        };
        let mut token = task.next_page_token.take();
        if token.is_some() {
            let rest = pages(|next| {
                let request = PollForDecisionTask {
                    next_page_token: next.or_else(|| token.take()),
                    ..request.clone()
                };
                async move {
                    let page = service.poll_for_decision_task(request).await?;
                    let page = page.ok_or_else(|| {
                        ServiceError::Unreadable("a page of a decision task is empty".into())
                    })?;
                    Ok((page.events, page.next_page_token))
                }
            });
            task.events.extend(rest.try_collect::<Vec<_>>().await?);
        }
        Ok(Some(task))
    }

    /// Answers a decision task.
    ///
    /// # Errors
    /// The task is not open any more, or the service does not answer.
    pub async fn decide(&self, task: &DecisionTask, decided: Decided) -> Result<(), ServiceError> {
        let request = RespondDecisionTaskCompleted {
            task_token: task.task_token.clone(),
            decisions: Some(decided.decisions),
            execution_context: decided.execution_context,
            ..RespondDecisionTaskCompleted::default()
        };
        let service = &self.domain.service;
        service.respond_decision_task_completed(request).await
    }

    /// Waits up to a minute for an activity task.
    ///
    /// # Errors
    /// The service does not know the domain, or does not answer.
    pub async fn poll_for_activity_task(&self) -> Result<Option<ActivityTask>, ServiceError> {
        let request = PollForActivityTask {
            domain: self.domain.name.clone(),
            task_list: named(self.task_list.clone()),
            identity: self.identity.clone(),
            ..PollForActivityTask::default()
        };
        self.domain.service.poll_for_activity_task(request).await
    }

    /// Says that an activity task is still worked on. Answers whether it is to be cancelled.
    ///
    /// # Errors
    /// The task is not open any more, or the service does not answer.
    pub async fn heartbeat(
        &self,
        task: &ActivityTask,
        details: Option<SmolStr>,
    ) -> Result<bool, ServiceError> {
        let request = RecordActivityTaskHeartbeat {
            task_token: task.task_token.clone(),
            details,
            ..RecordActivityTaskHeartbeat::default()
        };
        let service = &self.domain.service;
        let status = service.record_activity_task_heartbeat(request).await?;
        Ok(status.cancel_requested)
    }

    /// Answers an activity task.
    ///
    /// # Errors
    /// The task is not open any more, or the service does not answer.
    pub async fn answer(&self, task: &ActivityTask, answer: Answer) -> Result<(), ServiceError> {
        let service = &self.domain.service;
        let task_token = task.task_token.clone();
        match answer {
            Answer::Completed(result) => {
                let request = RespondActivityTaskCompleted {
                    task_token,
                    result,
                    ..RespondActivityTaskCompleted::default()
                };
                service.respond_activity_task_completed(request).await
            }
            Answer::Failed { reason, details } => {
                let request = RespondActivityTaskFailed {
                    task_token,
                    reason,
                    details,
                    ..RespondActivityTaskFailed::default()
                };
                service.respond_activity_task_failed(request).await
            }
            Answer::Canceled(details) => {
                let request = RespondActivityTaskCanceled {
                    task_token,
                    details,
                    ..RespondActivityTaskCanceled::default()
                };
                service.respond_activity_task_canceled(request).await
            }
        }
    }

    /// A decider: takes decision tasks and answers them with what the closure makes of them and
    /// of the history, in which the task's events are, until `stop` is ready. The task at hand is answered then. An answer that comes too late is
    /// dropped: the service hands the task out again.
    ///
    /// # Errors
    /// The service refuses a poll or an answer, or does not answer.
    pub async fn run_decider(
        &self,
        mut decide: impl AsyncFnMut(&DecisionTask, &History) -> Decided,
        stop: impl Future<Output = ()>,
    ) -> Result<(), ServiceError> {
        let mut stop = std::pin::pin!(stop);
        loop {
            let poll = std::pin::pin!(self.poll_for_decision_task());
            let task = match future::select(poll, stop.as_mut()).await {
                Either::Left((polled, _)) => polled?,
                Either::Right(_) => return Ok(()),
            };
            let Some(mut task) = task else { continue };
            let history = History::new(std::mem::take(&mut task.events));
            let decided = decide(&task, &history).await;
            unless_late(self.decide(&task, decided).await)?;
        }
    }

    /// A worker: takes activity tasks and answers them with what the closure makes of them, one
    /// after the other, until `stop` is ready. The task at hand is answered then. An answer that
    /// comes too late is dropped.
    ///
    /// # Errors
    /// The service refuses a poll or an answer, or does not answer.
    pub async fn run_worker(
        &self,
        mut work: impl AsyncFnMut(&ActivityTask) -> Answer,
        stop: impl Future<Output = ()>,
    ) -> Result<(), ServiceError> {
        let mut stop = std::pin::pin!(stop);
        loop {
            let poll = std::pin::pin!(self.poll_for_activity_task());
            let task = match future::select(poll, stop.as_mut()).await {
                Either::Left((polled, _)) => polled?,
                Either::Right(_) => return Ok(()),
            };
            let Some(task) = task else { continue };
            let answer = work(&task).await;
            unless_late(self.answer(&task, answer).await)?;
        }
    }
}

/// A task that is not open any more is answered too late, which is no failure of a loop.
fn unless_late(answered: Result<(), ServiceError>) -> Result<(), ServiceError> {
    match answered {
        Err(error) if error.is_fault(FaultKind::UnknownResource) => Ok(()),
        answered => answered,
    }
}
