//! `activity.execute`: the process of an activity, for `worker.start --isolation process`.

use clap::Args;
use simpleflow_core::Registry;

use crate::error::CliError;

/// Run the activity that a worker hands over. Workers start this themselves.
#[derive(Args)]
pub(crate) struct ActivityExecute;

impl ActivityExecute {
    /// The name of the command.
    pub(crate) const NAME: &str = "activity.execute";

    pub(crate) fn run(self, registry: &Registry) -> Result<(), CliError> {
        simpleflow_executor::execute_activity(registry).map_err(CliError::Execute)
    }
}
