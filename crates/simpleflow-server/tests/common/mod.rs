//! What the tests share: a server on a free port, clients of it, and a domain with types.

#![allow(dead_code, reason = "each test uses a part of it")]

pub mod child;
pub mod connection;

use std::net::SocketAddr;
use std::path::Path;

use aws_sdk_swf::Client;
use aws_sdk_swf::config::retry::RetryConfig;
use aws_sdk_swf::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_swf::types::{
    ActivityType, ChildPolicy, Decision, DecisionType, ScheduleActivityTaskDecisionAttributes,
    TaskList, WorkflowType,
};
use serde_json::Value;
use simpleflow_server::{Config, RunningServer, Server, Storage};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

pub fn memory() -> Config {
    Config {
        listen: "127.0.0.1:0".parse().unwrap(),
        storage: Storage::Memory,
        credentials: None,
    }
}

pub fn disk(dir: &Path) -> Config {
    Config {
        storage: Storage::Disk {
            dir: dir.to_owned(),
            relaxed: false,
        },
        ..memory()
    }
}

pub async fn start(config: Config) -> RunningServer {
    Server::new(config).start().await.unwrap()
}

pub const ACCESS_KEY_ID: &str = "AKIDEXAMPLE";
pub const SECRET_ACCESS_KEY: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

pub fn client(addr: SocketAddr) -> Client {
    client_with(addr, "us-east-1", SECRET_ACCESS_KEY)
}

pub fn client_with(addr: SocketAddr, region: &str, secret: &str) -> Client {
    let credentials = Credentials::from_keys(ACCESS_KEY_ID, secret, None);
    let config = aws_sdk_swf::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .endpoint_url(format!("http://{addr}"))
        .credentials_provider(credentials)
        .retry_config(RetryConfig::disabled())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    Client::from_conf(config)
}

/// Waits until so many polls wait.
pub async fn waiting_polls(addr: SocketAddr, number: usize) {
    let request = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let line = format!("simpleflow_waiting_polls {number}");
    loop {
        let metrics = raw(addr, request).await;
        assert_eq!(metrics.status, 200);
        if metrics.body.lines().any(|l| l == line) {
            return;
        }
    }
}

pub fn list(name: &str) -> TaskList {
    TaskList::builder().name(name).build().unwrap()
}

pub fn workflow_type() -> WorkflowType {
    let builder = WorkflowType::builder().name("workflow").version("1");
    builder.build().unwrap()
}

pub fn activity_type() -> ActivityType {
    let builder = ActivityType::builder().name("activity").version("1");
    builder.build().unwrap()
}

/// Registers the domain `d` and a type of each kind whose tasks time out after so many seconds.
pub async fn register(client: &Client, seconds: u32) {
    let days = "1";
    let domain = client.register_domain().name("d");
    let domain = domain.workflow_execution_retention_period_in_days(days);
    domain.send().await.unwrap();
    client
        .register_workflow_type()
        .domain("d")
        .name("workflow")
        .version("1")
        .default_task_list(list("deciders"))
        .default_task_start_to_close_timeout(seconds.to_string())
        .default_execution_start_to_close_timeout("1000")
        .default_child_policy(ChildPolicy::Terminate)
        .send()
        .await
        .unwrap();
    client
        .register_activity_type()
        .domain("d")
        .name("activity")
        .version("1")
        .default_task_list(list("workers"))
        .default_task_schedule_to_start_timeout("NONE")
        .default_task_schedule_to_close_timeout("NONE")
        .default_task_start_to_close_timeout(seconds.to_string())
        .default_task_heartbeat_timeout("NONE")
        .send()
        .await
        .unwrap();
}

pub async fn start_workflow(client: &Client, id: &str) -> String {
    let started = client
        .start_workflow_execution()
        .domain("d")
        .workflow_id(id)
        .workflow_type(workflow_type())
        .send()
        .await
        .unwrap();
    started.run_id.unwrap()
}

pub fn schedule(id: &str) -> Decision {
    let attributes = ScheduleActivityTaskDecisionAttributes::builder()
        .activity_id(id)
        .activity_type(activity_type())
        .input(format!("input of {id}"))
        .build()
        .unwrap();
    Decision::builder()
        .decision_type(DecisionType::ScheduleActivityTask)
        .schedule_activity_task_decision_attributes(attributes)
        .build()
        .unwrap()
}

pub fn complete() -> Decision {
    Decision::builder()
        .decision_type(DecisionType::CompleteWorkflowExecution)
        .build()
        .unwrap()
}

/// An answer as it came over the wire.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// With names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    /// An answer whose body is not read yet.
    fn of_head(head: &str) -> Self {
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap();
        Self {
            status: status.parse().unwrap(),
            headers: lines
                .filter_map(|line| line.split_once(": "))
                .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
                .collect(),
            body: String::new(),
        }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers
            .find(|(n, _)| n == name)
            .map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// Sends a request as it is written, and reads until the server closes the connection.
pub async fn raw(addr: SocketAddr, request: impl AsRef<[u8]>) -> Answer {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    stream.write_all(request.as_ref()).await.unwrap();
    let mut text = Vec::new();
    stream.read_to_end(&mut text).await.unwrap();
    let text = String::from_utf8(text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    Answer {
        body: body.to_owned(),
        ..Answer::of_head(head)
    }
}

/// A request on a connection that goes on.
pub fn post_on(target: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: {target}\r\n\
         Content-Length: {length}\r\n{headers}\r\n{body}"
    )
}

pub fn post(target: &str, headers: &str, body: &str) -> String {
    post_on(target, &format!("Connection: close\r\n{headers}"), body)
}

/// Calls an operation as the SDKs do.
pub async fn call(addr: SocketAddr, operation: &str, body: &str) -> Answer {
    let target = format!("SimpleWorkflowService.{operation}");
    raw(
        addr,
        post(
            &target,
            "Content-Type: application/x-amz-json-1.0\r\n",
            body,
        ),
    )
    .await
}
