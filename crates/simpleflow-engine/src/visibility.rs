//! The index behind the counts and listings of executions.
//!
//! Each filter that the service offers has a set of its own, ordered by time, so that a page of a
//! listing costs what is on it and not what is in the domain.

use std::collections::{BTreeSet, HashMap};
use std::ops::RangeInclusive;

use simpleflow_model::types::WorkflowExecutionInfo;
use simpleflow_model::{
    CloseStatus, SmolStr, Timestamp, TypeName, Version, WorkflowExecution, WorkflowId, WorkflowType,
};

use crate::execution::{ExecutionKey, State};

/// What a listing selects by. The service allows one at a time.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Filter {
    /// All executions.
    All,
    /// Those of a workflow id.
    WorkflowId(WorkflowId),
    /// Those of all versions of a type.
    Type(TypeName),
    /// Those of a version of a type.
    TypeVersion(TypeName, Version),
    /// Those with a tag.
    Tag(SmolStr),
    /// Those that closed in a way.
    Status(CloseStatus),
}

impl Filter {
    /// The filters that an execution passes.
    pub fn passed_by(info: &WorkflowExecutionInfo) -> Vec<Self> {
        let mut filters = Self::besides_id(
            &info.workflow_type,
            info.tag_list.as_deref(),
            info.close_status.as_ref(),
        );
        filters.push(Self::WorkflowId(info.execution.workflow_id.clone()));
        filters
    }

    /// The filters that an execution passes, besides its workflow id.
    fn of(state: &State) -> Vec<Self> {
        Self::besides_id(
            &state.start.workflow_type,
            state.start.tag_list.as_deref(),
            state.closed.as_ref().map(|closed| &closed.status),
        )
    }

    fn besides_id(
        workflow_type: &WorkflowType,
        tags: Option<&[Option<SmolStr>]>,
        status: Option<&CloseStatus>,
    ) -> Vec<Self> {
        let mut filters = vec![
            Self::All,
            Self::Type(workflow_type.name.clone()),
            Self::TypeVersion(workflow_type.name.clone(), workflow_type.version.clone()),
        ];
        let tags = tags.into_iter().flatten().flatten();
        filters.extend(tags.cloned().map(Self::Tag));
        filters.extend(status.cloned().map(Self::Status));
        filters
    }
}

/// Which time of closed executions a listing selects and orders them by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClosedBy {
    /// Their start.
    Start,
    /// Their close.
    Close,
}

/// An execution in an index: its time, and its number as the tie-breaker.
pub type Entry = (Timestamp, ExecutionKey);

/// The executions of one kind, ordered by one of their times.
#[derive(Debug, Default)]
pub(crate) struct Index {
    /// Those of a workflow id. Most ids have one, so they share a set.
    by_workflow_id: BTreeSet<(WorkflowId, Entry)>,
    /// Those of the other filters.
    by_filter: HashMap<Filter, BTreeSet<Entry>>,
}

impl Index {
    fn insert(&mut self, id: &WorkflowId, filters: &[Filter], entry: Entry) {
        self.by_workflow_id.insert((id.clone(), entry));
        for filter in filters {
            match self.by_filter.get_mut(filter) {
                Some(entries) => {
                    entries.insert(entry);
                }
                None => {
                    let entries = BTreeSet::from([entry]);
                    self.by_filter.insert(filter.clone(), entries);
                }
            }
        }
    }

    fn remove(&mut self, id: &WorkflowId, filters: &[Filter], entry: Entry) {
        self.by_workflow_id.remove(&(id.clone(), entry));
        for filter in filters {
            if let Some(entries) = self.by_filter.get_mut(filter) {
                entries.remove(&entry);
                if entries.is_empty() {
                    self.by_filter.remove(filter);
                }
            }
        }
    }

    /// The executions of a time range, in its order.
    pub(crate) fn range(
        &self,
        filter: &Filter,
        range: RangeInclusive<Entry>,
    ) -> Box<dyn DoubleEndedIterator<Item = Entry> + '_> {
        if range.is_empty() {
            return Box::new(std::iter::empty());
        }
        if let Filter::WorkflowId(id) = filter {
            let (first, last) = range.into_inner();
            let range = (id.clone(), first)..=(id.clone(), last);
            return Box::new(self.by_workflow_id.range(range).map(|(_, entry)| *entry));
        }
        match self.by_filter.get(filter) {
            Some(entries) => Box::new(entries.range(range).copied()),
            None => Box::new(std::iter::empty()),
        }
    }

    /// How many executions a time range holds, counted up to `limit`, and whether that was
    /// reached. A range that holds all of a filter is told without counting.
    pub(crate) fn count(
        &self,
        filter: &Filter,
        range: RangeInclusive<Entry>,
        limit: usize,
    ) -> (usize, bool) {
        let whole = |entry: Option<&Entry>| entry.is_some_and(|entry| range.contains(entry));
        if let Some(entries) = self.by_filter.get(filter)
            && whole(entries.first())
            && whole(entries.last())
        {
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
    pub(crate) fn closed_by(&self, by: ClosedBy) -> &Index {
        match by {
            ClosedBy::Start => &self.closed_by_start,
            ClosedBy::Close => &self.closed_by_close,
        }
    }

    pub(crate) fn opened(&mut self, key: ExecutionKey, id: &WorkflowExecution, state: &State) {
        let entry = (state.started_at, key);
        self.open.insert(&id.workflow_id, &Filter::of(state), entry);
    }

    pub(crate) fn closed(&mut self, key: ExecutionKey, id: &WorkflowExecution, state: &State) {
        let (id, filters) = (&id.workflow_id, Filter::of(state));
        let entry = (state.started_at, key);
        self.open.remove(id, &filters, entry);
        self.closed_by_start.insert(id, &filters, entry);
        if let Some(closed) = &state.closed {
            self.closed_by_close.insert(id, &filters, (closed.at, key));
        }
    }

    /// Forgets an execution, open or closed.
    pub(crate) fn forget(&mut self, key: ExecutionKey, id: &WorkflowExecution, state: &State) {
        let (id, filters) = (&id.workflow_id, Filter::of(state));
        let entry = (state.started_at, key);
        self.open.remove(id, &filters, entry);
        self.closed_by_start.remove(id, &filters, entry);
        if let Some(closed) = &state.closed {
            self.closed_by_close.remove(id, &filters, (closed.at, key));
        }
    }
}
