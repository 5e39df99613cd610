//! What can go wrong with a command, told to a person.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use simpleflow_executor::{LocalError, Outcome};
use simpleflow_server::{CredentialsError, StartError, StopError};

use crate::find::NotFound;
use crate::style::{ERROR, QUIET};

#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    #[error(transparent)]
    NotFound(#[from] NotFound),
    #[error("cannot read the input from {}: {source}", path.display())]
    ReadInput { path: PathBuf, source: io::Error },
    #[error("the input is empty: expected JSON")]
    NoInput,
    #[error("the input is not JSON: {problem}, at line {line} column {column}\n{excerpt}")]
    InputJson {
        problem: String,
        line: usize,
        column: usize,
        excerpt: String,
    },
    #[error("{option} {value:?}: {problem}")]
    Option {
        option: &'static str,
        value: String,
        problem: String,
    },
    #[error("cannot write {}: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("{} is there already and not empty: choose a new directory", path.display())]
    NotEmpty { path: PathBuf },
    #[error("{} is not a directory: choose a new one", path.display())]
    NotADirectory { path: PathBuf },
    #[error("cannot start the async runtime: {0}")]
    Runtime(io::Error),
    #[error("cannot read the credentials from {}: {source}", path.display())]
    ReadCredentials { path: PathBuf, source: io::Error },
    #[error("{}: {source}", path.display())]
    Credentials {
        path: PathBuf,
        source: CredentialsError,
    },
    #[error(transparent)]
    ServerStart(#[from] StartError),
    #[error(transparent)]
    ServerStop(#[from] StopError),
    #[error(transparent)]
    Local(#[from] LocalError),
    #[error("{workflow}: {}", outcome_line(outcome))]
    Workflow { workflow: String, outcome: Outcome },
}

fn outcome_line(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Completed(_) => "Workflow execution completed".to_owned(),
        Outcome::Failed { reason, .. } => reason.to_string(),
        Outcome::Canceled => "Workflow execution cancelled".to_owned(),
        Outcome::Terminated => "Workflow execution terminated".to_owned(),
        Outcome::TimedOut(timeout) => format!("Workflow execution timed out ({timeout})"),
    }
}

impl CliError {
    pub(crate) fn print(&self) {
        // Where stderr is gone, the exit code is left to tell.
        let _ = self.write(&mut anstream::stderr());
    }

    fn write(&self, out: &mut impl io::Write) -> io::Result<()> {
        writeln!(out, "{ERROR}error:{ERROR:#} {self}")?;
        if let Self::Workflow {
            outcome:
                Outcome::Failed {
                    details: Some(details),
                    ..
                },
            ..
        } = self
        {
            for line in readable(details).lines() {
                writeln!(out, "  {QUIET}{line}{QUIET:#}")?;
            }
        }
        Ok(())
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::ReadInput { .. }
            | Self::ReadCredentials { .. }
            | Self::Write { .. }
            | Self::Workflow { .. }
            | Self::Runtime(_)
            | Self::ServerStop(_) => ExitCode::FAILURE,
            Self::ServerStart(error) => match error {
                StartError::Open(_) => ExitCode::from(2),
                _ => ExitCode::FAILURE,
            },
            Self::Local(error) => match error {
                LocalError::Input { .. }
                | LocalError::InputTooLong { .. }
                | LocalError::NoTimeToDecide
                | LocalError::Duplicate(_) => ExitCode::from(2),
                _ => ExitCode::FAILURE,
            },
            _ => ExitCode::from(2),
        }
    }
}

/// Details that are the JSON of an activity's failure, as lines; others as they are.
fn readable(details: &str) -> String {
    let Ok(serde_json::Value::Object(failure)) = serde_json::from_str(details) else {
        return details.to_owned();
    };
    let text = |key: &str| failure.get(key).and_then(serde_json::Value::as_str);
    let (Some(error_type), Some(message)) = (text("error_type"), text("message")) else {
        return details.to_owned();
    };
    let traceback = failure
        .get("traceback")
        .and_then(serde_json::Value::as_array);
    let lines = traceback
        .into_iter()
        .flatten()
        .filter_map(serde_json::Value::as_str);
    std::iter::once(format!("{error_type}: {message}"))
        .chain(lines.map(|line| format!("  {line}")))
        .collect::<Vec<_>>()
        .join("\n")
}
