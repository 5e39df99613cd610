//! The end of the code, and what the service makes of it.

use simpleflow_model::decision::{
    CancelWorkflowExecution, CompleteWorkflowExecution, ContinueAsNewWorkflowExecution,
    FailWorkflowExecution,
};
use simpleflow_model::enums::ContinueAsNewWorkflowExecutionFailedCause;
use simpleflow_model::event::ContinueAsNewWorkflowExecutionFailed;
use simpleflow_model::{Decision, SmolStr, WorkflowType};

use super::{MissingType, Moment, Replayer};
use crate::error::{Error, Failure};
use crate::panics::Panic;

/// How often the next run is asked for that the service refuses because of its rate. What could
/// delay another attempt is a timer of an execution that has ended, so they are made at once.
const ATTEMPTS: u32 = 10;

/// How the code ended.
pub(super) enum Ending {
    Completed(SmolStr),
    Failed(Failure),
    Cancelled {
        details: Option<SmolStr>,
    },
    ContinuedAsNew {
        next: Box<ContinueAsNewWorkflowExecution>,
        refusals: u32,
    },
}

impl Ending {
    pub(super) fn of_panic(panic: &Panic) -> Self {
        Self::Failed(Failure::new(
            format!("Cannot replay the workflow: panic({})", panic.message),
            Some(format!("panicked at {}", panic.location)),
        ))
    }

    pub(super) fn is_continued(&self) -> bool {
        matches!(self, Self::ContinuedAsNew { .. })
    }

    /// The last decision, whose details may have that many characters.
    pub(super) fn decision(&self, value_length: usize) -> Decision {
        match self {
            Self::Completed(result) => CompleteWorkflowExecution {
                result: Some(result.clone()),
                ..CompleteWorkflowExecution::default()
            }
            .into(),
            Self::Failed(failure) => {
                let failure = failure.clone().within(value_length);
                FailWorkflowExecution {
                    reason: Some(failure.reason),
                    details: failure.details,
                    ..FailWorkflowExecution::default()
                }
                .into()
            }
            Self::Cancelled { details } => CancelWorkflowExecution {
                details: details.clone(),
                ..CancelWorkflowExecution::default()
            }
            .into(),
            Self::ContinuedAsNew { next, .. } => (**next).clone().into(),
        }
    }

    /// What the code does, for the message of a divergence.
    pub(super) fn line(&self) -> String {
        match self {
            Self::Completed(_) => "the workflow returns its result".to_owned(),
            Self::Failed(failure) => format!("the workflow fails: {}", failure.reason),
            Self::Cancelled { .. } => "the workflow is cancelled".to_owned(),
            Self::ContinuedAsNew { .. } => "the workflow continues as new".to_owned(),
        }
    }
}

impl Replayer {
    /// How the execution ends when its code returns this error.
    pub(super) fn ending_of(&self, error: Error) -> Ending {
        let failed = |error: &Error| Ending::Failed(error.to_execution_failure());
        let next = match error.into_next_run() {
            Ok(next) => next,
            Err(error) => {
                let requested = self.shared.state.borrow().cancel.is_requested();
                return match error.cancelled_with(requested, self.limits.value_length) {
                    Some(details) => Ending::Cancelled { details },
                    None => failed(&error),
                };
            }
        };
        match next.decision(&self.entry.definition().name, &self.same_settings) {
            Ok(next) => Ending::ContinuedAsNew {
                next: Box::new(next),
                refusals: 0,
            },
            Err(error) => failed(&error),
        }
    }

    /// The service did not start the next run: it is asked again where that can help.
    pub(super) fn next_run_refused(
        &mut self,
        at: Moment,
        failed: &ContinueAsNewWorkflowExecutionFailed,
    ) {
        let Some(Ending::ContinuedAsNew { next, refusals }) = &mut self.ending else {
            return;
        };
        use ContinueAsNewWorkflowExecutionFailedCause as Cause;
        match failed.cause {
            // Something happened meanwhile, which changes nothing any more.
            Cause::UnhandledDecision => return,
            Cause::WorkflowTypeDoesNotExist => {
                let missing = MissingType::Workflow(WorkflowType {
                    name: self.entry.definition().name.clone().into(),
                    version: next.workflow_type_version.clone().unwrap_or_default(),
                    ..WorkflowType::default()
                });
                return self.report_missing(at, missing);
            }
            Cause::ContinueAsNewWorkflowExecutionRateExceeded if *refusals < ATTEMPTS => {
                *refusals += 1;
                return;
            }
            _ => {}
        }
        self.ending = Some(Ending::Failed(Failure::new(
            format!(
                "Workflow execution failed: cannot continue as new: {}",
                failed.cause
            ),
            None,
        )));
    }
}
