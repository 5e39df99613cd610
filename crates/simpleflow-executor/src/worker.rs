//! The activity worker: runs tasks, beats the heart for them, and answers.

mod heartbeat;

use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use simpleflow_core::panics::{self, Panic};
use simpleflow_core::{
    ActivityContext, ActivityInfo, ActivityResult, Failure, Registry, RunningActivity,
};
use simpleflow_model::operation::{
    PollForActivityTask, RespondActivityTaskCanceled, RespondActivityTaskCompleted,
    RespondActivityTaskFailed,
};
use simpleflow_model::types::ActivityTask;
use simpleflow_model::{DomainName, FaultKind, TaskList, TaskListName, TaskToken};
use simpleflow_service::{ServiceError, SwfService};
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::retry::persistently;
use heartbeat::{Heart, Stopped};

/// An activity worker for one domain. A handle: clones are the same worker.
#[derive(Clone)]
pub struct Worker<S> {
    service: S,
    domain: DomainName,
    registry: Arc<Registry>,
    heartbeat: Duration,
}

/// How long to wait before a poll that was refused is tried once more.
const REFUSED: Duration = Duration::from_secs(10);

/// How often a worker beats the heart of a task, unless the task's limit asks for more; the
/// original's interval.
const HEARTBEAT: Duration = Duration::from_secs(60);

/// A task that goes on in the background.
pub(crate) type Background = Pin<Box<dyn Future<Output = ()> + Send>>;

impl<S: SwfService> Worker<S> {
    /// A worker for the activities of a registry.
    pub fn new(service: S, domain: DomainName, registry: Registry) -> Self {
        Self {
            service,
            domain,
            registry: Arc::new(registry),
            heartbeat: HEARTBEAT,
        }
    }

    /// How often to beat the heart of a task at least. The answer to a heartbeat is how a worker
    /// learns that a task is cancelled.
    #[must_use]
    pub fn heartbeat(mut self, interval: Duration) -> Self {
        self.heartbeat = interval;
        self
    }

    /// Polls a task list and runs its tasks, up to `most` at once, until it is told to stop; those
    /// that run then are waited for. A task is polled for only when there is room to run it. What
    /// the service may yet do is asked again, for as long as it takes.
    pub async fn run(
        &self,
        task_list: &TaskListName,
        most: NonZeroUsize,
        stop: &CancellationToken,
    ) {
        let mut running = JoinSet::new();
        let request = self.poll_request(task_list);
        while !stop.is_cancelled() {
            // Whatever has ended by now makes room.
            while let Some(ended) = running.try_join_next() {
                log_panic(ended);
            }
            if running.len() >= most.get()
                && let Some(ended) = running.join_next().await
            {
                log_panic(ended);
            }
            let polled = tokio::select! {
                polled = persistently("PollForActivityTask", stop, || self.service.poll_for_activity_task(request.clone())) => polled,
                () = stop.cancelled() => break,
            };
            match polled {
                Ok(Some(task)) => {
                    let (worker, task_list) = (self.clone(), task_list.clone());
                    running.spawn(async move {
                        if let Some(background) = worker.begin(task, &task_list).await {
                            background.await;
                        }
                    });
                }
                Ok(None) => {}
                Err(ServiceError::Stopped) => break,
                Err(error) => {
                    tracing::error!(%task_list, "cannot poll for activity tasks: {error}");
                    // It was refused and will be again, until somebody does something about it.
                    tokio::select! {
                        () = tokio::time::sleep(REFUSED) => {}
                        () = stop.cancelled() => break,
                    }
                }
            }
        }
        while let Some(ended) = running.join_next().await {
            log_panic(ended);
        }
    }

    /// The poll of a task list.
    pub fn poll_request(&self, task_list: &TaskListName) -> PollForActivityTask {
        PollForActivityTask {
            domain: self.domain.clone(),
            task_list: TaskList {
                name: task_list.clone(),
                ..TaskList::default()
            },
            identity: Some(crate::identity().clone()),
            ..PollForActivityTask::default()
        }
    }

    /// Runs a task as far as it goes without waiting, and answers it when that is to its end. What
    /// has to wait comes back, to be run in the background.
    pub(crate) async fn begin(
        &self,
        task: ActivityTask,
        task_list: &TaskListName,
    ) -> Option<Background> {
        let activity_type = &task.activity_type;
        let Some(entry) = self
            .registry
            .find_activity(&activity_type.name, &activity_type.version)
        else {
            let failure = self.unknown_activity(&task);
            self.answer(task.task_token, Err(failure)).await;
            return None;
        };
        let input = task.input.clone().unwrap_or_default();
        let heart = Arc::new(Heart::new(
            self.heartbeat,
            entry.definition().heartbeat_timeout,
        ));
        let info = ActivityInfo {
            name: activity_type.name.clone(),
            version: activity_type.version.clone(),
            domain_name: self.domain.clone(),
            workflow_id: task.workflow_execution.workflow_id.clone(),
            run_id: task.workflow_execution.run_id.clone(),
            activity_id: task.activity_id.clone(),
            activity_task_list: task_list.clone(),
            input: input.clone(),
        };
        let context = ActivityContext::new(info, Arc::clone(&heart) as _);
        let started = panics::catch(|| entry.start(context, &input))
            .unwrap_or_else(|panic| Err(panic_failure(&panic)));
        let token = task.task_token;
        let running = match started {
            Ok(running) => running,
            Err(failure) => {
                self.answer(token, Err(failure)).await;
                return None;
            }
        };
        let activity: Pin<Box<dyn Future<Output = ActivityResult> + Send>> = match running {
            RunningActivity::Async(future) => {
                let mut future = Box::pin(CatchPanic(future));
                // Most activities that never wait end here, on this thread.
                let polled = future
                    .as_mut()
                    .poll(&mut Context::from_waker(Waker::noop()));
                match polled {
                    Poll::Ready(result) => {
                        self.answer(token, result).await;
                        return None;
                    }
                    Poll::Pending => future,
                }
            }
            RunningActivity::Blocking(run) => Box::pin(async move {
                let run = || panics::catch(run).unwrap_or_else(|p| Err(panic_failure(&p)));
                tokio::task::spawn_blocking(run)
                    .await
                    .unwrap_or_else(|error| {
                        Err(Failure::new(
                            format!("the activity's thread was lost: {error}"),
                            None,
                        ))
                    })
            }),
        };
        let worker = self.clone();
        Some(Box::pin(async move {
            let beating = heart.beat(&worker.service, &token);
            tokio::select! {
                result = activity => worker.answer(token.clone(), result).await,
                stopped = beating => match stopped {
                    // An async activity is dropped at its await. A blocking one is asked through
                    // its context, and its end is not waited for.
                    Stopped::Cancelled => worker.answer_cancelled(token.clone()).await,
                    Stopped::Lost => {}
                },
            }
        }))
    }

    fn unknown_activity(&self, task: &ActivityTask) -> Failure {
        let known: Vec<_> = self
            .registry
            .activities()
            .map(|entry| entry.definition().name.as_str())
            .collect();
        Failure::new(
            format!(
                "activity {:?} version {:?} is not in this worker's program",
                task.activity_type.name.as_str(),
                task.activity_type.version.as_str()
            ),
            Some(format!(
                "It has: {}. An activity that is a struct is registered with \
                 Registry::activity_with.",
                known.join(", ")
            )),
        )
    }

    /// Answers a task. The work is done, so this does not give up: when the task is over the service
    /// says so.
    async fn answer(&self, task_token: TaskToken, result: ActivityResult) {
        let never = CancellationToken::new();
        let answered = match result {
            Ok(result) => {
                let answer = RespondActivityTaskCompleted {
                    task_token,
                    result: Some(result),
                    ..RespondActivityTaskCompleted::default()
                };
                persistently("RespondActivityTaskCompleted", &never, || {
                    self.service.respond_activity_task_completed(answer.clone())
                })
                .await
            }
            Err(failure) => {
                tracing::debug!(reason = %failure.reason, "activity failed");
                let answer = RespondActivityTaskFailed {
                    task_token,
                    reason: Some(failure.reason),
                    details: failure.details,
                    ..RespondActivityTaskFailed::default()
                };
                persistently("RespondActivityTaskFailed", &never, || {
                    self.service.respond_activity_task_failed(answer.clone())
                })
                .await
            }
        };
        report(answered);
    }

    async fn answer_cancelled(&self, task_token: TaskToken) {
        let answer = RespondActivityTaskCanceled {
            task_token,
            ..RespondActivityTaskCanceled::default()
        };
        let never = CancellationToken::new();
        let answered = persistently("RespondActivityTaskCanceled", &never, || {
            self.service.respond_activity_task_canceled(answer.clone())
        });
        report(answered.await);
    }
}

/// A panic of the activity itself is its failure; this is one outside of it, as in a drop.
fn log_panic(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!("an activity task was lost: {error}");
    }
}

/// An answer that the service does not want any more is no fault: the task timed out or its
/// execution is closed.
fn report(answered: Result<(), ServiceError>) {
    match answered {
        Ok(()) => {}
        Err(error) if error.is_fault(FaultKind::UnknownResource) => {
            tracing::info!("the answer came too late: {error}");
        }
        Err(error) => tracing::error!("cannot answer an activity task: {error}"),
    }
}

fn panic_failure(panic: &Panic) -> Failure {
    Failure::new(
        format!("panic: {}", panic.message),
        Some(
            serde_json::json!({
                "error": "panic",
                "error_type": "panic",
                "message": panic.message,
                "traceback": [panic.location],
            })
            .to_string(),
        ),
    )
}

/// A future whose panics are failures.
struct CatchPanic(Pin<Box<dyn Future<Output = ActivityResult> + Send>>);

impl Future for CatchPanic {
    type Output = ActivityResult;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<ActivityResult> {
        panics::catch(|| self.0.as_mut().poll(context))
            .unwrap_or_else(|panic| Poll::Ready(Err(panic_failure(&panic))))
    }
}
