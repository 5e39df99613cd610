//! `workflow.restart`: starts an execution anew.

use clap::Args;

use crate::error::CliError;
use crate::on_swf::Execution;
use crate::output;

/// Start an execution anew, with the workflow id, the input and the settings that it had. While
/// it is open it is terminated first.
///
/// Prints the workflow id and the new run id.
#[derive(Args)]
pub(crate) struct WorkflowRestart {
    #[command(flatten)]
    execution: Execution,
}

impl WorkflowRestart {
    pub(crate) fn run(self) -> Result<(), CliError> {
        let new = self
            .execution
            .with(async |execution| Ok(execution.restart().await?))?;
        let id = new.id();
        output::print(format!("{} {}\n", id.workflow_id, id.run_id).as_bytes())
    }
}
