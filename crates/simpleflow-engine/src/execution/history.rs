//! The events of an execution: how many there are, and those that are in memory.
//!
//! Who keeps the events elsewhere may let go of them here, and puts them back before something
//! has to read them. New events are appended either way, so what is in memory is always the end
//! of the history.

use simpleflow_model::{EventId, HistoryEvent};

#[derive(Debug, Default)]
pub(crate) struct History {
    length: usize,
    /// The last events.
    held: Vec<HistoryEvent>,
}

impl History {
    pub(crate) fn len(&self) -> usize {
        self.length
    }

    /// Whether all events are in memory.
    pub(crate) fn is_whole(&self) -> bool {
        self.held.len() == self.length
    }

    /// The events in memory.
    pub(crate) fn held(&self) -> &[HistoryEvent] {
        &self.held
    }

    /// An event, if it is in memory.
    pub(crate) fn get(&self, id: EventId) -> Option<&HistoryEvent> {
        let released = self.length - self.held.len();
        let index = usize::try_from(id.0).ok()?.checked_sub(released + 1)?;
        self.held.get(index)
    }

    /// The events in memory from one on.
    pub(crate) fn from(&self, id: EventId) -> &[HistoryEvent] {
        let released = self.length - self.held.len();
        let index = usize::try_from(id.0)
            .unwrap_or(0)
            .saturating_sub(released + 1);
        self.held.get(index..).unwrap_or_default()
    }

    pub(crate) fn push(&mut self, event: HistoryEvent) {
        self.held.push(event);
        self.length += 1;
    }

    pub(crate) fn release(&mut self) {
        self.held = Vec::new();
    }

    /// Puts events back, which must be those before the events in memory, from the first on; it
    /// does not matter if there are more. Says whether all are in memory then.
    pub(crate) fn load(&mut self, mut events: Vec<HistoryEvent>) -> bool {
        let missing = self.length - self.held.len();
        let dense = events
            .iter()
            .zip(1..)
            .all(|(event, number)| event.event_id == EventId(number));
        if events.len() < missing || !dense {
            return false;
        }
        events.truncate(missing);
        events.append(&mut self.held);
        self.held = events;
        true
    }
}

impl FromIterator<HistoryEvent> for History {
    fn from_iter<I: IntoIterator<Item = HistoryEvent>>(events: I) -> Self {
        let held: Vec<_> = events.into_iter().collect();
        Self {
            length: held.len(),
            held,
        }
    }
}

#[cfg(test)]
mod tests {
    use simpleflow_model::Timestamp;
    use simpleflow_model::event::TimerFired;

    use super::*;

    fn event(id: i64) -> HistoryEvent {
        HistoryEvent::new(EventId(id), Timestamp::default(), TimerFired::default())
    }

    #[test]
    fn events_are_released_and_put_back() {
        let mut history: History = (1..=3).map(event).collect();
        history.release();
        assert_eq!((history.len(), history.get(EventId(3))), (3, None));
        history.push(event(4));
        assert_eq!(history.get(EventId(4)), Some(&event(4)));
        assert_eq!(history.from(EventId(4)), [event(4)]);
        assert!(!history.is_whole());
        assert!(!history.load((1..=2).map(event).collect()));
        assert!(!history.load((2..=4).map(event).collect()));
        assert!(history.load((1..=4).map(event).collect()));
        assert!(history.is_whole());
        let ids: Vec<_> = history
            .held()
            .iter()
            .map(|event| event.event_id.0)
            .collect();
        assert_eq!(ids, [1, 2, 3, 4]);
        assert_eq!(history.from(EventId(3)).len(), 2);
    }
}
