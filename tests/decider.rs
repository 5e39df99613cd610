//! `decider.start`: deciders as a process, beside a server as another.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use crate::common::{Done, command, run};
use crate::server::Server;

/// How long anything may take before a test fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// The command, to be run beside a server.
fn beside(server: &Server, args: &[&str]) -> Command {
    let mut command = command(args);
    command
        .env("AWS_ENDPOINT_URL_SWF", format!("http://{}", server.address))
        .env_remove("SWF_DOMAIN");
    command
}

/// Deciders that run, and what they say.
struct Deciders {
    process: Child,
    said: Receiver<String>,
}

impl Deciders {
    fn start(server: &Server, args: &[&str]) -> Self {
        let mut process = beside(server, &[&["decider.start", "-d", "d"], args].concat())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the deciders start");
        let stderr = process.stderr.take().expect("its stderr is a pipe");
        let (line, said) = channel();
        std::thread::spawn(move || {
            for said in BufReader::new(stderr).lines().map_while(Result::ok) {
                if line.send(said).is_err() {
                    return;
                }
            }
        });
        Self { process, said }
    }

    /// Waits until they say something.
    fn says(&self, what: &str) -> String {
        let mut all = String::new();
        loop {
            match self.said.recv_timeout(PATIENCE) {
                Ok(line) if line.contains(what) => return line,
                Ok(line) => all.extend([&line, "\n"]),
                Err(_) => panic!("they do not say {what:?}, but: {all}"),
            }
        }
    }

    fn signal(&self, signal: &str) {
        let pid = self.process.id().to_string();
        let sent = Command::new("kill").args([signal, &pid]).status();
        assert!(sent.expect("there is `kill`").success());
    }

    /// Waits for their end; the exit code.
    fn ended(&mut self) -> i32 {
        let status = until("the deciders end", || {
            self.process.try_wait().expect("they can be waited for")
        });
        status.code().unwrap_or(-1)
    }
}

impl Drop for Deciders {
    fn drop(&mut self) {
        // They may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Waits until there is something.
fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "{what}: in vain");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Starts an execution that gathers so many numbers; its run id.
fn gather(server: &Server, id: &str, n: usize) -> String {
    let input = format!("[{n}]");
    let args = [
        "workflow.start",
        "--domain",
        "d",
        "--workflow-id",
        id,
        "gather",
        "--input",
        &input,
    ];
    let Done {
        code,
        stdout,
        stderr,
    } = run(beside(server, &args), "");
    assert_eq!(code, 0, "{stderr}");
    let (workflow_id, run_id) = stdout.trim_end().split_once(' ').expect("two ids");
    assert_eq!(workflow_id, id);
    run_id.to_owned()
}

fn send(server: &Server, id: &str, number: i64) {
    let body =
        format!(r#"{{"domain":"d","workflowId":"{id}","signalName":"number","input":"{number}"}}"#);
    let (status, body) = server.call("SignalWorkflowExecution", &body);
    assert_eq!(status, "HTTP/1.1 200 OK", "{body}");
}

/// The history of an execution, as text.
fn history(server: &Server, id: &str, run_id: &str) -> String {
    let body =
        format!(r#"{{"domain":"d","execution":{{"workflowId":"{id}","runId":"{run_id}"}}}}"#);
    server.call("GetWorkflowExecutionHistory", &body).1
}

/// Waits until a history has so many of something.
fn has(server: &Server, id: &str, run_id: &str, what: &str, times: usize) -> String {
    until(what, || {
        let history = history(server, id, run_id);
        (history.matches(what).count() >= times).then_some(history)
    })
}

const DECIDED: &str = "\"DecisionTaskCompleted\"";

#[test]
fn they_serve_start_anew_and_stop() {
    let server = Server::start(&["--in-memory"]);
    let mut deciders = Deciders::start(&server, &["gather", "-N", "2"]);
    let target = deciders.says("domain d");
    assert!(target.contains(&server.address), "{target}");
    assert_eq!(deciders.says("decides on"), "decides on gatherers");
    until("the domain is registered", || {
        let (_, domains) = server.call("ListDomains", r#"{"registrationStatus":"REGISTERED"}"#);
        domains.contains("\"name\":\"d\"").then_some(())
    });
    let old = gather(&server, "old", 2);
    has(&server, "old", &old, DECIDED, 1);
    send(&server, "old", 1);
    let events = has(&server, "old", &old, DECIDED, 2);
    assert_eq!(events.matches("\"name\":\"sticky-").count(), 3, "{events}");

    let pid = deciders.process.id();
    deciders.signal("-HUP");
    deciders.says("SIGHUP: stopping");
    deciders.says("decides on gatherers");
    assert_eq!(deciders.process.id(), pid);
    let new = gather(&server, "new", 1);
    has(&server, "new", &new, DECIDED, 1);
    send(&server, "new", 3);
    has(&server, "new", &new, r#""result":"3""#, 1);
    // What the deciders before had kept goes on as well.
    send(&server, "old", 2);
    has(&server, "old", &old, r#""result":"3""#, 1);

    deciders.signal("-TERM");
    deciders.says("SIGTERM: stopping");
    assert_eq!(deciders.ended(), 0);
}

#[test]
fn nothing_is_lost_when_they_start_anew_under_load() {
    let server = Server::start(&["--in-memory"]);
    let deciders = Deciders::start(&server, &["-t", "gatherers", "-N", "2"]);
    deciders.says("decides on gatherers");
    let runs: Vec<_> = (0..6)
        .map(|n| {
            let id = format!("gather-{n}");
            let run_id = gather(&server, &id, 6);
            (id, run_id)
        })
        .collect();
    for round in 0..6 {
        if round % 2 == 1 {
            deciders.signal("-HUP");
        }
        for (id, _) in &runs {
            send(&server, id, round);
        }
        if round % 2 == 1 {
            deciders.says("decides on gatherers");
        }
    }
    for (id, run_id) in &runs {
        let history = has(&server, id, run_id, r#""result":"15""#, 1);
        // It would have been for a decision task that was started and not answered.
        assert!(!history.contains("START_TO_CLOSE"), "{history}");
    }
}

#[test]
fn bad_arguments_are_named() {
    let deciders = |args: &[&str]| {
        let mut command = command(&[&["decider.start"], args].concat());
        command.env_remove("SWF_DOMAIN");
        run(command, "")
    };
    for (args, named) in [
        (&["-d", "d"][..], "--task-list"),
        (&["-t", "list"], "--domain"),
        (&["-d", "a:b", "-t", "list"], "a:b"),
        (&["-d", "d", "-t", ""], "--task-list"),
        (&["-d", "d", "-t", "list", "-N", "0"], "--nb-processes"),
        (&["-d", "d", "gathre"], "did you mean \"Gather\""),
        (&["-d", "d", "misbehave"], "has no task list"),
    ] {
        let done = deciders(args);
        assert_eq!((done.code, &*done.stdout), (2, ""), "{args:?}");
        assert!(done.stderr.contains(named), "{args:?}: {}", done.stderr);
    }
}
