//! Starting an execution, whoever asks for it: a caller, a parent, or the run before it.

use simpleflow_model::enums::{
    ContinueAsNewWorkflowExecutionFailedCause, StartChildWorkflowExecutionFailedCause,
};
use simpleflow_model::event::WorkflowExecutionStarted;
use simpleflow_model::operation::StartWorkflowExecution;
use simpleflow_model::types::{Run, WorkflowTypeConfiguration};
use simpleflow_model::{
    Arn, ChildPolicy, DomainName, EventId, Fault, FaultKind, RunId, SmolStr, TaskList,
    TaskPriority, Timeout, Timestamp, WorkflowExecution, WorkflowId,
};

use crate::check::check;
use crate::execution::{Execution, ExecutionKey};
use crate::registry::Unusable;
use crate::run_id::run_id;
use crate::{Engine, fault};

/// The settings of an execution as somebody asks for them; what is absent the type's defaults say.
#[derive(Clone, Debug, Default)]
pub(super) struct Wanted {
    pub execution_start_to_close: Option<Timeout>,
    pub task_list: Option<TaskList>,
    pub task_priority: Option<TaskPriority>,
    pub task_start_to_close: Option<Timeout>,
    pub child_policy: Option<ChildPolicy>,
    pub lambda_role: Option<Arn>,
}

/// The settings of an execution.
#[derive(Clone, Debug)]
pub(super) struct Resolved {
    pub execution_start_to_close: Timeout,
    pub task_list: TaskList,
    pub task_priority: Option<TaskPriority>,
    pub task_start_to_close: Timeout,
    pub child_policy: ChildPolicy,
    pub lambda_role: Option<Arn>,
}

/// A setting that was neither given nor defaulted by the type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Undefined {
    ExecutionStartToClose,
    TaskList,
    TaskStartToClose,
    ChildPolicy,
}

/// The causes of the decisions that start an execution are alike.
macro_rules! causes {
    ($($cause:ty),*) => {$(
        impl From<Unusable> for $cause {
            fn from(unusable: Unusable) -> Self {
                match unusable {
                    Unusable::Unknown => Self::WorkflowTypeDoesNotExist,
                    Unusable::Deprecated => Self::WorkflowTypeDeprecated,
                }
            }
        }

        impl From<Undefined> for $cause {
            fn from(undefined: Undefined) -> Self {
                use Undefined as U;
                match undefined {
                    U::ExecutionStartToClose => Self::DefaultExecutionStartToCloseTimeoutUndefined,
                    U::TaskList => Self::DefaultTaskListUndefined,
                    U::TaskStartToClose => Self::DefaultTaskStartToCloseTimeoutUndefined,
                    U::ChildPolicy => Self::DefaultChildPolicyUndefined,
                }
            }
        }
    )*};
}

causes!(
    StartChildWorkflowExecutionFailedCause,
    ContinueAsNewWorkflowExecutionFailedCause
);

impl Wanted {
    /// Fills in the defaults, in the order in which the service looks for what is missing.
    pub(super) fn resolve(
        self,
        defaults: &WorkflowTypeConfiguration,
    ) -> Result<Resolved, Undefined> {
        Ok(Resolved {
            execution_start_to_close: self
                .execution_start_to_close
                .or(defaults.default_execution_start_to_close_timeout)
                .ok_or(Undefined::ExecutionStartToClose)?,
            task_list: self
                .task_list
                .or_else(|| defaults.default_task_list.clone())
                .ok_or(Undefined::TaskList)?,
            task_priority: self.task_priority.or(defaults.default_task_priority),
            task_start_to_close: self
                .task_start_to_close
                .or(defaults.default_task_start_to_close_timeout)
                .ok_or(Undefined::TaskStartToClose)?,
            child_policy: self
                .child_policy
                .or_else(|| defaults.default_child_policy.clone())
                .ok_or(Undefined::ChildPolicy)?,
            lambda_role: self
                .lambda_role
                .or_else(|| defaults.default_lambda_role.clone()),
        })
    }
}

impl Engine {
    /// Starts an execution.
    ///
    /// # Errors
    /// `ValidationException`; `UnknownResourceFault`; `TypeDeprecatedFault`;
    /// `WorkflowExecutionAlreadyStartedFault`; `DefaultUndefinedFault`; `LimitExceededFault`.
    pub fn start_workflow_execution(
        &mut self,
        request: &StartWorkflowExecution,
        now: Timestamp,
    ) -> Result<Run, Fault> {
        check::<StartWorkflowExecution>(request)?;
        self.advance(now);
        let limits = self.settings.limits;
        let domain = self.domain(&request.domain)?;
        let workflow_type = domain
            .workflow_types
            .usable(&request.workflow_type)
            .map_err(|unusable| unusable.fault(&request.workflow_type))?;
        if domain.open.contains_key(request.workflow_id.as_str()) {
            return Err(Fault::new(
                FaultKind::WorkflowExecutionAlreadyStarted,
                SmolStr::default(),
            ));
        }
        let wanted = Wanted {
            execution_start_to_close: request.execution_start_to_close_timeout,
            task_list: request.task_list.clone(),
            task_priority: request.task_priority,
            task_start_to_close: request.task_start_to_close_timeout,
            child_policy: request.child_policy.clone(),
            lambda_role: request.lambda_role.clone(),
        };
        let settings = wanted
            .resolve(&workflow_type.configuration)
            .map_err(|undefined| {
                fault::default_undefined(match undefined {
                    Undefined::ExecutionStartToClose => "defaultExecutionStartToCloseTimeout",
                    Undefined::TaskList => "defaultTaskList",
                    Undefined::TaskStartToClose => "defaultTaskStartToCloseTimeout",
                    Undefined::ChildPolicy => "defaultChildPolicy",
                })
            })?;
        if domain.open.len() >= limits.open_executions {
            return Err(fault::limit_exceeded("Open workflow execution"));
        }
        let started = WorkflowExecutionStarted {
            input: request.input.clone(),
            tag_list: request.tag_list.clone(),
            workflow_type: request.workflow_type.clone(),
            // A root execution says 0 in all recordings.
            parent_initiated_event_id: Some(EventId(0)),
            ..started(settings)
        };
        let run_id = self.new_run_id();
        self.start_run(
            &request.domain,
            &request.workflow_id,
            run_id.clone(),
            started,
        );
        self.settle();
        Ok(Run {
            run_id: Some(run_id),
            ..Default::default()
        })
    }

    /// A run id that no run has.
    pub(super) fn new_run_id(&self) -> RunId {
        let mut number = self.run_count;
        loop {
            let id = run_id(self.settings.seed, self.now, number);
            if !self.runs.contains_key(id.as_str()) {
                return id;
            }
            number += 1;
        }
    }

    /// Starts a run: its first two events.
    pub(super) fn start_run(
        &mut self,
        domain: &DomainName,
        workflow_id: &WorkflowId,
        run_id: RunId,
        started: WorkflowExecutionStarted,
    ) -> ExecutionKey {
        self.run_count += 1;
        let key = ExecutionKey(self.run_count);
        let id = WorkflowExecution {
            workflow_id: workflow_id.clone(),
            run_id,
            ..Default::default()
        };
        let execution = Execution::new(domain.clone(), id);
        self.executions.insert(key, Box::new(execution));
        self.append(key, started);
        self.opened(key);
        self.schedule_decision_task(key);
        key
    }
}

/// The first event of an execution with its settings.
pub(super) fn started(settings: Resolved) -> WorkflowExecutionStarted {
    WorkflowExecutionStarted {
        execution_start_to_close_timeout: Some(settings.execution_start_to_close),
        task_start_to_close_timeout: Some(settings.task_start_to_close),
        child_policy: settings.child_policy,
        task_list: settings.task_list,
        task_priority: settings.task_priority,
        lambda_role: settings.lambda_role,
        ..Default::default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use simpleflow_model::FaultKind;

    use crate::Limits;
    use crate::testing::*;

    #[test]
    fn a_start_is_two_events_with_the_defaults_of_the_type() {
        let mut w = World::new();
        let run = w
            .try_start(
                "w",
                json!({ "input": "i", "tagList": [null], "taskPriority": "4" }),
            )
            .unwrap();
        let expected = json!({
            "input": "i",
            "tagList": [null],
            "taskPriority": "4",
            "executionStartToCloseTimeout": "1000",
            "taskStartToCloseTimeout": "50",
            "childPolicy": "TERMINATE",
            "taskList": { "name": "deciders" },
            "workflowType": kind("workflow"),
            "parentInitiatedEventId": 0,
        });
        assert_eq!(w.event(&run, 1), expected);
        let expected = json!({
            "taskList": { "name": "deciders" },
            "taskPriority": "4",
            "startToCloseTimeout": "50",
            "scheduleToStartTimeout": "NONE",
        });
        assert_eq!(w.event(&run, 2), expected);
    }

    #[test]
    fn decision_tasks_are_handed_out_by_priority() {
        let mut w = World::new();
        for (id, priority) in [("low", "-5"), ("high", "5"), ("none", "0")] {
            w.try_start(id, json!({ "taskPriority": priority }))
                .unwrap();
        }
        let mut next = || w.poll().workflow_execution.workflow_id.to_string();
        assert_eq!([next(), next(), next()], ["high", "none", "low"]);
    }

    #[test]
    fn a_start_is_refused() {
        let mut w = World::with_limits(Limits {
            open_executions: 1,
            ..Limits::default()
        });
        let none = Value::Null;
        let cases = [
            (
                json!({ "domain": "x" }),
                FaultKind::UnknownResource,
                "Unknown domain: x",
            ),
            (
                json!({ "workflowType": kind("x") }),
                FaultKind::UnknownResource,
                "Unknown type: WorkflowType=[name=x, version=1]",
            ),
            (
                json!({ "workflowType": kind("old") }),
                FaultKind::TypeDeprecated,
                "WorkflowType=[name=old, version=1]",
            ),
            (
                json!({ "workflowType": kind("bare") }),
                FaultKind::DefaultUndefined,
                "defaultExecutionStartToCloseTimeout",
            ),
            (
                json!({ "workflowType": kind("bare"), "executionStartToCloseTimeout": "9" }),
                FaultKind::DefaultUndefined,
                "defaultTaskList",
            ),
        ];
        for (more, kind, message) in cases {
            refused(w.try_start("w", more), kind, message);
        }
        for (more, problem) in [
            (json!({ "workflowId": "a:b" }), "at 'workflowId'"),
            (json!({ "workflowId": "arn" }), "literal string arn"),
            (
                json!({ "executionStartToCloseTimeout": "NONE" }),
                "a number of seconds",
            ),
            (
                json!({ "tagList": ["1", "2", "3", "4", "5", "6"] }),
                "at 'tagList'",
            ),
            (
                json!({ "childPolicy": "HUG" }),
                "enum value set: [TERMINATE, ",
            ),
        ] {
            let fault = w.try_start("w", more).unwrap_err();
            assert_eq!(fault.kind, FaultKind::Validation);
            assert!(fault.message.contains(problem), "{fault}");
        }
        w.try_start("w", none).unwrap();
        refused(
            w.try_start("w", json!({})),
            FaultKind::WorkflowExecutionAlreadyStarted,
            "",
        );
        let fault = w.try_start("another", json!({})).unwrap_err();
        assert_eq!(fault.kind, FaultKind::LimitExceeded);
        // The id is free when its execution is closed.
        w.terminate("w", json!({})).unwrap();
        w.start("w");
    }
}
