//! The process of an activity: it takes a task from its worker, runs it, and says how it ended.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::process::{Signal, kill_current_process_group};
use simpleflow_core::{ActivityInfo, ActivityResult, HeartbeatSink, Registry};
use simpleflow_model::SmolStr;
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::process::Said;
use super::{task, work};

/// Runs the activity that a worker with [`Isolated`](crate::Isolated) gives this process. It ends
/// with its worker. SIGTERM asks the activity to end: one that waits is dropped at its await, one
/// that blocks sees it in its context, until it is killed.
///
/// # Errors
/// When it was not started by such a worker.
pub fn execute_activity(registry: &Registry) -> io::Result<()> {
    let link = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    // The activity and what it starts must not read what is not theirs.
    rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
    let mut from_worker = BufReader::new(link.try_clone()?);
    let mut task = String::new();
    from_worker.read_line(&mut task)?;
    let info: ActivityInfo = serde_json::from_str(&task)?;
    std::thread::Builder::new()
        .name("worker".into())
        .spawn(move || end_with_worker(from_worker))?;
    let said = Arc::new(ToWorker {
        link: Mutex::new(link),
        cancelled: AtomicBool::new(false),
    });
    let runtime = Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(run(registry, info, &said))?;
    if let Some(result) = result {
        said.say(&match result {
            Ok(result) => Said::Completed(result),
            Err(failure) => Said::Failed {
                reason: failure.reason,
                details: failure.details,
            },
        })?;
    }
    // A thread that blocks would keep it from ending.
    runtime.shutdown_background();
    Ok(())
}

/// Nobody wants the result any more when the worker is gone.
fn end_with_worker(mut worker: BufReader<UnixStream>) {
    let mut nothing = [0];
    while worker.read(&mut nothing).is_ok_and(|read| read > 0) {}
    let _ = kill_current_process_group(Signal::KILL);
}

/// Runs the activity; there is no result when it was dropped.
async fn run(
    registry: &Registry,
    info: ActivityInfo,
    sink: &Arc<ToWorker>,
) -> io::Result<Option<ActivityResult>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let Some(entry) = registry.find_activity(&info.name, &info.version) else {
        let failure = task::unknown_activity(registry, &info.name, &info.version);
        return Ok(Some(Err(failure)));
    };
    let work = match work::start(entry, info, Arc::clone(sink) as _, None) {
        Ok(work) => work,
        Err(failure) => return Ok(Some(Err(failure))),
    };
    let blocks = work.blocks();
    let quit = CancellationToken::new();
    let mut running = work.future(&quit);
    tokio::select! {
        result = &mut running => return Ok(Some(result)),
        _ = terminate.recv() => {}
    }
    sink.cancelled.store(true, Ordering::Release);
    if blocks {
        return Ok(Some(running.await));
    }
    Ok(None)
}

/// The way of heartbeats and the result.
struct ToWorker {
    link: Mutex<UnixStream>,
    cancelled: AtomicBool,
}

impl ToWorker {
    fn say(&self, said: &Said) -> io::Result<()> {
        let mut line = serde_json::to_vec(said)?;
        line.push(b'\n');
        let mut link = self.link.lock().unwrap_or_else(PoisonError::into_inner);
        link.write_all(&line)
    }
}

impl HeartbeatSink for ToWorker {
    fn heartbeat(&self, details: Option<SmolStr>) {
        // When the worker is gone this process is about to end.
        let _ = self.say(&Said::Heartbeat(details));
    }

    fn is_cancel_requested(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }
}
