//! Code that does not do what its history says, and code that cannot be replayed at all.

// The macros write `simpleflow`, where users have all of it.
extern crate simpleflow_core as simpleflow;

mod common;

use common::*;
use insta::assert_snapshot;
use simpleflow_core::replay::{Divergence, Limits, ReplayError, Replayer};
use simpleflow_core::testing::{HistoryBuilder, ReplayFailed, replay};
use simpleflow_core::{RunContext, WorkflowEntry};
use simpleflow_model::Decision;

workflow!(Sums(flow) -> i64 {
    let a = flow.submit(inc(1));
    let b = flow.submit(slow(2));
    flow.start_timer("pause", secs(5)).await?;
    flow.record_marker("half", 1);
    let c = flow.submit(inc(&b));
    Ok(a.await? + c.await?)
});

/// How `Sums` begins.
fn begun() -> HistoryBuilder {
    started().decision(|d| {
        d.schedule_activity("activity-inc-1", "inc")
            .schedule_activity("activity-slow-1", "slow")
            .start_timer("pause", 5)
    })
}

fn diverges<W: Workflow>(history: &HistoryBuilder) -> (Divergence, String) {
    match replay::<W>(history).check() {
        Err(ReplayFailed::Replay(ReplayError::NonDeterminism(error))) => {
            (error.divergence, without_places(&error.to_string()))
        }
        other => panic!("expected a divergence, found {other:?}"),
    }
}

/// The message with `file.rs:LINE` in place of line and column.
fn without_places(text: &str) -> String {
    let mut parts = text.split(".rs:");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_digit() || c == ':');
        out.push_str(".rs:LINE");
        out.push_str(rest);
    }
    out.replace("crates/simpleflow-core/", "")
}

#[test]
fn the_history_is_right() {
    let history = begun()
        .activity_completed("activity-slow-1", "2")
        .timer_fired("pause")
        .decision(|d| {
            d.marker("half", "1")
                .schedule_activity("activity-inc-2", "inc")
        })
        .activity_completed("activity-inc-2", "3")
        .activity_completed("activity-inc-1", "2")
        .decision(|d| d.complete("5"));
    replay::<Sums>(&history).check().unwrap();
}

#[test]
fn the_code_does_less() {
    let history = started().decision(|d| {
        d.schedule_activity("activity-inc-1", "inc")
            .schedule_activity("activity-slow-1", "slow")
            .schedule_activity("activity-slow-2", "slow")
    });
    let (divergence, message) = diverges::<Sums>(&history);
    assert_eq!(divergence, Divergence::Unclaimed);
    assert_snapshot!(message, @r#"
    non-deterministic workflow code at event 7: the history has what the code does not do
      history  event 5 ActivityTaskScheduled activity-inc-1
               event 6 ActivityTaskScheduled activity-slow-1
               event 7 ActivityTaskScheduled activity-slow-2
      code     start of timer pause at tests/non_determinism.rs:LINE
    the workflow's code must do the same at each replay; to change it under running executions, put the change behind flow.patched("...")
    "#);
}

#[test]
fn the_code_does_more() {
    let history = started().decision(|d| d.schedule_activity("activity-inc-1", "inc"));
    let (divergence, message) = diverges::<Sums>(&history);
    assert_eq!(divergence, Divergence::Missing);
    assert_snapshot!(message, @r#"
    non-deterministic workflow code at event 5: the code does what the history does not have
      history  event 5 ActivityTaskScheduled activity-inc-1
               nothing more in this decision
      code     submit of activity-slow-1 at tests/non_determinism.rs:LINE
               start of timer pause at tests/non_determinism.rs:LINE
    the workflow's code must do the same at each replay; to change it under running executions, put the change behind flow.patched("...")
    "#);
}

#[test]
fn the_code_does_something_else_under_one_id() {
    let history = started().decision(|d| d.schedule_activity("activity-inc-1", "double"));
    let (divergence, message) = diverges::<Sums>(&history);
    assert_eq!(divergence, Divergence::Other);
    assert_snapshot!(message, @r#"
    non-deterministic workflow code at event 5: history and code do different things under one id
      history  event 5 ActivityTaskScheduled activity-inc-1 of type double
      code     submit of activity-inc-1 of type inc at tests/non_determinism.rs:LINE
    the workflow's code must do the same at each replay; to change it under running executions, put the change behind flow.patched("...")
    "#);
}

#[test]
fn the_code_waits_where_the_history_goes_on() {
    let history = begun()
        .activity_completed("activity-slow-1", "2")
        .decision(|d| d.schedule_activity("activity-inc-2", "inc"));
    let (divergence, message) = diverges::<Sums>(&history);
    assert_eq!(divergence, Divergence::Unclaimed);
    assert_snapshot!(message, @r#"
    non-deterministic workflow code at event 13: the history has what the code does not do
      history  event 6 ActivityTaskScheduled activity-slow-1
               event 7 TimerStarted pause
               event 13 ActivityTaskScheduled activity-inc-2
      code     it waits for pause submitted at tests/non_determinism.rs:LINE
    the workflow's code must do the same at each replay; to change it under running executions, put the change behind flow.patched("...")
    "#);
}

#[test]
fn the_code_ends_where_the_history_goes_on() {
    workflow!(Nothing(flow) -> () {
        let _ = flow;
        Ok(())
    });
    let (_, message) = diverges::<Nothing>(&begun());
    assert_snapshot!(message, @r#"
    non-deterministic workflow code at event 5: the history has what the code does not do
      history  event 5 ActivityTaskScheduled activity-inc-1
      code     the workflow returns its result
    the workflow's code must do the same at each replay; to change it under running executions, put the change behind flow.patched("...")
    "#);
    let (divergence, message) = diverges::<Nothing>(&started().decision(|d| d));
    assert_eq!(divergence, Divergence::Missing);
    assert_snapshot!(message, @r#"
    non-deterministic workflow code at event 4: the code does what the history does not have
      history  nothing more in this decision
      code     the workflow returns its result
    the workflow's code must do the same at each replay; to change it under running executions, put the change behind flow.patched("...")
    "#);
}

#[test]
fn the_history_ends_where_the_code_goes_on() {
    let (divergence, message) =
        diverges::<Sums>(&begun().timer_fired("pause").decision(|d| d.complete("5")));
    assert_eq!(divergence, Divergence::Unclaimed);
    assert_snapshot!(message, @r#"
    non-deterministic workflow code at event 12: the history has what the code does not do
      history  event 6 ActivityTaskScheduled activity-slow-1
               event 7 TimerStarted pause
               event 12 WorkflowExecutionCompleted
      code     marker "half" at tests/non_determinism.rs:LINE
    the workflow's code must do the same at each replay; to change it under running executions, put the change behind flow.patched("...")
    "#);
}

#[test]
fn a_marker_that_the_code_adds_before_its_end_is_seen() {
    workflow!(Marks(flow) -> i64 {
        flow.record_marker("new", 1);
        Ok(1)
    });
    let (divergence, message) = diverges::<Marks>(&started().decision(|d| d.complete("1")));
    assert_eq!(divergence, Divergence::Missing);
    assert_snapshot!(message, @r#"
    non-deterministic workflow code at event 5: the code does what the history does not have
      history  event 5 WorkflowExecutionCompleted
               nothing more in this decision
      code     marker "new" at tests/non_determinism.rs:LINE
    the workflow's code must do the same at each replay; to change it under running executions, put the change behind flow.patched("...")
    "#);
}

/// A full response excuses what comes after it, and nothing in between.
#[test]
fn a_full_response_leaves_nothing_out_in_between() {
    workflow!(FanOut(flow) -> i64 {
        let all: Vec<_> = (0..10).map(|x| flow.submit(inc(x))).collect();
        Ok(flow.wait_all(all).await?.into_iter().sum())
    });
    let check = |scheduled: &[u32]| {
        let history = started().decision(|d| {
            let d = scheduled.iter().fold(d, |d, n| {
                d.schedule_activity(format!("activity-inc-{n}"), "inc")
            });
            d.start_timer("_simpleflow_wake_up_timer", 0)
        });
        replay::<FanOut>(&history).check()
    };
    assert_eq!(check(&[1, 2, 3]), Ok(()));
    assert!(check(&[1, 3]).is_err());
}

// What cannot be replayed fails the execution, and says where.

fn fails<W: Workflow>(history: &HistoryBuilder) -> String {
    let decisions = replay::<W>(history).decisions().unwrap().decisions;
    let Some(Decision::FailWorkflowExecution(failure)) = decisions.last() else {
        panic!("{decisions:?}");
    };
    let parts = [&failure.reason, &failure.details].map(|part| part.as_deref().unwrap_or("-"));
    without_places(&parts.join("\n"))
}

#[test]
fn a_foreign_future_is_found_at_that_decision() {
    workflow!(Waits(flow) -> () {
        let _open = flow.submit(inc(1));
        flow.record_marker("m", 1);
        std::future::pending::<()>().await;
        Ok(())
    });
    assert_snapshot!(fails::<Waits>(&started()), @r"
    Cannot replay the workflow: it awaits a foreign future after the submit at tests/non_determinism.rs:LINE
    The workflow awaits a future that is not of its flow: it waits for nothing that is open in the flow.
    Such a future (a socket, a tokio timer, a channel) has no event in the history and cannot be replayed. Use flow.sleep() for time, and an activity for all else.
    ");
}

#[test]
fn a_foreign_future_after_a_cancelled_timer_is_found() {
    workflow!(Waits(flow) -> () {
        let timer = flow.start_timer("t", secs(1));
        flow.submit(inc(1)).await?;
        timer.cancel();
        std::future::pending::<()>().await;
        Ok(())
    });
    let history = started()
        .decision(|d| {
            d.start_timer("t", 1)
                .schedule_activity("activity-inc-1", "inc")
        })
        .activity_completed("activity-inc-1", "2");
    assert!(
        fails::<Waits>(&history).starts_with(
            "Cannot replay the workflow: it awaits a foreign future after the submit at"
        )
    );
}

#[test]
fn a_foreign_future_after_a_race_whose_loser_goes_on_is_found() {
    workflow!(Waits(flow) -> () {
        let open = flow.start_timer("t", secs(1));
        futures::future::select(open.clone(), flow.submit(inc(1))).await;
        flow.wait_any(&[&open, &flow.start_timer("u", secs(1))]).await;
        std::future::pending::<()>().await;
        drop(open);
        Ok(())
    });
    let history = started()
        .decision(|d| {
            d.start_timer("t", 1)
                .schedule_activity("activity-inc-1", "inc")
        })
        .activity_completed("activity-inc-1", "2")
        .decision(|d| d.start_timer("u", 1))
        .timer_fired("u");
    assert!(
        fails::<Waits>(&history).starts_with(
            "Cannot replay the workflow: it awaits a foreign future after the submit at"
        )
    );
}

#[test]
fn what_wakes_the_code_from_outside_is_found() {
    use std::sync::Mutex;
    use std::task::{Poll, Waker};
    static WAKER: Mutex<Option<Waker>> = Mutex::new(None);
    workflow!(Waits(flow) -> i64 {
        let socket = std::future::poll_fn(|context| {
            *WAKER.lock().unwrap() = Some(context.waker().clone());
            Poll::<()>::Pending
        });
        futures::future::select(flow.submit(inc(1)), Box::pin(socket)).await;
        Ok(1)
    });
    let mut replayer = Replayer::new(
        WorkflowEntry::of::<Waits>(),
        RunContext::default(),
        Limits::default(),
    );
    let history = started();
    replayer.feed(history.events().to_vec()).unwrap();
    assert_eq!(
        lines(&replayer.decisions().unwrap()),
        ["schedule activity-inc-1(1)"]
    );
    WAKER.lock().unwrap().take().unwrap().wake();
    let fed = history.events().len();
    let history = history
        .decision(|d| d.schedule_activity("activity-inc-1", "inc"))
        .signaled("any", "");
    replayer.feed(history.events()[fed..].to_vec()).unwrap();
    let [failed] = &lines(&replayer.decisions().unwrap())[..] else {
        panic!()
    };
    assert!(
        failed.starts_with("fail Cannot replay the workflow: it awaits a foreign future"),
        "{failed}"
    );
}

#[test]
fn a_loop_that_wakes_itself_is_found() {
    workflow!(Spins(flow) -> () {
        flow.submit(inc(1));
        std::future::poll_fn(|context| {
            context.waker().wake_by_ref();
            std::task::Poll::<()>::Pending
        })
        .await;
        Ok(())
    });
    assert!(fails::<Spins>(&started()).contains("it wakes itself without end"));
}

#[test]
fn a_panic_fails_the_execution() {
    workflow!(Panics(flow) -> i64 {
        let x = flow.submit(inc(1)).await?;
        let none: Vec<i64> = Vec::new();
        Ok(none[x as usize])
    });
    let history = started()
        .decision(|d| d.schedule_activity("activity-inc-1", "inc"))
        .activity_completed("activity-inc-1", "2");
    assert_snapshot!(fails::<Panics>(&history), @r"
    Cannot replay the workflow: panic(index out of bounds: the len is 0 but the index is 2)
    panicked at tests/non_determinism.rs:LINE
    ");
    let closed = history.decision(|d| d.fail("panic"));
    replay::<Panics>(closed).check().unwrap();
}

#[test]
fn a_panic_before_the_first_step_fails_the_execution() {
    #[workflow(name = "defaults")]
    struct Defaults {
        #[default(panic!("no default"))]
        x: i64,
    }
    impl Workflow for Defaults {
        type Output = i64;
        async fn run(self, _flow: Flow) -> Result<i64> {
            Ok(self.x)
        }
    }
    assert_snapshot!(fails::<Defaults>(&started()), @r"
    Cannot replay the workflow: panic(no default)
    panicked at tests/non_determinism.rs:LINE
    ");
}

#[test]
fn an_error_fails_the_execution_with_its_cause() {
    workflow!(Fails(flow) -> i64 {
        let _ = flow;
        let x: i64 = "one".parse()?;
        Ok(x)
    });
    assert_snapshot!(fails::<Fails>(&started()), @r"
    Workflow execution failed: invalid digit found in string
    core::num::error::ParseIntError
    ");
}
