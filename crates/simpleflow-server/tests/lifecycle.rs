//! An SWF client against the server.

mod common;

use aws_sdk_swf::error::ProvideErrorMetadata as _;
use aws_sdk_swf::types::{EventType, ExecutionTimeFilter, RegistrationStatus};
use common::*;
use simpleflow_model::Timestamp;
use simpleflow_server::testing::ManualClock;
use simpleflow_server::{Config, Server, Storage};

fn since_ever() -> ExecutionTimeFilter {
    let epoch = aws_sdk_swf::primitives::DateTime::from_secs(0);
    ExecutionTimeFilter::builder()
        .oldest_date(epoch)
        .build()
        .unwrap()
}

async fn lifecycle(config: Config) {
    let server = start(config).await;
    let swf = client(server.addr());
    register(&swf, 60).await;
    let run_id = start_workflow(&swf, "w").await;

    let decide = async |decision| {
        let poll = swf.poll_for_decision_task().domain("d");
        let task = poll.task_list(list("deciders")).identity("decider");
        let task = task.send().await.unwrap();
        assert_eq!(task.workflow_execution().unwrap().run_id(), run_id);
        let answer = swf
            .respond_decision_task_completed()
            .task_token(task.task_token());
        answer.decisions(decision).send().await.unwrap();
        task
    };
    let first = decide(schedule("a")).await;
    assert_eq!((first.started_event_id(), first.events().len()), (3, 3));

    let poll = swf.poll_for_activity_task().domain("d");
    let task = poll.task_list(list("workers")).send().await.unwrap();
    assert_eq!(task.activity_id(), "a");
    assert_eq!(task.input(), Some("input of a"));
    let beat = swf
        .record_activity_task_heartbeat()
        .task_token(&task.task_token);
    assert!(
        !beat
            .details("half")
            .send()
            .await
            .unwrap()
            .cancel_requested()
    );
    let answer = swf
        .respond_activity_task_completed()
        .task_token(&task.task_token);
    answer.result("done").send().await.unwrap();

    let second = decide(complete()).await;
    assert_eq!(second.previous_started_event_id(), 3);

    let execution = first.workflow_execution().unwrap();
    let history = swf.get_workflow_execution_history().domain("d");
    let history = history.execution(execution.clone()).maximum_page_size(5);
    let mut pages = history.into_paginator().items().send();
    let mut events = Vec::new();
    while let Some(event) = pages.next().await {
        events.push(event.unwrap());
    }
    let ids: Vec<_> = events.iter().map(|event| event.event_id()).collect();
    assert_eq!(ids, (1..=11).collect::<Vec<_>>());
    let last = events.last().unwrap().event_type();
    assert_eq!(last, &EventType::WorkflowExecutionCompleted);

    let closed = swf.list_closed_workflow_executions().domain("d");
    let closed = closed.close_time_filter(since_ever()).send().await.unwrap();
    assert_eq!(closed.execution_infos().len(), 1);
    let open = swf.count_open_workflow_executions().domain("d");
    let open = open.start_time_filter(since_ever()).send().await.unwrap();
    assert_eq!(open.count(), 0);
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_workflow_runs_in_memory() {
    lifecycle(memory()).await;
}

#[tokio::test]
async fn a_workflow_runs_on_disk() {
    let dir = tempfile::tempdir().unwrap();
    lifecycle(disk(dir.path())).await;
}

#[tokio::test]
async fn a_workflow_runs_without_syncs() {
    let dir = tempfile::tempdir().unwrap();
    let storage = Storage::Disk {
        dir: dir.path().to_owned(),
        relaxed: true,
    };
    lifecycle(Config {
        storage,
        ..memory()
    })
    .await;
}

#[tokio::test]
async fn all_goes_on_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let server = start(disk(dir.path())).await;
    let swf = client(server.addr());
    register(&swf, 60).await;
    let other = client_with(server.addr(), "eu-west-1", SECRET_ACCESS_KEY);
    let domain = other.register_domain().name("other");
    let domain = domain.workflow_execution_retention_period_in_days("NONE");
    domain.send().await.unwrap();
    let run_id = start_workflow(&swf, "w").await;
    let poll = swf.poll_for_decision_task().domain("d");
    let decision_task = poll.task_list(list("deciders")).send().await.unwrap();
    let old = swf.deprecate_activity_type().domain("d");
    old.activity_type(activity_type()).send().await.unwrap();
    let again = swf.undeprecate_activity_type().domain("d");
    again.activity_type(activity_type()).send().await.unwrap();
    server.stop().await.unwrap();

    let server = start(disk(dir.path())).await;
    let swf = client(server.addr());
    // The token holds.
    let answer = swf.respond_decision_task_completed();
    let answer = answer
        .task_token(decision_task.task_token())
        .decisions(schedule("a"));
    answer.send().await.unwrap();
    server.stop().await.unwrap();

    let server = start(disk(dir.path())).await;
    let swf = client(server.addr());
    let poll = swf.poll_for_activity_task().domain("d");
    let task = poll.task_list(list("workers")).send().await.unwrap();
    assert_eq!(task.input(), Some("input of a"));
    assert_eq!(task.workflow_execution().unwrap().run_id(), run_id);
    let answer = swf
        .respond_activity_task_completed()
        .task_token(&task.task_token);
    answer.send().await.unwrap();
    let poll = swf.poll_for_decision_task().domain("d");
    let task = poll.task_list(list("deciders")).send().await.unwrap();
    let ids: Vec<_> = task.events().iter().map(|event| event.event_id()).collect();
    assert_eq!(ids, (1..=9).collect::<Vec<_>>());
    let other = client_with(server.addr(), "eu-west-1", SECRET_ACCESS_KEY);
    let domains = other.list_domains();
    let domains = domains.registration_status(RegistrationStatus::Registered);
    let domains = domains.send().await.unwrap();
    assert_eq!(domains.domain_infos().len(), 1);
    assert_eq!(
        domains.domain_infos()[0].arn(),
        Some("arn:aws:swf:eu-west-1:123456789012:/domain/other")
    );
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_waiting_poll_gets_its_task_and_a_poll_that_left_does_not() {
    let server = start(memory()).await;
    let swf = client(server.addr());
    register(&swf, 60).await;
    let poll = |identity: &str| {
        let poll = swf.poll_for_decision_task().domain("d");
        poll.task_list(list("deciders")).identity(identity).send()
    };
    let gone = tokio::spawn(poll("gone"));
    waiting_polls(server.addr(), 1).await;
    // Its connection closes.
    gone.abort();
    waiting_polls(server.addr(), 0).await;
    let waiting = tokio::spawn(poll("waiting"));
    waiting_polls(server.addr(), 1).await;
    let run_id = start_workflow(&swf, "w").await;
    let task = waiting.await.unwrap().unwrap();
    assert_eq!(task.workflow_execution().unwrap().run_id(), run_id);
    assert_eq!(task.events().len(), 3);
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_stop_answers_the_polls_that_wait() {
    let server = start(memory()).await;
    let swf = client(server.addr());
    register(&swf, 60).await;
    let poll = swf.poll_for_activity_task().domain("d");
    let waiting = tokio::spawn(poll.task_list(list("workers")).send());
    waiting_polls(server.addr(), 1).await;
    server.stop().await.unwrap();
    assert_eq!(waiting.await.unwrap().unwrap().task_token(), "");
}

#[tokio::test]
async fn faults_are_typed() {
    let server = start(memory()).await;
    let swf = client(server.addr());
    let unknown = swf.describe_domain().name("x").send().await.unwrap_err();
    let unknown = unknown.into_service_error();
    assert!(unknown.is_unknown_resource_fault());
    assert_eq!(unknown.message(), Some("Unknown domain: x"));
    register(&swf, 60).await;
    let again = swf.register_domain().name("d");
    let again = again.workflow_execution_retention_period_in_days("1");
    let again = again.send().await.unwrap_err().into_service_error();
    assert!(again.is_domain_already_exists_fault());
    let start = swf
        .start_workflow_execution()
        .domain("d")
        .workflow_id("a:b");
    let start = start.workflow_type(workflow_type()).send().await;
    let start = start.unwrap_err().into_service_error();
    assert_eq!(start.code(), Some("ValidationException"));
    // Domains are per region.
    let other = client_with(server.addr(), "eu-west-1", SECRET_ACCESS_KEY);
    let elsewhere = other.describe_domain().name("d").send().await.unwrap_err();
    assert!(elsewhere.into_service_error().is_unknown_resource_fault());
    server.stop().await.unwrap();
}

#[tokio::test]
async fn what_a_heartbeat_said_survives_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let second = |second: i64| Timestamp::from_micros(second * 1_000_000);
    let clock = ManualClock::new(second(1_000));
    let start = async || {
        let server = Server::new(disk(dir.path())).with_clock(&clock);
        server.start().await.unwrap()
    };
    let server = start().await;
    let swf = client(server.addr());
    register(&swf, 60).await;
    start_workflow(&swf, "w").await;
    let poll = swf.poll_for_decision_task().domain("d");
    let task = poll.task_list(list("deciders")).send().await.unwrap();
    let answer = swf
        .respond_decision_task_completed()
        .task_token(task.task_token());
    answer.decisions(schedule("a")).send().await.unwrap();
    let execution = task.workflow_execution().unwrap().clone();
    let poll = swf.poll_for_activity_task().domain("d");
    let task = poll.task_list(list("workers")).send().await.unwrap();
    let beat = swf.record_activity_task_heartbeat();
    let beat = beat.task_token(&task.task_token).details("half");
    beat.send().await.unwrap();
    server.stop().await.unwrap();

    let server = start().await;
    clock.set(second(1_061));
    let swf = client(server.addr());
    let history = swf.get_workflow_execution_history().domain("d");
    let history = history.execution(execution).send().await.unwrap();
    let mut events = history.events().iter();
    let timed_out = events
        .find_map(|event| event.activity_task_timed_out_event_attributes())
        .unwrap();
    assert_eq!(timed_out.details(), Some("half"));
    server.stop().await.unwrap();
}
