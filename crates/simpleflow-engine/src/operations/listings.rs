//! Counting and listing executions.

use simpleflow_model::operation::*;
use simpleflow_model::types::*;
use simpleflow_model::{Fault, PageToken, SmolStr, Timestamp};

use crate::check::{check, page_size};
use crate::execution::ExecutionKey;
use crate::token::{PageKind, page_token, parse_page_token};
use crate::visibility::{Entry, Filter, Index};
use crate::{Engine, fault};

/// The times of an index that a filter admits.
#[derive(Clone, Copy, Debug)]
struct Times {
    oldest: Entry,
    latest: Entry,
}

impl From<&ExecutionTimeFilter> for Times {
    fn from(filter: &ExecutionTimeFilter) -> Self {
        let latest = filter
            .latest_date
            .unwrap_or(Timestamp::from_micros(i64::MAX));
        Self {
            oldest: (filter.oldest_date, ExecutionKey(0)),
            latest: (latest, ExecutionKey(u64::MAX)),
        }
    }
}

/// The page of a listing that a request asks for.
#[derive(Clone, Copy, Debug)]
struct Page<'a> {
    token: Option<&'a PageToken>,
    size: Option<u32>,
    reverse: Option<bool>,
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

/// The time filter of a request for closed executions: exactly one of two, and whether it is the
/// one by close.
fn closed_times(
    start: Option<&ExecutionTimeFilter>,
    close: Option<&ExecutionTimeFilter>,
) -> Result<(Times, bool), Fault> {
    match (start, close) {
        (Some(start), None) => Ok((start.into(), false)),
        (None, Some(close)) => Ok((close.into(), true)),
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
        Ok(self.count(index, &filter, (&request.start_time_filter).into()))
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
        check::<CountClosedWorkflowExecutions>(request)?;
        self.advance(now);
        let filter = filter(
            request.execution_filter.as_ref(),
            request.type_filter.as_ref(),
            request.tag_filter.as_ref(),
            request.close_status_filter.as_ref(),
        )?;
        let (times, by_close) = closed_times(
            request.start_time_filter.as_ref(),
            request.close_time_filter.as_ref(),
        )?;
        let visibility = &self.domain(&request.domain)?.visibility;
        let index = if by_close {
            &visibility.closed_by_close
        } else {
            &visibility.closed_by_start
        };
        Ok(self.count(index, &filter, times))
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
        let page = Page {
            token: request.next_page_token.as_ref(),
            size: request.maximum_page_size,
            reverse: request.reverse_order,
        };
        let index = &self.domain(&request.domain)?.visibility.open;
        self.list(index, &filter, (&request.start_time_filter).into(), page)
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
        check::<ListClosedWorkflowExecutions>(request)?;
        self.advance(now);
        let filter = filter(
            request.execution_filter.as_ref(),
            request.type_filter.as_ref(),
            request.tag_filter.as_ref(),
            request.close_status_filter.as_ref(),
        )?;
        let (times, by_close) = closed_times(
            request.start_time_filter.as_ref(),
            request.close_time_filter.as_ref(),
        )?;
        let page = Page {
            token: request.next_page_token.as_ref(),
            size: request.maximum_page_size,
            reverse: request.reverse_order,
        };
        let visibility = &self.domain(&request.domain)?.visibility;
        let index = if by_close {
            &visibility.closed_by_close
        } else {
            &visibility.closed_by_start
        };
        self.list(index, &filter, times, page)
    }

    fn count(&self, index: &Index, filter: &Filter, times: Times) -> WorkflowExecutionCount {
        let limit = self.settings.limits.count;
        let (count, truncated) = index.count(filter, times.oldest..=times.latest, limit);
        WorkflowExecutionCount {
            count: u32::try_from(count).unwrap_or(u32::MAX),
            truncated: Some(truncated),
            ..Default::default()
        }
    }

    fn list(
        &self,
        index: &Index,
        filter: &Filter,
        mut times: Times,
        page: Page<'_>,
    ) -> Result<WorkflowExecutionInfos, Fault> {
        let ascending = page.reverse == Some(true);
        if let Some(token) = page.token {
            let (at, key) = self.parse_entry(token)?;
            // The token names the first entry of its page.
            if ascending {
                times.oldest = times.oldest.max((at, key));
            } else {
                times.latest = times.latest.min((at, key));
            }
        }
        let size = page_size(page.size);
        let entries = index.range(filter, times.oldest..=times.latest);
        let mut page: Vec<Entry> = if ascending {
            entries.take(size + 1).collect()
        } else {
            entries.rev().take(size + 1).collect()
        };
        let next = page.get(size).map(|(at, key)| {
            let text = format!("{}|{}", at.as_micros(), key.0);
            page_token(PageKind::Executions, self.now, &text)
        });
        page.truncate(size);
        Ok(WorkflowExecutionInfos {
            execution_infos: page
                .iter()
                .filter_map(|(_, key)| self.executions.get(key))
                .map(|execution| execution.info())
                .collect(),
            next_page_token: next,
            ..Default::default()
        })
    }

    fn parse_entry(&self, token: &PageToken) -> Result<Entry, Fault> {
        let text = parse_page_token(PageKind::Executions, self.now, token)?;
        let parse = || {
            let (at, key) = text.split_once('|')?;
            Some((
                Timestamp::from_micros(at.parse().ok()?),
                ExecutionKey(key.parse().ok()?),
            ))
        };
        parse().ok_or_else(fault::invalid_token)
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
