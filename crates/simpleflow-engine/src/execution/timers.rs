//! The open timers of an execution.

use simpleflow_model::event::TimerStarted;
use simpleflow_model::{EventId, TimerId, Timestamp};

use super::open::{Identified, Open};
use super::slot::Standing;
use super::state::after;

/// An open timer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Timer {
    pub id: TimerId,
    pub fires_at: Option<Timestamp>,
}

impl Identified for Timer {
    type Id = TimerId;

    fn id(&self) -> &TimerId {
        &self.id
    }
}

/// The open timers of an execution.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Timers {
    open: Open<Timer>,
}

impl Timers {
    pub(crate) fn len(&self) -> usize {
        self.open.len()
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = EventId> {
        self.open.events()
    }

    pub(crate) fn get(&self, started: EventId) -> Option<&Timer> {
        self.open.get(started)
    }

    /// The started event of the open timer with an id.
    pub(crate) fn find(&self, id: &TimerId) -> Option<EventId> {
        let (started, _) = self.open.find(id)?;
        Some(started)
    }

    pub(super) fn started(&mut self, id: EventId, at: Timestamp, a: &TimerStarted) {
        self.open.add(
            id,
            Timer {
                id: a.timer_id.clone(),
                fires_at: after(at, a.start_to_fire_timeout),
            },
        );
    }

    pub(super) fn closed(&mut self, started: EventId) {
        self.open.remove(started);
    }

    pub(super) fn standing(&self, started: EventId) -> Standing {
        Standing {
            deadline: self.open.get(started).and_then(|timer| timer.fires_at),
            waiting: None,
        }
    }
}
