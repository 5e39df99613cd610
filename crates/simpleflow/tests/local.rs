//! Workflows run locally: decider, workers and engine together.

use std::num::NonZeroUsize;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Barrier, OnceLock};

use simpleflow::local::{Local, LocalError, LocalRun, Outcome, StartError, StartOptions};
use simpleflow::model::{EventAttributes, SmolStr};
use simpleflow::prelude::*;
use simpleflow::testing::Test;
use simpleflow::{Workflow, WorkflowEntry};
use simpleflow_executor::{InProcess, SwfService as _};

fn run_on<W: Workflow>(mut local: Local, input: &str) -> Result<LocalRun, LocalError> {
    local.run(&WorkflowEntry::of::<W>(), input, StartOptions::default())
}

fn keeping(most: usize) -> Local {
    let local = Local::with_virtual_time(Registry::linked()).unwrap();
    local.keep(NonZeroUsize::new(most).unwrap())
}

fn completed(run: &LocalRun) -> &str {
    match &run.outcome {
        Outcome::Completed(result) => result,
        other => panic!("{other:?}"),
    }
}

#[activity]
fn meet(people: usize) -> bool {
    static MEETING: OnceLock<Barrier> = OnceLock::new();
    MEETING.get_or_init(|| Barrier::new(people)).wait();
    true
}

/// Ends only when its activities run at the same time.
#[workflow]
struct Meeting {
    people: usize,
}

impl Workflow for Meeting {
    type Output = Vec<bool>;

    async fn run(self, flow: Flow) -> Result<Vec<bool>> {
        let people: Vec<_> = (0..self.people)
            .map(|_| flow.submit(meet(self.people)))
            .collect();
        Ok(flow.wait_all(people).await?)
    }
}

#[test]
fn activities_run_at_the_same_time() {
    // More than an async runtime has threads for by default.
    let run = simpleflow::testing::run(Meeting { people: 600 });
    assert_eq!(run.result::<Vec<bool>>().unwrap(), [true; 600]);
}

static DROPPED: AtomicBool = AtomicBool::new(false);

struct SaysWhenDropped;

impl Drop for SaysWhenDropped {
    fn drop(&mut self) {
        DROPPED.store(true, Ordering::SeqCst);
    }
}

#[activity]
async fn wait_for_ever(context: ActivityContext) {
    let _guard = SaysWhenDropped;
    context.heartbeat("waiting");
    std::future::pending().await
}

#[activity]
fn spin_until_cancelled(context: ActivityContext) -> bool {
    while !context.is_cancel_requested() {
        std::thread::yield_now();
    }
    true
}

#[activity]
async fn quick() -> u8 {
    1
}

/// Cancels what runs, and waits until it is cancelled.
#[workflow]
struct Cancels;

impl Workflow for Cancels {
    type Output = (bool, bool, Vec<FutureStateName>);

    async fn run(self, flow: Flow) -> Result<Self::Output> {
        let waiting = flow.submit(wait_for_ever());
        let spinning = flow.submit(spin_until_cancelled());
        let withdrawn = flow.submit(quick());
        withdrawn.cancel();
        // One more decision, so that both are with a worker when they are cancelled.
        flow.submit(quick()).await?;
        waiting.cancel();
        spinning.cancel();
        let waited = waiting.clone().await;
        let spun = spinning.clone().await;
        let states = [waiting.state(), withdrawn.state()];
        Ok((
            waited.is_err_and(|error| error.is_cancelled()),
            spun.is_err_and(|error| error.is_cancelled()),
            states.map(|state| format!("{state:?}")).to_vec(),
        ))
    }
}

type FutureStateName = String;

#[test]
fn a_cancel_reaches_running_activities() {
    let run = simpleflow::testing::run(Cancels);
    let (waited, spun, states) = run.result::<(bool, bool, Vec<String>)>().unwrap();
    assert!(waited && spun);
    assert_eq!(states, ["Cancelled", "Cancelled"]);
    assert!(
        DROPPED.load(Ordering::SeqCst),
        "the async activity is dropped at its await"
    );
    assert_eq!(
        run.scheduled_activities().len(),
        3,
        "the withdrawn one was never sent"
    );
}

/// Its activity runs longer than it may.
#[workflow]
struct TimesOut;

impl Workflow for TimesOut {
    type Output = (bool, Option<String>);

    async fn run(self, flow: Flow) -> Result<Self::Output> {
        let error = flow
            .submit(wait_for_ever().start_to_close_timeout(1))
            .await
            .unwrap_err();
        Ok((error.is_timeout(), error.details().map(str::to_owned)))
    }
}

#[test]
fn a_time_limit_ends_a_task_with_the_details_of_its_heartbeat() {
    let run = simpleflow::testing::run(TimesOut);
    let (timed_out, details) = run.result::<(bool, Option<String>)>().unwrap();
    assert!(timed_out);
    assert_eq!(details.as_deref(), Some("\"waiting\""));
}

/// Goes on for a day after its activity ran longer than it may.
#[workflow]
struct OutlivesItsTask;

impl Workflow for OutlivesItsTask {
    type Output = bool;

    async fn run(self, flow: Flow) -> Result<bool> {
        let call = wait_for_ever().start_to_close_timeout(1);
        let error = flow.submit(call).await.unwrap_err();
        flow.sleep(Duration::from_secs(86_400)).await?;
        Ok(error.is_timeout())
    }
}

#[test]
fn virtual_time_goes_on_after_a_task_that_is_never_answered() {
    let run = simpleflow::testing::run(OutlivesItsTask);
    assert!(run.result::<bool>().unwrap());
}

#[activity]
fn block_for_ever() {
    loop {
        std::thread::park();
    }
}

/// Ends without its activity.
#[workflow]
struct DoesNotWait;

impl Workflow for DoesNotWait {
    type Output = ();

    async fn run(self, flow: Flow) -> Result<()> {
        flow.submit(block_for_ever());
        flow.submit(quick()).await?;
        Ok(())
    }
}

#[test]
fn an_activity_that_blocks_for_ever_is_not_waited_for() {
    simpleflow::testing::run(DoesNotWait)
        .result::<()>()
        .unwrap();
}

static SERVICE: OnceLock<InProcess> = OnceLock::new();

/// Is terminated while it decides.
#[workflow]
struct Terminated;

impl Workflow for Terminated {
    type Output = ();

    async fn run(self, flow: Flow) -> Result<()> {
        let terminate = simpleflow::model::operation::TerminateWorkflowExecution {
            domain: simpleflow::local::LOCAL_DOMAIN.into(),
            workflow_id: flow.run_context().workflow_id.clone(),
            ..Default::default()
        };
        let service = SERVICE.get().unwrap();
        futures::executor::block_on(service.terminate_workflow_execution(terminate))?;
        Ok(())
    }
}

#[test]
fn a_decision_that_comes_too_late_is_no_error() {
    let local = Local::new(Registry::linked()).unwrap();
    assert!(SERVICE.set(local.service().clone()).is_ok());
    let run = run_on::<Terminated>(local, "[]").unwrap();
    assert_eq!(run.outcome, Outcome::Terminated);
}

#[test]
fn decisions_without_time_are_refused() {
    let options = StartOptions {
        decision_tasks_timeout: Some(0),
        ..StartOptions::default()
    };
    let mut local = Local::new(Registry::linked()).unwrap();
    let run = local.run(&WorkflowEntry::of::<Counter>(), "[1]", options);
    assert!(
        matches!(run, Err(LocalError::Start(StartError::NoTimeToDecide))),
        "{run:?}"
    );
}

#[activity]
async fn add(a: i64, b: i64) -> i64 {
    a + b
}

/// Counts to `n` one by one, or fails.
#[workflow(name = "counter", version = "1")]
struct Counter {
    n: i64,
}

impl Workflow for Counter {
    type Output = i64;

    async fn run(self, flow: Flow) -> Result<i64> {
        if self.n < 0 {
            bail!("cannot count to {}", self.n);
        }
        let mut sum = 0;
        for _ in 0..self.n {
            // What is not `Send` may live over an await.
            let one = Rc::new(1);
            sum = flow.submit(add(sum, *one)).await?;
            assert_eq!(*one, 1);
        }
        Ok(sum)
    }
}

/// Children at once, one of which fails.
#[workflow(name = "parent", version = "1")]
struct Parent {
    children: i64,
}

impl Workflow for Parent {
    type Output = (Vec<i64>, String, String);

    async fn run(self, flow: Flow) -> Result<Self::Output> {
        let children: Vec<_> = (0..self.children)
            .map(|n| flow.submit(Counter { n: n % 7 }))
            .collect();
        let id = children[0].task_id().to_owned();
        let failed = flow
            .submit(Counter { n: -1 }.call().retry(1))
            .await
            .unwrap_err();
        Ok((flow.wait_all(children).await?, id, failed.to_string()))
    }
}

#[test]
fn children_run_beside_each_other_and_fail_alone() {
    let run = Test::of(Parent { children: 5 })
        .workflow_id("the-parent")
        .run();
    let (sums, id, failed) = run.result::<(Vec<i64>, String, String)>().unwrap();
    assert_eq!(sums, [0, 1, 2, 3, 4]);
    assert!(id.starts_with("workflow-counter-the-parent--"), "{id}");
    assert!(id.ends_with("--1"), "{id}");
    assert!(
        failed.ends_with("Workflow execution failed: cannot count to -1 (attempt 2)"),
        "{failed}"
    );
}

#[test]
fn a_decider_that_keeps_little_gives_the_same() {
    let types = |run: &LocalRun| {
        let scheduled = run
            .history
            .iter()
            .filter_map(|event| match &event.attributes {
                EventAttributes::StartChildWorkflowExecutionInitiated(child) => child.input.clone(),
                _ => None,
            });
        scheduled.collect::<Vec<SmolStr>>()
    };
    let much = run_on::<Parent>(keeping(1_000), "[40]").unwrap();
    // With one place for 42 executions nearly every decision is a replay from the start.
    let little = run_on::<Parent>(keeping(1), "[40]").unwrap();
    let sums = |run: &LocalRun| {
        serde_json::from_str::<(Vec<i64>, String, String)>(completed(run))
            .unwrap()
            .0
    };
    assert_eq!(sums(&much), sums(&little));
    assert_eq!(types(&much), types(&little));
}

/// Its time, randomness and ids are the flow's.
#[workflow]
struct Dice {
    throws: i64,
}

impl Workflow for Dice {
    type Output = bool;

    async fn run(self, flow: Flow) -> Result<bool> {
        let mut seen = Vec::new();
        for _ in 0..self.throws {
            let id = flow.uuid().to_string();
            let echoed = flow.submit(echo(id.clone())).await?;
            // In a replay the id is drawn again, and the echo comes from the history.
            seen.push(id == echoed && flow.random::<u8>() as u16 <= 255);
        }
        let other = flow.submit(Counter { n: 1 }).await?;
        Ok(other == 1 && seen.into_iter().all(|same| same) && flow.now().as_micros() > 0)
    }
}

#[activity]
async fn echo(text: String) -> String {
    text
}

#[test]
fn what_the_flow_draws_is_the_same_at_each_replay() {
    let run = run_on::<Dice>(keeping(1), "[5]").unwrap();
    assert_eq!(completed(&run), "true");
}

static TURNS: AtomicU32 = AtomicU32::new(0);

/// Does something else each time it is replayed.
#[workflow]
struct Moody;

impl Workflow for Moody {
    type Output = i64;

    async fn run(self, flow: Flow) -> Result<i64> {
        if TURNS.fetch_add(1, Ordering::SeqCst) == 0 {
            flow.submit(add(1, 1)).await?;
        } else {
            flow.submit(echo("other")).await?;
        }
        flow.submit(Counter { n: 3 }).await?;
        Ok(1)
    }
}

#[test]
fn non_determinism_is_told_and_not_decided_on() {
    let error = run_on::<Moody>(keeping(1), "[]").unwrap_err().to_string();
    assert!(error.contains("non-deterministic workflow code"), "{error}");
    assert!(error.contains("activity-local.add-1"), "{error}");
    assert!(error.contains("activity-local.echo-1"), "{error}");
    assert!(error.contains("tests/local.rs:"), "{error}");
}

/// An activity with state.
struct Shelf {
    books: Arc<Vec<&'static str>>,
}

#[activity(name = "shelf")]
impl Shelf {
    async fn execute(&self, index: usize) -> Result<String> {
        match self.books.get(index) {
            Some(book) => Ok((*book).to_owned()),
            None => bail!("there is no book {index}"),
        }
    }
}

/// Reads from the shelf.
#[workflow(name = "reader", version = "1")]
struct Reader {
    index: usize,
}

impl Workflow for Reader {
    type Output = String;

    async fn run(self, flow: Flow) -> Result<String> {
        flow.submit(Shelf::call(self.index)).get().await
    }
}

#[test]
fn an_activity_with_state_gets_it_from_the_registry() {
    let shelf = || Shelf {
        books: Arc::new(vec!["Dune"]),
    };
    let registry = || Registry::new().workflow::<Reader>().activity_with(shelf());
    let run = Test::of(Reader { index: 0 }).registry(registry()).run();
    assert_eq!(run.result::<String>().unwrap(), "Dune");
    let run = Test::of(Reader { index: 1 }).registry(registry()).run();
    let failure = run.failure().unwrap();
    assert_eq!(
        failure.reason,
        "Workflow execution error in activity-shelf: \"Error: there is no book 1\""
    );
    let twice = registry().activity_with(shelf());
    let error = Test::of(Reader { index: 0 })
        .registry(twice)
        .try_run()
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("two activities have the name \"shelf\""),
        "{error}"
    );
}

#[test]
fn an_activity_that_is_not_registered_is_named() {
    let registry = Registry::new().workflow::<Reader>();
    let run = Test::of(Reader { index: 0 }).registry(registry).run();
    let failure = run.failure().unwrap();
    assert!(
        failure
            .reason
            .contains("activity \"shelf\" version \"default\" is not in this worker")
    );
    assert!(failure.details.unwrap().contains("Registry::activity_with"));
}

#[test]
fn a_closure_stands_in_for_an_activity() {
    let run = Test::of(Counter { n: 2 })
        .replace::<add, _>(|(a, b): (i64, i64)| Ok::<_, Error>(a * 10 + b))
        .run();
    assert_eq!(run.result::<i64>().unwrap(), 11);
    let run = Test::of(Counter { n: 2 })
        .replace::<add, _>(|_: (i64, i64)| Err::<i64, _>(Error::msg("no sums today")))
        .run();
    assert!(run.failure().unwrap().reason.contains("no sums today"));
    let run = Test::of(Counter { n: 2 })
        .replace::<add, _>(|_: (i64, i64)| Ok::<_, Error>(7))
        .registry(Registry::linked())
        .run();
    assert_eq!(run.result::<i64>().unwrap(), 7, "in any order");
}

/// Its input has no JSON form.
#[workflow]
struct Tells {
    what: std::collections::BTreeMap<Vec<u8>, String>,
}

impl Workflow for Tells {
    type Output = usize;

    async fn run(self, _flow: Flow) -> Result<usize> {
        Ok(self.what.len())
    }
}

#[test]
fn an_input_without_a_json_form_is_told() {
    let what = [(vec![1], String::new())].into();
    let error = Test::of(Tells { what }).try_run().unwrap_err().to_string();
    assert!(error.contains("key must be a string"), "{error}");
}

#[test]
fn a_workflow_id_is_one_execution_at_a_time() {
    let mut local = Local::new(Registry::linked()).unwrap();
    let options = || StartOptions {
        workflow_id: Some("mine".into()),
        ..StartOptions::default()
    };
    let entry = WorkflowEntry::of::<Counter>();
    for _ in 0..2 {
        let run = local.run(&entry, "[1]", options()).unwrap();
        assert_eq!(run.execution.workflow_id.as_str(), "mine");
        assert_eq!(completed(&run), "1");
    }
}
