//! Activities in processes of their own, seen from the worker.
//!
//! The process is this program once more. Its stdin is one end of a pair of sockets, so that it has
//! its stdout and stderr for itself: the worker writes the task, a line of JSON, and maybe a line
//! that asks it to quit, and reads heartbeats and the result, each a line. The process sees the end
//! of its worker as the end of the socket.

use std::convert::Infallible;
use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::PathBuf;
use std::pin::pin;
use std::process::Stdio;

use serde::{Deserialize, Serialize};
use simpleflow_core::{ActivityInfo, ActivityResult, Failure, HeartbeatSink};
use simpleflow_model::SmolStr;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::{ReadHalf, WriteHalf};
use tokio::process::Command;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::group::{End, GRACE, Group, exit_code};
use crate::resources::Needed;

/// How activities run in processes of their own.
#[derive(Clone, Debug)]
pub struct Isolated {
    program: PathBuf,
    args: Vec<OsString>,
    pub(super) memory_limit: Option<u64>,
}

impl Isolated {
    /// The processes are this program with these arguments, with which it has to call
    /// [`execute_activity`](crate::execute_activity).
    ///
    /// # Errors
    /// When it is not known which program this is.
    pub fn new<A: Into<OsString>>(args: impl IntoIterator<Item = A>) -> io::Result<Self> {
        // Where there is a name for the program that runs, its file may be replaced by the next
        // version at any time.
        let running = PathBuf::from("/proc/self/exe");
        let program = match running.exists() {
            true => running,
            false => std::env::current_exe()?,
        };
        Ok(Self {
            program,
            args: args.into_iter().map(Into::into).collect(),
            memory_limit: None,
        })
    }

    /// How many bytes of memory a process may use, with what it starts. One that uses more is
    /// killed, and its activity fails.
    #[must_use]
    pub fn memory_limit(mut self, bytes: u64) -> Self {
        self.memory_limit = Some(bytes);
        self
    }
}

/// What the process of an activity says to its worker.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Said {
    Heartbeat(Option<SmolStr>),
    Completed(SmolStr),
    Failed {
        reason: SmolStr,
        details: Option<SmolStr>,
    },
}

/// What a worker says to the process of an activity, after the task.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Told {
    Quit,
}

/// Runs an activity in a process. When it quits the result means nothing.
pub(super) async fn run(
    isolated: &Isolated,
    info: &ActivityInfo,
    sink: &dyn HeartbeatSink,
    needed: &Needed,
    quit: &CancellationToken,
) -> ActivityResult {
    let started = start(isolated, info, needed).await;
    let (mut group, mut link) = started.map_err(|error| {
        let reason = format!("cannot start the process of the activity: {error}");
        Failure::new(reason, None)
    })?;
    let id = group.id();
    // The process takes the end of the link for the end of its worker.
    let (from_process, to_process) = link.split();
    let mut result = pin!(listen(from_process, sink));
    let mut end = pin!(async {
        tokio::select! {
            end = group.end(isolated.memory_limit, quit) => end,
            never = tell(to_process, quit) => match never {},
        }
    });
    let end = tokio::select! {
        result = &mut result => match result {
            Some(result) => {
                // It has nothing more to do than to exit.
                let _ = timeout(GRACE, end).await;
                return result;
            }
            None => end.await,
        },
        ended = &mut end => match ended {
            // What it said last may not be read yet.
            Ok(End::Exited(status)) => match result.await {
                Some(result) => return result,
                None => Ok(End::Exited(status)),
            },
            ended => ended,
        }
    };
    Err(Failure::new(death(id, end, isolated.memory_limit), None))
}

/// How a process came to its end without a result.
pub(super) fn death(id: i32, end: io::Result<End>, memory_limit: Option<u64>) -> String {
    match end {
        Ok(End::Exited(status)) => format!("process {id} died: exit code {}", exit_code(status)),
        Ok(End::Quit) => format!("process {id} was ended"),
        Ok(End::Memory(used)) => format!(
            "process {id} was killed: it used {} MiB of memory, of {} MiB that it may use",
            used >> 20,
            memory_limit.unwrap_or_default() >> 20
        ),
        Err(error) => format!("process {id} was lost: {error}"),
    }
}

async fn start(
    isolated: &Isolated,
    info: &ActivityInfo,
    needed: &Needed,
) -> io::Result<(Group, UnixStream)> {
    let mut task = serde_json::to_vec(info)?;
    task.push(b'\n');
    let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
    ours.set_nonblocking(true)?;
    let mut link = UnixStream::from_std(ours)?;
    // The stdout of a worker is nobody's, but that of a command is data.
    let stderr = io::stderr().as_fd().try_clone_to_owned()?;
    let mut command = Command::new(&isolated.program);
    command
        .args(&isolated.args)
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .stdout(Stdio::from(stderr));
    needed.put_in_path(&mut command);
    let group = Group::spawn(&mut command).await?;
    // The command holds the other end; the end of the process would go unseen.
    drop(command);
    // A process that died before it read is seen by its end.
    if let Err(error) = link.write_all(&task).await {
        tracing::debug!("the process of an activity does not read its task: {error}");
    }
    Ok((group, link))
}

/// Tells the process to quit, when it is time. It does not listen to SIGTERM.
async fn tell(mut process: WriteHalf<'_>, quit: &CancellationToken) -> Infallible {
    quit.cancelled().await;
    if let Ok(mut line) = serde_json::to_vec(&Told::Quit) {
        line.push(b'\n');
        // There may be nobody left.
        let _ = process.write_all(&line).await;
    }
    std::future::pending().await
}

/// Passes heartbeats on until there is a result, or nothing more to hear.
async fn listen(link: ReadHalf<'_>, sink: &dyn HeartbeatSink) -> Option<ActivityResult> {
    let mut lines = BufReader::new(link).lines();
    loop {
        let line = lines.next_line().await.ok().flatten()?;
        match serde_json::from_str(&line) {
            Ok(Said::Heartbeat(details)) => sink.heartbeat(details),
            Ok(Said::Completed(result)) => return Some(Ok(result)),
            Ok(Said::Failed { reason, details }) => return Some(Err(Failure { reason, details })),
            Err(error) => {
                tracing::error!("the process of an activity said what is no message: {error}");
            }
        }
    }
}
