//! Registrations as they are kept elsewhere: domains with their tags, and types.
//!
//! Registrations are no events, so what is kept of them is what they are now.

use std::collections::BTreeMap;

use simpleflow_model::types::{ActivityTypeDetail, DomainDetail, ResourceTag, WorkflowTypeDetail};
use simpleflow_model::{ActivityType, DomainName, Fault, WorkflowType};

use crate::Engine;
use crate::domain::Domain;
use crate::registry::{Key, Kind};

/// A domain or type as it is after a change, or that it is no more.
#[derive(Clone, Debug, PartialEq)]
pub enum Registration {
    /// A domain and its tags.
    Domain(DomainDetail, Vec<ResourceTag>),
    /// A workflow type of a domain.
    WorkflowType(DomainName, WorkflowTypeDetail),
    /// An activity type of a domain.
    ActivityType(DomainName, ActivityTypeDetail),
    /// A workflow type of a domain was deleted.
    DeletedWorkflowType(DomainName, WorkflowType),
    /// An activity type of a domain was deleted.
    DeletedActivityType(DomainName, ActivityType),
}

/// What a registration is known by. Domains come before types.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Registered {
    Domain(DomainName),
    WorkflowType(DomainName, Key),
    ActivityType(DomainName, Key),
}

impl Engine {
    /// Notes that a registration changed, for who keeps them.
    pub(crate) fn registered(&mut self, what: Registered) {
        if self.settings.record_changes {
            self.registered.insert(what);
        }
    }

    /// Notes that a domain changed with all its types.
    pub(crate) fn registered_with_types(&mut self, name: &DomainName) {
        let Some(domain) = self.domains.get(name.as_str()) else {
            return;
        };
        let workflows = domain.workflow_types.keys();
        let activities = domain.activity_types.keys();
        let mut changed: Vec<_> = workflows
            .map(|key| Registered::WorkflowType(name.clone(), key.clone()))
            .collect();
        changed.extend(activities.map(|key| Registered::ActivityType(name.clone(), key.clone())));
        changed.push(Registered::Domain(name.clone()));
        changed.into_iter().for_each(|what| self.registered(what));
    }

    /// Takes the domains and types that changed since this was last called, as they are now.
    /// Empty unless [`Settings::record_changes`](crate::Settings::record_changes) is on.
    pub fn take_registrations(&mut self) -> Vec<Registration> {
        std::mem::take(&mut self.registered)
            .into_iter()
            .filter_map(|what| self.registration(what))
            .collect()
    }

    fn registration(&self, what: Registered) -> Option<Registration> {
        Some(match what {
            Registered::Domain(name) => {
                let domain = self.domains.get(name.as_str())?;
                let tags = domain.tags.iter().map(|(key, value)| ResourceTag {
                    key: key.clone(),
                    value: value.clone(),
                    ..Default::default()
                });
                Registration::Domain(domain.detail(&self.settings), tags.collect())
            }
            Registered::WorkflowType(name, key) => {
                let workflow_type = WorkflowType::new(key);
                let types = &self.domains.get(name.as_str())?.workflow_types;
                match types.get(&workflow_type) {
                    Ok(detail) => Registration::WorkflowType(name, detail.clone()),
                    Err(_) => Registration::DeletedWorkflowType(name, workflow_type),
                }
            }
            Registered::ActivityType(name, key) => {
                let activity_type = ActivityType::new(key);
                let types = &self.domains.get(name.as_str())?.activity_types;
                match types.get(&activity_type) {
                    Ok(detail) => Registration::ActivityType(name, detail.clone()),
                    Err(_) => Registration::DeletedActivityType(name, activity_type),
                }
            }
        })
    }

    /// Puts a registration back that was kept elsewhere: domains before their types, for a domain
    /// comes without any.
    ///
    /// # Errors
    /// `UnknownResourceFault` for a type of a domain that is not registered.
    pub fn restore_registration(&mut self, registration: Registration) -> Result<(), Fault> {
        match registration {
            Registration::Domain(detail, tags) => {
                let info = detail.domain_info;
                let retention = detail
                    .configuration
                    .workflow_execution_retention_period_in_days;
                let tags: BTreeMap<_, _> =
                    tags.into_iter().map(|tag| (tag.key, tag.value)).collect();
                let mut domain = Domain::new(info.name, info.description, retention, tags);
                domain.status = info.status;
                self.domains.insert(domain.name.clone(), domain);
            }
            Registration::WorkflowType(domain, detail) => {
                self.domain_mut(&domain)?.workflow_types.restore(detail);
            }
            Registration::ActivityType(domain, detail) => {
                self.domain_mut(&domain)?.activity_types.restore(detail);
            }
            Registration::DeletedWorkflowType(domain, id) => {
                self.domain_mut(&domain)?.workflow_types.forget(&id);
            }
            Registration::DeletedActivityType(domain, id) => {
                self.domain_mut(&domain)?.activity_types.forget(&id);
            }
        }
        Ok(())
    }

    /// Whether there is no domain.
    pub fn is_empty(&self) -> bool {
        self.domains.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::*;

    #[test]
    fn registrations_are_told_as_they_are_and_put_back() {
        let mut w = World::new();
        let arn = "arn:aws:swf:us-east-1:123456789012:/domain/d";
        let tags = json!({ "resourceArn": arn, "tags": [{ "key": "k", "value": "v" }] });
        w.engine.tag_resource(&shape(tags), w.now).unwrap();
        let told = w.engine.take_registrations();
        // The domain, and three types of each kind.
        assert_eq!(told.len(), 7);
        assert!(matches!(&told[0], Registration::Domain(_, tags) if tags.len() == 1));
        assert_eq!(w.engine.take_registrations(), []);

        let mut again = Engine::new(w.engine.settings().clone());
        assert!(again.is_empty());
        for registration in told.clone() {
            again.restore_registration(registration).unwrap();
        }
        again.registered_with_types(&"d".into());
        assert_eq!(again.take_registrations(), told);

        let old = json!({ "domain": "d", "workflowType": kind("old") });
        w.engine.delete_workflow_type(&shape(old), w.now).unwrap();
        let deprecated = json!({ "name": "d" });
        w.engine
            .deprecate_domain(&shape(deprecated), w.now)
            .unwrap();
        let told = w.engine.take_registrations();
        let deleted = told
            .iter()
            .filter(|told| matches!(told, Registration::DeletedWorkflowType(..)));
        assert_eq!(deleted.count(), 1);
        for registration in told {
            again.restore_registration(registration).unwrap();
        }
        w.engine.registered_with_types(&"d".into());
        again.registered_with_types(&"d".into());
        assert_eq!(again.take_registrations(), w.engine.take_registrations());
    }
}
