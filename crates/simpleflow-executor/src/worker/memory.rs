//! The memory that a process and what it started use.

use std::collections::HashMap;
use std::time::Duration;

use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};
use tokio::time::sleep;

/// How often it is looked at.
const INTERVAL: Duration = Duration::from_millis(250);

/// Waits until more than `limit` bytes are in use; for ever without a limit.
pub(super) async fn exceeded(process: i32, limit: Option<u64>) -> u64 {
    let (Some(limit), Ok(process)) = (limit, usize::try_from(process)) else {
        return std::future::pending().await;
    };
    let root = Pid::from(process);
    let mut system = match System::new() {
        Ok(system) => system,
        Err(error) => {
            tracing::error!("the memory of process {process} is not limited: {error}");
            return std::future::pending().await;
        }
    };
    loop {
        let measured = tokio::task::spawn_blocking(move || {
            let used = used(&mut system, root);
            (system, used)
        });
        // It fails only when the runtime ends, and all with it.
        let Ok((measured, used)) = measured.await else {
            return std::future::pending().await;
        };
        if used > limit {
            return used;
        }
        system = measured;
        sleep(INTERVAL).await;
    }
}

/// What a process and its descendants have in memory, in bytes.
fn used(system: &mut System, root: Pid) -> u64 {
    let what = ProcessRefreshKind::nothing().with_memory().without_tasks();
    system.refresh_processes_specifics(ProcessesToUpdate::All, true, what);
    let mut children: HashMap<Pid, Vec<Pid>> = HashMap::new();
    for (&pid, process) in system.processes() {
        if let Some(parent) = process.parent() {
            children.entry(parent).or_default().push(pid);
        }
    }
    let mut used = 0;
    let mut left = vec![root];
    while let Some(pid) = left.pop() {
        used += system.process(pid).map_or(0, sysinfo::Process::memory);
        left.extend(children.remove(&pid).unwrap_or_default());
    }
    used
}
