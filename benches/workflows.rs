//! A thousand workflows of five activities each: with the durable service in this process, and over
//! the wire with a server as a process of its own. `scripts/bench` says where the command is.

use std::io::{BufRead as _, BufReader};
use std::num::NonZeroUsize;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use simpleflow::{Registry, WorkflowEntry};
use simpleflow_aws::AwsSwf;
use simpleflow_benches::Chain;
use simpleflow_executor::{Deciders, StartOptions, Stop, SwfService, Worker, registration, start};
use simpleflow_model::operation::CountOpenWorkflowExecutions;
use simpleflow_model::types::ExecutionTimeFilter;
use simpleflow_model::{DomainName, Timestamp};
use simpleflow_server::{Embedded, Storage};
use tokio::runtime::Runtime;

/// Executions.
const EXECUTIONS: usize = 1_000;

/// Activities of each, one after the other.
const STEPS: i64 = 5;

/// How often each side is measured.
const ROUNDS: usize = 3;

/// How many executions are started at once.
const STARTERS: usize = 8;

/// How many activities run at once.
const ACTIVITIES: usize = 100;

const DOMAIN: &str = "bench";
const DECIDERS: &str = "deciders";

fn main() {
    println!("{EXECUTIONS} workflows of {STEPS} activities, best of {ROUNDS}");
    let runtime = Runtime::new().expect("a runtime");
    // On the disk of the build, because /tmp may be memory.
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
    for relaxed in [false, true] {
        let kept = if relaxed { "relaxed" } else { "fsync" };
        let storage = Storage::Disk {
            dir: dir.path().join(kept),
            relaxed,
        };
        let embedded = runtime.block_on(Embedded::open(storage)).expect("a store");
        let inside = runtime.block_on(measure(embedded.service()));
        runtime.block_on(embedded.stop()).expect("it stops");
        let server = Process::start(&dir.path().join(format!("{kept}-server")), relaxed);
        let endpoint = format!("http://{}", server.address);
        let over_wire = runtime.block_on(async {
            let service = AwsSwf::at(&endpoint, "us-east-1").await.expect("a service");
            measure(service).await
        });
        println!(
            "  {kept:<8} in the process {inside:>7.0}/s, over the wire {over_wire:>7.0}/s, ratio {:.2}",
            inside / over_wire
        );
    }
}

/// Workflows per second, with deciders and a worker here.
async fn measure(service: impl SwfService) -> f64 {
    let registry = Registry::linked();
    let domain = DomainName::from(DOMAIN);
    let registered = registration::register_all(&service, &domain, &registry).await;
    registered.expect("the types are registered");
    let stop = Stop::new();
    let deciders = Deciders::new(service.clone(), domain.clone(), registry.clone());
    let deciding = tokio::spawn({
        let stop = stop.clone();
        async move { deciders.run(&[DECIDERS.into()], &stop).await }
    });
    let activity = registry.activities().next().expect("an activity");
    let task_list = activity.definition().task_list.clone().into();
    let worker = Worker::new(service.clone(), domain.clone(), registry);
    let most = NonZeroUsize::new(ACTIVITIES).expect("it is not zero");
    let working = tokio::spawn({
        let stop = stop.clone();
        async move { worker.run(&task_list, most, &stop).await }
    });
    let mut best = Duration::MAX;
    for round in 0..ROUNDS {
        let began = Instant::now();
        let starters = (0..STARTERS).map(|starter| {
            let (service, domain) = (service.clone(), domain.clone());
            tokio::spawn(async move {
                for number in (starter..EXECUTIONS).step_by(STARTERS) {
                    begin(&service, &domain, format!("{round}-{number}")).await;
                }
            })
        });
        for starter in starters.collect::<Vec<_>>() {
            starter.await.expect("all are started");
        }
        all_closed(&service, &domain).await;
        best = best.min(began.elapsed());
    }
    stop.request();
    deciding.await.expect("no panic").expect("threads");
    working.await.expect("no panic");
    EXECUTIONS as f64 / best.as_secs_f64()
}

async fn begin(service: &impl SwfService, domain: &DomainName, id: String) {
    let entry = WorkflowEntry::of::<Chain>();
    let options = StartOptions {
        workflow_id: Some(id.into()),
        task_list: Some(DECIDERS.into()),
        ..StartOptions::default()
    };
    let input = format!("[{STEPS}]");
    let started = start(
        service,
        domain,
        &entry,
        &input,
        &options,
        Timestamp::default(),
    )
    .await;
    started.expect("it starts");
}

async fn all_closed(service: &impl SwfService, domain: &DomainName) {
    loop {
        let count = CountOpenWorkflowExecutions {
            domain: domain.clone(),
            start_time_filter: ExecutionTimeFilter::default(),
            ..CountOpenWorkflowExecutions::default()
        };
        let open = service.count_open_workflow_executions(count).await;
        if open.expect("a count").count == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A server as a process.
struct Process {
    process: Child,
    address: String,
}

impl Process {
    fn start(dir: &Path, relaxed: bool) -> Self {
        let command = std::env::var_os("SIMPLEFLOW_BENCH_COMMAND");
        let mut command = Command::new(command.expect("scripts/bench says where the command is"));
        command.args(["server.start", "--listen", "127.0.0.1:0", "--data-dir"]);
        command.arg(dir).args(relaxed.then_some("--relaxed"));
        let process = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut process = process.expect("the server starts");
        let stdout = process.stdout.take().expect("its stdout is a pipe");
        let mut line = String::new();
        BufReader::new(stdout)
            .read_line(&mut line)
            .expect("it says where it is");
        let address = line.trim_end().rsplit('/').next().unwrap_or_default();
        Self {
            process,
            address: address.to_owned(),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It is of no use any more, and neither is its data.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
