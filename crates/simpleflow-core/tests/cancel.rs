//! Cancels: of the execution, of scopes, and what sagas make of them.

// The macros write `simpleflow`, where users have all of it.
extern crate simpleflow_core as simpleflow;

mod common;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use common::*;
use futures::future::{Either, select};
use simpleflow_core::testing::{HistoryBuilder, replay};
use simpleflow_core::{ReplayContext, SagaError, bail};
use simpleflow_model::Decision;

workflow!(TidiesUp(flow) -> i64 {
    let cancel = flow.cancel_requested();
    let scope = flow.scope();
    match select(scope.submit(slow(1)), cancel).await {
        Either::Left((result, _)) => Ok(result?),
        Either::Right(_) => {
            scope.cancel();
            flow.submit(inc(7)).await?;
            Err(Error::cancelled().with_details("tidy"))
        }
    }
});

#[test]
fn code_that_asked_for_the_cancel_ends_itself() {
    let history = started()
        .decision(|d| d.schedule_activity("activity-slow-1", "slow"))
        .cancel_requested();
    assert_eq!(
        next::<TidiesUp>(&history),
        [
            "cancel activity activity-slow-1",
            "schedule activity-inc-1(7)"
        ]
    );
    let history = history
        .decision(|d| {
            d.cancel_activity("activity-slow-1")
                .schedule_activity("activity-inc-1", "inc")
        })
        // To be asked again changes nothing.
        .cancel_requested()
        .activity_completed("activity-inc-1", "8");
    let decisions = replay::<TidiesUp>(&history).decisions().unwrap().decisions;
    let [Decision::CancelWorkflowExecution(cancelled)] = &decisions[..] else {
        panic!("{decisions:?}");
    };
    assert_eq!(cancelled.details.as_deref(), Some("tidy"));
    replay::<TidiesUp>(&history.decision(|d| d.cancel()))
        .check()
        .unwrap();
}

workflow!(AsksLate(flow) -> bool {
    flow.submit(slow(1)).await?;
    Ok(flow.is_cancel_requested())
});

#[test]
fn code_that_has_not_asked_yet_is_cancelled_at_once() {
    let scheduled = started().decision(|d| d.schedule_activity("activity-slow-1", "slow"));
    let history = scheduled.cancel_requested();
    assert_eq!(next::<AsksLate>(&history), ["cancel the execution"]);
}

workflow!(AsksNow(flow) -> bool {
    if flow.is_cancel_requested() {
        bail!("nothing happened yet");
    }
    flow.submit(slow(1)).await?;
    Ok(flow.is_cancel_requested())
});

#[test]
fn who_looks_whether_a_cancel_is_requested_handles_it() {
    let history = started()
        .decision(|d| d.schedule_activity("activity-slow-1", "slow"))
        .cancel_requested();
    assert!(next::<AsksNow>(&history).is_empty(), "it goes on");
    let history = history
        .decision(|d| d)
        .activity_completed("activity-slow-1", "1");
    assert_eq!(next::<AsksNow>(&history), ["complete true"]);
}

workflow!(PassesOn(flow) -> i64 {
    let work = flow.submit(slow(1));
    flow.cancel_requested().await?;
    work.cancel();
    Ok(work.await?)
});

#[test]
fn a_cancelled_task_cancels_an_execution_whose_cancel_was_requested() {
    let history = started()
        .decision(|d| d.schedule_activity("activity-slow-1", "slow"))
        .cancel_requested()
        .decision(|d| d.cancel_activity("activity-slow-1"))
        .activity_canceled("activity-slow-1");
    assert_eq!(next::<PassesOn>(&history), ["cancel the execution"]);
}

#[simpleflow_macros::workflow]
struct Stubborn;

impl Workflow for Stubborn {
    type Output = i64;

    async fn run(self, flow: Flow) -> Result<i64> {
        Ok(flow.submit(slow(1)).await?)
    }

    fn should_cancel(context: &ReplayContext<'_>) -> bool {
        // The second time it gives in.
        context.history_length() > 6
    }
}

#[test]
fn a_workflow_may_not_heed_a_cancel() {
    let history = started()
        .decision(|d| d.schedule_activity("activity-slow-1", "slow"))
        .cancel_requested();
    assert!(next::<Stubborn>(&history).is_empty());
    let history = history.decision(|d| d).cancel_requested();
    assert_eq!(next::<Stubborn>(&history), ["cancel the execution"]);
}

#[simpleflow_macros::workflow(name = "child")]
struct Child;

impl Workflow for Child {
    type Output = i64;

    async fn run(self, _: Flow) -> Result<i64> {
        Ok(1)
    }
}

workflow!(Scopes(flow) -> Vec<String> {
    let outer = flow.scope();
    let inner = outer.scope();
    let shielded = outer.shielded_scope();
    let tasks = [
        outer.submit(inc(1)),
        inner.submit(inc(2)),
        shielded.submit(inc(3)),
        flow.submit(inc(4)),
        outer.submit(Child.call().workflow_id("child")),
    ];
    let timer = inner.start_timer("t", secs(60));
    flow.wait_signal::<()>("go").await?;
    let queued = outer.submit(inc(5));
    outer.cancel();
    let late = inner.submit(inc(6));
    let shared = inner.submit(once(1));
    let alive = flow.submit(once(1));
    outer.cancel();
    assert!(inner.is_cancelled() && !shielded.is_cancelled());
    assert!(inner.scope().is_cancelled());
    let state = |future: &Future<i64>| format!("{:?}", future.state());
    let mut states: Vec<_> = tasks.iter().map(state).collect();
    states.extend([&queued, &late, &shared, &alive].map(state));
    states.push(format!("{:?}", timer.state()));
    outer.done().await;
    states.push("done".into());
    Ok(states)
});

#[test]
fn a_scope_is_cancelled_with_those_in_it() {
    let history = started().decision(|d| {
        d.schedule_activity("activity-inc-1", "inc")
            .schedule_activity("activity-inc-2", "inc")
            .schedule_activity("activity-inc-3", "inc")
            .schedule_activity("activity-inc-4", "inc")
            .start_child("child", "child")
            .start_timer("t", 60)
    });
    let history = history
        .child_started("child")
        .activity_started("activity-inc-2")
        .decision(|d| d)
        .signaled("go", "");
    assert_eq!(
        next::<Scopes>(&history),
        [
            "cancel activity activity-inc-1",
            "cancel child child of any run",
            "cancel activity activity-inc-2",
            "cancel timer t",
            "schedule activity-once-bdc09455c37471e0ba7397350413a5e6(1)",
        ]
    );
    let history = history
        .decision(|d| {
            d.cancel_activity("activity-inc-1")
                .cancel_child("child")
                .cancel_activity("activity-inc-2")
                .cancel_timer("t")
                .schedule_activity("activity-once-bdc09455c37471e0ba7397350413a5e6", "once")
        })
        .activity_canceled("activity-inc-1")
        .child_canceled("child");
    assert!(next::<Scopes>(&history).is_empty(), "one is not done");
    let history = history
        .decision(|d| d)
        .activity_completed("activity-inc-2", "3");
    assert_eq!(
        next::<Scopes>(&history),
        [concat!(
            r#"complete ["Pending","Running","Pending","Pending","Running","#,
            r#""Cancelled","Cancelled","Cancelled","Pending","Cancelled","done"]"#
        )]
    );
}

workflow!(SubmitsAgain(flow) -> Vec<bool> {
    let scope = flow.scope();
    let charge = scope.submit(slow(1).id("c"));
    scope.cancel();
    let again = scope.submit(slow(1).id("c"));
    let outside = flow.submit(slow(1).id("c"));
    flow.wait_signal::<()>("go").await?;
    let state = |future: &Future<i64>| future.state() == FutureState::Cancelled;
    Ok([&charge, &again, &outside].map(state).to_vec())
});

#[test]
fn a_task_that_was_there_before_its_scope_was_cancelled_keeps_its_id() {
    let history = started();
    assert!(next::<SubmitsAgain>(&history).is_empty());
    let history = history.decision(|d| d).signaled("go", "");
    assert_eq!(
        next::<SubmitsAgain>(&history),
        ["complete [true,true,true]"]
    );
}

thread_local! {
    static ERROR: RefCell<Option<String>> = const { RefCell::new(None) };
}

workflow!(Trip(flow) -> i64 {
    let trip = flow
        .saga(async |saga| {
            let car = saga.submit(inc(1));
            saga.undo(inc(&car));
            let hotel = saga.submit(slow(2));
            saga.undo(slow(&hotel));
            let order = Rc::new(Cell::new(0));
            saga.undo_with(async move |flow| {
                order.set(order.get() + 1);
                flow.submit(slow(order.get())).await?;
                Ok(())
            });
            saga.wait_all((&car, &hotel)).await?;
            Ok(saga.submit(vital_step()).await?)
        })
        .await;
    if let Err(error) = &trip {
        let saga = error.downcast_ref::<SagaError>();
        let failures = saga.map(|saga| (saga.cause().is_cancelled(), saga.failures().len()));
        ERROR.set(Some(format!("{failures:?}")));
    }
    trip
});

fn vital_step() -> simpleflow_core::ActivityCall<i64> {
    retried(3).retry(0)
}

fn booked() -> HistoryBuilder {
    started()
        .decision(|d| {
            d.schedule_activity("activity-inc-1", "inc")
                .schedule_activity("activity-slow-1", "slow")
        })
        .activity_completed("activity-inc-1", "2")
        .activity_completed("activity-slow-1", "2")
        .decision(|d| d.schedule_activity("activity-retried-1", "retried"))
}

#[test]
fn a_saga_that_succeeds_undoes_nothing() {
    let history = booked().activity_completed("activity-retried-1", "9");
    assert_eq!(next::<Trip>(&history), ["complete 9"]);
}

#[test]
fn a_saga_that_fails_is_undone_from_its_end() {
    let history = booked().activity_failed("activity-retried-1", "no", "");
    assert_eq!(next::<Trip>(&history), ["schedule activity-slow-2(1)"]);
    let history = history
        .decision(|d| d.schedule_activity("activity-slow-2", "slow"))
        .activity_completed("activity-slow-2", "1");
    assert_eq!(next::<Trip>(&history), ["schedule activity-slow-3(2)"]);
    let history = history
        .decision(|d| d.schedule_activity("activity-slow-3", "slow"))
        .activity_completed("activity-slow-3", "1");
    assert_eq!(next::<Trip>(&history), ["schedule activity-inc-2(2)"]);
    let undone = history
        .clone()
        .decision(|d| d.schedule_activity("activity-inc-2", "inc"))
        .activity_completed("activity-inc-2", "1");
    assert_eq!(
        next::<Trip>(&undone),
        ["fail Workflow execution error in activity-retried: \"no\""]
    );
    let not_undone = history
        .decision(|d| d.schedule_activity("activity-inc-2", "inc"))
        .activity_failed("activity-inc-2", "never", "");
    assert_eq!(
        next::<Trip>(&not_undone),
        [
            "fail Workflow execution failed: activity-retried-1: no, and what was done is not all \
             undone: activity-inc-2: never"
        ]
    );
    assert_eq!(ERROR.take().as_deref(), Some("Some((false, 1))"));
}

#[test]
fn a_cancel_stops_the_steps_of_a_saga_before_it_is_undone() {
    let history = started()
        .decision(|d| {
            d.schedule_activity("activity-inc-1", "inc")
                .schedule_activity("activity-slow-1", "slow")
        })
        .activity_completed("activity-inc-1", "2")
        .decision(|d| d)
        .cancel_requested();
    assert_eq!(next::<Trip>(&history), ["cancel activity activity-slow-1"]);
    let history = history
        .decision(|d| d.cancel_activity("activity-slow-1"))
        .activity_canceled("activity-slow-1");
    assert_eq!(next::<Trip>(&history), ["schedule activity-slow-2(1)"]);
    let history = history
        .decision(|d| d.schedule_activity("activity-slow-2", "slow"))
        .activity_completed("activity-slow-2", "1");
    // The hotel was not booked: there is nothing to undo.
    assert_eq!(next::<Trip>(&history), ["schedule activity-inc-2(2)"]);
    let history = history
        .decision(|d| d.schedule_activity("activity-inc-2", "inc"))
        .activity_completed("activity-inc-2", "1");
    assert_eq!(next::<Trip>(&history), ["cancel the execution"]);
}

workflow!(Spawns(flow) -> (String, bool) {
    let scope = flow.scope();
    let inside = scope.clone();
    let spawned = scope.spawn(async move {
        inside.submit(slow(1)).await?;
        inside.submit(slow(2)).await?;
        Ok(())
    });
    flow.wait_signal::<()>("go").await?;
    scope.cancel();
    let late = scope.spawn(async move { Ok(1) });
    let state = format!("{:?}", spawned.state());
    scope.done().await;
    Ok((state, late.await.is_err_and(|error| error.is_cancelled())))
});

#[test]
fn a_scope_drops_the_code_that_was_spawned_in_it() {
    let history = started()
        .decision(|d| d.schedule_activity("activity-slow-1", "slow"))
        .signaled("go", "");
    assert_eq!(
        next::<Spawns>(&history),
        ["cancel activity activity-slow-1"]
    );
    let history = history
        .decision(|d| d.cancel_activity("activity-slow-1"))
        .activity_completed("activity-slow-1", "1");
    assert_eq!(next::<Spawns>(&history), [r#"complete ["Cancelled",true]"#]);
}

workflow!(WaitsNoMore(flow) -> i64 {
    let cancel = flow.cancel_requested();
    flow.saga(async |saga| {
        let step = saga.submit(slow(1));
        saga.undo(inc(&step));
        cancel.cancel();
        assert!(!cancel.is_done());
        Ok(step.await?)
    })
    .await
});

#[test]
fn to_wait_no_more_for_a_cancel_is_no_cancel() {
    let history = started();
    assert_eq!(
        next::<WaitsNoMore>(&history),
        ["schedule activity-slow-1(1)"]
    );
    let history = history.decision(|d| d.schedule_activity("activity-slow-1", "slow"));
    let done = history.clone().activity_completed("activity-slow-1", "1");
    assert_eq!(next::<WaitsNoMore>(&done), ["complete 1"]);
    let requested = history.cancel_requested();
    assert_eq!(
        next::<WaitsNoMore>(&requested),
        ["cancel activity activity-slow-1"]
    );
}

workflow!(WaitsForForeign(flow) -> i64 {
    flow.saga(async |saga| {
        let step = saga.submit(slow(1)).await?;
        std::future::pending::<()>().await;
        Ok(step)
    })
    .await
});

workflow!(WaitsForCancel(flow) -> i64 {
    flow.saga(async |saga| {
        saga.cancel_requested().await?;
        Ok(1)
    })
    .await
});

#[test]
fn a_foreign_future_in_a_saga_is_found() {
    let history = started()
        .decision(|d| d.schedule_activity("activity-slow-1", "slow"))
        .activity_completed("activity-slow-1", "1");
    let decisions = next::<WaitsForForeign>(&history);
    assert!(
        decisions[0].starts_with("fail Cannot replay the workflow: it awaits a foreign future"),
        "{decisions:?}"
    );
    // Which a cancel that the steps wait for is not.
    assert!(next::<WaitsForCancel>(&started()).is_empty());
    let requested = started().decision(|d| d).cancel_requested();
    assert_eq!(next::<WaitsForCancel>(&requested), ["cancel the execution"]);
}

// Two trips in one: the second fails when the first has a step that is done and one that runs.
workflow!(TwoTrips(flow) -> i64 {
    flow.saga(async |saga| {
        let outer = saga.submit(inc(0)).await?;
        saga.undo(inc(outer));
        let (one, other) = (flow.clone(), flow.clone());
        let one = saga.spawn(async move {
            one.saga(async |saga| {
                let flight = saga.submit(inc(1));
                saga.undo(inc(&flight));
                flight.await?;
                Ok(saga.submit(slow(1)).await?)
            })
            .await
        });
        let other = saga.spawn(async move {
            other.saga(async |saga| Ok(saga.submit(vital_step()).await?)).await
        });
        other.await?;
        Ok(one.await?)
    })
    .await
});

fn two_trips() -> HistoryBuilder {
    started()
        .decision(|d| d.schedule_activity("activity-inc-1", "inc"))
        .activity_completed("activity-inc-1", "10")
        .decision(|d| {
            d.schedule_activity("activity-inc-2", "inc")
                .schedule_activity("activity-retried-1", "retried")
        })
        .activity_completed("activity-inc-2", "20")
        .decision(|d| d.schedule_activity("activity-slow-1", "slow"))
}

/// From the cancel of the step that runs to the last undo.
fn check_two_trips_are_undone(
    history: HistoryBuilder,
    mut cancels: Vec<&'static str>,
    ended: &str,
) {
    assert_eq!(next::<TwoTrips>(&history), cancels);
    cancels.retain(|cancel| cancel.contains("retried"));
    let history = history.decision(|d| match cancels[..] {
        [] => d.cancel_activity("activity-slow-1"),
        _ => d
            .cancel_activity("activity-slow-1")
            .cancel_activity("activity-retried-1"),
    });
    let history = match cancels[..] {
        [] => history,
        _ => history.activity_canceled("activity-retried-1"),
    };
    let history = history.activity_canceled("activity-slow-1");
    assert_eq!(next::<TwoTrips>(&history), ["schedule activity-inc-3(20)"]);
    let history = history
        .decision(|d| d.schedule_activity("activity-inc-3", "inc"))
        .activity_completed("activity-inc-3", "1");
    assert_eq!(next::<TwoTrips>(&history), ["schedule activity-inc-4(10)"]);
    let history = history
        .decision(|d| d.schedule_activity("activity-inc-4", "inc"))
        .activity_completed("activity-inc-4", "1");
    assert_eq!(next::<TwoTrips>(&history), [ended]);
}

#[test]
fn a_saga_in_a_saga_that_fails_is_undone_before_it() {
    check_two_trips_are_undone(
        two_trips().activity_failed("activity-retried-1", "no", ""),
        vec!["cancel activity activity-slow-1"],
        "fail Workflow execution error in activity-retried: \"no\"",
    );
}

#[test]
fn a_cancel_undoes_a_saga_in_a_saga() {
    check_two_trips_are_undone(
        two_trips().cancel_requested(),
        vec![
            "cancel activity activity-slow-1",
            "cancel activity activity-retried-1",
        ],
        "cancel the execution",
    );
}

workflow!(InTime(flow) -> i64 {
    let trip = flow.saga(async |saga| {
        saga.undo(inc(7));
        Ok(saga.submit(slow(1)).await?)
    });
    match flow.timeout(trip, secs(60)).await {
        Ok(trip) => trip,
        Err(_) => Ok(-1),
    }
});

#[test]
fn a_saga_whose_time_is_up_is_undone_before_the_execution_ends() {
    let history = started()
        .decision(|d| {
            d.start_timer("timeout-1", 60)
                .schedule_activity("activity-slow-1", "slow")
        })
        .timer_fired("timeout-1");
    assert_eq!(
        next::<InTime>(&history),
        ["cancel activity activity-slow-1"]
    );
    let history = history
        .decision(|d| d.cancel_activity("activity-slow-1"))
        .activity_canceled("activity-slow-1");
    assert_eq!(next::<InTime>(&history), ["schedule activity-inc-1(7)"]);
    let history = history.decision(|d| d.schedule_activity("activity-inc-1", "inc"));
    let undone = history.clone().activity_completed("activity-inc-1", "1");
    assert_eq!(next::<InTime>(&undone), ["complete -1"]);
    let not_undone = history.activity_failed("activity-inc-1", "never", "");
    let failed = &next::<InTime>(&not_undone)[0];
    assert!(
        failed.starts_with("fail") && failed.ends_with("is not all undone: activity-inc-1: never"),
        "{failed}"
    );
}

workflow!(UndoneTwice(flow) -> () {
    let scope = flow.scope();
    let inside = scope.clone();
    scope.spawn(async move {
        inside
            .saga(async |saga| {
                saga.undo(inc(7));
                saga.submit(slow(1)).await?;
                Ok(())
            })
            .await
    });
    flow.wait_signal::<()>("go").await?;
    scope.cancel();
    scope.done().await;
    flow.record_marker("done", ());
    Ok(())
});

#[test]
fn a_cancel_reaches_no_saga_that_is_being_undone() {
    let history = started()
        .decision(|d| d.schedule_activity("activity-slow-1", "slow"))
        .activity_failed("activity-slow-1", "no", "")
        .decision(|d| d.schedule_activity("activity-inc-1", "inc"))
        .signaled("go", "");
    assert!(next::<UndoneTwice>(&history).is_empty(), "it goes on");
    let history = history
        .decision(|d| d)
        .activity_completed("activity-inc-1", "1");
    assert_eq!(
        next::<UndoneTwice>(&history),
        ["marker done null", "complete null"]
    );
}
