//! Running the command as a process.

use std::io::Write as _;
use std::process::{Command, Stdio};

/// What a command printed and how it ended.
pub struct Done {
    /// The exit code.
    pub code: i32,
    /// What it printed on stdout.
    pub stdout: String,
    /// What it printed on stderr.
    pub stderr: String,
}

/// The command with these arguments.
pub fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_simpleflow-under-test"));
    command
        .args(args)
        .env_remove("RUST_LOG")
        .env_remove("LOG_LEVEL");
    command
}

/// Runs a command to its end.
pub fn run(mut command: Command, stdin: &str) -> Done {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command starts");
    // A command that does not read its stdin may be gone already.
    let _ = child
        .stdin
        .take()
        .map(|mut pipe| pipe.write_all(stdin.as_bytes()));
    let output = child.wait_with_output().expect("the command ends");
    Done {
        code: output.status.code().expect("the command exits by itself"),
        stdout: String::from_utf8(output.stdout).expect("stdout is UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("stderr is UTF-8"),
    }
}

/// Runs the command with these arguments.
pub fn simpleflow(args: &[&str]) -> Done {
    run(command(args), "")
}

/// Runs `workflow.start --local` with these arguments.
pub fn start(args: &[&str]) -> Done {
    simpleflow(&[&["workflow.start", "--local"], args].concat())
}
