//! What the service makes of decisions, as the builder of histories records it.

use simpleflow_model::decision::SignalExternalWorkflowExecution;
use simpleflow_model::event::*;
use simpleflow_model::{Decision, EventAttributes, EventId, RunId, SmolStr, WorkflowExecution};

use super::{HistoryBuilder, OpenActivity, OpenChild, OpenLambda, SentSignal};

/// The cause of a refusal before anything was initiated.
const NOT_PERMITTED: &str = "OPERATION_NOT_PERMITTED";

impl HistoryBuilder {
    /// Records what the service made of a decision.
    pub(super) fn record(
        &mut self,
        decision: Decision,
        refused: Option<SmolStr>,
        completed: EventId,
    ) {
        let refused = refused.or_else(|| self.must_refuse(&decision).map(SmolStr::new_static));
        match refused {
            Some(cause) => self.record_refusal(decision, &cause, completed),
            None => self.record_success(decision, completed),
        }
    }

    /// The cause for which the service refuses a decision, as far as the history tells.
    fn must_refuse(&self, decision: &Decision) -> Option<&'static str> {
        use Decision as D;
        match decision {
            D::ScheduleActivityTask(d) if self.activities.contains_key(&d.activity_id) => {
                Some("ACTIVITY_ID_ALREADY_IN_USE")
            }
            D::RequestCancelActivityTask(d) if !self.activities.contains_key(&d.activity_id) => {
                Some("ACTIVITY_ID_UNKNOWN")
            }
            D::StartTimer(d) if self.timers.contains_key(&d.timer_id) => {
                Some("TIMER_ID_ALREADY_IN_USE")
            }
            D::ScheduleLambdaFunction(d) if self.lambdas.contains_key(&d.id) => {
                Some("ID_ALREADY_IN_USE")
            }
            D::CancelTimer(d) if !self.timers.contains_key(&d.timer_id) => Some("TIMER_ID_UNKNOWN"),
            D::RequestCancelExternalWorkflowExecution(d)
                if !self.children.contains_key(&d.workflow_id) =>
            {
                Some("UNKNOWN_EXTERNAL_WORKFLOW_EXECUTION")
            }
            D::CompleteWorkflowExecution(_)
            | D::FailWorkflowExecution(_)
            | D::CancelWorkflowExecution(_)
            | D::ContinueAsNewWorkflowExecution(_)
                if self.waiting.is_some() =>
            {
                Some("UNHANDLED_DECISION")
            }
            _ => None,
        }
    }

    fn record_refusal(
        &mut self,
        decision: Decision,
        cause: &str,
        decision_task_completed_event_id: EventId,
    ) {
        use Decision as D;
        let attributes: EventAttributes = match decision {
            D::ScheduleActivityTask(d) => ScheduleActivityTaskFailed {
                activity_type: d.activity_type,
                activity_id: d.activity_id,
                cause: cause.into(),
                decision_task_completed_event_id,
                ..ScheduleActivityTaskFailed::default()
            }
            .into(),
            D::RequestCancelActivityTask(d) => RequestCancelActivityTaskFailed {
                activity_id: d.activity_id,
                cause: cause.into(),
                decision_task_completed_event_id,
                ..RequestCancelActivityTaskFailed::default()
            }
            .into(),
            D::StartTimer(d) => StartTimerFailed {
                timer_id: d.timer_id,
                cause: cause.into(),
                decision_task_completed_event_id,
                ..StartTimerFailed::default()
            }
            .into(),
            D::CancelTimer(d) => CancelTimerFailed {
                timer_id: d.timer_id,
                cause: cause.into(),
                decision_task_completed_event_id,
                ..CancelTimerFailed::default()
            }
            .into(),
            D::RecordMarker(d) => RecordMarkerFailed {
                marker_name: d.marker_name,
                cause: cause.into(),
                decision_task_completed_event_id,
                ..RecordMarkerFailed::default()
            }
            .into(),
            D::StartChildWorkflowExecution(d) => StartChildWorkflowExecutionFailed {
                workflow_type: d.workflow_type,
                cause: cause.into(),
                workflow_id: d.workflow_id,
                decision_task_completed_event_id,
                ..StartChildWorkflowExecutionFailed::default()
            }
            .into(),
            D::RequestCancelExternalWorkflowExecution(d) => {
                let initiated_event_id = match cause {
                    NOT_PERMITTED => EventId(0),
                    _ => self.push(RequestCancelExternalWorkflowExecutionInitiated {
                        workflow_id: d.workflow_id.clone(),
                        run_id: d.run_id.clone(),
                        decision_task_completed_event_id,
                        ..RequestCancelExternalWorkflowExecutionInitiated::default()
                    }),
                };
                RequestCancelExternalWorkflowExecutionFailed {
                    workflow_id: d.workflow_id,
                    run_id: d.run_id,
                    cause: cause.into(),
                    initiated_event_id,
                    decision_task_completed_event_id,
                    ..RequestCancelExternalWorkflowExecutionFailed::default()
                }
                .into()
            }
            D::ScheduleLambdaFunction(d) => ScheduleLambdaFunctionFailed {
                id: d.id,
                name: d.name,
                cause: cause.into(),
                decision_task_completed_event_id,
                ..ScheduleLambdaFunctionFailed::default()
            }
            .into(),
            D::SignalExternalWorkflowExecution(d) => {
                let initiated_event_id = match cause {
                    NOT_PERMITTED => EventId(0),
                    _ => self.push_signal(&d, decision_task_completed_event_id),
                };
                SignalExternalWorkflowExecutionFailed {
                    workflow_id: d.workflow_id,
                    run_id: d.run_id,
                    cause: cause.into(),
                    initiated_event_id,
                    decision_task_completed_event_id,
                    ..SignalExternalWorkflowExecutionFailed::default()
                }
                .into()
            }
            D::CompleteWorkflowExecution(_) => CompleteWorkflowExecutionFailed {
                cause: cause.into(),
                decision_task_completed_event_id,
                ..CompleteWorkflowExecutionFailed::default()
            }
            .into(),
            D::FailWorkflowExecution(_) => FailWorkflowExecutionFailed {
                cause: cause.into(),
                decision_task_completed_event_id,
                ..FailWorkflowExecutionFailed::default()
            }
            .into(),
            D::CancelWorkflowExecution(_) => CancelWorkflowExecutionFailed {
                cause: cause.into(),
                decision_task_completed_event_id,
                ..CancelWorkflowExecutionFailed::default()
            }
            .into(),
            D::ContinueAsNewWorkflowExecution(_) => ContinueAsNewWorkflowExecutionFailed {
                cause: cause.into(),
                decision_task_completed_event_id,
                ..ContinueAsNewWorkflowExecutionFailed::default()
            }
            .into(),
        };
        self.push(attributes);
        self.schedule_decision();
    }

    fn record_success(&mut self, decision: Decision, decision_task_completed_event_id: EventId) {
        use Decision as D;
        match decision {
            D::ScheduleActivityTask(d) => {
                let activity_id = d.activity_id.clone();
                let scheduled = self.push(ActivityTaskScheduled {
                    activity_type: d.activity_type,
                    activity_id: d.activity_id,
                    input: d.input,
                    control: d.control,
                    schedule_to_start_timeout: d.schedule_to_start_timeout,
                    schedule_to_close_timeout: d.schedule_to_close_timeout,
                    start_to_close_timeout: d.start_to_close_timeout,
                    task_list: d.task_list.unwrap_or_default(),
                    task_priority: d.task_priority,
                    decision_task_completed_event_id,
                    heartbeat_timeout: d.heartbeat_timeout,
                    ..ActivityTaskScheduled::default()
                });
                let activity = OpenActivity {
                    scheduled,
                    started: None,
                    cancel_requested: None,
                };
                self.activities.insert(activity_id, activity);
            }
            D::RequestCancelActivityTask(d) => {
                let requested = self.push(ActivityTaskCancelRequested {
                    decision_task_completed_event_id,
                    activity_id: d.activity_id.clone(),
                    ..ActivityTaskCancelRequested::default()
                });
                if let Some(activity) = self.activities.get_mut(&d.activity_id) {
                    activity.cancel_requested = Some(requested);
                }
            }
            D::StartTimer(d) => {
                let started = self.push(TimerStarted {
                    timer_id: d.timer_id.clone(),
                    control: d.control,
                    start_to_fire_timeout: d.start_to_fire_timeout,
                    decision_task_completed_event_id,
                    ..TimerStarted::default()
                });
                self.timers.insert(d.timer_id, started);
            }
            D::CancelTimer(d) => {
                let started_event_id = self.timers.remove(&d.timer_id).unwrap_or_default();
                self.push(TimerCanceled {
                    timer_id: d.timer_id,
                    started_event_id,
                    decision_task_completed_event_id,
                    ..TimerCanceled::default()
                });
            }
            D::RecordMarker(d) => {
                self.push(MarkerRecorded {
                    marker_name: d.marker_name,
                    details: d.details,
                    decision_task_completed_event_id,
                    ..MarkerRecorded::default()
                });
            }
            D::StartChildWorkflowExecution(d) => {
                let initiated = self.push(StartChildWorkflowExecutionInitiated {
                    workflow_id: d.workflow_id.clone(),
                    workflow_type: d.workflow_type.clone(),
                    control: d.control,
                    input: d.input,
                    execution_start_to_close_timeout: d.execution_start_to_close_timeout,
                    task_list: d.task_list.unwrap_or_default(),
                    task_priority: d.task_priority,
                    decision_task_completed_event_id,
                    child_policy: d.child_policy.unwrap_or_default(),
                    task_start_to_close_timeout: d.task_start_to_close_timeout,
                    tag_list: d.tag_list,
                    ..StartChildWorkflowExecutionInitiated::default()
                });
                let child = OpenChild {
                    initiated,
                    started: None,
                    cancel_initiated: None,
                    execution: WorkflowExecution {
                        workflow_id: d.workflow_id.clone(),
                        run_id: RunId::from(format!("run-{initiated}")),
                        ..WorkflowExecution::default()
                    },
                    workflow_type: d.workflow_type,
                };
                self.children.insert(d.workflow_id, child);
            }
            D::RequestCancelExternalWorkflowExecution(d) => {
                let initiated = self.push(RequestCancelExternalWorkflowExecutionInitiated {
                    workflow_id: d.workflow_id.clone(),
                    run_id: d.run_id,
                    decision_task_completed_event_id,
                    ..RequestCancelExternalWorkflowExecutionInitiated::default()
                });
                if let Some(child) = self.children.get_mut(&d.workflow_id) {
                    child.cancel_initiated = Some(initiated);
                }
            }
            D::ScheduleLambdaFunction(d) => {
                let scheduled = self.push(LambdaFunctionScheduled {
                    id: d.id.clone(),
                    name: d.name,
                    control: d.control,
                    input: d.input,
                    start_to_close_timeout: d.start_to_close_timeout,
                    decision_task_completed_event_id,
                    ..LambdaFunctionScheduled::default()
                });
                let lambda = OpenLambda {
                    scheduled,
                    started: None,
                };
                self.lambdas.insert(d.id, lambda);
            }
            D::SignalExternalWorkflowExecution(d) => {
                let initiated = self.push_signal(&d, decision_task_completed_event_id);
                self.signals.push(SentSignal {
                    initiated,
                    decided: decision_task_completed_event_id,
                    workflow_id: d.workflow_id,
                    run_id: d.run_id,
                });
            }
            D::CompleteWorkflowExecution(d) => self.close(WorkflowExecutionCompleted {
                result: d.result,
                decision_task_completed_event_id,
                ..WorkflowExecutionCompleted::default()
            }),
            D::FailWorkflowExecution(d) => self.close(WorkflowExecutionFailed {
                reason: d.reason,
                details: d.details,
                decision_task_completed_event_id,
                ..WorkflowExecutionFailed::default()
            }),
            D::ContinueAsNewWorkflowExecution(d) => {
                self.close(WorkflowExecutionContinuedAsNew {
                    input: d.input,
                    decision_task_completed_event_id,
                    new_execution_run_id: "next".into(),
                    execution_start_to_close_timeout: d.execution_start_to_close_timeout,
                    task_list: d.task_list.unwrap_or_default(),
                    task_priority: d.task_priority,
                    task_start_to_close_timeout: d.task_start_to_close_timeout,
                    child_policy: d.child_policy.unwrap_or_default(),
                    tag_list: d.tag_list,
                    lambda_role: d.lambda_role,
                    ..WorkflowExecutionContinuedAsNew::default()
                });
            }
            D::CancelWorkflowExecution(d) => self.close(WorkflowExecutionCanceled {
                details: d.details,
                decision_task_completed_event_id,
                ..WorkflowExecutionCanceled::default()
            }),
        }
    }

    fn push_signal(
        &mut self,
        signal: &SignalExternalWorkflowExecution,
        decision_task_completed_event_id: EventId,
    ) -> EventId {
        self.push(SignalExternalWorkflowExecutionInitiated {
            workflow_id: signal.workflow_id.clone(),
            run_id: signal.run_id.clone(),
            signal_name: signal.signal_name.clone(),
            input: signal.input.clone(),
            control: signal.control.clone(),
            decision_task_completed_event_id,
            ..SignalExternalWorkflowExecutionInitiated::default()
        })
    }

    fn close(&mut self, attributes: impl Into<EventAttributes>) {
        self.push(attributes);
        self.closed = true;
    }
}
