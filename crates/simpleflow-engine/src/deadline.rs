//! What falls due, in the order of time.

use std::collections::BTreeSet;

use simpleflow_model::Timestamp;

use crate::execution::{ExecutionKey, Slot};

/// Everything of every execution that has a time. Entries are taken out when they no longer
/// hold, so the set is as large as what is open.
#[derive(Debug, Default)]
pub(crate) struct Deadlines(BTreeSet<(Timestamp, ExecutionKey, Slot)>);

impl Deadlines {
    pub(crate) fn insert(&mut self, at: Timestamp, key: ExecutionKey, slot: Slot) {
        self.0.insert((at, key, slot));
    }

    /// Takes out an entry. Whether it was there.
    pub(crate) fn remove(&mut self, at: Timestamp, key: ExecutionKey, slot: Slot) -> bool {
        self.0.remove(&(at, key, slot))
    }

    pub(crate) fn next(&self) -> Option<Timestamp> {
        self.0.first().map(|(at, ..)| *at)
    }

    /// Everything, in the order of time.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Timestamp, ExecutionKey, Slot)> {
        self.0.iter().copied()
    }

    /// Takes out the first entry that is due at `now`.
    pub(crate) fn pop_due(&mut self, now: Timestamp) -> Option<(ExecutionKey, Slot)> {
        if self.next()? > now {
            return None;
        }
        self.0.pop_first().map(|(_, key, slot)| (key, slot))
    }
}
