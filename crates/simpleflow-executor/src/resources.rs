//! What activities are given beside their input.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use simpleflow_core::objects::{Objects, Place};
use simpleflow_core::{Failure, OpenPlace, payload};

use crate::binaries::{Binaries, Binary};

/// What a worker gives its activities beside their input.
#[derive(Clone)]
pub struct Resources {
    pub(crate) objects: Objects,
    pub(crate) places: Option<OpenPlace>,
    binaries: Option<Binaries>,
}

impl Resources {
    /// Activities that keep [objects](simpleflow_core::ActivityContext::objects) at this place.
    pub fn new(objects: Objects) -> Self {
        Self {
            objects,
            places: None,
            binaries: None,
        }
    }

    /// Has other places, which activities [name](simpleflow_core::ActivityContext::open), opened like this.
    #[must_use]
    pub fn places(mut self, open: impl Fn(&Place) -> Objects + Send + Sync + 'static) -> Self {
        self.places = Some(Arc::new(open));
        self
    }

    /// Has the binaries that activities ask for downloaded like this.
    #[must_use]
    pub fn binaries(mut self, binaries: Binaries) -> Self {
        self.binaries = Some(binaries);
        self
    }

    /// The binaries that an input asks for.
    ///
    /// # Errors
    /// They cannot be read, or nothing is said of how to download some.
    pub(crate) fn needed(&self, input: &str) -> Result<Needed, Failure> {
        let asked = payload::binaries(input)?;
        if asked.is_empty() {
            return Ok(Needed::default());
        }
        let Some(binaries) = &self.binaries else {
            return Err(Failure::new(
                "the activity needs binaries, and its worker cannot download any: give it some with \
                 Resources::binaries",
                None,
            ));
        };
        let named = asked
            .iter()
            .map(|(name, location)| Binary::new(name, location))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| Failure::new(error.to_string(), None))?;
        Ok(Needed {
            binaries: Some(binaries.clone()),
            named,
        })
    }
}

impl fmt::Debug for Resources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resources")
            .field("objects", &self.objects)
            .field("binaries", &self.binaries)
            .finish_non_exhaustive()
    }
}

impl Default for Resources {
    /// No place for objects: what an activity asks of it fails, with what to do about it.
    fn default() -> Self {
        Self::new(Objects::nowhere(
            "this worker was given no place for objects: give it one with Worker::resources",
        ))
    }
}

/// The binaries that an activity needs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Needed {
    binaries: Option<Binaries>,
    named: Vec<Binary>,
}

impl Needed {
    pub(crate) fn is_empty(&self) -> bool {
        self.named.is_empty()
    }

    /// Downloads those that are not there.
    ///
    /// # Errors
    /// One cannot be had.
    pub(crate) async fn fetch(&self) -> Result<(), Failure> {
        for binary in &self.named {
            if let Some(binaries) = &self.binaries {
                let fetched = binaries.fetch(binary).await;
                fetched.map_err(|error| Failure::new(error.to_string(), None))?;
            }
        }
        Ok(())
    }

    /// The names of the binaries with the files that they are or will be.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&str, PathBuf)> {
        let binaries = self.binaries.iter();
        binaries.flat_map(|binaries| {
            let named = self.named.iter();
            named.map(|binary| (binary.name(), binaries.path(binary)))
        })
    }

    /// The file of a binary.
    pub(crate) fn file(&self, name: &str) -> Option<PathBuf> {
        let mut files = self.files();
        files.find_map(|(it, file)| (it == name).then_some(file))
    }

    /// Has a process find the binaries by their names: they are before all else in its PATH.
    pub(crate) fn put_in_path(&self, command: &mut tokio::process::Command) {
        if self.is_empty() {
            return;
        }
        let inherited = std::env::var_os("PATH").unwrap_or_default();
        let files = self.files();
        let directories = files.filter_map(|(_, file)| Some(file.parent()?.to_owned()));
        let all = directories.chain(std::env::split_paths(&inherited));
        // A name of a directory with a colon could not be in it; those of binaries have none.
        if let Ok(path) = std::env::join_paths(all) {
            command.env("PATH", path);
        }
    }
}
