//! Markers as the code reads them.

use serde::de::DeserializeOwned;
use simpleflow_model::{SmolStr, Timestamp};

/// A marker that the workflow recorded: see [`Flow::list_markers`](crate::Flow::list_markers).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marker {
    /// Its name.
    pub name: SmolStr,
    /// Its details: JSON text, or a [`Raw`](crate::Raw).
    pub details: SmolStr,
    /// When the workflow recorded it: the [`now`](crate::Flow::now) of that moment.
    pub recorded: Timestamp,
}

impl Marker {
    /// The details as a value.
    ///
    /// # Errors
    /// When they are not a `T`.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        crate::raw::from_text(&self.details)
    }
}
