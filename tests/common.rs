//! Running the command as a process.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

pub use crate::running::Done;
use crate::running::{PATIENCE, Running};

/// The command with these arguments.
pub fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_simpleflow-under-test"));
    command
        .args(args)
        .env_remove("RUST_LOG")
        .env_remove("LOG_LEVEL");
    command
}

/// The command with these arguments in this directory, where it finds what is there and nothing that
/// the environment names: no endpoint, no domain, no place.
pub fn alone(directory: &Path, args: &[&str]) -> Command {
    const NAMES: [&str; 5] = ["AWS_", "METROLOGY_", "SIMPLEFLOW_", "STEP_BUCKET", "SWF_"];
    let mut command = command(args);
    command.current_dir(directory);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if NAMES.iter().any(|start| text.starts_with(start)) {
            command.env_remove(name);
        }
    }
    command
}

/// Runs a command to its end.
pub fn run(command: Command, stdin: &str) -> Done {
    run_within(PATIENCE, command, stdin)
}

/// Runs a command to its end that may take longer than most.
pub fn run_within(patience: Duration, mut command: Command, stdin: &str) -> Done {
    let mut running = Running::start(command.stdin(Stdio::piped()));
    if let Some(mut pipe) = running.stdin() {
        let stdin = stdin.to_owned();
        // A command that does not read its stdin may be gone already, or hold on who writes.
        thread::spawn(move || pipe.write_all(stdin.as_bytes()));
    }
    running.done_within(patience)
}

/// Runs the command with these arguments.
pub fn simpleflow(args: &[&str]) -> Done {
    run(command(args), "")
}

/// Runs `workflow.start --local` with these arguments.
pub fn start(args: &[&str]) -> Done {
    simpleflow(&[&["workflow.start", "--local"], args].concat())
}
