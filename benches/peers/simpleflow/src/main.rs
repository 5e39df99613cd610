//! simpleflow: decider, worker and durable service in one process, on one thread and the keeper's.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context as _, Result, bail};
use clap::Parser;
use measure::{Plan, System, measure, table};
use simpleflow::prelude::{Flow, Workflow, activity, workflow};
use simpleflow::{Registry, WorkflowEntry};
use simpleflow_executor::{Decider, Worker, registration};
use simpleflow_model::operation::{GetWorkflowExecutionHistory, StartWorkflowExecution};
use simpleflow_model::{
    ChildPolicy, EventAttributes, TaskList, Timeout, WorkflowExecution, WorkflowId, WorkflowType,
};
use simpleflow_server::{Embedded, EmbeddedService, Storage};
use simpleflow_service::SwfService as _;
use tokio::task::LocalSet;
use tokio_util::sync::CancellationToken;

/// Measures simpleflow
#[derive(Debug, Parser)]
struct Options {
    /// A directory without anything in it, for the stores
    #[arg(long)]
    data_dir: PathBuf,

    #[command(flatten)]
    plan: Plan,
}

const NAME: &str = "peers";

#[activity(task_list = "workers")]
async fn increment(x: i64) -> i64 {
    x + 1
}

#[workflow]
struct Chain {
    steps: i64,
}

impl Workflow for Chain {
    type Output = i64;

    async fn run(self, flow: Flow) -> simpleflow::Result<i64> {
        let mut x = 0;
        for _ in 0..self.steps {
            x = flow.submit(increment(x)).await?;
        }
        Ok(x)
    }
}

#[workflow]
struct FanOut {
    width: i64,
}

impl Workflow for FanOut {
    type Output = i64;

    async fn run(self, flow: Flow) -> simpleflow::Result<i64> {
        let parts: Vec<_> = (0..self.width).map(|x| flow.submit(increment(x))).collect();
        Ok(flow.wait_all(parts).await?.into_iter().sum())
    }
}

struct Simpleflow {
    name: &'static str,
    embedded: Embedded,
    stop: CancellationToken,
    executions: AtomicU64,
}

impl Simpleflow {
    /// Opens the store and starts a decider and a worker on this thread.
    async fn start(name: &'static str, dir: PathBuf, relaxed: bool) -> Result<Self> {
        let embedded = Embedded::open(Storage::Disk { dir, relaxed }).await?;
        let service = embedded.service();
        let registry = Registry::linked();
        registration::register_all(&service, &NAME.into(), &registry).await?;
        let stop = CancellationToken::new();
        let mut decider = Decider::new(service.clone(), NAME.into(), registry.clone());
        let stopped = stop.clone();
        tokio::task::spawn_local(async move { decider.run(&NAME.into(), &stopped).await });
        let worker = Worker::new(service, NAME.into(), registry);
        let (most, stopped) = (NonZeroUsize::MIN.saturating_add(999), stop.clone());
        tokio::task::spawn_local(async move {
            worker.run(&"workers".into(), most, &stopped).await;
        });
        Ok(Self {
            name,
            embedded,
            stop,
            executions: AtomicU64::new(0),
        })
    }

    async fn execute<W: Workflow>(&self, argument: i64) -> Result<i64> {
        let service = self.embedded.service();
        let number = self.executions.fetch_add(1, Ordering::Relaxed);
        let workflow_id = WorkflowId::from(number.to_string());
        let run = service
            .start_workflow_execution(start::<W>(workflow_id.clone(), argument))
            .await?;
        let run_id = run.run_id.context("a run has an id")?;
        service.closed(&run_id).await?;
        let execution = WorkflowExecution {
            workflow_id,
            run_id,
            ..WorkflowExecution::default()
        };
        result(&service, execution).await
    }
}

fn start<W: Workflow>(workflow_id: WorkflowId, argument: i64) -> StartWorkflowExecution {
    let entry = WorkflowEntry::of::<W>();
    let definition = entry.definition();
    StartWorkflowExecution {
        domain: NAME.into(),
        workflow_id,
        workflow_type: WorkflowType {
            name: definition.name.clone().into(),
            version: definition.version.clone().into(),
            ..WorkflowType::default()
        },
        task_list: Some(TaskList {
            name: NAME.into(),
            ..TaskList::default()
        }),
        execution_start_to_close_timeout: Some(Timeout::Seconds(3_600)),
        task_start_to_close_timeout: Some(Timeout::Seconds(60)),
        child_policy: Some(ChildPolicy::Terminate),
        input: Some(format!("[{argument}]").into()),
        ..StartWorkflowExecution::default()
    }
}

/// What a closed execution came to: its last event says.
async fn result(service: &EmbeddedService, execution: WorkflowExecution) -> Result<i64> {
    let history = GetWorkflowExecutionHistory {
        domain: NAME.into(),
        execution,
        reverse_order: Some(true),
        maximum_page_size: Some(1),
        ..GetWorkflowExecutionHistory::default()
    };
    let history = service.get_workflow_execution_history(history).await?;
    let last = history
        .events
        .into_iter()
        .next()
        .map(|last| last.attributes);
    match last {
        Some(EventAttributes::WorkflowExecutionCompleted(completed)) => {
            Ok(completed.result.context("a result")?.parse()?)
        }
        other => bail!("the execution ended with {other:?}"),
    }
}

impl System for Simpleflow {
    fn name(&self) -> &str {
        self.name
    }

    async fn chain(&self, steps: i64) -> Result<i64> {
        self.execute::<Chain>(steps).await
    }

    async fn fan_out(&self, width: i64) -> Result<i64> {
        self.execute::<FanOut>(width).await
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let Options { data_dir, plan } = Options::parse();
    let all = async {
        let mut figures = Vec::new();
        for (name, relaxed) in [("simpleflow-relaxed", true), ("simpleflow", false)] {
            let system = Simpleflow::start(name, data_dir.join(name), relaxed).await?;
            figures.extend(measure(&system, &plan).await?);
            system.stop.cancel();
            system.embedded.stop().await?;
        }
        eprint!("{}", table(&figures));
        Ok(())
    };
    LocalSet::new().run_until(all).await
}
