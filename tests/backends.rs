//! All backends do the same: generated workflows make the same histories, event by event, on the
//! local backend, on the durable service in the process, and on the server over HTTP; each with
//! deciders that keep the code and with deciders that replay everything.
//!
//! Completions arrive in another order on another backend, because timing differs. So one driver
//! chooses the order, with the luck of the case: it decides whatever there is to decide, and then
//! answers one activity or sends one signal.
//!
//! Amazon SWF itself cannot be called from a test. What stands for it is the server over HTTP, spoken
//! to as Amazon SWF is: through the official SDK's settings and with its protocol. That the server
//! does what Amazon SWF does is what the recordings of the real service are for.

mod program;

use std::collections::BTreeMap;

use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::Value;
use simpleflow::WorkflowEntry;
use simpleflow::model::operation::*;
use simpleflow::model::types::ActivityTask;
use simpleflow::model::{
    DomainName, EventAttributes, FaultKind, HistoryEvent, TaskList, TaskListName, Timeout,
    Timestamp, WorkflowExecution,
};
use simpleflow::prelude::*;
use simpleflow::swf::{AwsSwf, ServiceError, SwfService};
use simpleflow::testing::explore;
use simpleflow_core::child_id_prefix;
use simpleflow_executor::{Decider, InProcess, StartOptions, registration, start};
use simpleflow_server::{Embedded, Storage};
use tokio::runtime::Runtime;

use crate::server::Server;
use program::{Case, Program, SIGNALS, Step, cases, work, work_once};

const DOMAIN: &str = "backends";
const LIST: &str = "backends";

/// More than any program waits for signals.
const ROUNDS: usize = 200;

/// The executions of a case, by what they are: the types, ids and attributes of their events.
type Told = BTreeMap<String, Vec<Value>>;

/// An execution of a case: what it is called on every backend, and what it is here.
struct Execution {
    name: String,
    id: WorkflowExecution,
    history: Vec<HistoryEvent>,
}

impl Execution {
    fn is_open(&self) -> bool {
        use EventAttributes as E;
        !matches!(
            self.history.last().map(|event| &event.attributes),
            Some(
                E::WorkflowExecutionCompleted(_)
                    | E::WorkflowExecutionFailed(_)
                    | E::WorkflowExecutionTerminated(_)
                    | E::WorkflowExecutionTimedOut(_)
                    | E::WorkflowExecutionCanceled(_)
            )
        )
    }

    /// Whether a timer is open that is due.
    fn has_due_timer(&self) -> bool {
        let mut due = Vec::new();
        for event in &self.history {
            match &event.attributes {
                EventAttributes::TimerStarted(timer)
                    if timer.start_to_fire_timeout == Timeout::Seconds(0) =>
                {
                    due.push(event.event_id);
                }
                EventAttributes::TimerFired(timer) => {
                    due.retain(|id| *id != timer.started_event_id);
                }
                EventAttributes::TimerCanceled(timer) => {
                    due.retain(|id| *id != timer.started_event_id);
                }
                _ => {}
            }
        }
        !due.is_empty() && self.is_open()
    }
}

/// Runs a case on a service, step by step.
struct Driver<'a, S> {
    service: &'a S,
    decider: Decider<S>,
    root: WorkflowExecution,
    luck: std::slice::Iter<'a, u8>,
    /// The activity tasks that the worker has.
    tasks: Vec<ActivityTask>,
    answered: usize,
}

impl<'a, S: SwfService> Driver<'a, S> {
    /// Runs a case to its end, with a decider that keeps so many executions.
    async fn run(service: &'a S, case: &'a Case, keep: usize) -> Told {
        let domain = DomainName::from(DOMAIN);
        let input = serde_json::to_string(&(&case.steps,)).unwrap();
        let options = StartOptions {
            workflow_id: Some("root".into()),
            task_list: Some(LIST.into()),
            ..StartOptions::default()
        };
        let entry = WorkflowEntry::of::<Program>();
        let now = Timestamp::default();
        let root = start(service, &domain, &entry, &input, &options, now)
            .await
            .unwrap();
        let registry = Registry::new().workflow::<Program>();
        let mut driver = Self {
            service,
            decider: Decider::new(service.clone(), domain, registry).keep(keep),
            root,
            luck: case.luck.iter(),
            tasks: Vec::new(),
            answered: 0,
        };
        for _ in 0..ROUNDS {
            driver.decide_all().await;
            let executions = driver.executions().await;
            if !executions[0].is_open() {
                return told(&executions);
            }
            driver.go_on(&executions).await;
        }
        panic!("it does not end");
    }

    fn draw(&mut self, choices: usize) -> usize {
        usize::from(*self.luck.next().unwrap_or(&0)) % choices
    }

    /// Answers every decision task, one after the other. What is due at once happens before the next
    /// one, and a worker takes each activity task.
    async fn decide_all(&mut self) {
        let list = TaskListName::from(LIST);
        let task_list = || TaskList {
            name: list.clone(),
            ..TaskList::default()
        };
        loop {
            while self.executions().await.iter().any(Execution::has_due_timer) {
                tokio::task::yield_now().await;
            }
            let count = CountPendingDecisionTasks {
                domain: DOMAIN.into(),
                task_list: task_list(),
                ..CountPendingDecisionTasks::default()
            };
            let waiting = self.service.count_pending_decision_tasks(count).await;
            if waiting.unwrap().count == 0 {
                break;
            }
            let poll = self.decider.poll_request(&list);
            let task = self.service.poll_for_decision_task(poll).await.unwrap();
            let task = task.expect("a task that waits");
            self.decider.decide(task, &list).await.unwrap();
        }
        let list = TaskList {
            name: "default".into(),
            ..TaskList::default()
        };
        loop {
            let count = CountPendingActivityTasks {
                domain: DOMAIN.into(),
                task_list: list.clone(),
                ..CountPendingActivityTasks::default()
            };
            let waiting = self.service.count_pending_activity_tasks(count).await;
            if waiting.unwrap().count == 0 {
                break;
            }
            let poll = PollForActivityTask {
                domain: DOMAIN.into(),
                task_list: list.clone(),
                ..PollForActivityTask::default()
            };
            let task = self.service.poll_for_activity_task(poll).await.unwrap();
            self.tasks.push(task.expect("a task that waits"));
        }
    }

    /// Lets one thing happen: an activity is answered, or a signal arrives.
    async fn go_on(&mut self, executions: &[Execution]) {
        self.answered += 1;
        if self.tasks.is_empty() || self.draw(6) == 5 {
            let target = &executions[self.draw(executions.len())];
            let signal = SignalWorkflowExecution {
                domain: DOMAIN.into(),
                workflow_id: target.id.workflow_id.clone(),
                signal_name: SIGNALS[self.answered % 2].into(),
                input: Some(self.answered.to_string().into()),
                ..SignalWorkflowExecution::default()
            };
            return unless_over(self.service.signal_workflow_execution(signal).await);
        }
        let number = self.draw(self.tasks.len());
        let task_token = self.tasks.remove(number).task_token;
        let answered = match self.draw(8) {
            7 => {
                let answer = RespondActivityTaskFailed {
                    task_token,
                    reason: Some("no".into()),
                    ..RespondActivityTaskFailed::default()
                };
                self.service.respond_activity_task_failed(answer).await
            }
            6 => {
                let answer = RespondActivityTaskCanceled {
                    task_token,
                    ..RespondActivityTaskCanceled::default()
                };
                self.service.respond_activity_task_canceled(answer).await
            }
            _ => {
                let answer = RespondActivityTaskCompleted {
                    task_token,
                    result: Some(self.answered.to_string().into()),
                    ..RespondActivityTaskCompleted::default()
                };
                self.service.respond_activity_task_completed(answer).await
            }
        };
        unless_over(answered);
    }

    /// The root and all that descends from it, in the order of their starts.
    async fn executions(&self) -> Vec<Execution> {
        let mut executions = Vec::new();
        let mut left = vec![("root".to_owned(), self.root.clone())];
        while let Some((name, id)) = left.pop() {
            let history = self.history(&id).await;
            for event in &history {
                if let EventAttributes::ChildWorkflowExecutionStarted(child) = &event.attributes {
                    let name = format!("{name}, child of event {}", child.initiated_event_id);
                    left.push((name, child.workflow_execution.clone()));
                }
            }
            executions.push(Execution { name, id, history });
        }
        executions
    }

    async fn history(&self, execution: &WorkflowExecution) -> Vec<HistoryEvent> {
        let mut request = GetWorkflowExecutionHistory {
            domain: DOMAIN.into(),
            execution: execution.clone(),
            ..GetWorkflowExecutionHistory::default()
        };
        let mut events = Vec::new();
        loop {
            let page = self.service.get_workflow_execution_history(request.clone());
            let page = page.await.unwrap();
            events.extend(page.events);
            request.next_page_token = page.next_page_token;
            if request.next_page_token.is_none() {
                return events;
            }
        }
    }
}

/// That something is over by now is no error.
fn unless_over(done: Result<(), ServiceError>) {
    match done {
        Err(error) if error.is_fault(FaultKind::UnknownResource) => {}
        done => done.unwrap(),
    }
}

/// What there is to compare: all but times, and the run ids that a service makes, with what is made
/// of them.
fn told(executions: &[Execution]) -> Told {
    let told = |event: &HistoryEvent| {
        let mut event = serde_json::to_value(event).unwrap();
        event.as_object_mut().unwrap().remove("eventTimestamp");
        let mut text = event.to_string();
        // The ids of children begin with those of their parents: the longer ones first.
        for Execution { name, id, .. } in executions.iter().rev() {
            let children = child_id_prefix(&id.workflow_id, &id.run_id);
            text = text.replace(&children, &format!("(child of {name}) "));
            text = text.replace(id.run_id.as_str(), &format!("(run of {name})"));
        }
        serde_json::from_str(&text).unwrap()
    };
    executions
        .iter()
        .map(|execution| {
            let events = execution.history.iter().map(told);
            (execution.name.clone(), events.collect())
        })
        .collect()
}

/// The backends, each of them ready for deciders.
struct Backends {
    runtime: Runtime,
    local: InProcess,
    embedded: Embedded,
    over_http: AwsSwf,
    _server: Server,
    _store: tempfile::TempDir,
}

impl Backends {
    fn start() -> Self {
        let server = Server::start(&["--in-memory"]);
        let runtime = Runtime::new().unwrap();
        let store = tempfile::tempdir().unwrap();
        let (local, embedded, over_http) = runtime.block_on(async {
            let dir = store.path().join("store");
            let embedded = Embedded::open(Storage::Disk { dir, relaxed: true });
            let endpoint = format!("http://{}", server.address);
            let over_http = AwsSwf::at(&endpoint, "us-east-1").await.unwrap();
            (InProcess::new(), embedded.await.unwrap(), over_http)
        });
        let backends = Self {
            runtime,
            local,
            embedded,
            over_http,
            _server: server,
            _store: store,
        };
        let runtime = &backends.runtime;
        runtime.block_on(prepare(&backends.local));
        runtime.block_on(prepare(&backends.embedded.service()));
        runtime.block_on(prepare(&backends.over_http));
        backends
    }

    /// What becomes of a case, on each backend with each decider.
    fn run(&self, case: &Case) -> Vec<(String, Told)> {
        let embedded = self.embedded.service();
        let mut all = Vec::new();
        for (decider, keep) in [("keeps the code", 100), ("replays everything", 0)] {
            let local = self.runtime.block_on(async {
                tokio::select! {
                    told = Driver::run(&self.local, case, keep) => told,
                    () = self.local.keep_time() => unreachable!("it keeps time for ever"),
                }
            });
            let embedded = self.runtime.block_on(Driver::run(&embedded, case, keep));
            let over_http = self
                .runtime
                .block_on(Driver::run(&self.over_http, case, keep));
            let told = [
                ("local", local),
                ("embedded", embedded),
                ("HTTP", over_http),
            ];
            all.extend(told.map(|(name, told)| (format!("{name}, {decider}"), told)));
        }
        all
    }
}

async fn prepare<S: SwfService>(service: &S) {
    let registry = Registry::new()
        .workflow::<Program>()
        .activity::<work>()
        .activity::<work_once>();
    let prepared = registration::register_all(service, &DOMAIN.into(), &registry).await;
    prepared.unwrap();
}

/// Where two runs of a case part, if they do.
fn difference(one: &Told, other: &Told) -> Option<String> {
    for name in one.keys().chain(other.keys()) {
        let (Some(events), Some(others)) = (one.get(name), other.get(name)) else {
            return Some(format!("one of them has no {name}"));
        };
        let part = events
            .iter()
            .zip(others)
            .find(|(event, other)| event != other);
        if let Some((event, other)) = part {
            return Some(format!("{name}:\n  {event}\n  {other}"));
        }
        if events.len() != others.len() {
            let (events, others) = (events.len(), others.len());
            return Some(format!("{name}: {events} events, {others} events"));
        }
    }
    None
}

fn config(cases: u32) -> Config {
    Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    }
}

#[test]
fn every_backend_makes_the_same_history_with_kept_code_and_with_replays() {
    let backends = Backends::start();
    let mut runner = TestRunner::new(config(48));
    let result = runner.run(&cases(), |case| {
        let all = backends.run(&case);
        let (first, told) = &all[0];
        for (other, others) in &all[1..] {
            if let Some(difference) = difference(told, others) {
                let difference = format!("{first} / {other}: {difference}");
                return Err(TestCaseError::fail(difference));
            }
        }
        Ok(())
    });
    result.unwrap_or_else(|failed| panic!("{failed}"));
}

/// The same programs, where everything happens in the orders in which it may.
#[test]
fn programs_decide_the_same_at_each_replay_in_whatever_order() {
    let mut runner = TestRunner::new(config(24));
    let result = runner.run(&cases(), |Case { steps, .. }| {
        let explored = explore(Program { steps })
            .signal("a", 1)
            .signal("b", 2)
            .fail_any(1)
            .bound(60)
            .run();
        match explored.wrong() {
            None => Ok(()),
            Some(_) => Err(TestCaseError::fail(explored.to_string())),
        }
    });
    result.unwrap_or_else(|failed| panic!("{failed}"));
}

/// The property says nothing if the programs do nothing.
#[test]
fn the_programs_have_all_that_they_are_made_of() {
    let backends = Backends::start();
    let submit = |after, retry| Step::Submit { after, retry };
    let steps = vec![
        submit(None, 1),
        submit(Some(0), 0),
        Step::Child(vec![Step::Signal(1), Step::Nap]),
        submit(None, 0),
        Step::Both(vec![Step::Nap], vec![Step::Once(1), Step::All]),
        Step::Race { task: 2, hours: 1 },
        Step::Cancel(3),
        Step::Patch(0),
        Step::Mark(1),
        Step::Await(1),
    ];
    // A failure and the second attempt, the idempotent task, two signals, the task that is awaited.
    let luck = vec![0, 0, 7, 0, 2, 0, 0, 1, 0, 5, 1, 5, 1, 0, 1, 0];
    let all = backends.run(&Case { steps, luck });
    for (name, told) in &all {
        assert_eq!(difference(&all[0].1, told), None, "{name}");
        assert_eq!(told.len(), 2, "{name}: a parent and its child");
        let types: Vec<_> = told
            .values()
            .flatten()
            .map(|event| &event["eventType"])
            .collect();
        for event_type in [
            "ActivityTaskCompleted",
            "ActivityTaskFailed",
            "ActivityTaskCancelRequested",
            "TimerFired",
            "TimerCanceled",
            "WorkflowExecutionSignaled",
            "ChildWorkflowExecutionCompleted",
            "MarkerRecorded",
            "WorkflowExecutionCompleted",
        ] {
            assert!(
                types.iter().any(|t| **t == event_type),
                "{name}: {event_type} in {types:?}"
            );
        }
    }
}
