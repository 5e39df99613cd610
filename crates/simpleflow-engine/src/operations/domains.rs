//! Domains: register, deprecate, undeprecate, describe, list.

use std::collections::BTreeMap;
use std::ops::Bound;

use simpleflow_model::operation::*;
use simpleflow_model::types::{DomainConfiguration, DomainDetail, DomainInfo, DomainInfos};
use simpleflow_model::{Arn, DomainName, Fault, FaultKind, RegistrationStatus, SmolStr, Timestamp};
use smol_str::format_smolstr;

use crate::check::{check, page_size};
use crate::domain::Domain;
use crate::fault;
use crate::registration::Registered;
use crate::token::{PageKind, page_token, parse_page_token};
use crate::{Engine, Settings};

impl Engine {
    /// Registers a domain.
    ///
    /// # Errors
    /// `ValidationException`; `DomainAlreadyExistsFault`, also where it is deprecated;
    /// `TooManyTagsFault`; `LimitExceededFault`.
    pub fn register_domain(
        &mut self,
        request: &RegisterDomain,
        now: Timestamp,
    ) -> Result<(), Fault> {
        check::<RegisterDomain>(request)?;
        self.advance(now);
        let retention = request.workflow_execution_retention_period_in_days;
        if self.domains.contains_key(request.name.as_str()) {
            return Err(Fault::new(
                FaultKind::DomainAlreadyExists,
                request.name.as_str(),
            ));
        }
        if self.domains.len() >= self.settings.limits.domains {
            return Err(fault::limit_exceeded("Domain"));
        }
        let mut tags = BTreeMap::new();
        super::tags::add(
            &mut tags,
            request.tags.as_deref().unwrap_or_default(),
            self.settings.limits.domain_tags,
        )?;
        let name = request.name.clone();
        let description = request.description.clone();
        let domain = Domain::new(name.clone(), description, retention, tags);
        self.domains.insert(name.clone(), domain);
        self.registered(Registered::Domain(name));
        Ok(())
    }

    /// Deprecates a domain, and with it all its types. Its executions go on.
    ///
    /// # Errors
    /// `UnknownResourceFault`; `DomainDeprecatedFault` where it is deprecated already.
    pub fn deprecate_domain(
        &mut self,
        request: &DeprecateDomain,
        now: Timestamp,
    ) -> Result<(), Fault> {
        check::<DeprecateDomain>(request)?;
        self.advance(now);
        let now = self.now;
        let domain = self.domain_mut(&request.name)?;
        if domain.is_deprecated() {
            return Err(Fault::new(
                FaultKind::DomainDeprecated,
                request.name.as_str(),
            ));
        }
        domain.status = RegistrationStatus::Deprecated;
        domain.activity_types.deprecate_all(now);
        domain.workflow_types.deprecate_all(now);
        self.registered_with_types(&request.name);
        Ok(())
    }

    /// Takes the deprecation of a domain back. Its types stay deprecated.
    ///
    /// # Errors
    /// `UnknownResourceFault`; `DomainAlreadyExistsFault` where it is not deprecated.
    pub fn undeprecate_domain(
        &mut self,
        request: &UndeprecateDomain,
        now: Timestamp,
    ) -> Result<(), Fault> {
        check::<UndeprecateDomain>(request)?;
        self.advance(now);
        let domain = self.domain_mut(&request.name)?;
        if !domain.is_deprecated() {
            return Err(Fault::new(
                FaultKind::DomainAlreadyExists,
                request.name.as_str(),
            ));
        }
        domain.status = RegistrationStatus::Registered;
        self.registered(Registered::Domain(request.name.clone()));
        Ok(())
    }

    /// Describes a domain.
    ///
    /// # Errors
    /// `UnknownResourceFault`.
    pub fn describe_domain(
        &mut self,
        request: &DescribeDomain,
        now: Timestamp,
    ) -> Result<DomainDetail, Fault> {
        check::<DescribeDomain>(request)?;
        self.advance(now);
        let domain = self.domain(&request.name)?;
        Ok(domain.detail(&self.settings))
    }

    /// Lists the domains of a status by name, a page at a time.
    ///
    /// # Errors
    /// `ValidationException` for a page that is too long and a token that is not one.
    pub fn list_domains(
        &mut self,
        request: &ListDomains,
        now: Timestamp,
    ) -> Result<DomainInfos, Fault> {
        check::<ListDomains>(request)?;
        self.advance(now);
        let after: Option<DomainName> = match &request.next_page_token {
            Some(token) => Some(parse_page_token(PageKind::Domains, self.now, token)?.into()),
            None => None,
        };
        let size = page_size(request.maximum_page_size);
        let has_status = |domain: &&Domain| domain.status == request.registration_status;
        let after = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut page: Vec<&Domain> = if request.reverse_order == Some(true) {
            let range = self.domains.range((Bound::Unbounded, after)).rev();
            range
                .map(|(_, domain)| domain)
                .filter(has_status)
                .take(size + 1)
                .collect()
        } else {
            let range = self.domains.range((after, Bound::Unbounded));
            range
                .map(|(_, domain)| domain)
                .filter(has_status)
                .take(size + 1)
                .collect()
        };
        let more = page.len() > size;
        page.truncate(size);
        let next = page.last().filter(|_| more);
        Ok(DomainInfos {
            next_page_token: next.map(|last| page_token(PageKind::Domains, self.now, &last.name)),
            domain_infos: page
                .iter()
                .map(|domain| info(&self.settings, domain))
                .collect(),
            ..Default::default()
        })
    }
}

/// The ARN of a domain.
pub(super) fn arn(settings: &Settings, name: &DomainName) -> SmolStr {
    let Settings {
        region, account, ..
    } = settings;
    format_smolstr!("arn:aws:swf:{region}:{account}:/domain/{name}")
}

impl Domain {
    /// The domain with its configuration.
    pub(crate) fn detail(&self, settings: &Settings) -> DomainDetail {
        DomainDetail {
            domain_info: info(settings, self),
            configuration: DomainConfiguration {
                workflow_execution_retention_period_in_days: self.retention,
                ..Default::default()
            },
            ..Default::default()
        }
    }
}

fn info(settings: &Settings, domain: &Domain) -> DomainInfo {
    DomainInfo {
        name: domain.name.clone(),
        status: domain.status.clone(),
        description: domain.description.clone(),
        arn: Some(Arn::from(arn(settings, &domain.name))),
        ..Default::default()
    }
}
