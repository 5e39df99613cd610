//! What the disk takes for one write with fdatasync: an append, which makes its file longer, and an
//! overwrite in a file that is long enough, as the log of a store is, which takes less.

use std::fs::File;
use std::io::{Seek as _, Write as _};
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result};

use crate::times::Times;

const WRITES: usize = 200;
const SIZE: usize = 4096;

/// The times of writes of 4 kB, each with fdatasync.
pub struct Writes {
    /// To a new file.
    pub appends: Times,
    /// To the same file, from its beginning again.
    pub overwrites: Times,
}

/// Measures both.
///
/// # Errors
/// Those of the file system.
pub fn writes(directory: &Path) -> Result<Writes> {
    let mut file =
        tempfile::tempfile_in(directory).with_context(|| directory.display().to_string())?;
    let appends = synced(&mut file)?;
    file.sync_all()?;
    file.rewind()?;
    let overwrites = synced(&mut file)?;
    Ok(Writes {
        appends,
        overwrites,
    })
}

fn synced(file: &mut File) -> Result<Times> {
    let block = [b'x'; SIZE];
    let mut times = Times::default();
    for _ in 0..WRITES {
        let start = Instant::now();
        file.write_all(&block)?;
        file.sync_data()?;
        times.push(start.elapsed());
    }
    Ok(times)
}
