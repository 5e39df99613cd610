//! What each decision becomes: an event, or the event that says why not.
//!
//! A refused decision schedules a decision task at once, so a closing decision later in the same
//! batch finds it and is refused as unhandled: the decider must see the failure first.

mod closing;
#[cfg(test)]
mod tests;

use simpleflow_model::decision as d;
use simpleflow_model::enums::*;
use simpleflow_model::event::*;
use simpleflow_model::{Decision, EventAttributes, EventId};

use super::Deferred;
use super::start::{Resolved, Wanted};
use crate::Engine;
use crate::execution::ExecutionKey;
use crate::registry::Unusable;

impl Engine {
    /// Turns one decision of the response that `completed` is the event of into events.
    pub(super) fn decide(&mut self, key: ExecutionKey, completed: EventId, decision: &Decision) {
        match decision {
            Decision::ScheduleActivityTask(d) => self.schedule_activity(key, completed, d),
            Decision::RequestCancelActivityTask(d) => self.cancel_activity(key, completed, d),
            Decision::CompleteWorkflowExecution(d) => self.complete(key, completed, d),
            Decision::FailWorkflowExecution(d) => self.fail(key, completed, d),
            Decision::CancelWorkflowExecution(d) => self.cancel(key, completed, d),
            Decision::ContinueAsNewWorkflowExecution(d) => {
                self.continue_as_new(key, completed, d);
            }
            Decision::RecordMarker(d) => {
                let recorded = MarkerRecorded {
                    marker_name: d.marker_name.clone(),
                    details: d.details.clone(),
                    decision_task_completed_event_id: completed,
                    ..Default::default()
                };
                self.append(key, recorded);
            }
            Decision::StartTimer(d) => self.start_timer(key, completed, d),
            Decision::CancelTimer(d) => self.cancel_timer(key, completed, d),
            Decision::SignalExternalWorkflowExecution(d) => {
                let initiated = SignalExternalWorkflowExecutionInitiated {
                    workflow_id: d.workflow_id.clone(),
                    run_id: d.run_id.clone(),
                    signal_name: d.signal_name.clone(),
                    input: d.input.clone(),
                    decision_task_completed_event_id: completed,
                    control: d.control.clone(),
                    ..Default::default()
                };
                if let Some(id) = self.append(key, initiated) {
                    self.deferred.push_back(Deferred::DeliverSignal(key, id));
                }
            }
            Decision::RequestCancelExternalWorkflowExecution(d) => {
                let initiated = RequestCancelExternalWorkflowExecutionInitiated {
                    workflow_id: d.workflow_id.clone(),
                    run_id: d.run_id.clone(),
                    decision_task_completed_event_id: completed,
                    control: d.control.clone(),
                    ..Default::default()
                };
                if let Some(id) = self.append(key, initiated) {
                    self.deferred.push_back(Deferred::DeliverCancel(key, id));
                }
            }
            Decision::StartChildWorkflowExecution(d) => self.initiate_child(key, completed, d),
            Decision::ScheduleLambdaFunction(d) => self.schedule_lambda(key, completed, d),
        }
    }

    fn schedule_activity(
        &mut self,
        key: ExecutionKey,
        completed: EventId,
        d: &d::ScheduleActivityTask,
    ) {
        let event: EventAttributes = match self.activity_scheduled(key, completed, d) {
            Some(Ok(scheduled)) => {
                self.append(key, scheduled);
                return;
            }
            Some(Err(cause)) => ScheduleActivityTaskFailed {
                activity_type: d.activity_type.clone(),
                activity_id: d.activity_id.clone(),
                cause,
                decision_task_completed_event_id: completed,
                ..Default::default()
            }
            .into(),
            None => return,
        };
        self.append_for_decider(key, event);
    }

    /// An activity task with the defaults of its type, or why there is none.
    fn activity_scheduled(
        &self,
        key: ExecutionKey,
        completed: EventId,
        d: &d::ScheduleActivityTask,
    ) -> Option<Result<ActivityTaskScheduled, ScheduleActivityTaskFailedCause>> {
        use ScheduleActivityTaskFailedCause as Cause;
        let execution = self.executions.get(&key)?;
        let domain = self.domains.get(execution.domain.as_str())?;
        let activities = &execution.state.activities;
        let resolve = || {
            let activity_type = domain.activity_types.usable(&d.activity_type).map_err(
                |unusable| match unusable {
                    Unusable::Unknown => Cause::ActivityTypeDoesNotExist,
                    Unusable::Deprecated => Cause::ActivityTypeDeprecated,
                },
            )?;
            if activities.find(&d.activity_id).is_some() {
                return Err(Cause::ActivityIdAlreadyInUse);
            }
            if activities.len() >= self.settings.limits.open_activities {
                return Err(Cause::OpenActivitiesLimitExceeded);
            }
            let defaults = &activity_type.configuration;
            let task_list = d.task_list.as_ref().or(defaults.default_task_list.as_ref());
            let schedule_to_start = d
                .schedule_to_start_timeout
                .or(defaults.default_task_schedule_to_start_timeout);
            let schedule_to_close = d
                .schedule_to_close_timeout
                .or(defaults.default_task_schedule_to_close_timeout);
            let start_to_close = d
                .start_to_close_timeout
                .or(defaults.default_task_start_to_close_timeout);
            let heartbeat = d
                .heartbeat_timeout
                .or(defaults.default_task_heartbeat_timeout);
            Ok(ActivityTaskScheduled {
                activity_type: d.activity_type.clone(),
                activity_id: d.activity_id.clone(),
                input: d.input.clone(),
                control: d.control.clone(),
                task_list: task_list.ok_or(Cause::DefaultTaskListUndefined)?.clone(),
                schedule_to_start_timeout: Some(
                    schedule_to_start.ok_or(Cause::DefaultScheduleToStartTimeoutUndefined)?,
                ),
                schedule_to_close_timeout: Some(
                    schedule_to_close.ok_or(Cause::DefaultScheduleToCloseTimeoutUndefined)?,
                ),
                start_to_close_timeout: Some(
                    start_to_close.ok_or(Cause::DefaultStartToCloseTimeoutUndefined)?,
                ),
                heartbeat_timeout: Some(heartbeat.ok_or(Cause::DefaultHeartbeatTimeoutUndefined)?),
                task_priority: d.task_priority.or(defaults.default_task_priority),
                decision_task_completed_event_id: completed,
                ..Default::default()
            })
        };
        Some(resolve())
    }

    fn cancel_activity(
        &mut self,
        key: ExecutionKey,
        completed: EventId,
        d: &d::RequestCancelActivityTask,
    ) {
        let Some(execution) = self.executions.get(&key) else {
            return;
        };
        let Some((scheduled, activity)) = execution.state.activities.find(&d.activity_id) else {
            let failed = RequestCancelActivityTaskFailed {
                activity_id: d.activity_id.clone(),
                cause: RequestCancelActivityTaskFailedCause::ActivityIdUnknown,
                decision_task_completed_event_id: completed,
                ..Default::default()
            };
            self.append_for_decider(key, failed);
            return;
        };
        let unstarted = activity.started.is_none();
        let requested = ActivityTaskCancelRequested {
            decision_task_completed_event_id: completed,
            activity_id: d.activity_id.clone(),
            ..Default::default()
        };
        self.append(key, requested);
        if unstarted {
            self.deferred
                .push_back(Deferred::CancelActivity(key, scheduled));
        }
    }

    fn start_timer(&mut self, key: ExecutionKey, completed: EventId, d: &d::StartTimer) {
        let Some(execution) = self.executions.get(&key) else {
            return;
        };
        let timers = &execution.state.timers;
        let cause = if timers.find(&d.timer_id).is_some() {
            StartTimerFailedCause::TimerIdAlreadyInUse
        } else if timers.len() >= self.settings.limits.open_timers {
            StartTimerFailedCause::OpenTimersLimitExceeded
        } else {
            let started = TimerStarted {
                timer_id: d.timer_id.clone(),
                control: d.control.clone(),
                start_to_fire_timeout: d.start_to_fire_timeout,
                decision_task_completed_event_id: completed,
                ..Default::default()
            };
            self.append(key, started);
            return;
        };
        let failed = StartTimerFailed {
            timer_id: d.timer_id.clone(),
            cause,
            decision_task_completed_event_id: completed,
            ..Default::default()
        };
        self.append_for_decider(key, failed);
    }

    fn cancel_timer(&mut self, key: ExecutionKey, completed: EventId, d: &d::CancelTimer) {
        let Some(execution) = self.executions.get(&key) else {
            return;
        };
        match execution.state.timers.find(&d.timer_id) {
            Some(started_event_id) => {
                let canceled = TimerCanceled {
                    timer_id: d.timer_id.clone(),
                    started_event_id,
                    decision_task_completed_event_id: completed,
                    ..Default::default()
                };
                self.append(key, canceled);
            }
            None => {
                let failed = CancelTimerFailed {
                    timer_id: d.timer_id.clone(),
                    cause: CancelTimerFailedCause::TimerIdUnknown,
                    decision_task_completed_event_id: completed,
                    ..Default::default()
                };
                self.append_for_decider(key, failed);
            }
        }
    }

    fn initiate_child(
        &mut self,
        key: ExecutionKey,
        completed: EventId,
        d: &d::StartChildWorkflowExecution,
    ) {
        match self.child_settings(key, d) {
            Ok(settings) => {
                let initiated = StartChildWorkflowExecutionInitiated {
                    workflow_id: d.workflow_id.clone(),
                    workflow_type: d.workflow_type.clone(),
                    control: d.control.clone(),
                    input: d.input.clone(),
                    execution_start_to_close_timeout: Some(settings.execution_start_to_close),
                    task_list: settings.task_list,
                    task_priority: settings.task_priority,
                    decision_task_completed_event_id: completed,
                    child_policy: settings.child_policy,
                    task_start_to_close_timeout: Some(settings.task_start_to_close),
                    tag_list: d.tag_list.clone(),
                    lambda_role: settings.lambda_role,
                    ..Default::default()
                };
                if let Some(id) = self.append(key, initiated) {
                    self.deferred.push_back(Deferred::StartChild(key, id));
                }
            }
            Err(cause) => {
                let failed = StartChildWorkflowExecutionFailed {
                    workflow_type: d.workflow_type.clone(),
                    cause,
                    workflow_id: d.workflow_id.clone(),
                    initiated_event_id: EventId(0),
                    decision_task_completed_event_id: completed,
                    control: d.control.clone(),
                    ..Default::default()
                };
                self.append_for_decider(key, failed);
            }
        }
    }

    fn child_settings(
        &self,
        key: ExecutionKey,
        d: &d::StartChildWorkflowExecution,
    ) -> Result<Resolved, StartChildWorkflowExecutionFailedCause> {
        use StartChildWorkflowExecutionFailedCause as Cause;
        let execution = self.executions.get(&key);
        let domain = execution.and_then(|e| self.domains.get(e.domain.as_str()));
        let (Some(execution), Some(domain)) = (execution, domain) else {
            return Err(Cause::WorkflowTypeDoesNotExist);
        };
        let workflow_type = domain.workflow_types.usable(&d.workflow_type)?;
        if execution.state.children.len() >= self.settings.limits.open_children {
            return Err(Cause::OpenChildrenLimitExceeded);
        }
        if domain.open.len() >= self.settings.limits.open_executions {
            return Err(Cause::OpenWorkflowsLimitExceeded);
        }
        let wanted = Wanted {
            execution_start_to_close: d.execution_start_to_close_timeout,
            task_list: d.task_list.clone(),
            task_priority: d.task_priority,
            task_start_to_close: d.task_start_to_close_timeout,
            child_policy: d.child_policy.clone(),
            lambda_role: d.lambda_role.clone(),
        };
        Ok(wanted.resolve(&workflow_type.configuration)?)
    }

    fn schedule_lambda(
        &mut self,
        key: ExecutionKey,
        completed: EventId,
        d: &d::ScheduleLambdaFunction,
    ) {
        let Some(execution) = self.executions.get(&key) else {
            return;
        };
        let lambdas = &execution.state.lambdas;
        let has_role = execution.state.start.lambda_role.is_some();
        let cause = if !self.settings.lambda_functions {
            ScheduleLambdaFunctionFailedCause::LambdaServiceNotAvailableInRegion
        } else if lambdas.is_open(&d.id) {
            ScheduleLambdaFunctionFailedCause::IdAlreadyInUse
        } else if lambdas.len() >= self.settings.limits.open_lambda_functions {
            ScheduleLambdaFunctionFailedCause::OpenLambdaFunctionsLimitExceeded
        } else {
            let scheduled = LambdaFunctionScheduled {
                id: d.id.clone(),
                name: d.name.clone(),
                control: d.control.clone(),
                input: d.input.clone(),
                start_to_close_timeout: d.start_to_close_timeout,
                decision_task_completed_event_id: completed,
                ..Default::default()
            };
            if let Some(id) = self.append(key, scheduled)
                && !has_role
            {
                self.deferred.push_back(Deferred::FailLambda(key, id));
            }
            return;
        };
        let failed = ScheduleLambdaFunctionFailed {
            id: d.id.clone(),
            name: d.name.clone(),
            cause,
            decision_task_completed_event_id: completed,
            ..Default::default()
        };
        self.append_for_decider(key, failed);
    }
}
