//! The wire protocol, byte by byte.

mod common;

use std::net::SocketAddr;

use common::connection::Connection;
use common::*;

const SIGNAL: &str = r#"{"domain":"d","workflowId":"w","signalName":"s"}"#;

#[tokio::test]
async fn answers_are_as_the_services() {
    let server = start(memory()).await;
    let addr = server.addr();
    let body = r#"{"name":"d","workflowExecutionRetentionPeriodInDays":"1","description":null}"#;
    let answer = call(addr, "RegisterDomain", body).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, ""));
    assert_eq!(answer.header("content-length"), Some("0"));
    assert_eq!(
        answer.header("content-type"),
        Some("application/x-amz-json-1.0")
    );
    assert!(
        answer
            .header("x-amzn-requestid")
            .is_some_and(|id| id.len() == 36)
    );

    // The older dialect.
    let target = "com.amazonaws.swf.service.model.SimpleWorkflowService.DescribeDomain";
    let headers = "Content-Type: application/json; charset=UTF-8\r\nContent-Encoding: amz-1.0\r\n";
    let answer = raw(addr, post(target, headers, r#"{"name":"d"}"#)).await;
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let expected = serde_json::json!({
        "configuration": { "workflowExecutionRetentionPeriodInDays": "1" },
        "domainInfo": {
            "arn": "arn:aws:swf:us-east-1:123456789012:/domain/d",
            "name": "d",
            "status": "REGISTERED",
        },
    });
    assert_eq!(answer.json(), expected);
    server.stop().await.unwrap();
}

#[tokio::test]
async fn what_is_wrong_is_told_as_the_service_does() {
    let server = start(memory()).await;
    let addr = server.addr();
    let cases = [
        (
            "Fly",
            "{}",
            400,
            r#"{"__type":"com.amazon.coral.service#UnknownOperationException"}"#,
        ),
        (
            "DescribeDomain",
            "{}",
            400,
            r#"{"__type":"com.amazon.coral.validate#ValidationException","message":"1 validation error detected: Value null at 'name' failed to satisfy constraint: Member must not be null"}"#,
        ),
        (
            "RespondDecisionTaskCompleted",
            r#"{"taskToken":"t","decisions":[{"decisionType":"FlyToTheMoon"}]}"#,
            400,
            "Value 'FlyToTheMoon' at 'decisions.1.member.decisionType' failed to satisfy constraint: Member must satisfy enum value set: [ScheduleActivityTask, ",
        ),
        (
            "RegisterDomain",
            r#"{"name":"","workflowExecutionRetentionPeriodInDays":"91"}"#,
            400,
            "2 validation errors detected: Value '' at 'name'",
        ),
        (
            "DescribeDomain",
            "{",
            400,
            "com.amazon.coral.service#SerializationException",
        ),
        (
            "DescribeDomain",
            r#"{"name":"x"}"#,
            400,
            r#"{"__type":"com.amazonaws.swf.base.model#UnknownResourceFault","message":"Unknown domain: x"}"#,
        ),
    ];
    for (operation, body, status, expected) in cases {
        let answer = call(addr, operation, body).await;
        assert_eq!(answer.status, status, "{answer:?}");
        assert!(
            answer.body.contains(expected),
            "{answer:?} is not {expected}"
        );
        assert!(answer.header("x-amzn-requestid").is_some());
    }
    let answer = raw(
        addr,
        "POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
    )
    .await;
    assert!(
        answer.body.contains("UnknownOperationException"),
        "{answer:?}"
    );
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_body_of_more_than_a_megabyte_is_refused() {
    let server = start(memory()).await;
    let body = format!(r#"{{"name":"{}"}}"#, "x".repeat(1_000_000));
    let answer = call(server.addr(), "DescribeDomain", &body).await;
    assert_eq!(answer.status, 413);
    assert!(answer.body.contains("RequestEntityTooLargeException"));
    server.stop().await.unwrap();
}

#[tokio::test]
async fn health_and_metrics_are_told() {
    let server = start(memory()).await;
    let addr = server.addr();
    let get = async |path: &str| {
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        raw(addr, request).await
    };
    let health = get("/healthz").await;
    assert_eq!((health.status, health.body.as_str()), (200, "ok\n"));
    let swf = client(addr);
    register(&swf, 60).await;
    start_workflow(&swf, "w").await;
    call(addr, "DescribeDomain", "{}").await;
    let metrics = get("/metrics").await.body;
    for line in [
        r#"simpleflow_requests_total{operation="StartWorkflowExecution"} 1"#,
        r#"simpleflow_errors_total{error="ValidationException",operation="DescribeDomain"} 1"#,
        r#"simpleflow_request_seconds_count{operation="RegisterDomain"} 1"#,
        r#"simpleflow_backlog_tasks{domain="d",kind="decision",region="us-east-1",task_list="deciders"} 1"#,
        r#"simpleflow_backlog_age_seconds{domain="d",kind="decision",region="us-east-1",task_list="deciders"} 0"#,
        "simpleflow_open_executions 1",
        "simpleflow_commit_seconds_count 0",
    ] {
        assert!(
            metrics.lines().any(|l| l == line),
            "no {line} in\n{metrics}"
        );
    }
    assert_eq!(get("/elsewhere").await.status, 404);
    server.stop().await.unwrap();
}

const THEN_POLL: &str = "x-simpleflow-then-poll: true\r\n";

/// The answer to a decision task, with a poll after it.
fn decided_then_poll(task: &serde_json::Value, poll: &serde_json::Value) -> String {
    let body = serde_json::json!({ "taskToken": task["taskToken"], "thenPoll": poll });
    let target = "SimpleWorkflowService.RespondDecisionTaskCompleted";
    post_on(target, THEN_POLL, &body.to_string())
}

fn decider_poll() -> serde_json::Value {
    serde_json::json!({ "domain": "d", "taskList": { "name": "deciders" } })
}

/// A decision task, and a connection for its answer.
async fn with_a_task(addr: SocketAddr) -> (serde_json::Value, Connection) {
    let swf = client(addr);
    register(&swf, 60).await;
    start_workflow(&swf, "w").await;
    let task = call(addr, "PollForDecisionTask", &decider_poll().to_string()).await;
    (task.json(), Connection::open(addr).await)
}

#[tokio::test]
async fn an_answer_is_taken_before_its_poll_brings_a_task() {
    let dir = tempfile::tempdir().unwrap();
    let server = start(disk(dir.path())).await;
    let addr = server.addr();
    let (task, mut decider) = with_a_task(addr).await;
    let signal = || call(addr, "SignalWorkflowExecution", SIGNAL);
    let mut answer = decided_then_poll(&task, &decider_poll());
    for _ in 0..2 {
        decider.send(&answer).await.unwrap();
        let head = decider.head().await;
        assert_eq!(head.status, 200);
        assert_eq!(head.header("x-simpleflow-then-poll"), Some("true"));
        waiting_polls(addr, 1).await;
        assert!(!decider.has_something().await);
        signal().await;
        let task: serde_json::Value = serde_json::from_str(&decider.chunks().await).unwrap();
        // The connection goes on.
        answer = decided_then_poll(&task, &decider_poll());
    }
    // Both requests are counted.
    let request = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let metrics = raw(addr, request).await.body;
    for count in [
        r#"simpleflow_requests_total{operation="RespondDecisionTaskCompleted"} 2"#,
        r#"simpleflow_requests_total{operation="PollForDecisionTask"} 3"#,
    ] {
        assert!(metrics.lines().any(|line| line == count), "{metrics}");
    }
    // When there is a task already it comes with the word.
    signal().await;
    decider.send(&answer).await.unwrap();
    let task = decider.answer().await.unwrap();
    assert_eq!(task.header("x-simpleflow-then-poll"), Some("true"));
    assert!(task.body.contains("taskToken"), "{task:?}");
    server.stop().await.unwrap();
}

#[tokio::test]
async fn an_answer_that_is_not_taken_polls_for_nothing() {
    let server = start(memory()).await;
    let addr = server.addr();
    let (task, mut decider) = with_a_task(addr).await;

    let odd = serde_json::json!({ "domain": "d", "taskList": 1 });
    decider.send(decided_then_poll(&task, &odd)).await.unwrap();
    let answer = decider.answer().await.unwrap();
    assert!(answer.body.contains("SerializationException"), "{answer:?}");

    // Who does not say so in the header gets the answer that it knows.
    let body = serde_json::json!({ "taskToken": task["taskToken"], "thenPoll": decider_poll() });
    let answer = call(addr, "RespondDecisionTaskCompleted", &body.to_string()).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, ""));
    assert_eq!(answer.header("x-simpleflow-then-poll"), None);

    let late = decided_then_poll(&task, &decider_poll());
    decider.send(late).await.unwrap();
    let answer = decider.answer().await.unwrap();
    assert!(answer.body.contains("UnknownResourceFault"), "{answer:?}");
    waiting_polls(addr, 0).await;
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_poll_that_is_refused_after_an_answer_says_nothing() {
    let server = start(memory()).await;
    let (task, mut decider) = with_a_task(server.addr()).await;
    let nowhere = serde_json::json!({ "domain": "nowhere", "taskList": { "name": "deciders" } });
    decider
        .send(decided_then_poll(&task, &nowhere))
        .await
        .unwrap();
    let answer = decider.answer().await.unwrap();
    assert_eq!((answer.status, answer.body.as_str()), (200, ""));
    assert_eq!(answer.header("x-simpleflow-then-poll"), Some("true"));
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_poll_after_an_answer_ends_with_its_client_and_with_the_server() {
    let server = start(memory()).await;
    let addr = server.addr();
    let swf = client(addr);
    register(&swf, 60).await;
    let poll = decider_poll().to_string();
    let waiting = async |id: &str| {
        start_workflow(&swf, id).await;
        let task = call(addr, "PollForDecisionTask", &poll).await.json();
        let mut decider = Connection::open(addr).await;
        let answer = decided_then_poll(&task, &decider_poll());
        decider.send(answer).await.unwrap();
        decider.head().await;
        waiting_polls(addr, 1).await;
        decider
    };
    drop(waiting("w").await);
    waiting_polls(addr, 0).await;
    let mut decider = waiting("v").await;
    let (body, stopped) = tokio::join!(decider.chunks(), server.stop());
    stopped.unwrap();
    assert!(!body.contains("taskToken"), "{body}");
}
