//! The index behind the counts and listings of executions.
//!
//! Each filter that the service offers has a set of its own, ordered by time, so that a page of a
//! listing costs what is on it and not what is in the domain.

use std::collections::{BTreeSet, HashMap};
use std::ops::RangeInclusive;

use simpleflow_model::{
    CloseStatus, SmolStr, Timestamp, TypeName, Version, WorkflowExecution, WorkflowId,
};

use crate::execution::{ExecutionKey, State};

/// What a listing selects by. The service allows one at a time.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Filter {
    All,
    WorkflowId(WorkflowId),
    Type(TypeName),
    TypeVersion(TypeName, Version),
    Tag(SmolStr),
    Status(CloseStatus),
}

impl Filter {
    /// The filters that an execution passes.
    fn of(id: &WorkflowExecution, state: &State) -> Vec<Self> {
        let workflow_type = &state.start.workflow_type;
        let mut filters = vec![
            Self::All,
            Self::WorkflowId(id.workflow_id.clone()),
            Self::Type(workflow_type.name.clone()),
            Self::TypeVersion(workflow_type.name.clone(), workflow_type.version.clone()),
        ];
        let tags = state.start.tag_list.iter().flatten().flatten();
        filters.extend(tags.cloned().map(Self::Tag));
        if let Some(closed) = &state.closed {
            filters.push(Self::Status(closed.status.clone()));
        }
        filters
    }
}

/// An execution in an index: its time, and its number as the tie-breaker.
pub(crate) type Entry = (Timestamp, ExecutionKey);

/// The executions of one kind, ordered by one of their times.
#[derive(Debug, Default)]
pub(crate) struct Index(HashMap<Filter, BTreeSet<Entry>>);

impl Index {
    fn insert(&mut self, filters: &[Filter], entry: Entry) {
        for filter in filters {
            match self.0.get_mut(filter) {
                Some(entries) => {
                    entries.insert(entry);
                }
                None => {
                    self.0.insert(filter.clone(), BTreeSet::from([entry]));
                }
            }
        }
    }

    fn remove(&mut self, filters: &[Filter], entry: Entry) {
        for filter in filters {
            if let Some(entries) = self.0.get_mut(filter) {
                entries.remove(&entry);
                if entries.is_empty() {
                    self.0.remove(filter);
                }
            }
        }
    }

    /// The executions of a time range, in its order.
    pub(crate) fn range(
        &self,
        filter: &Filter,
        range: RangeInclusive<Entry>,
    ) -> impl DoubleEndedIterator<Item = Entry> {
        let valid = !range.is_empty();
        self.0
            .get(filter)
            .filter(|_| valid)
            .into_iter()
            .flat_map(move |entries| entries.range(range.clone()).copied())
    }

    /// How many executions a time range holds, counted up to `limit`, and whether that was
    /// reached. A range that holds all of them is told without counting.
    pub(crate) fn count(
        &self,
        filter: &Filter,
        range: RangeInclusive<Entry>,
        limit: usize,
    ) -> (usize, bool) {
        let Some(entries) = self.0.get(filter) else {
            return (0, false);
        };
        let whole = |entry: Option<&Entry>| entry.is_some_and(|entry| range.contains(entry));
        if whole(entries.first()) && whole(entries.last()) {
            return (entries.len(), false);
        }
        let mut matching = self.range(filter, range);
        let count = matching.by_ref().take(limit).count();
        (count, matching.next().is_some())
    }
}

/// The executions of a domain.
#[derive(Debug, Default)]
pub(crate) struct Visibility {
    /// Open ones by their start.
    pub open: Index,
    /// Closed ones by their start.
    pub closed_by_start: Index,
    /// Closed ones by their close.
    pub closed_by_close: Index,
}

impl Visibility {
    pub(crate) fn opened(&mut self, key: ExecutionKey, id: &WorkflowExecution, state: &State) {
        self.open
            .insert(&Filter::of(id, state), (state.started_at, key));
    }

    pub(crate) fn closed(&mut self, key: ExecutionKey, id: &WorkflowExecution, state: &State) {
        let filters = Filter::of(id, state);
        self.open.remove(&filters, (state.started_at, key));
        self.closed_by_start
            .insert(&filters, (state.started_at, key));
        if let Some(closed) = &state.closed {
            self.closed_by_close.insert(&filters, (closed.at, key));
        }
    }

    /// Forgets an execution, open or closed.
    pub(crate) fn forget(&mut self, key: ExecutionKey, id: &WorkflowExecution, state: &State) {
        let filters = Filter::of(id, state);
        self.open.remove(&filters, (state.started_at, key));
        self.closed_by_start
            .remove(&filters, (state.started_at, key));
        if let Some(closed) = &state.closed {
            self.closed_by_close.remove(&filters, (closed.at, key));
        }
    }
}
