//! What is open of one kind and has an id: activity tasks, timers, Lambda functions.
//!
//! Their events know them by the event that began them, decisions by their ids.

use std::collections::HashMap;
use std::hash::Hash;

use simpleflow_model::EventId;

use super::sorted::Sorted;

/// More open things than this are not looked through for an id. Most executions never have as
/// many, and are spared the memory of an index.
const FEW: usize = 16;

/// What has an id that no other open thing of its kind has.
pub(crate) trait Identified {
    type Id: Clone + Eq + Hash;

    fn id(&self) -> &Self::Id;
}

/// Open things, by the events that began them and by their ids.
#[derive(Clone, Debug)]
pub(crate) struct Open<T: Identified> {
    things: Sorted<EventId, Box<T>>,
    /// The events by the ids, once there were more than a few things and until there is none.
    #[expect(clippy::box_collection, reason = "one word in each execution, not six")]
    index: Option<Box<HashMap<T::Id, EventId>>>,
}

impl<T: Identified> Default for Open<T> {
    fn default() -> Self {
        Self {
            things: Sorted::default(),
            index: None,
        }
    }
}

/// The index says nothing that the things do not.
impl<T: Identified + PartialEq> PartialEq for Open<T> {
    fn eq(&self, other: &Self) -> bool {
        self.things == other.things
    }
}

impl<T: Identified + Eq> Eq for Open<T> {}

impl<T: Identified> Open<T> {
    pub(crate) fn len(&self) -> usize {
        self.things.len()
    }

    /// The events that began them.
    pub(crate) fn events(&self) -> impl Iterator<Item = EventId> {
        self.things.iter().map(|(event, _)| event)
    }

    pub(crate) fn get(&self, event: EventId) -> Option<&T> {
        self.things.get(event).map(|thing| &**thing)
    }

    pub(crate) fn get_mut(&mut self, event: EventId) -> Option<&mut T> {
        self.things.get_mut(event).map(|thing| &mut **thing)
    }

    /// The thing with an id.
    pub(crate) fn find(&self, id: &T::Id) -> Option<(EventId, &T)> {
        match &self.index {
            Some(index) => {
                let event = *index.get(id)?;
                Some((event, self.get(event)?))
            }
            None => {
                let mut things = self.things.iter();
                let (event, thing) = things.find(|(_, thing)| thing.id() == id)?;
                Some((event, thing))
            }
        }
    }

    pub(crate) fn add(&mut self, event: EventId, thing: T) {
        match &mut self.index {
            Some(index) => {
                index.insert(thing.id().clone(), event);
            }
            None if self.things.len() == FEW => {
                let things = self.things.iter().map(|(event, thing)| (event, &**thing));
                let all = things.chain([(event, &thing)]);
                let ids = all.map(|(event, thing)| (thing.id().clone(), event));
                self.index = Some(Box::new(ids.collect()));
            }
            None => {}
        }
        self.things.insert(event, Box::new(thing));
    }

    pub(crate) fn remove(&mut self, event: EventId) {
        let Some(thing) = self.things.remove(event) else {
            return;
        };
        if self.things.len() == 0 {
            self.index = None;
        } else if let Some(index) = &mut self.index {
            index.remove(thing.id());
        }
    }
}

#[cfg(test)]
mod tests {
    use simpleflow_model::TimerId;

    use super::*;

    impl Identified for TimerId {
        type Id = Self;

        fn id(&self) -> &Self {
            self
        }
    }

    #[test]
    fn things_are_found_by_their_ids_however_many_there_are() {
        let id = |n: i64| TimerId::from(format!("timer-{n}"));
        let mut open = Open::default();
        let last = 3 * FEW as i64;
        for n in 1..=last {
            open.add(EventId(n), id(n));
            for m in 1..=last {
                let found = open.find(&id(m)).map(|(event, _)| event);
                assert_eq!(found, (m <= n).then_some(EventId(m)), "{m} of {n}");
            }
        }
        assert!(open.index.is_some());
        for n in 1..=last {
            open.remove(EventId(n));
            open.remove(EventId(n));
            assert_eq!(open.find(&id(n)), None);
            assert_eq!(open.find(&id(last)).is_some(), n < last);
        }
        assert!(open.index.is_none());
        // An id may be used again.
        open.add(EventId(last + 1), id(1));
        assert_eq!(open.find(&id(1)), Some((EventId(last + 1), &id(1))));
    }
}
