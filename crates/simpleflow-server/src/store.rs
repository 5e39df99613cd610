//! What is kept on disk, and the seam behind which it is kept.
//!
//! Histories are the log: a run is kept as its events, a registration as what it is now. All that
//! changes together is written together, in one transaction.

mod sqlite;

use std::path::{Path, PathBuf};

use simpleflow_engine::{ExecutionKey, NotedHeartbeat, Registration};
use simpleflow_model::{DomainName, HistoryEvent, SmolStr, WorkflowExecution};

pub(crate) use sqlite::open;

/// Why the store cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another server has it.
    #[error("the data directory {} is in use by another server", .0.display())]
    InUse(PathBuf),
    /// It was written by a later version.
    #[error(
        "the data directory {} has schema version {found}, this program knows up to {known}: \
         use the later version of the program that wrote it",
        .dir.display()
    )]
    TooNew {
        /// The directory.
        dir: PathBuf,
        /// The version of the schema.
        found: u32,
        /// The latest version that is known.
        known: u32,
    },
    /// It holds what cannot have been written.
    #[error("the data directory {} is damaged: {what}. Nothing was changed; restore it from a backup", .dir.display())]
    Damaged {
        /// The directory.
        dir: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// Reading or writing failed.
    #[error("the data directory {} cannot be used: {source}", .dir.display())]
    Failed {
        /// The directory.
        dir: PathBuf,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl StoreError {
    pub(crate) fn damaged(dir: &Path, what: impl ToString) -> Self {
        Self::Damaged {
            dir: dir.to_owned(),
            what: what.to_string(),
        }
    }

    pub(crate) fn failed(
        dir: &Path,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Failed {
            dir: dir.to_owned(),
            source: source.into(),
        }
    }
}

/// A region is known by its place among the regions.
pub(crate) type RegionId = u32;

/// A run of a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct RunKey {
    pub region: RegionId,
    pub run: ExecutionKey,
}

/// A run that was started.
#[derive(Clone, Debug)]
pub(crate) struct NewRun {
    pub key: RunKey,
    pub domain: DomainName,
    pub id: WorkflowExecution,
}

/// An event as it is kept.
#[derive(Clone, Debug)]
pub(crate) struct NewEvent {
    pub key: RunKey,
    pub id: i64,
    /// The event in SWF's JSON.
    pub json: Vec<u8>,
}

/// What changed, to be written as one.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    pub regions: Vec<(RegionId, SmolStr)>,
    pub registrations: Vec<(RegionId, Registration)>,
    pub runs: Vec<NewRun>,
    pub events: Vec<NewEvent>,
    pub heartbeats: Vec<(RegionId, NotedHeartbeat)>,
    pub removed: Vec<RunKey>,
}

/// A run that was kept.
#[derive(Debug)]
pub(crate) struct KeptRun {
    pub key: RunKey,
    pub domain: DomainName,
    pub id: WorkflowExecution,
    pub history: Vec<HistoryEvent>,
}

/// What [`Reader::all`] gives, in this order: regions by id, registrations with domains before
/// types, runs by number, heartbeats.
#[derive(Debug)]
pub(crate) enum Kept {
    Region(RegionId, SmolStr),
    Registration(RegionId, Registration),
    Run(KeptRun),
    Heartbeat(RegionId, NotedHeartbeat),
}

/// The writing side of a store. There is one.
pub(crate) trait Writer: Send {
    /// Writes changes; when it returns they are there for good, unless the store is relaxed.
    /// After an error none of them counts, and the writer must not be used again.
    fn commit(&mut self, changes: &Changes) -> Result<(), StoreError>;
}

/// The reading side of a store.
pub(crate) trait Reader: Send {
    /// Reads everything.
    fn all(&self, each: &mut dyn FnMut(Kept) -> Result<(), StoreError>) -> Result<(), StoreError>;

    /// Reads the history of a run.
    fn history(&self, key: RunKey) -> Result<Vec<HistoryEvent>, StoreError>;
}

/// Where a store is, and whether its commits wait for the disk.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub dir: PathBuf,
    pub relaxed: bool,
}

/// An open store.
pub(crate) type Opened = (Box<dyn Writer>, Box<dyn Reader>);

/// Opens a store, a new one if there is none.
pub(crate) type Open = fn(&Place) -> Result<Opened, StoreError>;
