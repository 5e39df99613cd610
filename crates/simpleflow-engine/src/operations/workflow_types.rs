//! Workflow types: register, deprecate, undeprecate, delete, describe, list.

use simpleflow_model::operation::*;
use simpleflow_model::types::{
    WorkflowTypeConfiguration, WorkflowTypeDetail, WorkflowTypeInfo, WorkflowTypeInfos,
};
use simpleflow_model::{Fault, RegistrationStatus, Timestamp, WorkflowType};

use crate::Engine;
use crate::check::{check, page_size};
use crate::registry::Registry;

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
        let workflow_type = WorkflowType {
            name: request.name.clone(),
            version: request.version.clone(),
            ..Default::default()
        };
        let detail = WorkflowTypeDetail {
            type_info: WorkflowTypeInfo {
                workflow_type: workflow_type.clone(),
                status: RegistrationStatus::Registered,
                description: request.description.clone(),
                creation_date: self.now,
                ..Default::default()
            },
            configuration: WorkflowTypeConfiguration {
                default_task_start_to_close_timeout: request.default_task_start_to_close_timeout,
                default_execution_start_to_close_timeout: request
                    .default_execution_start_to_close_timeout,
                default_task_list: request.default_task_list.clone(),
                default_task_priority: request.default_task_priority,
                default_child_policy: request.default_child_policy.clone(),
                default_lambda_role: request.default_lambda_role.clone(),
                ..Default::default()
            },
            ..Default::default()
        };
        self.register_type(&request.domain, &workflow_type, detail)
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
        self.change_type(&request.domain, &request.workflow_type, |types, id| {
            types.deprecate(id, now)
        })
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
        self.change_type(
            &request.domain,
            &request.workflow_type,
            Registry::undeprecate,
        )
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
        self.change_type(&request.domain, &request.workflow_type, Registry::delete)
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
        let types = &self.domain(&request.domain)?.workflow_types;
        types.get(&request.workflow_type).cloned()
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
        let types = &self.domain(&request.domain)?.workflow_types;
        let (type_infos, next_page_token) = types.page(
            request.name.as_ref(),
            &request.registration_status,
            request.reverse_order == Some(true),
            request.next_page_token.as_ref(),
            page_size(request.maximum_page_size),
            self.now,
        )?;
        Ok(WorkflowTypeInfos {
            type_infos,
            next_page_token,
            ..Default::default()
        })
    }
}
