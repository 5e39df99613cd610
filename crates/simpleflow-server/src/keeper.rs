//! The thread that keeps time, and what changed: it lets pass what falls due, writes one batch after
//! another, and sends the answers after each.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::core::{Batch, Core};
use crate::metrics::Metrics;
use crate::regions::Regions;
use crate::store::{Open, Place, StoreError, Writer};

/// How long to wait before the store is opened once more.
const PAUSE: Duration = Duration::from_secs(1);

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
    while let Some(Batch { changes, told }) = core.batch() {
        // Without a disk there is never a batch.
        let Some(log) = &mut log else {
            return Ok(());
        };
        let Some(writer) = &mut log.writer else {
            return Ok(());
        };
        let began = Instant::now();
        let outcome = writer.commit(&changes);
        log.metrics.committed(began.elapsed(), changes.events.len());
        match outcome {
            Ok(()) => core.written(told),
            Err(error) => {
                tracing::error!(%error, "a batch cannot be written: its requests fail");
                core.failed(told);
                if !log.reopen(core)? {
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}

impl Log {
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
