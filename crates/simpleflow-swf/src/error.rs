//! What can go wrong with an object of the service.

use std::fmt::Write as _;

use simpleflow_model::operation::StartWorkflowExecution;
use simpleflow_model::{DomainName, RunId, Timeout, WorkflowId, WorkflowType};
use simpleflow_service::ServiceError;

use crate::words;

/// The longest input that a hint shows, in characters.
const INPUT: usize = 300;

/// Why an object gave no answer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
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
    /// No execution of the type can be started, so that none is terminated to be started anew.
    #[error(
        "workflow type {} {} is {} in domain {domain}: no execution of it can be started, and none \
         was terminated",
        workflow_type.name,
        workflow_type.version,
        if *deprecated { "deprecated" } else { "not registered" }
    )]
    TypeNotInUse {
        /// The domain.
        domain: DomainName,
        /// The type.
        workflow_type: WorkflowType,
        /// Whether it was registered once.
        deprecated: bool,
    },
    /// The execution was terminated to be started anew, and then it was not started.
    #[error(
        "{} was terminated, {}: {source}\n\
         Once that is mended, this starts it with what it had:\n\
         simpleflow workflow.restart {} {} {run_id}\n\
         and this with other settings:\n\
         {}",
        execution(&start.workflow_id, Some(run_id)),
        if source.may_have_happened() {
            "and may have been started again or not"
        } else {
            "but not started again"
        },
        words::word(&start.domain),
        words::word(&start.workflow_id),
        command(start)
    )]
    NotStartedAgain {
        /// The run that was terminated.
        run_id: RunId,
        /// What the service was asked for.
        start: Box<StartWorkflowExecution>,
        /// Why it was not started.
        source: ServiceError,
    },
}

/// The command that asks for a start.
fn command(start: &StartWorkflowExecution) -> String {
    let seconds = |limit: Option<Timeout>| match limit {
        Some(Timeout::Seconds(seconds)) => Some(seconds.to_string()),
        _ => None,
    };
    let tags: Vec<_> = start.tag_list.iter().flatten().flatten().collect();
    let tags: Vec<_> = tags.iter().map(|tag| tag.as_str()).collect();
    let (input, file) = match &start.input {
        Some(input) if input.chars().count() > INPUT => (None, Some("FILE".to_owned())),
        input => (input.as_ref().map(ToString::to_string), None),
    };
    let list = start.task_list.as_ref();
    let options = [
        ("domain", Some(start.domain.to_string())),
        ("workflow-id", Some(start.workflow_id.to_string())),
        ("task-list", list.map(|list| list.name.to_string())),
        (
            "execution-timeout",
            seconds(start.execution_start_to_close_timeout),
        ),
        (
            "decision-tasks-timeout",
            seconds(start.task_start_to_close_timeout),
        ),
        ("tags", Some(tags.join(",")).filter(|tags| !tags.is_empty())),
        ("input", input),
        ("input-file", file),
    ];
    let mut command = format!(
        "simpleflow workflow.start {}",
        words::word(&start.workflow_type.name)
    );
    for (option, value) in options {
        if let Some(value) = value {
            // Writing to a string cannot fail.
            let _ = write!(command, " --{option} {}", words::word(&value));
        }
    }
    command
}

/// As the Python original says it.
fn execution(workflow_id: &WorkflowId, run_id: Option<&RunId>) -> String {
    match run_id {
        Some(run_id) => format!("Execution {workflow_id} {run_id}"),
        None => format!("Workflow {workflow_id}"),
    }
}
