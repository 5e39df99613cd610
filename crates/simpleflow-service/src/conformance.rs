//! Checks that a service keeps to the trait, for the tests of one.
//!
//! ```no_run
//! # async fn example(service: impl simpleflow_service::SwfService) {
//! use simpleflow_service::conformance::Suite;
//!
//! // On a service that never forgets a domain, a name that was never used.
//! Suite::prepare(service, "conformance-1".into()).await.all().await;
//! # }
//! ```
//!
//! The checks make the calls that starters, deciders and workers make. Each has executions and task
//! lists of its own, so all but the last can run at the same time, and in any order. They wait for
//! what they expect with polls and never sleep: on a service whose time stands still some of them
//! fail. What a service may show late, in its lists and counts, is asked for several times.

mod activities;
mod case;
mod children;
mod decisions;
mod executions;
mod histories;
mod polls;
mod registrations;
mod visibility;

use simpleflow_model::operation::{RegisterActivityType, RegisterDomain, RegisterWorkflowType};
use simpleflow_model::{
    ActivityType, ChildPolicy, DomainName, Fault, FaultKind, RetentionDays, TaskList, TaskPriority,
    Timeout, WorkflowType,
};

use crate::{ServiceError, SwfService};

/// The checks, on one domain of a service.
#[derive(Clone, Debug)]
pub struct Suite<S> {
    service: S,
    domain: DomainName,
}

impl<S: SwfService> Suite<S> {
    /// Registers the domain, which must be new to the service, and the types that the checks use.
    ///
    /// # Panics
    /// The service refuses that.
    pub async fn prepare(service: S, domain: DomainName) -> Self {
        service
            .register_domain(RegisterDomain {
                name: domain.clone(),
                description: Some("checks of a service".into()),
                workflow_execution_retention_period_in_days: RetentionDays(1),
                ..Default::default()
            })
            .await
            .unwrap();
        let suite = Self { service, domain };
        suite.register_workflow_type(workflow_type()).await.unwrap();
        suite.register_activity_type(activity_type()).await.unwrap();
        suite
    }

    /// All checks, one after the other. Leaves the domain deprecated.
    ///
    /// # Panics
    /// A check fails.
    pub async fn all(&self) {
        self.domains().await;
        self.workflow_types().await;
        self.activity_types().await;
        self.tags().await;
        self.starts().await;
        self.signals().await;
        self.cancels().await;
        self.terminations().await;
        self.waits_for_closes().await;
        self.closes().await;
        self.continues_as_new().await;
        self.histories().await;
        self.decision_task_pages().await;
        self.only_new_events().await;
        self.decisions_in_order().await;
        self.refused_decisions().await;
        self.timers().await;
        self.completed_activities().await;
        self.failed_activities().await;
        self.cancelled_activities().await;
        self.timed_out_activities().await;
        self.refused_answers().await;
        self.polls_are_woken().await;
        self.polls_with_answers().await;
        self.pending_tasks().await;
        self.children().await;
        self.child_policies().await;
        self.external_executions().await;
        self.open_executions().await;
        self.closed_executions().await;
        self.constraints().await;
        self.deprecated_domains().await;
    }

    /// Registers a workflow type with defaults for everything.
    async fn register_workflow_type(&self, it: WorkflowType) -> Result<(), ServiceError> {
        self.service
            .register_workflow_type(RegisterWorkflowType {
                domain: self.domain.clone(),
                name: it.name,
                version: it.version,
                description: Some("a workflow".into()),
                default_task_list: Some(list("default")),
                default_child_policy: Some(ChildPolicy::Terminate),
                default_execution_start_to_close_timeout: Some(600.into()),
                default_task_start_to_close_timeout: Some(60.into()),
                default_task_priority: Some(TaskPriority(3)),
                ..Default::default()
            })
            .await
    }

    /// Registers an activity type with defaults for everything.
    async fn register_activity_type(&self, it: ActivityType) -> Result<(), ServiceError> {
        self.service
            .register_activity_type(RegisterActivityType {
                domain: self.domain.clone(),
                name: it.name,
                version: it.version,
                description: Some("an activity".into()),
                default_task_list: Some(list("default")),
                default_task_heartbeat_timeout: Some(Timeout::None),
                default_task_schedule_to_start_timeout: Some(600.into()),
                default_task_schedule_to_close_timeout: Some(600.into()),
                default_task_start_to_close_timeout: Some(600.into()),
                ..Default::default()
            })
            .await
    }
}

/// How often is asked what a service may show late.
const PATIENCE: usize = 100;

fn workflow_type() -> WorkflowType {
    WorkflowType {
        name: "workflow".into(),
        version: "1".into(),
        ..Default::default()
    }
}

fn activity_type() -> ActivityType {
    ActivityType {
        name: "activity".into(),
        version: "1".into(),
        ..Default::default()
    }
}

fn list(name: &str) -> TaskList {
    TaskList {
        name: name.into(),
        ..Default::default()
    }
}

/// Expects a fault of a kind whose words contain a text.
#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, ServiceError>, kind: FaultKind, text: &str) {
    match result {
        Err(ServiceError::Fault(Fault { kind: is, message }))
            if is == kind && message.contains(text) => {}
        other => panic!("expected {kind:?} with {text:?}, not {other:?}"),
    }
}

/// The last event of a type in a history.
macro_rules! event {
    ($events:expr, $name:ident) => {{
        let events = &$events;
        let mut attributes = events.iter().rev().map(|event| &event.attributes);
        let found = attributes.find_map(|attributes| match attributes {
            simpleflow_model::EventAttributes::$name(attributes) => Some(attributes),
            _ => None,
        });
        let name = stringify!($name);
        found.unwrap_or_else(|| panic!("no {name} in {:#?}", $crate::conformance::types(events)))
    }};
}
use event;

/// The types of events.
fn types(events: &[simpleflow_model::HistoryEvent]) -> Vec<&str> {
    let types = events.iter().map(|event| event.attributes.event_type());
    types.collect()
}
