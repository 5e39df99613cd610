//! `standalone`: one execution with decider and worker, in one command.

use std::num::NonZeroUsize;
use std::pin::pin;
use std::time::Duration;

use clap::Args;
use clap::builder::BoolishValueParser;
use futures::StreamExt as _;
use regex::Regex;
use simpleflow_core::{Registry, WorkflowEntry};
use simpleflow_executor::{
    Ended, LocalError, Outcome, Repair, Resources, Standalone as Run, Stop, registration,
};
use simpleflow_jumbo::Jumbo;
use simpleflow_model::{CloseStatus, DomainName, RunId, SmolStr, Timestamp, WorkflowId};
use simpleflow_swf::{Domain, SwfError, WorkflowExecution};

use super::ExecutionOptions;
use crate::connect::{AnyService, Connection, DataDir};
use crate::error::CliError;
use crate::middlewares::MiddlewareOptions;
use crate::progress::Progress;
use crate::resources::ResourceOptions;
use crate::signals::Signals;
use crate::{find, output};

/// The domain in the store of this command.
const DOMAIN: &str = "standalone";

/// Run a workflow to its end with a decider and a worker of its own.
///
/// Without a domain it needs nothing else: the service is in this process, and keeps its data in a
/// directory. With one it runs on the endpoint that is configured, or on Amazon SWF. The workflow id
/// and the run id are printed, then the result as JSON. The exit code is 0 when the workflow
/// completed, 1 when it failed. Interrupted, it is taken up again by the same command; with a domain
/// that takes a --workflow-id.
#[derive(Args)]
#[command(after_help = "\
Examples:
  simpleflow standalone examples.basic.BasicWorkflow --input '[1, 5]'
  simpleflow standalone --domain TestDomain basic --input '[1, 5]' --workflow-id basic-1
  simpleflow standalone basic --repair basic-1 --force-activities 'double-.*'")]
pub(crate) struct Standalone {
    /// The workflow: its path, its name, or the last part of its path.
    workflow: String,

    /// The domain on the service that is configured. Without it the service is in this process.
    #[arg(short, long, value_name = "NAME", env = "SWF_DOMAIN", value_parser = |name: &str| DomainName::new(name))]
    domain: Option<DomainName>,

    #[command(flatten)]
    data_dir: DataDir,

    #[command(flatten)]
    execution: ExecutionOptions,

    #[command(flatten)]
    middlewares: MiddlewareOptions,

    #[command(flatten)]
    resources: ResourceOptions,

    /// The id of the execution. By default the workflow's name.
    #[arg(long, value_name = "ID", value_parser = |id: &str| WorkflowId::new(id))]
    workflow_id: Option<WorkflowId>,

    /// How many activities run at once. By default as many as there are processors.
    #[arg(short = 'W', long, value_name = "N")]
    nb_workers: Option<NonZeroUsize>,

    /// How many deciders there are.
    #[arg(short = 'D', long, value_name = "N", default_value = "1")]
    nb_deciders: NonZeroUsize,

    /// How often to report that an activity is alive, in seconds. With 0 only what activities
    /// report themselves is sent.
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = clap::value_parser!(u32))]
    heartbeat: u32,

    /// Show the progress of the tasks: on a terminal those that are open, elsewhere a line for each
    /// change.
    #[arg(long, value_name = "BOOL", default_value = "true", action = clap::ArgAction::Set, value_parser = BoolishValueParser::new())]
    display_status: bool,

    /// Take over the tasks that were done in a former execution, with its input and its tags unless
    /// others are given. Its id may be followed by a space and its run id.
    #[arg(long, value_name = "WORKFLOW_ID")]
    repair: Option<WorkflowId>,

    /// The run id of the execution to repair. By default its latest run that is closed and did not
    /// continue as new.
    #[arg(long, value_name = "RUN_ID", requires = "repair")]
    run_id: Option<RunId>,

    /// Run the tasks again whose id this regular expression is found in.
    #[arg(long, value_name = "REGEX", requires = "repair")]
    force_activities: Option<Regex>,
}

impl Standalone {
    pub(crate) fn run(self, registry: Registry) -> Result<(), CliError> {
        registry.check().map_err(LocalError::from)?;
        let registry = self.middlewares.activate(registry)?;
        let entry = *find::workflow(&registry, &self.workflow)?;
        let runtime = tokio::runtime::Runtime::new().map_err(CliError::Runtime)?;
        let outcome = runtime.block_on(self.run_on_service(registry, &entry));
        // Activities that block and do not end are not waited for.
        runtime.shutdown_background();
        output::outcome(&entry, outcome?)
    }

    async fn run_on_service(
        &self,
        registry: Registry,
        workflow: &WorkflowEntry,
    ) -> Result<Outcome, CliError> {
        let (connection, domain) = match &self.domain {
            Some(domain) => (Connection::shared(&self.data_dir).await?, domain.clone()),
            None => (Connection::own(&self.data_dir).await?, DOMAIN.into()),
        };
        connection.announce(&domain);
        let resources = self.resources.on(&connection, &domain, &self.data_dir);
        let resources = resources.await?.resources();
        let domain = Domain::new(connection.service.clone(), domain);
        let look = connection.look();
        let outcome = match connection.jumbo() {
            Ok(jumbo) => {
                let given = (resources, jumbo);
                self.run_in(domain, look, registry, given, workflow).await
            }
            Err(error) => Err(error),
        };
        // What went wrong first is told.
        let closed = connection.close().await;
        let outcome = outcome?;
        closed.map(|()| outcome)
    }

    async fn run_in(
        &self,
        domain: Domain<AnyService>,
        look: Duration,
        registry: Registry,
        (resources, jumbo): (Resources, Jumbo),
        workflow: &WorkflowEntry,
    ) -> Result<Outcome, CliError> {
        let service = domain.service().clone();
        registration::need_domain(&service, domain.name().clone()).await?;
        let mut options = self.execution.start_options(self.workflow_id.as_ref())?;
        let mut input = self.execution.input()?;
        let mut run = Run::new(service, domain.name().clone(), registry)
            .deciders(self.nb_deciders)
            .heartbeat(Duration::from_secs(self.heartbeat.into()))
            .look_every(look)
            .resources(resources)
            .jumbo(jumbo.clone())
            .resumes(self.resumes());
        if let Some(most) = self.nb_workers {
            run = run.activities(most);
        }
        if let Some(id) = &self.repair {
            let former = self.former(&domain, id, &jumbo).await?;
            input = input.or(former.input);
            options.tag_list = options.tag_list.or(Some(former.tags));
            run = run.repair(former.repair);
        }
        let input = input.unwrap_or_default();
        let stop = Stop::new();
        let body = async {
            let begun = tokio::select! {
                begun = run.begin(workflow, &input, options) => begun?,
                () = stop.requested() => return Err(CliError::InterruptedBefore),
            };
            let ids = &begun.execution;
            if begun.resumed {
                output::say("it was open: going on with it");
            }
            output::print(format!("{} {}\n", ids.workflow_id, ids.run_id).as_bytes())?;
            let mut progress = self.display_status.then(Progress::new);
            let observe = |events: &[_]| {
                if let Some(progress) = &mut progress {
                    progress.observe(events);
                }
            };
            let ended = run.run(&begun, observe, &stop).await;
            if let Some(progress) = progress {
                progress.end();
            }
            match ended? {
                Ended::Closed(outcome) => Ok(outcome),
                Ended::Stopped => Err(self.interrupted(domain.name(), &ids.workflow_id)),
            }
        };
        // Before anything is begun: a signal must not end it halfway.
        let signals = Signals::listen()?;
        signals.run(&stop, body).await.0
    }

    /// Whether an open execution is this command's to go on with. In a domain of others only one
    /// that is named is.
    fn resumes(&self) -> bool {
        self.domain.is_none() || self.workflow_id.is_some()
    }

    fn interrupted(&self, domain: &DomainName, workflow_id: &WorkflowId) -> CliError {
        let resume = match self.resumes() {
            true => String::new(),
            false => format!(", with --workflow-id {workflow_id}"),
        };
        let place = match self.domain {
            Some(_) => String::new(),
            None => format!(" --data-dir {}", self.data_dir.data_dir.display()),
        };
        CliError::Interrupted {
            workflow_id: workflow_id.clone(),
            resume,
            terminate: format!("{domain} {workflow_id}{place}"),
        }
    }

    /// What an execution left that is to be repaired. Its id may be followed by its run id, as the
    /// original takes it.
    async fn former(
        &self,
        domain: &Domain<AnyService>,
        id: &WorkflowId,
        jumbo: &Jumbo,
    ) -> Result<Former, CliError> {
        let (workflow_id, run_id) = match id.as_str().split_once(' ') {
            Some((workflow_id, run_id)) => (workflow_id.into(), Some(RunId::from(run_id))),
            None => (id.clone(), self.run_id.clone()),
        };
        let execution = match run_id {
            Some(run_id) => domain.execution(workflow_id.clone(), Some(run_id)).await?,
            // An open one may be the repair itself, which this goes on with.
            None => latest_closed(domain, &workflow_id).await?,
        };
        let history = execution.history().await?;
        let started = history.started();
        let tags = started.and_then(|started| started.tag_list.clone());
        let force = |id: &str| {
            self.force_activities
                .as_ref()
                .is_some_and(|re| re.is_match(id))
        };
        let repair = Repair::new(execution.id(), history.events(), force);
        output::say(&format!(
            "takes over {} tasks of {workflow_id} {}",
            repair.tasks(),
            execution.id().run_id
        ));
        let mut input = started.and_then(|started| started.input.as_ref().map(SmolStr::to_string));
        if let Some(signature) = &input {
            let long = jumbo.decode(signature).await.map_err(CliError::Input)?;
            input = long.map(|long| long.to_string()).or(input);
        }
        Ok(Former {
            input,
            tags: tags.into_iter().flatten().flatten().collect(),
            repair,
        })
    }
}

/// The execution of that id that was started last, of those that are closed: by its last run, since
/// one that continued as new goes on.
async fn latest_closed(
    domain: &Domain<AnyService>,
    workflow_id: &WorkflowId,
) -> Result<WorkflowExecution<AnyService>, CliError> {
    let closed = domain
        .closed_executions()
        .started_since(Timestamp::default())
        .workflow_id(workflow_id.clone())
        .list();
    let mut closed = pin!(closed);
    while let Some(info) = closed.next().await {
        let info = info?;
        if info.close_status != Some(CloseStatus::ContinuedAsNew) {
            let execution = info.execution;
            return Ok(domain.run(execution.workflow_id, execution.run_id));
        }
    }
    Err(SwfError::NoExecution {
        domain: domain.name().clone(),
        workflow_id: workflow_id.clone(),
        run_id: None,
    }
    .into())
}

/// What a former execution left.
struct Former {
    input: Option<String>,
    tags: Vec<SmolStr>,
    repair: Repair,
}
