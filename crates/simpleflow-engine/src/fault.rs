//! The faults of the service, with its words.
//!
//! The texts are those that users of the live service reported; where reports differ the one
//! captured on the wire is taken.

use std::fmt::Display;

use simpleflow_model::{
    DomainName, EventId, Fault, FaultKind, RunId, SmolStr, TypeName, Version, WorkflowId,
};
use smol_str::format_smolstr;

pub(crate) fn unknown_domain(name: &DomainName) -> Fault {
    Fault::new(
        FaultKind::UnknownResource,
        format_smolstr!("Unknown domain: {name}"),
    )
}

/// A type as the service writes it: `WorkflowType=[name=N, version=V]`.
pub(crate) fn type_text(kind: &str, name: &TypeName, version: &Version) -> SmolStr {
    format_smolstr!("{kind}=[name={name}, version={version}]")
}

pub(crate) fn unknown_type(kind: &str, name: &TypeName, version: &Version) -> Fault {
    let text = type_text(kind, name, version);
    Fault::new(
        FaultKind::UnknownResource,
        format_smolstr!("Unknown type: {text}"),
    )
}

/// The `UnknownResourceFault` about an execution that is not there.
pub fn unknown_execution(workflow_id: &WorkflowId, run_id: Option<&RunId>) -> Fault {
    let message = match run_id {
        Some(run_id) => format_smolstr!(
            "Unknown execution: WorkflowExecution=[workflowId={workflow_id}, runId={run_id}]"
        ),
        None => format_smolstr!("Unknown execution, workflowId = {workflow_id}"),
    };
    Fault::new(FaultKind::UnknownResource, message)
}

pub(crate) fn unknown_activity(scheduled: EventId) -> Fault {
    Fault::new(
        FaultKind::UnknownResource,
        format_smolstr!("Unknown activity, scheduledEventId = {scheduled}"),
    )
}

pub(crate) fn unknown_decision_task(scheduled: EventId) -> Fault {
    Fault::new(
        FaultKind::UnknownResource,
        format_smolstr!("Unknown decision task, scheduledEventId = {scheduled}"),
    )
}

pub(crate) fn unknown_lambda_function(scheduled: EventId) -> Fault {
    Fault::new(
        FaultKind::UnknownResource,
        format_smolstr!("Unknown lambda function, scheduledEventId = {scheduled}"),
    )
}

pub(crate) fn default_undefined(default: &'static str) -> Fault {
    Fault::new(FaultKind::DefaultUndefined, SmolStr::new_static(default))
}

pub(crate) fn limit_exceeded(what: impl Display) -> Fault {
    Fault::new(
        FaultKind::LimitExceeded,
        format_smolstr!("{what} limit exceeded"),
    )
}

pub(crate) fn validation(message: impl Into<SmolStr>) -> Fault {
    Fault::new(FaultKind::Validation, message)
}

/// The `ValidationException` about a token that nobody handed out.
pub fn invalid_token() -> Fault {
    validation(SmolStr::new_static("Invalid token"))
}
