//! What activities are given beside their input.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use simpleflow_core::objects::{Objects, Place};
use simpleflow_core::{Failure, Metrology, OpenPlace, payload};
use simpleflow_swf::metrology::activity_key;

use crate::binaries::{Binaries, Binary};

/// Where metrics are among the objects of activities, unless they have a place of their own.
const METROLOGY: &str = "metrology";

/// How long metrics may take to be written: they hold up the answer of their activity.
const WRITE: Duration = Duration::from_secs(30);

/// What a worker gives its activities beside their input.
#[derive(Clone)]
pub struct Resources {
    pub(crate) objects: Objects,
    metrology: Objects,
    pub(crate) places: Option<OpenPlace>,
    binaries: Option<Binaries>,
}

impl Resources {
    /// Activities that keep [objects](simpleflow_core::ActivityContext::objects) at this place, and
    /// their metrics under `metrology/` there.
    pub fn new(objects: Objects) -> Self {
        Self {
            metrology: objects.under(METROLOGY),
            objects,
            places: None,
            binaries: None,
        }
    }

    /// Has the [metrics](simpleflow_core::ActivityContext::metrology) of activities written to this
    /// place instead.
    #[must_use]
    pub fn metrology(mut self, place: Objects) -> Self {
        self.metrology = place;
        self
    }

    /// Where the metrics of activities are:
    /// [`merge_metrology`](simpleflow_swf::WorkflowExecution::merge_metrology) takes it.
    pub fn metrology_place(&self) -> &Objects {
        &self.metrology
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

/// The metrics of an activity, and where they go.
#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    taken: Metrology,
    place: Objects,
}

impl Metrics {
    /// Those of an activity with these resources.
    pub(crate) fn new(taken: &Metrology, resources: &Resources) -> Self {
        Self {
            taken: taken.clone(),
            place: resources.metrology.clone(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.taken.is_empty()
    }

    /// Writes them, if there are any. An activity does not fail because its metrics are lost.
    pub(crate) async fn write(&self) {
        let Some(json) = self.taken.to_json() else {
            return;
        };
        let info = self.taken.info();
        let key = activity_key(&info.workflow_id, &info.run_id, &info.activity_id);
        let lost = match tokio::time::timeout(WRITE, self.place.put(&key, json)).await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("{} does not answer", self.place.url()),
        };
        tracing::warn!(activity_id = %info.activity_id, "the metrics are lost: {lost}");
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
        let inherited = std::env::var_os("PATH");
        if let Some(path) = self.path(inherited.as_deref()) {
            command.env("PATH", path);
        }
    }

    /// The directories of the binaries, and then those of a PATH. One that is empty has none: split, it
    /// would be the current directory.
    fn path(&self, inherited: Option<&OsStr>) -> Option<OsString> {
        let inherited = inherited.filter(|path| !path.is_empty());
        let inherited = inherited.into_iter().flat_map(std::env::split_paths);
        let files = self.files();
        let directories = files.filter_map(|(_, file)| Some(file.parent()?.to_owned()));
        // A name of a directory with a colon could not be in it; those of binaries have none.
        std::env::join_paths(directories.chain(inherited)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binaries_are_first_in_a_path_that_has_nothing_else_of_its_own() {
        let binaries = Binaries::new("/b", |_| Objects::memory());
        let resources = Resources::default().binaries(binaries);
        let input = r#"{"args": [], "meta": {"binaries": {"ffmpeg": "s3://tools/v1/ffmpeg"}}}"#;
        let needed = resources.needed(input).unwrap();
        let own = needed.path(None).unwrap().into_string().unwrap();
        assert!(own.starts_with("/b/") && !own.contains(':'), "{own}");
        assert_eq!(needed.path(Some(OsStr::new(""))), Some(own.clone().into()));
        let both = needed.path(Some(OsStr::new("/bin:/usr/bin"))).unwrap();
        assert_eq!(both, OsString::from(format!("{own}:/bin:/usr/bin")));
    }
}
