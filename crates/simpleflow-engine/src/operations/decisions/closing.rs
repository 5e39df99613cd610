//! The decisions that close an execution.

use simpleflow_model::decision as d;
use simpleflow_model::enums::*;
use simpleflow_model::event::*;
use simpleflow_model::{EventAttributes, EventId, WorkflowType};

use crate::Engine;
use crate::execution::ExecutionKey;
use crate::operations::start::{Resolved, Wanted, started};

impl Engine {
    /// Whether there is something that the decider has not seen. An execution does not close then.
    fn has_unhandled(&self, key: ExecutionKey) -> bool {
        self.executions
            .get(&key)
            .is_some_and(|execution| execution.state.decisions.scheduled.is_some())
    }

    /// Closes an execution, or says that it is refused.
    fn close(
        &mut self,
        key: ExecutionKey,
        closed: impl Into<EventAttributes>,
        refused: impl Into<EventAttributes>,
    ) {
        if self.has_unhandled(key) {
            self.append_for_decider(key, refused);
        } else {
            self.append(key, closed);
        }
    }

    pub(super) fn complete(
        &mut self,
        key: ExecutionKey,
        completed: EventId,
        d: &d::CompleteWorkflowExecution,
    ) {
        let closed = WorkflowExecutionCompleted {
            result: d.result.clone(),
            decision_task_completed_event_id: completed,
            ..Default::default()
        };
        let refused = CompleteWorkflowExecutionFailed {
            cause: CompleteWorkflowExecutionFailedCause::UnhandledDecision,
            decision_task_completed_event_id: completed,
            ..Default::default()
        };
        self.close(key, closed, refused);
    }

    pub(super) fn fail(
        &mut self,
        key: ExecutionKey,
        completed: EventId,
        d: &d::FailWorkflowExecution,
    ) {
        let closed = WorkflowExecutionFailed {
            reason: d.reason.clone(),
            details: d.details.clone(),
            decision_task_completed_event_id: completed,
            ..Default::default()
        };
        let refused = FailWorkflowExecutionFailed {
            cause: FailWorkflowExecutionFailedCause::UnhandledDecision,
            decision_task_completed_event_id: completed,
            ..Default::default()
        };
        self.close(key, closed, refused);
    }

    pub(super) fn cancel(
        &mut self,
        key: ExecutionKey,
        completed: EventId,
        d: &d::CancelWorkflowExecution,
    ) {
        let closed = WorkflowExecutionCanceled {
            details: d.details.clone(),
            decision_task_completed_event_id: completed,
            ..Default::default()
        };
        let refused = CancelWorkflowExecutionFailed {
            cause: CancelWorkflowExecutionFailedCause::UnhandledDecision,
            decision_task_completed_event_id: completed,
            ..Default::default()
        };
        self.close(key, closed, refused);
    }

    pub(super) fn continue_as_new(
        &mut self,
        key: ExecutionKey,
        completed: EventId,
        d: &d::ContinueAsNewWorkflowExecution,
    ) {
        let Some(execution) = self.executions.get(&key) else {
            return;
        };
        let start = &execution.state.start;
        let mut workflow_type = start.workflow_type.clone();
        if let Some(version) = d.workflow_type_version.as_ref().filter(|v| !v.is_empty()) {
            workflow_type.version = version.clone();
        }
        let settings = match self.next_run(key, &workflow_type, d) {
            Ok(settings) => settings,
            Err(cause) => {
                let failed = ContinueAsNewWorkflowExecutionFailed {
                    cause,
                    decision_task_completed_event_id: completed,
                    ..Default::default()
                };
                self.append_for_decider(key, failed);
                return;
            }
        };
        let domain = execution.domain.clone();
        let id = execution.id.clone();
        let parent = start.parent_workflow_execution.clone();
        let parent_initiated = start.parent_initiated_event_id;
        let run_id = self.new_run_id();
        let closed = WorkflowExecutionContinuedAsNew {
            input: d.input.clone(),
            decision_task_completed_event_id: completed,
            new_execution_run_id: run_id.clone(),
            execution_start_to_close_timeout: Some(settings.execution_start_to_close),
            task_list: settings.task_list.clone(),
            task_priority: settings.task_priority,
            task_start_to_close_timeout: Some(settings.task_start_to_close),
            child_policy: settings.child_policy.clone(),
            tag_list: d.tag_list.clone(),
            workflow_type: workflow_type.clone(),
            lambda_role: settings.lambda_role.clone(),
            ..Default::default()
        };
        if self.append(key, closed).is_none() {
            return;
        }
        let first = WorkflowExecutionStarted {
            input: d.input.clone(),
            tag_list: d.tag_list.clone(),
            workflow_type,
            continued_execution_run_id: Some(id.run_id),
            // The parent hears of the last run only, so each is its child.
            parent_workflow_execution: parent,
            parent_initiated_event_id: parent_initiated,
            ..started(settings)
        };
        self.start_run(&domain, &id.workflow_id, run_id, first);
    }

    /// The settings of the next run: those of the decision, else of the type. Nothing comes from
    /// the run that ends.
    fn next_run(
        &self,
        key: ExecutionKey,
        workflow_type: &WorkflowType,
        d: &d::ContinueAsNewWorkflowExecution,
    ) -> Result<Resolved, ContinueAsNewWorkflowExecutionFailedCause> {
        use ContinueAsNewWorkflowExecutionFailedCause as Cause;
        if self.has_unhandled(key) {
            return Err(Cause::UnhandledDecision);
        }
        let workflow_type = self
            .executions
            .get(&key)
            .and_then(|execution| self.domains.get(execution.domain.as_str()))
            .ok_or(Cause::WorkflowTypeDoesNotExist)?
            .workflow_types
            .usable(workflow_type)?;
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
}
