//! Failures of tasks: policies of retries, and what the workflow's code says of them.

// The macros write `simpleflow`, where users have all of it.
extern crate simpleflow_core as simpleflow;

mod common;

use std::cell::Cell;
use std::rc::Rc;

use common::*;
use simpleflow_core::testing::{HistoryBuilder, replay};
use simpleflow_core::{Failure, TaskFailure};
use simpleflow_model::Decision;
use simpleflow_model::enums::ActivityTaskTimeoutType::StartToClose;

const ID: &str = "activity-polite-1";
const TIMER: &str = "__simpleflow_task_activity-polite-1";

workflow!(Polite(flow) -> i64 {
    Ok(flow.submit(polite(1)).await?)
});

fn scheduled() -> HistoryBuilder {
    started().decision(|d| d.schedule_activity(ID, "polite"))
}

#[test]
fn a_policy_waits_between_the_attempts() {
    let mut history = scheduled();
    for (attempt, seconds) in [10, 20, 40].into_iter().enumerate() {
        history = match attempt {
            1 => history.activity_timed_out(ID, StartToClose),
            _ => history.activity_failed(ID, "no", ""),
        };
        assert_eq!(
            next::<Polite>(&history),
            [format!(
                r#"timer {TIMER} {seconds} {{"args":[1],"kwargs":{{}}}}"#
            )]
        );
        let decided = replay::<Polite>(&history).decisions().unwrap().decisions;
        let Decision::StartTimer(timer) = &decided[0] else {
            panic!("{decided:?}");
        };
        assert_eq!(
            timer.control.as_deref(),
            Some(r#"{"args":[1],"kwargs":{}}"#)
        );
        history = history
            .decision(|d| d.start_timer(TIMER, seconds))
            .timer_fired(TIMER);
        assert_eq!(next::<Polite>(&history), ["schedule activity-polite-1(1)"]);
        history = history.decision(|d| d.schedule_activity(ID, "polite"));
    }
    let failed = history.activity_failed(ID, "no", "");
    assert_eq!(
        next::<Polite>(&failed),
        ["fail Workflow execution error in activity-polite: \"no\""]
    );
}

#[test]
fn a_failure_may_be_one_that_is_not_tried_again() {
    let not_again = |reason: &str, details: &str| {
        let history = scheduled().activity_failed(ID, reason, details);
        next::<Polite>(&history)[0].starts_with("fail")
    };
    assert!(not_again("ValueError", ""));
    assert!(not_again(
        "ValueError: 3",
        r#"{"error": "ValueError", "error_type": "builtins.ValueError", "message": "3"}"#
    ));
    assert!(!not_again(
        "KeyError: 3",
        r#"{"error": "KeyError", "error_type": "builtins.KeyError", "message": "3"}"#
    ));
    for error in [
        Error::msg("no").non_retryable(),
        Error::msg("no").with_details("at all").non_retryable(),
        Error::msg("no")
            .non_retryable()
            .with_details("d".repeat(40_000)),
        Error::from("x".parse::<i64>().unwrap_err()).non_retryable(),
    ] {
        let failure = Failure::of_activity(&error).within(32_768);
        let details = failure.details.unwrap();
        assert!(details.chars().count() <= 32_768);
        assert!(not_again(&failure.reason, &details), "{details}");
    }
    let long = Failure::with_type("builtins.ValueError", &"no ".repeat(100), &[]);
    assert!(not_again(&long.reason, &long.details.unwrap()));
    let plain = Failure::of_activity(&Error::msg("no"));
    assert!(!not_again(&plain.reason, &plain.details.unwrap()));
}

#[test]
fn a_non_retryable_failure_says_what_others_say() {
    let error = Error::from("x".parse::<i64>().unwrap_err()).non_retryable();
    assert_eq!(error.to_string(), "invalid digit found in string");
    assert!(error.downcast_ref::<std::num::ParseIntError>().is_some());
    let failure = Failure::of_activity(&error);
    assert_eq!(
        failure.reason,
        "ParseIntError: invalid digit found in string"
    );
    let details: simpleflow_core::serde_json::Value =
        simpleflow_core::serde_json::from_str(&failure.details.unwrap()).unwrap();
    assert_eq!(details["error_type"], "core::num::error::ParseIntError");
    assert_eq!(details["non_retryable"], true);
}

workflow!(Impatient(flow) -> i64 {
    let policy = RetryPolicy::new(5).timeouts(false);
    Ok(flow.submit(polite(1).retry(policy)).await?)
});

#[test]
fn a_policy_may_leave_timeouts_alone() {
    let history = scheduled().activity_timed_out(ID, StartToClose);
    assert!(next::<Impatient>(&history)[0].starts_with("fail"));
    let history = scheduled().activity_failed(ID, "no", "");
    assert_eq!(
        next::<Impatient>(&history),
        ["schedule activity-polite-1(1)"]
    );
}

#[simpleflow_macros::workflow(name = "child", retry = RetryPolicy::exponential(1, secs(5)))]
struct Child {
    x: i64,
}

impl Workflow for Child {
    type Output = i64;

    async fn run(self, _: Flow) -> Result<i64> {
        Err(Error::msg(self.x).non_retryable())
    }
}

workflow!(Parent(flow) -> i64 {
    Ok(flow.submit(Child { x: 1 }.call().workflow_id("c")).await?)
});

#[test]
fn a_child_is_started_again_by_its_policy() {
    let history = started()
        .decision(|d| d.start_child("c", "child"))
        .child_failed("c", "no");
    let decided = replay::<Parent>(&history).decisions().unwrap().decisions;
    assert_eq!(
        next::<Parent>(&history),
        [r#"timer __simpleflow_task_c 5 {"args":[1],"kwargs":{}}"#]
    );
    let Decision::StartTimer(timer) = &decided[0] else {
        panic!("{decided:?}");
    };
    assert_eq!(
        timer.control.as_deref(),
        Some(r#"{"args":[1],"kwargs":{}}"#)
    );
    let history = history
        .decision(|d| d.start_timer("__simpleflow_task_c", 5))
        .timer_fired("__simpleflow_task_c");
    assert_eq!(next::<Parent>(&history), ["child c"]);

    // And says itself when that is of no use.
    let failed = replay::<Child>(HistoryBuilder::new().started("[3]"));
    let Decision::FailWorkflowExecution(failed) = &failed.decisions().unwrap().decisions[0] else {
        panic!("it fails");
    };
    assert_eq!(
        failed.details.as_deref(),
        Some(r#"{"details":"","message":"Workflow execution failed: 3","non_retryable":true}"#)
    );
}

workflow!(Cancels(flow) -> bool {
    let task = flow.submit(polite(1));
    flow.wait_signal::<()>("go").await?;
    task.cancel();
    Ok(task.await.is_err_and(|error| error.is_cancelled()))
});

#[test]
fn a_task_that_waits_for_its_next_attempt_can_be_cancelled() {
    let history = scheduled()
        .activity_failed(ID, "no", "")
        .decision(|d| d.start_timer(TIMER, 10))
        .signaled("go", "");
    assert_eq!(next::<Cancels>(&history), ["complete true"]);
}

#[simpleflow_macros::workflow]
struct Decides {
    choice: String,
}

impl Workflow for Decides {
    type Output = i64;

    async fn run(self, flow: Flow) -> Result<i64> {
        let asked = Rc::new(Cell::new(0));
        let count = Rc::clone(&asked);
        let choice = self.choice;
        flow.on_task_failure(move |failure: &TaskFailure| {
            count.set(count.get() + 1);
            assert_eq!(failure.name(), "retried");
            assert_eq!(failure.task_id(), "activity-retried-1");
            assert_eq!(failure.attempt(), count.get());
            assert!(failure.time().as_micros() > 0);
            match &*choice {
                "none" => FailureDecision::none(),
                "abort" => FailureDecision::abort(),
                "ignore" => FailureDecision::ignore(-1),
                "retry" => FailureDecision::retry_now(),
                "later" => FailureDecision::retry_later(Duration::from_millis(29_500)),
                "cancel" => FailureDecision::cancel(),
                "handled" => FailureDecision::handled(),
                other => panic!("{other}"),
            }
        });
        let result = flow.submit(retried(1).raises_on_failure(true)).await;
        match result {
            Ok(result) => Ok(result),
            Err(error) if error.is_cancelled() => Ok(-2),
            Err(_) => Ok(-3),
        }
    }
}

fn decides(choice: &str) -> HistoryBuilder {
    HistoryBuilder::new()
        .started(format!("[{choice:?}]"))
        .decision(|d| d.schedule_activity("activity-retried-1", "retried"))
        .activity_failed("activity-retried-1", "no", "")
}

#[test]
fn the_code_chooses_what_becomes_of_a_failure() {
    let again = "schedule activity-retried-1(1)";
    let failed = "fail Workflow execution error in activity-retried: \"no\"";
    for (choice, expected) in [
        ("none", again),
        ("abort", failed),
        ("ignore", "complete -1"),
        ("retry", again),
        (
            "later",
            r#"timer __simpleflow_task_activity-retried-1 30 {"args":[1],"kwargs":{}}"#,
        ),
        ("cancel", "complete -2"),
        ("handled", "complete -3"),
        ("what", "fail Cannot replay the workflow: panic(what)"),
    ] {
        assert_eq!(next::<Decides>(&decides(choice)), [expected], "{choice}");
    }
}

workflow!(TellsOfIt(flow) -> i64 {
    flow.on_task_failure(|failure| match failure.name() {
        "vital" => FailureDecision::none(),
        _ => FailureDecision::abort(),
    });
    let (work, other) = (flow.submit(vital(1)), flow.submit(slow(1)));
    let _ = futures::future::select(work, other).await;
    flow.record_marker("too late", ());
    Ok(0)
});

#[test]
fn a_failure_that_fails_the_workflow_leaves_its_code_no_turn() {
    for id in ["activity-vital-1", "activity-slow-1"] {
        let history = started()
            .decision(|d| {
                d.schedule_activity("activity-vital-1", "vital")
                    .schedule_activity("activity-slow-1", "slow")
            })
            .activity_failed(id, "no", "");
        let decided = next::<TellsOfIt>(&history);
        let [failed] = &decided[..] else {
            panic!("{decided:?}");
        };
        assert!(failed.starts_with("fail Workflow execution error"));
    }
}

workflow!(CancelsVital(flow) -> bool {
    let scope = flow.scope();
    let work = scope.submit(vital(1));
    flow.wait_signal::<()>("go").await?;
    scope.cancel();
    Ok(work.await.is_err())
});

#[test]
fn a_task_that_was_cancelled_may_end_in_any_way() {
    const ID: &str = "activity-vital-1";
    let history = started()
        .decision(|d| d.schedule_activity(ID, "vital"))
        .signaled("go", "")
        .decision(|d| d.cancel_activity(ID));
    for history in [
        history.clone().activity_failed(ID, "no", ""),
        history.clone().activity_timed_out(ID, StartToClose),
        history.activity_canceled(ID),
    ] {
        assert_eq!(next::<CancelsVital>(&history), ["complete true"]);
    }
}

#[test]
fn the_code_may_have_it_tried_more_often_than_its_policy() {
    let mut history = decides("retry");
    for _ in 0..5 {
        history = history
            .decision(|d| d.schedule_activity("activity-retried-1", "retried"))
            .activity_failed("activity-retried-1", "no", "");
    }
    assert_eq!(
        next::<Decides>(&history),
        ["schedule activity-retried-1(1)"]
    );
    replay::<Decides>(&history).check().unwrap();
}

#[test]
fn the_code_is_asked_about_what_the_service_refuses() {
    let history = HistoryBuilder::new().started("[\"ignore\"]").decision(|d| {
        d.schedule_activity("activity-retried-1", "retried")
            .refused("ACTIVITY_TYPE_DEPRECATED")
    });
    assert_eq!(next::<Decides>(&history), ["complete -1"]);
}

workflow!(RetriesAndWakes(flow) -> i64 {
    let timer = flow.start_timer("t", secs(60));
    flow.on_task_failure({
        let timer = timer.clone();
        move |_| {
            timer.cancel();
            FailureDecision::retry_later(secs(10))
        }
    });
    let task = flow.submit(slow(1));
    let _ = timer.await;
    flow.submit(inc(1));
    Ok(task.await?)
});

#[test]
fn code_that_a_handler_woke_goes_on_although_the_task_is_tried_again() {
    let history = started()
        .decision(|d| {
            d.start_timer("t", 60)
                .schedule_activity("activity-slow-1", "slow")
        })
        .activity_failed("activity-slow-1", "no", "");
    assert_eq!(
        next::<RetriesAndWakes>(&history),
        [
            "cancel timer t",
            r#"timer __simpleflow_task_activity-slow-1 10 {"args":[1],"kwargs":{}}"#,
            "schedule activity-inc-1(1)",
        ]
    );
}

workflow!(IgnoresRefused(flow) -> i64 {
    flow.on_task_failure(|_| FailureDecision::ignore(7));
    Ok(flow.submit(simpleflow_core::Lambda::new("resize")).await?)
});

#[test]
fn a_handler_is_asked_about_a_lambda_function_that_is_refused_or_not_started() {
    let refused = started().decision(|d| {
        d.schedule_lambda("lambda-resize-1", "resize")
            .refused("LAMBDA_SERVICE_NOT_AVAILABLE_IN_REGION")
    });
    assert_eq!(next::<IgnoresRefused>(&refused), ["complete 7"]);
    let not_started = started()
        .decision(|d| d.schedule_lambda("lambda-resize-1", "resize"))
        .lambda_not_started("lambda-resize-1", "ASSUME_ROLE_FAILED", "no");
    assert_eq!(next::<IgnoresRefused>(&not_started), ["complete 7"]);
}

#[workflow(name = "same", retry = polite_children())]
struct Same;

fn polite_children() -> RetryPolicy {
    RetryPolicy::exponential(3, secs(10))
}

impl Workflow for Same {
    type Output = i64;

    async fn run(self, _flow: Flow) -> Result<i64> {
        Ok(1)
    }
}

workflow!(SameIds(flow) -> i64 {
    let activity = flow.submit(polite(1).activity_id("same"));
    let child = flow.submit(Same.call().workflow_id("same"));
    let (a, b) = flow.wait_all((activity, child)).await?;
    Ok(a + b)
});

#[test]
fn tasks_of_two_kinds_with_one_id_rest_at_one_time() {
    let timers = ["__simpleflow_task_same", "__simpleflow_task_same-2"];
    let history = started()
        .decision(|d| {
            d.schedule_activity("same", "polite")
                .start_child("same", "same")
        })
        .child_started("same")
        .activity_failed("same", "no", "")
        .child_failed("same", "no");
    let [first, second] = &next::<SameIds>(&history)[..] else {
        panic!("{:?}", next::<SameIds>(&history));
    };
    assert!(
        first.starts_with(&format!("timer {} 10", timers[0])),
        "{first}"
    );
    assert!(
        second.starts_with(&format!("timer {} 10", timers[1])),
        "{second}"
    );
    let history = history
        .decision(|d| d.start_timer(timers[0], 10).start_timer(timers[1], 10))
        .timer_fired(timers[1])
        .timer_fired(timers[0]);
    assert_eq!(
        next::<SameIds>(&history),
        ["child same", "schedule same(1)"]
    );
}

#[simpleflow_macros::workflow]
struct Withdraws {
    aborts: bool,
}

impl Workflow for Withdraws {
    type Output = ();

    async fn run(self, flow: Flow) -> Result<()> {
        flow.on_task_failure(move |_: &TaskFailure| match self.aborts {
            true => FailureDecision::abort(),
            false => FailureDecision::retry_now(),
        });
        let task = flow.submit(polite(1));
        let child = flow.submit(Child { x: 1 }.call().workflow_id("c"));
        flow.wait_signal::<()>("go").await?;
        task.cancel();
        child.cancel();
        flow.wait_signal::<()>("end").await.map_err(Error::from)
    }
}

#[test]
fn a_task_that_was_cancelled_before_its_refusal_is_told_stays_cancelled() {
    for aborts in [false, true] {
        // The decider learns of the signal first, and then of what became of its decisions.
        let history = HistoryBuilder::new()
            .started(format!("[{aborts}]"))
            .decision_started()
            .signaled("go", "")
            .decided(|d| {
                d.schedule_activity(ID, "polite")
                    .refused("ACTIVITY_TYPE_DEPRECATED")
                    .start_child("c", "child")
                    .refused("WORKFLOW_TYPE_DEPRECATED")
            });
        assert!(next::<Withdraws>(&history).is_empty(), "aborts: {aborts}");
        let history = history.signaled("end", "");
        assert_eq!(next::<Withdraws>(&history), ["complete null"]);
    }
}
