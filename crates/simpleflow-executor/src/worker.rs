//! The activity worker: takes tasks, runs them, and stops without losing one.

mod answer;
mod child;
mod group;
mod heartbeat;
mod memory;
mod poller;
mod process;
mod program;
mod task;
#[cfg(test)]
mod tests;
mod work;

use std::convert::Infallible;
use std::num::NonZeroUsize;
use std::panic::resume_unwind;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::available_parallelism;
use std::time::Duration;

use simpleflow_core::{
    ActivityEntry, ActivityInfo, ActivityResult, Failure, HeartbeatSink, Registry,
};
use simpleflow_jumbo::Jumbo;
use simpleflow_model::operation::PollForActivityTask;
use simpleflow_model::types::ActivityTask;
use simpleflow_model::{DomainName, TaskList, TaskListName, limits};
use simpleflow_service::{NextTask, SwfService};
use tokio::sync::Semaphore;
use tokio::task::{JoinError, JoinSet};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::poll::poll_until;
use crate::resources::Resources;
use crate::stop::Stop;
use crate::values;
pub use child::execute_activity;
use poller::Poller;
pub use process::Isolated;
pub(crate) use task::{Begun, Ending};
use work::Work;

/// How many polls a worker has out at least, if so many tasks may run: with one alone a task would
/// cost a round trip to the service.
const POLLS: usize = 8;

/// How often a worker beats the heart of a task, unless the task's limit asks for more; the
/// original's interval.
const HEARTBEAT: Duration = Duration::from_secs(60);

/// How long a worker that stops waits by default. A poll of Amazon SWF may take as long.
const STOP: Duration = Duration::from_secs(60);

/// How long an answer may take once the time to stop is up: as long as a process that has to end,
/// and an attempt.
const LAST_ANSWER: Duration = Duration::from_secs(8);

/// An activity worker for one domain. A handle: clones are the same worker.
#[derive(Clone)]
pub struct Worker<S> {
    service: S,
    domain: DomainName,
    registry: Arc<Registry>,
    heartbeat: Duration,
    stop_timeout: Duration,
    isolated: Option<Arc<Isolated>>,
    jumbo: Option<Jumbo>,
    resources: Resources,
}

impl<S: SwfService> Worker<S> {
    /// A worker for the activities of a registry.
    pub fn new(service: S, domain: DomainName, registry: Registry) -> Self {
        Self {
            service,
            domain,
            registry: Arc::new(registry),
            heartbeat: HEARTBEAT,
            stop_timeout: STOP,
            isolated: None,
            jumbo: None,
            resources: Resources::default(),
        }
    }

    /// How often to beat the heart of a task at least. The answer to a heartbeat is how a worker
    /// learns that a task is cancelled or lost. Zero leaves it to the activities.
    #[must_use]
    pub fn heartbeat(mut self, interval: Duration) -> Self {
        self.heartbeat = interval;
        self
    }

    /// How long activities may go on after the request to stop. Those that still run then fail.
    #[must_use]
    pub fn stop_timeout(mut self, timeout: Duration) -> Self {
        self.stop_timeout = timeout;
        self
    }

    /// Lets values travel elsewhere that are longer than their fields: arguments, results, details.
    /// Unless this is said they are refused.
    ///
    /// An activity whose input is lost, or may not be read, fails with the reason, and so does one
    /// whose result may not be written. While their place is out of reach they wait, for as long as
    /// their task has time: its heart beats meanwhile.
    ///
    /// What a program prints is in memory as a whole: 16 MiB of it at most, however long a value may
    /// be.
    #[must_use]
    pub fn jumbo(mut self, jumbo: Jumbo) -> Self {
        self.jumbo = Some(jumbo);
        self
    }

    /// Runs each activity in a process of its own.
    #[must_use]
    pub fn isolated(mut self, isolated: Isolated) -> Self {
        self.isolated = Some(Arc::new(isolated));
        self
    }

    /// What activities are given beside their input. One in a process of its own is given what
    /// [`execute_activity`] is.
    #[must_use]
    pub fn resources(mut self, resources: Resources) -> Self {
        self.resources = resources;
        self
    }

    /// Polls a task list and runs its tasks, up to `most` at once, until it is told to stop. A task
    /// is polled for only when there is room to run it, and several are at a time. What the service
    /// may yet do is asked again, for as long as it takes.
    ///
    /// At the stop it waits for what runs, up to the [stop timeout](Self::stop_timeout), and for the
    /// polls that are out if their tasks would be lost with them.
    pub async fn run(&self, task_list: &TaskListName, most: NonZeroUsize, stop: &Stop) {
        // A semaphore has room for no more.
        let slots = Arc::new(Semaphore::new(most.get().min(Semaphore::MAX_PERMITS)));
        self.run_until(stop, async |ending| {
            let running = Arc::new(Mutex::new(JoinSet::new()));
            // Where polls come with answers, an activity that never waits runs in the place of its
            // poll: each processor can have one. Elsewhere more polls would be of no use.
            let in_place = CancellationToken::new();
            let processors = available_parallelism().map_or(1, NonZeroUsize::get);
            let mut pollers = JoinSet::new();
            for number in 0..most.get().min(POLLS.max(processors)) {
                let poller = Poller {
                    worker: self.clone(),
                    poll: self.poll_request(task_list),
                    slots: Arc::clone(&slots),
                    running: Arc::clone(&running),
                    stop: stop.clone(),
                    ending: ending.clone(),
                    in_place: in_place.clone(),
                };
                if number < POLLS {
                    pollers.spawn(poller.run());
                } else {
                    pollers.spawn(poller.run_if_in_place());
                }
            }
            while let Some(ended) = pollers.join_next().await {
                // Outside of an activity nothing should panic.
                if let Some(panic) = ended.err().and_then(|error| error.try_into_panic().ok()) {
                    resume_unwind(panic);
                }
            }
            let mut running = {
                let mut running = running.lock().unwrap_or_else(PoisonError::into_inner);
                std::mem::take(&mut *running)
            };
            if !running.is_empty() {
                let (running, timeout) = (running.len(), self.stop_timeout);
                tracing::info!(running, ?timeout, "stopping: the activities may end");
            }
            while let Some(ended) = running.join_next().await {
                log_panic(ended);
            }
        })
        .await;
    }

    /// Polls a task list for one task, and runs it to its end. Whether there was one before the
    /// stop.
    pub async fn run_one(&self, task_list: &TaskListName, stop: &Stop) -> bool {
        self.run_until(stop, async |ending| {
            let poll = self.poll_request(task_list);
            let Some(task) = self.poll(&poll, None, stop, ending).await else {
                return false;
            };
            self.work(task, task_list, ending.clone()).await;
            true
        })
        .await
    }

    /// Runs a task that was polled elsewhere, and answers it.
    pub async fn run_task(&self, task: ActivityTask, task_list: &TaskListName, stop: &Stop) {
        self.run_until(stop, async |ending| {
            self.work(task, task_list, ending.clone()).await;
        })
        .await;
    }

    /// Runs an activity, and answers nobody. Its metrics are not kept: those that are there are of
    /// the execution. A stop ends it.
    ///
    /// # Errors
    /// The failure of the activity.
    pub async fn rerun(&self, info: ActivityInfo, stop: &Stop) -> ActivityResult {
        let entry = self
            .registry
            .find_activity(&info.name, &info.version)
            .ok_or_else(|| task::unknown_activity(&self.registry, &info.name, &info.version))?;
        let work = self.start(entry, info, Arc::new(work::Unheard))?;
        tokio::select! {
            result = work.unmeasured().future(&work::Quit::default()) => result,
            () = stop.requested() => Err(Failure::new("the activity was interrupted", None)),
        }
    }

    /// Gives an activity its arguments.
    ///
    /// # Errors
    /// When they do not fit.
    fn start(
        &self,
        entry: &ActivityEntry,
        info: ActivityInfo,
        sink: Arc<dyn HeartbeatSink>,
    ) -> Result<Work, Failure> {
        let (resources, middlewares) = (&self.resources, self.registry.middlewares());
        let (most, isolated) = (self.most(), self.isolated.as_ref());
        work::start(entry, info, sink, resources, middlewares, most, isolated)
    }

    /// Runs something whose tasks end when the time to stop is up.
    async fn run_until<T>(&self, stop: &Stop, run: impl AsyncFnOnce(&Ending) -> T) -> T {
        let ending = Ending::default();
        let keep_time = async {
            stop.requested().await;
            tokio::select! {
                () = sleep(self.stop_timeout) => {}
                () = stop.at_once() => ending.now.cancel(),
            }
            ending.over.cancel();
            let last = sleep(LAST_ANSWER);
            let mut last = pin!(last);
            tokio::select! {
                () = &mut last => {}
                () = stop.at_once() => {
                    ending.now.cancel();
                    last.await;
                }
            }
            ending.answers.cancel();
            std::future::pending::<Infallible>().await
        };
        tokio::select! {
            ran = run(&ending) => ran,
            never = keep_time => match never {},
        }
    }

    /// How many characters a result may have, and details of a failure.
    fn most(&self) -> usize {
        values::ceiling(self.jumbo.as_ref(), limits::DATA_LENGTH)
    }

    /// How many characters the details of a heartbeat may have.
    fn most_details(&self) -> usize {
        values::ceiling(self.jumbo.as_ref(), limits::HEARTBEAT_DETAILS_LENGTH)
    }

    /// The next task, unless there is a stop.
    async fn poll(
        &self,
        poll: &PollForActivityTask,
        under_way: Option<NextTask<ActivityTask>>,
        stop: &Stop,
        ending: &Ending,
    ) -> Option<ActivityTask> {
        let over = ending.over.cancelled();
        poll_until(&self.service, poll, under_way, stop, over).await
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
}

/// A panic of the activity itself is its failure; this is one outside of it, as in a drop.
fn log_panic(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!("an activity task was lost: {error}");
    }
}
