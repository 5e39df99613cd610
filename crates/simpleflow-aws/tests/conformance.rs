//! The service over the wire keeps to the trait, with the server in the box.

mod common;

use std::pin::pin;

use common::{ACCESS_KEY_ID, SECRET_ACCESS_KEY, Way, client, config, key};
use simpleflow_model::operation::{
    DescribeDomain, GetWorkflowExecutionHistory, TerminateWorkflowExecution,
};
use simpleflow_server::{Config, Credentials, RunningServer, Server, Storage};
use simpleflow_service::conformance::Suite;
use simpleflow_service::{ServiceError, SwfService as _};

async fn server(credentials: Option<Credentials>) -> RunningServer {
    let config = Config {
        listen: "127.0.0.1:0".parse().unwrap(),
        storage: Storage::Memory,
        credentials,
    };
    Server::new(config).start().await.unwrap()
}

fn keys() -> Option<Credentials> {
    let keys = format!("{ACCESS_KEY_ID} {SECRET_ACCESS_KEY}");
    Some(Credentials::parse(&keys).unwrap())
}

#[tokio::test]
async fn the_server_in_the_box() {
    let server = server(None).await;
    for (way, domain) in [(Way::Sdk, "conformance"), (Way::Plain, "plain")] {
        let service = way.of(client(server.addr()), server.addr(), None);
        assert!(!service.takes_tasks_back(), "nobody has answered yet");
        let suite = Suite::prepare(service.clone(), domain.into()).await;
        suite.all().await;
        assert!(service.takes_tasks_back());
    }
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_close_is_told_when_it_happens() {
    let server = server(None).await;
    let service = Way::Plain.to(server.addr());
    let suite = Suite::prepare(service.clone(), "closes".into()).await;
    let execution = suite.started("told").await;
    let history = GetWorkflowExecutionHistory {
        domain: "closes".into(),
        execution: execution.clone(),
        ..Default::default()
    };
    let mut told = pin!(service.get_workflow_execution_history_when_closed(history));
    // It waits: the server has answered others meanwhile.
    let other = DescribeDomain {
        name: "closes".into(),
        ..Default::default()
    };
    tokio::select! {
        biased;
        told = &mut told => panic!("{told:?}"),
        other = service.describe_domain(other) => drop(other.unwrap()),
    }
    let terminate = TerminateWorkflowExecution {
        domain: "closes".into(),
        workflow_id: execution.workflow_id,
        ..Default::default()
    };
    service
        .terminate_workflow_execution(terminate)
        .await
        .unwrap();
    let last = told.await.unwrap().events.pop().unwrap().attributes;
    assert_eq!(last.event_type(), "WorkflowExecutionTerminated");
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_server_that_stops_lets_go_of_who_waits_for_a_close() {
    let server = server(None).await;
    let service = Way::Plain.to(server.addr());
    let suite = Suite::prepare(service.clone(), "closes".into()).await;
    let history = GetWorkflowExecutionHistory {
        domain: "closes".into(),
        execution: suite.started("open").await,
        ..Default::default()
    };
    let told = service.get_workflow_execution_history_when_closed(history);
    let (told, stopped) = tokio::join!(told, server.stop());
    stopped.unwrap();
    // Either it was told that it is open, or it came too late.
    if let Ok(told) = told {
        assert_eq!(told.events.len(), 2);
    }
}

#[tokio::test]
async fn a_server_that_checks_signatures() {
    let server = server(keys()).await;
    for (way, domain) in [(Way::Sdk, "conformance"), (Way::Plain, "plain")] {
        let suite = Suite::prepare(way.to(server.addr()), domain.into()).await;
        suite.all().await;
    }
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_wrong_key_is_no_access() {
    let server = server(keys()).await;
    for (id, secret) in [(ACCESS_KEY_ID, "wrong"), ("wrong", SECRET_ACCESS_KEY)] {
        let key = key(id, secret);
        let config = config(server.addr()).credentials_provider(key.clone());
        let client = aws_sdk_swf::Client::from_conf(config.build());
        for way in Way::BOTH {
            let service = way.of(client.clone(), server.addr(), Some(key.clone()));
            let request = DescribeDomain {
                name: "conformance".into(),
                ..Default::default()
            };
            let denied = service.describe_domain(request).await;
            assert!(matches!(denied, Err(ServiceError::Denied(_))), "{denied:?}");
        }
    }
    server.stop().await.unwrap();
}
