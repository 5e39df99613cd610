//! One activity task, from its arguments to its answer.

use std::sync::Arc;

use futures::future::BoxFuture;
use simpleflow_core::{ActivityInfo, Failure, Registry};
use simpleflow_model::TaskListName;
use simpleflow_model::types::ActivityTask;
use simpleflow_service::SwfService;
use tokio_util::sync::CancellationToken;

use super::Worker;
use super::answer::Answer;
use super::heartbeat::{Heart, Stopped};
use super::work::{self, Body, Quit};
use crate::values;

/// A task that goes on in the background, to its answer.
pub(crate) type Background = BoxFuture<'static, Option<Abandoned>>;

/// An activity whose task is answered, but which has its thread still. It takes the place of
/// another until it ends.
pub(crate) type Abandoned = BoxFuture<'static, ()>;

/// How the tasks of a worker that stops come to their end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ending {
    /// The time to end is up: what runs fails.
    pub over: CancellationToken,
    /// There is no time either for a process to end by itself.
    pub now: CancellationToken,
    /// The time for answers is up.
    pub answers: CancellationToken,
}

impl<S: SwfService> Worker<S> {
    /// Runs a task to its answer.
    pub(super) async fn work(
        &self,
        task: ActivityTask,
        task_list: &TaskListName,
        ending: Ending,
    ) -> Option<Abandoned> {
        let background = self.begin(task, task_list, ending).await?;
        background.await
    }

    /// Runs a task as far as it goes without waiting, and answers it when that is to its end. What
    /// has to wait comes back, to be run in the background.
    pub(crate) async fn begin(
        &self,
        mut task: ActivityTask,
        task_list: &TaskListName,
        ending: Ending,
    ) -> Option<Background> {
        let decoded = values::decode(self.jumbo.as_ref(), &mut task).await;
        let token = task.task_token;
        let (name, version) = (task.activity_type.name, task.activity_type.version);
        let Some(entry) = self.registry.find_activity(&name, &version) else {
            let failure = unknown_activity(&self.registry, &name, &version);
            self.answer(token, self.answer_of(Err(failure)), &ending)
                .await;
            return None;
        };
        if let Err(error) = decoded {
            let failure = Failure::new(error.to_string(), None);
            self.answer(token, self.answer_of(Err(failure)), &ending)
                .await;
            return None;
        }
        let info = ActivityInfo {
            name,
            version,
            domain_name: self.domain.clone(),
            workflow_id: task.workflow_execution.workflow_id,
            run_id: task.workflow_execution.run_id,
            activity_id: task.activity_id,
            activity_task_list: task_list.clone(),
            input: task.input.unwrap_or_default(),
        };
        let heart = Arc::new(Heart::new(
            self.heartbeat,
            self.most_details(),
            entry.definition(),
            &info,
        ));
        let (sink, isolated) = (Arc::clone(&heart) as _, self.isolated.as_ref());
        let (resources, middlewares) = (&self.resources, self.registry.middlewares());
        let started = work::start(
            entry,
            info,
            sink,
            resources,
            middlewares,
            self.most(),
            isolated,
        );
        let mut work = match started {
            Ok(work) => work,
            Err(failure) => {
                self.answer(token, self.answer_of(Err(failure)), &ending)
                    .await;
                return None;
            }
        };
        // Most activities that never wait end here, on this thread.
        if let Some(result) = work.poll_once() {
            self.answer(token, self.answer_of(result), &ending).await;
            return None;
        }
        let worker = self.clone();
        Some(Box::pin(async move {
            let quit = Quit::default();
            let mut work = work.future(&quit);
            let answer = tokio::select! {
                result = &mut work => {
                    worker.answer(token, worker.answer_of(result), &ending).await;
                    return None;
                }
                stopped = heart.beat(&worker.service, worker.jumbo.as_ref(), &token) => match stopped {
                    Stopped::Cancelled => Answer::Cancelled,
                    Stopped::Lost => Answer::None,
                },
                () = ending.over.cancelled() => Answer::Failed(worker.stopping()),
            };
            // An async activity is dropped at its await, and so is one whose body has not begun. A
            // blocking one is asked through its context, and its end is not waited for. A process
            // has some time to end.
            heart.stop();
            let abandoned: Option<Abandoned> = match quit.ask() {
                Some(Body::Thread) => Some(Box::pin(async move { drop(work.await) })),
                Some(Body::Process) => {
                    tokio::select! {
                        _ = &mut work => {}
                        () = ending.now.cancelled() => {}
                    }
                    drop(work);
                    None
                }
                None => {
                    drop(work);
                    None
                }
            };
            worker.answer(token, answer, &ending).await;
            abandoned
        }))
    }

    fn stopping(&self) -> Failure {
        let seconds = self.stop_timeout.as_secs_f64();
        Failure::new(
            "worker is stopping: the activity was ended before its end",
            Some(format!(
                "A worker that stops waits for its activities, for {seconds} seconds unless it is \
                 told to end at once."
            )),
        )
    }
}

/// The failure of a task that is for another program.
pub(super) fn unknown_activity(registry: &Registry, name: &str, version: &str) -> Failure {
    let known: Vec<_> = registry
        .activities()
        .map(|entry| entry.definition().name.as_str())
        .collect();
    Failure::new(
        format!("activity {name:?} version {version:?} is not in this worker's program"),
        Some(format!(
            "It has: {}. An activity that is a struct is registered with Registry::activity_with.",
            known.join(", ")
        )),
    )
}
