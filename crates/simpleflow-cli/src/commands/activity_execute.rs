//! `activity.execute`: the process of an activity, for `worker.start --isolation process`.

use std::ffi::OsString;

use clap::Args;
use simpleflow_core::Registry;

use crate::error::CliError;
use crate::middlewares::MiddlewareOptions;
use crate::resources::ResourceOptions;

/// Run the activity that a worker hands over. Workers start this themselves.
#[derive(Args)]
pub(crate) struct ActivityExecute {
    #[command(flatten)]
    resources: ResourceOptions,

    #[command(flatten)]
    middlewares: MiddlewareOptions,
}

impl ActivityExecute {
    /// The name of the command.
    pub(crate) const NAME: &str = "activity.execute";

    /// The command line of such a process, without the program.
    pub(crate) fn command_line(
        resources: Vec<OsString>,
        middlewares: &MiddlewareOptions,
    ) -> Vec<OsString> {
        let name = [Self::NAME.into()].into_iter();
        name.chain(resources).chain(middlewares.args()).collect()
    }

    pub(crate) fn run(self, registry: Registry) -> Result<(), CliError> {
        let registry = self.middlewares.activate(registry)?;
        let resources = self.resources.of_process();
        simpleflow_executor::execute_activity(&registry, &resources).map_err(CliError::Execute)
    }
}
