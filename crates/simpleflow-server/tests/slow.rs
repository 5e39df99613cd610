//! Clients that are slow, or mean harm: the server answers the others meanwhile, and lets them go.

mod common;

use std::net::SocketAddr;
use std::time::Duration;

use common::connection::Connection;
use common::*;
use simpleflow_server::testing::Limits;
use simpleflow_server::{RunningServer, Server};
use tokio::task::JoinSet;

/// Long enough for a good client on a busy machine, and short enough to be waited for.
const SHORT: Duration = Duration::from_secs(1);

async fn start_with(limits: Limits) -> RunningServer {
    let server = Server::new(memory()).with_limits(limits);
    server.start().await.unwrap()
}

fn request(operation: &str, body: &str) -> String {
    post_on(&format!("SimpleWorkflowService.{operation}"), "", body)
}

/// A request that is answered at once.
fn short_request() -> String {
    request("ListDomains", r#"{"registrationStatus":"REGISTERED"}"#)
}

const HEAD: &str =
    "POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: SimpleWorkflowService.ListDomains\r\n";

/// A client that has done nothing wrong.
struct Good {
    addr: SocketAddr,
    connection: Connection,
}

impl Good {
    async fn new(addr: SocketAddr) -> Self {
        let connection = Connection::open(addr).await;
        Self { addr, connection }
    }

    async fn is_answered(&mut self) {
        // On a busy machine it may itself have been idle for too long.
        if self.ask().await.is_none() {
            self.connection = Connection::open(self.addr).await;
            self.ask().await.expect("an answer");
        }
    }

    async fn ask(&mut self) -> Option<()> {
        self.connection.send(short_request()).await.ok()?;
        let answer = self.connection.answer().await?;
        assert_eq!(answer.status, 200);
        Some(())
    }
}

/// Waits until the server has let a client go, which goes on with `more` all the time, and is a
/// good client meanwhile. Gives what the other was answered, if it was.
async fn let_go(addr: SocketAddr, mut bad: Connection, more: &'static [u8]) -> Option<Answer> {
    let mut good = Good::new(addr).await;
    let mut answer = None;
    loop {
        good.is_answered().await;
        let goes_on = answer.is_none() && bad.send(more).await.is_ok();
        if goes_on && !bad.has_something().await {
            continue;
        }
        match bad.answer().await {
            None => return answer,
            some => answer = some,
        }
    }
}

/// Waits until so many connections are open.
async fn open_connections(addr: SocketAddr, number: usize) {
    // One more asks.
    let line = format!("simpleflow_connections {}", number + 1);
    let request = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let mut connection = Connection::open(addr).await;
    loop {
        connection.send(request).await.unwrap();
        let metrics = connection.answer().await.unwrap().body;
        if metrics.lines().any(|l| l == line) {
            return;
        }
    }
}

/// Lets several clients do what they do, each on a connection of its own.
async fn all_are_let_go<const N: usize>(
    addr: SocketAddr,
    clients: [(String, &'static [u8]); N],
) -> Vec<Option<Answer>> {
    let mut going = JoinSet::new();
    for (begin, more) in clients {
        let mut bad = Connection::open(addr).await;
        bad.send(begin).await.unwrap();
        going.spawn(let_go(addr, bad, more));
    }
    going.join_all().await
}

#[tokio::test]
async fn headers_that_never_end() {
    let limits = Limits {
        headers: SHORT,
        ..Limits::default()
    };
    let server = start_with(limits).await;
    let clients = [
        (String::new(), &b""[..]),
        ("P".to_owned(), b""),
        (HEAD.to_owned(), b""),
        // This one is always about to say something.
        (format!("{HEAD}X-Long: "), b"x"),
        // This one was good, and is idle.
        (short_request(), b""),
    ];
    let answers = all_are_let_go(server.addr(), clients).await;
    let answers: Vec<_> = answers.into_iter().flatten().collect();
    assert_eq!(answers.len(), 1, "{answers:?}");
    open_connections(server.addr(), 0).await;
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_body_that_never_ends() {
    let limits = Limits {
        body: SHORT,
        ..Limits::default()
    };
    let server = start_with(limits).await;
    let sized = format!("{HEAD}Content-Length: 1000000\r\n\r\n{{");
    let chunked = format!("{HEAD}Transfer-Encoding: chunked\r\n\r\n");
    let clients = [
        (sized.clone(), &b""[..]),
        (sized, b" "),
        (chunked.clone(), b""),
        (chunked, b"1\r\n \r\n"),
    ];
    for answer in all_are_let_go(server.addr(), clients).await {
        let answer = answer.expect("an answer");
        assert_eq!(answer.status, 408);
        assert!(
            answer.body.contains("RequestTimeoutException"),
            "{answer:?}"
        );
    }
    open_connections(server.addr(), 0).await;
    server.stop().await.unwrap();
}

fn is_too_large(answer: &Answer) {
    assert_eq!(answer.status, 413);
    let error = "com.amazon.coral.service#RequestEntityTooLargeException";
    assert_eq!(answer.json()["__type"], error);
}

#[tokio::test]
async fn a_body_that_is_too_large() {
    let server = start_with(Limits::default()).await;
    let addr = server.addr();
    let large = " ".repeat(1_000_001);
    // It is refused as soon as it is too large, whatever was still to come.
    let clients = [
        (
            format!("{HEAD}Content-Length: 2000000\r\n\r\n{large}"),
            &b""[..],
        ),
        (
            format!("{HEAD}Transfer-Encoding: chunked\r\n\r\nf4241\r\n{large}\r\n"),
            b"",
        ),
    ];
    for answer in all_are_let_go(addr, clients).await {
        is_too_large(&answer.expect("an answer"));
    }
    open_connections(addr, 0).await;
    // Who sent all of it may go on.
    let mut whole = Connection::open(addr).await;
    let request = format!("{HEAD}Content-Length: 1000001\r\n\r\n{large}");
    whole.send(request).await.unwrap();
    is_too_large(&whole.answer().await.unwrap());
    whole.send(short_request()).await.unwrap();
    assert_eq!(whole.answer().await.unwrap().status, 200);
    server.stop().await.unwrap();
}

#[tokio::test]
async fn more_connections_than_there_may_be() {
    let limits = Limits {
        connections: 2,
        ..Limits::default()
    };
    let server = start_with(limits).await;
    let addr = server.addr();
    let mut first = Good::new(addr).await;
    first.is_answered().await;
    let mut second = Good::new(addr).await;
    second.is_answered().await;
    let mut waiting = Connection::open(addr).await;
    waiting.send(short_request()).await.unwrap();
    // Those who are there are served as before.
    first.is_answered().await;
    second.is_answered().await;
    assert!(!waiting.has_something().await);
    drop(second);
    assert_eq!(waiting.answer().await.unwrap().status, 200);
    // A server whose places are all taken can be stopped.
    let mut hopeless = Connection::open(addr).await;
    hopeless.send(short_request()).await.unwrap();
    server.stop().await.unwrap();
    assert!(hopeless.answer().await.is_none());
}

#[tokio::test]
async fn places_that_nobody_uses_are_given_to_others() {
    let limits = Limits {
        connections: 2,
        headers: SHORT,
        ..Limits::default()
    };
    let server = start_with(limits).await;
    let addr = server.addr();
    let _idle = [Connection::open(addr).await, Connection::open(addr).await];
    Good::new(addr).await.is_answered().await;
    server.stop().await.unwrap();
}

/// Starts an execution with so many signals that its history takes a megabyte.
async fn long_history(addr: SocketAddr) -> String {
    let swf = client(addr);
    register(&swf, 60).await;
    let run_id = start_workflow(&swf, "w").await;
    for _ in 0..30 {
        let signal = swf.signal_workflow_execution().domain("d").workflow_id("w");
        let signal = signal.signal_name("s").input("x".repeat(32_000));
        signal.send().await.unwrap();
    }
    let execution = format!(r#"{{"workflowId":"w","runId":"{run_id}"}}"#);
    let body = format!(r#"{{"domain":"d","execution":{execution}}}"#);
    request("GetWorkflowExecutionHistory", &body)
}

// Elsewhere it is only the limit of connections that such a client meets.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_client_that_takes_nothing_of_its_answers() {
    let limits = Limits {
        silence: SHORT,
        ..Limits::default()
    };
    let server = start_with(limits).await;
    let addr = server.addr();
    let long = long_history(addr).await;
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    // What it takes without being asked.
    socket.set_recv_buffer_size(4_096).unwrap();
    let mut bad = Connection::over(socket.connect(addr).await.unwrap());
    // More than the system keeps for it.
    bad.send(long.repeat(20)).await.unwrap();
    let mut good = Good::new(addr).await;
    good.is_answered().await;
    drop(good);
    open_connections(addr, 0).await;
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_stop_does_not_wait_for_who_takes_nothing() {
    let limits = Limits {
        grace: SHORT,
        ..Limits::default()
    };
    let server = start_with(limits).await;
    let addr = server.addr();
    let long = long_history(addr).await;
    let mut bad = Connection::open(addr).await;
    bad.send(long.repeat(20)).await.unwrap();
    let mut unfinished = Connection::open(addr).await;
    unfinished
        .send(format!("{HEAD}Content-Length: 100\r\n\r\n"))
        .await
        .unwrap();
    open_connections(addr, 2).await;
    server.stop().await.unwrap();
    let answer = unfinished.answer().await;
    assert!(answer.is_none(), "{answer:?}");
}

#[tokio::test]
async fn half_closed_connections() {
    let server = start_with(Limits::default()).await;
    let addr = server.addr();
    register(&client(addr), 60).await;
    open_connections(addr, 0).await;
    for half in ["", "POST / HT", HEAD] {
        let mut client = Connection::open(addr).await;
        client.send(half).await.unwrap();
        client.send_no_more().await;
        let answer = client.answer().await;
        assert!(answer.is_none(), "{half:?}: {answer:?}");
    }
    // The end may come while the body is read.
    let mut client = Connection::open(addr).await;
    let half = format!("{HEAD}Content-Length: 100\r\n\r\n{{");
    client.send(half).await.unwrap();
    client.send_no_more().await;
    if let Some(answer) = client.answer().await {
        assert!(answer.body.contains("SerializationException"), "{answer:?}");
    }
    // Whether such a client is answered depends on which is first.
    let mut client = Connection::open(addr).await;
    client.send(short_request()).await.unwrap();
    client.send_no_more().await;
    if let Some(answer) = client.answer().await {
        assert_eq!(answer.status, 200);
    }
    // A poll: nobody is there any more who could do the task.
    let mut client = Connection::open(addr).await;
    let poll = request(
        "PollForDecisionTask",
        r#"{"domain":"d","taskList":{"name":"l"}}"#,
    );
    client.send(poll).await.unwrap();
    waiting_polls(addr, 1).await;
    client.send_no_more().await;
    waiting_polls(addr, 0).await;
    assert!(client.answer().await.is_none());
    Good::new(addr).await.is_answered().await;
    open_connections(addr, 0).await;
    server.stop().await.unwrap();
}

#[tokio::test]
async fn pipelined_requests() {
    let server = start_with(Limits::default()).await;
    let addr = server.addr();
    let swf = client(addr);
    register(&swf, 60).await;
    let mut pipeline = Connection::open(addr).await;
    let describe = |name: &str| request("DescribeDomain", &format!(r#"{{"name":"{name}"}}"#));
    let list = r#"{"domain":"d","taskList":{"name":"deciders"}}"#;
    let poll = request("PollForDecisionTask", list);
    let all = [describe("d"), describe("x"), poll, describe("y")].concat();
    pipeline.send(all).await.unwrap();
    assert_eq!(
        pipeline.answer().await.unwrap().json()["domainInfo"]["name"],
        "d"
    );
    let unknown = pipeline.answer().await.unwrap();
    assert_eq!(unknown.json()["message"], "Unknown domain: x");
    // What comes behind a poll waits for it.
    waiting_polls(addr, 1).await;
    let run_id = start_workflow(&swf, "w").await;
    let task = pipeline.answer().await.unwrap().json();
    assert_eq!(task["workflowExecution"]["runId"], run_id.as_str());
    let unknown = pipeline.answer().await.unwrap();
    assert_eq!(unknown.json()["message"], "Unknown domain: y");
    server.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_poller_that_has_hung_up_takes_no_task() {
    let server = start(memory()).await;
    let addr = server.addr();
    let swf = client(addr);
    register(&swf, 60).await;
    let mut starter = Connection::open(addr).await;
    for number in 0..50 {
        let mut pollers = Vec::new();
        for _ in 0..10 {
            let mut poller = Connection::open(addr).await;
            let poll = r#"{"domain":"d","taskList":{"name":"deciders"},"identity":"gone"}"#;
            let poll = request("PollForDecisionTask", poll);
            poller.send(poll).await.unwrap();
            pollers.push(poller);
        }
        waiting_polls(addr, pollers.len()).await;
        // The start comes before the server has looked at their connections again.
        let start = format!(
            r#"{{"domain":"d","workflowId":"w-{number}","workflowType":{{"name":"workflow","version":"1"}}}}"#
        );
        let start = request("StartWorkflowExecution", &start);
        drop(pollers);
        starter.send(start).await.unwrap();
        assert_eq!(starter.answer().await.unwrap().status, 200);
        let poll = swf.poll_for_decision_task().domain("d");
        let task = poll.task_list(list("deciders")).send().await.unwrap();
        let started = task.events().last().unwrap();
        let started = started.decision_task_started_event_attributes().unwrap();
        assert_eq!(started.identity(), None, "nobody else had it before");
        let answer = swf.respond_decision_task_completed();
        let answer = answer.task_token(task.task_token());
        answer.decisions(complete()).send().await.unwrap();
    }
    server.stop().await.unwrap();
}
