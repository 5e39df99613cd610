//! The process of an activity: it takes a task from its worker, runs it, and says how it ended.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Write as _};
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

use super::process::{Said, Told};
use super::task;
use super::work::{self, Body, Quit};
use crate::resources::Resources;

/// Runs the activity that a worker with [`Isolated`](crate::Isolated) gives this process. It ends
/// with its worker. The worker may ask the activity to end: one that waits is dropped at its await,
/// one that blocks sees it in its context, until it is killed.
///
/// SIGTERM does nothing: who stops a worker with all its processes, as systemd does, sends it to
/// each, and the worker gives the activities time to end.
///
/// # Errors
/// When it was not started by such a worker.
pub fn execute_activity(registry: &Registry, resources: &Resources) -> io::Result<()> {
    let runtime = Builder::new_multi_thread().enable_all().build()?;
    {
        let _entered = runtime.enter();
        // It is heard from here to the end of the process. The programs that the activity starts
        // would inherit that it is ignored, but do not inherit a handler.
        drop(signal(SignalKind::terminate())?);
    }
    let link = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    // The activity and what it starts must not read what is not theirs.
    rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
    let mut from_worker = BufReader::new(link.try_clone()?);
    let mut task = String::new();
    from_worker.read_line(&mut task)?;
    let info: ActivityInfo = serde_json::from_str(&task)?;
    let quit = CancellationToken::new();
    let told = quit.clone();
    std::thread::Builder::new()
        .name("worker".into())
        .spawn(move || listen(from_worker, &told))?;
    let said = Arc::new(ToWorker {
        link: Mutex::new(link),
        cancelled: AtomicBool::new(false),
    });
    if let Some(result) = runtime.block_on(run(registry, resources, info, &said, &quit)) {
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

/// Hears what the worker says, to its end: nobody wants the result any more then.
fn listen(worker: BufReader<UnixStream>, quit: &CancellationToken) {
    for line in worker.lines().map_while(Result::ok) {
        match serde_json::from_str(&line) {
            Ok(Told::Quit) => quit.cancel(),
            Err(error) => tracing::error!("the worker said what is no message: {error}"),
        }
    }
    let _ = kill_current_process_group(Signal::KILL);
}

/// Runs the activity; there is no result when it was dropped.
async fn run(
    registry: &Registry,
    resources: &Resources,
    info: ActivityInfo,
    sink: &Arc<ToWorker>,
    quit: &CancellationToken,
) -> Option<ActivityResult> {
    let Some(entry) = registry.find_activity(&info.name, &info.version) else {
        let failure = task::unknown_activity(registry, &info.name, &info.version);
        return Some(Err(failure));
    };
    let work = match work::start(
        entry,
        info,
        Arc::clone(sink) as _,
        resources,
        registry.middlewares(),
        // It runs no programs: their worker does.
        0,
        None,
    ) {
        Ok(work) => work,
        Err(failure) => return Some(Err(failure)),
    };
    let ended = Quit::default();
    let mut running = work.future(&ended);
    tokio::select! {
        result = &mut running => return Some(result),
        () = quit.cancelled() => {}
    }
    sink.cancelled.store(true, Ordering::Release);
    match ended.ask() {
        Some(Body::Thread) => Some(running.await),
        Some(Body::Process) | None => None,
    }
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
