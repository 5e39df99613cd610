//! What an execution waits for, in words.

use std::collections::HashMap;
use std::time::Duration;

use insta::assert_snapshot;
use serde_json::json;
use simpleflow_core::testing::HistoryBuilder;
use simpleflow_model::decision::{ScheduleActivityTask, ScheduleLambdaFunction, StartTimer};
use simpleflow_model::event::WorkflowExecutionStarted;
use simpleflow_model::types::PendingTaskCount;
use simpleflow_model::{
    EventAttributes, HistoryEvent, TaskList, Timeout, WorkflowExecution, WorkflowType,
};
use simpleflow_swf::History;
use simpleflow_swf::why::{Facts, ListKind, Why};

fn started() -> HistoryBuilder {
    HistoryBuilder::new().started_as(WorkflowExecutionStarted {
        workflow_type: WorkflowType {
            name: "examples.order".into(),
            version: "1".into(),
            ..WorkflowType::default()
        },
        task_list: TaskList {
            name: "orders".into(),
            ..TaskList::default()
        },
        execution_start_to_close_timeout: Some(Timeout::Seconds(3_600)),
        ..WorkflowExecutionStarted::default()
    })
}

/// Who took tasks, in the order of the events: deciders and workers take turns at a machine.
fn named(mut events: Vec<HistoryEvent>) -> Vec<HistoryEvent> {
    for event in &mut events {
        let (host, identity) = match &mut event.attributes {
            EventAttributes::DecisionTaskStarted(started) => ("d-1", &mut started.identity),
            EventAttributes::ActivityTaskStarted(started) => ("w-1", &mut started.identity),
            _ => continue,
        };
        *identity = Some(format!(r#"{{"hostname":"{host}","pid":7,"user":"ann"}}"#).into());
    }
    events
}

/// Asked so many seconds after the start.
fn why(history: HistoryBuilder, seconds: u64) -> Why {
    asked(history.build(), seconds)
}

fn asked(events: Vec<HistoryEvent>, seconds: u64) -> Why {
    let count = |count| PendingTaskCount {
        count,
        ..PendingTaskCount::default()
    };
    let pending = HashMap::from([
        ((ListKind::Decision, "orders".into()), count(1)),
        ((ListKind::Activity, "default".into()), count(3)),
    ]);
    Why::new(Facts {
        domain: "shop".into(),
        execution: WorkflowExecution {
            workflow_id: "order-7".into(),
            run_id: "run-1".into(),
            ..WorkflowExecution::default()
        },
        now: events[0].event_timestamp + Duration::from_secs(seconds),
        history: History::new(named(events)),
        pending,
    })
}

#[test]
fn a_decision_task_that_nobody_takes() {
    assert_snapshot!(why(started(), 5), @"
    Execution order-7 run run-1 of examples.order 1, domain shop: open since 2023-11-14 22:13:20 UTC (5 s)
    - A decision task waits for a decider in task list orders, since 2023-11-14 22:13:20 UTC (5 s ago).
        1 decision task waits in that task list.
        No decider has taken a task of this execution from there yet. Is one running?
        simpleflow decider.start --domain shop --task-list orders
    - It may be open until 2023-11-14 23:13:20 UTC (in 59 min 55 s).
    ");
    assert_snapshot!(why(started(), 500), @"
    Execution order-7 run run-1 of examples.order 1, domain shop: open since 2023-11-14 22:13:20 UTC (8 min 20 s)
    ! A decision task waits for a decider in task list orders, since 2023-11-14 22:13:20 UTC (8 min 20 s ago).
        1 decision task waits in that task list.
        No decider has taken a task of this execution from there yet. Is one running?
        simpleflow decider.start --domain shop --task-list orders
    - It may be open until 2023-11-14 23:13:20 UTC (in 51 min 40 s).
    ");
    let second = started()
        .decision(|d| d.start_timer("nap", 5))
        .timer_fired("nap");
    assert_snapshot!(why(second, 500), @"
    Execution order-7 run run-1 of examples.order 1, domain shop: open since 2023-11-14 22:13:20 UTC (8 min 20 s)
    ! A decision task waits for a decider in task list orders, since 2023-11-14 22:13:23 UTC (8 min 17 s ago).
        1 decision task waits in that task list.
        The last that this execution had there was taken by process 7 on d-1 at 2023-11-14 22:13:21 UTC (8 min 19 s ago).
    - It may be open until 2023-11-14 23:13:20 UTC (in 51 min 40 s).
    ");
}

#[test]
fn a_decision_task_in_the_list_of_one_decider() {
    let mut events = started()
        .decision(|d| d.start_timer("nap", 5))
        .timer_fired("nap")
        .build();
    let last = events.last_mut().unwrap();
    let EventAttributes::DecisionTaskScheduled(scheduled) = &mut last.attributes else {
        panic!("{last:?}");
    };
    scheduled.task_list.name = "orders-d-1".into();
    scheduled.schedule_to_start_timeout = Some(Timeout::Seconds(10));
    // A decider that is started there is not the one that has the state.
    assert_snapshot!(asked(events, 5), @"
    Execution order-7 run run-1 of examples.order 1, domain shop: open since 2023-11-14 22:13:20 UTC (5 s)
    - A decision task waits for a decider in task list orders-d-1, since 2023-11-14 22:13:23 UTC (2 s ago).
        The list is a decider's own: at 2023-11-14 22:13:33 UTC (in 8 s) the task goes back to the execution's.
        No decider has taken a task of this execution from there yet.
    - It may be open until 2023-11-14 23:13:20 UTC (in 59 min 55 s).
    ");
}

#[test]
fn decision_tasks_that_are_not_answered() {
    let history = started()
        .decision_started()
        .decision_timed_out()
        .decision_started()
        .decision_timed_out()
        .decision_started();
    assert_snapshot!(why(history, 30), @"
    Execution order-7 run run-1 of examples.order 1, domain shop: open since 2023-11-14 22:13:20 UTC (30 s)
    ! A decider has a decision task since 2023-11-14 22:13:25 UTC (25 s ago): process 7 on d-1.
        The last 2 decision tasks were taken, but not answered in time, the last by process 7 on d-1. The decider fails on this execution, or takes too long: its log says why, and so may
        simpleflow workflow.replay WORKFLOW --domain shop --workflow-id order-7 --run-id run-1
    - It may be open until 2023-11-14 23:13:20 UTC (in 59 min 30 s).
    ");
    let once = started().decision_started().decision_timed_out();
    assert!(
        why(once, 10)
            .findings()
            .iter()
            .all(|finding| !finding.trouble)
    );
}

#[test]
fn activities_that_wait_run_and_fail() {
    let unlimited = ScheduleActivityTask {
        start_to_close_timeout: Some(Timeout::Seconds(300)),
        heartbeat_timeout: Some(Timeout::Seconds(30)),
        schedule_to_start_timeout: Some(Timeout::Seconds(600)),
        ..simpleflow_swf::decisions::schedule_activity_task("pay-1", "pay", "2")
    };
    let history = started()
        .decision(|d| {
            let list = TaskList {
                name: "tills".into(),
                ..TaskList::default()
            };
            let limited = ScheduleActivityTask {
                task_list: Some(list),
                ..unlimited
            };
            d.schedule_activity("pack-1", "pack")
                .schedule_activity("weigh-1", "weigh")
                .schedule_activity("ship-1", "ship")
                .decide(limited)
        })
        .activity_failed("pack-1", "OSError: no boxes", "{}")
        .decision(|d| {
            d.schedule_activity("pack-1", "pack")
                .cancel_activity("ship-1")
        })
        .activity_started("weigh-1");
    assert_snapshot!(why(history, 90), @"
    Execution order-7 run run-1 of examples.order 1, domain shop: open since 2023-11-14 22:13:20 UTC (1 min 30 s)
    ! Activity pack-1 (pack default) waits for a worker in task list default, since 2023-11-14 22:13:26 UTC (1 min 24 s ago).
        This is attempt 2; the one before failed: OSError: no boxes.
        3 activity tasks wait in that task list.
        The last that this execution had there was taken by process 7 on w-1 at 2023-11-14 22:13:27 UTC (1 min 23 s ago).
    ! Activity weigh-1 (weigh default) runs since 2023-11-14 22:13:27 UTC (1 min 23 s ago), at process 7 on w-1.
        It has no time limit: if its worker is gone, nobody will notice.
    ! Activity pay-1 (pay 2) waits for a worker in task list tills, since 2023-11-14 22:13:22 UTC (1 min 28 s ago).
        It times out at 2023-11-14 22:23:22 UTC (in 8 min 32 s).
        No worker has taken a task of this execution from there yet. Is one running?
        simpleflow worker.start --domain shop --task-list tills
    - Activity ship-1 (ship default) is to be cancelled, since 2023-11-14 22:13:26 UTC (1 min 24 s ago). No worker has taken it.
    - It may be open until 2023-11-14 23:13:20 UTC (in 58 min 30 s).
    ");
}

#[test]
fn timers_children_and_signals() {
    let retry = StartTimer {
        timer_id: "__simpleflow_task_pack-1".into(),
        start_to_fire_timeout: Timeout::Seconds(40),
        ..StartTimer::default()
    };
    let history = started()
        .decision(|d| d.schedule_activity("pack-1", "pack"))
        .activity_failed("pack-1", "OSError: no boxes", "{}")
        .decision(|d| {
            d.start_timer("patience", 3_600)
                .decide(retry)
                .start_child("order-7-bill", "bill")
                .start_child("order-7-mail", "mail")
                .execution_context(r#"{"waiting_signals": ["paid"]}"#)
        })
        .child_started("order-7-bill");
    let told = why(history.clone().signaled("paid", "1"), 20);
    let unseen = told
        .findings()
        .iter()
        .find(|finding| finding.about.as_deref() == Some("paid"));
    assert_eq!(unseen.unwrap().kind, "signal_unseen");
    // The decision that the start of the child caused.
    let history = history.decision(|d| d.execution_context(r#"{"waiting_signals": ["paid"]}"#));
    assert_snapshot!(why(history, 20), @"
    Execution order-7 run run-1 of examples.order 1, domain shop: open since 2023-11-14 22:13:20 UTC (20 s)
    - Timer patience fires at 2023-11-14 23:13:26 UTC (in 59 min 46 s).
    - pack-1 is tried again at 2023-11-14 22:14:06 UTC (in 26 s).
        It failed: OSError: no boxes
    - Child execution order-7-bill (bill default) run run-13 is open since 2023-11-14 22:13:27 UTC (13 s ago); what that one waits for says
        simpleflow workflow.why shop order-7-bill run-13
    - Child execution order-7-mail (mail default) is not started yet, since 2023-11-14 22:13:26 UTC (14 s ago).
    - It waits for signal paid, at least since 2023-11-14 22:13:29 UTC (11 s ago). To send it:
        simpleflow workflow.signal shop order-7 run-1 paid --input JSON
    - It may be open until 2023-11-14 23:13:20 UTC (in 59 min 40 s).
    ");
}

#[test]
fn an_activity_that_is_refused_again_and_again() {
    let mut history = started();
    for _ in 0..3 {
        history = history
            .decision(|d| {
                d.schedule_activity("pack-1", "pack")
                    .refused("ACTIVITY_TYPE_DEPRECATED")
                    .start_timer("again", 0)
            })
            .timer_fired("again");
    }
    assert_snapshot!(why(history, 20), @"
    Execution order-7 run run-1 of examples.order 1, domain shop: open since 2023-11-14 22:13:20 UTC (20 s)
    ! Activity pack-1 (pack default) was refused 3 times in a row, last at 2023-11-14 22:13:28 UTC (12 s ago): ACTIVITY_TYPE_DEPRECATED.
    - A decision task waits for a decider in task list orders, since 2023-11-14 22:13:28 UTC (12 s ago).
        1 decision task waits in that task list.
        The last that this execution had there was taken by process 7 on d-1 at 2023-11-14 22:13:27 UTC (13 s ago).
    - It may be open until 2023-11-14 23:13:20 UTC (in 59 min 40 s).
    ");
}

#[test]
fn what_is_open_is_told_also_when_its_id_is_refused_once_more() {
    let history = started()
        .decision(|d| d.schedule_activity("pack-1", "pack"))
        .activity_started("pack-1")
        .signaled("again", "1")
        .decision(|d| {
            d.schedule_activity("pack-1", "pack")
                .refused("ACTIVITY_ID_ALREADY_IN_USE")
        });
    let why = why(history, 20);
    let kinds: Vec<_> = why.findings().iter().map(|finding| finding.kind).collect();
    assert_eq!(
        kinds,
        ["activity_running", "decision_waiting", "time_limit"]
    );
    assert!(!why.to_string().contains("attempt"), "{why}");
}

#[test]
fn what_was_refused_is_no_attempt() {
    let waiting = |why: &Why| {
        let mut findings = why.findings().iter();
        let waiting = findings.find(|finding| finding.kind == "activity_waiting");
        waiting.cloned().unwrap()
    };
    let registered_late = started().decision(|d| {
        d.schedule_activity("pack-1", "pack")
            .refused("ACTIVITY_TYPE_DOES_NOT_EXIST")
            .schedule_activity("pack-1", "pack")
    });
    let first = why(registered_late.clone(), 20);
    let finding = waiting(&first);
    assert_eq!((finding.attempt, &finding.failure), (1, &None));
    assert!(!first.to_string().contains("attempt"), "{first}");
    let tried_again = registered_late
        .activity_failed("pack-1", "OSError: no boxes", "{}")
        .decision(|d| {
            d.schedule_activity("pack-1", "pack")
                .refused("OPEN_ACTIVITIES_LIMIT_EXCEEDED")
                .schedule_activity("pack-1", "pack")
        });
    let second = why(tried_again, 20);
    let finding = waiting(&second);
    assert_eq!(
        (finding.attempt, finding.failure.as_deref()),
        (2, Some("OSError: no boxes"))
    );
    let text = second.to_string();
    assert!(
        text.contains("This is attempt 2; the one before failed: OSError: no boxes."),
        "{text}"
    );
}

#[test]
fn a_lambda_function_that_is_open() {
    let mut events = started().decision(|d| d).build();
    let now = events[0].event_timestamp.as_micros() / 1_000_000;
    let more = json!([
        {
            "eventId": 5,
            "eventTimestamp": now + 3,
            "eventType": "LambdaFunctionScheduled",
            "lambdaFunctionScheduledEventAttributes":
                {"id": "f-1", "name": "resize", "decisionTaskCompletedEventId": 4},
        },
        {
            "eventId": 6,
            "eventTimestamp": now + 4,
            "eventType": "LambdaFunctionStarted",
            "lambdaFunctionStartedEventAttributes": {"scheduledEventId": 5},
        },
        {
            "eventId": 7,
            "eventTimestamp": now + 5,
            "eventType": "ScheduleLambdaFunctionFailed",
            "scheduleLambdaFunctionFailedEventAttributes": {
                "id": "f-1",
                "name": "resize",
                "cause": "ID_ALREADY_IN_USE",
                "decisionTaskCompletedEventId": 4,
            },
        },
    ]);
    let more: Vec<HistoryEvent> = serde_json::from_value(more).unwrap();
    events.extend(more);
    let why = asked(events, 20);
    let lambda = &why.findings()[0];
    assert_eq!((lambda.kind, lambda.attempt), ("lambda_function", 1));
    assert_eq!(
        lambda.text,
        "Lambda function f-1 (resize) runs since 2023-11-14 22:13:24 UTC (16 s ago)."
    );
}

#[test]
fn many_of_a_kind_are_not_all_told() {
    let history = started().decision(|d| {
        (1..=12).fold(d, |d, number| {
            d.schedule_activity(format!("pack-{number}"), "pack")
        })
    });
    let why = why(history, 5);
    let of_kind = |finding: &&simpleflow_swf::why::Finding| finding.kind == "activity_waiting";
    assert_eq!(why.findings().iter().filter(of_kind).count(), 12);
    let text = why.to_string();
    assert_eq!(text.matches("waits for a worker").count(), 10, "{text}");
    assert_eq!(text.matches("3 activity tasks wait").count(), 1, "{text}");
    assert!(
        text.contains("And 2 more of that kind: activity waiting."),
        "{text}"
    );
}

#[test]
fn nothing_is_open() {
    let history = started().decision(|d| d).cancel_requested().decision(|d| d);
    assert_snapshot!(why(history, 100), @"
    Execution order-7 run run-1 of examples.order 1, domain shop: open since 2023-11-14 22:13:20 UTC (1 min 40 s)
    ! Nothing is open: no activity, timer, child or decision task, since 2023-11-14 22:13:25 UTC (1 min 35 s ago). Only a signal, a cancel or its time limit can move it.
    - Its cancel was asked for at 2023-11-14 22:13:23 UTC (1 min 37 s ago), and it is still open.
    - It may be open until 2023-11-14 23:13:20 UTC (in 58 min 20 s).
    ");
}

#[test]
fn a_closed_execution_waits_for_nothing() {
    let history = started().decision(|d| d.fail("Workflow execution error in pay: \"no\""));
    let why = why(history, 100);
    assert_snapshot!(why, @r#"
    Execution order-7 run run-1 of examples.order 1, domain shop: closed
    - It waits for nothing: failed at 2023-11-14 22:13:22 UTC (1 min 38 s ago).
        Reason: Workflow execution error in pay: "no"
    "#);
    assert_snapshot!(format!("{:#}", why.to_json()), @r#"
    {
      "domain": "shop",
      "findings": [
        {
          "about": null,
          "attempt": 0,
          "failure": "Workflow execution error in pay: \"no\"",
          "identity": null,
          "kind": "closed",
          "pending": null,
          "since": "2023-11-14T22:13:22.000Z",
          "task_list": null,
          "text": "It waits for nothing: failed at 2023-11-14 22:13:22 UTC (1 min 38 s ago).\nReason: Workflow execution error in pay: \"no\"",
          "trouble": false,
          "until": null
        }
      ],
      "now": "2023-11-14T22:15:00.000Z",
      "run_id": "run-1",
      "started": "2023-11-14T22:13:20.000Z",
      "status": "FAILED",
      "workflow_id": "order-7",
      "workflow_type": {
        "name": "examples.order",
        "version": "1"
      }
    }
    "#);
}

#[test]
fn a_lambda_function_that_runs_or_does_not() {
    let history = started().decision(|d| {
        d.decide(ScheduleLambdaFunction {
            id: "lambda-resize-1".into(),
            name: "resize".into(),
            start_to_close_timeout: Some(Timeout::Seconds(60)),
            ..ScheduleLambdaFunction::default()
        })
    });
    assert_snapshot!(why(history.clone(), 10), @"
    Execution order-7 run run-1 of examples.order 1, domain shop: open since 2023-11-14 22:13:20 UTC (10 s)
    - Lambda function lambda-resize-1 (resize) is not started yet, since 2023-11-14 22:13:22 UTC (8 s ago).
        Only Amazon SWF calls Lambda functions; a local run calls what stands in for them.
    - It may be open until 2023-11-14 23:13:20 UTC (in 59 min 50 s).
    ");
    assert_snapshot!(why(history.lambda_started("lambda-resize-1"), 10), @"
    Execution order-7 run run-1 of examples.order 1, domain shop: open since 2023-11-14 22:13:20 UTC (10 s)
    - Lambda function lambda-resize-1 (resize) runs since 2023-11-14 22:13:23 UTC (7 s ago).
        It times out at 2023-11-14 22:14:23 UTC (in 53 s).
    - It may be open until 2023-11-14 23:13:20 UTC (in 59 min 50 s).
    ");
}
