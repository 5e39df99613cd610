//! Activity types: register, deprecate, undeprecate, delete, describe, list.

use simpleflow_model::operation::*;
use simpleflow_model::types::{
    ActivityTypeConfiguration, ActivityTypeDetail, ActivityTypeInfo, ActivityTypeInfos,
};
use simpleflow_model::{ActivityType, Fault, RegistrationStatus, Timestamp};

use crate::Engine;
use crate::check::{check, page_size};
use crate::registry::Registry;

impl Engine {
    /// Registers an activity type.
    ///
    /// # Errors
    /// `ValidationException`; `UnknownResourceFault`; `DomainDeprecatedFault`;
    /// `TypeAlreadyExistsFault`, also where it is deprecated; `LimitExceededFault`.
    pub fn register_activity_type(
        &mut self,
        request: &RegisterActivityType,
        now: Timestamp,
    ) -> Result<(), Fault> {
        check::<RegisterActivityType>(request)?;
        self.advance(now);
        let activity_type = ActivityType {
            name: request.name.clone(),
            version: request.version.clone(),
            ..Default::default()
        };
        let detail = ActivityTypeDetail {
            type_info: ActivityTypeInfo {
                activity_type: activity_type.clone(),
                status: RegistrationStatus::Registered,
                description: request.description.clone(),
                creation_date: self.now,
                ..Default::default()
            },
            configuration: ActivityTypeConfiguration {
                default_task_start_to_close_timeout: request.default_task_start_to_close_timeout,
                default_task_heartbeat_timeout: request.default_task_heartbeat_timeout,
                default_task_list: request.default_task_list.clone(),
                default_task_priority: request.default_task_priority,
                default_task_schedule_to_start_timeout: request
                    .default_task_schedule_to_start_timeout,
                default_task_schedule_to_close_timeout: request
                    .default_task_schedule_to_close_timeout,
                ..Default::default()
            },
            ..Default::default()
        };
        self.register_type(&request.domain, &activity_type, detail)
    }

    /// Deprecates an activity type: no new task of it can be scheduled.
    ///
    /// # Errors
    /// `UnknownResourceFault`; `TypeDeprecatedFault` where it is deprecated already.
    pub fn deprecate_activity_type(
        &mut self,
        request: &DeprecateActivityType,
        now: Timestamp,
    ) -> Result<(), Fault> {
        check::<DeprecateActivityType>(request)?;
        self.advance(now);
        let now = self.now;
        self.change_type(&request.domain, &request.activity_type, |types, id| {
            types.deprecate(id, now)
        })
    }

    /// Takes the deprecation of an activity type back.
    ///
    /// # Errors
    /// `UnknownResourceFault`; `TypeAlreadyExistsFault` where it is not deprecated.
    pub fn undeprecate_activity_type(
        &mut self,
        request: &UndeprecateActivityType,
        now: Timestamp,
    ) -> Result<(), Fault> {
        check::<UndeprecateActivityType>(request)?;
        self.advance(now);
        self.change_type(
            &request.domain,
            &request.activity_type,
            Registry::undeprecate,
        )
    }

    /// Deletes a deprecated activity type. Its open tasks go on.
    ///
    /// # Errors
    /// `UnknownResourceFault`; `TypeNotDeprecatedFault`.
    pub fn delete_activity_type(
        &mut self,
        request: &DeleteActivityType,
        now: Timestamp,
    ) -> Result<(), Fault> {
        check::<DeleteActivityType>(request)?;
        self.advance(now);
        self.change_type(&request.domain, &request.activity_type, Registry::delete)
    }

    /// Describes an activity type.
    ///
    /// # Errors
    /// `UnknownResourceFault`.
    pub fn describe_activity_type(
        &mut self,
        request: &DescribeActivityType,
        now: Timestamp,
    ) -> Result<ActivityTypeDetail, Fault> {
        check::<DescribeActivityType>(request)?;
        self.advance(now);
        let types = &self.domain(&request.domain)?.activity_types;
        types.get(&request.activity_type).cloned()
    }

    /// Lists the activity types of a status by name and version, a page at a time.
    ///
    /// # Errors
    /// `ValidationException` for a page that is too long and a token that is not one;
    /// `UnknownResourceFault`.
    pub fn list_activity_types(
        &mut self,
        request: &ListActivityTypes,
        now: Timestamp,
    ) -> Result<ActivityTypeInfos, Fault> {
        check::<ListActivityTypes>(request)?;
        self.advance(now);
        let types = &self.domain(&request.domain)?.activity_types;
        let (type_infos, next_page_token) = types.page(
            request.name.as_ref(),
            &request.registration_status,
            request.reverse_order == Some(true),
            request.next_page_token.as_ref(),
            page_size(request.maximum_page_size),
            self.now,
        )?;
        Ok(ActivityTypeInfos {
            type_infos,
            next_page_token,
            ..Default::default()
        })
    }
}
