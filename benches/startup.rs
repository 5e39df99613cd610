//! How long commands take to start, beside those of the Python original: `--help`, and a decider up
//! to its first poll. `scripts/bench` says where both are.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, SystemTime};

use simpleflow_benches::{Times, ended, paired, ratio, verdict_at_least};
use simpleflow_executor::registration;
use simpleflow_model::operation::{
    GetWorkflowExecutionHistory, StartWorkflowExecution, TerminateWorkflowExecution,
};
use simpleflow_model::{
    ChildPolicy, EventAttributes, TaskList, Timeout, Timestamp, WorkflowExecution, WorkflowType,
};
use simpleflow_server::{Config, EmbeddedService, Server, Storage};
use simpleflow_service::SwfService as _;
use tokio::runtime::Runtime;

/// How often each side is measured.
const ROUNDS: usize = 10;

/// At least so many times faster.
const BOUND: f64 = 30.0;

/// How long a decider may take to its first poll.
const PATIENCE: Duration = Duration::from_secs(60);

const DOMAIN: &str = "bench";
const DECIDERS: &str = "deciders";

fn main() -> ExitCode {
    let ours = PathBuf::from(variable("SIMPLEFLOW_BENCH_COMMAND"));
    let original = PathBuf::from(variable("SIMPLEFLOW_BENCH_PYTHON")).with_file_name("simpleflow");
    println!("start-up beside Python simpleflow, bound {BOUND} times faster");
    let help = |program: &PathBuf| {
        let ended = Command::new(program)
            .arg("--help")
            .stdout(Stdio::null())
            .status();
        assert!(ended.expect("the command starts").success());
    };
    let (fast, slow) = paired(ROUNDS, || help(&ours), || help(&original));
    report("--help", &fast, &slow);

    let runtime = Runtime::new().expect("a runtime");
    let server = Server::new(Config {
        listen: ([127, 0, 0, 1], 0).into(),
        storage: Storage::Memory,
        credentials: None,
    });
    let server = runtime.block_on(server.start()).expect("a server");
    let endpoint = format!("http://{}", server.addr());
    let service = server.service();
    runtime.block_on(register(&service));
    let (mut fast, mut slow) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        fast.push(runtime.block_on(first_poll(&service, &ours, &endpoint)));
        slow.push(runtime.block_on(first_poll(&service, &original, &endpoint)));
    }
    report(
        "decider to first poll",
        &Times::new(fast),
        &Times::new(slow),
    );
    runtime.block_on(server.stop()).expect("the server stops");
    ended()
}

fn variable(name: &str) -> OsString {
    std::env::var_os(name).unwrap_or_else(|| panic!("{name} is set by scripts/bench"))
}

fn report(what: &str, ours: &Times, original: &Times) {
    let figure = ratio(original.min(), ours.min());
    println!(
        "  {what:<22} {:>9.3?}, original {:>9.3?}, {figure:.0} times faster (medians {:.0}): {}",
        ours.min(),
        original.min(),
        ratio(original.median(), ours.median()),
        verdict_at_least(figure, BOUND)
    );
}

fn workflow_type() -> WorkflowType {
    WorkflowType {
        name: "waits".into(),
        version: "1".into(),
        ..WorkflowType::default()
    }
}

async fn register(service: &EmbeddedService) {
    let domain = registration::register_domain(service, DOMAIN.into()).await;
    domain.expect("the domain is registered");
    let registered = registration::register_workflow_type(service, DOMAIN.into(), workflow_type());
    registered.await.expect("the type is registered");
}

/// From the start of a decider to its poll: a decision task waits for it, and its history says when
/// it was given.
async fn first_poll(service: &EmbeddedService, program: &PathBuf, endpoint: &str) -> Duration {
    let start = StartWorkflowExecution {
        domain: DOMAIN.into(),
        workflow_id: "waits".into(),
        workflow_type: workflow_type(),
        task_list: Some(TaskList {
            name: DECIDERS.into(),
            ..TaskList::default()
        }),
        execution_start_to_close_timeout: Some(Timeout::Seconds(3_600)),
        task_start_to_close_timeout: Some(Timeout::Seconds(600)),
        child_policy: Some(ChildPolicy::Terminate),
        ..StartWorkflowExecution::default()
    };
    let run = service.start_workflow_execution(start).await;
    let execution = WorkflowExecution {
        workflow_id: "waits".into(),
        run_id: run.expect("it starts").run_id.unwrap_or_default(),
        ..WorkflowExecution::default()
    };
    let began = Timestamp::from(SystemTime::now());
    let decider = Command::new(program)
        .args([
            "decider.start",
            "--domain",
            DOMAIN,
            "--task-list",
            DECIDERS,
            "-N",
            "1",
        ])
        .env("AWS_ENDPOINT_URL_SWF", endpoint)
        .env("AWS_DEFAULT_REGION", "us-east-1")
        .env("AWS_ACCESS_KEY_ID", "any")
        .env("AWS_SECRET_ACCESS_KEY", "any")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the decider starts");
    let decider = Killed(decider);
    let polled = tokio::time::timeout(PATIENCE, given(service, &execution)).await;
    drop(decider);
    let terminate = TerminateWorkflowExecution {
        domain: DOMAIN.into(),
        workflow_id: execution.workflow_id,
        ..TerminateWorkflowExecution::default()
    };
    let terminated = service.terminate_workflow_execution(terminate).await;
    terminated.expect("it ends");
    polled.expect("the decider polls").since(began)
}

/// When the decision task of an execution was given to a decider.
async fn given(service: &EmbeddedService, execution: &WorkflowExecution) -> Timestamp {
    loop {
        let history = GetWorkflowExecutionHistory {
            domain: DOMAIN.into(),
            execution: execution.clone(),
            ..GetWorkflowExecutionHistory::default()
        };
        let history = service.get_workflow_execution_history(history).await;
        let events = history.expect("a history").events;
        let started = events
            .iter()
            .find(|event| matches!(event.attributes, EventAttributes::DecisionTaskStarted(_)));
        if let Some(started) = started {
            return started.event_timestamp;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// A process that is killed in the end, and its children with it when they notice.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        // The original's children end when their supervisor asks them to.
        let id = self.0.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &id]).status();
        let _ = self.0.wait();
    }
}
