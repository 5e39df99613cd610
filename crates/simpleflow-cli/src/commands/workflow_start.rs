//! `workflow.start`: runs a workflow.

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::SystemTime;

use clap::Args;
use simpleflow_core::payload::ArgumentError;
use simpleflow_core::{Registry, WorkflowEntry};
use simpleflow_executor::{
    Follow, Local, LocalError, LocalRun, Outcome, StartOptions, start, values,
};
use simpleflow_model::types::History;
use simpleflow_model::{DomainName, SignalName, SmolStr, TaskListName, Timestamp, WorkflowId};

use super::ExecutionOptions;
use crate::connect::{Connection, DataDir};
use crate::error::CliError;
use crate::jumbo;
use crate::middlewares::MiddlewareOptions;
use crate::resources::LocalResourceOptions;
use crate::{find, input, output};

/// Start a workflow: on SWF for its deciders and workers, or with --local to its end here.
///
/// A workflow that needs arguments and is given no input reads it from stdin, unless that is a
/// terminal.
///
/// On SWF the workflow id and the run id are printed. With --wait or --local the result is, as JSON,
/// and the exit code is 0 when the workflow completed, 1 when it failed.
#[derive(Args)]
#[command(after_help = "\
Examples:
  simpleflow workflow.start --local examples.basic.BasicWorkflow --input '[1, 5]'
  simpleflow workflow.start --local basic --input '{\"x\": 1}' --skip-time
  simpleflow workflow.start --domain TestDomain basic --input '[1, 5]' --workflow-id basic-1
  simpleflow workflow.start --domain TestDomain basic --input '[1, 5]' --wait
  echo '{\"args\": [1], \"kwargs\": {\"t\": 5}}' |
    simpleflow workflow.start --local BasicWorkflow --input-file - --history history.json")]
pub(crate) struct WorkflowStart {
    /// The workflow: its path, its name, or the last part of its path.
    workflow: String,

    /// Run it in this process, with decider, workers and service: nothing else is needed.
    #[arg(long)]
    local: bool,

    /// The domain to start it in.
    #[arg(
        short,
        long,
        value_name = "NAME",
        env = "SWF_DOMAIN",
        value_parser = |name: &str| DomainName::new(name)
    )]
    domain: Option<DomainName>,

    #[command(flatten)]
    data_dir: DataDir,

    /// The id of the execution. By default NAME-VERSION-SECONDS.
    #[arg(long, value_name = "ID", value_parser = |id: &str| WorkflowId::new(id))]
    workflow_id: Option<WorkflowId>,

    /// The task list of the deciders. By default the workflow's.
    #[arg(long, value_name = "NAME", value_parser = |name: &str| TaskListName::new(name))]
    task_list: Option<TaskListName>,

    #[command(flatten)]
    execution: ExecutionOptions,

    #[command(flatten)]
    middlewares: MiddlewareOptions,

    #[command(flatten)]
    resources: LocalResourceOptions,

    /// Send a signal right after the start. May be given more than once.
    #[arg(long, value_name = "NAME[=JSON]", value_parser = parse_signal)]
    signal: Vec<Signal>,

    /// Wait until the execution is closed, through the runs that it continues as, and print its
    /// result. It goes on when this command is interrupted.
    #[arg(long, conflicts_with = "local")]
    wait: bool,

    /// Let no time pass: timers and time limits are over at once, in their order. Activities
    /// take the time they take.
    #[arg(long, requires = "local")]
    skip_time: bool,

    /// Write the history of the execution to a file, as GetWorkflowExecutionHistory gives it.
    #[arg(long, value_name = "FILE", requires = "local")]
    history: Option<PathBuf>,
}

#[derive(Clone)]
struct Signal {
    name: SignalName,
    input: Option<SmolStr>,
}

impl WorkflowStart {
    pub(crate) fn run(self, registry: Registry) -> Result<(), CliError> {
        registry.check().map_err(LocalError::from)?;
        let of_activities = self.middlewares.first().or(self.resources.first());
        let registry = match of_activities {
            Some((option, value)) if !self.local => {
                return Err(CliError::Option {
                    option,
                    value: value.to_owned(),
                    problem: "it is for activities that run here: add --local, or give it to \
                              worker.start"
                        .to_owned(),
                });
            }
            _ => self.middlewares.activate(registry)?,
        };
        let entry = *find::workflow(&registry, &self.workflow)?;
        let input = match self.execution.input()? {
            Some(input) => input,
            // Only when it cannot do without: a stdin that nobody closes would hold on the others.
            None if matches!(entry.check_input(""), Err(ArgumentError::Missing { .. })) => {
                input::piped()?
            }
            None => String::new(),
        };
        let options = self.options()?;
        if !self.local {
            let domain = self.domain.as_ref().ok_or(CliError::NoDomain)?;
            let runtime = tokio::runtime::Runtime::new().map_err(CliError::Runtime)?;
            let started = self.start_on_swf(domain, &entry, &input, options);
            let Some(outcome) = runtime.block_on(started)? else {
                return Ok(());
            };
            return output::outcome(&entry, outcome);
        }
        let jumbo = jumbo::local()?;
        // Before the run: afterwards its result would be lost.
        let history = self.history.map(HistoryFile::create).transpose()?;
        let mut local = match self.skip_time {
            true => Local::with_virtual_time(registry)?,
            false => Local::new(registry)?,
        }
        .resources(self.resources.resources())
        .jumbo(jumbo);
        let run = local.run(&entry, &input, options)?;
        if let Some(file) = history {
            file.write(&run)?;
        }
        output::outcome(&entry, run.outcome)
    }

    /// Starts it for deciders and workers elsewhere. Gives its outcome if that is waited for.
    async fn start_on_swf(
        &self,
        domain: &DomainName,
        workflow: &WorkflowEntry,
        input: &str,
        options: StartOptions,
    ) -> Result<Option<Outcome>, CliError> {
        let connection = Connection::open(&self.data_dir, domain).await?;
        if self.wait && connection.is_own() {
            return Err(CliError::Option {
                option: "--wait",
                value: self.workflow.clone(),
                problem: "no server runs, so nobody would work on it: start one with \
                          server.start, or run it with standalone"
                    .to_owned(),
            });
        }
        connection.announce(domain);
        let now = Timestamp::from(SystemTime::now());
        let jumbo = connection.jumbo()?;
        let options = StartOptions {
            jumbo: Some(jumbo.clone()),
            ..options
        };
        let service = &connection.service;
        let started = start(service, domain, workflow, input, &options, now).await?;
        output::print(format!("{} {}\n", started.workflow_id, started.run_id).as_bytes())?;
        let mut outcome = None;
        if self.wait {
            let mut follow = Follow::new(service.clone(), domain.clone(), started);
            let mut end = follow.end(connection.look()).await?;
            values::decode(Some(&jumbo), &mut end).await?;
            outcome = Outcome::of(&end.attributes);
        }
        connection.close().await?;
        Ok(outcome)
    }

    fn options(&self) -> Result<StartOptions, CliError> {
        Ok(StartOptions {
            task_list: self.task_list.as_ref().map(|name| name.as_str().into()),
            signals: self
                .signal
                .iter()
                .map(|signal| (signal.name.as_str().into(), signal.input.clone()))
                .collect(),
            ..self.execution.start_options(self.workflow_id.as_ref())?
        })
    }
}

fn parse_signal(signal: &str) -> Result<Signal, String> {
    let (name, input) = match signal.split_once('=') {
        Some((name, input)) => (name, Some(input)),
        None => (signal, None),
    };
    let name = SignalName::new(name).map_err(|problem| problem.to_string())?;
    if let Some(input) = input
        && let Err(error) = serde_json::from_str::<serde_json::Value>(input)
    {
        return Err(format!(
            "its payload is not JSON: {error}; expected NAME or NAME=JSON, such as \
             approved='{{\"by\": \"ann\"}}'"
        ));
    }
    Ok(Signal {
        name,
        input: input.map(SmolStr::from),
    })
}

/// The file that the history goes to.
struct HistoryFile {
    path: PathBuf,
    file: File,
}

impl HistoryFile {
    fn create(path: PathBuf) -> Result<Self, CliError> {
        match File::create(&path) {
            Ok(file) => Ok(Self { path, file }),
            Err(source) => Err(CliError::Write { path, source }),
        }
    }

    fn write(mut self, run: &LocalRun) -> Result<(), CliError> {
        let mut history = History {
            events: run.history.clone(),
            ..History::default()
        };
        // Ids of children are made from the run id, so a replay needs it; the service's own answer
        // leaves it out.
        let execution = serde_json::json!({
            "workflowId": run.execution.workflow_id,
            "runId": run.execution.run_id,
        });
        history
            .unknown
            .insert("workflowExecution".to_owned(), execution);
        serde_json::to_vec_pretty(&history)
            .map_err(std::io::Error::from)
            .and_then(|json| self.file.write_all(&json))
            .map_err(|source| CliError::Write {
                path: self.path,
                source,
            })
    }
}
