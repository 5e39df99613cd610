//! Histories read into states.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use serde_json::{Value, json};
use simpleflow_core::testing::{HistoryBuilder, RecordedHistory};
use simpleflow_model::enums::ActivityTaskTimeoutType;
use simpleflow_model::{CloseStatus, HistoryEvent};
use simpleflow_swf::History;
use simpleflow_swf::history::{State, TaskKind};

fn started() -> HistoryBuilder {
    HistoryBuilder::new().started(r#"{"args":[1],"kwargs":{}}"#)
}

/// One of everything.
fn eventful() -> History {
    let history = started()
        .decision(|d| {
            d.schedule_activity("inc-1", "inc")
                .schedule_activity("new-1", "new")
                .refused("ACTIVITY_TYPE_DOES_NOT_EXIST")
                .start_timer("nap", 60)
                .start_timer("patience", 9)
                .marker("log", r#"{"step":1}"#)
                .start_child("child-1", "child")
        })
        .activity_failed("inc-1", "ValueError: no", "{}")
        .decision(|d| d.schedule_activity("inc-1", "inc").cancel_timer("patience"))
        .activity_timed_out("inc-1", ActivityTaskTimeoutType::Heartbeat)
        .decision(|d| d.schedule_activity("inc-1", "inc"))
        .activity_completed("inc-1", "2")
        .child_started("child-1")
        .signaled("go", "1")
        .signaled("go", "2")
        .child_failed("child-1", "too young")
        .decision(|d| {
            d.marker("log", r#"{"step":2}"#)
                .schedule_activity("late-1", "late")
        })
        .timer_fired("nap")
        .activity_started("late-1")
        .decision(|d| d.cancel_activity("late-1"))
        .activity_canceled("late-1")
        .decision(|d| d.execution_context("{}").complete("3"));
    History::new(history.build())
}

/// Each task in a line: its kind, id and the states of its attempts.
fn lines(history: &History) -> Vec<String> {
    let line = |task: &simpleflow_swf::history::Task| {
        let states: Vec<_> = task.attempts().iter().map(|a| a.state.as_str()).collect();
        format!("{} {}: {}", task.kind.as_str(), task.id, states.join(", "))
    };
    history.tasks().iter().map(line).collect()
}

#[test]
fn each_task_has_its_attempts() {
    let history = eventful();
    assert_eq!(
        lines(&history),
        [
            "activity inc-1: failed, timed_out, completed",
            "activity new-1: schedule_failed",
            "timer nap: fired",
            "timer patience: canceled",
            "marker log: recorded",
            "child_workflow child-1: failed",
            "signal go: signaled",
            "signal go: signaled",
            "marker log: recorded",
            "activity late-1: canceled",
        ]
    );
    let inc = history.task(TaskKind::Activity, "inc-1").unwrap();
    let [failed, timed_out, done] = inc.attempts() else {
        panic!("{inc:?}");
    };
    assert_eq!(failed.failure().unwrap(), "ValueError: no");
    assert_eq!(timed_out.failure().unwrap(), "timed out (HEARTBEAT)");
    assert_eq!((done.failure(), done.result.as_deref()), (None, Some("2")));
    assert_eq!(inc.failures(), 2);
    assert!(failed.ended.unwrap().event_id < timed_out.scheduled.event_id);
    let late = history.find("late-1").unwrap().last();
    assert!(late.cancel_requested.unwrap().event_id < late.ended.unwrap().event_id);
    assert_eq!(
        history
            .task(TaskKind::Signal, "go")
            .unwrap()
            .last()
            .input
            .as_deref(),
        Some("2")
    );
    assert!(history.task(TaskKind::Signal, "inc-1").is_none());
}

#[test]
fn what_is_refused_does_not_hide_what_is_open() {
    let open = started()
        .decision(|d| {
            d.schedule_activity("p-1", "pack")
                .start_timer("nap", 60)
                .start_child("child-1", "child")
        })
        .activity_started("p-1")
        .child_started("child-1")
        .decision(|d| {
            d.schedule_activity("p-1", "other")
                .refused("ACTIVITY_ID_ALREADY_IN_USE")
                .schedule_activity("p-1", "pack")
                .refused("ACTIVITY_ID_ALREADY_IN_USE")
                .start_timer("nap", 5)
                .refused("TIMER_ID_ALREADY_IN_USE")
                .start_child("child-1", "child")
                .refused("OPEN_CHILDREN_LIMIT_EXCEEDED")
                .cancel_activity("p-1")
        });
    let history = History::new(open.clone().build());
    assert_eq!(
        lines(&history),
        [
            "activity p-1: schedule_failed, schedule_failed, cancel_requested",
            "timer nap: start_failed, started",
            "child_workflow child-1: start_failed, started",
        ]
    );
    let pack = history.find("p-1").unwrap();
    assert_eq!(pack.name, "pack");
    let [first, second, _] = pack.attempts() else {
        panic!("{pack:?}");
    };
    assert!(first.scheduled.event_id < second.scheduled.event_id);
    assert!(first.cancel_requested.is_none() && second.cancel_requested.is_none());
    let done = open
        .activity_completed("p-1", "1")
        .timer_fired("nap")
        .child_completed("child-1", "2")
        .decision(|d| {
            d.schedule_activity("p-1", "gone")
                .refused("ACTIVITY_TYPE_DEPRECATED")
        });
    let done = History::new(done.build());
    assert_eq!(
        lines(&done),
        [
            // What is refused when nothing is open is the last that is known of the task.
            "activity p-1: schedule_failed, schedule_failed, completed, schedule_failed",
            "timer nap: start_failed, fired",
            "child_workflow child-1: start_failed, completed",
        ]
    );
    let cooked = done.cooked();
    assert_eq!(cooked["timers"]["nap"]["state"], "fired");
    assert_eq!(cooked["child_workflows"]["child-1"]["result"], "2");
    assert_eq!(done.profile().len(), 1);
}

/// An event as the service sends it; its attributes are of the decision 4.
fn sent(id: i64, event_type: &str, mut attributes: Value) -> Value {
    attributes["decisionTaskCompletedEventId"] = 4.into();
    let (first, rest) = event_type.split_at(1);
    let name = format!("{}{rest}EventAttributes", first.to_lowercase());
    json!({"eventId": id, "eventTimestamp": id, "eventType": event_type, name: attributes})
}

#[test]
fn a_child_that_is_refused_after_it_was_asked_for_does_not_hide_the_open_one() {
    let child = |name: &str| {
        json!({
            "workflowId": "c",
            "workflowType": {"name": name, "version": "1"},
            "taskList": {"name": "l"},
            "childPolicy": "TERMINATE",
        })
    };
    let mut refused = child("other");
    refused["cause"] = "WORKFLOW_ALREADY_RUNNING".into();
    refused["initiatedEventId"] = 7.into();
    let of_first = |more: Value| {
        let mut attributes = child("child");
        attributes["workflowExecution"] = json!({"workflowId": "c", "runId": "r"});
        attributes["initiatedEventId"] = 5.into();
        attributes["startedEventId"] = 6.into();
        attributes["result"] = more;
        attributes
    };
    let initiated = "StartChildWorkflowExecutionInitiated";
    let events = json!([
        sent(5, initiated, child("child")),
        sent(6, "ChildWorkflowExecutionStarted", of_first(Value::Null)),
        sent(7, initiated, child("other")),
        sent(8, "StartChildWorkflowExecutionFailed", refused),
        sent(9, "ChildWorkflowExecutionCompleted", of_first("1".into())),
    ]);
    let events: Vec<HistoryEvent> = serde_json::from_value(events).unwrap();
    let open = History::new(events[..4].to_vec());
    assert_eq!(lines(&open), ["child_workflow c: start_failed, started"]);
    let done = History::new(events);
    assert_eq!(lines(&done), ["child_workflow c: start_failed, completed"]);
    let child = done.find("c").unwrap();
    assert_eq!(
        (&*child.name, child.last().result.as_deref()),
        ("child", Some("1"))
    );
}

/// A Lambda function that is open, and one more under its id that is refused.
fn lambda() -> Vec<HistoryEvent> {
    let function = json!({"id": "f-1", "name": "resize", "input": "[1]"});
    let mut refused = function.clone();
    refused["cause"] = "ID_ALREADY_IN_USE".into();
    let events = json!([
        sent(5, "LambdaFunctionScheduled", function),
        sent(6, "LambdaFunctionStarted", json!({"scheduledEventId": 5})),
        sent(7, "ScheduleLambdaFunctionFailed", refused),
        sent(
            8,
            "LambdaFunctionCompleted",
            json!({"scheduledEventId": 5, "startedEventId": 6, "result": "2"})
        ),
    ]);
    serde_json::from_value(events).unwrap()
}

#[test]
fn a_lambda_function_is_a_task() {
    let events = lambda();
    let open = History::new(events[..3].to_vec());
    assert_eq!(
        lines(&open),
        ["lambda_function f-1: schedule_failed, started"]
    );
    let done = History::new(events);
    let [timing] = &done.profile()[..] else {
        panic!("{:?}", done.profile());
    };
    assert_eq!(timing.task.name, "resize");
    assert_eq!(timing.attempt().result.as_deref(), Some("2"));
}

#[test]
fn the_execution_has_its_start_its_decisions_and_its_end() {
    let history = eventful();
    assert_eq!(
        history.started().unwrap().workflow_type.name.as_str(),
        "workflow"
    );
    let close = history.close().unwrap();
    assert_eq!(close.status, CloseStatus::Completed);
    assert_eq!(close.result.as_deref(), Some("3"));
    let decided = history.decision_tasks();
    assert!(decided.iter().all(|task| task.state == State::Completed));
    assert_eq!(history.execution_context(), Some("{}"));
    let open = History::new(started().decision_started().build());
    assert!(open.close().is_none());
    assert_eq!(open.decision_tasks()[0].state, State::Started);
}

#[test]
fn what_begins_in_the_middle_is_read_as_far_as_it_goes() {
    let events = eventful().events().to_vec();
    for first in 0..events.len() {
        let tail = History::new(events[first..].to_vec());
        assert_eq!(tail.close().unwrap().status, CloseStatus::Completed);
        assert_eq!(tail.started().is_some(), first == 0);
        assert!(tail.cooked().is_object());
    }
    let nothing = History::new(Vec::new());
    assert_eq!((nothing.tasks().len(), nothing.span()), (0, None));
    assert!(nothing.profile().is_empty());
}

#[test]
fn the_cooked_form_is_the_originals() {
    insta::assert_snapshot!(format!("{:#}", eventful().cooked()));
}

#[test]
fn what_is_sent_to_others_is_delivered_or_not() {
    let sent = |id: i64, to: &str| {
        json!({
            "eventId": id,
            "eventTimestamp": id,
            "eventType": "SignalExternalWorkflowExecutionInitiated",
            "signalExternalWorkflowExecutionInitiatedEventAttributes": {
                "workflowId": to,
                "signalName": "ready",
                "input": "[1]",
                "decisionTaskCompletedEventId": 4,
            },
        })
    };
    let delivered = json!({
        "eventId": 7,
        "eventTimestamp": 7.5,
        "eventType": "ExternalWorkflowExecutionSignaled",
        "externalWorkflowExecutionSignaledEventAttributes": {
            "workflowExecution": {"workflowId": "a", "runId": "r"},
            "initiatedEventId": 5,
        },
    });
    let refused = json!({
        "eventId": 8,
        "eventTimestamp": 8,
        "eventType": "SignalExternalWorkflowExecutionFailed",
        "signalExternalWorkflowExecutionFailedEventAttributes": {
            "workflowId": "b",
            "cause": "UNKNOWN_EXTERNAL_WORKFLOW_EXECUTION",
            "initiatedEventId": 6,
            "decisionTaskCompletedEventId": 4,
        },
    });
    let events = json!([sent(5, "a"), sent(6, "b"), delivered, refused]);
    let history = History::new(serde_json::from_value(events).unwrap());
    assert_eq!(
        lines(&history),
        ["signal_sent ready: signaled", "signal_sent ready: failed"]
    );
    let cooked = history.cooked();
    assert_eq!(
        cooked["signaled_workflows"],
        json!({"ready": [{
            "type": "external_workflow",
            "id": "a",
            "workflow_id": "a",
            "run_id": "r",
            "signal_name": "ready",
            "state": "execution_signaled",
            "initiated_event_id": 5,
            "initiated_event_timestamp": "1970-01-01T00:00:05.000Z",
            "signaled_event_id": 7,
            "signaled_timestamp": "1970-01-01T00:00:07.500Z",
            "input": [1],
            "control": null,
        }]})
    );
    assert_eq!(
        cooked["external_workflows_signaling"]["6"]["cause"],
        "UNKNOWN_EXTERNAL_WORKFLOW_EXECUTION"
    );
}

#[test]
fn flat_events_are_read_again_as_what_they_were() {
    for events in [eventful(), History::new(lambda())] {
        let flat = serde_json::Value::from(events.flat_events());
        let read = RecordedHistory::parse(&flat.to_string()).unwrap().events;
        let types = |events: &[HistoryEvent]| {
            let types = events.iter().map(|event| event.event_type().to_owned());
            types.collect::<Vec<_>>()
        };
        assert_eq!(types(&read), types(events.events()));
        assert_eq!(History::new(read).flat_events(), events.flat_events());
    }
}

#[test]
fn flat_events_are_the_originals() {
    let flat = eventful().flat_events();
    let words = |event: &Value| {
        let word = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
        format!("{} {}", word("type"), word("state"))
    };
    let mut kinds: Vec<_> = flat.iter().map(words).collect();
    kinds.sort();
    kinds.dedup();
    insta::assert_snapshot!(kinds.join("\n"));
    assert_eq!(
        flat[0],
        json!({
            "id": 1,
            "type": "WorkflowExecution",
            "state": "started",
            "timestamp": "2023-11-14T22:13:20.000Z",
            "input": {"args": [1], "kwargs": {}},
            "control": null,
            "child_policy": "TERMINATE",
            "task_list": {"name": "test"},
            "workflow_type": {"name": "workflow", "version": "default"},
        })
    );
}

#[test]
fn a_flat_event_keeps_its_id_beside_that_of_a_lambda_function() {
    let flat = History::new(lambda()).flat_events();
    assert_eq!(
        flat[0],
        json!({
            "id": 5,
            "type": "LambdaFunction",
            "state": "scheduled",
            "timestamp": "1970-01-01T00:00:05.000Z",
            "function_id": "f-1",
            "name": "resize",
            "input": [1],
            "control": null,
            "decision_task_completed_event_id": 4,
        })
    );
    assert_eq!(
        (&flat[2]["id"], &flat[2]["function_id"]),
        (&json!(7), &json!("f-1"))
    );
    let ids: Vec<_> = flat.iter().map(|event| &event["id"]).collect();
    assert_eq!(ids, [5, 6, 7, 8]);
    let states: Vec<_> = flat.iter().map(|event| &event["state"]).collect();
    assert_eq!(
        states,
        ["scheduled", "started", "schedule_failed", "completed"]
    );
}

/// The histories that were recorded from the real service; none if they are not there.
fn recorded() -> Vec<(String, Vec<HistoryEvent>)> {
    // Asked at run time: what is compiled in may be of another checkout, where they share a target.
    let package = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default();
    let directory = Path::new(&package).join("../../../shared/swf/recorded/executions");
    let Ok(files) = fs::read_dir(&directory) else {
        // Not `eprintln`, which the test harness keeps to itself when a test passes.
        let _ = writeln!(
            io::stderr(),
            "skipped: no recordings at {}",
            directory.display()
        );
        return Vec::new();
    };
    let mut histories = Vec::new();
    for file in files {
        let path = file.unwrap().path();
        let calls: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        for call in calls.as_array().unwrap() {
            let events = &call["response"]["events"];
            let whole = events[0]["eventId"] == 1 && call["response"]["nextPageToken"].is_null();
            if whole && call["request"]["reverseOrder"] != true {
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                histories.push((name, serde_json::from_value(events.clone()).unwrap()));
            }
        }
    }
    histories
}

#[test]
fn every_event_of_the_real_service_finds_its_task() {
    let begins = |event: &&HistoryEvent| {
        matches!(
            event.event_type(),
            "ActivityTaskScheduled"
                | "ScheduleActivityTaskFailed"
                | "TimerStarted"
                | "StartTimerFailed"
                | "MarkerRecorded"
                | "WorkflowExecutionSignaled"
                | "StartChildWorkflowExecutionInitiated"
                | "SignalExternalWorkflowExecutionInitiated"
                | "RequestCancelExternalWorkflowExecutionInitiated"
                | "DecisionTaskScheduled"
        )
    };
    let starts = |event: &&HistoryEvent| {
        matches!(
            event.event_type(),
            "ActivityTaskStarted"
                | "DecisionTaskStarted"
                | "ChildWorkflowExecutionStarted"
                | "TimerStarted"
        )
    };
    for (name, events) in recorded() {
        let history = History::new(events);
        let attempts: Vec<_> = history
            .tasks()
            .iter()
            .flat_map(|task| task.attempts())
            .chain(history.decision_tasks())
            .collect();
        let count = |events: usize, attempts: usize| assert_eq!(events, attempts, "{name}");
        let events = || history.events().iter();
        count(events().filter(begins).count(), attempts.len());
        let started = attempts.iter().filter(|a| a.started.is_some()).count();
        count(events().filter(starts).count(), started);
        for attempt in attempts {
            let times = [Some(attempt.scheduled), attempt.started, attempt.ended];
            let times: Vec<_> = times.into_iter().flatten().map(|m| m.timestamp).collect();
            assert!(times.is_sorted(), "{name}: {attempt:?}");
            assert_eq!(attempt.ended.is_some(), !attempt.state.is_open(), "{name}");
        }
        if events().any(|event| event.event_type() == "WorkflowExecutionCompleted") {
            assert_eq!(history.close().unwrap().status, CloseStatus::Completed);
        }
    }
}
