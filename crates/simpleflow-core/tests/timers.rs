//! Timers with a control, and time limits on futures.

// The macros write `simpleflow`, where users have all of it.
extern crate simpleflow_core as simpleflow;

mod common;

use common::*;
use simpleflow_core::Timer;
use simpleflow_core::testing::replay;

workflow!(Limited(flow) -> String {
    let task = flow.submit(slow(1));
    let limited = flow.timeout(task.clone(), Duration::from_millis(59_001)).await;
    Ok(match limited {
        Ok(result) => format!("in time: {}", result?),
        Err(elapsed) => {
            task.cancel();
            let refused = elapsed.timer_error().map(TaskError::reason);
            format!("{elapsed}, {refused:?}")
        }
    })
});

fn limited() -> simpleflow_core::testing::HistoryBuilder {
    started().decision(|d| {
        d.schedule_activity("activity-slow-1", "slow")
            .start_timer("timeout-1", 60)
    })
}

#[test]
fn what_ends_in_time_cancels_the_timer() {
    assert_eq!(
        next::<Limited>(&started()),
        ["schedule activity-slow-1(1)", "timer timeout-1 60"]
    );
    let history = limited().activity_completed("activity-slow-1", "5");
    assert_eq!(next::<Limited>(&history), ["complete \"in time: 5\""]);
}

workflow!(GoesOn(flow) -> i64 {
    let first = flow.timeout(flow.submit(slow(1)), secs(60)).await??;
    let second = flow.timeout(std::future::ready(2), secs(60)).await?;
    drop(flow.timeout(std::future::pending::<()>(), secs(60)));
    Ok(first + second + flow.submit(inc(1)).await?)
});

#[test]
fn a_time_limit_that_is_over_leaves_no_timer() {
    let history = limited().activity_completed("activity-slow-1", "5");
    // What was ready at once, or was dropped, had no timer.
    assert_eq!(
        next::<GoesOn>(&history),
        ["cancel timer timeout-1", "schedule activity-inc-1(1)"]
    );
    let history = history.decision(|d| {
        d.cancel_timer("timeout-1")
            .schedule_activity("activity-inc-1", "inc")
    });
    replay::<GoesOn>(&history).check().unwrap();
}

#[test]
fn what_does_not_end_in_time_goes_on_unless_it_is_cancelled() {
    let history = limited().timer_fired("timeout-1");
    assert_eq!(
        next::<Limited>(&history),
        ["complete \"it did not end within 59.001 s, None\""]
    );
}

#[test]
fn of_two_events_the_first_decides() {
    let history = limited()
        .activity_completed("activity-slow-1", "5")
        .timer_fired("timeout-1");
    assert_eq!(next::<Limited>(&history), ["complete \"in time: 5\""]);
    let history = limited()
        .timer_fired("timeout-1")
        .activity_completed("activity-slow-1", "5");
    assert!(next::<Limited>(&history)[0].contains("did not end"));
}

#[test]
fn a_time_limit_without_a_timer_says_why() {
    let history = started().decision(|d| {
        d.schedule_activity("activity-slow-1", "slow")
            .start_timer("timeout-1", 60)
            .refused("OPERATION_NOT_PERMITTED")
    });
    let [complete] = &next::<Limited>(&history)[..] else {
        panic!("{:?}", next::<Limited>(&history));
    };
    assert!(
        complete.contains("the time limit of 59.001 s cannot be kept"),
        "{complete}"
    );
    assert!(complete.contains("OPERATION_NOT_PERMITTED"), "{complete}");
}

workflow!(Controlled(flow) -> Vec<String> {
    let timer = flow.submit(Timer::new("reminder", secs(5)).control(("order", 7)));
    let same = flow.start_timer("reminder", secs(99));
    let too_long = flow.submit(Timer::new("long", secs(5)).control("x".repeat(32_767)));
    let reserved = flow.start_timer("__simpleflow_task_activity-inc-1", secs(5));
    let nameless = flow.start_timer("", secs(5));
    flow.wait_all((timer, same)).await?;
    let mut told = Vec::new();
    for refused in [too_long, reserved, nameless] {
        told.push(refused.await.unwrap_err().reason());
    }
    Ok(told)
});

#[test]
fn a_timer_has_a_control_and_what_the_service_would_not_take_fails_alone() {
    assert_eq!(
        next::<Controlled>(&started()),
        [r#"timer reminder 5 ["order",7]"#]
    );
    let history = started()
        .decision(|d| d.start_timer("reminder", 5))
        .timer_fired("reminder");
    assert_eq!(
        next::<Controlled>(&history),
        [
            "complete [\"32769 characters of control are too many: SWF takes at most 32768\",\
          \"timers with this id are the decider's own: choose another\",\
          \"timer id \\\"\\\" is empty: expected at least 1 character\"]"
        ]
    );
}

workflow!(LimitedInScope(flow) -> bool {
    let scope = flow.scope();
    let limited = scope.timeout(flow.submit(slow(1)), secs(60));
    let stop = async {
        let _ = flow.wait_signal::<()>("stop").await;
        scope.cancel();
    };
    Ok(futures::future::join(limited, stop).await.0.is_err())
});

#[test]
fn a_time_limit_of_a_scope_is_cancelled_with_it() {
    let history = limited().signaled("stop", "");
    assert_eq!(next::<LimitedInScope>(&history), ["complete true"]);
}

workflow!(OwnSleep(flow) -> () {
    let own = flow.start_timer("sleep-1", secs(9));
    flow.sleep(secs(1)).await?;
    own.await?;
    // It has fired: the id is free.
    Ok(flow.sleep(secs(1)).await?)
});

#[test]
fn a_sleep_leaves_an_open_timer_of_the_code_its_id() {
    let history = started();
    assert_eq!(
        next::<OwnSleep>(&history),
        ["timer sleep-1 9", "timer sleep-2 1"]
    );
    let history = history
        .decision(|d| d.start_timer("sleep-1", 9).start_timer("sleep-2", 1))
        .timer_fired("sleep-2")
        .timer_fired("sleep-1");
    assert_eq!(next::<OwnSleep>(&history), ["timer sleep-3 1"]);
}
