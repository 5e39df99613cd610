//! The service over the wire keeps to the trait, with the server in the box.

mod common;

use common::{ACCESS_KEY_ID, SECRET_ACCESS_KEY, client, config};
use simpleflow_aws::AwsSwf;
use simpleflow_model::operation::DescribeDomain;
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
    let service = AwsSwf::new(client(server.addr()));
    assert!(!service.takes_tasks_back(), "nobody has answered yet");
    let suite = Suite::prepare(service.clone(), "conformance".into()).await;
    suite.all().await;
    assert!(service.takes_tasks_back());
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_server_that_checks_signatures() {
    let server = server(keys()).await;
    let service = AwsSwf::new(client(server.addr()));
    let suite = Suite::prepare(service, "conformance".into()).await;
    suite.all().await;
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_wrong_key_is_no_access() {
    let server = server(keys()).await;
    for (id, secret) in [(ACCESS_KEY_ID, "wrong"), ("wrong", SECRET_ACCESS_KEY)] {
        let key = aws_sdk_swf::config::Credentials::new(id, secret, None, None, "test");
        let config = config(server.addr()).credentials_provider(key).build();
        let service = AwsSwf::new(aws_sdk_swf::Client::from_conf(config));
        let request = DescribeDomain {
            name: "conformance".into(),
            ..Default::default()
        };
        let denied = service.describe_domain(request).await;
        assert!(matches!(denied, Err(ServiceError::Denied(_))), "{denied:?}");
    }
    server.stop().await.unwrap();
}
