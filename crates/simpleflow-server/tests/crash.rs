//! A server under load is killed again and again. At the end all histories are read, and hold all
//! that anybody was told.

mod common;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_swf::Client;
use aws_sdk_swf::error::ProvideErrorMetadata;
use aws_sdk_swf::types::{
    EventType, ExecutionTimeFilter, HistoryEvent, WorkflowExecution, WorkflowExecutionInfo,
};
use common::*;
use tokio::sync::Notify;
use tokio::task::JoinSet;

/// How often the server is killed.
const KILLS: u32 = 50;

/// How many executions are open at once, so that what was started comes to its end.
const OPEN: usize = 50;

/// Activities of an execution.
const STEPS: usize = 3;

/// Clients of each kind.
const CLIENTS: usize = 4;

#[tokio::test]
#[ignore = "the server of the tests, in a process of its own"]
async fn child() {
    child::serve().await;
}

/// What the server acknowledged.
#[derive(Debug, Default)]
struct Acknowledged {
    /// The runs that were started, by workflow id.
    started: BTreeMap<String, String>,
    /// Started events of tasks that were handed out, by run.
    handed_out: BTreeSet<(String, i64)>,
    /// Started events of decision tasks that were answered, by run.
    decided: BTreeSet<(String, i64)>,
    /// Started events of activity tasks that were answered, by run.
    worked: BTreeSet<(String, i64)>,
    /// Names of signals, by workflow id.
    signaled: BTreeSet<(String, String)>,
}

/// The load: as many executions as are started until the last kill.
struct Load {
    addr: SocketAddr,
    acknowledged: Mutex<Acknowledged>,
    /// How much was acknowledged.
    count: AtomicUsize,
    progress: Notify,
    /// Whether no more executions are started.
    last_round: AtomicBool,
    numbers: AtomicU32,
    /// Workflow ids of executions that are closed.
    closed: Mutex<HashSet<String>>,
}

impl Load {
    fn acknowledge(&self, note: impl FnOnce(&mut Acknowledged)) {
        note(&mut self.acknowledged.lock().unwrap());
        self.count.fetch_add(1, Ordering::SeqCst);
        self.progress.notify_waiters();
    }

    /// Waits until progress makes something true.
    async fn until(&self, is_true: impl Fn() -> bool) {
        loop {
            let progress = self.progress.notified();
            if is_true() {
                return;
            }
            progress.await;
        }
    }

    /// Waits until so much more was acknowledged.
    async fn more(&self, more: usize) {
        let goal = self.count.load(Ordering::SeqCst) + more;
        self.until(|| self.count.load(Ordering::SeqCst) >= goal)
            .await;
    }

    /// How many executions were started and are not closed.
    fn open(&self) -> usize {
        let started = self.acknowledged.lock().unwrap().started.len();
        started.saturating_sub(self.closed.lock().unwrap().len())
    }

    /// Waits until every execution that was started is closed.
    async fn done(&self) {
        self.until(|| self.open() == 0).await;
    }

    /// Waits until there is room for one more execution, or no more are to be started.
    async fn room(&self) {
        self.until(|| self.open() < OPEN || self.last_round.load(Ordering::SeqCst))
            .await;
    }

    async fn start_executions(self: Arc<Self>) {
        let swf = client(self.addr);
        loop {
            self.room().await;
            if self.last_round.load(Ordering::SeqCst) {
                return;
            }
            let id = format!("w-{}", self.numbers.fetch_add(1, Ordering::SeqCst));
            let start = || {
                let start = swf.start_workflow_execution().domain("d").workflow_id(&id);
                start.workflow_type(workflow_type()).send()
            };
            loop {
                match start().await {
                    Ok(run) => {
                        let run_id = run.run_id.unwrap();
                        self.acknowledge(|told| {
                            told.started.insert(id.clone(), run_id);
                        });
                        break;
                    }
                    Err(error) => {
                        let error = error.into_service_error();
                        if error.is_workflow_execution_already_started_fault() {
                            // An earlier try was carried out, and its answer was lost.
                            self.acknowledge(|told| {
                                told.started.insert(id.clone(), String::new());
                            });
                            break;
                        }
                        self.come_back(&error).await;
                    }
                }
            }
            let name = format!("signal of {id}");
            let signal = swf.signal_workflow_execution().domain("d").workflow_id(&id);
            if signal.signal_name(&name).send().await.is_ok() {
                self.acknowledge(|told| {
                    told.signaled.insert((id, name));
                });
            }
        }
    }

    /// After a request that failed since the server is gone, waits until it may be there again.
    async fn come_back(&self, error: &impl ProvideErrorMetadata) {
        assert_eq!(error.code(), None, "{:?}", error.message());
        while tokio::net::TcpStream::connect(self.addr).await.is_err() {
            tokio::task::yield_now().await;
        }
    }

    async fn decide(self: Arc<Self>) {
        let swf = client(self.addr);
        loop {
            let poll = swf.poll_for_decision_task().domain("d");
            let task = match poll.task_list(list("deciders")).send().await {
                Ok(task) if task.task_token().is_empty() => continue,
                Ok(task) => task,
                Err(error) => {
                    self.come_back(&error.into_service_error()).await;
                    continue;
                }
            };
            let execution = task.workflow_execution().unwrap();
            let run = (execution.run_id().to_owned(), task.started_event_id());
            self.acknowledge(|told| {
                told.handed_out.insert(run.clone());
            });
            let decision = decision(task.events());
            let closes = decision.as_ref().is_some_and(|d| d == &complete());
            let answer = swf.respond_decision_task_completed();
            let answer = answer
                .task_token(task.task_token())
                .set_decisions(decision.map(|d| vec![d]));
            match answer.send().await {
                Ok(_) => self.acknowledge(|told| {
                    told.decided.insert(run);
                }),
                // The task timed out, or the answer before the kill was taken.
                Err(error) if is_unknown(&error) => {}
                Err(error) => self.come_back(&error.into_service_error()).await,
            }
            if closes {
                self.note_if_closed(&swf, execution).await;
            }
        }
    }

    /// A close may be refused because of news, or its answer be lost: the server knows.
    async fn note_if_closed(&self, swf: &Client, execution: &WorkflowExecution) {
        loop {
            let describe = swf.describe_workflow_execution().domain("d");
            match describe.execution(execution.clone()).send().await {
                Ok(detail) => {
                    let info = detail.execution_info().unwrap();
                    if info.close_status().is_some() {
                        let id = execution.workflow_id().to_owned();
                        self.closed.lock().unwrap().insert(id);
                        self.progress.notify_waiters();
                    }
                    return;
                }
                Err(error) => self.come_back(&error.into_service_error()).await,
            }
        }
    }

    async fn work(self: Arc<Self>) {
        let swf = client(self.addr);
        loop {
            let poll = swf.poll_for_activity_task().domain("d");
            let task = match poll.task_list(list("workers")).send().await {
                Ok(task) if task.task_token().is_empty() => continue,
                Ok(task) => task,
                Err(error) => {
                    self.come_back(&error.into_service_error()).await;
                    continue;
                }
            };
            let run_id = task.workflow_execution().unwrap().run_id().to_owned();
            let run = (run_id, task.started_event_id());
            self.acknowledge(|told| {
                told.handed_out.insert(run.clone());
            });
            let answer = swf.respond_activity_task_completed();
            match answer.task_token(&task.task_token).send().await {
                Ok(_) => self.acknowledge(|told| {
                    told.worked.insert(run);
                }),
                Err(error) if is_unknown(&error) => {}
                Err(error) => self.come_back(&error.into_service_error()).await,
            }
        }
    }
}

fn is_unknown<E: ProvideErrorMetadata, R>(error: &aws_sdk_swf::error::SdkError<E, R>) -> bool {
    error.code() == Some("UnknownResourceFault")
}

/// One activity after another, each until it is done, and then the close.
fn decision(events: &[HistoryEvent]) -> Option<aws_sdk_swf::types::Decision> {
    let count = |kinds: &[EventType]| {
        let mut count = 0;
        for event in events {
            count += usize::from(kinds.contains(event.event_type()));
        }
        count
    };
    let scheduled = count(&[EventType::ActivityTaskScheduled]);
    let done = count(&[EventType::ActivityTaskCompleted]);
    if scheduled > done + count(&[EventType::ActivityTaskTimedOut]) {
        return None;
    }
    Some(if done < STEPS {
        schedule(&format!("a-{done}"))
    } else {
        complete()
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_was_acknowledged_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let any = "127.0.0.1:0".parse().unwrap();
    let mut server = child::Server::start(dir.path(), any, None).await.unwrap();
    let addr = server.addr;
    register(&client(addr), 1).await;
    let load = Arc::new(Load {
        addr,
        acknowledged: Mutex::default(),
        count: AtomicUsize::new(0),
        progress: Notify::new(),
        last_round: AtomicBool::new(false),
        numbers: AtomicU32::new(0),
        closed: Mutex::default(),
    });
    let (mut starters, mut others) = (JoinSet::new(), JoinSet::new());
    for _ in 0..CLIENTS {
        starters.spawn(Arc::clone(&load).start_executions());
        others.spawn(Arc::clone(&load).decide());
        others.spawn(Arc::clone(&load).work());
    }
    for _ in 0..KILLS {
        // The moment is as random as the hash of a new map.
        use std::hash::{BuildHasher as _, RandomState};
        let moment = RandomState::new().hash_one(0) % 200;
        load.more(1 + moment as usize).await;
        server.kill().await;
        server = child::Server::start(dir.path(), addr, None).await.unwrap();
    }
    load.more(10).await;
    load.last_round.store(true, Ordering::SeqCst);
    load.progress.notify_waiters();
    let all = async {
        while let Some(starter) = starters.join_next().await {
            starter.unwrap();
        }
        load.done().await;
    };
    tokio::time::timeout(Duration::from_secs(120), all)
        .await
        .expect("every execution is closed");
    assert!(others.try_join_next().is_none(), "a client gave up");
    check(&load).await;
    server.kill().await;
}

/// Reads every history, and compares it with what was acknowledged.
async fn check(load: &Load) {
    let swf = client(load.addr);
    let mut told = std::mem::take(&mut *load.acknowledged.lock().unwrap());
    let epoch = aws_sdk_swf::primitives::DateTime::from_secs(0);
    let since_ever = || {
        let filter = ExecutionTimeFilter::builder().oldest_date(epoch);
        filter.build().unwrap()
    };
    let open = swf.count_open_workflow_executions().domain("d");
    let open = open.start_time_filter(since_ever()).send().await.unwrap();
    assert_eq!(open.count(), 0, "an execution is open still");
    let closed = swf.list_closed_workflow_executions().domain("d");
    let closed = closed.start_time_filter(since_ever());
    let closed: Vec<WorkflowExecutionInfo> = closed
        .into_paginator()
        .items()
        .send()
        .collect::<Result<_, _>>()
        .await
        .unwrap();
    println!(
        "{} executions, {} tasks handed out, {} answered, {} signals",
        closed.len(),
        told.handed_out.len(),
        told.decided.len() + told.worked.len(),
        told.signaled.len()
    );
    assert_eq!(closed.len(), told.started.len());
    for info in &closed {
        let execution = info.execution().unwrap();
        let (id, run_id) = (execution.workflow_id(), execution.run_id());
        let started = told.started.remove(id).expect("an execution that ran once");
        assert!(
            started.is_empty() || started == run_id,
            "{id} ran as another run"
        );
        let history = swf.get_workflow_execution_history().domain("d");
        let history = history.execution(execution.clone());
        let events: Vec<HistoryEvent> = history
            .into_paginator()
            .items()
            .send()
            .collect::<Result<_, _>>()
            .await
            .unwrap();
        for (event, number) in events.iter().zip(1..) {
            assert_eq!(event.event_id(), number, "{id} has a gap");
            use EventType as T;
            let started = match event.event_type() {
                T::DecisionTaskStarted | T::ActivityTaskStarted => {
                    told.handed_out.remove(&(run_id.to_owned(), number));
                    continue;
                }
                T::DecisionTaskCompleted => {
                    let a = event.decision_task_completed_event_attributes();
                    told.decided
                        .remove(&(run_id.to_owned(), a.unwrap().started_event_id()));
                    continue;
                }
                T::ActivityTaskCompleted => {
                    let a = event.activity_task_completed_event_attributes();
                    a.unwrap().started_event_id()
                }
                T::WorkflowExecutionSignaled => {
                    let a = event.workflow_execution_signaled_event_attributes();
                    let name = a.unwrap().signal_name().to_owned();
                    told.signaled.remove(&(id.to_owned(), name));
                    continue;
                }
                _ => continue,
            };
            told.worked.remove(&(run_id.to_owned(), started));
        }
        let completed = events
            .iter()
            .filter(|event| event.event_type() == &EventType::WorkflowExecutionCompleted);
        assert_eq!(completed.count(), 1, "{id} is completed once");
        let done = events
            .iter()
            .filter(|event| event.event_type() == &EventType::ActivityTaskCompleted);
        assert_eq!(done.count(), STEPS, "{id} did each step once");
    }
    // All that was acknowledged was found.
    assert_eq!(told.started, BTreeMap::new());
    assert_eq!(told.handed_out, BTreeSet::new());
    assert_eq!(told.decided, BTreeSet::new());
    assert_eq!(told.worked, BTreeSet::new());
    assert_eq!(told.signaled, BTreeSet::new());
}
