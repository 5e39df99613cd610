//! A process and what it starts: one process group, which ends as one.

use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::memory;

/// How long a process has between SIGTERM and SIGKILL; the original's time.
pub(super) const GRACE: Duration = Duration::from_secs(3);

/// How often, and after which pause, a program is tried again that is open for writing still.
const BUSY_RETRIES: u32 = 100;
const BUSY_PAUSE: Duration = Duration::from_millis(10);

/// A process that leads a group of its own. What is left of the group ends with it, and with the
/// drop.
pub(super) struct Group {
    child: Child,
    leader: Option<Pid>,
}

/// How a process came to its end.
pub(super) enum End {
    /// By itself, or by somebody else.
    Exited(ExitStatus),
    /// It was told to quit.
    Quit,
    /// It used this much memory, in bytes: more than it may.
    Memory(u64),
}

impl Group {
    /// Starts a process in a group of its own.
    ///
    /// A program that was downloaded just now may be open for writing still, in another process that
    /// was forked meanwhile and has yet to become the program that it is to be: it is tried again.
    pub(super) async fn spawn(command: &mut Command) -> io::Result<Self> {
        let mut retries = 0..BUSY_RETRIES;
        let child = loop {
            match command.process_group(0).spawn() {
                Err(error)
                    if error.kind() == io::ErrorKind::ExecutableFileBusy
                        && retries.next().is_some() =>
                {
                    sleep(BUSY_PAUSE).await;
                }
                spawned => break spawned?,
            }
        };
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Ok(Self {
            leader: id.and_then(Pid::from_raw),
            child,
        })
    }

    pub(super) fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// The id of the process.
    pub(super) fn id(&self) -> i32 {
        self.leader.map_or(0, Pid::as_raw_pid)
    }

    /// Waits for its end, or brings it about.
    pub(super) async fn end(
        &mut self,
        memory_limit: Option<u64>,
        quit: &CancellationToken,
    ) -> io::Result<End> {
        let used = memory::exceeded(self.id(), memory_limit);
        let end = tokio::select! {
            status = self.child.wait() => End::Exited(status?),
            () = quit.cancelled() => {
                self.signal(Signal::TERM);
                // What does not end by then is killed below.
                let _ = timeout(GRACE, self.child.wait()).await;
                End::Quit
            }
            used = used => End::Memory(used),
        };
        // What is left of the group keeps its id from being another's.
        self.kill();
        self.child.wait().await?;
        Ok(end)
    }

    fn kill(&self) {
        self.signal(Signal::KILL);
    }

    fn signal(&self, signal: Signal) {
        if let Some(leader) = self.leader {
            // There may be nobody left.
            let _ = kill_process_group(leader, signal);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Once it was waited for its id may be another's.
        if self.child.id().is_some() {
            self.kill();
        }
    }
}

/// The exit code as Python has it: of one that a signal ended, the signal's number, negative.
pub(super) fn exit_code(status: ExitStatus) -> i32 {
    let signal = status.signal().map(|signal| -signal);
    status.code().or(signal).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::fs::{File, Permissions};
    use std::io::Write as _;
    use std::os::unix::fs::PermissionsExt as _;
    use std::pin::pin;
    use std::task::{Context, Waker};

    use super::*;

    #[tokio::test]
    async fn a_program_that_is_open_for_writing_is_tried_again() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("program");
        let mut file = File::create(&path).unwrap();
        file.write_all(b"#!/bin/sh\nexit 7\n").unwrap();
        file.set_permissions(Permissions::from_mode(0o755)).unwrap();
        let mut command = Command::new(&path);
        let mut spawn = pin!(Group::spawn(&mut command));
        let mut context = Context::from_waker(Waker::noop());
        assert!(spawn.as_mut().poll(&mut context).is_pending());
        drop(file);
        let mut group = spawn.await.unwrap();
        assert_eq!(group.child().wait().await.unwrap().code(), Some(7));
    }
}
