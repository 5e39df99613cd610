//! Workflow types.

use futures::stream::Stream;
use simpleflow_model::operation::{
    DeprecateWorkflowType, DescribeWorkflowType, ListWorkflowTypes, RegisterWorkflowType,
    StartWorkflowExecution,
};
use simpleflow_model::types::{WorkflowTypeDetail, WorkflowTypeInfo};
use simpleflow_model::{FaultKind, RegistrationStatus, TypeName, Version, WorkflowType as TypeId};
use simpleflow_service::{ServiceError, SwfService};

use crate::pages::pages;
use crate::{Domain, WorkflowExecution};

/// A workflow type of a domain. To make one asks nobody; it need not be registered.
#[derive(Clone, Debug)]
pub struct WorkflowType<S> {
    domain: Domain<S>,
    id: TypeId,
}

impl<S: SwfService> WorkflowType<S> {
    /// The type of that name and version.
    pub fn new(domain: Domain<S>, name: impl Into<TypeName>, version: impl Into<Version>) -> Self {
        Self {
            domain,
            id: TypeId {
                name: name.into(),
                version: version.into(),
                ..TypeId::default()
            },
        }
    }

    /// Its name and version.
    pub fn id(&self) -> &TypeId {
        &self.id
    }

    /// The domain that it is of.
    pub fn domain(&self) -> &Domain<S> {
        &self.domain
    }

    /// Its defaults.
    ///
    /// # Errors
    /// The service does not know it, or does not answer.
    pub async fn describe(&self) -> Result<WorkflowTypeDetail, ServiceError> {
        let request = DescribeWorkflowType {
            domain: self.domain.name.clone(),
            workflow_type: self.id.clone(),
            ..DescribeWorkflowType::default()
        };
        self.domain.service.describe_workflow_type(request).await
    }

    /// Registers it, with the defaults of the request; the request's domain, name and version are
    /// set here.
    ///
    /// # Errors
    /// The service refuses it, because it is registered or for another reason, or does not answer.
    pub async fn create(&self, defaults: RegisterWorkflowType) -> Result<(), ServiceError> {
        let request = RegisterWorkflowType {
            domain: self.domain.name.clone(),
            name: self.id.name.clone(),
            version: self.id.version.clone(),
            ..defaults
        };
        self.domain.service.register_workflow_type(request).await
    }

    /// Registers it if it is not. The defaults of one that is registered stay as they are.
    ///
    /// # Errors
    /// The service refuses it, or does not answer.
    pub async fn get_or_create(&self, defaults: RegisterWorkflowType) -> Result<(), ServiceError> {
        match self.describe().await {
            Err(error) if error.is_fault(FaultKind::UnknownResource) => {}
            described => return described.map(drop),
        }
        match self.create(defaults).await {
            // Another program was quicker.
            Err(error) if error.is_fault(FaultKind::TypeAlreadyExists) => Ok(()),
            created => created,
        }
    }

    /// Deprecates it: no execution of it can be started any more.
    ///
    /// # Errors
    /// The service refuses it, or does not answer.
    pub async fn deprecate(&self) -> Result<(), ServiceError> {
        let request = DeprecateWorkflowType {
            domain: self.domain.name.clone(),
            workflow_type: self.id.clone(),
            ..DeprecateWorkflowType::default()
        };
        self.domain.service.deprecate_workflow_type(request).await
    }

    /// Starts an execution as the request says; its domain and type are set here.
    ///
    /// # Errors
    /// The service refuses it, or does not answer.
    pub async fn start(
        &self,
        start: StartWorkflowExecution,
    ) -> Result<WorkflowExecution<S>, ServiceError> {
        let request = StartWorkflowExecution {
            domain: self.domain.name.clone(),
            workflow_type: self.id.clone(),
            ..start
        };
        let workflow_id = request.workflow_id.clone();
        let run = self
            .domain
            .service
            .start_workflow_execution(request)
            .await?;
        let run_id = run.run_id.ok_or_else(|| {
            ServiceError::Unreadable("the execution was started, but has no run id".into())
        })?;
        Ok(self.domain.run(workflow_id, run_id))
    }
}

/// The workflow types of a domain: a query.
#[derive(Clone, Debug)]
#[must_use = "a query does nothing until it is listed"]
pub struct WorkflowTypes<S> {
    domain: Domain<S>,
    name: Option<TypeName>,
    status: RegistrationStatus,
}

impl<S: SwfService> WorkflowTypes<S> {
    pub(crate) fn new(domain: Domain<S>) -> Self {
        Self {
            domain,
            name: None,
            status: RegistrationStatus::Registered,
        }
    }

    /// Those of this name alone.
    pub fn name(mut self, name: impl Into<TypeName>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Those that are deprecated, instead of those that are in use.
    pub fn deprecated(mut self) -> Self {
        self.status = RegistrationStatus::Deprecated;
        self
    }

    /// The types, page by page as they are taken.
    pub fn list(self) -> impl Stream<Item = Result<WorkflowTypeInfo, ServiceError>> + use<S> {
        pages(move |next_page_token| {
            let service = self.domain.service.clone();
            let request = ListWorkflowTypes {
                domain: self.domain.name.clone(),
                name: self.name.clone(),
                registration_status: self.status.clone(),
                next_page_token,
                ..ListWorkflowTypes::default()
            };
            async move {
                let page = service.list_workflow_types(request).await?;
                Ok((page.type_infos, page.next_page_token))
            }
        })
    }
}
