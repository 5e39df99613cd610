//! What the replayer makes of small histories.

// The macros write `simpleflow`, where users have all of it.
extern crate simpleflow_core as simpleflow;

mod common;

use common::*;
use futures::future::{Either, select};
use simpleflow_core::testing::replay;
use simpleflow_model::enums::ActivityTaskTimeoutType;

workflow!(TwoSteps(flow) -> i64 {
    let first = flow.submit(inc(1));
    let second = flow.submit(inc(&first));
    Ok(second.await?)
});

#[test]
fn a_dependent_is_scheduled_when_its_argument_is_known() {
    let history = started();
    assert_eq!(next::<TwoSteps>(&history), ["schedule activity-inc-1(1)"]);
    let history = history
        .decision(|d| d.schedule_activity("activity-inc-1", "inc"))
        .activity_completed("activity-inc-1", "2");
    assert_eq!(next::<TwoSteps>(&history), ["schedule activity-inc-2(2)"]);
    let history = history
        .decision(|d| d.schedule_activity("activity-inc-2", "inc"))
        .activity_completed("activity-inc-2", "3");
    assert_eq!(next::<TwoSteps>(&history), ["complete 3"]);
    let history = history.decision(|d| d.complete("3"));
    replay::<TwoSteps>(&history).check().unwrap();
    assert!(next::<TwoSteps>(&history).is_empty(), "it is closed");
}

workflow!(IdsAreTakenAtTheSubmit(flow) -> (i64, i64) {
    let s = flow.submit(slow(1));
    let a = flow.submit(inc(&s));
    let b = flow.submit(inc(100));
    Ok(flow.wait_all((&a, &b)).await?)
});

/// The original gives `a` the id of `b`, and its result.
#[test]
fn a_blocked_submit_takes_its_id() {
    let history = started();
    assert_eq!(
        next::<IdsAreTakenAtTheSubmit>(&history),
        [
            "schedule activity-slow-1(1)",
            "schedule activity-inc-2(100)"
        ]
    );
    let history = history
        .decision(|d| {
            d.schedule_activity("activity-slow-1", "slow")
                .schedule_activity("activity-inc-2", "inc")
        })
        .activity_completed("activity-inc-2", "101")
        .activity_completed("activity-slow-1", "1")
        .decision(|d| d.schedule_activity("activity-inc-1", "inc"))
        .activity_completed("activity-inc-1", "2");
    assert_eq!(
        next::<IdsAreTakenAtTheSubmit>(&history),
        ["complete [2,101]"]
    );
}

workflow!(Race(flow) -> String {
    let (a, b) = (flow.submit(inc(1)), flow.submit(slow(1)));
    let winner = flow.wait_any(&[&a, &b]).await;
    let next = flow.submit(inc(winner as i64 * 10));
    next.await?;
    Ok(format!("{winner}"))
});

fn race() -> simpleflow_core::testing::HistoryBuilder {
    started().decision(|d| {
        d.schedule_activity("activity-inc-1", "inc")
            .schedule_activity("activity-slow-1", "slow")
    })
}

#[test]
fn the_winner_of_a_race_is_the_first_in_the_history() {
    let history = race()
        .activity_completed("activity-slow-1", "1")
        .activity_completed("activity-inc-1", "2");
    assert_eq!(next::<Race>(&history), ["schedule activity-inc-2(10)"]);
    let history = race()
        .activity_completed("activity-inc-1", "2")
        .activity_completed("activity-slow-1", "1");
    assert_eq!(next::<Race>(&history), ["schedule activity-inc-2(0)"]);
}

workflow!(Watch(flow) -> i64 {
    let a = flow.submit(slow(1));
    flow.submit(inc(1)).await?;
    // What it asks for depends on what it had seen by then.
    if a.is_done() { Ok(flow.submit(inc(7)).await?) } else { Ok(flow.submit(slow(8)).await?) }
});

#[test]
fn what_happens_while_a_decider_is_at_work_is_not_seen_by_its_decisions() {
    // The two completions came with one decision between them: the first alone was decided on.
    let history = started()
        .decision(|d| {
            d.schedule_activity("activity-slow-1", "slow")
                .schedule_activity("activity-inc-1", "inc")
        })
        .activity_completed("activity-inc-1", "2")
        .decision_started()
        .activity_completed("activity-slow-1", "1")
        .decided(|d| d.schedule_activity("activity-slow-2", "slow"))
        .decision(|d| d)
        .activity_completed("activity-slow-2", "8");
    assert_eq!(next::<Watch>(&history), ["complete 8"]);
}

#[test]
fn what_a_decider_did_not_answer_in_time_is_decided_anew() {
    let history = started()
        .decision(|d| {
            d.schedule_activity("activity-slow-1", "slow")
                .schedule_activity("activity-inc-1", "inc")
        })
        .activity_completed("activity-inc-1", "2")
        .decision_started()
        .activity_completed("activity-slow-1", "1")
        .decision_timed_out();
    assert_eq!(next::<Watch>(&history), ["schedule activity-slow-2(8)"]);
}

/// A decision task that no decider took in time says nothing of the one that a decider has.
#[test]
fn a_decision_task_that_nobody_took_changes_nothing() {
    use simpleflow_model::event::DecisionTaskTimedOut;
    use simpleflow_model::{EventId, HistoryEvent};
    let mut events = started()
        .decision(|d| {
            d.schedule_activity("activity-slow-1", "slow")
                .schedule_activity("activity-inc-1", "inc")
        })
        .activity_completed("activity-inc-1", "2")
        .decision_started()
        .activity_completed("activity-slow-1", "1")
        .build();
    let last = events.last().unwrap();
    let expired = DecisionTaskTimedOut {
        scheduled_event_id: last.event_id,
        ..DecisionTaskTimedOut::default()
    };
    let id = EventId(last.event_id.0 + 1);
    events.push(HistoryEvent::new(id, last.event_timestamp, expired));
    let decisions = replay::<Watch>(events).decisions().unwrap();
    assert_eq!(lines(&decisions), ["schedule activity-slow-2(8)"]);
}

workflow!(Stubborn(flow) -> i64 {
    Ok(flow.submit(retried(1)).await?)
});

#[test]
fn a_failed_activity_is_tried_again_under_its_id() {
    let id = "activity-retried-1";
    let attempt = |history: simpleflow_core::testing::HistoryBuilder| {
        assert_eq!(
            next::<Stubborn>(&history),
            ["schedule activity-retried-1(1)"]
        );
        history.decision(|d| d.schedule_activity(id, "retried"))
    };
    let history = attempt(started());
    let history = attempt(history.activity_failed(id, "ValueError: no", "{}"));
    let history = attempt(history.activity_timed_out(id, ActivityTaskTimeoutType::ScheduleToStart));
    assert_eq!(
        next::<Stubborn>(&history.clone().activity_completed(id, "5")),
        ["complete 5"]
    );
    let failed = history.activity_failed(id, "ValueError: never", "the end");
    let decisions = replay::<Stubborn>(&failed).decisions().unwrap();
    let [simpleflow_model::Decision::FailWorkflowExecution(fail)] = &decisions.decisions[..] else {
        panic!("{decisions:?}");
    };
    assert_eq!(
        fail.reason.as_deref(),
        Some("Workflow execution error in activity-retried: \"ValueError: never\"")
    );
    assert_eq!(fail.details.as_deref(), Some("the end"));
    replay::<Stubborn>(failed.decision(|d| d.fail("x")))
        .check()
        .unwrap();
}

workflow!(Handled(flow) -> String {
    let failed = flow.submit(retried(1).retry(1));
    let dependent = flow.submit(inc(&failed));
    let last = flow.submit(inc(&dependent));
    let error = last.await.unwrap_err();
    let TaskErrorKind::Dependency(root) = error.kind() else { return Ok(format!("{error:?}")) };
    Ok(format!("{} | {} | attempt {} | {}", error, root.task_id(), root.attempt(), root.details().unwrap_or("-")))
});

#[test]
fn a_failure_says_what_failed_first() {
    let id = "activity-retried-1";
    let history = started()
        .decision(|d| d.schedule_activity(id, "retried"))
        .activity_failed(id, "no", "1st")
        .decision(|d| d.schedule_activity(id, "retried"))
        .activity_failed(id, "no", "2nd");
    assert_eq!(
        next::<Handled>(&history),
        [
            "complete \"activity-inc-2: activity-retried-1 failed: no | activity-retried-1 | attempt 2 | 2nd\""
        ]
    );
}

workflow!(NobodyAwaitsVital(flow) -> () {
    flow.submit(vital(1));
    flow.sleep(secs(60)).await?;
    Ok(())
});

#[test]
fn a_failure_that_raises_fails_the_workflow_at_once() {
    let history = started()
        .decision(|d| {
            d.schedule_activity("activity-vital-1", "vital")
                .start_timer("sleep-1", 60)
        })
        .activity_failed("activity-vital-1", "broken", "");
    assert_eq!(
        next::<NobodyAwaitsVital>(&history),
        ["fail Workflow execution error in activity-vital: \"broken\""]
    );
}

#[simpleflow_macros::activity(name = "scale", named_arguments = true, meta = r#"{"k": 1}"#)]
async fn scale(value: i64, by: Option<i64>) -> i64 {
    value * by.unwrap_or(1)
}

workflow!(Named(flow) -> i64 {
    let value = flow.submit(inc(1));
    Ok(flow.submit(scale(&value, Some(3))).await?)
});

#[test]
fn arguments_may_travel_by_name() {
    let history = started()
        .decision(|d| d.schedule_activity("activity-inc-1", "inc"))
        .activity_completed("activity-inc-1", "2");
    let decisions = replay::<Named>(&history).decisions().unwrap();
    let [simpleflow_model::Decision::ScheduleActivityTask(schedule)] = &decisions.decisions[..]
    else {
        panic!("{decisions:?}");
    };
    assert_eq!(
        schedule.input.as_deref(),
        Some(r#"{"args":[],"kwargs":{"value":2,"by":3},"meta":{"k": 1}}"#)
    );
}

workflow!(Idempotent(flow) -> i64 {
    let known = flow.submit(slow(1));
    let a = flow.submit(once(1));
    let b = flow.submit(once(&known));
    let c = flow.submit(once(1));
    assert_eq!(a.task_id(), c.task_id());
    let sum = flow.wait_all([a, b, c]).await?.into_iter().sum();
    // It has a result now, and needs no second task.
    assert_eq!(flow.submit(once(1)).await?, 10);
    Ok(sum)
});

#[test]
fn equal_arguments_are_one_task_also_when_they_come_from_a_future() {
    let history = started();
    let decided = next::<Idempotent>(&history);
    let [_, schedule] = &decided[..] else {
        panic!("{decided:?}")
    };
    // The md5 of {"args":[1],"kwargs":{}}.
    let id = "activity-once-bdc09455c37471e0ba7397350413a5e6";
    assert_eq!(*schedule, format!("schedule {id}(1)"));
    let scheduled = history.decision(|d| {
        d.schedule_activity("activity-slow-1", "slow")
            .schedule_activity(id, "once")
    });
    let history = scheduled
        .clone()
        .activity_completed("activity-slow-1", "1")
        .activity_completed(id, "10");
    assert_eq!(next::<Idempotent>(&history), ["complete 30"]);
    let history = scheduled
        .activity_completed(id, "10")
        .activity_completed("activity-slow-1", "1");
    assert_eq!(next::<Idempotent>(&history), ["complete 30"]);
}

workflow!(Signals(flow) -> Vec<i64> {
    let first = flow.wait_signal::<i64>("go").await?;
    let (second, third) = (flow.wait_signal::<i64>("go"), flow.wait_signal::<i64>("go"));
    Ok(vec![first, second.await?, third.await?])
});

#[test]
fn signals_come_in_order() {
    let history = started().signaled("go", "1");
    let answer = replay::<Signals>(&history).decisions().unwrap();
    assert_eq!(answer.decisions, []);
    assert_eq!(
        answer.execution_context.as_deref(),
        Some(r#"{"waiting_signals":["go"]}"#)
    );
    let history = history
        .signaled("go", r#"{"args":[2],"kwargs":{},"__propagate":true}"#)
        .signaled("other", "")
        .decision(|d| d.execution_context(r#"{"waiting_signals":["go"]}"#))
        .signaled("go", "3");
    let answer = replay::<Signals>(&history).decisions().unwrap();
    assert_eq!(lines(&answer), ["complete [1,2,3]"]);
    assert_eq!(
        answer.execution_context.as_deref(),
        Some(""),
        "it is cleared"
    );
}

workflow!(ImpatientListener(flow) -> String {
    loop {
        let signal = flow.wait_signal::<String>("go");
        match select(signal, flow.sleep(secs(1))).await {
            Either::Left((signal, _)) => return Ok(signal?),
            Either::Right(_) => {}
        }
    }
});

#[test]
fn a_wait_that_lost_its_race_takes_no_signal_away() {
    let history = started()
        .decision(|d| d.start_timer("sleep-1", 1))
        .timer_fired("sleep-1")
        .decision(|d| d.start_timer("sleep-2", 1))
        .timer_fired("sleep-2")
        .decision(|d| d.start_timer("sleep-3", 1))
        .signaled("go", "\"now\"");
    assert_eq!(next::<ImpatientListener>(&history), ["complete \"now\""]);
}

#[workflow(name = "child", retry = 1)]
struct Child {
    x: i64,
}

impl Workflow for Child {
    type Output = i64;

    async fn run(self, _flow: Flow) -> Result<i64> {
        Ok(self.x)
    }
}

workflow!(Parent(flow) -> i64 {
    Ok(flow.submit(Child { x: 1 }).await?)
});

const CHILD: &str = "workflow-child-parent-wf--3180127--1";

fn parent(history: &simpleflow_core::testing::HistoryBuilder) -> Vec<String> {
    let replay = replay::<Parent>(history)
        .workflow_id("parent-wf")
        .run_id("RUN1");
    lines(&replay.decisions().unwrap())
}

#[test]
fn a_child_is_started_again_under_its_id() {
    let start = [format!("child {CHILD}")];
    assert_eq!(parent(&started()), start);
    let once = started().decision(|d| d.start_child(CHILD, "child"));
    assert!(parent(&once.clone().child_started(CHILD)).is_empty());
    assert_eq!(
        parent(&once.clone().child_completed(CHILD, "1")),
        ["complete 1"]
    );
    for history in [
        once.clone().child_failed(CHILD, "no"),
        once.clone().child_timed_out(CHILD),
        once.clone().child_terminated(CHILD),
    ] {
        assert_eq!(parent(&history), start);
    }
    assert_eq!(
        parent(&once.clone().child_canceled(CHILD)),
        ["fail Workflow execution error in workflow-child: \"cancelled\""]
    );
    let history = once
        .child_failed(CHILD, "no")
        .decision(|d| d.start_child(CHILD, "child"))
        .child_terminated(CHILD);
    assert_eq!(
        parent(&history),
        ["fail Workflow execution error in workflow-child: \"terminated\""]
    );
}

#[test]
fn a_child_whose_id_is_taken_fails() {
    let history = started()
        .decision(|d| d.start_child(CHILD, "child"))
        .child_not_started(CHILD, "WORKFLOW_ALREADY_RUNNING");
    assert_eq!(
        parent(&history),
        ["fail Workflow execution error in workflow-child: \"WORKFLOW_ALREADY_RUNNING\""]
    );
}

// Cancels.

workflow!(CancelsAll(flow) -> bool {
    let running = flow.submit(slow(1));
    let blocked = flow.submit(inc(&running));
    let timer = flow.start_timer("t", secs(60));
    let child = flow.submit(Child { x: 1 });
    let signal = flow.wait_signal::<()>("never");
    flow.submit(inc(0)).await?;
    let queued = flow.submit(inc(1));
    let queued_timer = flow.start_timer("u", secs(60));
    queued.cancel();
    queued_timer.cancel();
    blocked.cancel();
    signal.cancel();
    for _ in 0..2 {
        running.cancel();
        timer.cancel();
        child.cancel();
    }
    assert_eq!((running.state(), child.state()), (FutureState::Running, FutureState::Pending));
    running.done().await;
    child.done().await;
    child.cancel();
    let states = [
        running.state(), blocked.state(), timer.state(), child.state(),
        signal.state(), queued.state(), queued_timer.state(),
    ];
    Ok(states == [FutureState::Cancelled; 7])
});

#[test]
fn a_cancel_is_asked_for_once_and_withdraws_what_was_not_sent() {
    let child = "workflow-child-workflow--2b10156--1";
    let ids = next::<CancelsAll>(&started());
    assert_eq!(
        ids,
        [
            "schedule activity-slow-1(1)".to_owned(),
            "timer t 60".to_owned(),
            format!("child {child}"),
            "schedule activity-inc-2(0)".to_owned(),
        ]
    );
    let history = started()
        .decision(|d| {
            d.schedule_activity("activity-slow-1", "slow")
                .start_timer("t", 60)
                .start_child(child, "child")
                .schedule_activity("activity-inc-2", "inc")
        })
        .activity_started("activity-slow-1")
        .activity_completed("activity-inc-2", "1");
    // The child has no run yet that could be cancelled.
    assert_eq!(
        next::<CancelsAll>(&history),
        ["cancel activity activity-slow-1", "cancel timer t"]
    );
    let history = history
        .decision(|d| d.cancel_activity("activity-slow-1").cancel_timer("t"))
        .child_started(child);
    assert_eq!(
        next::<CancelsAll>(&history),
        [format!("cancel child {child} of any run")]
    );
    let history = history
        .decision(|d| d.cancel_child(child))
        .child_cancel_delivered(child)
        .activity_canceled("activity-slow-1")
        .child_canceled(child);
    assert_eq!(next::<CancelsAll>(&history), ["complete true"]);
    let history = history.decision(|d| d.complete("true"));
    replay::<CancelsAll>(history).check().unwrap();
}

workflow!(CancelsTooLate(flow) -> String {
    let (a, t) = (flow.submit(retried(1)), flow.start_timer("t", secs(5)));
    flow.submit(inc(0)).await?;
    a.cancel();
    t.cancel();
    Ok(match a.await { Ok(x) => format!("{x}"), Err(e) => e.reason() })
});

#[test]
fn a_cancel_that_comes_too_late_changes_nothing() {
    let running = started().decision(|d| {
        d.schedule_activity("activity-retried-1", "retried")
            .start_timer("t", 5)
            .schedule_activity("activity-inc-1", "inc")
    });
    // The ends are there before the cancels are sent: they are not sent at all.
    let history = running
        .clone()
        .activity_completed("activity-inc-1", "1")
        .timer_fired("t")
        .activity_completed("activity-retried-1", "5");
    assert_eq!(next::<CancelsTooLate>(&history), ["complete \"5\""]);
    // They come while the cancels are on their way.
    let history = running
        .clone()
        .activity_completed("activity-inc-1", "1")
        .decision_started()
        .timer_fired("t")
        .activity_completed("activity-retried-1", "5")
        .decided(|d| d.cancel_activity("activity-retried-1").cancel_timer("t"));
    assert_eq!(next::<CancelsTooLate>(&history), ["complete \"5\""]);
    // A failure of what was to be cancelled is not tried again.
    let history = running
        .activity_completed("activity-inc-1", "1")
        .decision(|d| d.cancel_activity("activity-retried-1").cancel_timer("t"))
        .activity_timed_out("activity-retried-1", ActivityTaskTimeoutType::Heartbeat);
    assert_eq!(
        next::<CancelsTooLate>(&history),
        ["complete \"TimeoutError(HEARTBEAT)\""]
    );
}

#[test]
fn the_cancel_of_the_execution_cancels_it() {
    let history = started()
        .decision(|d| d.schedule_activity("activity-inc-1", "inc"))
        .cancel_requested();
    assert_eq!(next::<TwoSteps>(&history), ["cancel the execution"]);
    let history = history.decision(|d| d.cancel());
    replay::<TwoSteps>(history).check().unwrap();
}

// The end.

workflow!(EndsEarly(flow) -> i64 {
    flow.submit(inc(1));
    flow.sleep(secs(1));
    flow.record_marker("m", 1);
    flow.submit(Child { x: 1 });
    Ok(7)
});

#[test]
fn when_the_code_has_ended_only_what_others_see_is_sent_and_the_close_is_last() {
    let history = started();
    let child = "workflow-child-workflow--2b10156--1";
    assert_eq!(
        next::<EndsEarly>(&history),
        [
            "marker m 1".to_owned(),
            format!("child {child}"),
            "complete 7".to_owned()
        ]
    );
    let history =
        history.decision(|d| d.marker("m", "1").start_child(child, "child").complete("7"));
    replay::<EndsEarly>(history).check().unwrap();
}

#[test]
fn a_close_that_is_refused_is_sent_again() {
    let history = started()
        .decision(|d| d.schedule_activity("activity-inc-1", "inc"))
        .activity_completed("activity-inc-1", "2")
        .decision(|d| d.schedule_activity("activity-inc-2", "inc"))
        .activity_completed("activity-inc-2", "3")
        .decision_started()
        .signaled("late", "")
        .decided(|d| d.complete("3"));
    assert!(!history.is_closed());
    assert_eq!(next::<TwoSteps>(&history), ["complete 3"]);
    let history = history.decision(|d| d.complete("3"));
    assert!(history.is_closed());
    replay::<TwoSteps>(history).check().unwrap();
}

// What a flow gives.

workflow!(Gifts(flow) -> (String, String, i64, Vec<bool>, u32) {
    let started = flow.now();
    let mut replaying = vec![flow.is_replaying()];
    let (uuid, random) = (flow.uuid(), flow.random::<u32>());
    flow.sleep(Duration::from_millis(1_500)).await?;
    replaying.push(flow.is_replaying());
    let run = flow.run_context();
    let passed = flow.now().since(started).as_secs() as i64;
    Ok((format!("{}/{}/{}", run.domain_name, run.workflow_id, run.name), uuid.to_string(), passed, replaying, random))
});

#[test]
fn time_randomness_and_ids_are_the_execution_s() {
    let history = started();
    assert_eq!(next::<Gifts>(&history), ["timer sleep-1 2"]);
    let history = history
        .decision(|d| d.start_timer("sleep-1", 2))
        .timer_fired("sleep-1");
    let first = next::<Gifts>(&history);
    assert_eq!(first, next::<Gifts>(&history), "each replay is the same");
    let other = replay::<Gifts>(&history)
        .run_id("another")
        .decisions()
        .unwrap();
    assert_ne!(first, lines(&other), "each run has its own");
    let parts: Vec<_> = first[0].split('"').collect();
    assert_eq!(parts[1], "test/workflow/workflow");
    assert_eq!(parts[3].len(), 36);
    assert!(parts[4].starts_with(",3,[true,false],"), "{}", parts[4]);
}

workflow!(Patched(flow) -> i64 {
    if flow.patched("more") && flow.patched("more") {
        flow.submit(inc(1)).await?;
    }
    let x = flow.submit(slow(1)).await?;
    if flow.patched("later") {
        return Ok(flow.submit(inc(x)).await?);
    }
    Ok(x)
});

#[test]
fn a_patch_is_for_what_was_not_decided_yet() {
    // A new execution has both.
    let new = started();
    assert_eq!(
        next::<Patched>(&new),
        [
            "marker simpleflow.patch \"more\"",
            "schedule activity-inc-1(1)"
        ]
    );
    let new = new
        .decision(|d| {
            d.marker("simpleflow.patch", "\"more\"")
                .schedule_activity("activity-inc-1", "inc")
        })
        .activity_completed("activity-inc-1", "2")
        .decision(|d| d.schedule_activity("activity-slow-1", "slow"))
        .activity_completed("activity-slow-1", "5");
    assert_eq!(
        next::<Patched>(&new),
        [
            "marker simpleflow.patch \"later\"",
            "schedule activity-inc-2(5)"
        ]
    );
    // One that was past the first place has only the second.
    let old = started()
        .decision(|d| d.schedule_activity("activity-slow-1", "slow"))
        .activity_completed("activity-slow-1", "5");
    assert_eq!(
        next::<Patched>(&old),
        [
            "marker simpleflow.patch \"later\"",
            "schedule activity-inc-1(5)"
        ]
    );
    // One that was past both has none.
    let done = old.decision(|d| d.complete("5"));
    replay::<Patched>(done).check().unwrap();
}

// What is too much, or not understood.

workflow!(BadInputs(flow) -> Vec<String> {
    let long = "x".repeat(40_000);
    let mut failed = Vec::new();
    failed.push(flow.submit(shout(long.clone())).await.unwrap_err().to_string());
    failed.push(flow.submit(inc(1).id("a:b")).await.unwrap_err().to_string());
    failed.push(flow.start_timer("", secs(1)).await.unwrap_err().to_string());
    flow.start_timer("long", Duration::from_secs(u64::MAX));
    flow.sleep(secs(1)).await?;
    Ok(failed)
});

#[activity(name = "shout")]
fn shout(text: String) -> Result<String> {
    Ok(text)
}

#[test]
fn what_the_service_would_not_take_fails_its_task_alone() {
    assert_eq!(
        next::<BadInputs>(&started()),
        ["timer long 99999999", "timer sleep-1 1"]
    );
    let history = started()
        .decision(|d| d.start_timer("long", 99_999_999).start_timer("sleep-1", 1))
        .timer_fired("sleep-1");
    let [result] = &next::<BadInputs>(&history)[..] else {
        panic!()
    };
    for part in [
        "activity-shout-1: 40025 characters of input are too many: SWF takes at most 32768",
        r#"activity-inc-a:b: activity id \"activity-inc-a:b\" contains ':'"#,
        r#": timer id \"\" is empty"#,
    ] {
        assert!(result.contains(part), "{part} in {result}");
    }
}

workflow!(BadMarker(flow) -> () {
    flow.record_marker("m", "x".repeat(40_000));
    Ok(())
});

#[test]
fn a_marker_that_is_too_long_fails_the_workflow() {
    let [failed] = &next::<BadMarker>(&started())[..] else {
        panic!()
    };
    assert!(
        failed.starts_with("fail Workflow execution failed: the marker \"m\" at "),
        "{failed}"
    );
    assert!(
        failed.ends_with("40002 characters of details are too many: SWF takes at most 32768"),
        "{failed}"
    );
}

#[test]
fn an_input_that_does_not_fit_fails_the_execution() {
    let history = simpleflow_core::testing::HistoryBuilder::new().started("[\"one\"]");
    let decisions = replay::<Child>(&history).decisions().unwrap();
    assert_eq!(
        lines(&decisions),
        [
            "fail Cannot start the workflow: argument 1 `x`: expected i64, found \"one\" \
          (invalid type: string \"one\", expected i64)"
        ]
    );
}

#[test]
fn a_result_that_is_not_json_is_text() {
    workflow!(Listens(flow) -> (String, Option<i64>) {
        let (a, b) = (flow.submit(shout("a")), flow.submit(maybe()));
        Ok((a.await?, b.await?))
    });
    #[activity(name = "maybe")]
    fn maybe() -> Result<Option<i64>> {
        Ok(None)
    }
    let history = started()
        .decision(|d| {
            d.schedule_activity("activity-shout-1", "shout")
                .schedule_activity("activity-maybe-1", "maybe")
        })
        .activity_completed("activity-shout-1", "not \"quoted\"")
        .activity_completed("activity-maybe-1", "");
    assert_eq!(
        next::<Listens>(&history),
        [r#"complete ["not \"quoted\"",null]"#]
    );
}

/// Each link of a chain holds the next: neither its drop nor its failure may go deep.
#[test]
fn a_long_chain_is_no_deep_one() {
    workflow!(Chain(flow) -> String {
        let mut last = flow.submit(inc(0));
        for _ in 0..100_000 {
            last = flow.submit(inc(&last));
        }
        Ok(last.await.unwrap_err().reason())
    });
    assert_eq!(next::<Chain>(&started()), ["schedule activity-inc-1(0)"]);
    let failed = started()
        .decision(|d| d.schedule_activity("activity-inc-1", "inc"))
        .activity_failed("activity-inc-1", "no", "");
    assert_eq!(
        next::<Chain>(&failed),
        ["complete \"activity-inc-1 failed: no\""]
    );
}

#[activity(name = "urgent", task_priority = 5)]
fn urgent() -> Result<()> {
    Ok(())
}

#[workflow(name = "prioritized", task_priority = 3)]
struct Prioritized;

impl Workflow for Prioritized {
    type Output = ();

    async fn run(self, flow: Flow) -> Result<()> {
        flow.submit(inc(1));
        flow.submit(urgent());
        flow.submit(urgent().priority(7));
        flow.sleep(secs(1)).await?;
        Ok(())
    }
}

#[test]
fn a_priority_is_the_call_s_or_the_activity_s_or_the_workflow_s() {
    let decided = replay::<Prioritized>(&started()).decisions().unwrap();
    let priorities: Vec<_> = decided
        .decisions
        .iter()
        .filter_map(|decision| match decision {
            simpleflow_model::Decision::ScheduleActivityTask(task) => task.task_priority,
            _ => None,
        })
        .map(|priority| priority.0)
        .collect();
    assert_eq!(priorities, [3, 5, 7]);
}

workflow!(WholeIds(flow) -> i64 {
    let first = flow.submit(inc(1).activity_id("mine"));
    let same = flow.submit(inc(2).activity_id("mine"));
    let suffixed = flow.submit(inc(3).id("mine"));
    let nameless = flow.submit(inc(3).activity_id(""));
    assert!(matches!(nameless.await.unwrap_err().kind(), TaskErrorKind::Input(_)));
    Ok(first.await? + same.await? + suffixed.await?)
});

#[test]
fn an_activity_may_have_an_id_of_one_s_own() {
    assert_eq!(
        next::<WholeIds>(&started()),
        ["schedule mine(1)", "schedule activity-inc-mine(3)"]
    );
    let history = started()
        .decision(|d| {
            d.schedule_activity("mine", "inc")
                .schedule_activity("activity-inc-mine", "inc")
        })
        .activity_completed("mine", "2")
        .activity_completed("activity-inc-mine", "4");
    assert_eq!(next::<WholeIds>(&history), ["complete 8"]);
}

workflow!(SetsContext(flow) -> () {
    flow.set_execution_context("first");
    flow.sleep(secs(1)).await?;
    flow.wait_signal::<()>("go").await?;
    flow.set_execution_context("x".repeat(32_769));
    Ok(())
});

#[test]
fn the_execution_context_is_what_the_code_sets() {
    let context = |history: &simpleflow_core::testing::HistoryBuilder| {
        let decided = replay::<SetsContext>(history).decisions().unwrap();
        decided.execution_context.unwrap()
    };
    assert_eq!(context(&started()), "first");
    let history = started()
        .decision(|d| d.start_timer("sleep-1", 1).execution_context("first"))
        .timer_fired("sleep-1");
    assert_eq!(context(&history), "first");
    let history = history.decision(|d| d).signaled("go", "");
    let [fail] = &next::<SetsContext>(&history)[..] else {
        panic!("{:?}", next::<SetsContext>(&history));
    };
    assert!(
        fail.contains("32769 characters of execution context are too many"),
        "{fail}"
    );
}
