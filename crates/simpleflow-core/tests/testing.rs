//! The tools for tests: the builder of histories, and the replay of recorded ones.

// The macros write `simpleflow`, where users have all of it.
extern crate simpleflow_core as simpleflow;

mod common;

use common::*;
use simpleflow_core::testing::{InvalidHistory, RecordedHistory, ReplayFailed, replay};
use simpleflow_model::types::History;

workflow!(One(flow) -> i64 {
    Ok(flow.submit(inc(1)).await?)
});

fn history() -> simpleflow_core::testing::HistoryBuilder {
    started()
        .decision(|d| d.schedule_activity("activity-inc-1", "inc"))
        .activity_completed("activity-inc-1", "2")
        .decision(|d| d.complete("2"))
}

#[test]
fn a_history_is_what_the_service_would_have_recorded() {
    let events = history().build();
    let text: Vec<_> = events
        .iter()
        .map(|event| {
            let value = serde_json::to_value(event).unwrap();
            let members = value
                .as_object()
                .unwrap()
                .values()
                .find_map(|v| v.as_object())
                .unwrap();
            let references: Vec<_> = members
                .iter()
                .filter(|(name, _)| name.ends_with("EventId"))
                .map(|(name, id)| format!(" {}={id}", name.trim_end_matches("EventId")))
                .collect();
            format!(
                "{} {}{}",
                event.event_id,
                event.event_type(),
                references.concat()
            )
        })
        .collect();
    assert_eq!(
        text,
        [
            "1 WorkflowExecutionStarted",
            "2 DecisionTaskScheduled",
            "3 DecisionTaskStarted scheduled=2",
            "4 DecisionTaskCompleted scheduled=2 started=3",
            "5 ActivityTaskScheduled decisionTaskCompleted=4",
            "6 ActivityTaskStarted scheduled=5",
            "7 ActivityTaskCompleted scheduled=5 started=6",
            "8 DecisionTaskScheduled",
            "9 DecisionTaskStarted scheduled=8",
            "10 DecisionTaskCompleted scheduled=8 started=9",
            "11 WorkflowExecutionCompleted decisionTaskCompleted=10",
        ]
    );
    let times: Vec<_> = events.iter().map(|event| event.event_timestamp).collect();
    assert!(times.is_sorted());
    assert_eq!(
        times[0], times[1],
        "a decision task is scheduled with what it is for"
    );
    assert!(
        times[9] == times[10],
        "the decisions of an answer have its time"
    );
}

#[test]
fn what_happens_meanwhile_schedules_one_decision_task_and_refuses_a_close() {
    let history = started()
        .decision_started()
        .signaled("a", "")
        .signaled("b", "")
        .decided(|d| d.complete("1"));
    let types: Vec<_> = history.events()[3..]
        .iter()
        .map(|event| event.event_type())
        .collect();
    assert_eq!(
        types,
        [
            "WorkflowExecutionSignaled",
            "DecisionTaskScheduled",
            "WorkflowExecutionSignaled",
            "DecisionTaskCompleted",
            "CompleteWorkflowExecutionFailed",
        ]
    );
    assert!(history.wants_decision() && !history.is_closed());
}

#[test]
#[should_panic(expected = "activity \"activity-inc-1\" is not open")]
fn what_cannot_be_is_refused() {
    let _ = history_of_nothing().activity_completed("activity-inc-1", "2");
}

fn history_of_nothing() -> simpleflow_core::testing::HistoryBuilder {
    started().decision(|d| d)
}

#[test]
fn a_recorded_history_is_read_as_it_was_answered() {
    let events = history().build();
    let list = serde_json::to_string(&events).unwrap();
    let answer = History {
        events,
        ..History::default()
    };
    let answer = serde_json::to_string_pretty(&answer).unwrap();
    replay::<One>(&list).check().unwrap();
    replay::<One>(answer.as_str()).check().unwrap();
    let failed = replay::<One>(answer.replace("activity-inc-1", "activity-inc-9")).check();
    let message = failed.unwrap_err().to_string();
    assert!(
        message.starts_with("non-deterministic workflow code at event 5:"),
        "{message}"
    );
}

#[test]
fn a_recorded_history_is_read_as_boto3_and_the_aws_cli_write_it() {
    // json.dumps(response, default=str), and the AWS CLI's second version.
    for time in [
        "2026-05-04 03:02:01.250000+02:00",
        "2026-05-04T03:02:01.250000+02:00",
    ] {
        let mut events = serde_json::to_value(history().build()).unwrap();
        for event in events.as_array_mut().unwrap() {
            event["eventTimestamp"] = time.into();
        }
        let answer = serde_json::json!({
            "events": events,
            "ResponseMetadata": {"RequestId": "1", "HTTPStatusCode": 200, "RetryAttempts": 0},
        });
        let recorded = RecordedHistory::parse(&answer.to_string()).unwrap();
        assert_eq!(
            recorded.events[0].event_timestamp.as_micros(),
            1_777_856_521_250_000
        );
        replay::<One>(recorded).check().unwrap();
    }
}

#[test]
fn the_execution_is_recorded_with_its_history_or_not() {
    let mut answer = serde_json::json!({"events": history().build()});
    let bare = RecordedHistory::parse(&answer.to_string()).unwrap();
    assert_eq!(bare.execution, None);
    answer["workflowExecution"] = serde_json::json!({"workflowId": "w", "runId": "r"});
    let whole = RecordedHistory::parse(&answer.to_string()).unwrap();
    assert_eq!(whole.events, bare.events);
    let execution = whole.execution.unwrap();
    assert_eq!((&*execution.workflow_id, &*execution.run_id), ("w", "r"));
    answer["workflowExecution"] = serde_json::json!("w");
    assert!(RecordedHistory::parse(&answer.to_string()).is_err());
}

#[test]
fn what_is_no_history_is_said_so() {
    let says = |text: &str| match replay::<One>(text).check() {
        Err(ReplayFailed::History(error)) => error.to_string(),
        other => panic!("{other:?}"),
    };
    let expected = "; expected what GetWorkflowExecutionHistory answers, or the list of its events";
    assert_eq!(
        says("{}"),
        format!("cannot read the history: missing field `events` at line 1 column 2{expected}")
    );
    assert_eq!(
        says("no"),
        format!("cannot read the history: expected ident at line 1 column 2{expected}")
    );
    assert_eq!(
        says("[\n{\"eventId\": 1}]"),
        format!("cannot read the history: missing field `eventType` at line 2 column 14{expected}")
    );
    let flat = r#"[{"id": 1, "type": "Timer", "state": "sneezed", "timestamp": 1}]"#;
    assert_eq!(
        says(flat),
        "cannot read event 1 of the history, which is in the flat form of workflow.history: Timer \
         sneezed is no event; print it with --output-format events"
    );
    assert_eq!(says("[]"), InvalidHistory::Empty.to_string());
    assert_eq!(
        says(r#"{"events": [], "nextPageToken": "t"}"#),
        InvalidHistory::Page.to_string()
    );
    let mut reversed = history().build();
    reversed.reverse();
    assert_eq!(
        replay::<One>(reversed).check().unwrap_err().to_string(),
        "the history is not complete: expected event 1, found event 11"
    );
}
