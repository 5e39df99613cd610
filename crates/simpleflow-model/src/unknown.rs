//! Wire members that this version does not know.

use std::collections::BTreeMap;

use serde::ser::SerializeMap;
use serde_json::Value;

/// Members of a JSON object that this version does not know. They are kept and written back, so
/// that a history passes through unharmed. Empty costs one pointer.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(
    clippy::box_collection,
    reason = "one word in each of a history's shapes, not three"
)]
pub struct Unknown(Option<Box<BTreeMap<String, Value>>>);

impl Unknown {
    /// Keeps a member.
    pub fn insert(&mut self, name: String, value: Value) {
        self.0.get_or_insert_default().insert(name, value);
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The members, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0
            .iter()
            .flat_map(|map| map.iter())
            .map(|(name, value)| (name.as_str(), value))
    }

    pub(crate) fn serialize_entries<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        self.iter()
            .try_for_each(|(name, value)| map.serialize_entry(name, value))
    }
}
