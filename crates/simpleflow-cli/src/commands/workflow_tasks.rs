//! `workflow.tasks`: the tasks of an execution.

use clap::Args;
use simpleflow_swf::history::TaskKind;

use crate::error::CliError;
use crate::on_swf::Execution;
use crate::table::{Cell, Format, Table};

/// List the tasks of an execution, the newest first: activities, children and signals.
#[derive(Args)]
pub(crate) struct WorkflowTasks {
    #[command(flatten)]
    execution: Execution,

    /// How many to list at most.
    #[arg(short, long, value_name = "COUNT")]
    nb_tasks: Option<usize>,
}

const COLUMNS: &[&str] = &["Tasks", "Last State", "Last State Time", "Scheduled Time"];

impl WorkflowTasks {
    pub(crate) fn run(self, format: Format) -> Result<(), CliError> {
        let history = self
            .execution
            .with(async |execution| Ok(execution.history().await?))?;
        let mut table = Table::new(COLUMNS);
        let tasks = history.tasks().iter().rev().filter(|task| {
            matches!(
                task.kind,
                TaskKind::Activity
                    | TaskKind::LambdaFunction
                    | TaskKind::ChildWorkflow
                    | TaskKind::Signal
            )
        });
        for task in tasks.take(self.nb_tasks.unwrap_or(usize::MAX)) {
            let last = task.last();
            let scheduled = match task.kind {
                TaskKind::Signal => Cell::Missing,
                _ => last.scheduled.timestamp.into(),
            };
            table.push([
                task.name.as_str().into(),
                last.state.as_str().into(),
                last.state_since().timestamp.into(),
                scheduled,
            ]);
        }
        table.print(format)
    }
}
