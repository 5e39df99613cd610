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
    pollers: HashMap<Ready, Arc<Notify>>,
    decision_lists: VecDeque<Ready>,
    activity_lists: VecDeque<Ready>,
    /// Tasks that were handed out and not answered yet.
    handed_out: usize,
    /// When the keeper of time wakes up by itself.
    armed: Option<Timestamp>,
    /// The run whose close somebody waits for.
    watched: Option<RunId>,
}

impl Inner {
    /// Whether nothing is at work, so that virtual time may jump. When nobody waits for an
    /// execution there is no reason to: it would only run into the end of its retention.
    fn is_idle(&self) -> bool {
        self.watched.is_some()
            && self.handed_out == 0
            && self.decision_lists.is_empty()
            && self.activity_lists.is_empty()
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

    /// A service with virtual time: while a task is with a decider or worker it goes on as the
    /// machine's, and when all wait it jumps to what is due next.
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
                    pollers: HashMap::new(),
                    decision_lists: VecDeque::new(),
                    activity_lists: VecDeque::new(),
                    handed_out: 0,
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
            if let Some(poller) = inner.pollers.get(&ready) {
                poller.notify_one();
                continue;
            }
            let (lists, told) = match ready.kind {
                TaskKind::Decision => (&mut inner.decision_lists, &self.shared.decisions_ready),
                TaskKind::Activity => (&mut inner.activity_lists, &self.shared.activities_ready),
            };
            if !lists.contains(&ready) {
                lists.push_back(ready);
            }
            told.notify_one();
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
    ) -> Result<Option<T>, ServiceError> {
        let task = self.command(|inner, now| {
            let task = poll(&mut inner.engine, now)?;
            match &task {
                Some(_) => inner.handed_out += 1,
                None => {
                    match kind {
                        TaskKind::Decision => inner.decision_lists.pop_front(),
                        TaskKind::Activity => inner.activity_lists.pop_front(),
                    };
                }
            }
            Ok::<_, Fault>(task)
        })?;
        Ok(task)
    }

    pub(crate) fn poll_decision_now(
        &self,
        request: &PollForDecisionTask,
    ) -> Result<Option<DecisionTask>, ServiceError> {
        self.poll_now(TaskKind::Decision, |engine, now| {
            engine.poll_for_decision_task(request, now)
        })
    }

    pub(crate) fn poll_activity_now(
        &self,
        request: &PollForActivityTask,
    ) -> Result<Option<ActivityTask>, ServiceError> {
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
        let poller = Arc::clone(self.lock().pollers.entry(list).or_default());
        loop {
            let task = self.command(|inner, now| {
                let task = poll(&mut inner.engine, now)?;
                inner.handed_out += usize::from(task.is_some());
                Ok::<_, Fault>(task)
            })?;
            if task.is_some() {
                // There may be more for other polls of the list.
                poller.notify_one();
                return Ok(task);
            }
            if timeout_at(deadline, poller.notified()).await.is_err() {
                return Ok(None);
            }
        }
    }

    /// A command that answers a task which was handed out.
    fn answer<T>(
        &self,
        run: impl FnOnce(&mut Engine, Timestamp) -> Result<T, Fault>,
    ) -> Result<T, ServiceError> {
        self.command(|inner, now| {
            inner.handed_out = inner.handed_out.saturating_sub(1);
            run(&mut inner.engine, now)
        })
        .map_err(ServiceError::from)
    }

    fn call<T>(
        &self,
        run: impl FnOnce(&mut Engine, Timestamp) -> Result<T, Fault>,
    ) -> Result<T, ServiceError> {
        self.command(|inner, now| run(&mut inner.engine, now))
            .map_err(ServiceError::from)
    }

    /// A task that was handed out will not be answered.
    pub(crate) fn give_up_task(&self) {
        self.command(|inner, _| inner.handed_out = inner.handed_out.saturating_sub(1));
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
            let (next, idle) = {
                let mut inner = self.lock();
                inner.armed = inner.engine.next_deadline();
                (inner.armed, inner.is_idle())
            };
            let Some(next) = next else {
                self.shared.time.notified().await;
                continue;
            };
            if idle {
                self.shared.clock.jump(next);
            }
            let wait = next.since(self.now());
            if wait.is_zero() || timeout(wait, self.shared.time.notified()).await.is_err() {
                self.command(|inner, now| inner.engine.advance(now));
            }
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
        self.answer(|engine, now| engine.respond_decision_task_completed(&request, now))
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
        self.answer(|engine, now| engine.respond_activity_task_completed(&request, now))
    }

    async fn respond_activity_task_failed(
        &self,
        request: RespondActivityTaskFailed,
    ) -> Result<(), ServiceError> {
        self.answer(|engine, now| engine.respond_activity_task_failed(&request, now))
    }

    async fn respond_activity_task_canceled(
        &self,
        request: RespondActivityTaskCanceled,
    ) -> Result<(), ServiceError> {
        self.answer(|engine, now| engine.respond_activity_task_canceled(&request, now))
    }
}
