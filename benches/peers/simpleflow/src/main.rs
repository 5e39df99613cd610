//! simpleflow: decider, worker and durable service in one process, on one thread and the keeper's; and
//! its server, with decider and worker here.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::Parser;
use measure::{Figure, Plan, System, measure, table};
use simpleflow::prelude::{Flow, Workflow, activity, workflow};
use simpleflow::{Registry, WorkflowEntry};
use simpleflow_aws::AwsSwf;
use simpleflow_executor::{Decider, Follow, Outcome, Worker, registration};
use simpleflow_model::operation::StartWorkflowExecution;
use simpleflow_model::{
    ChildPolicy, TaskList, Timeout, WorkflowExecution, WorkflowId, WorkflowType,
};
use simpleflow_server::{Embedded, Storage};
use simpleflow_service::SwfService;
use tokio::task::LocalSet;
use tokio_util::sync::CancellationToken;

/// Measures simpleflow
#[derive(Debug, Parser)]
struct Options {
    /// A directory without anything in it, for the stores
    #[arg(long)]
    data_dir: PathBuf,

    /// Also measure a server, that of AWS_ENDPOINT_URL_SWF, with decider and worker here
    #[arg(long)]
    server: bool,

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

/// How many polls for decisions are on their way at a time.
const POLLS: usize = 16;

/// How often to ask for the end where the service does not tell of it. Ours do.
const LOOK: Duration = Duration::from_millis(2);

struct Simpleflow<S> {
    name: &'static str,
    service: S,
    stop: CancellationToken,
    executions: AtomicU64,
}

impl<S: SwfService> Simpleflow<S> {
    /// Starts a decider and a worker on this thread.
    async fn start(name: &'static str, service: S) -> Result<Self> {
        let registry = Registry::linked();
        registration::register_all(&service, &NAME.into(), &registry).await?;
        let stop = CancellationToken::new();
        let decider = Decider::new(service.clone(), NAME.into(), registry.clone());
        let stopped = stop.clone().into();
        // A list that is named several times is polled as often at once.
        let lists = vec![NAME.into(); POLLS];
        tokio::task::spawn_local(async move { decider.run(&lists, &stopped).await });
        let worker = Worker::new(service.clone(), NAME.into(), registry);
        let stopped = stop.clone().into();
        let most = NonZeroUsize::MIN.saturating_add(99);
        tokio::task::spawn_local(async move {
            worker.run(&"workers".into(), most, &stopped).await;
        });
        Ok(Self {
            name,
            service,
            stop,
            executions: AtomicU64::new(0),
        })
    }

    async fn execute<W: Workflow>(&self, argument: i64) -> Result<i64> {
        let number = self.executions.fetch_add(1, Ordering::Relaxed);
        let workflow_id = WorkflowId::from(number.to_string());
        let request = start::<W>(workflow_id.clone(), argument);
        let run = self.service.start_workflow_execution(request).await?;
        let run_id = run.run_id.context("a run has an id")?;
        let execution = WorkflowExecution {
            workflow_id,
            run_id,
            ..WorkflowExecution::default()
        };
        let mut follow = Follow::new(self.service.clone(), NAME.into(), execution);
        let end = follow.end(LOOK).await?;
        match Outcome::of(&end.attributes) {
            Some(Outcome::Completed(result)) => Ok(result.parse()?),
            other => bail!("the execution ended with {other:?}"),
        }
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

impl<S: SwfService> System for Simpleflow<S> {
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

async fn figures(options: Options) -> Result<Vec<Figure>> {
    let Options {
        data_dir,
        server,
        plan,
    } = options;
    let mut figures = Vec::new();
    for (name, relaxed) in [("simpleflow-relaxed", true), ("simpleflow", false)] {
        let dir = data_dir.join(name);
        let embedded = Embedded::open(Storage::Disk { dir, relaxed }).await?;
        let system = Simpleflow::start(name, embedded.service()).await?;
        figures.extend(measure(&system, &plan).await?);
        system.stop.cancel();
        embedded.stop().await?;
    }
    if server {
        let system = Simpleflow::start("simpleflow-server", AwsSwf::from_env().await?).await?;
        figures.extend(measure(&system, &plan).await?);
        system.stop.cancel();
    }
    Ok(figures)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let figures = LocalSet::new().run_until(figures(Options::parse())).await?;
    eprint!("{}", table(&figures));
    Ok(())
}
