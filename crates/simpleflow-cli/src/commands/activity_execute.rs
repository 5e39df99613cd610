//! `activity.execute`: the process of an activity, for `worker.start --isolation process`.

use std::ffi::OsString;

use clap::Args;
use simpleflow_aws::Places;
use simpleflow_core::Registry;
use simpleflow_core::objects::{Objects, Place};

use crate::error::CliError;
use crate::middlewares::MiddlewareOptions;
use crate::resources::resources;

/// Run the activity that a worker hands over. Workers start this themselves.
#[derive(Args)]
pub(crate) struct ActivityExecute {
    /// Where it keeps its objects. A worker of a program's own need not have a place.
    #[arg(long, value_name = "URL", value_parser = |url: &str| url.parse::<Place>())]
    objects: Option<Place>,

    #[command(flatten)]
    middlewares: MiddlewareOptions,
}

impl ActivityExecute {
    /// The name of the command.
    pub(crate) const NAME: &str = "activity.execute";

    /// The command line of such a process, without the program.
    pub(crate) fn command_line(objects: &Place, middlewares: &MiddlewareOptions) -> Vec<OsString> {
        let objects = format!("--objects={objects}");
        let options = [Self::NAME.into(), objects.into()];
        options.into_iter().chain(middlewares.args()).collect()
    }

    pub(crate) fn run(self, registry: Registry) -> Result<(), CliError> {
        let registry = self.middlewares.activate(registry)?;
        let places = Places::new();
        let objects = match &self.objects {
            Some(place) => places.open(place),
            None => Objects::nowhere("the worker of this process gave it no place for objects"),
        };
        let resources = resources(objects, places);
        simpleflow_executor::execute_activity(&registry, &resources).map_err(CliError::Execute)
    }
}
