//! What a server's process uses, as the kernel tells it.

use std::time::Duration;

use anyhow::{Context as _, Result};

/// A clock tick, in milliseconds: 100 a second on every Linux that there is.
const TICK: u64 = 10;

/// The memory that a process has resident, in bytes.
pub fn resident(pid: u32) -> Result<f64> {
    let path = format!("/proc/{pid}/status");
    let status = std::fs::read_to_string(&path).with_context(|| path.clone())?;
    let kilobytes = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|rest| rest.split_whitespace().next())
        .and_then(|number| number.parse::<f64>().ok())
        .with_context(|| format!("{path} has no VmRSS"))?;
    Ok(kilobytes * 1024.0)
}

/// The processor time that a process has used.
pub fn processor(pid: u32) -> Result<Duration> {
    let path = format!("/proc/{pid}/stat");
    let stat = std::fs::read_to_string(&path).with_context(|| path.clone())?;
    // The name of the command is in parentheses and may contain anything. Of what follows it, the
    // 12th and the 13th number are the ticks in user and in system mode.
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let ticks: u64 = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|number| number.parse::<u64>().ok())
        .sum();
    Ok(Duration::from_millis(ticks * TICK))
}
