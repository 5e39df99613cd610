//! What is open of one kind: activity tasks, timers, children, Lambda functions.
//!
//! Most executions have none or a few of a kind, and there are many executions, so this is a
//! sorted list: empty it costs nothing, and there may be a thousand in it.

use simpleflow_model::EventId;

/// Open things, by the events that began them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Open<T>(Vec<(EventId, Box<T>)>);

impl<T> Default for Open<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Open<T> {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = EventId> {
        self.0.iter().map(|(id, _)| *id)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (EventId, &T)> {
        self.0.iter().map(|(id, thing)| (*id, &**thing))
    }

    fn index(&self, id: EventId) -> Option<usize> {
        self.0.binary_search_by_key(&id, |(id, _)| *id).ok()
    }

    pub(crate) fn get(&self, id: EventId) -> Option<&T> {
        self.0.get(self.index(id)?).map(|(_, thing)| &**thing)
    }

    pub(crate) fn get_mut(&mut self, id: EventId) -> Option<&mut T> {
        let index = self.index(id)?;
        self.0.get_mut(index).map(|(_, thing)| &mut **thing)
    }

    /// The first that is as asked.
    pub(crate) fn find(&self, is: impl Fn(&T) -> bool) -> Option<(EventId, &T)> {
        self.iter().find(|(_, thing)| is(thing))
    }

    /// Adds what an event began. Events come in their order.
    pub(crate) fn add(&mut self, id: EventId, thing: T) {
        self.0.push((id, Box::new(thing)));
    }

    pub(crate) fn remove(&mut self, id: EventId) {
        if let Some(index) = self.index(id) {
            self.0.remove(index);
        }
        if self.0.is_empty() {
            self.0 = Vec::new();
        }
    }
}
