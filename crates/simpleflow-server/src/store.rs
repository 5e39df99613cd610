//! What is kept on disk, and the seam behind which it is kept.
//!
//! Histories are the log: a run is kept as its events, a registration as what it is now. All that
//! changes together is written together, in one transaction.
//!
//! An execution that is closed is kept with its description as well, and found by it: such are
//! answered from here, and are no longer in an engine.

mod sqlite;

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use simpleflow_engine::{ClosedSelection, Entry, ExecutionKey, NotedHeartbeat, Registration};
use simpleflow_model::types::{WorkflowExecutionDetail, WorkflowExecutionInfo};
use simpleflow_model::{DomainName, HistoryEvent, RunId, SmolStr, Timestamp, WorkflowExecution};

#[cfg(test)]
pub(crate) use sqlite::FIRST_STEP;
pub(crate) use sqlite::{Described, ObjectStoreFile, StoredObject, open};

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

/// A run that is closed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ClosedRun {
    pub key: RunKey,
    pub domain: DomainName,
    /// How many events it has.
    pub events: usize,
    pub detail: WorkflowExecutionDetail,
}

/// What changed, to be written as one.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    pub regions: Vec<(RegionId, SmolStr)>,
    pub registrations: Vec<(RegionId, Registration)>,
    pub runs: Vec<NewRun>,
    pub events: Vec<(RunKey, HistoryEvent)>,
    pub heartbeats: Vec<(RegionId, NotedHeartbeat)>,
    /// Runs that are closed from now on. Once this is written they can be archived.
    pub closed: Vec<ClosedRun>,
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

/// What [`Reader::open`] gives, in this order: regions by id, registrations with domains before
/// types, the highest numbers of closed runs, the other runs by number, heartbeats.
#[derive(Debug)]
pub(crate) enum Kept {
    Region(RegionId, SmolStr),
    Registration(RegionId, Registration),
    RunCount(RegionId, u64),
    Run(KeptRun),
    Heartbeat(RegionId, NotedHeartbeat),
}

/// The writing side of a store. There is one.
pub(crate) trait Writer: Send {
    /// Writes changes; when it returns they are there for good, unless the store is relaxed.
    /// After an error none of them counts, and the writer must not be used again.
    fn commit(&mut self, changes: &Changes) -> Result<(), StoreError>;

    /// Deletes closed runs whose retention is over at a time, a portion of them if there are many.
    /// Says when the next is to be deleted: at that very time if there are more. After an error the
    /// writer must not be used again.
    fn expire(
        &mut self,
        retentions: &[(RegionId, DomainName, Duration)],
        now: Timestamp,
        most: Portion,
    ) -> Result<Option<Timestamp>, StoreError>;
}

/// How much is deleted at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Portion {
    /// At most so many runs.
    pub runs: usize,
    /// No further run once so many events are deleted.
    pub events: usize,
}

/// The reading side of a store.
pub(crate) trait Reader: Send {
    /// Another one of the same store, for another thread.
    fn another(&self) -> Result<Box<dyn Reader>, StoreError>;

    /// Reads everything but the closed runs.
    fn open(&self, each: &mut dyn FnMut(Kept) -> Result<(), StoreError>) -> Result<(), StoreError>;

    /// Reads the history of a run.
    fn history(&self, key: RunKey) -> Result<Vec<HistoryEvent>, StoreError>;

    /// Reads events of a run, which must be there.
    fn events(
        &self,
        key: RunKey,
        ids: RangeInclusive<i64>,
    ) -> Result<Vec<HistoryEvent>, StoreError>;

    /// Finds a closed run.
    fn closed(
        &self,
        region: RegionId,
        domain: &DomainName,
        run_id: &RunId,
    ) -> Result<Option<ClosedRun>, StoreError>;

    /// Finds closed runs, at most so many, in the order of the selection.
    fn list_closed(
        &self,
        region: RegionId,
        closed: &ClosedSelection,
        most: usize,
    ) -> Result<Vec<(Entry, WorkflowExecutionInfo)>, StoreError>;

    /// Counts closed runs up to a limit. Says whether there are more.
    fn count_closed(
        &self,
        region: RegionId,
        closed: &ClosedSelection,
        limit: usize,
    ) -> Result<(usize, bool), StoreError>;
}

/// Where a store is, and whether its commits wait for the disk.
#[derive(Clone, Debug)]
pub(crate) struct Location {
    pub dir: PathBuf,
    pub relaxed: bool,
}

/// An open store.
pub(crate) type Opened = (Box<dyn Writer>, Box<dyn Reader>);

/// Opens a store, a new one if there is none.
pub(crate) type Open = fn(&Location) -> Result<Opened, StoreError>;
