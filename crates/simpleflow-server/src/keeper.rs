//! The thread that keeps time, and what changed: it lets pass what falls due, writes one batch after
//! another where nobody who waits does, and sends the answers after each.

use std::sync::Arc;
use std::time::{Duration, Instant};

use simpleflow_model::{DomainName, Timestamp};

use crate::core::{Batch, Core, Told, Work};
use crate::metrics::Metrics;
use crate::regions::Regions;
use crate::store::{Location, Open, Portion, RegionId, StoreError, Writer};

/// How long to wait before the store is opened once more.
const PAUSE: Duration = Duration::from_secs(1);

/// How much of the closed runs is deleted in one transaction: a few milliseconds' worth, or one long
/// history.
const EXPIRED_AT_ONCE: Portion = Portion {
    runs: 50,
    events: 2_500,
};

/// What the keeper writes to.
pub(crate) struct Log {
    /// There is one but while it is opened again.
    pub writer: Option<Box<dyn Writer>>,
    pub open: Open,
    pub place: Location,
    pub lambda_functions: bool,
    pub metrics: Arc<Metrics>,
}

/// Works until it is told to stop and all is written.
///
/// # Errors
/// The store was opened again after a failure and cannot be read.
pub(crate) fn run(core: &Core) -> Result<(), StoreError> {
    while let Some(work) = core.work() {
        let mut log = core.log();
        // Without a disk there is never anything to do but to keep time.
        let Some(log) = &mut *log else {
            continue;
        };
        match work {
            Work::Write(batch) => log.write(core, batch),
            Work::Expire(retentions, now) => log.expire(core, &retentions, now),
            Work::Reopen => {
                if !log.reopen(core)? {
                    break;
                }
            }
        }
    }
    Ok(())
}

impl Log {
    /// Writes a batch.
    pub(crate) fn write(&mut self, core: &Core, batch: Batch) {
        let Batch { changes, told } = batch;
        let began = Instant::now();
        let outcome = match &mut self.writer {
            Some(writer) => writer.commit(&changes),
            // Nothing is carried out before the store is open again.
            None => return core.failed(told),
        };
        let took = began.elapsed();
        self.metrics.committed(took, changes.events.len());
        match outcome {
            Ok(()) => core.written(told, took),
            Err(error) => {
                tracing::error!(%error, "a batch cannot be written: its requests fail");
                core.failed(told);
            }
        }
    }

    /// Deletes closed runs whose retention is over, a few at a time since others wait meanwhile.
    fn expire(
        &mut self,
        core: &Core,
        retentions: &[(RegionId, DomainName, Duration)],
        now: Timestamp,
    ) {
        let Some(writer) = &mut self.writer else {
            return core.failed(Told::default());
        };
        match writer.expire(retentions, now, EXPIRED_AT_ONCE) {
            Ok(next) => core.expired(next),
            Err(error) => {
                tracing::error!(%error, "closed executions cannot be deleted");
                core.failed(Told::default());
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
                    let regions = Regions::new(true)
                        .with_lambda_functions(self.lambda_functions)
                        .load(&*reader, &self.place.dir)?;
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
