//! The service in this process: the engine behind a lock, with a clock, and polls that wait.

pub(crate) mod lambda;
mod polls;
mod service;
mod time;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use simpleflow_engine::{Engine, Ready, Settings};
use simpleflow_model::{EventAttributes, Fault, HistoryEvent, RunId, Timestamp};
use simpleflow_service::ServiceError;
use tokio::sync::Notify;

use crate::clock::Clock;
use polls::Polled;
use time::Alarm;

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
    /// How many [`AtWork`](time::AtWork) there are.
    at_work: usize,
    /// Those who wait for a time.
    alarms: Vec<Alarm>,
    /// When the keeper of time wakes up by itself.
    armed: Option<Timestamp>,
    /// The run whose close somebody waits for.
    watched: Option<RunId>,
}

impl Inner {
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
        Self::with_virtual_time_from(SystemTime::now().into())
    }

    /// The same, where it is this time now.
    pub fn with_virtual_time_from(start: Timestamp) -> Self {
        Self::with_clock(Clock::virtual_from(start))
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
                    alarms: Vec::new(),
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
}

impl Default for InProcess {
    fn default() -> Self {
        Self::new()
    }
}
