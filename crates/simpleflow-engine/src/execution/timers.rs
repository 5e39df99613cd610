//! The open timers of an execution.

use std::collections::{BTreeMap, HashMap};

use simpleflow_model::event::TimerStarted;
use simpleflow_model::{EventId, TimerId, Timestamp};

use super::slot::Standing;
use super::state::after;

/// An open timer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Timer {
    pub id: TimerId,
    pub fires_at: Option<Timestamp>,
}

/// The open timers of an execution.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Timers {
    open: BTreeMap<EventId, Timer>,
    by_id: HashMap<TimerId, EventId>,
}

impl Timers {
    pub(crate) fn len(&self) -> usize {
        self.open.len()
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = EventId> {
        self.open.keys().copied()
    }

    pub(crate) fn get(&self, started: EventId) -> Option<&Timer> {
        self.open.get(&started)
    }

    /// The started event of the open timer with an id.
    pub(crate) fn find(&self, id: &TimerId) -> Option<EventId> {
        self.by_id.get(id.as_str()).copied()
    }

    pub(super) fn started(&mut self, id: EventId, at: Timestamp, a: &TimerStarted) {
        self.by_id.insert(a.timer_id.clone(), id);
        self.open.insert(
            id,
            Timer {
                id: a.timer_id.clone(),
                fires_at: after(at, a.start_to_fire_timeout),
            },
        );
    }

    pub(super) fn closed(&mut self, started: EventId) {
        if let Some(timer) = self.open.remove(&started) {
            self.by_id.remove(timer.id.as_str());
        }
    }

    pub(super) fn standing(&self, started: EventId) -> Standing {
        Standing {
            deadline: self.open.get(&started).and_then(|timer| timer.fires_at),
            waiting: None,
        }
    }
}
