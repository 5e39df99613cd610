//! Which execution a workflow runs as.

use simpleflow_model::{DomainName, RunId, SmolStr, TaskListName, TypeName, Version, WorkflowId};

/// Which execution a workflow runs as.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunContext {
    /// The name of the workflow type.
    pub name: TypeName,
    /// The version of the workflow type.
    pub version: Version,
    /// The domain.
    pub domain_name: DomainName,
    /// The workflow id.
    pub workflow_id: WorkflowId,
    /// The run id.
    pub run_id: RunId,
    /// The task list of its deciders.
    pub task_list: TaskListName,
    /// The tags.
    pub tag_list: Vec<SmolStr>,
    /// The run that this one continues, if it does.
    pub continued_execution_run_id: Option<RunId>,
    /// The workflow id of the parent, if there is one.
    pub parent_workflow_id: Option<WorkflowId>,
    /// The run id of the parent, if there is one.
    pub parent_run_id: Option<RunId>,
}
