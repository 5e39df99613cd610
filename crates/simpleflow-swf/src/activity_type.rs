//! Activity types.

use futures::stream::Stream;
use simpleflow_model::operation::{
    DeprecateActivityType, DescribeActivityType, ListActivityTypes, RegisterActivityType,
};
use simpleflow_model::types::{ActivityTypeDetail, ActivityTypeInfo};
use simpleflow_model::{ActivityType as TypeId, FaultKind, RegistrationStatus, TypeName, Version};
use simpleflow_service::{ServiceError, SwfService};

use crate::Domain;
use crate::pages::pages;

/// An activity type of a domain. To make one asks nobody; it need not be registered.
#[derive(Clone, Debug)]
pub struct ActivityType<S> {
    domain: Domain<S>,
    id: TypeId,
}

impl<S: SwfService> ActivityType<S> {
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
    pub async fn describe(&self) -> Result<ActivityTypeDetail, ServiceError> {
        let request = DescribeActivityType {
            domain: self.domain.name.clone(),
            activity_type: self.id.clone(),
            ..DescribeActivityType::default()
        };
        self.domain.service.describe_activity_type(request).await
    }

    /// Registers it, with the defaults of the request; the request's domain, name and version are
    /// set here.
    ///
    /// # Errors
    /// The service refuses it, because it is registered or for another reason, or does not answer.
    pub async fn create(&self, defaults: RegisterActivityType) -> Result<(), ServiceError> {
        let request = RegisterActivityType {
            domain: self.domain.name.clone(),
            name: self.id.name.clone(),
            version: self.id.version.clone(),
            ..defaults
        };
        self.domain.service.register_activity_type(request).await
    }

    /// Registers it if it is not. The defaults of one that is registered stay as they are.
    ///
    /// # Errors
    /// The service refuses it, or does not answer.
    pub async fn get_or_create(&self, defaults: RegisterActivityType) -> Result<(), ServiceError> {
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

    /// Deprecates it: no task of it can be scheduled any more.
    ///
    /// # Errors
    /// The service refuses it, or does not answer.
    pub async fn deprecate(&self) -> Result<(), ServiceError> {
        let request = DeprecateActivityType {
            domain: self.domain.name.clone(),
            activity_type: self.id.clone(),
            ..DeprecateActivityType::default()
        };
        self.domain.service.deprecate_activity_type(request).await
    }
}

/// The activity types of a domain: a query.
#[derive(Clone, Debug)]
#[must_use = "a query does nothing until it is listed"]
pub struct ActivityTypes<S> {
    domain: Domain<S>,
    name: Option<TypeName>,
    status: RegistrationStatus,
}

impl<S: SwfService> ActivityTypes<S> {
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
    pub fn list(self) -> impl Stream<Item = Result<ActivityTypeInfo, ServiceError>> + use<S> {
        pages(move |next_page_token| {
            let service = self.domain.service.clone();
            let request = ListActivityTypes {
                domain: self.domain.name.clone(),
                name: self.name.clone(),
                registration_status: self.status.clone(),
                next_page_token,
                ..ListActivityTypes::default()
            };
            async move {
                let page = service.list_activity_types(request).await?;
                Ok((page.type_infos, page.next_page_token))
            }
        })
    }
}
