//! The thread that keeps time, and what changed: it lets pass what falls due, writes one batch after
//! another, and sends the answers after each.

use std::sync::Arc;
use std::time::{Duration, Instant};

use simpleflow_model::{DomainName, Timestamp};

use crate::core::{Batch, Core, Told, Work};
use crate::metrics::Metrics;
use crate::regions::Regions;
use crate::store::{Open, Place, RegionId, StoreError, Writer};

/// How long to wait before the store is opened once more.
const PAUSE: Duration = Duration::from_secs(1);

/// How many closed runs are deleted in one transaction: a few milliseconds' worth, unless their
/// histories are long.
const EXPIRED_AT_ONCE: usize = 50;

/// What the keeper writes to.
pub(crate) struct Log {
    /// There is one but while it is opened again.
    pub writer: Option<Box<dyn Writer>>,
    pub open: Open,
    pub place: Place,
    pub metrics: Arc<Metrics>,
}

/// Works until it is told to stop and all is written.
///
/// # Errors
/// The store was opened again after a failure and cannot be read.
pub(crate) fn run(core: &Core, mut log: Option<Log>) -> Result<(), StoreError> {
    while let Some(work) = core.work() {
        // Without a disk there is never anything to do but to keep time.
        let Some(log) = &mut log else {
            continue;
        };
        let go_on = match work {
            Work::Write(batch) => log.write(core, batch)?,
            Work::Expire(retentions, now) => log.expire(core, &retentions, now)?,
        };
        if !go_on {
            break;
        }
    }
    Ok(())
}

impl Log {
    /// Writes a batch. Says whether to go on.
    fn write(&mut self, core: &Core, batch: Batch) -> Result<bool, StoreError> {
        let Batch { changes, told } = batch;
        let Some(writer) = &mut self.writer else {
            return Ok(false);
        };
        let began = Instant::now();
        let outcome = writer.commit(&changes);
        self.metrics
            .committed(began.elapsed(), changes.events.len());
        match outcome {
            Ok(()) => {
                core.written(told);
                Ok(true)
            }
            Err(error) => {
                tracing::error!(%error, "a batch cannot be written: its requests fail");
                core.failed(told);
                self.reopen(core)
            }
        }
    }

    /// Deletes closed runs whose retention is over, a few at a time since others wait meanwhile.
    /// Says whether to go on.
    fn expire(
        &mut self,
        core: &Core,
        retentions: &[(RegionId, DomainName, Duration)],
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let Some(writer) = &mut self.writer else {
            return Ok(false);
        };
        match writer.expire(retentions, now, EXPIRED_AT_ONCE) {
            Ok(next) => {
                core.expired(next);
                Ok(true)
            }
            Err(error) => {
                tracing::error!(%error, "closed executions cannot be deleted");
                core.failed(Told::default());
                self.reopen(core)
            }
        }
    }

    /// Opens the store again: whether the file system took the last batch is not known, and only
    /// the store can tell. Says whether it came to that before a stop.
    fn reopen(&mut self, core: &Core) -> Result<bool, StoreError> {
        self.writer = None;
        loop {
            match (self.open)(&self.place) {
                Ok((writer, reader)) => {
                    self.writer = Some(writer);
                    let regions = Regions::load(&*reader, &self.place.dir)?;
                    core.resume(regions, reader);
                    return Ok(true);
                }
                Err(error) => tracing::error!(%error, "the store cannot be opened again"),
            }
            if core.pause(PAUSE) {
                return Ok(false);
            }
        }
    }
}
