//! One activity task, from its arguments to its answer.

use std::pin::{Pin, pin};
use std::sync::Arc;

use futures::future::BoxFuture;
use simpleflow_core::{ActivityEntry, ActivityInfo, ActivityResult, Failure, Registry};
use simpleflow_model::operation::PollForActivityTask;
use simpleflow_model::types::ActivityTask;
use simpleflow_model::{TaskListName, TaskToken};
use simpleflow_service::{NextTask, SwfService};
use tokio_util::sync::CancellationToken;

use super::Worker;
use super::answer::{Answer, is_short, within};
use super::heartbeat::{Heart, Stopped};
use super::work::{Body, Quit, Work};
use crate::poll::ThenPoll;
use crate::stop::Stop;
use crate::values::{self, Patience};

/// A task that goes on in the background, to its answer.
pub(crate) type Background = BoxFuture<'static, Option<Abandoned>>;

/// How far a task came without waiting.
pub(crate) enum Begun {
    /// It is answered, and the next poll may be under way.
    Answered(Option<NextTask<ActivityTask>>),
    /// It has to wait.
    GoesOn(Background),
}

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

/// How far a task is that has to wait.
enum Stage {
    /// Its input is elsewhere.
    Input(ActivityTask, TaskListName, ActivityEntry),
    /// It runs.
    Work(Work),
    /// It ended, with what is too long for the service.
    Ended(ActivityResult),
}

/// A task that came to its end before its activity did.
struct Over {
    answer: Answer,
    abandoned: Option<Abandoned>,
}

impl From<Answer> for Over {
    fn from(answer: Answer) -> Self {
        Self {
            answer,
            abandoned: None,
        }
    }
}

impl<S: SwfService> Worker<S> {
    /// Runs a task to its answer.
    pub(super) async fn work(
        &self,
        task: ActivityTask,
        task_list: &TaskListName,
        ending: Ending,
    ) -> Option<Abandoned> {
        match self.begin(task, task_list, ending, None).await {
            Begun::Answered(_) => None,
            Begun::GoesOn(background) => background.await,
        }
    }

    /// Runs a task as far as it goes without waiting, and answers it when that is to its end, with a
    /// poll where that can be done at once. What has to wait comes back, to be run in the background.
    pub(crate) async fn begin(
        &self,
        mut task: ActivityTask,
        task_list: &TaskListName,
        ending: Ending,
        then_poll: Option<ThenPoll<'_, PollForActivityTask>>,
    ) -> Begun {
        let token = task.task_token.clone();
        let (name, version) = (&task.activity_type.name, &task.activity_type.version);
        let Some(entry) = self.registry.find_activity(name, version) else {
            let failure = unknown_activity(&self.registry, name, version);
            let failed = self.encoded(Err(failure), &ending).await;
            self.answer(token, failed.into(), None, &ending).await;
            return Begun::Answered(None);
        };
        let heart = Arc::new(Heart::new(
            self.heartbeat,
            self.most_details(),
            entry.definition(),
            &task.activity_id,
        ));
        let stage = if values::is_elsewhere(self.jumbo.as_ref(), &mut task) {
            Stage::Input(task, task_list.clone(), entry.clone())
        } else {
            let info = self.info(task, task_list);
            match self.start(entry, info, Arc::clone(&heart) as _) {
                Err(failure) => Stage::Ended(Err(failure)),
                // Most activities that never wait end here, on this thread.
                Ok(mut work) => match work.poll_once() {
                    Some(result) => Stage::Ended(result),
                    None => Stage::Work(work),
                },
            }
        };
        let stage = match stage {
            Stage::Ended(result) => {
                let result = within(result, self.most());
                if is_short(&result) {
                    let answered = self.answer(token, result.into(), then_poll, &ending);
                    return Begun::Answered(answered.await);
                }
                Stage::Ended(result)
            }
            stage => stage,
        };
        let worker = self.clone();
        Begun::GoesOn(Box::pin(async move {
            worker.go_on(stage, &heart, &token, &ending).await
        }))
    }

    /// Runs a task, and gives the result that the service would be told, with what is too long for
    /// it elsewhere. Nobody is told.
    pub(crate) async fn result_of(&self, mut task: ActivityTask) -> ActivityResult {
        let ending = Ending::default();
        let result = match self.decoded(&mut task, &ending).await {
            Ok(()) => {
                let info = self.info(task, &TaskListName::default());
                self.rerun(info, &Stop::new()).await
            }
            Err(failure) => Err(failure),
        };
        self.encoded(result, &ending).await
    }

    fn info(&self, task: ActivityTask, task_list: &TaskListName) -> ActivityInfo {
        ActivityInfo {
            name: task.activity_type.name,
            version: task.activity_type.version,
            domain_name: self.domain.clone(),
            workflow_id: task.workflow_execution.workflow_id,
            run_id: task.workflow_execution.run_id,
            activity_id: task.activity_id,
            activity_task_list: task_list.clone(),
            input: task.input.unwrap_or_default(),
        }
    }

    /// Runs a task from a stage to its answer. Its heart beats all the while: values may be on their
    /// way for long.
    async fn go_on(
        &self,
        stage: Stage,
        heart: &Arc<Heart>,
        token: &TaskToken,
        ending: &Ending,
    ) -> Option<Abandoned> {
        let beats = heart.beat(&self.service, self.jumbo.as_ref(), token);
        let mut beats = pin!(beats);
        let ended = async {
            let work = match stage {
                Stage::Ended(result) => return Ok(result),
                Stage::Work(work) => work,
                Stage::Input(mut task, task_list, entry) => {
                    let decoded = tokio::select! {
                        decoded = self.decoded(&mut task, ending) => decoded,
                        answer = self.interrupted(beats.as_mut(), ending) => {
                            return Err(Over::from(answer));
                        }
                    };
                    let info = self.info(task, &task_list);
                    let sink = Arc::clone(heart) as _;
                    match decoded.and_then(|()| self.start(&entry, info, sink)) {
                        Ok(work) => work,
                        Err(failure) => return Ok(Err(failure)),
                    }
                }
            };
            self.run_work(work, heart, beats.as_mut(), ending).await
        };
        let over = match ended.await {
            Err(over) => over,
            Ok(result) => tokio::select! {
                biased;
                result = self.encoded(result, ending) => Answer::from(result).into(),
                stopped = beats => Answer::from(stopped).into(),
                () = ending.answers.cancelled() => {
                    tracing::error!("the result of an activity cannot be written: the worker ends");
                    Answer::None.into()
                }
            },
        };
        self.answer(token.clone(), over.answer, None, ending).await;
        over.abandoned
    }

    /// Gets an input from where it is, however long that takes if it may yet be had.
    async fn decoded(&self, task: &mut ActivityTask, ending: &Ending) -> Result<(), Failure> {
        let patience = Patience::until_stop(&ending.over);
        let decoded = values::decode_patiently(self.jumbo.as_ref(), task, patience).await;
        decoded.map_err(|error| Failure::new(error.to_string(), None))
    }

    async fn run_work(
        &self,
        work: Work,
        heart: &Heart,
        beats: Pin<&mut (impl Future<Output = Stopped> + Send)>,
        ending: &Ending,
    ) -> Result<ActivityResult, Over> {
        let quit = Quit::default();
        let mut work = work.future(&quit);
        let answer = tokio::select! {
            result = &mut work => return Ok(result),
            answer = self.interrupted(beats, ending) => answer,
        };
        // An async activity is dropped at its await, and so is one whose body has not begun, or has
        // ended. A blocking one is asked through its context, and its end is not waited for. A
        // process has some time to end.
        heart.stop();
        let abandoned: Option<Abandoned> = match quit.ask() {
            Some(Body::Thread) => Some(Box::pin(async move { drop(work.await) })),
            Some(Body::Process) => {
                tokio::select! {
                    _ = &mut work => {}
                    () = ending.now.cancelled() => {}
                }
                None
            }
            None => None,
        };
        Err(Over { answer, abandoned })
    }

    /// Waits until there is an answer before the activity has one.
    async fn interrupted(
        &self,
        beats: Pin<&mut (impl Future<Output = Stopped> + Send)>,
        ending: &Ending,
    ) -> Answer {
        tokio::select! {
            stopped = beats => stopped.into(),
            () = ending.over.cancelled() => Answer::Failed(self.stopping()),
        }
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
