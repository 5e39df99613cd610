//! Markers that the code reads, and values that they remember.

// The macros write `simpleflow`, where users have all of it.
extern crate simpleflow_core as simpleflow;

mod common;

use std::cell::Cell;

use common::*;
use simpleflow_core::testing::{HistoryBuilder, replay};
use simpleflow_core::{EventKind, Replayer, Timer, WorkflowEntry};

workflow!(Marks(flow) -> Vec<(String, i64)> {
    flow.record_marker("progress", 1);
    flow.record_marker("other", 5);
    let start = flow.now();
    flow.submit(slow(1)).await?;
    flow.record_marker("progress", 2);
    assert!(flow.patched("p"));
    let last = flow.list_markers();
    assert_eq!(last[1].recorded, start);
    assert!(last[0].recorded > start);
    assert!(last[0].read::<bool>().is_err());
    let all = flow.list_all_markers();
    Ok(last.iter().chain(&all).map(|marker| (marker.name.to_string(), marker.read().unwrap())).collect())
});

#[test]
fn markers_are_listed_by_name_or_all_and_those_of_the_replayer_are_not() {
    let history = started()
        .decision(|d| {
            d.marker("progress", "1")
                .marker("other", "5")
                .schedule_activity("activity-slow-1", "slow")
        })
        .activity_completed("activity-slow-1", "1");
    assert_eq!(
        next::<Marks>(&history),
        [
            "marker simpleflow.patch \"p\"",
            "marker progress 2",
            "complete [[\"progress\",2],[\"other\",5],[\"progress\",1],[\"other\",5],[\"progress\",2]]"
        ]
    );
}

thread_local! {
    /// The next value of an effect, which is another each time.
    static EFFECT: Cell<i64> = const { Cell::new(1) };
}

fn effect() -> i64 {
    EFFECT.replace(EFFECT.get() + 1)
}

workflow!(Remembers(flow) -> Vec<i64> {
    let first = flow.record(effect)?;
    let named = flow.record_named("n", effect)?;
    flow.submit(inc(first)).await?;
    let second = flow.record(effect)?;
    Ok(vec![first, named, second])
});

fn value(name: &str, number: u32, value: i64) -> String {
    format!("{{\"name\":\"{name}\",\"number\":{number},\"value\":{value}}}")
}

fn remembering() -> HistoryBuilder {
    started().decision(|d| {
        d.marker("simpleflow.value", value("record", 1, 70))
            .marker("simpleflow.value", value("n", 1, 80))
            .schedule_activity("activity-inc-1", "inc")
    })
}

#[test]
fn a_value_is_made_once_and_then_comes_from_the_history() {
    EFFECT.set(1);
    assert_eq!(
        next::<Remembers>(&started()),
        [
            format!("marker simpleflow.value {}", value("record", 1, 1)),
            format!("marker simpleflow.value {}", value("n", 1, 2)),
            "schedule activity-inc-1(1)".to_owned()
        ]
    );
    EFFECT.set(5);
    let history = remembering().activity_completed("activity-inc-1", "71");
    assert_eq!(
        next::<Remembers>(&history),
        [
            format!("marker simpleflow.value {}", value("record", 2, 5)),
            "complete [70,80,5]".to_owned()
        ]
    );
    assert_eq!(EFFECT.get(), 6, "the effect ran once");
}

#[test]
fn a_value_whose_decision_was_not_recorded_is_made_again() {
    let history = started().decision_started().decision_timed_out();
    EFFECT.set(30);
    let decided = next::<Remembers>(&history);
    assert_eq!(
        decided[0],
        format!("marker simpleflow.value {}", value("record", 1, 30))
    );
}

#[test]
fn a_decider_that_kept_another_value_than_was_recorded_starts_anew() {
    EFFECT.set(1);
    let mut kept = Replayer::new(
        WorkflowEntry::of::<Remembers>(),
        Default::default(),
        Default::default(),
    );
    let history = started().decision_started();
    kept.feed(history.events().to_vec()).unwrap();
    kept.decisions().unwrap();
    let known = history.events().len();
    let history = remembering();
    kept.feed(history.events()[known..].to_vec()).unwrap();
    assert!(kept.decisions().is_err());
    replay::<Remembers>(&history).check().unwrap();
}

#[test]
fn a_value_that_the_history_lacks_or_the_code_does_not_ask_for_is_detected() {
    let lacks = started().decision(|d| {
        d.marker("simpleflow.value", value("record", 1, 70))
            .schedule_activity("activity-inc-1", "inc")
    });
    let error = replay::<Remembers>(&lacks).check().unwrap_err().to_string();
    assert!(error.contains("marker \"simpleflow.value\" at"), "{error}");
    let more = started().decision(|d| {
        d.marker("simpleflow.value", value("record", 1, 70))
            .marker("simpleflow.value", value("n", 1, 80))
            .marker("simpleflow.value", value("n", 2, 80))
            .schedule_activity("activity-inc-1", "inc")
    });
    assert!(replay::<Remembers>(&more).check().is_err());
}

workflow!(RemembersQuoted(flow) -> Vec<i64> {
    let quoted = flow.record_named(r#"the "best" \ price"#, effect)?;
    let lines = flow.record_named("two\nlines", effect)?;
    flow.submit(inc(quoted)).await?;
    Ok(vec![quoted, lines])
});

#[test]
fn a_value_whose_name_needs_an_escape_comes_from_the_history() {
    EFFECT.set(1);
    let history = started();
    let answer = replay::<RemembersQuoted>(&history).decisions().unwrap();
    let history = history
        .decision_started()
        .decided_as(answer)
        .activity_completed("activity-inc-1", "2");
    assert_eq!(next::<RemembersQuoted>(&history), ["complete [1,2]"]);
    assert_eq!(EFFECT.get(), 3, "each effect ran once");
}

#[test]
fn a_value_that_cannot_be_read_is_an_error_and_not_made_anew() {
    let history = started().decision(|d| {
        d.marker("simpleflow.value", r#"{"name":"record","number":"one"}"#)
            .schedule_activity("activity-inc-1", "inc")
    });
    let error = replay::<Remembers>(&history)
        .check()
        .unwrap_err()
        .to_string();
    assert!(error.contains("marker of event 5"), "{error}");
    assert!(error.contains("cannot be read"), "{error}");
}

workflow!(Mistaken(flow) -> String {
    Ok(flow.record_named("n", || true).unwrap_err().to_string())
});

workflow!(Unwritable(flow) -> bool {
    let map: std::collections::HashMap<(i64, i64), i64> = [((1, 2), 3)].into();
    let refused = flow.record(|| KeyedByPairs(map)).is_err();
    flow.submit(inc(1)).await?;
    Ok(refused)
});

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
struct KeyedByPairs(std::collections::HashMap<(i64, i64), i64>);

#[test]
fn a_value_that_has_another_type_is_an_error() {
    let history = started().decision(|d| {
        d.marker("simpleflow.value", value("n", 1, 80))
            .schedule_activity("x", "y")
    });
    let error = replay::<Mistaken>(&history)
        .check()
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("ActivityTaskScheduled"),
        "the marker itself fits: {error}"
    );
    let history = started().decision(|d| {
        d.marker("simpleflow.value", value("n", 1, 80))
            .complete("null")
    });
    replay::<Mistaken>(&history).check().unwrap();
}

#[test]
fn a_value_that_has_no_json_form_fails_the_workflow() {
    let [failed] = &next::<Unwritable>(&started())[..] else {
        panic!("{:?}", next::<Unwritable>(&started()));
    };
    assert!(failed.starts_with("fail"), "{failed}");
    assert!(
        failed.contains("the recorded value \"record\" at"),
        "{failed}"
    );
    assert!(failed.contains("it has no JSON form"), "{failed}");
}

workflow!(MarksTooMuch(flow) -> i64 {
    let mut sum = 0;
    for n in 0..5 {
        sum += flow.record(|| n)?;
    }
    Ok(flow.submit(inc(sum)).await?)
});

#[test]
fn nothing_is_sent_before_the_values_that_it_depends_on() {
    let limits = simpleflow_core::replay::Limits {
        decisions: 3,
        ..Default::default()
    };
    let mut history = started().decision_started();
    let mut decided = Vec::new();
    for _ in 0..3 {
        let replay = replay::<MarksTooMuch>(&history).limits(limits);
        let answer = replay.decisions().unwrap();
        decided.push(lines(&answer).len());
        let all_sent = lines(&answer)
            .iter()
            .any(|line| line.starts_with("schedule"));
        assert_eq!(all_sent, decided.len() == 3, "{answer:?}");
        history = history.decided_as(answer);
        if decided.len() < 3 {
            history = history
                .timer_fired("_simpleflow_wake_up_timer")
                .decision_started();
        }
    }
    assert_eq!(decided, [3, 3, 2]);
}

workflow!(Details(flow) -> Vec<String> {
    let reminder = flow.submit(Timer::new("reminder", secs(5)).control("c"));
    let cancelled = flow.start_timer("cancelled", secs(5));
    flow.record_marker("m", 1);
    flow.record_marker("m", 2);
    flow.sleep(secs(1)).await?;
    cancelled.cancel();
    let mut told = Vec::new();
    let describe = |kind, name| {
        let details = flow.get_event_details(kind, name);
        details.map_or("none".to_owned(), |d| {
            let sender = d.sender.map(|sender| format!(" from {}", sender.workflow_id));
            let time = d.timestamp.map(|_| " timed").unwrap_or_default();
            format!("{} {}{}{time}", d.state, d.payload.unwrap_or_default(), sender.unwrap_or_default())
        })
    };
    told.push(describe(EventKind::Timer, "reminder"));
    reminder.await?;
    told.push(describe(EventKind::Timer, "reminder"));
    told.push(describe(EventKind::Timer, "cancelled"));
    told.push(describe(EventKind::Timer, "sleep-1"));
    told.push(describe(EventKind::Marker, "m"));
    told.push(describe(EventKind::Marker, "s"));
    told.push(describe(EventKind::Signal, "s"));
    told.push(describe(EventKind::Signal, "m"));
    Ok(told)
});

#[test]
fn the_last_event_of_a_name_can_be_looked_at() {
    let history = started()
        .decision(|d| {
            d.marker("m", "1")
                .marker("m", "2")
                .start_timer("reminder", 5)
                .start_timer("cancelled", 5)
                .start_timer("sleep-1", 1)
        })
        .signaled("s", "1")
        .signaled_by("s", "2", "shop", "run")
        .timer_fired("sleep-1")
        .decision(|d| d.cancel_timer("cancelled"))
        .timer_fired("reminder");
    assert_eq!(
        next::<Details>(&history),
        [
            "complete [\"started \\\"c\\\"\",\"fired \\\"c\\\"\",\"canceled \",\"none\",\
          \"recorded 2 timed\",\"none\",\"signaled 2 from shop timed\",\"none\"]"
        ]
    );
}

workflow!(MisusesRandom(flow) -> String {
    flow.record(|| flow.uuid().to_string())
});

workflow!(MisusesSubmit(flow) -> i64 {
    let value = flow.record_named("n", || {
        flow.submit(inc(1));
        1
    });
    Ok(value.unwrap_or_default())
});

workflow!(MisusesRecord(flow) -> i64 {
    flow.record(|| flow.record(|| 1).unwrap_or_default())
});

workflow!(MisusesScope(flow) -> bool {
    let scope = flow.scope();
    flow.record(|| {
        scope.cancel();
        true
    })
});

workflow!(MisusesSteps(flow) -> bool {
    flow.record(|| {
        flow.steps().add_forced_steps(["a"], None);
        true
    })
});

workflow!(MisusesSaga(flow) -> bool {
    flow.saga(async |saga| {
        saga.record(|| {
            saga.undo(inc(1));
            true
        })
    })
    .await
});

workflow!(ReadsTime(flow) -> bool {
    let now = flow.record(|| flow.now().to_string())?;
    Ok(now == flow.now().to_string())
});

#[test]
fn an_effect_that_uses_the_flow_fails_the_workflow_the_same_at_each_replay() {
    fn fails<W: Workflow>(name: &str) {
        let decided = next::<W>(&started());
        let [failed] = &decided[..] else {
            panic!("{decided:?}");
        };
        assert!(
            failed.contains(&format!("the recorded value {name:?} at")),
            "{failed}"
        );
        assert!(failed.contains("its effect uses the flow"), "{failed}");
        let closed = started().decision(|d| d.fail("its effect uses the flow"));
        replay::<W>(&closed).check().unwrap();
    }
    fails::<MisusesRandom>("record");
    fails::<MisusesSubmit>("n");
    fails::<MisusesScope>("record");
    fails::<MisusesSteps>("record");
    fails::<MisusesSaga>("record");
    // The inner value is right, and remembered; the outer one is not.
    let decided = next::<MisusesRecord>(&started());
    assert_eq!(decided.len(), 2, "{decided:?}");
    assert!(
        decided[1].contains("its effect uses the flow"),
        "{decided:?}"
    );
    let read = next::<ReadsTime>(&started());
    assert_eq!(read.last().map(String::as_str), Some("complete true"));
}

workflow!(TakesAName(flow) -> i64 {
    flow.record_marker("simpleflow.values", 1);
    flow.record_marker("simpleflow.value", 1);
    flow.record_marker("late", 1);
    Ok(flow.submit(inc(1)).await?)
});

#[test]
fn a_marker_that_would_be_taken_for_a_value_fails_the_workflow() {
    let [first, late, failed] = &next::<TakesAName>(&started())[..] else {
        panic!("{:?}", next::<TakesAName>(&started()));
    };
    assert_eq!(
        [first, late],
        ["marker simpleflow.values 1", "marker late 1"]
    );
    let said = "markers with this name are simpleflow's own: choose another";
    assert!(
        failed.contains("the marker \"simpleflow.value\" at"),
        "{failed}"
    );
    assert!(failed.contains(said), "{failed}");
}
