//! The service's limits and refusals.

// The macros write `simpleflow`, where users have all of it.
extern crate simpleflow_core as simpleflow;

mod common;

use common::*;
use simpleflow_core::replay::{Limits, MissingType, ReplayError, Replayer};
use simpleflow_core::testing::{HistoryBuilder, replay};
use simpleflow_core::{Lambda, Step, WorkflowEntry};
use simpleflow_model::{ActivityType, Decision, Timeout};

workflow!(FanOut(flow) -> i64 {
    let all: Vec<_> = (0..120).map(|x| flow.submit(inc(x))).collect();
    Ok(flow.wait_all(all).await?.into_iter().sum())
});

const WAKE_UP: &str = "timer _simpleflow_wake_up_timer 0";

#[test]
fn a_response_has_99_decisions_and_a_timer_that_calls_for_the_rest() {
    let history = started();
    let answer = replay::<FanOut>(&history).decisions().unwrap();
    assert_eq!(answer.decisions.len(), 100);
    assert_eq!(
        lines(&answer)[98..],
        ["schedule activity-inc-99(98)", WAKE_UP]
    );
    let history = history.decision_started().decided_as(answer);
    // The timer is open: another event calls for the rest, but not for another timer.
    let early = history.clone().activity_completed("activity-inc-1", "1");
    let rest = next::<FanOut>(&early);
    assert_eq!(rest.len(), 21);
    assert_eq!(rest[0], "schedule activity-inc-100(99)");
    let mut history = history.timer_fired("_simpleflow_wake_up_timer");
    assert_eq!(next::<FanOut>(&history), rest);
    let answer = replay::<FanOut>(&history).decisions().unwrap();
    history = history.decision_started().decided_as(answer);
    for n in 1..=120 {
        history = history.activity_completed(&format!("activity-inc-{n}"), "1");
    }
    assert_eq!(next::<FanOut>(&history), ["complete 120"]);
    replay::<FanOut>(history.decision(|d| d.complete("120")))
        .check()
        .unwrap();
}

#[test]
fn a_response_is_called_for_again_when_its_timer_is_refused() {
    let answer = replay::<FanOut>(&started()).decisions().unwrap();
    let decided =
        simpleflow_core::testing::Decided::from(answer).refused("TIMER_CREATION_RATE_EXCEEDED");
    let history = started().decision_started().decided_as(decided);
    let rest = next::<FanOut>(&history);
    assert_eq!(rest.len(), 21);
}

workflow!(Wide(flow) -> usize {
    let text = "é".repeat(15_000);
    let all: Vec<_> = (0..40).map(|_| flow.submit(shout(text.clone()))).collect();
    Ok(flow.wait_all(all).await?.len())
});

#[activity(name = "shout")]
fn shout(text: String) -> Result<String> {
    Ok(text)
}

#[test]
fn a_response_fits_into_a_request() {
    let mut history = started();
    let mut scheduled = 0;
    while scheduled < 40 {
        let answer = replay::<Wide>(&history).decisions().unwrap();
        let bytes = serde_json::to_vec(&answer.decisions).unwrap().len();
        assert!(
            (900_000..1_000_000).contains(&bytes) || scheduled > 0,
            "{bytes}"
        );
        let is_schedule = |d: &&Decision| matches!(d, Decision::ScheduleActivityTask(_));
        scheduled += answer.decisions.iter().filter(is_schedule).count();
        history = history.decision_started().decided_as(answer);
        if scheduled < 40 {
            history = history.timer_fired("_simpleflow_wake_up_timer");
        }
    }
    replay::<Wide>(history).check().unwrap();
}

#[test]
fn where_long_values_travel_elsewhere_more_of_them_fit() {
    let limits = Limits {
        value_length: 1 << 20,
        ..Limits::default()
    };
    workflow!(Long(flow) -> String {
        let long = |c: char| c.to_string().repeat(500_000);
        flow.record_marker("m", long('m'));
        let all: Vec<_> = "abc".chars().map(|c| flow.submit(shout(long(c)))).collect();
        flow.wait_all(all).await?;
        Ok(long('r'))
    });
    let decide =
        |history: &HistoryBuilder| replay::<Long>(history).limits(limits).decisions().unwrap();
    let answer = decide(&started());
    // Only what goes in their place counts in a response.
    assert_eq!(answer.decisions.len(), 4);
    let Decision::ScheduleActivityTask(first) = &answer.decisions[1] else {
        panic!("{:?}", answer.decisions[1]);
    };
    assert!(first.input.as_ref().unwrap().len() > 500_000);
    let mut history = started().decision_started().decided_as(answer);
    for number in 1..=3 {
        history = history.activity_completed(&format!("activity-shout-{number}"), "\"x\"");
    }
    let Decision::CompleteWorkflowExecution(completed) = &decide(&history).decisions[0] else {
        panic!("not completed");
    };
    assert_eq!(completed.result.as_ref().unwrap().len(), 500_002);
    // A history with such values is replayed as it was made.
    replay::<Long>(&history).check().unwrap();
    // Elsewhere it is as it always was.
    let failed = &lines(&replay::<Long>(&started()).decisions().unwrap())[0];
    assert!(
        failed.contains("500002 characters of details are too many: SWF takes"),
        "{failed}"
    );
}

#[test]
fn open_activities_are_limited_without_a_timer() {
    let limits = Limits {
        open_activities: 3,
        ..Limits::default()
    };
    let decide =
        |history: &HistoryBuilder| replay::<Mixed>(history).limits(limits).decisions().unwrap();
    workflow!(Mixed(flow) -> i64 {
        let all: Vec<_> = (0..5).map(|x| flow.submit(inc(x))).collect();
        flow.sleep(secs(1)).await?;
        Ok(flow.wait_all(all).await?.len() as i64)
    });
    let history = started();
    let answer = decide(&history);
    assert_eq!(answer.decisions.len(), 4);
    assert_eq!(lines(&answer)[3], "timer sleep-1 1");
    // One that is refused counted when it was sent.
    let refused = history.clone().decision(|d| {
        d.schedule_activity("activity-inc-1", "inc")
            .schedule_activity("activity-inc-2", "inc")
            .refused("ACTIVITY_TYPE_DOES_NOT_EXIST")
            .schedule_activity("activity-inc-3", "inc")
            .start_timer("sleep-1", 1)
    });
    assert_eq!(lines(&decide(&refused)), ["schedule activity-inc-4(3)"]);
    let history = history
        .decision_started()
        .decided_as(answer)
        .activity_completed("activity-inc-2", "1");
    assert_eq!(lines(&decide(&history)), ["schedule activity-inc-4(3)"]);
}

workflow!(One(flow) -> i64 {
    Ok(flow.submit(inc(1)).await?)
});

const ID: &str = "activity-inc-1";

#[test]
fn a_refusal_for_the_rate_is_tried_again_after_a_growing_time() {
    let mut history = started();
    for seconds in [1, 2, 4, 8, 16, 32, 60, 60] {
        assert_eq!(next::<One>(&history), ["schedule activity-inc-1(1)"]);
        history = history.decision(|d| {
            d.schedule_activity(ID, "inc")
                .refused("ACTIVITY_CREATION_RATE_EXCEEDED")
        });
        let timer = "__simpleflow_task_activity-inc-1";
        let control = r#"{"args":[1],"kwargs":{}}"#;
        assert_eq!(
            next::<One>(&history),
            [format!("timer {timer} {seconds} {control}")]
        );
        history = history.decision(|d| d.start_timer(timer, seconds));
        assert!(next::<One>(&history).is_empty());
        history = history.timer_fired(timer);
    }
    let history = history
        .decision(|d| d.schedule_activity(ID, "inc"))
        .activity_completed(ID, "2")
        .decision(|d| d.complete("2"));
    replay::<One>(history).check().unwrap();
}

#[test]
fn what_is_refused_for_good_fails_its_task() {
    let history = started().decision(|d| {
        d.schedule_activity(ID, "inc")
            .refused("ACTIVITY_TYPE_DEPRECATED")
    });
    assert_eq!(
        next::<One>(&history),
        ["fail Workflow execution error in activity-inc: \"ACTIVITY_TYPE_DEPRECATED\""]
    );
}

/// What waited for the decisions to be matched comes in the order of the history: the signal
/// arrived before the refusal.
#[test]
fn a_refusal_has_its_place_among_the_events() {
    workflow!(FirstOf(flow) -> usize {
        let activity = flow.submit(inc(1));
        let signal = flow.wait_signal::<i64>("s");
        Ok(flow.wait_any(&[&activity, &signal]).await)
    });
    let history = started()
        .decision_started()
        .signaled("s", "1")
        .decided(|d| {
            d.schedule_activity(ID, "inc")
                .refused("OPERATION_NOT_PERMITTED")
        });
    assert_eq!(next::<FirstOf>(&history), ["complete 1"]);
}

workflow!(PatchedAfterRefusal(flow) -> i64 {
    if flow.submit(inc(1)).await.is_err() && flow.patched("new") {
        return Ok(flow.submit(slow(1)).await?);
    }
    Ok(0)
});

/// A refusal is an event of its own: what it leads to is not replayed, whatever came before was.
#[test]
fn after_a_refusal_the_code_is_where_the_refusal_is() {
    let before = started();
    let after = before.clone().decision(|d| {
        d.schedule_activity(ID, "inc")
            .refused("OPERATION_NOT_PERMITTED")
    });
    let expected = [
        "marker simpleflow.patch \"new\"",
        "schedule activity-slow-1(1)",
    ];
    assert_eq!(next::<PatchedAfterRefusal>(&after), expected);
    let mut kept = Replayer::new(
        WorkflowEntry::of::<PatchedAfterRefusal>(),
        Default::default(),
        Limits::default(),
    );
    kept.feed(before.events().to_vec()).unwrap();
    kept.decisions().unwrap();
    kept.feed(after.events()[before.events().len()..].to_vec())
        .unwrap();
    assert_eq!(lines(&kept.decisions().unwrap()), expected);
}

#[test]
fn missing_types_are_reported_once_and_asked_for_again() {
    let history = started().decision(|d| {
        d.schedule_activity(ID, "inc")
            .refused("ACTIVITY_TYPE_DOES_NOT_EXIST")
    });
    let mut replayer = Replayer::new(
        WorkflowEntry::of::<One>(),
        Default::default(),
        Limits::default(),
    );
    replayer.feed(history.build()).unwrap();
    assert_eq!(
        lines(&replayer.decisions().unwrap()),
        ["schedule activity-inc-1(1)"]
    );
    let missing = MissingType::Activity(ActivityType {
        name: "inc".into(),
        version: "default".into(),
        ..ActivityType::default()
    });
    assert_eq!(replayer.take_missing_types(), [missing]);
    assert_eq!(replayer.take_missing_types(), []);
    // Once the decision after it is made, the type is there.
    let later = started()
        .decision(|d| {
            d.schedule_activity(ID, "inc")
                .refused("ACTIVITY_TYPE_DOES_NOT_EXIST")
        })
        .decision(|d| d.schedule_activity(ID, "inc"))
        .activity_completed(ID, "1");
    let mut replayer = Replayer::new(
        WorkflowEntry::of::<One>(),
        Default::default(),
        Limits::default(),
    );
    replayer.feed(later.build()).unwrap();
    assert_eq!(lines(&replayer.decisions().unwrap()), ["complete 1"]);
    assert_eq!(replayer.take_missing_types(), []);
}

#[test]
fn a_timer_that_is_refused_is_asked_for_a_few_times() {
    workflow!(Naps(flow) -> String {
        Ok(match flow.start_timer("nap", secs(1)).await {
            Ok(()) => "slept".to_owned(),
            Err(error) => error.reason(),
        })
    });
    let mut history = started();
    let mut attempts = 0;
    while next::<Naps>(&history) == ["timer nap 1"] {
        attempts += 1;
        history = history.decision(|d| {
            d.start_timer("nap", 1)
                .refused("TIMER_CREATION_RATE_EXCEEDED")
        });
    }
    assert_eq!(attempts, 10);
    assert_eq!(
        next::<Naps>(&history),
        ["complete \"TIMER_CREATION_RATE_EXCEEDED\""]
    );
}

#[test]
fn a_cancel_of_a_child_that_is_refused_for_the_rate_is_tried_again() {
    #[workflow(name = "child")]
    struct Child;
    impl Workflow for Child {
        type Output = ();
        async fn run(self, _flow: Flow) -> Result<()> {
            Ok(())
        }
    }
    workflow!(Parent(flow) -> String {
        let child = flow.submit(Child.call().workflow_id("c"));
        flow.wait_signal::<()>("stop").await?;
        child.cancel();
        Ok(child.await.unwrap_err().reason())
    });
    let history = started()
        .decision(|d| d.start_child("c", "child"))
        .child_started("c")
        .decision(|d| d)
        .signaled("stop", "")
        .decision(|d| {
            d.cancel_child("c")
                .refused("REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_RATE_EXCEEDED")
        });
    let timer = "__simpleflow_task_c";
    let control = r#"{"args":[],"kwargs":{}}"#;
    assert_eq!(
        next::<Parent>(&history),
        [format!("timer {timer} 1 {control}")]
    );
    let history = history
        .decision(|d| d.start_timer(timer, 1))
        .timer_fired(timer);
    assert_eq!(next::<Parent>(&history), ["cancel child c of any run"]);
    let history = history
        .decision(|d| d.cancel_child("c"))
        .child_canceled("c")
        .decision(|d| d.complete("\"cancelled\""));
    replay::<Parent>(history).check().unwrap();
}

/// A patch whose marker did not fit would be taken for one that was not there.
#[test]
fn patches_go_before_what_may_not_fit() {
    workflow!(ManyThenPatch(flow) -> i64 {
        let all: Vec<_> = (0..150).map(|x| flow.submit(inc(x))).collect();
        flow.record_marker("m", 1);
        let last = if flow.patched("p") { flow.submit(slow(1)) } else { flow.submit(slow(2)) };
        flow.wait_all(all).await?;
        Ok(last.await?)
    });
    let history = started();
    let answer = replay::<ManyThenPatch>(&history).decisions().unwrap();
    assert_eq!(lines(&answer)[0], "marker simpleflow.patch \"p\"");
    let history = history
        .decision_started()
        .decided_as(answer)
        .timer_fired("_simpleflow_wake_up_timer");
    let rest = next::<ManyThenPatch>(&history);
    assert_eq!(
        rest.last().map(String::as_str),
        Some("schedule activity-slow-1(1)")
    );
    assert_eq!(rest.len(), 52 + 1 + 1);
}

#[test]
fn events_that_are_not_the_next_are_refused() {
    let mut replayer = Replayer::new(
        WorkflowEntry::of::<One>(),
        Default::default(),
        Limits::default(),
    );
    let mut events = started().build();
    events.remove(0);
    let error = replayer.feed(events).unwrap_err();
    assert!(matches!(error, ReplayError::NotNext { .. }));
    assert_eq!(
        error.to_string(),
        "the history is not complete: expected event 1, found event 2"
    );
}

#[simpleflow_macros::workflow(max_open_activity_count = 3)]
struct Narrow;

impl Workflow for Narrow {
    type Output = Vec<i64>;

    async fn run(self, flow: Flow) -> Result<Vec<i64>> {
        let tasks: Vec<_> = (0..5).map(|x| flow.submit(inc(x))).collect();
        Ok(flow.wait_all(tasks).await?)
    }
}

#[test]
fn a_workflow_may_have_a_limit_of_open_activities_of_its_own() {
    assert_eq!(next::<Narrow>(&started()).len(), 3);
    // It was 2 when this was decided.
    let history = started()
        .decision(|d| {
            d.schedule_activity("activity-inc-1", "inc")
                .schedule_activity("activity-inc-2", "inc")
        })
        .activity_completed("activity-inc-1", "1");
    assert_eq!(
        next::<Narrow>(&history),
        ["schedule activity-inc-3(2)", "schedule activity-inc-4(3)"]
    );
}

fn three_timers() -> Limits {
    Limits {
        open_timers: 3,
        ..Limits::default()
    }
}

workflow!(Sleepers(flow) -> usize {
    let first = flow.start_timer("first", secs(9));
    let naps: Vec<_> = (0..4).map(|_| flow.sleep(secs(5))).collect();
    flow.wait_signal::<()>("go").await?;
    let last = flow.start_timer("last", secs(9));
    first.cancel();
    flow.wait_all(naps).await?;
    last.await?;
    Ok(4)
});

#[test]
fn open_timers_are_limited_without_a_timer() {
    let decide = |history: &HistoryBuilder| {
        replay::<Sleepers>(history)
            .limits(three_timers())
            .decisions()
    };
    let history = started();
    let answer = decide(&history).unwrap();
    assert_eq!(
        lines(&answer),
        ["timer first 9", "timer sleep-1 5", "timer sleep-2 5"]
    );
    let history = history.decision_started().decided_as(answer);
    assert!(lines(&decide(&history).unwrap()).is_empty());
    // The one that is cancelled makes room, also for what was held back before it.
    let cancelled = history.clone().signaled("go", "");
    let answer = decide(&cancelled).unwrap();
    assert_eq!(lines(&answer), ["cancel timer first", "timer sleep-3 5"]);
    let history = cancelled
        .decision_started()
        .decided_as(answer)
        .timer_fired("sleep-1")
        .timer_fired("sleep-2");
    let answer = decide(&history).unwrap();
    assert_eq!(lines(&answer), ["timer sleep-4 5", "timer last 9"]);
    let history = history
        .decision_started()
        .decided_as(answer)
        .timer_fired("sleep-3")
        .timer_fired("sleep-4")
        .timer_fired("last")
        .decision(|d| d.complete("4"));
    let check = |limits| replay::<Sleepers>(&history).limits(limits).check();
    check(three_timers()).unwrap();
    // With more room the code would have started more.
    check(Limits::default()).unwrap_err();
}

#[test]
fn a_timer_that_was_held_back_and_does_not_fit_is_no_divergence() {
    let decide = |history: &HistoryBuilder, decisions| {
        let limits = Limits {
            decisions,
            ..three_timers()
        };
        replay::<Sleepers>(history)
            .limits(limits)
            .decisions()
            .unwrap()
    };
    let history = started();
    let answer = decide(&history, 100);
    let history = history
        .decision_started()
        .decided_as(answer)
        .signaled("go", "");
    let answer = decide(&history, 2);
    assert_eq!(
        lines(&answer),
        ["cancel timer first", "timer _simpleflow_wake_up_timer 0"]
    );
    let history = history
        .decision_started()
        .decided_as(answer)
        .timer_fired("_simpleflow_wake_up_timer");
    assert_eq!(lines(&decide(&history, 100)), ["timer sleep-3 5"]);
}

/// As it was when nothing was held back.
#[test]
fn timers_that_were_refused_at_the_limit_are_no_divergence() {
    let history = started()
        .decision(|d| {
            d.start_timer("first", 9)
                .start_timer("sleep-1", 5)
                .start_timer("sleep-2", 5)
                .start_timer("sleep-3", 5)
                .refused("OPEN_TIMERS_LIMIT_EXCEEDED")
                .start_timer("sleep-4", 5)
                .refused("OPEN_TIMERS_LIMIT_EXCEEDED")
        })
        .timer_fired("sleep-1");
    let answer = replay::<Sleepers>(&history)
        .limits(three_timers())
        .decisions()
        .unwrap();
    assert_eq!(lines(&answer), ["timer sleep-3 5"]);
}

#[test]
fn the_timer_of_a_retry_that_is_refused_is_asked_for_a_few_times() {
    workflow!(Later(flow) -> i64 {
        Ok(flow.submit(polite(1)).await?)
    });
    let id = "activity-polite-1";
    let timer = "__simpleflow_task_activity-polite-1";
    let asked = format!("timer {timer} 10 {}", r#"{"args":[1],"kwargs":{}}"#);
    let mut history = started()
        .decision(|d| d.schedule_activity(id, "polite"))
        .activity_failed(id, "no", "");
    let refused = |history: HistoryBuilder| {
        history.decision(|d| {
            d.start_timer(timer, 10)
                .refused("OPEN_TIMERS_LIMIT_EXCEEDED")
        })
    };
    let once = refused(history.clone());
    let mut attempts = 0;
    while next::<Later>(&history) == [asked.clone()] {
        attempts += 1;
        history = refused(history);
    }
    assert_eq!(attempts, 10);
    assert_eq!(next::<Later>(&history), ["schedule activity-polite-1(1)"]);
    // An older decider did so at once.
    let once = once
        .decision(|d| d.schedule_activity(id, "polite"))
        .activity_completed(id, "1")
        .decision(|d| d.complete("1"));
    replay::<Later>(&once).check().unwrap();
}

#[simpleflow_macros::workflow(name = "child")]
struct Child;

impl Workflow for Child {
    type Output = i64;

    async fn run(self, _: Flow) -> Result<i64> {
        Ok(1)
    }
}

workflow!(SaysTooMuch(flow) -> Vec<String> {
    const LONG: u32 = 100_000_000;
    let tasks = [
        flow.submit(inc(1).version("a:b")),
        flow.submit(inc(1).task_list(" x")),
        flow.submit(inc(1).start_to_close_timeout(LONG)),
        flow.submit(inc(1).schedule_to_close_timeout(LONG)),
        flow.submit(inc(1).schedule_to_start_timeout(LONG)),
        flow.submit(inc(1).heartbeat_timeout(LONG)),
        // Its settings before its input.
        flow.submit(inc(1).activity_id("").version("")),
        flow.submit(Child.call().execution_timeout(LONG)),
        flow.submit(Child.call().decision_tasks_timeout(LONG)),
        flow.submit(Lambda::new("f").start_to_close_timeout(0)),
        flow.submit(Lambda::new("f").start_to_close_timeout(901)),
        flow.submit(Lambda::new("f").start_to_close_timeout(Timeout::None)),
    ];
    let mut told = Vec::new();
    for task in tasks {
        let error = task.await.unwrap_err();
        assert!(matches!(error.kind(), TaskErrorKind::Input(_)));
        told.push(error.reason());
    }
    flow.submit(inc(1).start_to_close_timeout(LONG - 1).heartbeat_timeout(Timeout::None)).await?;
    Ok(told)
});

#[test]
fn what_the_service_would_not_take_of_a_task_fails_that_task_alone() {
    let scheduled = "activity-inc-7";
    assert_eq!(
        next::<SaysTooMuch>(&started()),
        [format!("schedule {scheduled}(1)")]
    );
    let history = started()
        .decision(|d| d.schedule_activity(scheduled, "inc"))
        .activity_completed(scheduled, "2");
    let decided = next::<SaysTooMuch>(&history);
    let told = decided[0].strip_prefix("complete ").unwrap();
    let told: Vec<String> = simpleflow_core::serde_json::from_str(told).unwrap();
    let too_long =
        |field| format!("{field} of 100000000: expected at most 99999999 seconds, or NONE");
    let of_a_lambda = |said| format!("start_to_close_timeout of {said}: expected 1 to 900 seconds");
    assert!(
        told[0].starts_with("version \"a:b\" contains ':'"),
        "{told:?}"
    );
    assert!(told[1].starts_with("task list \" x\" starts"), "{told:?}");
    assert!(told[6].starts_with("activity id \"\" is empty"), "{told:?}");
    assert_eq!(
        [&told[2..6], &told[7..]].concat(),
        [
            too_long("start_to_close_timeout"),
            too_long("schedule_to_close_timeout"),
            too_long("schedule_to_start_timeout"),
            too_long("heartbeat_timeout"),
            too_long("execution_timeout"),
            too_long("decision_tasks_timeout"),
            of_a_lambda("0"),
            of_a_lambda("901"),
            of_a_lambda("NONE"),
        ]
    );
}

#[test]
fn the_settings_of_the_activities_of_steps_are_looked_at_too() {
    workflow!(Steps(flow) -> () {
        flow.steps().set_activity_params(|params| params.task_list = "a|b".into());
        flow.submit(Step::new("s", inc(1))).await?;
        Ok(())
    });
    let decided = next::<Steps>(&started());
    assert!(
        decided[0].starts_with("fail") && decided[0].contains("task list \"a|b\" contains"),
        "{decided:?}"
    );
}
