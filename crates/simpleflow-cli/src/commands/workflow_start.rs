//! `workflow.start`: runs a workflow.

use std::path::PathBuf;

use clap::Args;
use simpleflow_core::Registry;
use simpleflow_executor::{Local, LocalError, LocalRun, Outcome, StartOptions};
use simpleflow_model::types::History;
use simpleflow_model::{SmolStr, WorkflowId, limits};

use crate::error::CliError;
use crate::{find, input, output};

/// Start a workflow, and with --local run it to its end here.
///
/// The result is printed as JSON. The exit code is 0 when the workflow completed, 1 when it
/// failed, 2 when it could not be started as asked.
#[derive(Args)]
#[command(after_help = "\
Examples:
  simpleflow workflow.start --local examples.basic.BasicWorkflow --input '[1, 5]'
  simpleflow workflow.start --local basic --input '{\"x\": 1}' --skip-time
  echo '{\"args\": [1], \"kwargs\": {\"t\": 5}}' |
    simpleflow workflow.start --local BasicWorkflow --input-file - --history history.json")]
pub(crate) struct WorkflowStart {
    /// The workflow: its path, its name, or the last part of its path.
    workflow: String,

    /// Run it in this process, with decider, workers and service: nothing else is needed.
    #[arg(long, required = true)]
    local: bool,

    /// The input as JSON: a list of arguments, an object of named ones, or
    /// {"args": [...], "kwargs": {...}}.
    #[arg(short, long, value_name = "JSON", conflicts_with = "input_file")]
    input: Option<String>,

    /// The file with the input; - is stdin.
    #[arg(long, value_name = "FILE")]
    input_file: Option<PathBuf>,

    /// The id of the execution. By default NAME-VERSION-SECONDS.
    #[arg(long, value_name = "ID")]
    workflow_id: Option<String>,

    /// The task list of the deciders. By default the workflow's.
    #[arg(long, value_name = "NAME")]
    task_list: Option<String>,

    /// How long the execution may be open, in seconds. By default the workflow's limit.
    #[arg(long, value_name = "SECONDS")]
    execution_timeout: Option<u32>,

    /// How long a decision may take, in seconds. By default the workflow's limit.
    #[arg(long, value_name = "SECONDS")]
    decision_tasks_timeout: Option<u32>,

    /// The tags of the execution, at most five.
    #[arg(long, value_name = "TAG,TAG", value_delimiter = ',')]
    tags: Vec<String>,

    /// Send a signal right after the start. May be given more than once.
    #[arg(long, value_name = "NAME[=JSON]")]
    signal: Vec<String>,

    /// Let no time pass: timers and time limits are over at once, in their order. Activities
    /// take the time they take.
    #[arg(long)]
    skip_time: bool,

    /// Write the history of the execution to a file, as GetWorkflowExecutionHistory gives it.
    #[arg(long, value_name = "FILE")]
    history: Option<PathBuf>,
}

impl WorkflowStart {
    pub(crate) fn run(self, registry: Registry) -> Result<(), CliError> {
        registry.check().map_err(LocalError::from)?;
        let entry = *find::workflow(&registry, &self.workflow)?;
        let input = input::read(self.input.as_deref(), self.input_file.as_deref())?;
        let options = self.options()?;
        let mut local = match self.skip_time {
            true => Local::with_virtual_time(registry)?,
            false => Local::new(registry)?,
        };
        let run = local.run(&entry, &input, options)?;
        if let Some(path) = &self.history {
            write_history(path, &run)?;
        }
        match run.outcome {
            Outcome::Completed(result) => output::print(format!("{result}\n").as_bytes()),
            outcome => Err(CliError::Workflow {
                workflow: entry.definition().path.to_string(),
                outcome,
            }),
        }
    }

    fn options(&self) -> Result<StartOptions, CliError> {
        let workflow_id = self
            .workflow_id
            .as_ref()
            .map(|id| {
                WorkflowId::new(id.as_str()).map_err(|problem| CliError::Option {
                    option: "--workflow-id",
                    value: id.clone(),
                    problem: problem.to_string(),
                })
            })
            .transpose()?;
        if self.tags.len() > limits::TAGS {
            return Err(CliError::Option {
                option: "--tags",
                value: self.tags.join(","),
                problem: format!("an execution has at most {} tags", limits::TAGS),
            });
        }
        Ok(StartOptions {
            workflow_id,
            tag_list: (!self.tags.is_empty())
                .then(|| self.tags.iter().map(SmolStr::from).collect()),
            execution_timeout: self.execution_timeout,
            decision_tasks_timeout: self.decision_tasks_timeout,
            task_list: self.task_list.as_ref().map(SmolStr::from),
            signals: self
                .signal
                .iter()
                .map(|signal| parse_signal(signal))
                .collect::<Result<_, _>>()?,
        })
    }
}

fn parse_signal(signal: &str) -> Result<(SmolStr, Option<SmolStr>), CliError> {
    let bad = |problem: String| CliError::Signal {
        signal: signal.to_owned(),
        problem,
    };
    let (name, input) = match signal.split_once('=') {
        Some((name, input)) => (name, Some(input)),
        None => (signal, None),
    };
    if name.is_empty() {
        return Err(bad("the name is empty".to_owned()));
    }
    if let Some(input) = input
        && let Err(error) = serde_json::from_str::<serde_json::Value>(input)
    {
        return Err(bad(format!("its payload is not JSON: {error}")));
    }
    Ok((name.into(), input.map(SmolStr::from)))
}

fn write_history(path: &PathBuf, run: &LocalRun) -> Result<(), CliError> {
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
    let written = serde_json::to_vec_pretty(&history)
        .map_err(std::io::Error::from)
        .and_then(|json| std::fs::write(path, json));
    written.map_err(|source| CliError::Write {
        path: path.clone(),
        source,
    })
}
