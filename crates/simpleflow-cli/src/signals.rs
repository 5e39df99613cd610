//! The signals of commands that run until they are told to stop.

use std::os::unix::process::CommandExt as _;
use std::process::Command;

use simpleflow_executor::Stop;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::error::CliError;
use crate::output;

/// What to do when the work is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    /// End.
    End,
    /// Start the program anew.
    Restart,
}

/// The signals that tell a command to stop.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    /// Listens from now on.
    pub(crate) fn listen() -> Result<Self, CliError> {
        let listen = |kind| signal(kind).map_err(CliError::Signals);
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
            hang_up: listen(SignalKind::hangup())?,
        })
    }

    /// Runs to the end of the work. The first signal requests the stop, another one ends it at
    /// once. After SIGHUP the program is to be started anew, unless one of the others came too.
    pub(crate) async fn run<T>(mut self, stop: &Stop, work: impl Future<Output = T>) -> (T, Then) {
        let mut work = std::pin::pin!(work);
        let mut then = Then::End;
        loop {
            let name = tokio::select! {
                done = &mut work => return (done, then),
                _ = self.terminate.recv() => "SIGTERM",
                _ = self.interrupt.recv() => "SIGINT",
                _ = self.hang_up.recv() => "SIGHUP",
            };
            let first = !stop.is_requested();
            then = match name {
                "SIGHUP" if first => Then::Restart,
                "SIGHUP" => then,
                _ => Then::End,
            };
            if first {
                output::say(&format!("{name}: stopping; once more to end at once"));
                stop.request();
            } else {
                output::say(&format!("{name}: ending at once"));
                stop.now();
            }
        }
    }
}

/// Starts the program anew in this process, as it was started. Its file may be a new version.
///
/// # Errors
/// Always: it returns only when that failed.
pub(crate) fn restart() -> CliError {
    let mut args = std::env::args_os();
    let program = args.next().unwrap_or_default();
    let source = Command::new(&program).args(args).exec();
    CliError::Restart {
        program: program.into(),
        source,
    }
}
