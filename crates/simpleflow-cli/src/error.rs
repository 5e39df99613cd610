//! What can go wrong with a command, told to a person.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use simpleflow_core::objects::ObjectError;
use simpleflow_core::testing::{InvalidHistory, ReplayFailed};
use simpleflow_core::{Failure, MiddlewareError};
use simpleflow_executor::{
    BinaryError, LocalError, Outcome, RecordedActivity, StandaloneError,
    StartError as ExecutionStartError, ValueError,
};
use simpleflow_jumbo::{JumboError, SettingsError};
use simpleflow_model::FaultKind;
use simpleflow_model::WorkflowId;
use simpleflow_server::{CredentialsError, StartError, StopError};
use simpleflow_service::ServiceError;
use simpleflow_swf::SwfError;
use simpleflow_swf::metrology::MetrologyError;

use crate::find::NotFound;
use crate::output;
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
    #[error(transparent)]
    Jumbo(#[from] SettingsError),
    #[error(transparent)]
    Value(#[from] ValueError),
    #[error("the input: {0}")]
    Input(JumboError),
    #[error("cannot look after the values: {0}")]
    Prune(#[from] ObjectError),
    #[error("the cache in {}: {source}", path.display())]
    Cache { path: PathBuf, source: io::Error },
    #[error("there is no place for long values: set SIMPLEFLOW_JUMBO_FIELDS_BUCKET")]
    NoPlaceForValues,
    #[error("cannot start the async runtime: {0}")]
    Runtime(io::Error),
    #[error("cannot listen to signals: {0}")]
    Signals(io::Error),
    #[error("cannot start {} anew: {source}", program.display())]
    Restart { program: PathBuf, source: io::Error },
    #[error("workflow {0} has no task list: name one with --task-list")]
    NoTaskList(String),
    #[error("no task list to serve: name workflows, or a task list with --task-list\n{0}")]
    NoTaskLists(String),
    #[error("cannot start a thread for a decider: {0}")]
    Threads(io::Error),
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
    #[error(
        "where to start it? --domain NAME or SWF_DOMAIN starts it on SWF, --local runs it to its end \
         here"
    )]
    NoDomain,
    #[error(
        "{0}\n\
         No service is set up. One of these gives a command the service that it talks to:\n  \
         simpleflow server.start                            in this directory, in another terminal\n  \
         export AWS_ENDPOINT_URL_SWF=http://127.0.0.1:8042  any server that speaks SWF\n  \
         export AWS_PROFILE=... or AWS_REGION=...           Amazon SWF, with credentials"
    )]
    NoService(ServiceError),
    #[error(transparent)]
    Service(#[from] ServiceError),
    #[error("in which domain? Name it before the workflow id, with --domain, or in SWF_DOMAIN")]
    WhichDomain,
    #[error("which execution? Expected [DOMAIN] WORKFLOW_ID [RUN_ID]; with --domain no DOMAIN")]
    WhichExecution,
    #[error("{0}")]
    Swf(SwfError),
    #[error("{0}")]
    Metrology(MetrologyError),
    #[error("the execution has no task {id:?}{}", tasks(ids))]
    NoTask { id: String, ids: Vec<String> },
    #[error("cannot read the history from {}: {source}", path.display())]
    ReadHistory { path: PathBuf, source: io::Error },
    #[error("{}: {source}", path.display())]
    History {
        path: PathBuf,
        source: InvalidHistory,
    },
    #[error(transparent)]
    Replay(#[from] ReplayFailed),
    #[error(transparent)]
    ExecutionStart(#[from] ExecutionStartError),
    #[error(transparent)]
    Standalone(#[from] StandaloneError),
    #[error(
        "{} is in use by another standalone or activity.rerun, which ends with its work: wait for \
         it, take another --data-dir, or run server.start for both",
        .0.display()
    )]
    InUse(PathBuf),
    #[error("interrupted before the execution was begun")]
    InterruptedBefore,
    #[error(
        "interrupted: the execution is open.\n\
         The same command goes on with it{resume}. Activities that were cut off have failed: if the \
         workflow fails with them, --repair {workflow_id} takes over the others.\n\
         To end it: simpleflow workflow.terminate {terminate}"
    )]
    Interrupted {
        workflow_id: WorkflowId,
        /// What the command has to be given beside what it was.
        resume: String,
        /// The arguments that name it.
        terminate: String,
    },
    #[error("{workflow}: {outcome}")]
    Workflow { workflow: String, outcome: Outcome },
    #[error("activity {name}: {}", failure.reason)]
    Activity { name: String, failure: Failure },
    #[error(
        "execution {execution} has no activity {activity}: \
         `simpleflow workflow.tasks` shows those that it has"
    )]
    NoActivity {
        execution: String,
        activity: RecordedActivity,
    },
    #[error(transparent)]
    Binary(#[from] BinaryError),
    #[error(transparent)]
    Middleware(#[from] MiddlewareError),
    #[error("cannot run activities in processes of their own: {0}")]
    Isolation(io::Error),
    #[error(
        "cannot run the activity of a worker: {0}; this command is started by \
         `worker.start --isolation process`, activity.rerun is the one for people"
    )]
    Execute(io::Error),
}

impl From<SwfError> for CliError {
    fn from(error: SwfError) -> Self {
        match error {
            SwfError::Service(error) => Self::Service(error),
            error => Self::Swf(error),
        }
    }
}

impl From<MetrologyError> for CliError {
    fn from(error: MetrologyError) -> Self {
        match error {
            MetrologyError::Service(error) => Self::Service(error),
            error => Self::Metrology(error),
        }
    }
}

/// The tasks that there are, if they are not too many to be read.
fn tasks(ids: &[String]) -> String {
    const MOST: usize = 20;
    match ids.len() {
        0 => ": it has none".to_owned(),
        1..=MOST => format!("; it has\n  {}", ids.join("\n  ")),
        more => format!("; it has {more} others, which workflow.profile and workflow.tasks list"),
    }
}

impl CliError {
    pub(crate) fn print(&self) {
        // Where stderr is gone, the exit code is left to tell.
        let _ = self.write(&mut anstream::stderr());
    }

    /// Whether the service does not know the domain. That it does not know something else is the
    /// same fault, in other words.
    fn is_unknown_domain(&self) -> bool {
        match self {
            Self::Service(ServiceError::Fault(fault))
            | Self::ExecutionStart(ExecutionStartError::Service(ServiceError::Fault(fault))) => {
                fault.kind == FaultKind::UnknownResource
                    && fault.message.starts_with("Unknown domain")
            }
            _ => false,
        }
    }

    fn write(&self, out: &mut impl io::Write) -> io::Result<()> {
        let message = self.to_string();
        let message = output::visible_lines(&message);
        writeln!(out, "{ERROR}error:{ERROR:#} {message}")?;
        if self.is_unknown_domain() {
            writeln!(
                out,
                "Is its name right? decider.start and standalone register a domain that is not \
                 there."
            )?;
        }
        let details = match self {
            Self::Workflow {
                outcome: Outcome::Failed { details, .. },
                ..
            } => details.as_deref(),
            Self::Activity { failure, .. } => failure.details.as_deref(),
            _ => None,
        };
        if let Some(details) = details {
            for line in readable(details).lines() {
                let line = output::visible_lines(line);
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
            | Self::Signals(_)
            | Self::Restart { .. }
            | Self::Threads(_)
            | Self::Service(_)
            | Self::Swf(_)
            | Self::Metrology(_)
            | Self::NoTask { .. }
            | Self::ReadHistory { .. }
            | Self::Replay(_)
            | Self::Activity { .. }
            | Self::NoActivity { .. }
            | Self::Isolation(_)
            | Self::Value(_)
            | Self::Input(_)
            | Self::Prune(_)
            | Self::Cache { .. }
            | Self::Binary(_)
            | Self::ServerStop(_) => ExitCode::FAILURE,
            Self::ServerStart(error) => match error {
                StartError::Open(_) => ExitCode::from(2),
                _ => ExitCode::FAILURE,
            },
            Self::ExecutionStart(error) => start_exit_code(error),
            Self::Standalone(StandaloneError::Start(error)) => start_exit_code(error),
            Self::Standalone(_)
            | Self::Interrupted { .. }
            | Self::InterruptedBefore
            | Self::InUse(_) => ExitCode::FAILURE,
            Self::Local(error) => match error {
                LocalError::Duplicate(_) => ExitCode::from(2),
                LocalError::Start(error) => start_exit_code(error),
                _ => ExitCode::FAILURE,
            },
            _ => ExitCode::from(2),
        }
    }
}

/// What is wrong with the request is usage, what the service says is a failure.
fn start_exit_code(error: &ExecutionStartError) -> ExitCode {
    match error {
        ExecutionStartError::Service(_)
        | ExecutionStartError::Value(_)
        | ExecutionStartError::Signal { .. }
        | ExecutionStartError::AlreadyOpen(_) => ExitCode::FAILURE,
        _ => ExitCode::from(2),
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
