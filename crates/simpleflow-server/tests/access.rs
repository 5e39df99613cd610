//! Who may call.

mod common;

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};

use aws_sdk_swf::error::ProvideErrorMetadata as _;
use aws_sdk_swf::types::RegistrationStatus;
use common::*;
use simpleflow_server::{Config, Credentials, Server, StartError};

fn credentials() -> Credentials {
    let text = format!("# For tests.\n\n{ACCESS_KEY_ID} {SECRET_ACCESS_KEY}\n");
    Credentials::parse(&text).unwrap()
}

fn guarded() -> Config {
    Config {
        credentials: Some(credentials()),
        ..memory()
    }
}

#[tokio::test]
async fn a_signature_is_verified() {
    let server = start(guarded()).await;
    let list = async |secret: &str| {
        let swf = client_with(server.addr(), "eu-west-1", secret);
        let domains = swf.list_domains();
        let domains = domains.registration_status(RegistrationStatus::Registered);
        domains.send().await
    };
    assert!(list(SECRET_ACCESS_KEY).await.is_ok());
    let wrong = list("another").await.unwrap_err().into_service_error();
    assert_eq!(wrong.code(), Some("InvalidSignatureException"));
    let message = wrong.message().unwrap();
    assert!(message.starts_with("The request signature we calculated does not match"));
    register(&client(server.addr()), 60).await;
    server.stop().await.unwrap();
}

#[tokio::test]
async fn what_is_not_signed_is_refused() {
    let server = start(guarded()).await;
    let refused = async |headers: &str| {
        let target = "SimpleWorkflowService.ListDomains";
        let body = r#"{"registrationStatus":"REGISTERED"}"#;
        let answer = raw(server.addr(), post(target, headers, body)).await;
        assert_eq!(answer.status, 400);
        answer.json()
    };
    let answer = refused("").await;
    assert_eq!(
        answer["__type"],
        "com.amazon.coral.service#MissingAuthenticationTokenException"
    );
    let authorization = |id: &str, date: &str| {
        format!(
            "X-Amz-Date: {date}T000000Z\r\nAuthorization: AWS4-HMAC-SHA256 \
             Credential={id}/{date}/us-east-1/swf/aws4_request, \
             SignedHeaders=host;x-amz-date;x-amz-target, Signature=00\r\n"
        )
    };
    let answer = refused(&authorization("nobody", "20200101")).await;
    assert_eq!(
        answer["__type"],
        "com.amazon.coral.service#UnrecognizedClientException"
    );
    let answer = refused(&authorization(ACCESS_KEY_ID, "20200101")).await;
    assert_eq!(
        answer["__type"],
        "com.amazon.coral.service#InvalidSignatureException"
    );
    let message = answer["message"].as_str().unwrap();
    assert!(message.starts_with("Signature expired: 20200101T000000Z is now earlier than 20"));
    let answer = refused("Authorization: Basic x\r\n").await;
    assert_eq!(
        answer["__type"],
        "com.amazon.coral.service#IncompleteSignatureException"
    );
    server.stop().await.unwrap();
}

#[tokio::test]
async fn each_protocol_has_its_names_for_why_a_request_is_refused() {
    let server = start(guarded()).await;
    let code = async |headers: &str| {
        let request = format!(
            "GET /objects HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n"
        );
        let body = raw(server.addr(), request).await.body;
        let code = body.split("<Code>").nth(1).unwrap();
        code.split('<').next().unwrap().to_owned()
    };
    let signed = |id: &str, date: &str, service: &str| {
        format!(
            "X-Amz-Date: {date}T000000Z\r\nx-amz-content-sha256: UNSIGNED-PAYLOAD\r\n\
             Authorization: AWS4-HMAC-SHA256 Credential={id}/{date}/us-east-1/{service}/aws4_request, \
             SignedHeaders=host;x-amz-date;x-amz-content-sha256, Signature=00\r\n"
        )
    };
    for (headers, expected) in [
        (String::new(), "AccessDenied"),
        (signed("nobody", "20200101", "s3"), "InvalidAccessKeyId"),
        (
            signed(ACCESS_KEY_ID, "20200101", "s3"),
            "RequestTimeTooSkewed",
        ),
        (
            signed(ACCESS_KEY_ID, "20200101", "swf"),
            "AuthorizationHeaderMalformed",
        ),
        (
            "Authorization: Basic x\r\n".to_owned(),
            "AuthorizationHeaderMalformed",
        ),
    ] {
        assert_eq!(code(&headers).await, expected);
    }
    server.stop().await.unwrap();
}

#[tokio::test]
async fn without_credentials_only_this_machine_may_call() {
    let open = Config {
        listen: "0.0.0.0:0".parse().unwrap(),
        ..memory()
    };
    let refusal = Server::new(open).start().await.unwrap_err();
    assert!(matches!(refusal, StartError::Open(_)), "{refusal}");
    let guarded = Config {
        listen: "0.0.0.0:0".parse().unwrap(),
        ..guarded()
    };
    start(guarded).await.stop().await.unwrap();
}

#[tokio::test]
async fn metrics_are_for_this_machine_and_for_who_signs() {
    let server = start(Config {
        listen: "0.0.0.0:0".parse().unwrap(),
        ..guarded()
    })
    .await;
    let get = async |ip, path: &str| {
        let request = format!("GET {path} HTTP/1.1\r\nHost: swf\r\nConnection: close\r\n\r\n");
        raw(SocketAddr::new(ip, server.addr().port()), request).await
    };
    let metrics = get(Ipv4Addr::LOCALHOST.into(), "/metrics").await;
    assert_eq!(metrics.status, 200);
    assert!(metrics.body.contains("simpleflow_open_executions 0"));
    // A machine without a network is reached in no other way.
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    if socket.connect("192.0.2.1:9").is_ok() {
        let own = socket.local_addr().unwrap().ip();
        let refused = get(own, "/metrics").await;
        assert_eq!(refused.status, 403);
        let reason = "(SigV4, service swf): Request is missing Authentication Token\n";
        assert!(refused.body.ends_with(reason), "{}", refused.body);
        assert_eq!(get(own, "/healthz").await.body, "ok\n");
    }
    server.stop().await.unwrap();
}

#[test]
fn a_credentials_file_is_checked() {
    for (text, problem) in [
        ("", "there are no credentials in it"),
        ("# none\n", "there are no credentials in it"),
        (
            "a b\nc\n",
            "line 2 is not an access key id and a secret access key",
        ),
        ("a b c", "line 1 is not"),
    ] {
        let error = Credentials::parse(text).unwrap_err().to_string();
        assert!(error.starts_with(problem), "{text:?}: {error}");
    }
    assert_eq!(format!("{:?}", credentials()), r#"{"AKIDEXAMPLE"}"#);
}

#[tokio::test]
async fn a_name_that_is_not_this_machines_is_served_to_signed_requests_only() {
    let ask = async |addr, line: &str, host: &str| {
        let request = format!(
            "{line} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        );
        raw(addr, request).await
    };
    let server = start(memory()).await;
    for line in ["POST /", "GET /healthz", "GET /objects", "PUT /objects/a"] {
        let answer = ask(server.addr(), line, "evil.example:8042").await;
        assert_eq!(answer.status, 421, "{line}");
        assert!(answer.body.contains("is not evil.example:8042"));
        let own = ask(server.addr(), line, "localhost:8042").await;
        assert_ne!(own.status, 421, "{line}");
    }
    server.stop().await.unwrap();
    let server = start(guarded()).await;
    let answer = ask(server.addr(), "GET /healthz", "swf.example.com").await;
    assert_eq!(answer.status, 200);
    server.stop().await.unwrap();
}
