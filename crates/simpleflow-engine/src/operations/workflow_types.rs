//! Workflow types: register, deprecate, undeprecate, delete, describe, list.

use simpleflow_model::operation::*;
use simpleflow_model::types::{
    WorkflowTypeConfiguration, WorkflowTypeDetail, WorkflowTypeInfo, WorkflowTypeInfos,
};
use simpleflow_model::{Fault, FaultKind, Timestamp, WorkflowType};

use crate::Engine;
use crate::check::{check, page_size};
use crate::domain::Domain;
use crate::registration::Registered;
use crate::registry::TypeRecord;
use crate::token::{PageKind, parse_page_token};

impl Engine {
    /// Registers a workflow type.
    ///
    /// # Errors
    /// `ValidationException`; `UnknownResourceFault`; `DomainDeprecatedFault`;
    /// `TypeAlreadyExistsFault`, also where it is deprecated; `LimitExceededFault`.
    pub fn register_workflow_type(
        &mut self,
        request: &RegisterWorkflowType,
        now: Timestamp,
    ) -> Result<(), Fault> {
        check::<RegisterWorkflowType>(request)?;
        self.advance(now);
        let (now, limit) = (self.now, self.settings.limits.types);
        let domain = self.domain_mut(&request.domain)?;
        if domain.is_deprecated() {
            return Err(Fault::new(
                FaultKind::DomainDeprecated,
                domain.name.as_str(),
            ));
        }
        let configuration = WorkflowTypeConfiguration {
            default_task_start_to_close_timeout: request.default_task_start_to_close_timeout,
            default_execution_start_to_close_timeout: request
                .default_execution_start_to_close_timeout,
            default_task_list: request.default_task_list.clone(),
            default_task_priority: request.default_task_priority,
            default_child_policy: request.default_child_policy.clone(),
            default_lambda_role: request.default_lambda_role.clone(),
            ..Default::default()
        };
        let record = TypeRecord::new(now, request.description.clone(), configuration);
        domain
            .workflow_types
            .register(&request.name, &request.version, limit, record)?;
        let key = (request.name.clone(), request.version.clone());
        self.registered(Registered::WorkflowType(request.domain.clone(), key));
        Ok(())
    }

    /// Deprecates a workflow type: no new execution of it can be started.
    ///
    /// # Errors
    /// `UnknownResourceFault`; `TypeDeprecatedFault` where it is deprecated already.
    pub fn deprecate_workflow_type(
        &mut self,
        request: &DeprecateWorkflowType,
        now: Timestamp,
    ) -> Result<(), Fault> {
        check::<DeprecateWorkflowType>(request)?;
        self.advance(now);
        let now = self.now;
        let WorkflowType { name, version, .. } = &request.workflow_type;
        self.domain_mut(&request.domain)?
            .workflow_types
            .deprecate(name, version, now)?;
        let key = (name.clone(), version.clone());
        self.registered(Registered::WorkflowType(request.domain.clone(), key));
        Ok(())
    }

    /// Takes the deprecation of a workflow type back.
    ///
    /// # Errors
    /// `UnknownResourceFault`; `TypeAlreadyExistsFault` where it is not deprecated.
    pub fn undeprecate_workflow_type(
        &mut self,
        request: &UndeprecateWorkflowType,
        now: Timestamp,
    ) -> Result<(), Fault> {
        check::<UndeprecateWorkflowType>(request)?;
        self.advance(now);
        let WorkflowType { name, version, .. } = &request.workflow_type;
        self.domain_mut(&request.domain)?
            .workflow_types
            .undeprecate(name, version)?;
        let key = (name.clone(), version.clone());
        self.registered(Registered::WorkflowType(request.domain.clone(), key));
        Ok(())
    }

    /// Deletes a deprecated workflow type. Its open executions go on.
    ///
    /// # Errors
    /// `UnknownResourceFault`; `TypeNotDeprecatedFault`.
    pub fn delete_workflow_type(
        &mut self,
        request: &DeleteWorkflowType,
        now: Timestamp,
    ) -> Result<(), Fault> {
        check::<DeleteWorkflowType>(request)?;
        self.advance(now);
        let WorkflowType { name, version, .. } = &request.workflow_type;
        self.domain_mut(&request.domain)?
            .workflow_types
            .delete(name, version)?;
        let key = (name.clone(), version.clone());
        self.registered(Registered::WorkflowType(request.domain.clone(), key));
        Ok(())
    }

    /// Describes a workflow type.
    ///
    /// # Errors
    /// `UnknownResourceFault`.
    pub fn describe_workflow_type(
        &mut self,
        request: &DescribeWorkflowType,
        now: Timestamp,
    ) -> Result<WorkflowTypeDetail, Fault> {
        check::<DescribeWorkflowType>(request)?;
        self.advance(now);
        self.domain(&request.domain)?
            .workflow_type(&request.workflow_type)
    }

    /// Lists the workflow types of a status by name and version, a page at a time.
    ///
    /// # Errors
    /// `ValidationException` for a page that is too long and a token that is not one;
    /// `UnknownResourceFault`.
    pub fn list_workflow_types(
        &mut self,
        request: &ListWorkflowTypes,
        now: Timestamp,
    ) -> Result<WorkflowTypeInfos, Fault> {
        check::<ListWorkflowTypes>(request)?;
        self.advance(now);
        let domain = self.domain(&request.domain)?;
        let after = match &request.next_page_token {
            Some(token) => Some(parse_page_token(PageKind::Types, self.now, token)?),
            None => None,
        };
        let (page, next_page_token) = domain.workflow_types.page(
            request.name.as_ref(),
            &request.registration_status,
            request.reverse_order == Some(true),
            after,
            page_size(request.maximum_page_size),
            self.now,
        )?;
        let type_infos = page.into_iter().map(|((name, version), record)| {
            let workflow_type = WorkflowType {
                name: name.clone(),
                version: version.clone(),
                ..Default::default()
            };
            info(workflow_type, record)
        });
        Ok(WorkflowTypeInfos {
            type_infos: type_infos.collect(),
            next_page_token,
            ..Default::default()
        })
    }
}

impl Domain {
    /// A type with its defaults.
    pub(crate) fn workflow_type(
        &self,
        workflow_type: &WorkflowType,
    ) -> Result<WorkflowTypeDetail, Fault> {
        let record = self
            .workflow_types
            .get(&workflow_type.name, &workflow_type.version)?;
        Ok(WorkflowTypeDetail {
            type_info: info(workflow_type.clone(), record),
            configuration: record.configuration.clone(),
            ..Default::default()
        })
    }
}

fn info(
    workflow_type: WorkflowType,
    record: &TypeRecord<WorkflowTypeConfiguration>,
) -> WorkflowTypeInfo {
    WorkflowTypeInfo {
        workflow_type,
        status: record.status.clone(),
        description: record.description.clone(),
        creation_date: record.creation_date,
        deprecation_date: record.deprecation_date,
        ..Default::default()
    }
}
