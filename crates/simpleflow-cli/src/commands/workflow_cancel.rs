//! `workflow.cancel`: asks an execution to cancel itself.

use clap::Args;

use crate::error::CliError;
use crate::on_swf::Execution;

/// Ask an execution to cancel itself. Its decider decides what comes of it.
#[derive(Args)]
pub(crate) struct WorkflowCancel {
    #[command(flatten)]
    execution: Execution,
}

impl WorkflowCancel {
    pub(crate) fn run(self) -> Result<(), CliError> {
        self.execution
            .with(async |execution| Ok(execution.request_cancel().await?))
    }
}
