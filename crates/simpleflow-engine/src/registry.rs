//! The registered types of a domain: one registry for workflows and one for activities.

use std::collections::BTreeMap;
use std::ops::Bound;

use simpleflow_model::types::{
    ActivityTypeDetail, ActivityTypeInfo, WorkflowTypeDetail, WorkflowTypeInfo,
};
use simpleflow_model::{
    ActivityType, DomainName, Fault, FaultKind, PageToken, RegistrationStatus, SmolStr, Timestamp,
    TypeName, Version, WorkflowType,
};

use crate::domain::Domain;
use crate::fault;
use crate::registration::Registered;
use crate::token::{PageKind, page_token, parse_page_token};

/// What a type is known by.
pub(crate) type Key = (TypeName, Version);

/// A kind of types: what names one, and how a registry sees into what it keeps of one, which is
/// what the service says when it describes it.
pub(crate) trait Kind: Sized {
    /// The name of the kind in the service's messages.
    const NAME: &'static str;

    type Detail;
    type Info: Clone;

    fn new(key: Key) -> Self;
    fn key(&self) -> Key;
    fn id(detail: &Self::Detail) -> &Self;
    fn info(detail: &Self::Detail) -> &Self::Info;
    fn status(detail: &Self::Detail) -> &RegistrationStatus;
    /// Deprecates a type at a time, or takes that back.
    fn set_deprecated(detail: &mut Self::Detail, at: Option<Timestamp>);

    fn registry(domain: &mut Domain) -> &mut Registry<Self>;
    fn registered(domain: DomainName, key: Key) -> Registered;
}

macro_rules! kinds {
    ($($id:ident { $detail:ident, $info:ident, $member:ident, $registry:ident })*) => {$(
        impl Kind for $id {
            const NAME: &'static str = stringify!($id);

            type Detail = $detail;
            type Info = $info;

            fn new((name, version): Key) -> Self {
                Self {
                    name,
                    version,
                    ..Default::default()
                }
            }

            fn key(&self) -> Key {
                (self.name.clone(), self.version.clone())
            }

            fn id(detail: &$detail) -> &Self {
                &detail.type_info.$member
            }

            fn info(detail: &$detail) -> &$info {
                &detail.type_info
            }

            fn status(detail: &$detail) -> &RegistrationStatus {
                &detail.type_info.status
            }

            fn set_deprecated(detail: &mut $detail, at: Option<Timestamp>) {
                detail.type_info.status = match at {
                    Some(_) => RegistrationStatus::Deprecated,
                    None => RegistrationStatus::Registered,
                };
                detail.type_info.deprecation_date = at;
            }

            fn registry(domain: &mut Domain) -> &mut Registry<Self> {
                &mut domain.$registry
            }

            fn registered(domain: DomainName, key: Key) -> Registered {
                Registered::$id(domain, key)
            }
        }
    )*};
}

kinds! {
    ActivityType { ActivityTypeDetail, ActivityTypeInfo, activity_type, activity_types }
    WorkflowType { WorkflowTypeDetail, WorkflowTypeInfo, workflow_type, workflow_types }
}

/// Why a type cannot be used for something new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unusable {
    Unknown,
    Deprecated,
}

impl Unusable {
    pub(crate) fn fault<K: Kind>(self, id: &K) -> Fault {
        match self {
            Self::Unknown => unknown(id),
            Self::Deprecated => refused(FaultKind::TypeDeprecated, id),
        }
    }
}

/// Types as a listing shows them, and the token of the next page.
pub(crate) type TypePage<K> = (Vec<<K as Kind>::Info>, Option<PageToken>);

/// The types of one kind, ordered by name and version.
#[derive(Debug)]
pub(crate) struct Registry<K: Kind>(BTreeMap<Key, K::Detail>);

impl<K: Kind> Default for Registry<K> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<K: Kind> Registry<K> {
    pub(crate) fn keys(&self) -> impl Iterator<Item = &Key> {
        self.0.keys()
    }

    /// Puts a type back that was kept elsewhere.
    pub(crate) fn restore(&mut self, detail: K::Detail) {
        self.0.insert(K::id(&detail).key(), detail);
    }

    pub(crate) fn forget(&mut self, id: &K) {
        self.0.remove(&id.key());
    }

    /// A type, if something new can be made of it.
    pub(crate) fn usable(&self, id: &K) -> Result<&K::Detail, Unusable> {
        let detail = self.0.get(&id.key()).ok_or(Unusable::Unknown)?;
        if is_deprecated::<K>(detail) {
            return Err(Unusable::Deprecated);
        }
        Ok(detail)
    }

    /// # Errors
    /// `UnknownResourceFault`.
    pub(crate) fn get(&self, id: &K) -> Result<&K::Detail, Fault> {
        self.0.get(&id.key()).ok_or_else(|| unknown(id))
    }

    fn get_mut(&mut self, id: &K) -> Result<&mut K::Detail, Fault> {
        self.0.get_mut(&id.key()).ok_or_else(|| unknown(id))
    }

    /// # Errors
    /// `TypeAlreadyExistsFault`, also where the type is deprecated; `LimitExceededFault`.
    pub(crate) fn register(&mut self, detail: K::Detail, limit: usize) -> Result<(), Fault> {
        let id = K::id(&detail);
        let key = id.key();
        if self.0.contains_key(&key) {
            return Err(refused(FaultKind::TypeAlreadyExists, id));
        }
        if self.0.len() >= limit {
            return Err(fault::limit_exceeded(K::NAME));
        }
        self.0.insert(key, detail);
        Ok(())
    }

    /// # Errors
    /// `UnknownResourceFault`; `TypeDeprecatedFault` where it is deprecated already.
    pub(crate) fn deprecate(&mut self, id: &K, now: Timestamp) -> Result<(), Fault> {
        let detail = self.get_mut(id)?;
        if is_deprecated::<K>(detail) {
            return Err(refused(FaultKind::TypeDeprecated, id));
        }
        K::set_deprecated(detail, Some(now));
        Ok(())
    }

    pub(crate) fn deprecate_all(&mut self, now: Timestamp) {
        for detail in self.0.values_mut().filter(|d| !is_deprecated::<K>(d)) {
            K::set_deprecated(detail, Some(now));
        }
    }

    /// # Errors
    /// `UnknownResourceFault`; `TypeAlreadyExistsFault` where it is not deprecated.
    pub(crate) fn undeprecate(&mut self, id: &K) -> Result<(), Fault> {
        let detail = self.get_mut(id)?;
        if !is_deprecated::<K>(detail) {
            return Err(refused(FaultKind::TypeAlreadyExists, id));
        }
        K::set_deprecated(detail, None);
        Ok(())
    }

    /// # Errors
    /// `UnknownResourceFault`; `TypeNotDeprecatedFault`.
    pub(crate) fn delete(&mut self, id: &K) -> Result<(), Fault> {
        if !is_deprecated::<K>(self.get(id)?) {
            return Err(Fault::new(
                FaultKind::TypeNotDeprecated,
                SmolStr::new_static(
                    "The type is currently registered and cannot be deleted in its current state",
                ),
            ));
        }
        self.forget(id);
        Ok(())
    }

    /// A page of the types of a status, ordered by name and version, of one name if that is given.
    ///
    /// # Errors
    /// `ValidationException` for a token that is not one.
    pub(crate) fn page(
        &self,
        name: Option<&TypeName>,
        status: &RegistrationStatus,
        reverse: bool,
        token: Option<&PageToken>,
        size: usize,
        now: Timestamp,
    ) -> Result<TypePage<K>, Fault> {
        let after: Bound<Key> = match token {
            None => Bound::Unbounded,
            Some(token) => {
                let text = parse_page_token(PageKind::Types, now, token)?;
                // Names have no `/`.
                let (name, version) = text.split_once('/').ok_or_else(fault::invalid_token)?;
                Bound::Excluded((name.into(), version.into()))
            }
        };
        let wanted = |((n, _), detail): &(&Key, &K::Detail)| {
            name.is_none_or(|name| name == n) && K::status(detail) == status
        };
        let mut page: Vec<_> = if reverse {
            let range = self.0.range((Bound::Unbounded, after)).rev();
            range.filter(wanted).take(size + 1).collect()
        } else {
            let range = self.0.range((after, Bound::Unbounded));
            range.filter(wanted).take(size + 1).collect()
        };
        let more = page.len() > size;
        page.truncate(size);
        let next = page.last().filter(|_| more).map(|((name, version), _)| {
            page_token(PageKind::Types, now, &format!("{name}/{version}"))
        });
        let infos = page.into_iter().map(|(_, detail)| K::info(detail).clone());
        Ok((infos.collect(), next))
    }
}

fn is_deprecated<K: Kind>(detail: &K::Detail) -> bool {
    *K::status(detail) == RegistrationStatus::Deprecated
}

fn unknown<K: Kind>(id: &K) -> Fault {
    let (name, version) = id.key();
    fault::unknown_type(K::NAME, &name, &version)
}

/// The fault that a type is in the wrong state for a request.
fn refused<K: Kind>(kind: FaultKind, id: &K) -> Fault {
    let (name, version) = id.key();
    Fault::new(kind, fault::type_text(K::NAME, &name, &version))
}
