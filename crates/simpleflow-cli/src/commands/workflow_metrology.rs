//! `workflow.metrology`: the metrics of an execution.

use clap::Args;
use simpleflow_swf::metrology::execution_key;

use crate::error::CliError;
use crate::on_swf::Execution;
use crate::output;
use crate::resources::ResourceOptions;
use crate::table::Format;

/// Put the metrics that the activities of an execution left together with its history.
///
/// They are printed as JSON, and written beside those of the activities as metrology.json. Of an
/// execution that is open there is what was measured so far; the command may be run again.
#[derive(Args)]
#[command(after_help = "\
Examples:
  simpleflow workflow.metrology quickstart order-7
  simpleflow workflow.metrology quickstart order-7 --metrology s3://metrics/simpleflow")]
pub(crate) struct WorkflowMetrology {
    #[command(flatten)]
    execution: Execution,

    #[command(flatten)]
    resources: ResourceOptions,
}

impl WorkflowMetrology {
    pub(crate) fn run(self, format: Format) -> Result<(), CliError> {
        let resources = &self.resources;
        let (metrics, written) =
            self.execution
                .with_resources(resources, async |execution, resources| {
                    let (id, place) = (execution.id(), resources.metrology_place());
                    let key = execution_key(&id.workflow_id, &id.run_id);
                    let metrics = execution.merge_metrology(place).await?;
                    Ok((metrics, format!("{}/{key}", place.url())))
                })?;
        output::say(&format!("The metrics are in {written}"));
        format.print_json(&metrics)
    }
}
