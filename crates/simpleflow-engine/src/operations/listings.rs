//! Counting and listing executions.

use simpleflow_model::operation::*;
use simpleflow_model::types::*;
use simpleflow_model::{DomainName, Fault, PageToken, SmolStr, Timestamp};

use crate::check::{check, page_size};
use crate::execution::ExecutionKey;
use crate::token::{PageKind, page_token, parse_page_token};
use crate::visibility::{ClosedBy, Entry, Filter, Index};
use crate::{Engine, fault};

/// Which executions of a domain a request is about, wherever they are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// The domain.
    pub domain: DomainName,
    /// What they have in common.
    pub filter: Filter,
    /// The first in the order of time that may be among them.
    pub oldest: Entry,
    /// The last in the order of time that may be among them. There is none if it is before the
    /// [oldest](Self::oldest).
    pub latest: Entry,
    /// Whether the oldest come first.
    pub ascending: bool,
    /// How many there are on a page, or how far they are counted.
    pub size: usize,
    now: Timestamp,
}

impl Selection {
    /// The answer with a page of a listing. What was found comes in the order of the selection;
    /// one more than is on the page says that there is another page.
    pub fn page(&self, mut found: Vec<(Entry, WorkflowExecutionInfo)>) -> WorkflowExecutionInfos {
        let next_page_token = found.get(self.size).map(|((at, key), _)| {
            let text = format!("{}|{}", at.as_micros(), key.0);
            page_token(PageKind::Executions, self.now, &text)
        });
        found.truncate(self.size);
        WorkflowExecutionInfos {
            execution_infos: found.into_iter().map(|(_, info)| info).collect(),
            next_page_token,
            ..Default::default()
        }
    }

    /// The answer to a count, and whether there are more than were counted.
    pub fn count((count, truncated): (usize, bool)) -> WorkflowExecutionCount {
        WorkflowExecutionCount {
            count: u32::try_from(count).unwrap_or(u32::MAX),
            truncated: Some(truncated),
            ..Default::default()
        }
    }

    fn of(
        domain: &DomainName,
        filter: Filter,
        times: &ExecutionTimeFilter,
        engine: &Engine,
    ) -> Self {
        let latest = times
            .latest_date
            .unwrap_or(Timestamp::from_micros(i64::MAX));
        Self {
            domain: domain.clone(),
            filter,
            oldest: (times.oldest_date, ExecutionKey(0)),
            latest: (latest, ExecutionKey(u64::MAX)),
            ascending: false,
            size: engine.settings.limits.count,
            now: engine.now,
        }
    }

    /// Narrows it down to a page and what comes after it.
    fn paged(
        mut self,
        token: Option<&PageToken>,
        size: Option<u32>,
        reverse: Option<bool>,
    ) -> Result<Self, Fault> {
        self.ascending = reverse == Some(true);
        self.size = page_size(size);
        if let Some(token) = token {
            // The token names the first entry of its page.
            let entry = parse_entry(token, self.now)?;
            if self.ascending {
                self.oldest = self.oldest.max(entry);
            } else {
                self.latest = self.latest.min(entry);
            }
        }
        Ok(self)
    }
}

/// Which closed executions a request is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClosedSelection {
    /// Which of their times counts.
    pub by: ClosedBy,
    /// Which they are.
    pub selection: Selection,
}

fn parse_entry(token: &PageToken, now: Timestamp) -> Result<Entry, Fault> {
    let text = parse_page_token(PageKind::Executions, now, token)?;
    let parse = || {
        let (at, key) = text.split_once('|')?;
        Some((
            Timestamp::from_micros(at.parse().ok()?),
            ExecutionKey(key.parse().ok()?),
        ))
    };
    parse().ok_or_else(fault::invalid_token)
}

/// The filter of a request; the service allows one at most.
fn filter(
    execution: Option<&WorkflowExecutionFilter>,
    workflow_type: Option<&WorkflowTypeFilter>,
    tag: Option<&TagFilter>,
    status: Option<&CloseStatusFilter>,
) -> Result<Filter, Fault> {
    let mut filters = [
        execution.map(|filter| Filter::WorkflowId(filter.workflow_id.clone())),
        workflow_type.map(|filter| match &filter.version {
            Some(version) if !version.is_empty() => {
                Filter::TypeVersion(filter.name.clone(), version.clone())
            }
            _ => Filter::Type(filter.name.clone()),
        }),
        tag.map(|filter| Filter::Tag(filter.tag.clone())),
        status.map(|filter| Filter::Status(filter.status.clone())),
    ]
    .into_iter()
    .flatten();
    let first = filters.next();
    if filters.next().is_some() {
        return Err(fault::validation(SmolStr::new_static(
            "Cannot specify more than one exclusive filters in the same query",
        )));
    }
    Ok(first.unwrap_or(Filter::All))
}

/// The time filter of a request for closed executions: exactly one of two, and which it is.
fn closed_times<'a>(
    start: Option<&'a ExecutionTimeFilter>,
    close: Option<&'a ExecutionTimeFilter>,
) -> Result<(ClosedBy, &'a ExecutionTimeFilter), Fault> {
    match (start, close) {
        (Some(start), None) => Ok((ClosedBy::Start, start)),
        (None, Some(close)) => Ok((ClosedBy::Close, close)),
        (None, None) => Err(fault::validation(SmolStr::new_static(
            "Must specify time filter",
        ))),
        (Some(_), Some(_)) => Err(fault::validation(SmolStr::new_static(
            "Must not specify both start and close time filters",
        ))),
    }
}

impl Engine {
    /// Counts the open executions that were started in a time range.
    ///
    /// # Errors
    /// `ValidationException` for more than one filter; `UnknownResourceFault`.
    pub fn count_open_workflow_executions(
        &mut self,
        request: &CountOpenWorkflowExecutions,
        now: Timestamp,
    ) -> Result<WorkflowExecutionCount, Fault> {
        check::<CountOpenWorkflowExecutions>(request)?;
        self.advance(now);
        let filter = filter(
            request.execution_filter.as_ref(),
            request.type_filter.as_ref(),
            request.tag_filter.as_ref(),
            None,
        )?;
        let index = &self.domain(&request.domain)?.visibility.open;
        let times = &request.start_time_filter;
        let Selection {
            filter,
            oldest,
            latest,
            size,
            ..
        } = Selection::of(&request.domain, filter, times, self);
        Ok(Selection::count(index.count(
            &filter,
            oldest..=latest,
            size,
        )))
    }

    /// Counts the closed executions that were started, or closed, in a time range.
    ///
    /// # Errors
    /// `ValidationException` for more than one filter, and for both time filters or none;
    /// `UnknownResourceFault`.
    pub fn count_closed_workflow_executions(
        &mut self,
        request: &CountClosedWorkflowExecutions,
        now: Timestamp,
    ) -> Result<WorkflowExecutionCount, Fault> {
        let ClosedSelection { by, selection } = self.select_closed_count(request, now)?;
        let index = self.domain(&selection.domain)?.visibility.closed_by(by);
        let mut matching = index.range(&selection.filter, selection.oldest..=selection.latest);
        let count = matching.by_ref().take(selection.size).count();
        Ok(Selection::count((count, matching.next().is_some())))
    }

    /// Which closed executions a request counts, up to the limit.
    ///
    /// # Errors
    /// Those of [`count_closed_workflow_executions`](Self::count_closed_workflow_executions).
    pub fn select_closed_count(
        &mut self,
        request: &CountClosedWorkflowExecutions,
        now: Timestamp,
    ) -> Result<ClosedSelection, Fault> {
        check::<CountClosedWorkflowExecutions>(request)?;
        self.advance(now);
        let filter = filter(
            request.execution_filter.as_ref(),
            request.type_filter.as_ref(),
            request.tag_filter.as_ref(),
            request.close_status_filter.as_ref(),
        )?;
        let (by, times) = closed_times(
            request.start_time_filter.as_ref(),
            request.close_time_filter.as_ref(),
        )?;
        self.domain(&request.domain)?;
        let selection = Selection::of(&request.domain, filter, times, self);
        Ok(ClosedSelection { by, selection })
    }

    /// Lists the open executions that were started in a time range, the latest first, a page at a
    /// time.
    ///
    /// # Errors
    /// `ValidationException` for more than one filter, a page that is too long and a token that is
    /// not one; `UnknownResourceFault`.
    pub fn list_open_workflow_executions(
        &mut self,
        request: &ListOpenWorkflowExecutions,
        now: Timestamp,
    ) -> Result<WorkflowExecutionInfos, Fault> {
        check::<ListOpenWorkflowExecutions>(request)?;
        self.advance(now);
        let filter = filter(
            request.execution_filter.as_ref(),
            request.type_filter.as_ref(),
            request.tag_filter.as_ref(),
            None,
        )?;
        let index = &self.domain(&request.domain)?.visibility.open;
        let times = &request.start_time_filter;
        let selection = Selection::of(&request.domain, filter, times, self).paged(
            request.next_page_token.as_ref(),
            request.maximum_page_size,
            request.reverse_order,
        )?;
        Ok(self.list(index, &selection))
    }

    /// Lists the closed executions that were started, or closed, in a time range, the latest
    /// first, a page at a time. The order is that of the time they are selected by.
    ///
    /// # Errors
    /// `ValidationException` for more than one filter, both time filters or none, a page that is
    /// too long and a token that is not one; `UnknownResourceFault`.
    pub fn list_closed_workflow_executions(
        &mut self,
        request: &ListClosedWorkflowExecutions,
        now: Timestamp,
    ) -> Result<WorkflowExecutionInfos, Fault> {
        let ClosedSelection { by, selection } = self.select_closed(request, now)?;
        let index = self.domain(&selection.domain)?.visibility.closed_by(by);
        Ok(self.list(index, &selection))
    }

    /// Which closed executions a page of a listing holds.
    ///
    /// # Errors
    /// Those of [`list_closed_workflow_executions`](Self::list_closed_workflow_executions).
    pub fn select_closed(
        &mut self,
        request: &ListClosedWorkflowExecutions,
        now: Timestamp,
    ) -> Result<ClosedSelection, Fault> {
        check::<ListClosedWorkflowExecutions>(request)?;
        self.advance(now);
        let filter = filter(
            request.execution_filter.as_ref(),
            request.type_filter.as_ref(),
            request.tag_filter.as_ref(),
            request.close_status_filter.as_ref(),
        )?;
        let (by, times) = closed_times(
            request.start_time_filter.as_ref(),
            request.close_time_filter.as_ref(),
        )?;
        self.domain(&request.domain)?;
        let selection = Selection::of(&request.domain, filter, times, self).paged(
            request.next_page_token.as_ref(),
            request.maximum_page_size,
            request.reverse_order,
        )?;
        Ok(ClosedSelection { by, selection })
    }

    fn list(&self, index: &Index, selection: &Selection) -> WorkflowExecutionInfos {
        let entries = index.range(&selection.filter, selection.oldest..=selection.latest);
        let most = selection.size + 1;
        let page: Vec<Entry> = if selection.ascending {
            entries.take(most).collect()
        } else {
            entries.rev().take(most).collect()
        };
        let found = page.into_iter().filter_map(|entry| {
            let execution = self.executions.get(&entry.1)?;
            Some((entry, execution.info()))
        });
        selection.page(found.collect())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use simpleflow_model::types::WorkflowExecutionInfos;
    use simpleflow_model::{Fault, FaultKind};

    use crate::Limits;
    use crate::testing::*;

    fn merged(mut request: Value, more: &Value) -> Value {
        request["domain"] = "d".into();
        if let (Some(request), Some(more)) = (request.as_object_mut(), more.as_object()) {
            request.extend(more.clone());
        }
        request
    }

    fn open(w: &mut World, more: &Value) -> Result<WorkflowExecutionInfos, Fault> {
        let request = merged(json!({ "startTimeFilter": { "oldestDate": 0 } }), more);
        w.engine
            .list_open_workflow_executions(&shape(request), w.now)
    }

    fn closed(w: &mut World, more: &Value) -> Result<WorkflowExecutionInfos, Fault> {
        let request = merged(json!({}), more);
        w.engine
            .list_closed_workflow_executions(&shape(request), w.now)
    }

    fn ids(page: Result<WorkflowExecutionInfos, Fault>) -> Vec<String> {
        let infos = page.unwrap().execution_infos;
        let ids = infos
            .iter()
            .map(|info| info.execution.workflow_id.to_string());
        ids.collect()
    }

    /// Five executions, a second apart, the last two closed in the reverse order of their starts.
    fn world() -> World {
        let mut w = World::with_limits(Limits {
            count: 2,
            ..Limits::default()
        });
        for (id, tags) in [
            ("a", json!(["x"])),
            ("b", json!(["y", "x"])),
            ("c", json!([])),
            ("d", json!(["x"])),
            ("e", json!(["y"])),
        ] {
            w.try_start(id, json!({ "tagList": tags })).unwrap();
            w.pass(1);
        }
        w.terminate("e", json!({})).unwrap();
        w.pass(1);
        for _ in 0..3 {
            w.poll();
        }
        assert_eq!(w.decide(&[complete()]).len(), 46);
        w
    }

    #[test]
    fn open_executions_are_listed_from_the_latest_and_filtered() {
        let mut w = world();
        assert_eq!(ids(open(&mut w, &json!({}))), ["c", "b", "a"]);
        let mut list = |more: Value| ids(open(&mut w, &more));
        assert_eq!(list(json!({ "reverseOrder": true })), ["a", "b", "c"]);
        assert_eq!(list(json!({ "tagFilter": { "tag": "x" } })), ["b", "a"]);
        assert_eq!(
            list(json!({ "executionFilter": { "workflowId": "b" } })),
            ["b"]
        );
        assert_eq!(
            list(json!({ "typeFilter": { "name": "workflow" } })),
            ["c", "b", "a"]
        );
        let versioned = json!({ "typeFilter": { "name": "workflow", "version": "2" } });
        assert_eq!(list(versioned), [""; 0]);
        let between = json!({ "startTimeFilter": { "oldestDate": 1001, "latestDate": 1001.5 } });
        assert_eq!(list(between), ["b"]);
        let nothing = json!({ "startTimeFilter": { "oldestDate": 1002, "latestDate": 1001 } });
        assert_eq!(list(nothing), [""; 0]);
    }

    #[test]
    fn closed_executions_are_listed_by_the_time_they_are_selected_by() {
        let mut w = world();
        let mut list = |more: Value| ids(closed(&mut w, &more));
        let by_start = json!({ "oldestDate": 0 });
        assert_eq!(list(json!({ "startTimeFilter": by_start })), ["e", "d"]);
        assert_eq!(list(json!({ "closeTimeFilter": by_start })), ["d", "e"]);
        let completed = json!({
            "closeTimeFilter": by_start, "closeStatusFilter": { "status": "COMPLETED" }
        });
        assert_eq!(list(completed), ["d"]);
        let tagged = json!({ "startTimeFilter": by_start, "tagFilter": { "tag": "y" } });
        assert_eq!(list(tagged), ["e"]);
        let late = json!({ "closeTimeFilter": { "oldestDate": 1006 } });
        assert_eq!(list(late), ["d"]);
        let info = closed(&mut w, &json!({ "startTimeFilter": by_start }))
            .unwrap()
            .execution_infos
            .remove(0);
        let info = serde_json::to_value(info).unwrap();
        assert_eq!(info["executionStatus"], "CLOSED");
        assert_eq!(info["closeStatus"], "TERMINATED");
        assert_eq!(info["closeTimestamp"], 1005.0);
        assert_eq!(info["cancelRequested"], false);
    }

    #[test]
    fn pages_follow_each_other() {
        for (reverse, expected) in [(false, ["c", "b", "a"]), (true, ["a", "b", "c"])] {
            let mut w = world();
            let mut more = json!({ "maximumPageSize": 1, "reverseOrder": reverse });
            let mut found = Vec::new();
            loop {
                let page = open(&mut w, &more).unwrap();
                let next = page.next_page_token.clone();
                found.extend(ids(Ok(page)));
                // A new execution does not shift the pages.
                let id = format!("new {}", found.len());
                if !reverse {
                    w.start(&id);
                }
                let Some(next) = next else {
                    break;
                };
                more["nextPageToken"] = next.as_str().into();
            }
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn executions_are_counted_up_to_the_limit() {
        let mut w = world();
        let count = |w: &mut World, more: Value| {
            let request = merged(json!({ "startTimeFilter": { "oldestDate": 0 } }), &more);
            let now = w.now;
            let answer = w
                .engine
                .count_open_workflow_executions(&shape(request), now)
                .unwrap();
            (answer.count, answer.truncated.unwrap())
        };
        assert_eq!(count(&mut w, json!({})), (3, false));
        let tagged = json!({ "tagFilter": { "tag": "x" } });
        assert_eq!(count(&mut w, tagged), (2, false));
        let part = json!({ "startTimeFilter": { "oldestDate": 1001 } });
        assert_eq!(count(&mut w, part.clone()), (2, false));
        w.start("f");
        assert_eq!(count(&mut w, part), (2, true));
        let request = json!({
            "domain": "d", "closeTimeFilter": { "oldestDate": 0 },
            "closeStatusFilter": { "status": "TERMINATED" },
        });
        let answer = w
            .engine
            .count_closed_workflow_executions(&shape(request), w.now)
            .unwrap();
        assert_eq!(answer.count, 1);
    }

    #[test]
    fn filters_that_exclude_each_other_are_refused() {
        let mut w = world();
        let kind = FaultKind::Validation;
        let two = json!({
            "tagFilter": { "tag": "x" }, "executionFilter": { "workflowId": "a" },
        });
        refused(
            open(&mut w, &two),
            kind,
            "Cannot specify more than one exclusive filters in the same query",
        );
        refused(closed(&mut w, &json!({})), kind, "Must specify time filter");
        let both = json!({
            "startTimeFilter": { "oldestDate": 0 }, "closeTimeFilter": { "oldestDate": 0 },
        });
        let fault = closed(&mut w, &both).unwrap_err();
        assert_eq!(fault.kind, kind);
        let token = json!({ "nextPageToken": "nonsense" });
        refused(open(&mut w, &token), kind, "Invalid token");
        let fault = open(&mut w, &json!({ "maximumPageSize": 1_001 })).unwrap_err();
        assert_eq!(fault.kind, kind);
    }
}
