//! Activity types: register, deprecate, undeprecate, delete, describe, list.

use simpleflow_model::operation::*;
use simpleflow_model::types::{
    ActivityTypeConfiguration, ActivityTypeDetail, ActivityTypeInfo, ActivityTypeInfos,
};
use simpleflow_model::{ActivityType, Fault, FaultKind, Timestamp};

use crate::Engine;
use crate::check::{check, page_size};
use crate::domain::Domain;
use crate::registration::Registered;
use crate::registry::TypeRecord;
use crate::token::{PageKind, parse_page_token};

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
        let (now, limit) = (self.now, self.settings.limits.types);
        let domain = self.domain_mut(&request.domain)?;
        if domain.is_deprecated() {
            return Err(Fault::new(
                FaultKind::DomainDeprecated,
                domain.name.as_str(),
            ));
        }
        let configuration = ActivityTypeConfiguration {
            default_task_start_to_close_timeout: request.default_task_start_to_close_timeout,
            default_task_heartbeat_timeout: request.default_task_heartbeat_timeout,
            default_task_list: request.default_task_list.clone(),
            default_task_priority: request.default_task_priority,
            default_task_schedule_to_start_timeout: request.default_task_schedule_to_start_timeout,
            default_task_schedule_to_close_timeout: request.default_task_schedule_to_close_timeout,
            ..Default::default()
        };
        let record = TypeRecord::new(now, request.description.clone(), configuration);
        domain
            .activity_types
            .register(&request.name, &request.version, limit, record)?;
        let key = (request.name.clone(), request.version.clone());
        self.registered(Registered::ActivityType(request.domain.clone(), key));
        Ok(())
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
        let ActivityType { name, version, .. } = &request.activity_type;
        self.domain_mut(&request.domain)?
            .activity_types
            .deprecate(name, version, now)?;
        let key = (name.clone(), version.clone());
        self.registered(Registered::ActivityType(request.domain.clone(), key));
        Ok(())
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
        let ActivityType { name, version, .. } = &request.activity_type;
        self.domain_mut(&request.domain)?
            .activity_types
            .undeprecate(name, version)?;
        let key = (name.clone(), version.clone());
        self.registered(Registered::ActivityType(request.domain.clone(), key));
        Ok(())
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
        let ActivityType { name, version, .. } = &request.activity_type;
        self.domain_mut(&request.domain)?
            .activity_types
            .delete(name, version)?;
        let key = (name.clone(), version.clone());
        self.registered(Registered::ActivityType(request.domain.clone(), key));
        Ok(())
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
        self.domain(&request.domain)?
            .activity_type(&request.activity_type)
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
        let domain = self.domain(&request.domain)?;
        let after = match &request.next_page_token {
            Some(token) => Some(parse_page_token(PageKind::Types, self.now, token)?),
            None => None,
        };
        let (page, next_page_token) = domain.activity_types.page(
            request.name.as_ref(),
            &request.registration_status,
            request.reverse_order == Some(true),
            after,
            page_size(request.maximum_page_size),
            self.now,
        )?;
        let type_infos = page.into_iter().map(|((name, version), record)| {
            let activity_type = ActivityType {
                name: name.clone(),
                version: version.clone(),
                ..Default::default()
            };
            info(activity_type, record)
        });
        Ok(ActivityTypeInfos {
            type_infos: type_infos.collect(),
            next_page_token,
            ..Default::default()
        })
    }
}

impl Domain {
    /// A type with its defaults.
    pub(crate) fn activity_type(
        &self,
        activity_type: &ActivityType,
    ) -> Result<ActivityTypeDetail, Fault> {
        let record = self
            .activity_types
            .get(&activity_type.name, &activity_type.version)?;
        Ok(ActivityTypeDetail {
            type_info: info(activity_type.clone(), record),
            configuration: record.configuration.clone(),
            ..Default::default()
        })
    }
}

fn info(
    activity_type: ActivityType,
    record: &TypeRecord<ActivityTypeConfiguration>,
) -> ActivityTypeInfo {
    ActivityTypeInfo {
        activity_type,
        status: record.status.clone(),
        description: record.description.clone(),
        creation_date: record.creation_date,
        deprecation_date: record.deprecation_date,
        ..Default::default()
    }
}
