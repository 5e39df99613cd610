//! How an execution ended.

use std::fmt;

use simpleflow_model::enums::WorkflowExecutionTimeoutType;
use simpleflow_model::{EventAttributes, SmolStr};

/// How an execution ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// With a result, JSON text.
    Completed(SmolStr),
    /// With a failure.
    Failed {
        /// What happened, in a line.
        reason: SmolStr,
        /// More of it.
        details: Option<SmolStr>,
    },
    /// It was cancelled.
    Canceled,
    /// It was terminated.
    Terminated,
    /// Its time was up.
    TimedOut(WorkflowExecutionTimeoutType),
}

impl Outcome {
    /// The outcome that the last event of a history tells; none when that is not the end, or
    /// another run goes on.
    pub fn of(last: &EventAttributes) -> Option<Self> {
        Some(match last {
            EventAttributes::WorkflowExecutionCompleted(completed) => {
                Self::Completed(completed.result.clone().unwrap_or_else(|| "null".into()))
            }
            EventAttributes::WorkflowExecutionFailed(failed) => Self::Failed {
                reason: failed.reason.clone().unwrap_or_default(),
                details: failed.details.clone(),
            },
            EventAttributes::WorkflowExecutionCanceled(_) => Self::Canceled,
            EventAttributes::WorkflowExecutionTerminated(_) => Self::Terminated,
            EventAttributes::WorkflowExecutionTimedOut(timed_out) => {
                Self::TimedOut(timed_out.timeout_type.clone())
            }
            _ => return None,
        })
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Completed(_) => f.write_str("Workflow execution completed"),
            Self::Failed { reason, .. } => f.write_str(reason),
            Self::Canceled => f.write_str("Workflow execution cancelled"),
            Self::Terminated => f.write_str("Workflow execution terminated"),
            Self::TimedOut(timeout) => write!(f, "Workflow execution timed out ({timeout})"),
        }
    }
}
