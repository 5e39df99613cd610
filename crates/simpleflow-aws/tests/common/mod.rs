//! What the tests share: clients, and a server that says what it is told to.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_swf::Client;
use aws_sdk_swf::config::retry::RetryConfig;
use aws_sdk_swf::config::{BehaviorVersion, Builder, Credentials, Region};
use simpleflow_aws::AwsSwf;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

pub const ACCESS_KEY_ID: &str = "AKIDEXAMPLE";
pub const SECRET_ACCESS_KEY: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/// The settings of a client that tries three times, without waiting between.
pub fn config(addr: SocketAddr) -> Builder {
    let retries = RetryConfig::standard().with_initial_backoff(Duration::from_millis(1));
    let credentials = key(ACCESS_KEY_ID, SECRET_ACCESS_KEY);
    aws_sdk_swf::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(format!("http://{addr}"))
        .credentials_provider(credentials)
        .retry_config(retries)
}

/// The ways to a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Through the SDK.
    Sdk,
    /// Through the SDK's settings alone, to a server on this machine.
    Plain,
}

impl Way {
    pub const BOTH: [Self; 2] = [Self::Sdk, Self::Plain];

    /// The service of a client, on this way.
    pub fn of(self, client: Client, addr: SocketAddr, key: Option<Credentials>) -> AwsSwf {
        let service = AwsSwf::new(client);
        match self {
            Self::Sdk => service,
            Self::Plain => service.plainly(&format!("http://{addr}"), key),
        }
    }

    /// The service of [`client`], which signs.
    pub fn to(self, addr: SocketAddr) -> AwsSwf {
        self.of(
            client(addr),
            addr,
            Some(key(ACCESS_KEY_ID, SECRET_ACCESS_KEY)),
        )
    }
}

pub fn key(id: &str, secret: &str) -> Credentials {
    Credentials::new(id, secret, None, None, "test")
}

pub fn client(addr: SocketAddr) -> Client {
    Client::from_conf(config(addr).build())
}

/// What is answered to a request.
#[derive(Clone, Debug)]
pub enum Answer {
    /// A status and a body.
    Http(u16, String),
    /// The text as it stands.
    Raw(&'static str),
    /// A body that ends before its end.
    Cut,
    /// Nothing, ever.
    Silence,
}

impl Answer {
    pub fn error(status: u16, name: &str) -> Self {
        let body = format!(r#"{{"__type":"com.amazon.coral.service#{name}","message":"why"}}"#);
        Self::Http(status, body)
    }

    pub fn ok(body: &str) -> Self {
        Self::Http(200, body.into())
    }
}

/// A server that gives each request the next of its answers, and the last for ever.
pub struct Scripted {
    pub addr: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Scripted {
    pub async fn start(answers: impl IntoIterator<Item = Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        let mut answers: VecDeque<_> = answers.into_iter().collect();
        tokio::spawn(async move {
            // Connections that are kept open.
            let mut silent = Vec::new();
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let request = read(&mut stream).await;
                seen.lock().unwrap().push(request);
                let answer = match answers.len() {
                    1 => answers[0].clone(),
                    _ => answers.pop_front().expect("an answer"),
                };
                let text = match answer {
                    Answer::Http(status, body) => format!(
                        "HTTP/1.1 {status} x\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                        body.len()
                    ),
                    Answer::Raw(text) => text.to_owned(),
                    Answer::Cut => "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"run".into(),
                    Answer::Silence => {
                        silent.push(stream);
                        continue;
                    }
                };
                stream.write_all(text.as_bytes()).await.unwrap();
            }
        });
        Self { addr, requests }
    }

    /// The requests so far, as they came over the wire.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

/// Reads a request, with the body that its head announces.
async fn read(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    loop {
        let mut part = [0; 4096];
        let read = stream.read(&mut part).await.unwrap();
        text.extend_from_slice(&part[..read]);
        let request = String::from_utf8(text.clone()).unwrap();
        if let Some((head, body)) = request.split_once("\r\n\r\n")
            && body.len() == header(head, "content-length").map_or(0, |it| it.parse().unwrap())
        {
            return request;
        }
        assert_ne!(read, 0, "the request is not whole: {request}");
    }
}

/// The value of a header.
pub fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let headers = head.lines().filter_map(|line| line.split_once(": "));
    let mut headers = headers.filter(|(it, _)| it.eq_ignore_ascii_case(name));
    let (_, value) = headers.next()?;
    assert!(headers.next().is_none(), "{name} is there twice");
    Some(value)
}
