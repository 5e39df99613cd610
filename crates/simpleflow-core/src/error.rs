//! The errors of workflows and activities, and how they travel as a reason and details.

mod failure;

use std::error::Error as StdError;
use std::fmt;
use std::panic::Location;

use simpleflow_model::enums::ActivityTaskTimeoutType;
use simpleflow_model::{SmolStr, limits};

use crate::canvas::AggregateError;
use crate::continued::NextRun;
use crate::task::Task;
pub use failure::Failure;
use failure::cut;

/// The result of a workflow or an activity.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Any error of a workflow or an activity: every [`std::error::Error`] becomes one with `?`.
pub struct Error(Box<Repr>);

enum Repr {
    Fail {
        reason: String,
        details: Option<String>,
    },
    Other {
        source: Box<dyn StdError + Send + Sync>,
        type_name: &'static str,
    },
    /// One that is not to be tried again.
    NonRetryable(Error),
    Cancelled {
        details: Option<String>,
    },
    /// No failure: the execution goes on in a new run.
    ContinueAsNew(Box<NextRun>),
}

impl Error {
    /// A failure in one's own words.
    pub fn msg(reason: impl fmt::Display) -> Self {
        Self(Box::new(Repr::Fail {
            reason: reason.to_string(),
            details: None,
        }))
    }

    /// The end of a workflow that was asked to cancel itself: an execution whose `run` returns it is
    /// cancelled, and has not failed. See [`Flow::cancel_requested`](crate::Flow::cancel_requested).
    pub fn cancelled() -> Self {
        Self(Box::new(Repr::Cancelled { details: None }))
    }

    /// The same error, as one that is not worth another attempt: an activity or a child that fails
    /// with it is not tried again, whatever its retry policy.
    ///
    /// It travels in the details of the failure, as `"non_retryable": true` beside what the Python
    /// original writes there.
    #[must_use]
    pub fn non_retryable(self) -> Self {
        Self(Box::new(Repr::NonRetryable(self)))
    }

    /// Whether it is [`cancelled`](Self::cancelled), or that of a task that was cancelled.
    pub fn is_cancelled(&self) -> bool {
        matches!(*self.0, Repr::Cancelled { .. })
            || self.task_error().is_some_and(TaskError::is_cancelled)
    }

    /// The details with which an execution is cancelled whose code ends with this error; none when
    /// it fails. They are cut to `most` characters. A cancelled task cancels an execution whose cancel was requested.
    pub(crate) fn cancelled_with(&self, requested: bool, most: usize) -> Option<Option<SmolStr>> {
        let details = match &*self.0 {
            Repr::Cancelled { details } => details.as_deref(),
            _ if requested && self.is_cancelled() => self.task_error()?.details(),
            _ => return None,
        };
        Some(details.map(|details| cut(details, most)))
    }

    pub(crate) fn is_continue_as_new(&self) -> bool {
        matches!(*self.0, Repr::ContinueAsNew(_))
    }

    /// The end of a run that another is to follow.
    pub(crate) fn continue_as_new(next: NextRun) -> Self {
        Self(Box::new(Repr::ContinueAsNew(Box::new(next))))
    }

    /// Adds details, which travel beside the reason.
    #[must_use]
    pub fn with_details(self, details: impl fmt::Display) -> Self {
        let details = details.to_string();
        Self(Box::new(match *self.0 {
            Repr::Cancelled { .. } => Repr::Cancelled {
                details: Some(details),
            },
            Repr::NonRetryable(error) => Repr::NonRetryable(error.with_details(details)),
            _ => Repr::Fail {
                reason: self.to_string(),
                details: Some(details),
            },
        }))
    }

    /// The failure of a task, if that is what this is.
    pub fn task_error(&self) -> Option<&TaskError> {
        self.downcast_ref()
    }

    /// The error as its own type, if it has that type.
    pub fn downcast_ref<E: StdError + 'static>(&self) -> Option<&E> {
        match &*self.0 {
            Repr::Other { source, .. } => source.downcast_ref(),
            Repr::NonRetryable(error) => error.downcast_ref(),
            _ => None,
        }
    }

    /// What caused it, outermost first.
    pub fn causes(&self) -> impl Iterator<Item = &(dyn StdError + 'static)> {
        let mut error = self;
        while let Repr::NonRetryable(inner) = &*error.0 {
            error = inner;
        }
        let first = match &*error.0 {
            Repr::Other { source, .. } => source.source(),
            _ => None,
        };
        std::iter::successors(first, |&error| error.source())
    }

    /// The next run, if it is the end of a run that another is to follow.
    pub(crate) fn into_next_run(self) -> Result<NextRun> {
        match *self.0 {
            Repr::ContinueAsNew(next) => Ok(*next),
            other => Err(Self(Box::new(other))),
        }
    }

    /// How an execution that ends with this error fails.
    pub(crate) fn to_execution_failure(&self) -> Failure {
        if let Repr::NonRetryable(error) = &*self.0 {
            return error.to_execution_failure().non_retryable();
        }
        if let Some(task) = self.task_error() {
            return task.to_execution_failure();
        }
        Failure::new(format!("Workflow execution failed: {self}"), self.details())
    }

    /// How a task ends whose code ends with this error: with the failure of another task, if that
    /// is what this is.
    pub(crate) fn into_task_error(self, task: &Task) -> TaskError {
        if let Some(error) = self.task_error() {
            return error.clone();
        }
        if let Some(error) = self.downcast_ref::<AggregateError>() {
            return task.error(TaskErrorKind::Aggregate(error.clone()));
        }
        if let Some(details) = self.cancelled_with(false, limits::DATA_LENGTH) {
            return task.error(TaskErrorKind::Cancelled { details });
        }
        task.error(TaskErrorKind::Failed {
            reason: self.to_string().into(),
            details: self.details().map(SmolStr::from),
        })
    }

    fn details(&self) -> Option<String> {
        match &*self.0 {
            Repr::Fail { details, .. } => details.clone(),
            Repr::NonRetryable(error) => error.details(),
            Repr::Cancelled { .. } | Repr::ContinueAsNew(_) => None,
            Repr::Other { type_name, .. } => Some(
                std::iter::once((*type_name).to_owned())
                    .chain(self.causes().map(|cause| format!("caused by: {cause}")))
                    .collect::<Vec<_>>()
                    .join("\n"),
            ),
        }
    }
}

impl<E: StdError + Send + Sync + 'static> From<E> for Error {
    fn from(error: E) -> Self {
        Self(Box::new(Repr::Other {
            source: Box::new(error),
            type_name: std::any::type_name::<E>(),
        }))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Repr::Fail { reason, .. } => f.write_str(reason),
            Repr::Other { source, .. } => source.fmt(f),
            Repr::NonRetryable(error) => error.fmt(f),
            Repr::Cancelled { .. } => f.write_str("cancelled"),
            Repr::ContinueAsNew(_) => f.write_str(
                "the next run is not started: only the workflow's own code can, by returning this",
            ),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")?;
        for cause in self.causes() {
            write!(f, "\n  caused by: {cause}")?;
        }
        Ok(())
    }
}

/// The failure of a task: an activity, a child execution, a timer, a signal, a Lambda function, code
/// that was spawned, a canvas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskError {
    task: SmolStr,
    name: SmolStr,
    /// What stands before the name in the reason of an execution's failure.
    prefix: &'static str,
    attempt: u32,
    location: &'static Location<'static>,
    kind: TaskErrorKind,
}

/// How a task failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TaskErrorKind {
    /// It reported a failure.
    Failed {
        /// What happened, in a line.
        reason: SmolStr,
        /// More of it; of an activity, a JSON object with `error_type`, `message`, `traceback`.
        details: Option<SmolStr>,
    },
    /// One of its time limits ran out.
    TimedOut {
        /// Which.
        timeout_type: ActivityTaskTimeoutType,
        /// The details of its last heartbeat.
        details: Option<SmolStr>,
    },
    /// It was cancelled.
    Cancelled {
        /// What it said when it was cancelled.
        details: Option<SmolStr>,
    },
    /// The child execution was terminated.
    Terminated,
    /// The service refused to schedule it.
    Refused {
        /// The service's cause, such as `ACTIVITY_TYPE_DEPRECATED`.
        cause: SmolStr,
    },
    /// The service took it and could not start it, as a Lambda function whose role it cannot assume.
    NotStarted {
        /// The service's cause, such as `ASSUME_ROLE_FAILED`.
        cause: SmolStr,
        /// More of it.
        message: SmolStr,
    },
    /// A task whose result it needs failed; of a chain of such tasks, the one that began it.
    Dependency(Box<TaskError>),
    /// An argument has no JSON form, or the input is longer than the service takes.
    Input(SmolStr),
    /// Members of a canvas failed.
    Aggregate(AggregateError),
    /// The result is not what the workflow expects.
    Result {
        /// The Rust type that was expected.
        expected: &'static str,
        /// What the decoder says.
        problem: SmolStr,
    },
}

impl TaskError {
    pub(crate) fn new(
        task: SmolStr,
        name: SmolStr,
        prefix: &'static str,
        attempt: u32,
        location: &'static Location<'static>,
        kind: TaskErrorKind,
    ) -> Self {
        Self {
            task,
            name,
            prefix,
            attempt,
            location,
            kind,
        }
    }

    /// How a task fails that needs the result of the one that this is the failure of.
    pub(crate) fn of_dependent(&self) -> TaskErrorKind {
        TaskErrorKind::Dependency(match &self.kind {
            TaskErrorKind::Dependency(root) => root.clone(),
            _ => Box::new(self.clone()),
        })
    }

    /// The id of the task, such as `activity-examples.basic.increment-1`.
    pub fn task_id(&self) -> &str {
        &self.task
    }

    /// The name of the activity, workflow, timer, signal or function.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Which attempt failed, from 1.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Where in the workflow's code it was submitted.
    pub fn location(&self) -> &'static Location<'static> {
        self.location
    }

    /// How it failed.
    pub fn kind(&self) -> &TaskErrorKind {
        &self.kind
    }

    /// Of a canvas: what became of its members.
    pub fn aggregate(&self) -> Option<&AggregateError> {
        match &self.kind {
            TaskErrorKind::Aggregate(error) => Some(error),
            _ => None,
        }
    }

    /// Whether it was cancelled.
    pub fn is_cancelled(&self) -> bool {
        matches!(self.kind, TaskErrorKind::Cancelled { .. })
    }

    /// Whether a time limit ran out.
    pub fn is_timeout(&self) -> bool {
        matches!(self.kind, TaskErrorKind::TimedOut { .. })
    }

    /// What happened, in a line.
    pub fn reason(&self) -> String {
        match &self.kind {
            TaskErrorKind::Failed { reason, .. } => reason.to_string(),
            TaskErrorKind::TimedOut { timeout_type, .. } => format!("TimeoutError({timeout_type})"),
            TaskErrorKind::Cancelled { .. } => "cancelled".to_owned(),
            TaskErrorKind::Terminated => "terminated".to_owned(),
            TaskErrorKind::Refused { cause } => cause.to_string(),
            TaskErrorKind::NotStarted { cause, message } => format!("{cause}: {message}"),
            TaskErrorKind::Dependency(error) => {
                format!("{} failed: {}", error.task, error.reason())
            }
            TaskErrorKind::Input(problem) => problem.to_string(),
            TaskErrorKind::Aggregate(error) => error.to_string(),
            TaskErrorKind::Result { expected, problem } => {
                format!("its result is not of type {expected}: {problem}")
            }
        }
    }

    /// The type of the error, such as `builtins.ValueError` or `core::num::error::ParseIntError`, if
    /// the details say it, as those of the Python original and of this library do.
    pub fn error_type(&self) -> Option<SmolStr> {
        let said = self.said()?;
        said.error_type.or(said.error)
    }

    /// Whether it [says itself](Error::non_retryable) that it is not to be tried again.
    pub fn is_non_retryable(&self) -> bool {
        self.said().is_some_and(|said| said.non_retryable)
    }

    /// What the details say in the original's form.
    fn said(&self) -> Option<Said> {
        serde_json::from_str(self.details()?).ok()
    }

    /// More of what happened, if the task said more.
    pub fn details(&self) -> Option<&str> {
        match &self.kind {
            TaskErrorKind::Failed { details, .. }
            | TaskErrorKind::TimedOut { details, .. }
            | TaskErrorKind::Cancelled { details } => details.as_deref(),
            TaskErrorKind::Dependency(error) => error.details(),
            _ => None,
        }
    }

    pub(crate) fn to_execution_failure(&self) -> Failure {
        let details = match self.aggregate() {
            Some(error) => {
                let failures = error.flatten().into_iter().map(ToString::to_string);
                Some(failures.collect::<Vec<_>>().join("\n"))
            }
            None => self.details().map(str::to_owned),
        };
        Failure::new(
            format!(
                "Workflow execution error in {}{}: \"{}\"",
                self.prefix,
                self.name,
                self.reason()
            ),
            details,
        )
    }
}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.task, self.reason())?;
        if self.attempt > 1 {
            write!(f, " (attempt {})", self.attempt)?;
        }
        Ok(())
    }
}

impl StdError for TaskError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.kind {
            TaskErrorKind::Dependency(error) => Some(error),
            TaskErrorKind::Aggregate(error) => error.source(),
            _ => None,
        }
    }
}

/// The details of a failure, as far as something depends on them.
#[derive(serde::Deserialize)]
struct Said {
    error: Option<SmolStr>,
    error_type: Option<SmolStr>,
    #[serde(default)]
    non_retryable: bool,
}

/// Returns early with an [`Error`] in one's own words, as in `bail!("no part of {name} is left")`.
#[macro_export]
macro_rules! bail {
    ($($message:tt)+) => {
        return ::core::result::Result::Err($crate::Error::msg(::core::format_args!($($message)+)).into())
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bail_takes_a_format() {
        fn f(n: u32) -> Result<()> {
            bail!("{n} of {}", 3)
        }
        assert_eq!(f(1).unwrap_err().to_string(), "1 of 3");
    }
}
