//! Where values go that are longer than SWF's fields.
//!
//! In this order: the place that `SIMPLEFLOW_JUMBO_FIELDS_BUCKET` names; a folder of the data
//! directory, if the server in the box is the service. Else they are refused, and those of others are
//! read.

use std::path::Path;

use clap::Args;
use simpleflow_aws::Places;
use simpleflow_core::objects::Place;
use simpleflow_executor::values;
use simpleflow_jumbo::{Jumbo, Settings, SettingsError};
use simpleflow_model::SmolStr;
use simpleflow_swf::{History, WorkflowExecution};

use crate::connect::AnyService;
use crate::error::CliError;
use crate::output;

/// The folder in the data directory.
const FOLDER: &str = "values";

/// The codec for a service whose data is in this directory, if it is on this machine.
pub(crate) fn jumbo(data_dir: Option<&Path>) -> Result<Jumbo, CliError> {
    let settings = Settings::from_env()?;
    let places = Places::new();
    let open = move |place: &Place| places.open(place);
    let folder = data_dir.map(|dir| Place::Folder(dir.join(FOLDER)));
    let (None, Some(folder)) = (&settings.place, folder) else {
        return Ok(Jumbo::new(settings, open)?);
    };
    let in_folder = Settings {
        place: Some(folder),
        ..settings.clone()
    };
    match Jumbo::new(in_folder, open.clone()) {
        // Nobody chose it.
        Err(error @ (SettingsError::PlaceTooLong { .. } | SettingsError::Path(_))) => {
            tracing::warn!("values that are longer than SWF's fields are refused: {error}");
            Ok(Jumbo::new(settings, open)?)
        }
        made => Ok(made?),
    }
}

/// The codec of an execution that ends with this process.
pub(crate) fn local() -> Result<Jumbo, CliError> {
    Ok(Jumbo::in_memory_with(Settings::from_env()?))
}

/// How values are shown that are elsewhere: an option of commands that show some.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Decode {
    /// Show the values that were longer than SWF's fields, in place of their signatures.
    #[arg(long)]
    decode: bool,
}

impl Decode {
    /// The history of an execution. Values that cannot be got stay signatures, and are told.
    pub(crate) async fn history(
        self,
        execution: &WorkflowExecution<AnyService>,
        jumbo: &Jumbo,
    ) -> Result<History, CliError> {
        let history = execution.history().await?;
        match self.decode {
            true => Ok(decoded(&history, jumbo).await),
            false => Ok(history),
        }
    }

    /// A value that is shown. One that cannot be got stays its signature, and is told.
    pub(crate) async fn value(self, value: &mut Option<SmolStr>, jumbo: &Jumbo) {
        let Some(text) = value.as_deref().filter(|_| self.decode) else {
            return;
        };
        match jumbo.decode(text).await {
            Ok(None) => {}
            Ok(Some(whole)) => *value = Some(whole.into()),
            Err(lost) => tell(&lost),
        }
    }
}

/// A history with its values. Those that cannot be got stay signatures, and are told.
pub(crate) async fn decoded(history: &History, jumbo: &Jumbo) -> History {
    let mut events = history.events().to_vec();
    for lost in values::decode_each(Some(jumbo), &mut *events).await {
        tell(&lost);
    }
    History::new(events)
}

fn tell(lost: &dyn std::fmt::Display) {
    output::say(&format!("a value is shown as its signature: {lost}"));
}

/// Whether values go to the folder in this directory, which all domains of the service have.
pub(crate) fn is_in(data_dir: &Path, jumbo: &Jumbo) -> bool {
    let place = jumbo.place().and_then(|place| place.parse().ok());
    let Some(Place::Folder(place)) = place else {
        return false;
    };
    let whole = |path: &Path| {
        let found = path.canonicalize().or_else(|_| std::path::absolute(path));
        found.unwrap_or_else(|_| path.to_owned())
    };
    whole(&place) == whole(&data_dir.join(FOLDER))
}
