//! `workflow.restart`: starts an execution anew.

use clap::Args;
use simpleflow_executor::values;
use simpleflow_jumbo::Jumbo;
use simpleflow_model::operation::StartWorkflowExecution;
use simpleflow_swf::WorkflowExecution;

use crate::connect::AnyService;
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
            .with_values(async |execution, jumbo| restart(&execution, &jumbo).await)?;
        let id = new.id();
        output::print(format!("{} {}\n", id.workflow_id, id.run_id).as_bytes())
    }
}

/// A long input is written anew: what the former run names may be removed before the new one ends.
async fn restart(
    execution: &WorkflowExecution<AnyService>,
    jumbo: &Jumbo,
) -> Result<WorkflowExecution<AnyService>, CliError> {
    let renew = async |start: &mut StartWorkflowExecution| {
        values::decode(Some(jumbo), start).await?;
        values::encode(Some(jumbo), start).await?;
        Ok::<_, CliError>(())
    };
    execution.restart_as(renew).await
}
