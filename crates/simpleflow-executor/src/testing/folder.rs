//! Recorded histories as tests: a folder of them, held against today's code.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use simpleflow_core::Registry;
use simpleflow_core::testing::{InvalidHistory, RecordedHistory, Replay, ReplayFailed};
use simpleflow_model::EventAttributes;

/// The replay of all histories in a folder: the files whose names end with `.json`, in it and in the
/// folders in it. A relative path is from the package's own folder, as Cargo runs tests there.
///
/// Each history is of the workflow that it says, among those that are linked into the program. It
/// may be in any form that [`RecordedHistory::parse`] reads: what `workflow.history` and the AWS CLI
/// print can be put there as it is. A file with the execution in it, as `workflow.start --history`
/// writes it, is needed where random values, or the ids of children, depend on it.
///
/// ```no_run
/// use simpleflow_executor::testing::replay_folder;
///
/// replay_folder("tests/histories").check()?;
/// # Ok::<(), simpleflow_executor::testing::FolderFailed>(())
/// ```
pub fn replay_folder(folder: impl Into<PathBuf>) -> ReplayFolder {
    ReplayFolder {
        folder: folder.into(),
        registry: None,
    }
}

/// The replay of a folder of histories. Made by [`replay_folder`].
#[must_use = "a replay does nothing until it is asked"]
pub struct ReplayFolder {
    folder: PathBuf,
    registry: Option<Registry>,
}

/// Why a folder of histories does not pass.
#[derive(Debug, thiserror::Error)]
pub enum FolderFailed {
    /// A folder or a file in it cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is no history in it.
    #[error("there is no history in {}: expected files with names that end with .json", .0.display())]
    Empty(PathBuf),
    /// Histories that cannot be replayed.
    #[error("{} of {replayed} histories in {} cannot be replayed:{}", failed.len(), folder.display(), Told(failed))]
    Histories {
        /// The folder.
        folder: PathBuf,
        /// How many there are.
        replayed: usize,
        /// Those that cannot be replayed, by their paths, and why.
        failed: Vec<(PathBuf, HistoryFailed)>,
    },
}

/// Why a history of a folder does not pass.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum HistoryFailed {
    /// The code does not do what it says, or it cannot be read.
    #[error(transparent)]
    Replay(#[from] ReplayFailed),
    /// It does not begin with the start of an execution.
    #[error("its first event is no WorkflowExecutionStarted")]
    NoStart,
    /// No workflow of the program is of its type.
    #[error(
        "its workflow type {name:?} version {version:?} is not in this program, which has {known}"
    )]
    UnknownType {
        /// The name of the type.
        name: String,
        /// Its version.
        version: String,
        /// What the program has.
        known: String,
    },
}

struct Told<'a>(&'a [(PathBuf, HistoryFailed)]);

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut failed = self.0.iter();
        failed.try_for_each(|(path, failed)| write!(f, "\n\n{}: {failed}", path.display()))
    }
}

impl ReplayFolder {
    /// Takes the workflows of a registry instead of those that are linked into the program.
    pub fn registry(mut self, registry: Registry) -> Self {
        self.registry = Some(registry);
        self
    }

    /// Checks that the workflows decide what each history says that they decided. Says how many
    /// histories there are.
    ///
    /// # Errors
    /// [`FolderFailed`], whose message says for each history where it and the code part.
    pub fn check(self) -> Result<usize, FolderFailed> {
        let registry = self.registry.unwrap_or_else(Registry::linked);
        let mut files = Vec::new();
        find(&self.folder, &mut files)?;
        if files.is_empty() {
            return Err(FolderFailed::Empty(self.folder));
        }
        let replayed = files.len();
        let mut failed = Vec::new();
        for path in files {
            let text = read(&path, |path| fs::read_to_string(path))?;
            if let Err(error) = check(&registry, &text) {
                failed.push((path, error));
            }
        }
        match failed.is_empty() {
            true => Ok(replayed),
            false => Err(FolderFailed::Histories {
                folder: self.folder,
                replayed,
                failed,
            }),
        }
    }
}

fn read<T>(path: &Path, read: impl FnOnce(&Path) -> io::Result<T>) -> Result<T, FolderFailed> {
    read(path).map_err(|source| FolderFailed::Unreadable {
        path: path.to_owned(),
        source,
    })
}

/// Adds the histories in a folder, by their names.
fn find(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), FolderFailed> {
    let entries = read(folder, |folder| {
        fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()
    })?;
    let mut paths: Vec<_> = entries.into_iter().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            find(&path, files)?;
        } else if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            files.push(path);
        }
    }
    Ok(())
}

fn check(registry: &Registry, text: &str) -> Result<(), HistoryFailed> {
    let unreadable = |error: InvalidHistory| ReplayFailed::from(error);
    let history = RecordedHistory::parse(text).map_err(unreadable)?;
    let first = history.events.first().map(|event| &event.attributes);
    let Some(EventAttributes::WorkflowExecutionStarted(started)) = first else {
        return Err(HistoryFailed::NoStart);
    };
    let (name, version) = (
        started.workflow_type.name.as_str(),
        started.workflow_type.version.as_str(),
    );
    let Some(entry) = registry.find_workflow(name, version) else {
        let known = registry.workflows().map(|entry| {
            let definition = entry.definition();
            format!("{:?} version {:?}", definition.name, definition.version)
        });
        let known = known.collect::<Vec<_>>().join(", ");
        return Err(HistoryFailed::UnknownType {
            name: name.to_owned(),
            version: version.to_owned(),
            known: if known.is_empty() {
                "none".to_owned()
            } else {
                known
            },
        });
    };
    Replay::of(*entry, history).check()?;
    Ok(())
}
