//! Task lists: queues ordered by priority, then arrival.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::iter::successors;
use std::ops::Bound;

use simpleflow_model::{EventId, TaskListName, TaskPriority, Timestamp};

use crate::execution::ExecutionKey;

/// The place of a task in its list. The higher priority goes first, then who waits since longer,
/// then who came first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    priority: Reverse<TaskPriority>,
    since: Timestamp,
    arrival: u64,
}

impl Place {
    pub(crate) fn new(priority: TaskPriority, since: Timestamp, arrival: u64) -> Self {
        Self {
            priority: Reverse(priority),
            since,
            arrival,
        }
    }
}

/// A task that waits: its execution and its scheduled event.
pub(crate) type WaitingTask = (ExecutionKey, EventId);

/// The task lists of a domain of one kind. A list is there while it has a task.
#[derive(Debug, Default)]
pub(crate) struct TaskLists(HashMap<TaskListName, BTreeMap<Place, WaitingTask>>);

impl TaskLists {
    pub(crate) fn push(&mut self, list: &TaskListName, place: Place, task: WaitingTask) {
        match self.0.get_mut(list.as_str()) {
            Some(tasks) => {
                tasks.insert(place, task);
            }
            None => {
                self.0
                    .insert(list.clone(), BTreeMap::from_iter([(place, task)]));
            }
        }
    }

    /// Takes a task out, and says whether its list is empty now. That it is out already does no
    /// harm.
    pub(crate) fn remove(&mut self, list: &TaskListName, place: Place) -> bool {
        let Some(tasks) = self.0.get_mut(list.as_str()) else {
            return true;
        };
        tasks.remove(&place);
        let empty = tasks.is_empty();
        if empty {
            self.0.remove(list.as_str());
        }
        empty
    }

    /// Takes the first task out.
    pub(crate) fn pop(&mut self, list: &TaskListName) -> Option<WaitingTask> {
        let tasks = self.0.get_mut(list.as_str())?;
        let task = tasks.pop_first().map(|(_, task)| task);
        if tasks.is_empty() {
            self.0.remove(list.as_str());
        }
        task
    }

    /// The first task.
    pub(crate) fn first(&self, list: &TaskListName) -> Option<WaitingTask> {
        let (_, task) = self.0.get(list.as_str())?.first_key_value()?;
        Some(*task)
    }

    /// The lists: how many tasks wait in each, and since when the oldest.
    pub(crate) fn backlogs(&self) -> impl Iterator<Item = (&TaskListName, usize, Timestamp)> {
        self.0
            .iter()
            .filter_map(|(list, tasks)| Some((list, tasks.len(), oldest(tasks)?)))
    }

    pub(crate) fn len(&self, list: &TaskListName) -> usize {
        self.0.get(list.as_str()).map_or(0, BTreeMap::len)
    }
}

/// Since when the oldest task waits, which is the first of its priority.
fn oldest(tasks: &BTreeMap<Place, WaitingTask>) -> Option<Timestamp> {
    let firsts = successors(tasks.keys().next(), |first| {
        let end = Place {
            since: Timestamp::from_micros(i64::MAX),
            arrival: u64::MAX,
            ..**first
        };
        let mut later = tasks.range((Bound::Excluded(end), Bound::Unbounded));
        later.next().map(|(place, _)| place)
    });
    firsts.map(|first| first.since).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_task_may_have_any_priority() {
        let list = TaskListName::from("list");
        let mut lists = TaskLists::default();
        for (arrival, priority, since) in [(1, 5, 7), (2, 0, 9), (3, 0, 3), (4, -1, 4), (5, 9, 8)] {
            let place = Place::new(
                TaskPriority(priority),
                Timestamp::from_millis(since),
                arrival,
            );
            lists.push(&list, place, (ExecutionKey(arrival), EventId(5)));
        }
        let oldest = Timestamp::from_millis(3);
        assert_eq!(lists.backlogs().next(), Some((&list, 5, oldest)));
    }

    #[test]
    fn priority_goes_before_arrival() {
        let list = TaskListName::from("list");
        let mut lists = TaskLists::default();
        let at = Timestamp::from_millis(5);
        for (arrival, priority) in [(1, 0), (2, 7), (3, -1), (4, 7)] {
            let place = Place::new(TaskPriority(priority), at, arrival);
            lists.push(&list, place, (ExecutionKey(arrival), EventId(5)));
        }
        let gone = Place::new(TaskPriority(7), at, 2);
        assert!(!lists.remove(&list, gone));
        assert!(!lists.remove(&list, gone));
        assert_eq!(lists.len(&list), 3);
        let order: Vec<_> = std::iter::from_fn(|| lists.pop(&list).map(|(key, _)| key.0)).collect();
        assert_eq!(order, [4, 1, 3]);
        assert_eq!(lists.len(&list), 0);
        assert!(lists.0.is_empty());
    }
}
