//! Workflows explored: those that are right in every order, and those that are wrong on purpose.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicU32, Ordering};

use simpleflow::Lambda;
use simpleflow::local::Outcome;
use simpleflow::prelude::*;
use simpleflow::testing::{Explore, Explored, Test, Wrong, explore};

#[activity]
async fn add(a: i64, b: i64) -> i64 {
    a + b
}

#[activity(retry = 1)]
async fn fetch(part: u32) -> u32 {
    part
}

#[activity(name = "note")]
async fn note(text: String) -> String {
    text
}

fn results(explored: &Explored) -> BTreeSet<String> {
    let results = explored.results().iter();
    results
        .map(|reached| match &reached.run.outcome {
            Outcome::Completed(json) => json.to_string(),
            other => format!("{other:?}"),
        })
        .collect()
}

fn told(texts: &[&str]) -> BTreeSet<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// Adds in two branches, and the sums.
#[workflow]
struct Sums {
    n: i64,
}

impl Workflow for Sums {
    type Output = i64;

    async fn run(self, flow: Flow) -> Result<i64> {
        let left = flow.submit(add(self.n, 1));
        let right = flow.submit(add(self.n, 2));
        let third = flow.submit(add(&left, 3));
        let sum = flow.submit(add(&third, &right));
        Ok(sum.await?)
    }
}

#[test]
fn dataflow_gives_one_result_in_every_order() {
    let explored = explore(Sums { n: 10 }).run();
    assert!(explored.is_exhaustive());
    assert_eq!(explored.assert_same_result().result::<i64>(), Ok(26));
}

/// Takes the first of several.
#[workflow]
struct First {
    n: i64,
}

impl Workflow for First {
    type Output = usize;

    async fn run(self, flow: Flow) -> Result<usize> {
        let tasks: Vec<_> = (0..self.n).map(|n| flow.submit(add(n, 0))).collect();
        Ok(flow.wait_any(&tasks.iter().collect::<Vec<_>>()).await)
    }
}

#[test]
fn a_race_gives_every_result_that_it_can() {
    let explored = explore(First { n: 4 }).run();
    assert!(explored.is_exhaustive());
    assert_eq!(results(&explored), told(&["0", "1", "2", "3"]));
    explored.allow_results(|run| run.result::<usize>().is_ok_and(|winner| winner < 4));
}

#[test]
#[should_panic(expected = "the result depends on the order of things")]
fn a_race_has_not_the_same_result() {
    explore(First { n: 2 }).run().assert_same_result();
}

#[test]
#[should_panic(expected = "activity activity-explore.add-2 answers\n    workflow decides")]
fn a_result_that_is_not_allowed_is_shown_with_a_schedule() {
    let explored = explore(First { n: 2 }).workflow_id("workflow").run();
    explored.allow_results(|run| run.result::<usize>() == Ok(0));
}

#[test]
fn a_schedule_that_was_found_is_followed_again() {
    let explored = explore(First { n: 3 }).run();
    for reached in explored.results() {
        let again = explore(First { n: 3 })
            .schedule(&*reached.schedule.to_string())
            .run();
        assert_eq!(again.assert_same_result().outcome, reached.run.outcome);
        assert_eq!(again.schedules(), 1);
        assert_eq!(again.results()[0].run.history, reached.run.history);
    }
}

#[test]
fn a_schedule_of_something_else_is_refused_with_what_can_happen() {
    let explored = explore(First { n: 2 })
        .workflow_id("w")
        .schedule("w decides\nsignal go arrives")
        .run();
    let (wrong, schedule) = explored.wrong().unwrap();
    let told = wrong.to_string();
    assert!(told.contains("after 1 steps"), "{told}");
    assert!(
        told.contains("    activity activity-explore.add-1 answers"),
        "{told}"
    );
    assert_eq!(schedule.steps(), ["w decides"]);
}

static STARTS: AtomicU32 = AtomicU32::new(0);

/// Counts its replays in a static.
#[workflow]
struct Counts;

impl Workflow for Counts {
    type Output = u32;

    async fn run(self, flow: Flow) -> Result<u32> {
        let start = STARTS.fetch_add(1, Ordering::Relaxed);
        flow.submit(add(1, 1)).await?;
        Ok(start)
    }
}

#[test]
fn a_static_counter_is_found() {
    let explored = explore(Counts).run();
    let (wrong, schedule) = explored.wrong().unwrap();
    assert!(matches!(wrong, Wrong::Differs { .. }), "{explored}");
    assert_eq!(schedule.steps().len(), 3, "{explored}");
}

/// Submits in the order of a `HashMap`.
#[workflow]
struct Scatters;

impl Workflow for Scatters {
    type Output = usize;

    async fn run(self, flow: Flow) -> Result<usize> {
        let texts: HashMap<u32, &str> = (0..8).map(|n| (n, "text")).collect();
        let notes: Vec<_> = texts
            .into_iter()
            .map(|(n, text)| flow.submit(note(format!("{text} {n}"))))
            .collect();
        Ok(flow.wait_all(notes).await?.len())
    }
}

#[test]
#[should_panic(expected = "non-deterministic workflow code")]
fn the_order_of_a_hash_map_is_found() {
    explore(Scatters).run().assert_deterministic();
}

static ASKED: AtomicU32 = AtomicU32::new(0);

/// Goes another way when it is replayed.
#[workflow]
struct Moody;

impl Workflow for Moody {
    type Output = i64;

    async fn run(self, flow: Flow) -> Result<i64> {
        let sum = flow.submit(add(1, 1)).await?;
        match ASKED.fetch_add(1, Ordering::Relaxed) % 2 {
            0 => Ok(flow.submit(add(sum, 1)).await?),
            _ => Ok(flow.submit(fetch(7)).await?.into()),
        }
    }
}

#[test]
#[should_panic(expected = "it shows in this schedule")]
fn code_that_goes_another_way_in_a_replay_is_found() {
    explore(Moody).run().assert_same_result();
}

/// A timer against an activity.
#[workflow]
struct Impatient {
    seconds: u64,
}

impl Workflow for Impatient {
    type Output = String;

    async fn run(self, flow: Flow) -> Result<String> {
        let task = flow.submit(note("done"));
        let timer = flow.start_timer("patience", Duration::from_secs(self.seconds));
        tokio::select! {
            biased;
            done = task.get() => done,
            _ = timer.get() => Ok("late".to_owned()),
        }
    }
}

#[test]
fn a_timer_wins_only_within_the_limits_of_what_it_races() {
    let soon = explore(Impatient { seconds: 10 }).run();
    assert_eq!(results(&soon), told(&["\"done\"", "\"late\""]));
    // An activity has 300 seconds unless it says otherwise.
    let late = explore(Impatient { seconds: 400 }).run();
    assert_eq!(results(&late), told(&["\"done\""]));
    assert!(late.is_exhaustive());
}

/// Timers that are due together, and one that is due later.
#[workflow]
struct Timers;

impl Workflow for Timers {
    type Output = usize;

    async fn run(self, flow: Flow) -> Result<usize> {
        let timers = [5, 5, 6].map(|seconds| flow.sleep(Duration::from_secs(seconds)));
        Ok(flow.wait_any(&timers.each_ref()).await)
    }
}

#[test]
fn timers_fire_in_the_order_of_time() {
    let explored = explore(Timers).run();
    assert_eq!(results(&explored), told(&["0", "1"]));
}

/// Tries again what failed, and says what it got.
#[workflow]
struct Fetches;

impl Workflow for Fetches {
    type Output = (u32, bool);

    async fn run(self, flow: Flow) -> Result<(u32, bool)> {
        let tried = flow.submit(fetch(1));
        let once = flow.submit(add(1, 1));
        Ok((tried.await?, once.await.is_ok()))
    }
}

#[test]
fn a_failure_hits_each_task_in_its_turn() {
    let explored = explore(Fetches).fail_any(1).run();
    assert!(explored.is_exhaustive());
    assert_eq!(results(&explored), told(&["[1,true]", "[1,false]"]));
    let twice = explore(Fetches).fail_any(2).crashes(0).run();
    let failed = twice.results().iter().filter(|r| r.run.failure().is_some());
    assert_eq!(failed.count(), 1, "{twice}");
}

static FETCHED: AtomicU32 = AtomicU32::new(0);

#[test]
fn an_activity_whose_answer_is_lost_runs_twice() {
    let explored = explore(Fetches)
        .replace::<fetch, _>(|(part,): (u32,)| {
            Ok::<_, String>(part + 10 * FETCHED.fetch_add(1, Ordering::Relaxed))
        })
        .lose_answers(1)
        .run();
    let expected = told(&["[1,true]", "[11,true]", "[1,false]"]);
    assert_eq!(results(&explored), expected, "{explored}");
    assert_eq!(
        FETCHED.load(Ordering::Relaxed),
        2,
        "each answer is remembered"
    );
}

/// Waits for one signal or another.
#[workflow]
struct Votes;

impl Workflow for Votes {
    type Output = String;

    async fn run(self, flow: Flow) -> Result<String> {
        let first = flow.wait_signal::<String>("vote");
        flow.submit(add(1, 1)).await?;
        first.get().await
    }
}

#[test]
fn signals_arrive_at_any_time() {
    let explored = explore(Votes)
        .signal("vote", "yes")
        .signal("vote", "no")
        .run();
    assert!(explored.is_exhaustive());
    assert_eq!(results(&explored), told(&["\"no\"", "\"yes\""]));
}

#[test]
fn a_wait_without_end_is_a_result() {
    let explored = explore(Votes).run();
    assert!(
        matches!(explored.assert_same_result().outcome, Outcome::TimedOut(_)),
        "{explored}"
    );
}

#[test]
fn a_cancel_comes_at_any_time() {
    let explored = explore(Votes).signal("vote", "yes").cancel().run();
    assert_eq!(results(&explored), told(&["\"yes\"", "Canceled"]));
}

/// Two children beside an activity.
#[workflow]
struct Family;

impl Workflow for Family {
    type Output = (i64, usize);

    async fn run(self, flow: Flow) -> Result<Self::Output> {
        let one = flow.submit(Sums { n: 1 });
        let two = flow.submit(Sums { n: 2 });
        let winner = flow.wait_any(&[&one, &two]).await;
        Ok((one.await? + two.await?, winner))
    }
}

#[test]
fn children_are_explored_beside_each_other() {
    let explored = explore(Family).bound(400).seed(7).run();
    assert_eq!(results(&explored), told(&["[18,0]", "[18,1]"]));
    assert_eq!(explored.seed(), Some(7), "there are more than 400");
    assert_eq!(explored.schedules(), 400);
}

#[test]
fn schedules_at_random_find_no_result_that_is_not_found_in_order() {
    let exploration = || {
        let votes = explore(Votes).signal("vote", "yes").signal("vote", "no");
        votes.cancel().fail_any(1).crashes(0)
    };
    let all = exploration().bound(100_000).run();
    assert!(all.is_exhaustive(), "{all}");
    let some = exploration().bound(all.schedules() / 2).run();
    assert!(some.seed().is_some());
    assert!(results(&some).is_subset(&results(&all)), "{some}");
}

/// Goes on for ever.
#[workflow]
struct Endless;

impl Workflow for Endless {
    type Output = ();

    async fn run(self, flow: Flow) -> Result<()> {
        loop {
            flow.sleep(Duration::from_secs(1)).await?;
        }
    }
}

#[test]
fn a_workflow_without_end_is_told() {
    let explored = explore(Endless).steps(50).run();
    let (wrong, _) = explored.wrong().unwrap();
    assert_eq!(*wrong, Wrong::Endless { steps: 50 });
}

/// Sleeps in two branches, each of which says what it saw.
#[workflow]
struct Cancels;

impl Workflow for Cancels {
    type Output = (bool, bool);

    async fn run(self, flow: Flow) -> Result<(bool, bool)> {
        let first = flow.submit(note("a"));
        let second = flow.submit(fetch(2));
        let first = first.await;
        second.cancel();
        let second = second.await;
        Ok((
            first.is_ok(),
            second.is_err_and(|error| error.is_cancelled()),
        ))
    }
}

#[test]
fn a_cancelled_activity_may_answer_all_the_same() {
    let explored = explore(Cancels).run();
    assert_eq!(results(&explored), told(&["[true,false]", "[true,true]"]));
}

/// Asks a Lambda function beside an activity.
#[workflow(lambda_role = "arn:aws:iam::012345678901:role/lambda")]
struct Prices;

impl Workflow for Prices {
    type Output = (Option<u32>, String);

    async fn run(self, flow: Flow) -> Result<Self::Output> {
        let price = flow.submit(Lambda::<u32>::new("price").input("tea"));
        let noted = flow.submit(note("tea").retry(1));
        let first = tokio::select! {
            biased;
            _ = price.done() => "price",
            _ = noted.done() => "note",
        };
        noted.await?;
        Ok((price.await.ok(), first.to_owned()))
    }
}

#[test]
fn lambda_functions_answer_or_fail_in_any_order() {
    let explored = explore(Prices)
        .lambda_function("price", |what: String| Ok::<_, Error>(what.len()))
        .fail_any(1)
        .run();
    assert!(explored.is_exhaustive());
    let expected = [
        "[3,\"price\"]",
        "[3,\"note\"]",
        "[null,\"price\"]",
        "[null,\"note\"]",
    ];
    assert_eq!(results(&explored), told(&expected), "{explored}");
    let alone = explore(Prices).run();
    assert!(
        results(&alone)
            .iter()
            .all(|result| result.starts_with("[null,"))
    );
}

static EFFECTS: AtomicU32 = AtomicU32::new(0);

/// Goes the way that a side effect says.
#[workflow]
struct Remembers;

impl Workflow for Remembers {
    type Output = bool;

    async fn run(self, flow: Flow) -> Result<bool> {
        let number = flow.record(|| EFFECTS.fetch_add(1, Ordering::Relaxed))?;
        match number % 2 {
            0 => drop(flow.submit(fetch(1)).await?),
            _ => drop(flow.submit(add(1, 1)).await?),
        }
        Ok(number == flow.record(|| number)?)
    }
}

#[test]
fn a_side_effect_that_is_remembered_is_deterministic() {
    let explored = explore(Remembers).crashes(2).run();
    assert!(explored.is_exhaustive());
    assert_eq!(explored.assert_same_result().result::<bool>(), Ok(true));
}

#[test]
fn a_test_is_explored_as_it_is() {
    let test: Explore = Test::of(Sums { n: 1 })
        .replace::<add, _>(|(a, b): (i64, i64)| Ok::<_, Error>(a * b))
        .explore();
    assert_eq!(test.run().assert_same_result().result::<i64>(), Ok(6));
}

#[tokio::test]
async fn an_exploration_may_be_in_an_async_test() {
    explore(Sums { n: 1 }).run().assert_same_result();
}

/// Keeps a long text somewhere else, and says it.
#[activity(name = "keep")]
async fn keep(context: ActivityContext, place: String) -> Result<String> {
    let text = "é".repeat(40_000);
    let place = place.parse()?;
    context.open(&place).put("text", text.clone()).await?;
    Ok(text)
}

#[activity(name = "too_long")]
async fn too_long() -> String {
    "x".repeat(70_000_000)
}

/// Sends long texts through every kind of field.
#[workflow]
struct LongTexts {
    text: String,
}

impl Workflow for LongTexts {
    type Output = (usize, usize, String);

    async fn run(self, flow: Flow) -> Result<Self::Output> {
        let kept = flow.submit(keep("s3://elsewhere/texts".to_owned()));
        let said: String = flow.wait_signal("say").await?;
        flow.record_marker("said", &said);
        let echoed = flow.submit(note(kept.await? + &self.text)).await?;
        let failed = flow.submit(too_long()).await.unwrap_err();
        Ok((echoed.chars().count(), said.len(), failed.reason()))
    }
}

#[test]
fn long_values_limits_and_places_are_as_in_a_run() {
    let test = || {
        let text = "y".repeat(50_000);
        Test::of(LongTexts { text: text.clone() }).signal("say", text)
    };
    let run = test().run().result::<(usize, usize, String)>().unwrap();
    assert_eq!((run.0, run.1), (90_000, 50_000));
    assert!(run.2.contains("jumbo fields take at most"), "{}", run.2);
    let explored = test().explore().crashes(1).run();
    assert!(explored.is_exhaustive());
    let same = explored.assert_same_result();
    assert_eq!(same.result::<(usize, usize, String)>(), Ok(run));
}
