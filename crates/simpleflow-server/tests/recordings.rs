//! What the real service did, request by request, over the wire.
//!
//! Each recording is played on a server of its own whose clock the recording sets.

mod common;

use common::connection::Connection;
use common::{disk, memory, post_on};
use serde_json::Value;
use simpleflow_model::{EventId, Fault, FaultKind, RunId, Timestamp};
use simpleflow_recordings::{LambdaNews, Played, Problem, Recording, Swf, View};
use simpleflow_server::testing::ManualClock;
use simpleflow_server::{Config, RunningServer, Server};
use tokio::runtime::Runtime;

/// How a client speaks: what it puts before an operation, and the content type.
struct Dialect {
    prefix: &'static str,
    content_type: &'static str,
}

const JSON_10: Dialect = Dialect {
    prefix: "SimpleWorkflowService",
    content_type: "application/x-amz-json-1.0",
};

/// What the clients of the recorded executions spoke.
const OLDER: Dialect = Dialect {
    prefix: "com.amazonaws.swf.service.model.SimpleWorkflowService",
    content_type: "application/json",
};

/// Where the server keeps what it is told.
#[derive(Clone, Copy, PartialEq)]
enum Kept {
    InMemory,
    OnDisk,
    /// On disk, and each request is for a server that was just started.
    OnDiskAlone,
}

/// A server, and a client of it.
struct OverHttp<'a> {
    runtime: &'a Runtime,
    config: Config,
    clock: ManualClock,
    running: Option<(RunningServer, Connection)>,
    dialect: &'static Dialect,
    restarts: bool,
    requests: usize,
}

impl OverHttp<'_> {
    fn start(&mut self) {
        let server = Server::new(self.config.clone())
            .with_clock(&self.clock)
            .with_lambda_functions();
        let started = self.runtime.block_on(async {
            let server = server.start().await.unwrap();
            let connection = Connection::open(server.addr()).await;
            (server, connection)
        });
        self.running = Some(started);
    }

    fn stop(&mut self) {
        if let Some((server, _)) = self.running.take() {
            self.runtime.block_on(server.stop()).unwrap();
        }
    }
}

impl Swf for OverHttp<'_> {
    fn call(&mut self, operation: &str, request: Value) -> Result<Value, Fault> {
        if self.running.is_none() || self.restarts {
            self.stop();
            self.start();
        }
        self.requests += 1;
        let Dialect {
            prefix,
            content_type,
        } = self.dialect;
        let target = format!("{prefix}.{operation}");
        let headers = format!("Content-Type: {content_type}\r\n");
        let request = post_on(&target, &headers, &request.to_string());
        let (_, connection) = self.running.as_mut().unwrap();
        let answer = self.runtime.block_on(async {
            connection.send(request).await.unwrap();
            connection.answer().await.expect("an answer")
        });
        assert_eq!(answer.header("content-type"), Some(*content_type));
        match answer.status {
            200 if answer.body.is_empty() => Ok(Value::Null),
            200 => Ok(answer.json()),
            _ => Err(fault(&answer.json())),
        }
    }

    fn set_time(&mut self, now: Timestamp) {
        self.clock.set(now);
    }

    fn lambda_news(
        &mut self,
        _run_id: &RunId,
        _scheduled: EventId,
        news: LambdaNews,
    ) -> Result<(), Fault> {
        panic!("no request tells the service of {news:?}")
    }
}

fn fault(error: &Value) -> Fault {
    let kind = error["__type"].as_str().unwrap();
    let (_, name) = kind.split_once('#').unwrap();
    let kind = FaultKind::ALL.iter().find(|kind| kind.as_str() == name);
    let kind = kind.unwrap_or_else(|| panic!("{error} is no fault of the service"));
    Fault::new(*kind, error["message"].as_str().unwrap_or_default())
}

/// Plays a recording, and counts the requests.
fn play(
    runtime: &Runtime,
    recording: &Recording,
    dialect: &'static Dialect,
    kept: Kept,
) -> Result<(Played, usize), Problem> {
    let dir = tempfile::tempdir().unwrap();
    let mut service = OverHttp {
        runtime,
        config: match kept {
            Kept::InMemory => memory(),
            Kept::OnDisk | Kept::OnDiskAlone => disk(dir.path()),
        },
        clock: ManualClock::new(Timestamp::default()),
        running: None,
        dialect,
        restarts: kept == Kept::OnDiskAlone,
        requests: 0,
    };
    let played = recording.play(&mut service)?;
    let requests = service.requests;
    service.stop();
    if kept != Kept::InMemory {
        // Another server knows the same.
        for view in &played.views {
            assert_eq!(
                View::of(&mut service, &view.domain, &view.execution)?,
                *view
            );
        }
        service.stop();
    }
    Ok((played, requests))
}

/// Plays the recordings, and fails with all that went wrong. Gives the names of those in which a
/// recorded request was at no moment answered as recorded.
fn play_all<'a>(
    recordings: impl IntoIterator<Item = &'a Recording>,
    dialect: &'static Dialect,
    kept: Kept,
) -> Vec<&'a str> {
    let runtime = Runtime::new().unwrap();
    let (mut number, mut events, mut exchanges, mut requests) = (0, 0, 0, 0);
    let mut missed = Vec::new();
    let mut problems = Vec::new();
    for recording in recordings {
        let name = recording.name();
        match play(&runtime, recording, dialect, kept) {
            Ok((played, sent)) => {
                number += 1;
                events += played.events;
                exchanges += played.exchanges;
                requests += sent;
                missed.extend(played.missed.iter().map(|_| name));
            }
            Err(problem) => problems.push(format!("{name}: {problem}")),
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n\n"));
    println!(
        "{number} recordings with {requests} requests: \
         {events} events and {exchanges} answers reproduced"
    );
    missed
}

/// In these AWS Lambda runs functions. No request tells the service what comes of one, so they are
/// played until the first runs.
const RUN_BY_LAMBDA: [&str; 3] = [
    "schedule-lambda-function-with-result-of-failed",
    "wait-for-all-lambda-function-with-all-completed-lambda-functions",
    "wait-for-lambda-function-with-one-failed-lambda-function",
];

fn scenarios_are_reproduced(kept: Kept) {
    let Some(scenarios) = simpleflow_recordings::scenarios().unwrap() else {
        return;
    };
    let (cut, whole): (Vec<_>, Vec<_>) = scenarios
        .into_iter()
        .partition(Recording::runs_lambda_functions);
    let names: Vec<_> = cut.iter().map(Recording::name).collect();
    assert_eq!(names, RUN_BY_LAMBDA);
    assert_eq!(play_all(&whole, &JSON_10, kept), [""; 0]);
    let cut: Vec<_> = cut.into_iter().map(Recording::until_lambda_runs).collect();
    assert_eq!(play_all(&cut, &JSON_10, kept), [""; 0]);
}

fn executions_are_reproduced(kept: Kept) {
    if let Some(executions) = simpleflow_recordings::executions().unwrap() {
        // A timer of no time was open when the service was asked, which fired 12 ms later.
        assert_eq!(play_all(&executions, &OLDER, kept), ["timer_and_cancel"]);
    }
}

#[test]
fn scenarios_are_reproduced_in_memory() {
    scenarios_are_reproduced(Kept::InMemory);
}

#[test]
fn scenarios_are_reproduced_on_disk() {
    scenarios_are_reproduced(Kept::OnDisk);
}

#[test]
fn scenarios_are_reproduced_by_a_server_for_each_request() {
    scenarios_are_reproduced(Kept::OnDiskAlone);
}

#[test]
fn executions_are_reproduced_in_memory() {
    executions_are_reproduced(Kept::InMemory);
}

#[test]
fn executions_are_reproduced_on_disk() {
    executions_are_reproduced(Kept::OnDisk);
}

#[test]
fn executions_are_reproduced_by_a_server_for_each_request() {
    executions_are_reproduced(Kept::OnDiskAlone);
}
