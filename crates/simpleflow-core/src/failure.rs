//! What a workflow makes of the failures of its tasks, before its code sees them.

use std::ops::Deref;
use std::time::Duration;

use serde::Serialize;
use simpleflow_model::{SmolStr, Timestamp};

use crate::error::TaskError;
use crate::payload;

/// The failure of a task, as [`Flow::on_task_failure`](crate::Flow::on_task_failure) is told of it.
/// It derefs to [`TaskError`]: the task, its name, the attempt, the kind of failure, the reason, the
/// details.
pub struct TaskFailure {
    pub(crate) error: TaskError,
    pub(crate) time: Timestamp,
}

impl TaskFailure {
    /// When it failed.
    pub fn time(&self) -> Timestamp {
        self.time
    }
}

impl Deref for TaskFailure {
    type Target = TaskError;

    fn deref(&self) -> &TaskError {
        &self.error
    }
}

/// What becomes of a task that failed: what [`Flow::on_task_failure`](crate::Flow::on_task_failure)
/// returns. The choices are the Python original's.
#[derive(Clone, Debug, PartialEq)]
pub struct FailureDecision(pub(crate) Choice);

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Choice {
    Default,
    Abort,
    Ignore(Result<SmolStr, Unwritable>),
    Retry(Duration),
    Cancel,
    Handled,
}

/// A value that was to stand for a result, and has no JSON form.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Unwritable {
    pub(crate) type_name: &'static str,
    pub(crate) problem: SmolStr,
}

impl FailureDecision {
    /// As if nobody had been asked: the retry policy of the task, then its failure.
    pub fn none() -> Self {
        Self(Choice::Default)
    }

    /// The workflow fails at once, with this failure.
    pub fn abort() -> Self {
        Self(Choice::Abort)
    }

    /// The task counts as done, with this result; `()` stands for none.
    pub fn ignore<T: Serialize>(result: T) -> Self {
        let result = payload::to_json(&result).map_err(|problem| Unwritable {
            type_name: std::any::type_name::<T>(),
            problem: problem.to_string().into(),
        });
        Self(Choice::Ignore(result))
    }

    /// The task is tried again at once, however often it was.
    pub fn retry_now() -> Self {
        Self(Choice::Retry(Duration::ZERO))
    }

    /// The task is tried again after this time, however often it was. SWF counts in whole seconds: a
    /// fraction is rounded up.
    pub fn retry_later(delay: Duration) -> Self {
        Self(Choice::Retry(delay))
    }

    /// The task counts as cancelled.
    pub fn cancel() -> Self {
        Self(Choice::Cancel)
    }

    /// The task has failed, and the code is told: without retries, and without failing the workflow
    /// if it `raises_on_failure`.
    pub fn handled() -> Self {
        Self(Choice::Handled)
    }
}
