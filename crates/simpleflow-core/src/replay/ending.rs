//! The end of the code, and what the service makes of it.

use simpleflow_model::decision::{
    CancelWorkflowExecution, CompleteWorkflowExecution, ContinueAsNewWorkflowExecution,
    FailWorkflowExecution, StartTimer,
};
use simpleflow_model::enums::ContinueAsNewWorkflowExecutionFailedCause;
use simpleflow_model::event::ContinueAsNewWorkflowExecutionFailed;
use simpleflow_model::{Decision, SmolStr, Timeout, TimerId, WorkflowType};

use super::{MissingType, Moment, Replayer, refusal};
use crate::error::{Error, Failure};
use crate::panics::Panic;
use crate::task_id::NEXT_RUN_TIMER;

/// How the code ended.
pub(super) enum Ending {
    Completed(SmolStr),
    Failed(Failure),
    Cancelled {
        details: Option<SmolStr>,
    },
    ContinuedAsNew {
        next: Box<ContinueAsNewWorkflowExecution>,
        /// How often the service refused it for its rate.
        refusals: u32,
        rest: Rest,
    },
}

/// Whether a next run that the service refused for its rate waits for a timer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Rest {
    /// It is asked for.
    Over,
    /// The timer is asked for.
    Asked,
    /// The timer is open.
    Begun,
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

    /// Moves the rest before the next run on, if that is where it is.
    pub(super) fn change_rest(&mut self, from: Rest, to: Rest) -> bool {
        match self {
            Self::ContinuedAsNew { rest, .. } if *rest == from => {
                *rest = to;
                true
            }
            _ => false,
        }
    }

    /// Whether nothing is to be decided before the timer fires.
    pub(super) fn rests(&self) -> bool {
        matches!(self, Self::ContinuedAsNew { rest, .. } if *rest == Rest::Begun)
    }

    /// The last decision, whose details may have that many characters, or what has to be before it.
    pub(super) fn decision(&self, value_length: usize) -> Option<Decision> {
        Some(match self {
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
            Self::ContinuedAsNew {
                next,
                refusals,
                rest,
            } => match rest {
                Rest::Over => (**next).clone().into(),
                Rest::Asked => StartTimer {
                    timer_id: TimerId::from(SmolStr::new_static(NEXT_RUN_TIMER)),
                    start_to_fire_timeout: Timeout::Seconds(refusal::back_off_seconds(
                        refusals.saturating_sub(1),
                    )),
                    ..StartTimer::default()
                }
                .into(),
                Rest::Begun => return None,
            },
        })
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
    /// The names of the signals that the execution received and nobody took, when the last decision
    /// starts a next run, which will not see them.
    pub fn signals_left_behind(&self) -> Vec<SmolStr> {
        match &self.ending {
            Some(Ending::ContinuedAsNew {
                rest: Rest::Over, ..
            }) => {
                let state = self.shared.state.borrow();
                state.untaken_signals().cloned().collect()
            }
            _ => Vec::new(),
        }
    }

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
                rest: Rest::Over,
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
        let Some(Ending::ContinuedAsNew {
            next,
            refusals,
            rest,
        }) = &mut self.ending
        else {
            return;
        };
        // An earlier decider did not wait for the timer.
        *rest = Rest::Over;
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
            Cause::ContinueAsNewWorkflowExecutionRateExceeded => {
                *refusals += 1;
                *rest = Rest::Asked;
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
