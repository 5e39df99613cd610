//! Domains.

use std::pin::pin;

use futures::StreamExt as _;
use futures::stream::Stream;
use simpleflow_model::operation::{
    CountPendingActivityTasks, CountPendingDecisionTasks, DeprecateDomain, DescribeDomain,
    ListDomains, RegisterDomain,
};
use simpleflow_model::types::{DomainDetail, DomainInfo, PendingTaskCount};
use simpleflow_model::{
    DomainName, FaultKind, RegistrationStatus, RetentionDays, RunId, TaskList, TaskListName,
    Timestamp, WorkflowId,
};
use simpleflow_service::{ServiceError, SwfService};

use crate::pages::pages;
use crate::{
    ActivityType, ActivityTypes, ClosedExecutions, OpenExecutions, SwfError, WorkflowExecution,
    WorkflowType, WorkflowTypes,
};

/// A domain of a service. To make one asks nobody; it need not be registered.
#[derive(Clone, Debug)]
pub struct Domain<S> {
    pub(crate) service: S,
    pub(crate) name: DomainName,
}

impl<S: SwfService> Domain<S> {
    /// The domain of that name.
    pub fn new(service: S, name: impl Into<DomainName>) -> Self {
        Self {
            service,
            name: name.into(),
        }
    }

    /// The domain of that name, which is registered if it is not.
    ///
    /// # Errors
    /// The service refuses it, or does not answer.
    pub async fn get_or_create(
        service: S,
        name: impl Into<DomainName>,
        retention: RetentionDays,
    ) -> Result<Self, ServiceError> {
        let domain = Self::new(service, name);
        let request = RegisterDomain {
            name: domain.name.clone(),
            workflow_execution_retention_period_in_days: retention,
            ..RegisterDomain::default()
        };
        match domain.describe().await {
            Err(error) if error.is_fault(FaultKind::UnknownResource) => {}
            described => return described.map(|_| domain),
        }
        match domain.service.register_domain(request).await {
            // Another program was quicker.
            Err(error) if error.is_fault(FaultKind::DomainAlreadyExists) => Ok(domain),
            registered => registered.map(|()| domain),
        }
    }

    /// The domains of a service, registered or deprecated.
    pub fn all(
        service: S,
        status: RegistrationStatus,
    ) -> impl Stream<Item = Result<DomainInfo, ServiceError>> + use<S> {
        pages(move |next_page_token| {
            let service = service.clone();
            let request = ListDomains {
                registration_status: status.clone(),
                next_page_token,
                ..ListDomains::default()
            };
            async move {
                let page = service.list_domains(request).await?;
                Ok((page.domain_infos, page.next_page_token))
            }
        })
    }

    /// Its name.
    pub fn name(&self) -> &DomainName {
        &self.name
    }

    /// The service that it is of.
    pub fn service(&self) -> &S {
        &self.service
    }

    /// Its configuration.
    ///
    /// # Errors
    /// The service does not know it, or does not answer.
    pub async fn describe(&self) -> Result<DomainDetail, ServiceError> {
        let request = DescribeDomain {
            name: self.name.clone(),
            ..DescribeDomain::default()
        };
        self.service.describe_domain(request).await
    }

    /// Deprecates it: nothing new can be started or registered in it.
    ///
    /// # Errors
    /// The service refuses it, or does not answer.
    pub async fn deprecate(&self) -> Result<(), ServiceError> {
        let request = DeprecateDomain {
            name: self.name.clone(),
            ..DeprecateDomain::default()
        };
        self.service.deprecate_domain(request).await
    }

    /// A workflow type of it.
    pub fn workflow_type(
        &self,
        name: impl Into<simpleflow_model::TypeName>,
        version: impl Into<simpleflow_model::Version>,
    ) -> WorkflowType<S> {
        WorkflowType::new(self.clone(), name, version)
    }

    /// An activity type of it.
    pub fn activity_type(
        &self,
        name: impl Into<simpleflow_model::TypeName>,
        version: impl Into<simpleflow_model::Version>,
    ) -> ActivityType<S> {
        ActivityType::new(self.clone(), name, version)
    }

    /// Its workflow types.
    pub fn workflow_types(&self) -> WorkflowTypes<S> {
        WorkflowTypes::new(self.clone())
    }

    /// Its activity types.
    pub fn activity_types(&self) -> ActivityTypes<S> {
        ActivityTypes::new(self.clone())
    }

    /// Its open executions.
    pub fn open_executions(&self) -> OpenExecutions<S> {
        OpenExecutions::new(self.clone())
    }

    /// Its closed executions.
    pub fn closed_executions(&self) -> ClosedExecutions<S> {
        ClosedExecutions::new(self.clone())
    }

    /// A run of it, without asking whether there is one.
    pub fn run(
        &self,
        workflow_id: impl Into<WorkflowId>,
        run_id: impl Into<RunId>,
    ) -> WorkflowExecution<S> {
        WorkflowExecution::new(self.clone(), workflow_id, run_id)
    }

    /// The execution of a workflow id: the run that is named; otherwise the open one, and when none
    /// is open the one that was started last.
    ///
    /// # Errors
    /// [`SwfError::NoExecution`] when there is none.
    pub async fn execution(
        &self,
        workflow_id: impl Into<WorkflowId>,
        run_id: Option<RunId>,
    ) -> Result<WorkflowExecution<S>, SwfError> {
        WorkflowExecution::find(self, workflow_id.into(), run_id).await
    }

    /// How many decision tasks wait in a task list.
    ///
    /// # Errors
    /// The service does not answer.
    pub async fn pending_decision_tasks(
        &self,
        task_list: TaskListName,
    ) -> Result<PendingTaskCount, ServiceError> {
        let request = CountPendingDecisionTasks {
            domain: self.name.clone(),
            task_list: named(task_list),
            ..CountPendingDecisionTasks::default()
        };
        self.service.count_pending_decision_tasks(request).await
    }

    /// How many activity tasks wait in a task list.
    ///
    /// # Errors
    /// The service does not answer.
    pub async fn pending_activity_tasks(
        &self,
        task_list: TaskListName,
    ) -> Result<PendingTaskCount, ServiceError> {
        let request = CountPendingActivityTasks {
            domain: self.name.clone(),
            task_list: named(task_list),
            ..CountPendingActivityTasks::default()
        };
        self.service.count_pending_activity_tasks(request).await
    }
}

impl<S: SwfService> Domain<S> {
    /// When the oldest execution was started that the domain still shows: that is open, or was closed
    /// within its retention. None if it shows none. What was kept for executions before that time
    /// nobody needs.
    ///
    /// # Errors
    /// The service does not answer.
    pub async fn oldest_start(&self) -> Result<Option<Timestamp>, ServiceError> {
        let open = self.open_executions().oldest_first().page_size(1).list();
        let closed = self.closed_executions().oldest_first().page_size(1).list();
        let (mut open, mut closed) = (pin!(open), pin!(closed));
        let oldest = [open.next().await, closed.next().await];
        let mut starts = Vec::new();
        for info in oldest.into_iter().flatten() {
            starts.push(info?.start_timestamp);
        }
        Ok(starts.into_iter().min())
    }
}

pub(crate) fn named(name: TaskListName) -> TaskList {
    TaskList {
        name,
        ..TaskList::default()
    }
}
