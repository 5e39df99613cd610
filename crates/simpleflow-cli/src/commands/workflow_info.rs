//! `workflow.info`: what an execution is.

use clap::Args;
use simpleflow_swf::history::read_json;
use simpleflow_swf::profile::seconds;

use crate::error::CliError;
use crate::jumbo::Decode;
use crate::on_swf::Execution;
use crate::table::{Cell, Format, Table};

/// Show what an execution is: its type, its task list, its tags, its time and its input.
#[derive(Args)]
pub(crate) struct WorkflowInfo {
    #[command(flatten)]
    execution: Execution,

    #[command(flatten)]
    decode: Decode,
}

const COLUMNS: &[&str] = &[
    "domain",
    "workflow_type.name",
    "workflow_type.version",
    "task_list",
    "workflow_id",
    "run_id",
    "tag_list",
    "execution_time",
    "input",
];

impl WorkflowInfo {
    pub(crate) fn run(self, format: Format) -> Result<(), CliError> {
        let table = self.execution.with_values(async |execution, jumbo| {
            let history = execution.history().await?;
            let started = history.started();
            let tags = started.and_then(|started| started.tag_list.as_ref());
            let tags: Vec<_> = tags.into_iter().flatten().flatten().collect();
            let tags: Vec<_> = tags.iter().map(|tag| tag.as_str()).collect();
            let mut input = started.and_then(|started| started.input.clone());
            self.decode.value(&mut input, &jumbo).await;
            let text = |text: Option<&str>| Cell::from(text);
            let id = execution.id();
            let mut table = Table::new(COLUMNS);
            table.push([
                execution.domain().name().as_str().into(),
                text(started.map(|started| started.workflow_type.name.as_str())),
                text(started.map(|started| started.workflow_type.version.as_str())),
                text(started.map(|started| started.task_list.name.as_str())),
                id.workflow_id.as_str().into(),
                id.run_id.as_str().into(),
                tags.join(",").into(),
                seconds(history.elapsed()).into(),
                input.map_or(Cell::Missing, |input| Cell::Json(read_json(&input))),
            ]);
            Ok(table)
        })?;
        table.print(format)
    }
}
