//! Registering what the service does not know yet. The defaults are the Python original's: every
//! decider and starter says what it wants, so those of the types are only a floor.

use simpleflow_core::Registry;
use simpleflow_model::operation::{
    DescribeDomain, RegisterActivityType, RegisterDomain, RegisterWorkflowType,
};
use simpleflow_model::{
    ActivityType, ChildPolicy, DomainName, FaultKind, RetentionDays, TaskList, Timeout,
    WorkflowType,
};
use simpleflow_service::{ServiceError, SwfService};

/// How long a domain that is registered on demand keeps closed executions.
const RETENTION: RetentionDays = RetentionDays(30);

/// The task list of a type whose users always name one; the original's.
fn no_task_list() -> TaskList {
    TaskList {
        name: "None".into(),
        ..TaskList::default()
    }
}

fn exists_is_fine(result: Result<(), ServiceError>, exists: FaultKind) -> Result<(), ServiceError> {
    match result {
        Err(error) if error.is_fault(exists) => Ok(()),
        result => result,
    }
}

/// Registers a domain, unless it exists.
///
/// # Errors
/// [`ServiceError`].
pub async fn register_domain<S: SwfService>(
    service: &S,
    domain: DomainName,
) -> Result<(), ServiceError> {
    let result = service
        .register_domain(RegisterDomain {
            name: domain,
            workflow_execution_retention_period_in_days: RETENTION,
            ..RegisterDomain::default()
        })
        .await;
    exists_is_fine(result, FaultKind::DomainAlreadyExists)
}

/// Registers a domain that is not there. Who may not look whether it is, need not make it.
///
/// # Errors
/// [`ServiceError`].
pub async fn need_domain<S: SwfService>(
    service: &S,
    domain: DomainName,
) -> Result<(), ServiceError> {
    let request = DescribeDomain {
        name: domain.clone(),
        ..DescribeDomain::default()
    };
    match service.describe_domain(request).await {
        Err(error) if error.is_fault(FaultKind::UnknownResource) => {
            tracing::info!(%domain, "the domain is registered");
            register_domain(service, domain).await
        }
        Err(error)
            if error.is_fault(FaultKind::OperationNotPermitted)
                || matches!(error, ServiceError::Denied(_)) =>
        {
            tracing::debug!(%domain, "cannot look at the domain: {error}");
            Ok(())
        }
        described => described.map(drop),
    }
}

/// Registers an activity type, unless it exists.
///
/// # Errors
/// [`ServiceError`].
pub async fn register_activity_type<S: SwfService>(
    service: &S,
    domain: DomainName,
    activity_type: ActivityType,
) -> Result<(), ServiceError> {
    let none = Some(Timeout::Seconds(0));
    let result = service
        .register_activity_type(RegisterActivityType {
            domain,
            name: activity_type.name,
            version: activity_type.version,
            default_task_list: Some(no_task_list()),
            default_task_start_to_close_timeout: none,
            default_task_heartbeat_timeout: none,
            default_task_schedule_to_start_timeout: none,
            default_task_schedule_to_close_timeout: none,
            ..RegisterActivityType::default()
        })
        .await;
    exists_is_fine(result, FaultKind::TypeAlreadyExists)
}

/// Registers a workflow type, unless it exists.
///
/// # Errors
/// [`ServiceError`].
pub async fn register_workflow_type<S: SwfService>(
    service: &S,
    domain: DomainName,
    workflow_type: WorkflowType,
) -> Result<(), ServiceError> {
    let default = Some(Timeout::Seconds(300));
    let result = service
        .register_workflow_type(RegisterWorkflowType {
            domain,
            name: workflow_type.name,
            version: workflow_type.version,
            default_task_list: Some(no_task_list()),
            default_child_policy: Some(ChildPolicy::Terminate),
            default_execution_start_to_close_timeout: default,
            default_task_start_to_close_timeout: default,
            ..RegisterWorkflowType::default()
        })
        .await;
    exists_is_fine(result, FaultKind::TypeAlreadyExists)
}

/// Registers a domain, and all types of a registry in it.
///
/// # Errors
/// [`ServiceError`].
pub async fn register_all<S: SwfService>(
    service: &S,
    domain: &DomainName,
    registry: &Registry,
) -> Result<(), ServiceError> {
    register_domain(service, domain.clone()).await?;
    for entry in registry.workflows() {
        let definition = entry.definition();
        let workflow_type = WorkflowType {
            name: definition.name.clone().into(),
            version: definition.version.clone().into(),
            ..WorkflowType::default()
        };
        register_workflow_type(service, domain.clone(), workflow_type).await?;
    }
    for entry in registry.activities() {
        let definition = entry.definition();
        let activity_type = ActivityType {
            name: definition.name.clone().into(),
            version: definition.version.clone().into(),
            ..ActivityType::default()
        };
        register_activity_type(service, domain.clone(), activity_type).await?;
    }
    Ok(())
}
