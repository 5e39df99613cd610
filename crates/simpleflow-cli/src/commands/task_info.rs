//! `task.info`: one task of an execution.

use clap::{ArgAction, Args};
use simpleflow_swf::history::{Attempt, Task, read_json};

use crate::error::CliError;
use crate::jumbo::Decode;
use crate::on_swf::On;
use crate::table::{Cell, Format, Table};

/// Show a task of an execution: its state, its input, its result, why it failed.
#[derive(Args)]
#[command(after_help = "\
Example:
  simpleflow --format human task.info quickstart order-7 activity-examples.basic.double-1")]
pub(crate) struct TaskInfo {
    /// The execution and the id of the task, as [DOMAIN] WORKFLOW_ID [RUN_ID] TASK_ID. The id
    /// is an activity id, the workflow id of a child, a timer id, or the name of a marker or
    /// signal.
    #[arg(value_name = "EXECUTION TASK_ID", required = true, num_args = 2..=4)]
    names: Vec<String>,

    /// The run id, in place of RUN_ID. By default the open run, or else the one that was started last.
    #[arg(long, value_name = "ID")]
    run_id: Option<String>,

    /// Show the details of a failure.
    #[arg(long, overrides_with = "no_details")]
    details: bool,

    /// Show no details; the default.
    #[arg(long, action = ArgAction::SetTrue, overrides_with = "details", hide = true)]
    no_details: bool,

    #[command(flatten)]
    decode: Decode,

    #[command(flatten)]
    on: On,
}

const COLUMNS: &[&str] = &[
    "type",
    "id",
    "name",
    "version",
    "state",
    "timestamp",
    "input",
    "result",
    "reason",
];

const WITH_DETAILS: &[&str] = &[
    "type",
    "id",
    "name",
    "version",
    "state",
    "timestamp",
    "input",
    "result",
    "reason",
    "details",
];

impl TaskInfo {
    pub(crate) fn run(self, format: Format) -> Result<(), CliError> {
        let Some((task_id, names)) = self.names.split_last() else {
            return Err(CliError::WhichExecution);
        };
        let which = self.on.which(names, self.run_id.as_deref())?;
        let (task, last) = self.on.with_values(which, async |execution, jumbo| {
            let history = execution.history().await?;
            let task = history.find(task_id).ok_or_else(|| CliError::NoTask {
                id: task_id.clone(),
                ids: history
                    .tasks()
                    .iter()
                    .map(|task| task.id.to_string())
                    .collect(),
            })?;
            let mut last = task.last().clone();
            let mut shown = vec![&mut last.input, &mut last.result, &mut last.reason];
            if self.details {
                shown.push(&mut last.details);
            }
            for value in shown {
                self.decode.value(value, &jumbo).await;
            }
            Ok((task.clone(), last))
        })?;
        let [
            kind,
            id,
            name,
            version,
            state,
            timestamp,
            input,
            result,
            reason,
        ] = row(&task, &last);
        let table = match self.details {
            false => {
                let mut table = Table::new(COLUMNS);
                table.push([
                    kind, id, name, version, state, timestamp, input, result, reason,
                ]);
                table
            }
            true => {
                let details = last.details.as_deref().into();
                let mut table = Table::new(WITH_DETAILS);
                table.push([
                    kind, id, name, version, state, timestamp, input, result, reason, details,
                ]);
                table
            }
        };
        table.print(format)
    }
}

fn row(task: &Task, last: &Attempt) -> [Cell; 9] {
    let input = last.input.as_deref();
    [
        task.kind.as_str().into(),
        task.id.as_str().into(),
        task.name.as_str().into(),
        task.version.as_deref().into(),
        last.state.as_str().into(),
        last.state_since().timestamp.into(),
        input.map_or(Cell::Missing, |input| Cell::Json(read_json(input))),
        last.result.as_deref().into(),
        last.failure().into(),
    ]
}
