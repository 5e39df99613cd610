//! Each decision: what it becomes, and each cause of its failure.

use serde_json::{Value, json};

use crate::Limits;
use crate::testing::*;

fn failed_with(w: &World, run: &simpleflow_model::RunId, event_type: &str) -> Value {
    let tail = w.types(run, 5);
    let at = tail
        .iter()
        .position(|t| *t == event_type)
        .unwrap_or_else(|| panic!("no {event_type} in {tail:?}"));
    assert_eq!(
        tail.get(at + 1),
        Some(&"DecisionTaskScheduled"),
        "the decider must see {event_type}: {tail:?}"
    );
    w.last(run, event_type)["cause"].clone()
}

#[test]
fn an_activity_task_is_refused_for_its_type_and_its_defaults() {
    let all = [
        (
            "scheduleToStartTimeout",
            "DEFAULT_SCHEDULE_TO_START_TIMEOUT_UNDEFINED",
        ),
        (
            "scheduleToCloseTimeout",
            "DEFAULT_SCHEDULE_TO_CLOSE_TIMEOUT_UNDEFINED",
        ),
        (
            "startToCloseTimeout",
            "DEFAULT_START_TO_CLOSE_TIMEOUT_UNDEFINED",
        ),
        ("heartbeatTimeout", "DEFAULT_HEARTBEAT_TIMEOUT_UNDEFINED"),
        ("taskList", "DEFAULT_TASK_LIST_UNDEFINED"),
    ];
    for (missing, cause) in all {
        let mut attributes = json!({ "activityType": kind("bare") });
        for (member, _) in all.iter().filter(|(member, _)| *member != missing) {
            attributes[*member] = match *member {
                "taskList" => json!({ "name": "workers" }),
                _ => json!("NONE"),
            };
        }
        let mut w = World::new();
        let run = w.begin(&[activity("a", attributes)]);
        assert_eq!(failed_with(&w, &run, "ScheduleActivityTaskFailed"), cause);
    }
    for (name, cause) in [
        ("unknown", "ACTIVITY_TYPE_DOES_NOT_EXIST"),
        ("old", "ACTIVITY_TYPE_DEPRECATED"),
    ] {
        let mut w = World::new();
        let run = w.begin(&[activity("a", json!({ "activityType": kind(name) }))]);
        assert_eq!(failed_with(&w, &run, "ScheduleActivityTaskFailed"), cause);
    }
}

#[test]
fn an_activity_task_is_scheduled_with_the_defaults_of_its_type() {
    let mut w = World::new();
    let run = w.begin(&[activity("a", json!({ "heartbeatTimeout": "9" }))]);
    let expected = json!({
        "activityId": "a",
        "activityType": kind("activity"),
        "taskList": { "name": "workers" },
        "scheduleToStartTimeout": "NONE",
        "scheduleToCloseTimeout": "NONE",
        "startToCloseTimeout": "NONE",
        "heartbeatTimeout": "9",
        "decisionTaskCompletedEventId": 4,
    });
    assert_eq!(w.event(&run, 5), expected);
}

#[test]
fn an_activity_id_is_free_again_when_its_task_is_closed() {
    let mut w = World::new();
    let a = || activity("a", json!({}));
    let run = w.begin(&[a(), a()]);
    assert_eq!(
        failed_with(&w, &run, "ScheduleActivityTaskFailed"),
        "ACTIVITY_ID_ALREADY_IN_USE"
    );
    let token = w.work().unwrap().task_token;
    w.work_done(&token).unwrap();
    w.decide(&[a()]);
    assert_eq!(w.types(&run, 12), ["ActivityTaskScheduled"]);
}

#[test]
fn open_things_are_limited() {
    let limits = Limits {
        open_activities: 1,
        open_timers: 1,
        open_children: 1,
        open_lambda_functions: 1,
        ..Limits::default()
    };
    let lambda = |id: &str| decision("ScheduleLambdaFunction", json!({ "id": id, "name": "f" }));
    let cases = [
        (
            [activity("a", json!({})), activity("b", json!({}))],
            "ScheduleActivityTaskFailed",
            "OPEN_ACTIVITIES_LIMIT_EXCEEDED",
        ),
        (
            [timer("a", 5), timer("b", 5)],
            "StartTimerFailed",
            "OPEN_TIMERS_LIMIT_EXCEEDED",
        ),
        (
            [child("a", json!({})), child("b", json!({}))],
            "StartChildWorkflowExecutionFailed",
            "OPEN_CHILDREN_LIMIT_EXCEEDED",
        ),
        (
            [lambda("a"), lambda("b")],
            "ScheduleLambdaFunctionFailed",
            "OPEN_LAMBDA_FUNCTIONS_LIMIT_EXCEEDED",
        ),
    ];
    for (decisions, event_type, cause) in cases {
        let mut w = World::with_limits(limits);
        let run = w.begin(&decisions);
        assert_eq!(failed_with(&w, &run, event_type), cause);
    }
}

#[test]
fn a_timer_fires_and_its_id_is_free_again() {
    let mut w = World::new();
    let run = w.begin(&[timer("t", 5), timer("t", 5), timer("now", 0)]);
    assert_eq!(
        failed_with(&w, &run, "StartTimerFailed"),
        "TIMER_ID_ALREADY_IN_USE"
    );
    // A timer of no time is due at once, and fires when time is looked at.
    w.pass(0);
    assert_eq!(w.types(&run, 9), ["TimerFired"]);
    assert_eq!(
        w.event(&run, 9),
        json!({ "timerId": "now", "startedEventId": 8 })
    );
    w.pass(4);
    assert_eq!(w.types(&run, 10), [""; 0]);
    w.pass(1);
    assert_eq!(
        w.event(&run, 10),
        json!({ "timerId": "t", "startedEventId": 5 })
    );
    w.decide(&[timer("t", 5)]);
    assert_eq!(
        w.last(&run, "TimerStarted")["decisionTaskCompletedEventId"],
        12
    );
}

#[test]
fn a_cancelled_timer_does_not_fire_and_its_id_is_free_in_the_same_batch() {
    let mut w = World::new();
    let cancel = || decision("CancelTimer", json!({ "timerId": "t" }));
    let run = w.begin(&[timer("t", 5), cancel(), timer("t", 7)]);
    assert_eq!(
        w.types(&run, 5),
        ["TimerStarted", "TimerCanceled", "TimerStarted"],
        "a cancelled timer is no news"
    );
    w.pass(6);
    assert_eq!(w.types(&run, 8), [""; 0]);
    w.pass(1);
    assert_eq!(w.event(&run, 8)["startedEventId"], 7);
    w.decide(&[cancel()]);
    assert_eq!(
        w.last(&run, "CancelTimerFailed")["cause"],
        "TIMER_ID_UNKNOWN"
    );
    assert!(w.types(&run, 10).ends_with(&["DecisionTaskScheduled"]));
}

#[test]
fn only_an_open_activity_can_be_cancelled() {
    let mut w = World::new();
    let run = w.begin(&[decision(
        "RequestCancelActivityTask",
        json!({ "activityId": "a" }),
    )]);
    assert_eq!(
        failed_with(&w, &run, "RequestCancelActivityTaskFailed"),
        "ACTIVITY_ID_UNKNOWN"
    );
}

#[test]
fn an_execution_does_not_close_over_what_its_decider_has_not_seen() {
    let closes = [
        (
            "CompleteWorkflowExecution",
            "CompleteWorkflowExecutionFailed",
        ),
        ("FailWorkflowExecution", "FailWorkflowExecutionFailed"),
        ("CancelWorkflowExecution", "CancelWorkflowExecutionFailed"),
        (
            "ContinueAsNewWorkflowExecution",
            "ContinueAsNewWorkflowExecutionFailed",
        ),
    ];
    for (close, failed) in closes {
        let mut w = World::new();
        let run = w.start("w");
        let task = w.poll();
        w.signal("w").unwrap();
        let decisions = [
            decision("RecordMarker", json!({ "markerName": "m" })),
            decision(close, json!({})),
        ];
        w.try_respond(&task.task_token, &decisions, json!({}))
            .unwrap();
        // The earlier decisions hold; no further task is needed.
        assert_eq!(
            w.types(&run, 6),
            ["DecisionTaskCompleted", "MarkerRecorded", failed]
        );
        let expected = json!({ "cause": "UNHANDLED_DECISION", "decisionTaskCompletedEventId": 6 });
        assert_eq!(w.event(&run, 8), expected);
        // The next task sees it, and then it closes, whatever else is open.
        w.decide(&[timer("t", 5), decision(close, json!({}))]);
        assert!(!w.engine.execution(&run).unwrap().state().is_open());
    }
}

#[test]
fn a_refused_decision_is_unhandled_too() {
    let mut w = World::new();
    let cancel = decision("CancelTimer", json!({ "timerId": "t" }));
    let run = w.begin(&[cancel, complete()]);
    assert_eq!(
        w.types(&run, 5),
        [
            "CancelTimerFailed",
            "DecisionTaskScheduled",
            "CompleteWorkflowExecutionFailed"
        ]
    );
}

#[test]
fn a_new_run_has_the_settings_of_the_decision_and_the_type() {
    let mut w = World::new();
    let more = json!({ "taskStartToCloseTimeout": "77", "tagList": ["x"], "taskPriority": "3" });
    let run = w.try_start("w", more).unwrap();
    let again = json!({ "input": "next", "executionStartToCloseTimeout": "88" });
    w.decide(&[decision("ContinueAsNewWorkflowExecution", again)]);
    let next = w.run_of("w");
    let closing = w.event(&run, 5);
    assert_eq!(closing["newExecutionRunId"], next.as_str());
    let started = w.event(&next, 1);
    for event in [&closing, &started] {
        assert_eq!(event["executionStartToCloseTimeout"], "88");
        // Nothing comes from the run before.
        assert_eq!(event["taskStartToCloseTimeout"], "50");
        assert_eq!(event["tagList"], Value::Null);
        assert_eq!(event["taskPriority"], Value::Null);
        assert_eq!(event["input"], "next");
    }
    assert_eq!(started["continuedExecutionRunId"], run.as_str());
    assert_eq!(
        w.types(&next, 1),
        ["WorkflowExecutionStarted", "DecisionTaskScheduled"]
    );
    assert_eq!(w.event(&next, 2)["startToCloseTimeout"], "50");
}

#[test]
fn a_new_run_is_refused_for_its_type_and_its_defaults() {
    let all = [
        (
            "executionStartToCloseTimeout",
            "DEFAULT_EXECUTION_START_TO_CLOSE_TIMEOUT_UNDEFINED",
        ),
        (
            "taskStartToCloseTimeout",
            "DEFAULT_TASK_START_TO_CLOSE_TIMEOUT_UNDEFINED",
        ),
        ("taskList", "DEFAULT_TASK_LIST_UNDEFINED"),
        ("childPolicy", "DEFAULT_CHILD_POLICY_UNDEFINED"),
    ];
    let settings = |missing: &str| {
        let mut settings = json!({
            "executionStartToCloseTimeout": "10",
            "taskStartToCloseTimeout": "10",
            "taskList": { "name": "deciders" },
            "childPolicy": "ABANDON",
        });
        settings.as_object_mut().unwrap().remove(missing);
        settings
    };
    for (missing, cause) in all {
        // The new run of a type without defaults.
        let mut w = World::new();
        let mut more = settings("");
        more["workflowType"] = kind("bare");
        let run = w.try_start("w", more).unwrap();
        w.decide(&[decision(
            "ContinueAsNewWorkflowExecution",
            settings(missing),
        )]);
        assert_eq!(
            failed_with(&w, &run, "ContinueAsNewWorkflowExecutionFailed"),
            cause
        );
        // A child of a type without defaults.
        let mut w = World::new();
        let mut attributes = settings(missing);
        attributes["workflowType"] = kind("bare");
        let run = w.begin(&[child("c", attributes)]);
        assert_eq!(
            failed_with(&w, &run, "StartChildWorkflowExecutionFailed"),
            cause
        );
        assert_eq!(w.event(&run, 5)["initiatedEventId"], 0);
    }
    let mut w = World::new();
    let run = w.begin(&[decision(
        "ContinueAsNewWorkflowExecution",
        json!({ "workflowTypeVersion": "2" }),
    )]);
    assert_eq!(
        failed_with(&w, &run, "ContinueAsNewWorkflowExecutionFailed"),
        "WORKFLOW_TYPE_DOES_NOT_EXIST"
    );
    let mut w = World::new();
    let run = w.start("w");
    let deprecate = json!({ "domain": "d", "workflowType": kind("workflow") });
    w.engine
        .deprecate_workflow_type(&shape(deprecate), w.now)
        .unwrap();
    w.decide(&[decision("ContinueAsNewWorkflowExecution", json!({}))]);
    assert_eq!(
        failed_with(&w, &run, "ContinueAsNewWorkflowExecutionFailed"),
        "WORKFLOW_TYPE_DEPRECATED"
    );
}

#[test]
fn a_child_is_refused_for_its_type_and_the_limits_of_the_domain() {
    for (name, cause) in [
        ("unknown", "WORKFLOW_TYPE_DOES_NOT_EXIST"),
        ("old", "WORKFLOW_TYPE_DEPRECATED"),
    ] {
        let mut w = World::new();
        let run = w.begin(&[child("c", json!({ "workflowType": kind(name) }))]);
        assert_eq!(
            failed_with(&w, &run, "StartChildWorkflowExecutionFailed"),
            cause
        );
    }
    let mut w = World::with_limits(Limits {
        open_executions: 1,
        ..Limits::default()
    });
    let run = w.begin(&[child("c", json!({}))]);
    assert_eq!(
        failed_with(&w, &run, "StartChildWorkflowExecutionFailed"),
        "OPEN_WORKFLOWS_LIMIT_EXCEEDED"
    );
}

#[test]
fn a_lambda_function_id_is_in_use_while_it_is_open() {
    let mut w = World::new();
    let run = w
        .try_start("w", json!({ "lambdaRole": "arn:aws:iam::1:role/r" }))
        .unwrap();
    let lambda = || decision("ScheduleLambdaFunction", json!({ "id": "f", "name": "f" }));
    w.decide(&[lambda(), lambda()]);
    assert_eq!(
        failed_with(&w, &run, "ScheduleLambdaFunctionFailed"),
        "ID_ALREADY_IN_USE"
    );
}

#[test]
fn time_limits_that_must_end_may_not_be_none() {
    let mut w = World::new();
    w.start("w");
    let task = w.poll();
    let decisions = [
        decision(
            "StartTimer",
            json!({ "timerId": "t", "startToFireTimeout": "NONE" }),
        ),
        child("c", json!({ "executionStartToCloseTimeout": "NONE" })),
    ];
    let fault = w
        .try_respond(&task.task_token, &decisions, json!({}))
        .unwrap_err();
    assert!(fault.message.starts_with("2 validation errors"), "{fault}");
}
