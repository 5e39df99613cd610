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

use std::cell::Cell;
use std::collections::BTreeMap;
use std::error::Error;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};

use proptest::test_runner::{Config, RngSeed, TestCaseError, TestRunner};
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

const LIST: &str = "backends";

/// More than any program needs, where each signal that it waits for comes in its turn.
const ROUNDS: usize = 400;

/// The executions of a case, by what they are: the types, ids and attributes of their events.
type Histories = BTreeMap<String, Vec<Value>>;

type Fallible<T> = Result<T, Box<dyn Error>>;

/// What a decider has of an execution when it is to decide again.
#[derive(Clone, Copy, Debug)]
enum Decides {
    /// The suspended code, to which it feeds what is new.
    WithKeptCode,
    /// Nothing: it replays the whole history.
    WithReplays,
}

impl Decides {
    const BOTH: [Self; 2] = [Self::WithKeptCode, Self::WithReplays];

    /// How many executions a decider keeps for that.
    fn kept(self) -> usize {
        match self {
            Self::WithKeptCode => 100,
            Self::WithReplays => 0,
        }
    }
}

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
    domain: &'a DomainName,
    decider: Decider<S>,
    root: WorkflowExecution,
    luck: std::slice::Iter<'a, u8>,
    /// The activity tasks that the worker has.
    tasks: Vec<ActivityTask>,
    /// How many things happened.
    happened: usize,
    /// How many signals were sent since the luck is used up.
    turns: usize,
}

impl<'a, S: SwfService> Driver<'a, S> {
    /// Runs a case to its end, in a domain where no other one runs. The error has all that there is
    /// to find out why.
    async fn run(
        service: &'a S,
        domain: &'a DomainName,
        case: &'a Case,
        decides: Decides,
    ) -> Result<Histories, String> {
        let started = Self::start(service, domain, case, decides).await;
        let mut driver = started.map_err(|error| format!("it does not start: {error}"))?;
        match driver.go_to_the_end().await {
            Ok(histories) => Ok(histories),
            Err(error) => {
                let histories = match driver.executions().await {
                    Ok(executions) => lines(&comparable(&executions)),
                    Err(error) => error.to_string(),
                };
                Err(format!("round {}: {error}\n{histories}", driver.happened))
            }
        }
    }

    async fn start(
        service: &'a S,
        domain: &'a DomainName,
        case: &'a Case,
        decides: Decides,
    ) -> Fallible<Self> {
        let registry = registry();
        registration::register_all(service, domain, &registry).await?;
        let input = serde_json::to_string(&(&case.steps,))?;
        let options = StartOptions {
            workflow_id: Some("root".into()),
            task_list: Some(LIST.into()),
            ..StartOptions::default()
        };
        let entry = WorkflowEntry::of::<Program>();
        let now = Timestamp::default();
        let root = start(service, domain, &entry, &input, &options, now).await?;
        let decider = Decider::new(service.clone(), domain.clone(), registry);
        Ok(Self {
            service,
            domain,
            decider: decider.keep(decides.kept()),
            root,
            luck: case.luck.iter(),
            tasks: Vec::new(),
            happened: 0,
            turns: 0,
        })
    }

    async fn go_to_the_end(&mut self) -> Fallible<Histories> {
        for _ in 0..ROUNDS {
            self.decide_all().await?;
            let executions = self.executions().await?;
            if !executions[0].is_open() {
                return Ok(comparable(&executions));
            }
            self.go_on(&executions).await?;
        }
        Err("it does not end".into())
    }

    /// One of so many choices, while there is luck.
    fn draw(&mut self, choices: usize) -> Option<usize> {
        Some(usize::from(*self.luck.next()?) % choices)
    }

    /// Answers every decision task, one after the other. What is due at once happens before the next
    /// one, and a worker takes each activity task.
    async fn decide_all(&mut self) -> Fallible<()> {
        let list = TaskListName::from(LIST);
        let task_list = || TaskList {
            name: list.clone(),
            ..TaskList::default()
        };
        loop {
            while self.has_due_timer().await? {
                tokio::task::yield_now().await;
            }
            let count = CountPendingDecisionTasks {
                domain: self.domain.clone(),
                task_list: task_list(),
                ..CountPendingDecisionTasks::default()
            };
            let waiting = self.service.count_pending_decision_tasks(count).await?;
            if waiting.count == 0 {
                break;
            }
            let poll = self.decider.poll_request(&list);
            let task = self.service.poll_for_decision_task(poll).await?;
            let task = task.ok_or("no decision task, although one waits")?;
            self.decider.decide(task, &list).await?;
        }
        let list = TaskList {
            name: "default".into(),
            ..TaskList::default()
        };
        loop {
            let count = CountPendingActivityTasks {
                domain: self.domain.clone(),
                task_list: list.clone(),
                ..CountPendingActivityTasks::default()
            };
            let waiting = self.service.count_pending_activity_tasks(count).await?;
            if waiting.count == 0 {
                return Ok(());
            }
            let poll = PollForActivityTask {
                domain: self.domain.clone(),
                task_list: list.clone(),
                ..PollForActivityTask::default()
            };
            let task = self.service.poll_for_activity_task(poll).await?;
            self.tasks
                .push(task.ok_or("no activity task, although one waits")?);
        }
    }

    async fn has_due_timer(&self) -> Fallible<bool> {
        let executions = self.executions().await?;
        Ok(executions.iter().any(Execution::has_due_timer))
    }

    /// Lets one thing happen: an activity is answered, or a signal arrives.
    async fn go_on(&mut self, executions: &[Execution]) -> Fallible<()> {
        self.happened += 1;
        if self.tasks.is_empty() || self.draw(6) == Some(5) {
            return self.signal(executions).await;
        }
        let number = self.draw(self.tasks.len()).unwrap_or_default();
        let task_token = self.tasks.remove(number).task_token;
        let answered = match self.draw(8) {
            Some(7) => {
                let answer = RespondActivityTaskFailed {
                    task_token,
                    reason: Some("no".into()),
                    ..RespondActivityTaskFailed::default()
                };
                self.service.respond_activity_task_failed(answer).await
            }
            Some(6) => {
                let answer = RespondActivityTaskCanceled {
                    task_token,
                    ..RespondActivityTaskCanceled::default()
                };
                self.service.respond_activity_task_canceled(answer).await
            }
            _ => {
                let answer = RespondActivityTaskCompleted {
                    task_token,
                    result: Some(self.happened.to_string().into()),
                    ..RespondActivityTaskCompleted::default()
                };
                self.service.respond_activity_task_completed(answer).await
            }
        };
        unless_over(answered)
    }

    /// Signals any of the executions. When the luck is used up each name comes to each that is open,
    /// in turn, so that everything ends that waits for signals.
    async fn signal(&mut self, executions: &[Execution]) -> Fallible<()> {
        let (target, name) = match self.draw(executions.len()) {
            Some(number) => (&executions[number], self.happened),
            None => {
                let open: Vec<_> = executions.iter().filter(|it| it.is_open()).collect();
                let (target, name) = (self.turns / SIGNALS.len(), self.turns);
                self.turns += 1;
                (open[target % open.len()], name)
            }
        };
        let signal = SignalWorkflowExecution {
            domain: self.domain.clone(),
            workflow_id: target.id.workflow_id.clone(),
            signal_name: SIGNALS[name % SIGNALS.len()].into(),
            input: Some(self.happened.to_string().into()),
            ..SignalWorkflowExecution::default()
        };
        unless_over(self.service.signal_workflow_execution(signal).await)
    }

    /// The root and all that descends from it, in the order of their starts.
    async fn executions(&self) -> Fallible<Vec<Execution>> {
        let mut executions = Vec::new();
        let mut left = vec![("root".to_owned(), self.root.clone())];
        while let Some((name, id)) = left.pop() {
            let history = self.history(&id).await?;
            for event in &history {
                if let EventAttributes::ChildWorkflowExecutionStarted(child) = &event.attributes {
                    let name = format!("{name}, child of event {}", child.initiated_event_id);
                    left.push((name, child.workflow_execution.clone()));
                }
            }
            executions.push(Execution { name, id, history });
        }
        Ok(executions)
    }

    async fn history(&self, execution: &WorkflowExecution) -> Fallible<Vec<HistoryEvent>> {
        let mut request = GetWorkflowExecutionHistory {
            domain: self.domain.clone(),
            execution: execution.clone(),
            ..GetWorkflowExecutionHistory::default()
        };
        let mut events = Vec::new();
        loop {
            let page = self.service.get_workflow_execution_history(request.clone());
            let page = page.await?;
            events.extend(page.events);
            request.next_page_token = page.next_page_token;
            if request.next_page_token.is_none() {
                return Ok(events);
            }
        }
    }
}

/// That something is over by now is no error.
fn unless_over(done: Result<(), ServiceError>) -> Fallible<()> {
    match done {
        Err(error) if error.is_fault(FaultKind::UnknownResource) => Ok(()),
        done => Ok(done?),
    }
}

/// What there is to compare: all but times, and the run ids that a service makes, with what is made
/// of them.
fn comparable(executions: &[Execution]) -> Histories {
    let comparable = |event: &HistoryEvent| {
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
            let events = execution.history.iter().map(comparable);
            (execution.name.clone(), events.collect())
        })
        .collect()
}

/// The histories for a person: a line for each event.
fn lines(histories: &Histories) -> String {
    let mut lines = String::new();
    for (name, events) in histories {
        lines += &format!("{name}:\n");
        lines.extend(events.iter().map(|event| format!("  {event}\n")));
    }
    lines
}

/// A case on one of the backends, with one kind of decider.
struct Run {
    name: String,
    histories: Histories,
}

/// The backends.
struct Backends {
    runtime: Runtime,
    local: InProcess,
    embedded: Embedded,
    over_http: AwsSwf,
    /// Where nothing runs, if there is such a domain. Each run that fails leaves one behind, because
    /// its executions are in the way of others.
    domain: Cell<Option<DomainName>>,
    domains: Cell<usize>,
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
        Self {
            runtime,
            local,
            embedded,
            over_http,
            domain: Cell::default(),
            domains: Cell::default(),
            _server: server,
            _store: store,
        }
    }

    /// What becomes of a case, on each backend with each decider.
    fn run(&self, case: &Case) -> Result<Vec<Run>, TestCaseError> {
        let domain = self.domain.take().unwrap_or_else(|| {
            self.domains.set(self.domains.get() + 1);
            format!("backends-{}", self.domains.get()).into()
        });
        let embedded = self.embedded.service();
        let mut runs = Vec::new();
        for decides in Decides::BOTH {
            let mut add = |backend: &str, ended: Result<Histories, String>| {
                let name = format!("{backend} {decides:?}");
                let histories =
                    ended.map_err(|error| TestCaseError::fail(format!("{name}: {error}")))?;
                runs.push(Run { name, histories });
                Ok::<_, TestCaseError>(())
            };
            let local = async {
                tokio::select! {
                    ended = Driver::run(&self.local, &domain, case, decides) => ended,
                    () = self.local.keep_time() => unreachable!("it keeps time for ever"),
                }
            };
            add("local", self.runtime.block_on(local))?;
            let embedded = Driver::run(&embedded, &domain, case, decides);
            add("embedded", self.runtime.block_on(embedded))?;
            let over_http = Driver::run(&self.over_http, &domain, case, decides);
            add("HTTP", self.runtime.block_on(over_http))?;
        }
        self.domain.set(Some(domain));
        Ok(runs)
    }

    /// Runs a case everywhere, which has to do the same everywhere.
    fn run_alike(&self, case: &Case) -> Result<Vec<Run>, TestCaseError> {
        let runs = self.run(case)?;
        for other in &runs[1..] {
            if let Some(difference) = difference(&runs[0].histories, &other.histories) {
                return Err(TestCaseError::fail(format!(
                    "{difference}\n{}:\n{}{}:\n{}",
                    runs[0].name,
                    lines(&runs[0].histories),
                    other.name,
                    lines(&other.histories),
                )));
            }
        }
        Ok(runs)
    }
}

fn registry() -> Registry {
    Registry::new()
        .workflow::<Program>()
        .activity::<work>()
        .activity::<work_once>()
}

/// Where two runs of a case part, if they do.
fn difference(one: &Histories, other: &Histories) -> Option<String> {
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

/// Checks a property of so many cases. What it says when one fails has the seed that finds it again.
fn check(count: u32, property: impl Fn(Case) -> Result<(), TestCaseError>) {
    let given = Config::default();
    let seed = match given.rng_seed {
        RngSeed::Random => RandomState::new().build_hasher().finish(),
        RngSeed::Fixed(seed) => seed,
    };
    let mut runner = TestRunner::new(Config {
        cases: count,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(seed),
        // Each that fails has a domain of its own, of which there may be a hundred.
        max_shrink_iters: 90,
        ..given
    });
    let failed = runner.run(&cases(), property);
    failed.unwrap_or_else(|failed| panic!("PROPTEST_RNG_SEED={seed}\n{failed}"));
}

#[test]
fn every_backend_makes_the_same_history_with_kept_code_and_with_replays() {
    let backends = Backends::start();
    check(48, |case| backends.run_alike(&case).map(drop));
}

/// The same programs, where everything happens in the orders in which it may.
#[test]
fn programs_decide_the_same_at_each_replay_in_whatever_order() {
    check(24, |Case { steps, .. }| {
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
}

/// They would wait for ever for signals that come to their parent alone.
#[test]
fn children_that_wait_for_signals_end_without_luck() {
    let backends = Backends::start();
    let child = |signal| Step::Child(vec![Step::Signal(signal)]);
    let steps = vec![child(0), child(1), Step::All];
    let luck = Vec::new();
    let runs = backends.run_alike(&Case { steps, luck }).unwrap();
    assert_eq!(runs[0].histories.len(), 3, "a parent and two children");
}

/// What failed before has nothing to do with what fails next, so a case can be made smaller.
#[test]
fn a_case_that_fails_is_not_in_the_way_of_the_next() {
    let backends = Backends::start();
    let case = |rounds| Case {
        steps: vec![Step::Signal(0); rounds],
        luck: Vec::new(),
    };
    let failed = backends.run(&case(ROUNDS)).map(drop).unwrap_err();
    let failed = failed.to_string();
    assert!(
        failed.contains("local WithKeptCode: round 400: it does not end\nroot:"),
        "{failed}"
    );
    backends.run_alike(&case(1)).unwrap();
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
    let runs = backends.run_alike(&Case { steps, luck }).unwrap();
    for Run { name, histories } in &runs {
        assert_eq!(histories.len(), 2, "{name}: a parent and its child");
        let types: Vec<_> = histories
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
