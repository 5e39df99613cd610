//! What the disk can do at best: one append, with fdatasync.

use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result};

use crate::times::Times;

const APPENDS: usize = 200;
const SIZE: usize = 4096;

/// The times of appends of 4 kB to a new file, each with fdatasync.
pub fn appends(directory: &Path) -> Result<Times> {
    let mut file =
        tempfile::tempfile_in(directory).with_context(|| directory.display().to_string())?;
    let block = [0; SIZE];
    let mut times = Times::default();
    for _ in 0..APPENDS {
        let start = Instant::now();
        file.write_all(&block)?;
        file.sync_data()?;
        times.push(start.elapsed());
    }
    Ok(times)
}
