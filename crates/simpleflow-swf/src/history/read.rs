//! From events to states: what each event says of which attempt.

use simpleflow_model::{CloseStatus, EventAttributes, HistoryEvent};

use super::attempts::{End, Subject};
use super::{Attempt, Close, History, Moment, Place, State, TaskKind, TimeLimits};

impl History {
    pub(super) fn read(&mut self, event: &HistoryEvent) {
        use EventAttributes as E;
        use State as S;
        use TaskKind as K;
        let at = Moment {
            event_id: event.event_id,
            timestamp: event.event_timestamp,
        };
        match &event.attributes {
            E::ActivityTaskScheduled(a) => {
                let subject = Subject::typed(
                    K::Activity,
                    &a.activity_id,
                    &a.activity_type.name,
                    &a.activity_type.version,
                );
                let attempt = Attempt {
                    decided_by: Some(a.decision_task_completed_event_id),
                    task_list: Some(a.task_list.name.clone()),
                    input: a.input.clone(),
                    control: a.control.clone(),
                    limits: TimeLimits {
                        schedule_to_start: a.schedule_to_start_timeout,
                        schedule_to_close: a.schedule_to_close_timeout,
                        start_to_close: a.start_to_close_timeout,
                        heartbeat: a.heartbeat_timeout,
                    },
                    ..Attempt::new(S::Scheduled, at)
                };
                self.attempt(subject, attempt);
            }
            E::ScheduleActivityTaskFailed(a) => {
                let subject = Subject::typed(
                    K::Activity,
                    &a.activity_id,
                    &a.activity_type.name,
                    &a.activity_type.version,
                );
                let attempt = Attempt {
                    decided_by: Some(a.decision_task_completed_event_id),
                    cause: Some(a.cause.as_str().into()),
                    ..Attempt::at_once(S::ScheduleFailed, at)
                };
                self.attempt(subject, attempt);
            }
            E::ActivityTaskStarted(a) => {
                self.begin(a.scheduled_event_id, at, a.identity.as_deref());
            }
            E::ActivityTaskCompleted(a) => self.end(
                a.scheduled_event_id,
                at,
                S::Completed,
                End::result(a.result.as_ref()),
            ),
            E::ActivityTaskFailed(a) => self.end(
                a.scheduled_event_id,
                at,
                S::Failed,
                End::failure(a.reason.as_ref(), a.details.as_ref()),
            ),
            E::ActivityTaskTimedOut(a) => self.end(
                a.scheduled_event_id,
                at,
                S::TimedOut,
                End::timeout(a.timeout_type.as_str(), a.details.as_ref()),
            ),
            E::ActivityTaskCanceled(a) => self.end(
                a.scheduled_event_id,
                at,
                S::Canceled,
                End::failure(None, a.details.as_ref()),
            ),
            E::ActivityTaskCancelRequested(a) => {
                if let Some(attempt) = self.last_of(K::Activity, &a.activity_id) {
                    attempt.cancel_requested = Some(at);
                    if attempt.state.is_open() {
                        attempt.state = S::CancelRequested;
                    }
                }
            }

            E::TimerStarted(a) => {
                let attempt = Attempt {
                    decided_by: Some(a.decision_task_completed_event_id),
                    started: Some(at),
                    control: a.control.clone(),
                    limits: TimeLimits {
                        start_to_close: Some(a.start_to_fire_timeout),
                        ..TimeLimits::default()
                    },
                    ..Attempt::new(S::Started, at)
                };
                self.attempt(Subject::named(K::Timer, &a.timer_id), attempt);
            }
            E::StartTimerFailed(a) => {
                let attempt = Attempt {
                    decided_by: Some(a.decision_task_completed_event_id),
                    cause: Some(a.cause.as_str().into()),
                    ..Attempt::at_once(S::StartFailed, at)
                };
                self.attempt(Subject::named(K::Timer, &a.timer_id), attempt);
            }
            E::TimerFired(a) => self.end(a.started_event_id, at, S::Fired, End::default()),
            E::TimerCanceled(a) => self.end(a.started_event_id, at, S::Canceled, End::default()),

            E::MarkerRecorded(a) => {
                let attempt = Attempt {
                    decided_by: Some(a.decision_task_completed_event_id),
                    input: a.details.clone(),
                    ..Attempt::at_once(S::Recorded, at)
                };
                self.add(Subject::named(K::Marker, &a.marker_name), attempt);
            }
            E::RecordMarkerFailed(a) => {
                let attempt = Attempt {
                    decided_by: Some(a.decision_task_completed_event_id),
                    cause: Some(a.cause.as_str().into()),
                    ..Attempt::at_once(S::RecordFailed, at)
                };
                self.add(Subject::named(K::Marker, &a.marker_name), attempt);
            }
            E::WorkflowExecutionSignaled(a) => {
                let from = a.external_workflow_execution.as_ref();
                let attempt = Attempt {
                    input: a.input.clone(),
                    workflow_id: from.map(|from| from.workflow_id.as_str().into()),
                    run_id: from.map(|from| from.run_id.clone()),
                    ..Attempt::at_once(S::Signaled, at)
                };
                self.add(Subject::named(K::Signal, &a.signal_name), attempt);
            }

            E::StartChildWorkflowExecutionInitiated(a) => {
                let subject = Subject::typed(
                    K::ChildWorkflow,
                    &a.workflow_id,
                    &a.workflow_type.name,
                    &a.workflow_type.version,
                );
                let attempt = Attempt {
                    decided_by: Some(a.decision_task_completed_event_id),
                    task_list: Some(a.task_list.name.clone()),
                    input: a.input.clone(),
                    control: a.control.clone(),
                    limits: TimeLimits {
                        start_to_close: a.execution_start_to_close_timeout,
                        ..TimeLimits::default()
                    },
                    ..Attempt::new(S::StartInitiated, at)
                };
                self.attempt(subject, attempt);
            }
            E::StartChildWorkflowExecutionFailed(a) => {
                if self.at(a.initiated_event_id).is_some() {
                    self.end(
                        a.initiated_event_id,
                        at,
                        S::StartFailed,
                        End::cause(a.cause.as_str()),
                    );
                } else {
                    let subject = Subject::typed(
                        K::ChildWorkflow,
                        &a.workflow_id,
                        &a.workflow_type.name,
                        &a.workflow_type.version,
                    );
                    let attempt = Attempt {
                        decided_by: Some(a.decision_task_completed_event_id),
                        cause: Some(a.cause.as_str().into()),
                        control: a.control.clone(),
                        ..Attempt::at_once(S::StartFailed, at)
                    };
                    self.attempt(subject, attempt);
                }
            }
            E::ChildWorkflowExecutionStarted(a) => {
                self.begin(a.initiated_event_id, at, None);
                self.names_run(a.initiated_event_id, &a.workflow_execution.run_id);
            }
            E::ChildWorkflowExecutionCompleted(a) => self.end(
                a.initiated_event_id,
                at,
                S::Completed,
                End::result(a.result.as_ref()),
            ),
            E::ChildWorkflowExecutionFailed(a) => self.end(
                a.initiated_event_id,
                at,
                S::Failed,
                End::failure(a.reason.as_ref(), a.details.as_ref()),
            ),
            E::ChildWorkflowExecutionTimedOut(a) => self.end(
                a.initiated_event_id,
                at,
                S::TimedOut,
                End::timeout(a.timeout_type.as_str(), None),
            ),
            E::ChildWorkflowExecutionCanceled(a) => self.end(
                a.initiated_event_id,
                at,
                S::Canceled,
                End::failure(None, a.details.as_ref()),
            ),
            E::ChildWorkflowExecutionTerminated(a) => {
                self.end(a.initiated_event_id, at, S::Terminated, End::default());
            }

            E::SignalExternalWorkflowExecutionInitiated(a) => {
                let attempt = Attempt {
                    decided_by: Some(a.decision_task_completed_event_id),
                    input: a.input.clone(),
                    control: a.control.clone(),
                    workflow_id: Some(a.workflow_id.as_str().into()),
                    run_id: a.run_id.clone(),
                    ..Attempt::new(S::Scheduled, at)
                };
                self.add(Subject::named(K::SignalSent, &a.signal_name), attempt);
            }
            E::SignalExternalWorkflowExecutionFailed(a) => self.end(
                a.initiated_event_id,
                at,
                S::Failed,
                End::cause(a.cause.as_str()),
            ),
            E::ExternalWorkflowExecutionSignaled(a) => {
                self.names_run(a.initiated_event_id, &a.workflow_execution.run_id);
                self.end(a.initiated_event_id, at, S::Signaled, End::default());
            }
            E::RequestCancelExternalWorkflowExecutionInitiated(a) => {
                let attempt = Attempt {
                    decided_by: Some(a.decision_task_completed_event_id),
                    control: a.control.clone(),
                    workflow_id: Some(a.workflow_id.as_str().into()),
                    run_id: a.run_id.clone(),
                    ..Attempt::new(S::Scheduled, at)
                };
                self.attempt(Subject::named(K::CancelSent, &a.workflow_id), attempt);
            }
            E::RequestCancelExternalWorkflowExecutionFailed(a) => self.end(
                a.initiated_event_id,
                at,
                S::Failed,
                End::cause(a.cause.as_str()),
            ),
            E::ExternalWorkflowExecutionCancelRequested(a) => {
                self.names_run(a.initiated_event_id, &a.workflow_execution.run_id);
                self.end(a.initiated_event_id, at, S::Completed, End::default());
            }

            E::LambdaFunctionScheduled(a) => {
                let subject = Subject {
                    name: &a.name,
                    ..Subject::named(K::LambdaFunction, &a.id)
                };
                let attempt = Attempt {
                    decided_by: Some(a.decision_task_completed_event_id),
                    input: a.input.clone(),
                    control: a.control.clone(),
                    limits: TimeLimits {
                        start_to_close: a.start_to_close_timeout,
                        ..TimeLimits::default()
                    },
                    ..Attempt::new(S::Scheduled, at)
                };
                self.attempt(subject, attempt);
            }
            E::ScheduleLambdaFunctionFailed(a) => {
                let subject = Subject {
                    name: &a.name,
                    ..Subject::named(K::LambdaFunction, &a.id)
                };
                let attempt = Attempt {
                    decided_by: Some(a.decision_task_completed_event_id),
                    cause: Some(a.cause.as_str().into()),
                    ..Attempt::at_once(S::ScheduleFailed, at)
                };
                self.attempt(subject, attempt);
            }
            E::LambdaFunctionStarted(a) => self.begin(a.scheduled_event_id, at, None),
            E::StartLambdaFunctionFailed(a) => {
                if let Some(scheduled) = a.scheduled_event_id {
                    let end = End {
                        cause: a.cause.as_ref().map(|cause| cause.as_str().into()),
                        details: a.message.clone(),
                        ..End::default()
                    };
                    self.end(scheduled, at, S::StartFailed, end);
                }
            }
            E::LambdaFunctionCompleted(a) => self.end(
                a.scheduled_event_id,
                at,
                S::Completed,
                End::result(a.result.as_ref()),
            ),
            E::LambdaFunctionFailed(a) => self.end(
                a.scheduled_event_id,
                at,
                S::Failed,
                End::failure(a.reason.as_ref(), a.details.as_ref()),
            ),
            E::LambdaFunctionTimedOut(a) => {
                let limit = a.timeout_type.as_ref().map_or("", |limit| limit.as_str());
                self.end(
                    a.scheduled_event_id,
                    at,
                    S::TimedOut,
                    End::timeout(limit, None),
                );
            }

            E::DecisionTaskScheduled(a) => {
                let place = Place::Decision(self.decision_tasks.len());
                self.by_event.insert(at.event_id, place);
                self.decision_tasks.push(Attempt {
                    task_list: Some(a.task_list.name.clone()),
                    limits: TimeLimits {
                        start_to_close: a.start_to_close_timeout,
                        schedule_to_start: a.schedule_to_start_timeout,
                        ..TimeLimits::default()
                    },
                    ..Attempt::new(S::Scheduled, at)
                });
            }
            E::DecisionTaskStarted(a) => {
                self.begin(a.scheduled_event_id, at, a.identity.as_deref());
            }
            E::DecisionTaskCompleted(a) => {
                self.execution_context = a
                    .execution_context
                    .clone()
                    .filter(|context| !context.is_empty());
                self.end(a.scheduled_event_id, at, S::Completed, End::default());
            }
            E::DecisionTaskTimedOut(a) => self.end(
                a.scheduled_event_id,
                at,
                S::TimedOut,
                End::timeout(a.timeout_type.as_str(), None),
            ),

            E::WorkflowExecutionCancelRequested(_) => self.cancel_requested = Some(at),
            _ => {
                if let Some(close) = close(event, at) {
                    self.close = Some(close);
                }
            }
        }
    }
}

/// The close that an event is, if it is one.
fn close(event: &HistoryEvent, at: Moment) -> Option<Close> {
    use EventAttributes as E;
    let close = |status| Close {
        status,
        at,
        result: None,
        reason: None,
        details: None,
        cause: None,
        new_run_id: None,
    };
    Some(match &event.attributes {
        E::WorkflowExecutionCompleted(a) => Close {
            result: a.result.clone(),
            ..close(CloseStatus::Completed)
        },
        E::WorkflowExecutionFailed(a) => Close {
            reason: a.reason.clone(),
            details: a.details.clone(),
            ..close(CloseStatus::Failed)
        },
        E::WorkflowExecutionCanceled(a) => Close {
            details: a.details.clone(),
            ..close(CloseStatus::Canceled)
        },
        E::WorkflowExecutionTerminated(a) => Close {
            reason: a.reason.clone(),
            details: a.details.clone(),
            cause: a.cause.as_ref().map(|cause| cause.as_str().into()),
            ..close(CloseStatus::Terminated)
        },
        E::WorkflowExecutionTimedOut(a) => Close {
            cause: Some(a.timeout_type.as_str().into()),
            ..close(CloseStatus::TimedOut)
        },
        E::WorkflowExecutionContinuedAsNew(a) => Close {
            new_run_id: Some(a.new_execution_run_id.clone()),
            ..close(CloseStatus::ContinuedAsNew)
        },
        _ => return None,
    })
}
