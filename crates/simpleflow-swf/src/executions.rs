//! Queries for executions.
//!
//! SWF applies one filter besides the time. A query has any number of them: the service gets the
//! one that is likely to leave the least, and all are applied to what it answers, which also makes
//! up for servers that do not look at filters.

use futures::stream::{Stream, TryStreamExt as _};
use simpleflow_model::operation::{ListClosedWorkflowExecutions, ListOpenWorkflowExecutions};
use simpleflow_model::types::{
    CloseStatusFilter, ExecutionTimeFilter, TagFilter, WorkflowExecutionFilter,
    WorkflowExecutionInfo, WorkflowTypeFilter,
};
use simpleflow_model::{CloseStatus, SmolStr, Timestamp, TypeName, Version, WorkflowId};
use simpleflow_service::{ServiceError, SwfService};

use crate::Domain;
use crate::pages::pages;

/// What an execution must be like.
#[derive(Clone, Debug, Default)]
struct Filters {
    started: Option<Range>,
    closed: Option<Range>,
    workflow_id: Option<WorkflowId>,
    type_name: Option<TypeName>,
    type_version: Option<Version>,
    tag: Option<SmolStr>,
    close_status: Option<CloseStatus>,
    oldest_first: bool,
    page_size: Option<u32>,
}

/// From a time, up to a time or without end; both are in it.
#[derive(Clone, Copy, Debug)]
struct Range {
    from: Timestamp,
    to: Option<Timestamp>,
}

impl Range {
    fn has(self, time: Timestamp) -> bool {
        self.from <= time && self.to.is_none_or(|to| time <= to)
    }

    fn filter(self) -> ExecutionTimeFilter {
        ExecutionTimeFilter {
            oldest_date: self.from,
            latest_date: self.to,
            ..ExecutionTimeFilter::default()
        }
    }
}

/// The one filter that the service gets.
#[derive(Default)]
struct Sent {
    execution: Option<WorkflowExecutionFilter>,
    workflow_type: Option<WorkflowTypeFilter>,
    tag: Option<TagFilter>,
    close_status: Option<CloseStatusFilter>,
}

impl Filters {
    fn sent(&self) -> Sent {
        let mut sent = Sent::default();
        if let Some(workflow_id) = &self.workflow_id {
            sent.execution = Some(WorkflowExecutionFilter {
                workflow_id: workflow_id.clone(),
                ..WorkflowExecutionFilter::default()
            });
        } else if let Some(tag) = &self.tag {
            sent.tag = Some(TagFilter {
                tag: tag.clone(),
                ..TagFilter::default()
            });
        } else if let Some(name) = &self.type_name {
            sent.workflow_type = Some(WorkflowTypeFilter {
                name: name.clone(),
                version: self.type_version.clone(),
                ..WorkflowTypeFilter::default()
            });
        } else if let Some(status) = &self.close_status {
            sent.close_status = Some(CloseStatusFilter {
                status: status.clone(),
                ..CloseStatusFilter::default()
            });
        }
        sent
    }

    fn pass(&self, info: &WorkflowExecutionInfo) -> bool {
        fn is<T: PartialEq>(wanted: Option<&T>, found: &T) -> bool {
            wanted.is_none_or(|wanted| wanted == found)
        }
        let tagged = self.tag.as_ref().is_none_or(|tag| {
            let mut tags = info.tag_list.iter().flatten().flatten();
            tags.any(|found| found == tag)
        });
        let closed = self
            .closed
            .is_none_or(|range| info.close_timestamp.is_some_and(|closed| range.has(closed)));
        let status = self
            .close_status
            .as_ref()
            .is_none_or(|status| info.close_status.as_ref() == Some(status));
        tagged
            && closed
            && status
            && self
                .started
                .is_none_or(|range| range.has(info.start_timestamp))
            && is(self.workflow_id.as_ref(), &info.execution.workflow_id)
            && is(self.type_name.as_ref(), &info.workflow_type.name)
            && is(self.type_version.as_ref(), &info.workflow_type.version)
    }
}

/// The filters that both queries have.
macro_rules! filters {
    ($query:ident) => {
        impl<S: SwfService> $query<S> {
            pub(crate) fn new(domain: Domain<S>) -> Self {
                Self {
                    domain,
                    filters: Filters::default(),
                }
            }

            /// Those that were started at that time or later.
            pub fn started_since(mut self, from: Timestamp) -> Self {
                let to = self.filters.started.and_then(|range| range.to);
                self.filters.started = Some(Range { from, to });
                self
            }

            /// Those that were started at that time or before.
            pub fn started_until(mut self, to: Timestamp) -> Self {
                let from = self
                    .filters
                    .started
                    .map_or_else(Default::default, |range| range.from);
                let to = Some(to);
                self.filters.started = Some(Range { from, to });
                self
            }

            /// Those of this workflow id.
            pub fn workflow_id(mut self, workflow_id: impl Into<WorkflowId>) -> Self {
                self.filters.workflow_id = Some(workflow_id.into());
                self
            }

            /// Those of the type of this name, in any version.
            pub fn type_name(mut self, name: impl Into<TypeName>) -> Self {
                self.filters.type_name = Some(name.into());
                self
            }

            /// Those of a type of this version.
            pub fn type_version(mut self, version: impl Into<Version>) -> Self {
                self.filters.type_version = Some(version.into());
                self
            }

            /// Those that have this tag.
            pub fn tag(mut self, tag: impl Into<SmolStr>) -> Self {
                self.filters.tag = Some(tag.into());
                self
            }

            /// The oldest first, instead of the newest.
            pub fn oldest_first(mut self) -> Self {
                self.filters.oldest_first = true;
                self
            }

            /// How many the service gives at once, at most 1,000, which is the default.
            pub fn page_size(mut self, page_size: u32) -> Self {
                self.filters.page_size = Some(page_size);
                self
            }
        }
    };
}

/// The open executions of a domain: a query.
#[derive(Clone, Debug)]
#[must_use = "a query does nothing until it is listed"]
pub struct OpenExecutions<S> {
    domain: Domain<S>,
    filters: Filters,
}

/// The closed executions of a domain: a query.
#[derive(Clone, Debug)]
#[must_use = "a query does nothing until it is listed"]
pub struct ClosedExecutions<S> {
    domain: Domain<S>,
    filters: Filters,
}

filters!(OpenExecutions);
filters!(ClosedExecutions);

/// From the beginning of time.
const ALWAYS: Range = Range {
    from: Timestamp::from_micros(0),
    to: None,
};

impl<S: SwfService> OpenExecutions<S> {
    /// The executions, page by page as they are taken; the newest first.
    pub fn list(self) -> impl Stream<Item = Result<WorkflowExecutionInfo, ServiceError>> + use<S> {
        let filters = self.filters.clone();
        pages(move |next_page_token| {
            let service = self.domain.service.clone();
            let sent = self.filters.sent();
            let request = ListOpenWorkflowExecutions {
                domain: self.domain.name.clone(),
                start_time_filter: self.filters.started.unwrap_or(ALWAYS).filter(),
                execution_filter: sent.execution,
                type_filter: sent.workflow_type,
                tag_filter: sent.tag,
                next_page_token,
                maximum_page_size: self.filters.page_size,
                reverse_order: self.filters.oldest_first.then_some(true),
                ..ListOpenWorkflowExecutions::default()
            };
            async move {
                let page = service.list_open_workflow_executions(request).await?;
                Ok((page.execution_infos, page.next_page_token))
            }
        })
        .try_filter(move |info| std::future::ready(filters.pass(info)))
    }
}

impl<S: SwfService> ClosedExecutions<S> {
    /// Those that were closed at that time or later. They come in the order of their close then,
    /// unless there is a range of starts too.
    pub fn closed_since(mut self, from: Timestamp) -> Self {
        let to = self.filters.closed.and_then(|range| range.to);
        self.filters.closed = Some(Range { from, to });
        self
    }

    /// Those that were closed at that time or before.
    pub fn closed_until(mut self, to: Timestamp) -> Self {
        let from = self
            .filters
            .closed
            .map_or_else(Default::default, |range| range.from);
        let to = Some(to);
        self.filters.closed = Some(Range { from, to });
        self
    }

    /// Those that were closed in this way.
    pub fn close_status(mut self, status: CloseStatus) -> Self {
        self.filters.close_status = Some(status);
        self
    }

    /// The executions, page by page as they are taken; the newest first.
    pub fn list(self) -> impl Stream<Item = Result<WorkflowExecutionInfo, ServiceError>> + use<S> {
        let filters = self.filters.clone();
        pages(move |next_page_token| {
            let service = self.domain.service.clone();
            let sent = self.filters.sent();
            // The service takes one of the two times, and needs one.
            let (started, closed) = match (self.filters.started, self.filters.closed) {
                (None, Some(closed)) => (None, Some(closed)),
                (started, _) => (Some(started.unwrap_or(ALWAYS)), None),
            };
            let request = ListClosedWorkflowExecutions {
                domain: self.domain.name.clone(),
                start_time_filter: started.map(Range::filter),
                close_time_filter: closed.map(Range::filter),
                execution_filter: sent.execution,
                type_filter: sent.workflow_type,
                tag_filter: sent.tag,
                close_status_filter: sent.close_status,
                next_page_token,
                maximum_page_size: self.filters.page_size,
                reverse_order: self.filters.oldest_first.then_some(true),
                ..ListClosedWorkflowExecutions::default()
            };
            async move {
                let page = service.list_closed_workflow_executions(request).await?;
                Ok((page.execution_infos, page.next_page_token))
            }
        })
        .try_filter(move |info| std::future::ready(filters.pass(info)))
    }
}
