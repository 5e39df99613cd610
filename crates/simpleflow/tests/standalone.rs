//! A workflow alone with its deciders and worker, over the service with a store.

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use simpleflow::prelude::*;
use simpleflow::{Lambda, Registry, Workflow, WorkflowEntry};
use simpleflow_executor::{
    Begun, Ended, Outcome, Repair, Standalone, StandaloneError, StartError, StartOptions, Stop,
    registration,
};
use simpleflow_model::decision::ContinueAsNewWorkflowExecution;
use simpleflow_model::operation::{
    GetWorkflowExecutionHistory, PollForDecisionTask, RegisterDomain, RespondDecisionTaskCompleted,
    SignalWorkflowExecution,
};
use simpleflow_model::{EventAttributes, HistoryEvent, RetentionDays, TaskList, WorkflowExecution};
use simpleflow_server::{Embedded, EmbeddedService, Storage};
use simpleflow_service::SwfService as _;

const DOMAIN: &str = "alone";

/// How long a run may take.
const PATIENCE: Duration = Duration::from_secs(60);

#[activity]
async fn add(x: i64) -> Result<i64> {
    Ok(x + 1)
}

/// Whether the child fails.
static CHILD_FAILS: AtomicBool = AtomicBool::new(true);

#[workflow(version = "1")]
struct Child {
    x: i64,
}

impl Workflow for Child {
    type Output = i64;

    async fn run(self, flow: Flow) -> Result<i64> {
        let y = flow.submit(add(self.x)).await?;
        if CHILD_FAILS.load(Ordering::SeqCst) {
            bail!("not yet");
        }
        Ok(y)
    }
}

#[workflow(version = "1")]
struct Parent;

impl Workflow for Parent {
    type Output = i64;

    async fn run(self, flow: Flow) -> Result<i64> {
        let own = flow.submit(add(1)).await?;
        let child = flow.submit(Child { x: 10 }).await?;
        Ok(own + child)
    }
}

/// How often the counted activity ran.
static RUNS: AtomicU32 = AtomicU32::new(0);

#[activity]
async fn counted() -> Result<u32> {
    Ok(RUNS.fetch_add(1, Ordering::SeqCst))
}

#[workflow(version = "1")]
struct Waits;

impl Workflow for Waits {
    type Output = u32;

    async fn run(self, flow: Flow) -> Result<u32> {
        let first = flow.submit(counted()).await?;
        flow.wait_signal::<()>("go").await?;
        Ok(first)
    }
}

async fn open() -> Embedded {
    let embedded = Embedded::open(Storage::Memory).await.expect("a service");
    let service = embedded.service();
    let domain = registration::register_domain(&service, DOMAIN.into()).await;
    domain.expect("the domain is registered");
    embedded
}

fn alone(service: &EmbeddedService) -> Standalone<EmbeddedService> {
    Standalone::new(service.clone(), DOMAIN.into(), Registry::linked())
        .look_every(Duration::from_millis(5))
}

async fn begin<W: Workflow>(alone: &Standalone<EmbeddedService>) -> Result<Begun, StandaloneError> {
    let options = StartOptions::default();
    alone.begin(&WorkflowEntry::of::<W>(), "", options).await
}

/// Runs it to its end, or until its history satisfies `enough`.
async fn run(
    alone: &Standalone<EmbeddedService>,
    begun: &Begun,
    enough: impl Fn(&HistoryEvent) -> bool,
) -> Ended {
    let stop = Stop::new();
    let observe = |events: &[HistoryEvent]| {
        if events.iter().any(&enough) {
            stop.request();
        }
    };
    let ran = tokio::time::timeout(PATIENCE, alone.run(begun, observe, &stop)).await;
    ran.expect("it ends in time").expect("the service serves")
}

async fn history(service: &EmbeddedService, execution: &WorkflowExecution) -> Vec<HistoryEvent> {
    let history = GetWorkflowExecutionHistory {
        domain: DOMAIN.into(),
        execution: execution.clone(),
        ..GetWorkflowExecutionHistory::default()
    };
    let history = service.get_workflow_execution_history(history).await;
    history.expect("a history").events
}

/// Sends an execution the signal "go".
async fn go(service: &EmbeddedService, begun: &Begun) {
    let signal = SignalWorkflowExecution {
        domain: DOMAIN.into(),
        workflow_id: begun.execution.workflow_id.clone(),
        signal_name: "go".into(),
        ..SignalWorkflowExecution::default()
    };
    let sent = service.signal_workflow_execution(signal).await;
    sent.expect("it is open");
}

#[tokio::test]
async fn a_repair_takes_the_results_of_its_execution_and_not_of_others() {
    let embedded = open().await;
    let service = embedded.service();
    let first = alone(&service);
    let begun = begin::<Parent>(&first).await.expect("it starts");
    let ended = run(&first, &begun, |_| false).await;
    assert!(
        matches!(ended, Ended::Closed(Outcome::Failed { .. })),
        "{ended:?}"
    );

    // The child runs again, and its activity has the id of one that its parent had done.
    CHILD_FAILS.store(false, Ordering::SeqCst);
    let former = history(&service, &begun.execution).await;
    let repair = Repair::new(&begun.execution, &former, |_| false);
    assert_eq!(repair.tasks(), 1);
    let second = alone(&service).repair(repair);
    let begun = begin::<Parent>(&second).await.expect("it starts");
    let ended = run(&second, &begun, |_| false).await;
    assert_eq!(ended, Ended::Closed(Outcome::Completed("13".into())));
}

#[tokio::test]
async fn an_execution_that_is_open_is_gone_on_with_when_that_is_wanted() {
    let embedded = open().await;
    let service = embedded.service();
    let first = alone(&service).resumes(true);
    let begun = begin::<Waits>(&first).await.expect("it starts");
    assert!(!begun.resumed);
    let done = |event: &HistoryEvent| event.attributes.event_type() == "ActivityTaskCompleted";
    assert_eq!(run(&first, &begun, done).await, Ended::Stopped);

    let refused = begin::<Waits>(&alone(&service)).await;
    assert!(
        matches!(
            refused,
            Err(StandaloneError::Start(StartError::AlreadyOpen(_)))
        ),
        "{refused:?}"
    );

    let second = alone(&service).resumes(true);
    let again = begin::<Waits>(&second).await.expect("it is there");
    assert!(again.resumed);
    assert_eq!(
        (&again.execution, &again.task_list),
        (&begun.execution, &begun.task_list)
    );
    go(&service, &again).await;
    let ended = run(&second, &again, |_| false).await;
    assert_eq!(ended, Ended::Closed(Outcome::Completed("0".into())));
    assert_eq!(
        RUNS.load(Ordering::SeqCst),
        1,
        "what was done is not done again"
    );
}

#[workflow(version = "1")]
struct Rounds {
    #[default(0)]
    round: u32,
}

impl Workflow for Rounds {
    type Output = u32;

    async fn run(self, flow: Flow) -> Result<u32> {
        if self.round < 2 {
            return flow.continue_as_new(Self {
                round: self.round + 1,
            });
        }
        flow.wait_signal::<()>("go").await?;
        Ok(self.round)
    }
}

#[tokio::test]
async fn an_execution_that_continued_as_new_is_gone_on_with_under_its_first_input() {
    let embedded = open().await;
    let service = embedded.service();
    let first = alone(&service).resumes(true);
    let begun = begin::<Rounds>(&first).await.expect("it starts");
    let waits = |event: &HistoryEvent| match &event.attributes {
        EventAttributes::DecisionTaskCompleted(done) => done.execution_context.is_some(),
        _ => false,
    };
    assert_eq!(run(&first, &begun, waits).await, Ended::Stopped);

    let second = alone(&service).resumes(true);
    let again = begin::<Rounds>(&second).await.expect("it is there");
    assert!(again.resumed);
    assert_ne!(again.execution.run_id, begun.execution.run_id);
    go(&service, &again).await;
    let ended = run(&second, &again, |_| false).await;
    assert_eq!(ended, Ended::Closed(Outcome::Completed("2".into())));
}

#[activity]
async fn echo(x: u32) -> Result<u32> {
    Ok(x)
}

#[workflow(version = "1")]
struct Echoes {
    #[default(0)]
    round: u32,
}

impl Workflow for Echoes {
    type Output = u32;

    async fn run(self, flow: Flow) -> Result<u32> {
        if self.round == 0 {
            flow.submit(echo(0)).await?;
            return flow.continue_as_new(Self { round: 1 });
        }
        flow.wait_signal::<()>("go").await?;
        Ok(flow.submit(echo(1)).await?)
    }
}

#[tokio::test]
async fn a_repair_that_is_gone_on_with_in_a_later_run_answers_none_of_its_tasks() {
    let embedded = open().await;
    let service = embedded.service();
    let first = alone(&service).resumes(true);
    let begun = begin::<Echoes>(&first).await.expect("it starts");
    assert_eq!(begun.first_run, begun.execution.run_id);
    let renewed =
        |event: &HistoryEvent| event.attributes.event_type() == "WorkflowExecutionContinuedAsNew";
    assert_eq!(run(&first, &begun, renewed).await, Ended::Stopped);

    // The next run has a task of the id of one that the first had done.
    let former = history(&service, &begun.execution).await;
    let repair = Repair::new(&begun.execution, &former, |_| false);
    assert_eq!(repair.tasks(), 1);
    let second = alone(&service).resumes(true).repair(repair);
    let again = begin::<Echoes>(&second).await.expect("it is there");
    assert_eq!(again.first_run, begun.execution.run_id);
    assert_ne!(again.execution.run_id, begun.execution.run_id);
    go(&service, &again).await;
    let ended = run(&second, &again, |_| false).await;
    assert_eq!(ended, Ended::Closed(Outcome::Completed("1".into())));
}

/// Has an execution that waits continue as new, so often.
async fn renew(service: &EmbeddedService, domain: &str, begun: &Begun, input: &str, times: usize) {
    let task_list = TaskList {
        name: begun.task_list.clone(),
        ..TaskList::default()
    };
    for _ in 0..times {
        let poll = PollForDecisionTask {
            domain: domain.into(),
            task_list: task_list.clone(),
            ..PollForDecisionTask::default()
        };
        let task = service.poll_for_decision_task(poll).await;
        let task = task.expect("it is polled for").expect("there is a task");
        let next = ContinueAsNewWorkflowExecution {
            input: Some(input.into()),
            task_list: Some(task_list.clone()),
            ..ContinueAsNewWorkflowExecution::default()
        };
        let answer = RespondDecisionTaskCompleted {
            task_token: task.task_token,
            decisions: Some(vec![next.into()]),
            ..RespondDecisionTaskCompleted::default()
        };
        let answered = service.respond_decision_task_completed(answer).await;
        answered.expect("it is open");
    }
}

/// Registers a domain that keeps no closed runs.
async fn register_forgetful(service: &EmbeddedService) {
    let forgetful = RegisterDomain {
        name: "forgetful".into(),
        workflow_execution_retention_period_in_days: RetentionDays(0),
        ..RegisterDomain::default()
    };
    let registered = service.register_domain(forgetful).await;
    registered.expect("the domain is registered");
}

#[tokio::test]
async fn an_execution_whose_first_run_is_forgotten_is_gone_on_with() {
    let embedded = open().await;
    let service = embedded.service();
    register_forgetful(&service).await;
    let alone = Standalone::new(service.clone(), "forgetful".into(), Registry::linked());
    let alone = alone.resumes(true);
    let begun = begin::<Rounds>(&alone).await.expect("it starts");
    renew(&service, "forgetful", &begun, "another", 2).await;
    let again = begin::<Rounds>(&alone).await.expect("it is there");
    assert!(again.resumed);
    assert_ne!(again.execution.run_id, begun.first_run);
    // No run before it was found.
    assert_eq!(again.execution.run_id, again.first_run);
}

/// Has a task of the same id in each run.
#[workflow(version = "1")]
struct EchoesFirst {
    #[default(0)]
    round: u32,
}

impl Workflow for EchoesFirst {
    type Output = u32;

    async fn run(self, flow: Flow) -> Result<u32> {
        let echoed = flow.submit(echo(self.round)).await?;
        if self.round == 0 {
            return flow.continue_as_new(Self { round: 1 });
        }
        flow.wait_signal::<()>("go").await?;
        Ok(echoed)
    }
}

#[tokio::test]
async fn a_repair_whose_first_run_is_forgotten_answers_none_of_its_tasks() {
    let embedded = open().await;
    let service = embedded.service();
    register_forgetful(&service).await;
    let first = alone(&service);
    let begun = begin::<EchoesFirst>(&first).await.expect("it starts");
    let renewed =
        |event: &HistoryEvent| event.attributes.event_type() == "WorkflowExecutionContinuedAsNew";
    assert_eq!(run(&first, &begun, renewed).await, Ended::Stopped);
    let former = history(&service, &begun.execution).await;
    let repair = Repair::new(&begun.execution, &former, |_| false);
    assert_eq!(repair.tasks(), 1);

    // The next run has a task of the same id.
    let next = Standalone::new(service.clone(), "forgetful".into(), Registry::linked())
        .look_every(Duration::from_millis(5))
        .resumes(true)
        .repair(repair);
    let begun = begin::<EchoesFirst>(&next).await.expect("it starts");
    renew(&service, "forgetful", &begun, "[1]", 1).await;
    let again = begin::<EchoesFirst>(&next).await.expect("it is there");
    assert_ne!(again.execution.run_id, begun.execution.run_id);
    assert_eq!(again.execution.run_id, again.first_run);
    let results = RefCell::new(Vec::new());
    let done = |event: &HistoryEvent| match &event.attributes {
        EventAttributes::ActivityTaskCompleted(done) => {
            results.borrow_mut().extend(done.result.clone());
            true
        }
        _ => false,
    };
    assert_eq!(run(&next, &again, done).await, Ended::Stopped);
    assert_eq!(*results.borrow(), ["1"]);
}

#[tokio::test]
async fn the_first_of_very_many_runs_is_not_looked_for() {
    let embedded = open().await;
    let service = embedded.service();
    let alone = alone(&service).resumes(true);
    let begun = begin::<Rounds>(&alone).await.expect("it starts");
    renew(&service, DOMAIN, &begun, "another", 99).await;
    let again = begin::<Rounds>(&alone).await.expect("it is there");
    assert_eq!(again.first_run, begun.first_run);
    renew(&service, DOMAIN, &begun, "another", 2).await;
    let again = begin::<Rounds>(&alone).await.expect("it is there");
    assert!(again.resumed);
    assert_ne!(again.first_run, begun.first_run);
}

#[workflow(
    version = "1",
    lambda_role = "arn:aws:iam::123456789012:role/swf-lambda"
)]
struct Prices;

impl Workflow for Prices {
    type Output = String;

    async fn run(self, flow: Flow) -> Result<String> {
        let price = flow.submit(Lambda::<f64>::new("price")).await;
        Ok(price.unwrap_err().reason())
    }
}

#[tokio::test]
async fn a_lambda_function_is_refused_where_nobody_runs_any() {
    let embedded = open().await;
    let alone = alone(&embedded.service());
    let begun = begin::<Prices>(&alone).await.expect("it starts");
    let ended = run(&alone, &begun, |_| false).await;
    let refused = r#""LAMBDA_SERVICE_NOT_AVAILABLE_IN_REGION""#;
    assert_eq!(ended, Ended::Closed(Outcome::Completed(refused.into())));
}
