//! What is done to registered types of either kind.

use simpleflow_model::{DomainName, Fault, FaultKind};

use crate::Engine;
use crate::registry::{Kind, Registry};

impl Engine {
    /// Registers a type in a domain that is not deprecated.
    pub(super) fn register_type<K: Kind>(
        &mut self,
        domain: &DomainName,
        id: &K,
        detail: K::Detail,
    ) -> Result<(), Fault> {
        if self.domain(domain)?.is_deprecated() {
            return Err(Fault::new(FaultKind::DomainDeprecated, domain.as_str()));
        }
        let limit = self.settings.limits.types;
        self.change_type(domain, id, |types, _| types.register(detail, limit))
    }

    /// Changes a type, and notes that it changed.
    pub(super) fn change_type<K: Kind>(
        &mut self,
        domain: &DomainName,
        id: &K,
        change: impl FnOnce(&mut Registry<K>, &K) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        change(K::registry(self.domain_mut(domain)?), id)?;
        self.registered(K::registered(domain.clone(), id.key()));
        Ok(())
    }
}
