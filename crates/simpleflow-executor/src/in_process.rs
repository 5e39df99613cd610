//! The service in this process: the engine behind a lock, with a clock, and polls that wait.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use simpleflow_engine::{Engine, Ready, Settings, TaskKind};
use simpleflow_model::operation::{
    GetWorkflowExecutionHistory, PollForActivityTask, PollForDecisionTask,
    RecordActivityTaskHeartbeat, RegisterActivityType, RegisterDomain, RegisterWorkflowType,
    RequestCancelWorkflowExecution, RespondActivityTaskCanceled, RespondActivityTaskCompleted,
    RespondActivityTaskFailed, RespondDecisionTaskCompleted, SignalWorkflowExecution,
    StartWorkflowExecution, TerminateWorkflowExecution,
};
use simpleflow_model::types::{ActivityTask, ActivityTaskStatus, DecisionTask, History, Run};
use simpleflow_model::{
    DomainName, EventAttributes, Fault, HistoryEvent, RunId, TaskListName, Timestamp,
};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout, timeout_at};

use crate::clock::Clock;
use crate::service::{ServiceError, SwfService};

/// How long a poll waits for a task, as the service's.
const POLL: Duration = Duration::from_secs(60);

/// The engine as a service in this process. A handle: clones are the same service.
#[derive(Clone)]
pub struct InProcess {
    shared: Arc<Shared>,
}

struct Shared {
    clock: Clock,
    inner: Mutex<Inner>,
    /// Told when a decision task comes into a list that nobody polls by name.
    decisions_ready: Notify,
    /// The same for activity tasks.
    activities_ready: Notify,
    /// Told when something falls due earlier than was known, or, with virtual time, when nothing
    /// is at work any more.
    time: Notify,
    /// Told when the watched run is closed.
    closed: Notify,
}

struct Inner {
    engine: Engine,
    /// The lists that are polled by name at this moment.
    polled: HashMap<Ready, Polled>,
    decision_lists: VecDeque<Ready>,
    activity_lists: VecDeque<Ready>,
    /// How many [`AtWork`] there are.
    at_work: usize,
    /// When the keeper of time wakes up by itself.
    armed: Option<Timestamp>,
    /// The run whose close somebody waits for.
    watched: Option<RunId>,
}

/// A list that is polled by name: how many polls wait, and what tells one of them.
#[derive(Default)]
struct Polled {
    polls: usize,
    told: Arc<Notify>,
}

impl Inner {
    /// Whether nothing is at work, so that virtual time may jump. When nobody waits for an
    /// execution there is no reason to: it would only run into the end of its retention.
    fn is_idle(&self) -> bool {
        self.watched.is_some()
            && self.at_work == 0
            && self.decision_lists.is_empty()
            && self.activity_lists.is_empty()
    }

    /// Leaves a list to whoever serves all lists.
    fn leave(&mut self, list: Ready, shared: &Shared) {
        let (lists, told) = match list.kind {
            TaskKind::Decision => (&mut self.decision_lists, &shared.decisions_ready),
            TaskKind::Activity => (&mut self.activity_lists, &shared.activities_ready),
        };
        if !lists.contains(&list) {
            lists.push_back(list);
        }
        told.notify_one();
    }

    fn is_open(&self, run_id: &RunId) -> bool {
        let execution = self.engine.execution(run_id);
        execution.is_some_and(|execution| execution.state().is_open())
    }
}

impl InProcess {
    /// A service with nothing in it, on the machine's clock.
    pub fn new() -> Self {
        Self::with_clock(Clock::Real)
    }

    /// A service with virtual time: while a task is with the local backend's decider or worker it
    /// goes on as the machine's, and when they wait it jumps to what is due next.
    pub fn with_virtual_time() -> Self {
        Self::with_clock(Clock::virtual_from_now())
    }

    fn with_clock(clock: Clock) -> Self {
        let settings = Settings {
            // Run ids differ from process to process, as the service's do.
            seed: clock.now().as_micros() as u64,
            limits: simpleflow_engine::Limits {
                // Here a long history costs nobody anything; who starts an execution is warned.
                history_events: usize::MAX,
                ..simpleflow_engine::Limits::default()
            },
            ..Settings::default()
        };
        Self {
            shared: Arc::new(Shared {
                clock,
                inner: Mutex::new(Inner {
                    engine: Engine::new(settings),
                    polled: HashMap::new(),
                    decision_lists: VecDeque::new(),
                    activity_lists: VecDeque::new(),
                    at_work: 0,
                    armed: None,
                    watched: None,
                }),
                decisions_ready: Notify::new(),
                activities_ready: Notify::new(),
                time: Notify::new(),
                closed: Notify::new(),
            }),
        }
    }

    /// The service's time.
    pub fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // The engine is pure code that does not panic half-way in user code: its state is whole.
        self.shared
            .inner
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a command, and tells those whom its tasks concern.
    fn command<T>(&self, run: impl FnOnce(&mut Inner, Timestamp) -> T) -> T {
        let now = self.now();
        let mut inner = self.lock();
        let answer = run(&mut inner, now);
        for ready in inner.engine.take_ready() {
            match inner.polled.get(&ready) {
                Some(polled) => polled.told.notify_one(),
                None => inner.leave(ready, &self.shared),
            }
        }
        let due_earlier = match (inner.engine.next_deadline(), inner.armed) {
            (Some(next), Some(armed)) => next < armed,
            (next, None) => next.is_some(),
            (None, Some(_)) => false,
        };
        if due_earlier || (self.shared.clock.is_virtual() && inner.is_idle()) {
            self.shared.time.notify_one();
        }
        if inner
            .watched
            .as_ref()
            .is_some_and(|run_id| !inner.is_open(run_id))
        {
            inner.watched = None;
            self.shared.closed.notify_one();
        }
        answer
    }

    /// Waits for a list of a kind that has a task and that nobody polls by name; for whoever
    /// serves all lists.
    pub(crate) async fn ready_list(&self, kind: TaskKind) -> (DomainName, TaskListName) {
        let told = match kind {
            TaskKind::Decision => &self.shared.decisions_ready,
            TaskKind::Activity => &self.shared.activities_ready,
        };
        loop {
            {
                let inner = self.lock();
                let lists = match kind {
                    TaskKind::Decision => &inner.decision_lists,
                    TaskKind::Activity => &inner.activity_lists,
                };
                if let Some(ready) = lists.front() {
                    return (ready.domain.clone(), ready.task_list.clone());
                }
            }
            told.notified().await;
        }
    }

    /// A poll that does not wait: for whoever serves all lists. A list that turns out empty is
    /// no longer said to be ready.
    fn poll_now<T>(
        &self,
        kind: TaskKind,
        poll: impl FnOnce(&mut Engine, Timestamp) -> Result<Option<T>, Fault>,
    ) -> Result<Option<(T, AtWork)>, ServiceError> {
        let task = self.command(|inner, now| {
            let task = poll(&mut inner.engine, now)?;
            match &task {
                Some(_) => inner.at_work += 1,
                None => {
                    match kind {
                        TaskKind::Decision => inner.decision_lists.pop_front(),
                        TaskKind::Activity => inner.activity_lists.pop_front(),
                    };
                }
            }
            Ok::<_, Fault>(task)
        })?;
        Ok(task.map(|task| (task, AtWork(self.clone()))))
    }

    pub(crate) fn poll_decision_now(
        &self,
        request: &PollForDecisionTask,
    ) -> Result<Option<(DecisionTask, AtWork)>, ServiceError> {
        self.poll_now(TaskKind::Decision, |engine, now| {
            engine.poll_for_decision_task(request, now)
        })
    }

    pub(crate) fn poll_activity_now(
        &self,
        request: &PollForActivityTask,
    ) -> Result<Option<(ActivityTask, AtWork)>, ServiceError> {
        self.poll_now(TaskKind::Activity, |engine, now| {
            engine.poll_for_activity_task(request, now)
        })
    }

    /// A long poll of one list.
    async fn poll<T>(
        &self,
        list: Ready,
        poll: impl Fn(&mut Engine, Timestamp) -> Result<Option<T>, Fault>,
    ) -> Result<Option<T>, ServiceError> {
        let deadline = Instant::now() + POLL;
        let polling = Polling::of(self, list);
        loop {
            let task = self.call(&poll)?;
            if task.is_some() {
                // There may be more for other polls of the list.
                polling.told.notify_one();
                return Ok(task);
            }
            if timeout_at(deadline, polling.told.notified()).await.is_err() {
                return Ok(None);
            }
        }
    }

    fn call<T>(
        &self,
        run: impl FnOnce(&mut Engine, Timestamp) -> Result<T, Fault>,
    ) -> Result<T, ServiceError> {
        self.command(|inner, now| run(&mut inner.engine, now))
            .map_err(ServiceError::from)
    }

    /// The whole history of a run, or nothing when there is no such run.
    pub fn history(&self, run_id: &RunId) -> Vec<HistoryEvent> {
        self.lock()
            .engine
            .execution(run_id)
            .map(|execution| execution.history().to_vec())
            .unwrap_or_default()
    }

    /// Waits until a run is closed, and gives its last event. A run that continued as new is
    /// followed. One caller at a time is told.
    pub(crate) async fn closed(&self, run_id: &RunId) -> (RunId, Option<HistoryEvent>) {
        let mut run_id = run_id.clone();
        loop {
            let last = {
                let mut inner = self.lock();
                if inner.is_open(&run_id) {
                    inner.watched = Some(run_id.clone());
                    self.shared.time.notify_one();
                    None
                } else {
                    match inner.engine.execution(&run_id) {
                        Some(execution) => execution.history().last().cloned(),
                        None => return (run_id, None),
                    }
                }
            };
            match last {
                Some(event) => match &event.attributes {
                    EventAttributes::WorkflowExecutionContinuedAsNew(next) => {
                        run_id = next.new_execution_run_id.clone();
                    }
                    _ => return (run_id, Some(event)),
                },
                None => self.shared.closed.notified().await,
            }
        }
    }

    /// Lets time pass: fires what falls due. Runs until it is dropped.
    ///
    /// With virtual time it must run on the thread of the deciders and workers, so that it goes
    /// on only when they all wait.
    pub(crate) async fn keep_time(&self) {
        loop {
            let next = {
                let mut inner = self.lock();
                inner.armed = inner.engine.next_deadline();
                if let Some(next) = inner.armed
                    && inner.is_idle()
                {
                    self.shared.clock.jump(next);
                }
                inner.armed
            };
            let Some(next) = next else {
                self.shared.time.notified().await;
                continue;
            };
            let wait = next.since(self.now());
            if wait.is_zero() || timeout(wait, self.shared.time.notified()).await.is_err() {
                self.command(|inner, now| inner.engine.advance(now));
            }
        }
    }
}

/// That a task is at work, which keeps virtual time from jumping. It ends with the work and not
/// with an answer: a task that timed out or was lost has none.
pub(crate) struct AtWork(InProcess);

impl Drop for AtWork {
    fn drop(&mut self) {
        let shared = &self.0.shared;
        let mut inner = self.0.lock();
        inner.at_work -= 1;
        if shared.clock.is_virtual() && inner.is_idle() {
            shared.time.notify_one();
        }
    }
}

/// A poll of a list by name, as long as it waits.
struct Polling<'a> {
    service: &'a InProcess,
    list: Ready,
    told: Arc<Notify>,
}

impl<'a> Polling<'a> {
    fn of(service: &'a InProcess, list: Ready) -> Self {
        let mut inner = service.lock();
        let polled = inner.polled.entry(list.clone()).or_default();
        polled.polls += 1;
        Self {
            service,
            list,
            told: Arc::clone(&polled.told),
        }
    }
}

impl Drop for Polling<'_> {
    /// The last poll of a list may leave tasks behind, of which it alone was told.
    fn drop(&mut self) {
        let mut inner = self.service.lock();
        let Some(polled) = inner.polled.get_mut(&self.list) else {
            return;
        };
        polled.polls -= 1;
        if polled.polls == 0 {
            inner.polled.remove(&self.list);
            inner.leave(self.list.clone(), &self.service.shared);
        }
    }
}

impl Default for InProcess {
    fn default() -> Self {
        Self::new()
    }
}

impl SwfService for InProcess {
    async fn register_domain(&self, request: RegisterDomain) -> Result<(), ServiceError> {
        self.call(|engine, now| engine.register_domain(&request, now))
    }

    async fn register_workflow_type(
        &self,
        request: RegisterWorkflowType,
    ) -> Result<(), ServiceError> {
        self.call(|engine, now| engine.register_workflow_type(&request, now))
    }

    async fn register_activity_type(
        &self,
        request: RegisterActivityType,
    ) -> Result<(), ServiceError> {
        self.call(|engine, now| engine.register_activity_type(&request, now))
    }

    async fn start_workflow_execution(
        &self,
        request: StartWorkflowExecution,
    ) -> Result<Run, ServiceError> {
        self.call(|engine, now| engine.start_workflow_execution(&request, now))
    }

    async fn signal_workflow_execution(
        &self,
        request: SignalWorkflowExecution,
    ) -> Result<(), ServiceError> {
        self.call(|engine, now| engine.signal_workflow_execution(&request, now))
    }

    async fn request_cancel_workflow_execution(
        &self,
        request: RequestCancelWorkflowExecution,
    ) -> Result<(), ServiceError> {
        self.call(|engine, now| engine.request_cancel_workflow_execution(&request, now))
    }

    async fn terminate_workflow_execution(
        &self,
        request: TerminateWorkflowExecution,
    ) -> Result<(), ServiceError> {
        self.call(|engine, now| engine.terminate_workflow_execution(&request, now))
    }

    async fn get_workflow_execution_history(
        &self,
        request: GetWorkflowExecutionHistory,
    ) -> Result<History, ServiceError> {
        self.call(|engine, now| engine.get_workflow_execution_history(&request, now))
    }

    async fn poll_for_decision_task(
        &self,
        request: PollForDecisionTask,
    ) -> Result<Option<DecisionTask>, ServiceError> {
        if request.next_page_token.is_some() {
            return self.call(|engine, now| engine.poll_for_decision_task(&request, now));
        }
        let list = Ready {
            domain: request.domain.clone(),
            kind: TaskKind::Decision,
            task_list: request.task_list.name.clone(),
        };
        self.poll(list, |engine, now| {
            engine.poll_for_decision_task(&request, now)
        })
        .await
    }

    async fn respond_decision_task_completed(
        &self,
        request: RespondDecisionTaskCompleted,
    ) -> Result<(), ServiceError> {
        self.call(|engine, now| engine.respond_decision_task_completed(&request, now))
    }

    async fn poll_for_activity_task(
        &self,
        request: PollForActivityTask,
    ) -> Result<Option<ActivityTask>, ServiceError> {
        let list = Ready {
            domain: request.domain.clone(),
            kind: TaskKind::Activity,
            task_list: request.task_list.name.clone(),
        };
        self.poll(list, |engine, now| {
            engine.poll_for_activity_task(&request, now)
        })
        .await
    }

    async fn record_activity_task_heartbeat(
        &self,
        request: RecordActivityTaskHeartbeat,
    ) -> Result<ActivityTaskStatus, ServiceError> {
        self.call(|engine, now| engine.record_activity_task_heartbeat(&request, now))
    }

    async fn respond_activity_task_completed(
        &self,
        request: RespondActivityTaskCompleted,
    ) -> Result<(), ServiceError> {
        self.call(|engine, now| engine.respond_activity_task_completed(&request, now))
    }

    async fn respond_activity_task_failed(
        &self,
        request: RespondActivityTaskFailed,
    ) -> Result<(), ServiceError> {
        self.call(|engine, now| engine.respond_activity_task_failed(&request, now))
    }

    async fn respond_activity_task_canceled(
        &self,
        request: RespondActivityTaskCanceled,
    ) -> Result<(), ServiceError> {
        self.call(|engine, now| engine.respond_activity_task_canceled(&request, now))
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Waker};

    use simpleflow_model::{TaskList, WorkflowType};

    use super::*;
    use crate::registration;

    const DOMAIN: &str = "domain";
    const LIST: &str = "list";

    async fn service() -> InProcess {
        let service = InProcess::new();
        registration::register_domain(&service, DOMAIN.into())
            .await
            .unwrap();
        registration::register_workflow_type(&service, DOMAIN.into(), workflow_type())
            .await
            .unwrap();
        service
    }

    fn workflow_type() -> WorkflowType {
        WorkflowType {
            name: "workflow".into(),
            version: "1".into(),
            ..WorkflowType::default()
        }
    }

    fn list() -> TaskList {
        TaskList {
            name: LIST.into(),
            ..TaskList::default()
        }
    }

    async fn start(service: &InProcess, workflow_id: &str) {
        let request = StartWorkflowExecution {
            domain: DOMAIN.into(),
            workflow_id: workflow_id.into(),
            workflow_type: workflow_type(),
            task_list: Some(list()),
            ..StartWorkflowExecution::default()
        };
        service.start_workflow_execution(request).await.unwrap();
    }

    async fn poll(service: &InProcess) -> Option<DecisionTask> {
        let request = PollForDecisionTask {
            domain: DOMAIN.into(),
            task_list: list(),
            ..PollForDecisionTask::default()
        };
        service.poll_for_decision_task(request).await.unwrap()
    }

    fn run<T>(test: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        runtime.block_on(test)
    }

    #[test]
    fn each_of_several_polls_gets_a_task() {
        run(async {
            let service = service().await;
            let starts = async {
                for id in ["a", "b", "c"] {
                    start(&service, id).await;
                }
            };
            let (a, b, c, ()) =
                tokio::join!(poll(&service), poll(&service), poll(&service), starts);
            let mut ids = [a, b, c].map(|task| task.unwrap().workflow_execution.workflow_id);
            ids.sort();
            assert_eq!(ids, ["a", "b", "c"].map(Into::into));
        });
    }

    #[test]
    fn a_poll_that_hung_up_leaves_its_task_and_nothing_else() {
        run(async {
            let service = service().await;
            {
                let mut poll = pin!(poll(&service));
                let mut context = Context::from_waker(Waker::noop());
                assert!(poll.as_mut().poll(&mut context).is_pending());
                start(&service, "a").await;
            }
            assert!(service.lock().polled.is_empty());
            let ready = service.ready_list(TaskKind::Decision).await;
            assert_eq!(ready, (DOMAIN.into(), LIST.into()));
            assert!(poll(&service).await.is_some());
        });
    }
}
