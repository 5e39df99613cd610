//! `server.start`: the server as a process.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;

use serde_json::Value;

use crate::common::{command, run, simpleflow};
use crate::running::{PATIENCE, Running};

/// A server that runs, and where.
pub struct Server {
    process: Running,
    /// Where it listens.
    pub address: String,
}

impl Server {
    /// Starts one on a free port.
    pub fn start(args: &[&str]) -> Self {
        Self::start_at("127.0.0.1:0", args)
    }

    /// Starts one at an address.
    pub fn start_at(address: &str, args: &[&str]) -> Self {
        let args = [&["server.start", "--listen", address], args].concat();
        let process = Running::start(&mut command(&args));
        let line = process.prints("\n");
        let address = line
            .trim_end()
            .strip_prefix("export AWS_ENDPOINT_URL_SWF=http://")
            .unwrap_or_else(|| panic!("{line:?} is the line to use"))
            .to_owned();
        Self { process, address }
    }

    /// One HTTP request: the status line and the body.
    fn http(&self, request: &str) -> (String, String) {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        // Longer than a poll, of which an answer may take 60 seconds.
        stream
            .set_read_timeout(Some(PATIENCE))
            .expect("a limit is taken");
        stream.write_all(request.as_bytes()).expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        let (head, body) = answer
            .split_once("\r\n\r\n")
            .expect("an answer has a head and a body");
        let status = head.lines().next().unwrap_or_default().to_owned();
        (status, body.to_owned())
    }

    fn get(&self, path: &str) -> (String, String) {
        self.http(&format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        ))
    }

    /// Calls an operation: the status line and the body.
    pub fn call(&self, operation: &str, body: &str) -> (String, String) {
        self.http(&format!(
            "POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             X-Amz-Target: SimpleWorkflowService.{operation}\r\n\
             Content-Type: application/x-amz-json-1.0\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ))
    }

    /// An operation that is carried out: its output.
    pub fn ask(&self, operation: &str, request: Value) -> Value {
        let (status, body) = self.call(operation, &request.to_string());
        assert!(status.contains(" 200 "), "{operation}: {status} {body}");
        match body.as_str() {
            "" => Value::Null,
            body => serde_json::from_str(body).expect("an answer is JSON"),
        }
    }

    /// Kills it at once, and waits until it is gone.
    pub fn kill(self) {
        self.process.signal("-KILL");
        self.process.done();
    }

    fn signal(&mut self, signal: &str) -> i32 {
        self.process.signal(signal);
        self.process.ends()
    }
}

const DOMAIN: &str = r#"{"name":"d","workflowExecutionRetentionPeriodInDays":"1"}"#;

fn path(directory: &Path) -> &str {
    directory.to_str().expect("the path is UTF-8")
}

#[test]
fn it_serves_swf_health_and_metrics_and_stops_when_told() {
    for signal in ["-TERM", "-INT"] {
        let mut server = Server::start(&["--in-memory"]);
        assert_eq!(server.get("/healthz").0, "HTTP/1.1 200 OK");
        let (status, body) = server.call("RegisterDomain", DOMAIN);
        assert_eq!((&*status, &*body), ("HTTP/1.1 200 OK", ""));
        let (status, body) = server.call("RegisterDomain", DOMAIN);
        assert_eq!(status, "HTTP/1.1 400 Bad Request");
        assert!(body.contains("DomainAlreadyExistsFault"), "{body}");
        let (_, metrics) = server.get("/metrics");
        assert!(metrics.contains("RegisterDomain"), "{metrics}");
        assert_eq!(server.signal(signal), 0);
    }
}

#[test]
fn what_was_answered_outlives_a_kill() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let mut server = Server::start(&["--data-dir", path(&data)]);
    assert_eq!(server.call("RegisterDomain", DOMAIN).0, "HTTP/1.1 200 OK");
    server.signal("-KILL");
    let server = Server::start(&["--data-dir", path(&data)]);
    let (_, domains) = server.call("ListDomains", r#"{"registrationStatus":"REGISTERED"}"#);
    assert!(domains.contains("\"name\":\"d\""), "{domains}");
}

#[test]
fn a_second_server_on_the_same_data_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let _first = Server::start(&["--data-dir", path(directory.path())]);
    let args = [
        "server.start",
        "--listen",
        "127.0.0.1:0",
        "--data-dir",
        path(directory.path()),
    ];
    let second = simpleflow(&args);
    assert_eq!((second.code, &*second.stdout), (1, ""));
    assert!(
        second.stderr.contains(path(directory.path())),
        "{}",
        second.stderr
    );
}

#[test]
fn to_be_open_to_everybody_is_refused() {
    let open = simpleflow(&["server.start", "--listen", "0.0.0.0:0", "--in-memory"]);
    assert_eq!((open.code, &*open.stdout), (2, ""));
    assert!(
        open.stderr.contains("give a credentials file"),
        "{}",
        open.stderr
    );
}

#[test]
fn bad_settings_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let keys = directory.path().join("keys");
    let with_keys = ["server.start", "--in-memory", "--credentials", path(&keys)];
    let missing = simpleflow(&with_keys);
    assert_eq!(missing.code, 1);
    assert!(
        missing.stderr.contains("cannot read the credentials from"),
        "{}",
        missing.stderr
    );
    std::fs::write(&keys, "only-one-word\n").unwrap();
    let bad = simpleflow(&with_keys);
    assert_eq!(bad.code, 2);
    assert!(bad.stderr.contains(path(&keys)), "{}", bad.stderr);
    let address = simpleflow(&["server.start", "--listen", "here"]);
    assert_eq!(address.code, 2);
    assert!(address.stderr.contains("here"), "{}", address.stderr);
    let mut from_environment = command(&["server.start", "--in-memory"]);
    from_environment.env("SIMPLEFLOW_LISTEN", "0.0.0.0:0");
    assert_eq!(run(from_environment, "").code, 2);
}

#[test]
fn unsigned_requests_are_refused_where_keys_are_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let keys = directory.path().join("keys");
    std::fs::write(&keys, "AKIDEXAMPLE secret\n").unwrap();
    let server = Server::start(&["--in-memory", "--credentials", path(&keys)]);
    let (status, body) = server.call("RegisterDomain", DOMAIN);
    assert!(status.starts_with("HTTP/1.1 4"), "{status}");
    assert!(body.contains("MissingAuthenticationToken"), "{body}");
}
