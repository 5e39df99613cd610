//! The life of executions: continue-as-new, cancel, retries, hooks, run to the end in virtual time.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use simpleflow::model::EventAttributes;
use simpleflow::prelude::*;
use simpleflow::testing::Test;
use simpleflow::{FailureDecision, ReplayContext};

#[activity]
async fn work(round: u32) -> u32 {
    round * 10
}

/// Works for some rounds, each in a run of its own.
#[workflow(name = "life.rounds", tag_list = ["rounds"])]
struct Rounds {
    round: u32,
    last: u32,
    sum: u32,
}

impl Workflow for Rounds {
    type Output = (u32, Vec<String>);

    async fn run(self, flow: Flow) -> Result<Self::Output> {
        let sum = self.sum + flow.submit(work(self.round)).await?;
        flow.sleep(Duration::from_secs(60)).await?;
        if self.round < self.last {
            return flow.continue_as_new(Self {
                round: self.round + 1,
                sum,
                ..self
            });
        }
        let tags = flow.run_context().tag_list;
        Ok((sum, tags.into_iter().map(Into::into).collect()))
    }
}

#[test]
fn an_execution_goes_on_run_after_run_until_its_result() {
    let rounds = Rounds {
        round: 1,
        last: 4,
        sum: 0,
    };
    let run = Test::of(rounds).run();
    let (sum, tags) = run.result::<(u32, Vec<String>)>().unwrap();
    assert_eq!((sum, tags), (100, vec!["rounds".to_owned()]));
    let first = &run.history[0].attributes;
    let EventAttributes::WorkflowExecutionStarted(started) = first else {
        panic!("{first:?}");
    };
    assert!(started.continued_execution_run_id.is_some());
    assert_eq!(run.scheduled_activities().len(), 1, "of the last run");
}

/// To its parent a child that continues as new is one child.
#[workflow(name = "life.parent")]
struct Parent;

impl Workflow for Parent {
    type Output = (u32, Vec<String>);

    async fn run(self, flow: Flow) -> Result<Self::Output> {
        let rounds = Rounds {
            round: 1,
            last: 3,
            sum: 0,
        };
        Ok(flow.submit(rounds.call().tag_list(["of the call"])).await?)
    }
}

#[test]
fn a_child_that_continues_as_new_ends_with_its_last_run() {
    let run = simpleflow::testing::run(Parent);
    let (sum, tags) = run.result::<(u32, Vec<String>)>().unwrap();
    assert_eq!((sum, tags), (60, vec!["of the call".to_owned()]));
}

static DIARY: Mutex<Vec<String>> = Mutex::new(Vec::new());

#[activity]
async fn note(what: String) {
    DIARY.lock().unwrap().push(what);
}

#[workflow(name = "life.trip")]
struct Trip;

impl Workflow for Trip {
    type Output = ();

    async fn run(self, flow: Flow) -> Result<()> {
        flow.saga(async |saga| {
            saga.submit(note("car booked")).await?;
            saga.undo(note("car cancelled"));
            saga.submit(note("hotel booked")).await?;
            saga.undo(note("hotel cancelled"));
            saga.sleep(Duration::from_secs(3_600)).await?;
            Ok(())
        })
        .await
    }
}

/// Cancels a trip on its way.
#[workflow(name = "life.agency")]
struct Agency;

impl Workflow for Agency {
    type Output = String;

    async fn run(self, flow: Flow) -> Result<String> {
        let trip = flow.submit(Trip);
        flow.sleep(Duration::from_secs(30)).await?;
        trip.cancel();
        let error = trip.await.unwrap_err();
        Ok(format!("{:?}", error.kind()))
    }
}

#[test]
fn a_cancelled_saga_stops_what_runs_and_undoes_what_was_done() {
    let run = simpleflow::testing::run(Agency);
    assert_eq!(
        run.result::<String>().unwrap(),
        "Cancelled { details: None }"
    );
    let diary = DIARY.lock().unwrap();
    assert_eq!(
        *diary,
        [
            "car booked",
            "hotel booked",
            "hotel cancelled",
            "car cancelled"
        ]
    );
}

static CALLS: AtomicU32 = AtomicU32::new(0);

/// Works the third time.
#[activity(retry = RetryPolicy::exponential(5, Duration::from_secs(10)))]
async fn shy() -> Result<u32> {
    match CALLS.fetch_add(1, Ordering::SeqCst) {
        n @ ..2 => bail!("{n} is too early"),
        n => Ok(n),
    }
}

#[activity(retry = 5)]
async fn hopeless(context: ActivityContext) -> Result<u32> {
    let id = &context.info().activity_id;
    Err(Error::msg(format_args!("{id} will never work")).non_retryable())
}

#[workflow(name = "life.persistent", max_open_activity_count = 1)]
struct Persistent;

impl Workflow for Persistent {
    type Output = (u32, u32, u32);

    async fn run(self, flow: Flow) -> Result<Self::Output> {
        let asked = std::rc::Rc::new(std::cell::Cell::new(0));
        let count = std::rc::Rc::clone(&asked);
        flow.on_task_failure(move |failure| {
            count.set(count.get() + 1);
            match failure.is_non_retryable() {
                true => FailureDecision::ignore(7),
                false => FailureDecision::none(),
            }
        });
        let results = flow.wait_all((flow.submit(shy()), flow.submit(hopeless())));
        let (third, ignored) = results.await?;
        Ok((third, ignored, asked.get()))
    }
}

#[test]
fn a_retry_waits_as_long_as_its_policy_says() {
    let run = simpleflow::testing::run(Persistent);
    assert_eq!(run.result::<(u32, u32, u32)>().unwrap(), (2, 7, 3));
    // 10 seconds after the first failure, 20 after the second.
    let elapsed = run.elapsed().as_secs();
    assert!((30..60).contains(&elapsed), "{elapsed}");
    let mut open = 0;
    for event in &run.history {
        match &event.attributes {
            EventAttributes::ActivityTaskScheduled(_) => open += 1,
            EventAttributes::ActivityTaskCompleted(_) | EventAttributes::ActivityTaskFailed(_) => {
                open -= 1;
            }
            _ => {}
        }
        assert!(open <= 1, "the workflow has a limit of its own");
    }
}

static HOOKS: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn called(hook: &str, context: &ReplayContext<'_>) {
    let run = context.run_context();
    let call = format!("{hook} of {}", run.workflow_id);
    HOOKS.lock().unwrap().push(call);
}

#[workflow(name = "life.hooked")]
struct Hooked;

impl Workflow for Hooked {
    type Output = u32;

    async fn run(self, flow: Flow) -> Result<u32> {
        Ok(flow.submit(work(1)).await?)
    }

    fn before_replay(context: &ReplayContext<'_>) {
        called("before_replay", context);
        panic!("this one changes nothing");
    }

    fn after_replay(context: &ReplayContext<'_>) {
        called("after_replay", context);
    }

    fn after_closed(context: &ReplayContext<'_>) {
        called("after_closed", context);
    }
}

#[test]
fn hooks_are_called_around_each_decision() {
    let run = Test::of(Hooked).workflow_id("w").run();
    assert_eq!(run.result::<u32>().unwrap(), 10);
    let hooks = HOOKS.lock().unwrap();
    assert_eq!(
        *hooks,
        [
            "before_replay of w",
            "after_replay of w",
            "before_replay of w",
            "after_replay of w",
            "after_closed of w"
        ]
    );
}
