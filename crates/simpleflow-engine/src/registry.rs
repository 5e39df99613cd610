//! The registered types of a domain: one registry for workflows and one for activities.

use std::collections::BTreeMap;
use std::ops::Bound;

use simpleflow_model::{
    Fault, FaultKind, PageToken, RegistrationStatus, SmolStr, Timestamp, TypeName, Version,
};

use crate::fault;
use crate::token::{PageKind, page_token};

/// A registered type with its defaults.
#[derive(Clone, Debug)]
pub(crate) struct TypeRecord<C> {
    pub status: RegistrationStatus,
    pub description: Option<SmolStr>,
    pub creation_date: Timestamp,
    pub deprecation_date: Option<Timestamp>,
    pub configuration: C,
}

impl<C> TypeRecord<C> {
    pub(crate) fn new(now: Timestamp, description: Option<SmolStr>, configuration: C) -> Self {
        Self {
            status: RegistrationStatus::Registered,
            description,
            creation_date: now,
            deprecation_date: None,
            configuration,
        }
    }

    pub(crate) fn is_deprecated(&self) -> bool {
        self.status == RegistrationStatus::Deprecated
    }

    fn deprecate(&mut self, now: Timestamp) {
        self.status = RegistrationStatus::Deprecated;
        self.deprecation_date = Some(now);
    }
}

/// What a type is known by.
pub(crate) type Key = (TypeName, Version);

/// Types on a page of a listing.
pub(crate) type TypePage<'a, C> = Vec<(&'a Key, &'a TypeRecord<C>)>;

/// The types of one kind, ordered by name and version.
#[derive(Debug)]
pub(crate) struct Registry<C> {
    /// The name of the kind in the service's messages.
    kind: &'static str,
    types: BTreeMap<Key, TypeRecord<C>>,
}

impl<C> Registry<C> {
    pub(crate) fn new(kind: &'static str) -> Self {
        Self {
            kind,
            types: BTreeMap::new(),
        }
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &Key> {
        self.types.keys()
    }

    /// Puts a type back that was kept elsewhere.
    pub(crate) fn restore(&mut self, key: Key, record: TypeRecord<C>) {
        self.types.insert(key, record);
    }

    pub(crate) fn forget(&mut self, key: &Key) {
        self.types.remove(key);
    }

    pub(crate) fn find(&self, name: &TypeName, version: &Version) -> Option<&TypeRecord<C>> {
        self.types.get(&(name.clone(), version.clone()))
    }

    pub(crate) fn get(&self, name: &TypeName, version: &Version) -> Result<&TypeRecord<C>, Fault> {
        self.find(name, version)
            .ok_or_else(|| fault::unknown_type(self.kind, name, version))
    }

    fn get_mut(&mut self, name: &TypeName, version: &Version) -> Result<&mut TypeRecord<C>, Fault> {
        self.types
            .get_mut(&(name.clone(), version.clone()))
            .ok_or_else(|| fault::unknown_type(self.kind, name, version))
    }

    /// The fault that a type is in the wrong state for a request.
    pub(crate) fn fault(&self, kind: FaultKind, name: &TypeName, version: &Version) -> Fault {
        Fault::new(kind, fault::type_text(self.kind, name, version))
    }

    /// # Errors
    /// `TypeAlreadyExistsFault`, also where the type is deprecated; `LimitExceededFault`.
    pub(crate) fn register(
        &mut self,
        name: &TypeName,
        version: &Version,
        limit: usize,
        record: TypeRecord<C>,
    ) -> Result<(), Fault> {
        if self.find(name, version).is_some() {
            return Err(self.fault(FaultKind::TypeAlreadyExists, name, version));
        }
        if self.types.len() >= limit {
            return Err(fault::limit_exceeded(self.kind));
        }
        self.types.insert((name.clone(), version.clone()), record);
        Ok(())
    }

    /// # Errors
    /// `UnknownResourceFault`; `TypeDeprecatedFault` where it is deprecated already.
    pub(crate) fn deprecate(
        &mut self,
        name: &TypeName,
        version: &Version,
        now: Timestamp,
    ) -> Result<(), Fault> {
        let record = self.get_mut(name, version)?;
        if record.is_deprecated() {
            return Err(self.fault(FaultKind::TypeDeprecated, name, version));
        }
        record.deprecate(now);
        Ok(())
    }

    pub(crate) fn deprecate_all(&mut self, now: Timestamp) {
        for record in self.types.values_mut().filter(|r| !r.is_deprecated()) {
            record.deprecate(now);
        }
    }

    /// # Errors
    /// `UnknownResourceFault`; `TypeAlreadyExistsFault` where it is not deprecated.
    pub(crate) fn undeprecate(&mut self, name: &TypeName, version: &Version) -> Result<(), Fault> {
        let record = self.get_mut(name, version)?;
        if !record.is_deprecated() {
            return Err(self.fault(FaultKind::TypeAlreadyExists, name, version));
        }
        record.status = RegistrationStatus::Registered;
        record.deprecation_date = None;
        Ok(())
    }

    /// # Errors
    /// `UnknownResourceFault`; `TypeNotDeprecatedFault`.
    pub(crate) fn delete(&mut self, name: &TypeName, version: &Version) -> Result<(), Fault> {
        if !self.get(name, version)?.is_deprecated() {
            return Err(Fault::new(
                FaultKind::TypeNotDeprecated,
                SmolStr::new_static(
                    "The type is currently registered and cannot be deleted in its current state",
                ),
            ));
        }
        self.types.remove(&(name.clone(), version.clone()));
        Ok(())
    }

    /// A page of the types of a status, ordered by name and version, of one name if that is
    /// given; and the token of the next page. `after` is what the token of this page holds.
    ///
    /// # Errors
    /// `ValidationException` for a token that is not one.
    pub(crate) fn page(
        &self,
        name: Option<&TypeName>,
        status: &RegistrationStatus,
        reverse: bool,
        after: Option<&str>,
        size: usize,
        now: Timestamp,
    ) -> Result<(TypePage<'_, C>, Option<PageToken>), Fault> {
        let after: Bound<Key> = match after {
            None => Bound::Unbounded,
            // Names have no `/`.
            Some(text) => {
                let (name, version) = text.split_once('/').ok_or_else(fault::invalid_token)?;
                Bound::Excluded((name.into(), version.into()))
            }
        };
        let wanted = |((n, _), record): &(&Key, &TypeRecord<C>)| {
            name.is_none_or(|name| name == n) && record.status == *status
        };
        let mut page: TypePage<'_, C> = if reverse {
            let range = self.types.range((Bound::Unbounded, after)).rev();
            range.filter(wanted).take(size + 1).collect()
        } else {
            let range = self.types.range((after, Bound::Unbounded));
            range.filter(wanted).take(size + 1).collect()
        };
        let more = page.len() > size;
        page.truncate(size);
        let next = page.last().filter(|_| more).map(|((name, version), _)| {
            page_token(PageKind::Types, now, &format!("{name}/{version}"))
        });
        Ok((page, next))
    }
}
