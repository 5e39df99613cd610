//! `activity.execute`: the process of an activity, for `worker.start --isolation process`.

use std::ffi::OsString;

use clap::Args;
use simpleflow_aws::Places;
use simpleflow_core::Registry;
use simpleflow_core::objects::Place;
use simpleflow_executor::Resources;

use crate::error::CliError;

/// Run the activity that a worker hands over. Workers start this themselves.
#[derive(Args)]
pub(crate) struct ActivityExecute {
    /// Where it keeps its objects.
    #[arg(long, value_name = "URL", value_parser = |url: &str| url.parse::<Place>())]
    objects: Place,
}

impl ActivityExecute {
    /// The name of the command.
    pub(crate) const NAME: &str = "activity.execute";

    /// The command line of such a process, without the program.
    pub(crate) fn command_line(objects: &Place) -> Vec<OsString> {
        let objects = objects.to_string();
        vec![Self::NAME.into(), "--objects".into(), objects.into()]
    }

    pub(crate) fn run(self, registry: Registry) -> Result<(), CliError> {
        let resources = Resources::new(Places::new().open(&self.objects));
        simpleflow_executor::execute_activity(&registry, &resources).map_err(CliError::Execute)
    }
}
