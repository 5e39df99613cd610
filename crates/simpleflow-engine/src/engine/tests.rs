//! Time, limits, retention and restoring.

use std::time::Duration;

use serde_json::json;
use simpleflow_model::{FaultKind, TaskToken};

use super::*;
use crate::Limits;
use crate::testing::*;

#[test]
fn an_execution_has_an_end() {
    let mut w = World::new();
    let run = w.begin(&[activity("a", json!({}))]);
    w.pass(999);
    assert!(w.engine.execution(&run).unwrap().is_open());
    w.pass(1);
    assert_eq!(w.types(&run, 6), ["WorkflowExecutionTimedOut"]);
    let expected = json!({ "timeoutType": "START_TO_CLOSE", "childPolicy": "TERMINATE" });
    assert_eq!(w.event(&run, 6), expected);
    assert_eq!(w.work(), None);
    // Nobody may want more than a year.
    let more = json!({ "executionStartToCloseTimeout": "99999999" });
    let run = w.try_start("w", more).unwrap();
    w.pass(31_536_000);
    assert_eq!(w.last(&run, "WorkflowExecutionTimedOut"), expected);
}

#[test]
fn a_full_history_ends_its_execution() {
    let limits = Limits {
        history_events: 6,
        ..Limits::default()
    };
    let mut w = World::with_limits(limits);
    let run = w.begin(&[timer("a", 1), timer("b", 1), timer("c", 1), complete()]);
    assert_eq!(
        w.types(&run, 5),
        [
            "TimerStarted",
            "TimerStarted",
            "WorkflowExecutionTerminated"
        ]
    );
    assert_eq!(w.event(&run, 7)["cause"], "EVENT_LIMIT_EXCEEDED");
    // A close still fits.
    let run = w.begin(&[timer("a", 1), timer("b", 1), complete()]);
    assert!(w.types(&run, 5).ends_with(&["WorkflowExecutionCompleted"]));
    // A start of a task may be one too many: then the next task is handed out.
    w.begin(&[activity("a", json!({})), activity("b", json!({}))]);
    assert_eq!(w.work(), None);
    w.begin(&[activity("a", json!({}))]);
    assert!(w.work().is_some());
}

#[test]
fn a_closed_execution_is_forgotten_when_its_retention_is_over() {
    let mut w = World::new();
    let run = w.begin(&[complete()]);
    let day = 86_400;
    w.pass(day - 1);
    assert!(w.engine.execution(&run).is_some());
    w.pass(1);
    assert!(w.engine.execution(&run).is_none());
    let removed = w.engine.take_removed();
    assert_eq!(removed[0].execution.run_id, run);
    let request = json!({ "domain": "d", "startTimeFilter": { "oldestDate": 0 } });
    let closed = w
        .engine
        .list_closed_workflow_executions(&shape(request), w.now)
        .unwrap();
    assert_eq!(closed.execution_infos, []);
    let request = json!({ "domain": "d", "execution": { "workflowId": "w", "runId": run } });
    let fault = w
        .engine
        .describe_workflow_execution(&shape(request), w.now)
        .unwrap_err();
    assert_eq!(fault.kind, FaultKind::UnknownResource);
    assert_eq!(w.engine.next_deadline(), None);
}

#[test]
fn what_was_appended_is_told_once() {
    let mut w = World::new();
    let run = w.start("w");
    let told = |w: &mut World| -> Vec<(i64, i64)> {
        let appended = w.engine.take_appended().into_iter();
        appended.map(|a| (a.first.0, a.last.0)).collect()
    };
    assert_eq!(told(&mut w), [(1, 2)]);
    assert_eq!(told(&mut w), []);
    w.decide(&[child("c", json!({}))]);
    assert_eq!(told(&mut w), [(3, 7), (1, 2)]);
    w.signal("w").unwrap();
    let appended = w.engine.take_appended();
    assert_eq!(appended[0].run_id, run);
    assert_eq!(appended[0].first, appended[0].last);
}

#[test]
fn time_does_not_go_back_and_is_of_milliseconds() {
    let mut w = World::new();
    w.engine.advance(Timestamp::from_micros(2_000_000_999));
    w.engine.advance(Timestamp::from_micros(0));
    let run = w.start("w");
    let history = w.engine.execution(&run).unwrap().history();
    assert_eq!(
        history[0].event_timestamp,
        Timestamp::from_millis(2_000_000)
    );
}

#[test]
fn what_is_due_happens_before_a_command() {
    let mut w = World::new();
    let run = w.begin(&[activity("a", json!({ "startToCloseTimeout": "5" }))]);
    let token = w.work().unwrap().task_token;
    w.now = w.now + Duration::from_secs(5);
    assert!(w.work_done(&token).is_err());
    assert_eq!(w.types(&run, 7)[0], "ActivityTaskTimedOut");
}

#[test]
fn an_engine_goes_on_from_the_histories_of_another() {
    let mut w = World::new();
    let run = w.begin(&[
        activity("a", json!({ "taskPriority": "1" })),
        activity(
            "b",
            json!({ "taskPriority": "2", "startToCloseTimeout": "10" }),
        ),
        timer("t", 30),
        child("c", json!({})),
    ]);
    w.start("other");
    let token = w.work().unwrap().task_token;
    let mut again = World::new();
    let mut executions: Vec<_> = w.engine.executions().collect();
    executions.sort_by_key(|execution| execution.history()[0].event_timestamp);
    for execution in executions {
        let history = execution.history().to_vec();
        let key = w.engine.runs[&execution.id.run_id];
        again
            .engine
            .restore(key, &execution.domain, execution.id.clone(), history)
            .unwrap();
    }
    assert_eq!(again.engine.next_deadline(), w.engine.next_deadline());
    assert_eq!(again.engine.take_ready(), w.engine.take_ready());
    // Tokens hold, and the same things happen on both.
    let ends = [&mut w, &mut again].map(|w| {
        w.work_done(&token).unwrap();
        assert_eq!(w.work().unwrap().activity_id.as_str(), "a");
        assert!(w.try_start("other", json!({})).is_err());
        w.pass(30);
        let mut workers: Vec<_> = (0..3)
            .map(|_| w.poll().workflow_execution.workflow_id.to_string())
            .collect();
        workers.sort();
        assert_eq!(workers, ["c", "other", "w"]);
        w.engine.execution(&run).unwrap().history().to_vec()
    });
    assert_eq!(ends[0], ends[1]);
}

/// The answers to all that can be asked of, or done to, one run that is closed.
fn answers(w: &mut World, run: &RunId, decision: &TaskToken, activity: &TaskToken) -> Vec<String> {
    let World { engine, now } = w;
    let now = *now;
    let task = json!({ "taskToken": activity });
    let one = json!({ "domain": "d", "workflowId": "w", "runId": run });
    let signal = json!({ "domain": "d", "workflowId": "w", "runId": run, "signalName": "s" });
    let faults = [
        engine
            .respond_decision_task_completed(&shape(json!({ "taskToken": decision })), now)
            .unwrap_err(),
        engine
            .respond_activity_task_completed(&shape(task.clone()), now)
            .unwrap_err(),
        engine
            .respond_activity_task_canceled(&shape(task.clone()), now)
            .unwrap_err(),
        engine
            .respond_activity_task_failed(&shape(task.clone()), now)
            .unwrap_err(),
        engine
            .record_activity_task_heartbeat(&shape(task.clone()), now)
            .unwrap_err(),
        engine
            .signal_workflow_execution(&shape(signal), now)
            .unwrap_err(),
        engine
            .request_cancel_workflow_execution(&shape(one.clone()), now)
            .unwrap_err(),
        engine
            .terminate_workflow_execution(&shape(one), now)
            .unwrap_err(),
    ];
    faults.iter().map(|fault| format!("{fault:?}")).collect()
}

#[test]
fn an_archived_execution_is_gone_and_answers_as_a_closed_one() {
    let mut w = World::new();
    let run = w.begin(&[activity("a", json!({})), child("c", json!({}))]);
    let activity = w.work().unwrap().task_token;
    // The child's decision task comes first.
    let decision = loop {
        let task = w.poll_with(json!({})).unwrap();
        if task.workflow_execution.run_id == run {
            break task.task_token;
        }
    };
    let key = w.engine.runs[run.as_str()];
    w.engine.take_appended();
    w.engine.archive(key);
    assert!(w.engine.execution(&run).is_some(), "it is open");
    assert_eq!(w.engine.take_closed(), []);
    assert_eq!(w.engine.execution(&run).unwrap().closed_detail(), None);

    w.terminate("w", json!({})).unwrap();
    let closed = w.engine.take_closed();
    assert_eq!(closed.len(), 2, "with its child");
    assert_eq!(closed[0], key);
    assert_eq!(w.engine.take_closed(), []);
    let detail = w.engine.execution(&run).unwrap().closed_detail().unwrap();
    let execution = detail.execution_info.execution.clone();
    w.engine.archive(key);
    assert!(
        w.engine.execution(&run).is_some(),
        "its events are not told"
    );
    let before = answers(&mut w, &run, &decision, &activity);
    assert!(!w.engine.lacks(&"d".into(), &execution));

    w.engine.take_appended();
    for key in closed {
        w.engine.archive(key);
    }
    assert_eq!(w.engine.executions().count(), 0);
    assert_eq!(w.engine.next_deadline(), None);
    assert!(w.engine.lacks(&"d".into(), &execution));
    assert!(!w.engine.lacks(&"nowhere".into(), &execution));
    assert_eq!(answers(&mut w, &run, &decision, &activity), before);
    let request = json!({ "domain": "d", "startTimeFilter": { "oldestDate": 0 } });
    let listed = w
        .engine
        .list_closed_workflow_executions(&shape(request), w.now)
        .unwrap();
    assert_eq!(listed.execution_infos, []);
    w.pass(10 * 86_400);
    assert_eq!(w.engine.take_removed(), []);
}

#[test]
fn an_execution_that_is_restored_as_closed_is_told() {
    let mut w = World::new();
    let run = w.start("w");
    w.terminate("w", json!({})).unwrap();
    let closed = w.engine.take_closed();
    let execution = w.engine.execution(&run).unwrap();
    let (id, history) = (execution.id().clone(), execution.history().to_vec());
    let mut again = Engine::new(w.engine.settings().clone());
    for registration in w.engine.take_registrations() {
        again.restore_registration(registration).unwrap();
    }
    again.restore(closed[0], &"d".into(), id, history).unwrap();
    assert_eq!(again.take_closed(), closed);
    again.archive(closed[0]);
    assert!(again.execution(&run).is_none());
    again.restore_run_count(7);
    let next = World {
        engine: again,
        now: w.now,
    }
    .start("w");
    assert_ne!(next, run);
    // One that is forgotten is not told any more.
    w.start("v");
    w.terminate("v", json!({})).unwrap();
    w.pass(86_400);
    assert_eq!(w.engine.take_closed(), []);
    assert_eq!(w.engine.take_removed().len(), 2);
}
