//! What can go wrong with an object of the service.

use simpleflow_model::{DomainName, RunId, WorkflowId};
use simpleflow_service::ServiceError;

/// Why an object gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SwfError {
    /// The service did not take or give something.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// The domain has no such execution, neither open nor closed within its retention.
    #[error("{} not found in domain {domain}", execution(workflow_id, run_id.as_ref()))]
    NoExecution {
        /// The domain.
        domain: DomainName,
        /// The workflow id.
        workflow_id: WorkflowId,
        /// The run id, if one was asked for.
        run_id: Option<RunId>,
    },
    /// The execution is closed: there is nothing to steer any more.
    #[error("{} is closed", execution(workflow_id, Some(run_id)))]
    Closed {
        /// The workflow id.
        workflow_id: WorkflowId,
        /// The run id.
        run_id: RunId,
    },
    /// The history does not begin with what the execution was started with.
    #[error(
        "the history of {} does not begin with its start",
        execution(workflow_id, Some(run_id))
    )]
    NoStart {
        /// The workflow id.
        workflow_id: WorkflowId,
        /// The run id.
        run_id: RunId,
    },
}

/// As the Python original says it.
fn execution(workflow_id: &WorkflowId, run_id: Option<&RunId>) -> String {
    match run_id {
        Some(run_id) => format!("Execution {workflow_id} {run_id}"),
        None => format!("Workflow {workflow_id}"),
    }
}
