//! Time in tests: when an execution starts, and what comes from outside when.

use std::time::SystemTime;

use simpleflow::local::Outcome;
use simpleflow::model::EventAttributes;
use simpleflow::prelude::*;
use simpleflow::testing::Test;

const DAY: Duration = Duration::from_secs(86_400);

/// Says which day it is, in days since 1970, at its start and after a nap.
#[workflow]
struct Calendar {
    days: u64,
}

impl Workflow for Calendar {
    type Output = (i64, i64);

    async fn run(self, flow: Flow) -> Result<(i64, i64)> {
        let day = || flow.now().as_micros() / 86_400_000_000;
        let start = day();
        flow.sleep(DAY * self.days as u32).await?;
        Ok((start, day()))
    }
}

#[test]
fn an_execution_starts_when_the_test_says() {
    // Before today, and after it.
    for day in [10_000, 100_000] {
        let start = SystemTime::UNIX_EPOCH + DAY * day;
        let run = Test::of(Calendar { days: 7 }).start_time(start).run();
        let day = i64::from(day);
        assert_eq!(run.result(), Ok((day, day + 7)));
        assert!(run.elapsed() >= DAY * 7);
    }
}

#[test]
fn an_exploration_starts_when_the_test_says() {
    let start = SystemTime::UNIX_EPOCH + DAY * 10_000;
    let explored = Test::of(Calendar { days: 7 })
        .start_time(start)
        .explore()
        .run();
    assert_eq!(explored.assert_same_result().result(), Ok((10_000, 10_007)));
}

/// Waits for an answer and the next one, three days for each.
#[workflow]
struct Patient;

impl Workflow for Patient {
    type Output = Vec<String>;

    async fn run(self, flow: Flow) -> Result<Vec<String>> {
        let mut answers = Vec::new();
        for _ in 0..2 {
            let deadline = flow.sleep(DAY * 3);
            let answer = flow.wait_signal::<String>("answer");
            answers.push(tokio::select! {
                biased;
                answer = answer.get() => answer?,
                _ = deadline.get() => "none".to_owned(),
            });
            deadline.cancel();
        }
        Ok(answers)
    }
}

#[test]
fn signals_arrive_when_the_test_says() {
    let run = Test::of(Patient)
        .signal_after(DAY * 5, "answer", "late")
        .signal_after(DAY, "answer", "early")
        .run();
    assert_eq!(run.result::<Vec<String>>().unwrap(), ["early", "none"]);
    let run = Test::of(Patient)
        .signal_after(DAY * 5, "answer", "late")
        .run();
    assert_eq!(run.result::<Vec<String>>().unwrap(), ["none", "late"]);
    let at = |event_type: &str| {
        let mut events = run.history.iter();
        let event = events.find(|event| event.event_type() == event_type);
        event
            .unwrap()
            .event_timestamp
            .since(run.history[0].event_timestamp)
    };
    assert!(at("TimerFired") < at("WorkflowExecutionSignaled"));
    assert!(at("WorkflowExecutionSignaled") >= DAY * 5);
}

#[test]
fn what_comes_after_the_end_is_not_waited_for() {
    let run = Test::of(Patient)
        .signal("answer", "now")
        .signal("answer", "and now")
        .signal_after(DAY * 365, "answer", "much later")
        .run();
    assert_eq!(run.result::<Vec<String>>().unwrap(), ["now", "and now"]);
    assert!(run.elapsed() < DAY * 365);
}

#[test]
fn a_cancel_comes_when_the_test_says() {
    let run = Test::of(Patient).cancel_after(DAY * 4).run();
    assert_eq!(run.outcome, Outcome::Canceled);
    let fired = run
        .history
        .iter()
        .filter(|event| matches!(event.attributes, EventAttributes::TimerFired(_)));
    assert_eq!(fired.count(), 1);
}
