//! `activity.rerun`: runs a recorded activity here.

use clap::{ArgGroup, Args};
use simpleflow_core::payload::{self, Arguments};
use simpleflow_core::{ActivityInfo, ActivityResult, Registry};
use simpleflow_executor::{LocalError, RecordedActivity, Resources, Stop, Worker};
use simpleflow_jumbo::Jumbo;
use simpleflow_model::{ActivityId, DomainName, EventId, RunId, WorkflowId};
use simpleflow_swf::Domain;
use tokio::runtime::Runtime;

use crate::connect::{AnyService, Connection, DataDir};
use crate::error::CliError;
use crate::middlewares::MiddlewareOptions;
use crate::resources::ResourceOptions;
use crate::signals::Signals;
use crate::{input, on_swf, output};

/// Run an activity of an execution once more, here and with the input that it had.
///
/// Its result is printed as JSON, and SWF is told nothing. The exit code is 1 when it fails.
#[derive(Args)]
#[command(
    group = ArgGroup::new("activity").required(true),
    after_help = "\
Examples:
  simpleflow activity.rerun --domain TestDomain --workflow-id basic-1 --scheduled-id 5
  simpleflow activity.rerun --domain TestDomain --workflow-id basic-1 \\
    --activity-id activity-examples.basic.increment-1 --input '[41]'"
)]
pub(crate) struct ActivityRerun {
    /// The domain.
    #[arg(
        short,
        long,
        value_name = "NAME",
        env = "SWF_DOMAIN",
        value_parser = |name: &str| DomainName::new(name)
    )]
    domain: DomainName,

    /// The workflow id of the execution.
    #[arg(long, value_name = "ID", value_parser = |id: &str| WorkflowId::new(id))]
    workflow_id: WorkflowId,

    /// The run id of the execution. By default the open one's, or else the latest.
    #[arg(long, value_name = "ID", value_parser = on_swf::decoded)]
    run_id: Option<RunId>,

    /// The activity whose task was scheduled with this event.
    #[arg(long, value_name = "EVENT", group = "activity")]
    scheduled_id: Option<i64>,

    /// The activity with this id; if it was scheduled several times, the latest.
    #[arg(
        long,
        value_name = "ID",
        group = "activity",
        value_parser = |id: &str| ActivityId::new(id)
    )]
    activity_id: Option<ActivityId>,

    /// Another input, as JSON: a list of arguments, an object of named ones, or
    /// {"args": [...], "kwargs": {...}}. Any other value is the only argument.
    #[arg(short, long, value_name = "JSON", allow_negative_numbers = true)]
    input: Option<String>,

    #[command(flatten)]
    middlewares: MiddlewareOptions,

    #[command(flatten)]
    resources: ResourceOptions,

    #[command(flatten)]
    data_dir: DataDir,
}

impl ActivityRerun {
    pub(crate) fn run(self, registry: Registry) -> Result<(), CliError> {
        registry.check().map_err(LocalError::from)?;
        let registry = self.middlewares.activate(registry)?;
        let input = self
            .input
            .as_deref()
            .map(|text| input::read(Some(text), None))
            .transpose()?;
        let runtime = Runtime::new().map_err(CliError::Runtime)?;
        let ended = runtime.block_on(self.rerun(registry, input.as_deref()));
        // One that was interrupted may still block.
        runtime.shutdown_background();
        let (name, result) = ended?;
        match result {
            Ok(result) => output::print(format!("{result}\n").as_bytes()),
            Err(failure) => Err(CliError::Activity { name, failure }),
        }
    }

    /// What the history says of the activity.
    async fn recorded(
        &self,
        service: &AnyService,
        jumbo: &Jumbo,
    ) -> Result<ActivityInfo, CliError> {
        let domain = Domain::new(service.clone(), self.domain.clone());
        let execution = domain.execution(self.workflow_id.clone(), self.run_id.clone());
        let execution = execution.await?;
        let activity = match (&self.activity_id, self.scheduled_id) {
            (Some(id), _) => RecordedActivity::Id(id.clone()),
            (None, event) => RecordedActivity::Scheduled(EventId(event.unwrap_or_default())),
        };
        let history = execution.history().await?;
        let execution = execution.id();
        let found = activity.find(&self.domain, execution, history.events());
        let mut info = found.ok_or_else(|| CliError::NoActivity {
            execution: format!("{} run {}", execution.workflow_id, execution.run_id),
            activity,
        })?;
        let input = jumbo.decode(&info.input).await;
        if let Some(input) = input.map_err(CliError::Input)? {
            info.input = input.into();
        }
        Ok(info)
    }

    async fn rerun(
        &self,
        registry: Registry,
        input: Option<&str>,
    ) -> Result<(String, ActivityResult), CliError> {
        let connection = Connection::open(&self.data_dir, &self.domain).await?;
        // The activity may take its time, and others may want to know of the execution.
        let connection = connection.shown(&self.data_dir).await?;
        connection.announce(&self.domain);
        let service = connection.service.clone();
        let (data_dir, domain) = (&self.data_dir, &self.domain);
        let resources = self
            .resources
            .on(&connection, domain, data_dir)
            .await?
            .resources();
        let rerun = match connection.jumbo() {
            Ok(jumbo) => {
                let given = (resources, jumbo);
                self.rerun_on(service, given, registry, input).await
            }
            Err(error) => Err(error),
        };
        // What went wrong first is told.
        let closed = connection.close().await;
        let rerun = rerun?;
        closed.map(|()| rerun)
    }

    async fn rerun_on(
        &self,
        service: AnyService,
        (resources, jumbo): (Resources, Jumbo),
        registry: Registry,
        input: Option<&str>,
    ) -> Result<(String, ActivityResult), CliError> {
        let mut info = self.recorded(&service, &jumbo).await?;
        if let Some(input) = input {
            let arguments = Arguments::parse(input).map_err(|problem| CliError::Option {
                option: "--input",
                value: input.to_owned(),
                problem: problem.to_string(),
            })?;
            // What travels beside the arguments, such as binaries, stays unless it is given too.
            let meta = |input| payload::meta(input).ok().flatten();
            let meta = meta(input).or(meta(&info.input));
            info.input = arguments.to_input_with_meta(meta);
        }
        let signals = Signals::listen()?;
        output::say(&format!(
            "runs activity {} with {}",
            info.activity_id, info.input
        ));
        let name = info.name.to_string();
        let worker = Worker::new(service, self.domain.clone(), registry)
            .jumbo(jumbo)
            .resources(resources);
        let stop = Stop::new();
        let (result, _) = signals.run(&stop, worker.rerun(info, &stop)).await;
        Ok((name, result))
    }
}
