//! The tags of domains.

use std::collections::BTreeMap;

use simpleflow_model::operation::{ListTagsForResource, TagResource, UntagResource};
use simpleflow_model::types::{ListTagsForResourceOutput, ResourceTag};
use simpleflow_model::{Arn, DomainName, Fault, FaultKind, SmolStr, Timestamp};
use smol_str::format_smolstr;

use super::domains::arn;
use crate::Engine;
use crate::check::check;
use crate::registration::Registered;

type Tags = BTreeMap<SmolStr, Option<SmolStr>>;

/// Adds tags to those of a domain; one with a known key takes its place.
///
/// # Errors
/// `ValidationException`; `TooManyTagsFault`. Nothing is added then.
pub(super) fn add(tags: &mut Tags, new: &[ResourceTag], limit: usize) -> Result<(), Fault> {
    let mut all = tags.clone();
    all.extend(new.iter().map(|tag| (tag.key.clone(), tag.value.clone())));
    if all.len() > limit {
        return Err(Fault::new(FaultKind::TooManyTags, SmolStr::default()));
    }
    *tags = all;
    Ok(())
}

impl Engine {
    /// The domain that an ARN names.
    fn tagged(&self, resource: &Arn) -> Result<DomainName, Fault> {
        resource
            .rsplit_once("/domain/")
            .map(|(_, name)| DomainName::from(name))
            .filter(|name| arn(&self.settings, name) == resource.as_str())
            .filter(|name| self.domains.contains_key(name.as_str()))
            .ok_or_else(|| {
                Fault::new(
                    FaultKind::UnknownResource,
                    format_smolstr!("Unknown resource: {resource}"),
                )
            })
    }

    /// Tags a domain.
    ///
    /// # Errors
    /// `UnknownResourceFault`; `ValidationException`; `TooManyTagsFault`.
    pub fn tag_resource(&mut self, request: &TagResource, now: Timestamp) -> Result<(), Fault> {
        check::<TagResource>(request)?;
        self.advance(now);
        let name = self.tagged(&request.resource_arn)?;
        let limit = self.settings.limits.domain_tags;
        add(&mut self.domain_mut(&name)?.tags, &request.tags, limit)?;
        self.registered(Registered::Domain(name));
        Ok(())
    }

    /// Takes tags of a domain away. That one is not there does no harm.
    ///
    /// # Errors
    /// `UnknownResourceFault`.
    pub fn untag_resource(&mut self, request: &UntagResource, now: Timestamp) -> Result<(), Fault> {
        check::<UntagResource>(request)?;
        self.advance(now);
        let name = self.tagged(&request.resource_arn)?;
        let tags = &mut self.domain_mut(&name)?.tags;
        for key in &request.tag_keys {
            tags.remove(key);
        }
        self.registered(Registered::Domain(name));
        Ok(())
    }

    /// Lists the tags of a domain by key.
    ///
    /// # Errors
    /// `UnknownResourceFault`.
    pub fn list_tags_for_resource(
        &mut self,
        request: &ListTagsForResource,
        now: Timestamp,
    ) -> Result<ListTagsForResourceOutput, Fault> {
        check::<ListTagsForResource>(request)?;
        self.advance(now);
        let name = self.tagged(&request.resource_arn)?;
        let tags = &self.domain(&name)?.tags;
        Ok(ListTagsForResourceOutput {
            tags: Some(
                tags.iter()
                    .map(|(key, value)| ResourceTag {
                        key: key.clone(),
                        value: value.clone(),
                        ..Default::default()
                    })
                    .collect(),
            ),
            ..Default::default()
        })
    }
}
