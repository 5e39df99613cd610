//! Reading an execution: its history, a page at a time, and its description.

use std::ops::RangeInclusive;

use simpleflow_model::operation::{DescribeWorkflowExecution, GetWorkflowExecutionHistory};
use simpleflow_model::types::{History, WorkflowExecutionDetail};
use simpleflow_model::{
    DomainName, EventId, Fault, HistoryEvent, PageToken, RunId, Timestamp, WorkflowExecution,
};

use crate::check::{check, page_size};
use crate::execution::Execution;
use crate::token::{PageKind, page_token, parse_page_token};
use crate::{Engine, fault};

/// Where the reading of a history goes on. The pages of a decision task end at its started event,
/// whatever was appended since; those of a whole history end where it does then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub run_id: RunId,
    /// The event that comes next.
    pub next: i64,
    pub first: i64,
    /// `i64::MAX` where there is no end.
    pub last: i64,
    pub reverse: bool,
    /// Of a decision task: the `previousStartedEventId` that it was handed out with.
    pub previous_started: i64,
}

impl Cursor {
    pub(super) fn new(run_id: RunId, first: i64, last: i64, reverse: bool) -> Self {
        let next = if reverse { last } else { first };
        Self {
            run_id,
            next,
            first,
            last,
            reverse,
            previous_started: 0,
        }
    }

    /// A page from here on, and the token of the next if there is one.
    pub(super) fn page(
        self,
        kind: PageKind,
        now: Timestamp,
        execution: &Execution,
        size: usize,
    ) -> (Vec<HistoryEvent>, Option<PageToken>) {
        let length = execution.history.len();
        let ids = self.range(length, size);
        let read = |id: i64| execution.event(EventId(id)).cloned();
        let events = if self.reverse {
            ids.rev().filter_map(read).collect()
        } else {
            ids.filter_map(read).collect()
        };
        (events, self.next_token(kind, now, length, size))
    }

    /// The ids of the events of a page from here on, of a history of a length.
    fn range(&self, length: usize, size: usize) -> RangeInclusive<i64> {
        let last = self.last.min(length as i64);
        let size = size as i64;
        if self.reverse {
            let from = self.next.min(last);
            self.first.max(from.saturating_sub(size).saturating_add(1))..=from
        } else {
            self.next..=last.min(self.next.saturating_add(size - 1))
        }
    }

    /// The token of the page after the one from here on, if there is one.
    fn next_token(
        mut self,
        kind: PageKind,
        now: Timestamp,
        length: usize,
        size: usize,
    ) -> Option<PageToken> {
        let page = self.range(length, size);
        let more = if self.reverse {
            self.next = page.start().saturating_sub(1);
            self.next >= self.first
        } else {
            self.next = page.end().saturating_add(1);
            self.next <= self.last.min(length as i64)
        };
        more.then(|| page_token(kind, now, &self.text()))
    }

    fn text(&self) -> String {
        let Self {
            run_id,
            next,
            first,
            last,
            reverse,
            previous_started,
        } = self;
        format!("{next}|{first}|{last}|{reverse}|{previous_started}|{run_id}")
    }

    pub(crate) fn parse(kind: PageKind, now: Timestamp, token: &PageToken) -> Result<Self, Fault> {
        let text = parse_page_token(kind, now, token)?;
        let parse = || {
            let mut parts = text.splitn(6, '|');
            Some(Self {
                next: parts.next()?.parse().ok()?,
                first: parts.next()?.parse().ok()?,
                last: parts.next()?.parse().ok()?,
                reverse: parts.next()?.parse().ok()?,
                previous_started: parts.next()?.parse().ok()?,
                run_id: parts.next()?.into(),
            })
        };
        parse().ok_or_else(fault::invalid_token)
    }
}

/// The page of a history that a request asks for, wherever the history is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryPage {
    cursor: Cursor,
    size: usize,
    now: Timestamp,
}

impl HistoryPage {
    /// Reads a request. The run that it names must be there.
    ///
    /// # Errors
    /// `ValidationException` for a token that is not one, or of another run.
    pub fn parse(request: &GetWorkflowExecutionHistory, now: Timestamp) -> Result<Self, Fault> {
        let run_id = &request.execution.run_id;
        let cursor = match &request.next_page_token {
            Some(token) => {
                let cursor = Cursor::parse(PageKind::History, now, token)?;
                if cursor.run_id != *run_id {
                    return Err(fault::invalid_token());
                }
                cursor
            }
            None => Cursor::new(
                run_id.clone(),
                1,
                i64::MAX,
                request.reverse_order == Some(true),
            ),
        };
        Ok(Self {
            cursor,
            size: page_size(request.maximum_page_size),
            now,
        })
    }

    /// The ids of its events, of a history of a length. It may be empty.
    pub fn range(&self, length: usize) -> RangeInclusive<i64> {
        let (first, last) = self.cursor.range(length, self.size).into_inner();
        // A token that nobody handed out may say anything.
        first.max(1)..=last
    }

    /// The answer with the events of its [range](Self::range), which come in the order of their
    /// ids.
    pub fn answer(self, length: usize, mut events: Vec<HistoryEvent>) -> History {
        if self.cursor.reverse {
            events.reverse();
        }
        let Self { cursor, size, now } = self;
        History {
            events,
            next_page_token: cursor.next_token(PageKind::History, now, length, size),
            ..Default::default()
        }
    }
}

impl Engine {
    /// Reads a history, a page at a time, from either end.
    ///
    /// # Errors
    /// `ValidationException` for a page that is too long and a token that is not one, or of
    /// another run; `UnknownResourceFault`.
    pub fn get_workflow_execution_history(
        &mut self,
        request: &GetWorkflowExecutionHistory,
        now: Timestamp,
    ) -> Result<History, Fault> {
        check::<GetWorkflowExecutionHistory>(request)?;
        self.advance(now);
        let execution = self.known(&request.domain, &request.execution)?;
        let page = HistoryPage::parse(request, self.now)?;
        let length = execution.history.len();
        let events = page.range(length).map(EventId);
        let events = events.filter_map(|id| execution.event(id).cloned());
        let events = events.collect();
        Ok(page.answer(length, events))
    }

    /// Describes an execution, open or closed.
    ///
    /// # Errors
    /// `UnknownResourceFault`.
    pub fn describe_workflow_execution(
        &mut self,
        request: &DescribeWorkflowExecution,
        now: Timestamp,
    ) -> Result<WorkflowExecutionDetail, Fault> {
        check::<DescribeWorkflowExecution>(request)?;
        self.advance(now);
        Ok(self.known(&request.domain, &request.execution)?.detail())
    }

    /// An execution, open or closed, of a domain.
    pub(crate) fn known(
        &self,
        domain: &DomainName,
        id: &WorkflowExecution,
    ) -> Result<&Execution, Fault> {
        self.domain(domain)?;
        self.execution(&id.run_id)
            .filter(|execution| {
                execution.domain == *domain && execution.id.workflow_id == id.workflow_id
            })
            .ok_or_else(|| fault::unknown_execution(&id.workflow_id, Some(&id.run_id)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use simpleflow_model::FaultKind;

    use super::*;
    use crate::testing::*;

    #[test]
    fn a_history_is_read_by_pages_from_either_end() {
        for reverse in [false, true] {
            let mut w = World::new();
            let run = w.begin(&[]);
            let execution = json!({ "workflowId": "w", "runId": run });
            let mut request = json!({
                "domain": "d", "execution": execution,
                "maximumPageSize": 2, "reverseOrder": reverse,
            });
            let mut pages: Vec<Vec<i64>> = Vec::new();
            loop {
                let page = w
                    .engine
                    .get_workflow_execution_history(&shape(request.clone()), w.now)
                    .unwrap();
                pages.push(page.events.iter().map(|e| e.event_id.0).collect());
                let Some(next) = page.next_page_token else {
                    break;
                };
                request["nextPageToken"] = next.as_str().into();
            }
            if reverse {
                assert_eq!(pages, [[4, 3], [2, 1]]);
            } else {
                assert_eq!(pages, [[1, 2], [3, 4]]);
            }
        }
    }

    #[test]
    fn a_forged_token_asks_for_no_event_that_is_not_there() {
        let now = Timestamp::from_millis(0);
        for (next, reverse) in [
            (-5, false),
            (0, false),
            (9, false),
            (i64::MIN, true),
            (i64::MAX, true),
            (i64::MIN, false),
            (i64::MAX, false),
        ] {
            let token = Cursor {
                next,
                ..Cursor::new("run".into(), i64::MIN, i64::MAX, reverse)
            };
            let request = json!({
                "domain": "d", "execution": { "workflowId": "w", "runId": "run" },
                "maximumPageSize": 7,
                "nextPageToken": page_token(PageKind::History, now, &token.text()).as_str(),
            });
            let page = HistoryPage::parse(&shape(request), now).unwrap();
            let range = page.range(4);
            assert!(range.clone().all(|id| (1..=4).contains(&id)), "{range:?}");
            page.answer(4, Vec::new());
        }
    }

    #[test]
    fn a_reading_from_the_end_is_not_shifted_by_new_events() {
        let mut w = World::new();
        let run = w.begin(&[]);
        let mut request = json!({
            "domain": "d", "execution": { "workflowId": "w", "runId": run },
            "maximumPageSize": 3, "reverseOrder": true,
        });
        let page = w
            .engine
            .get_workflow_execution_history(&shape(request.clone()), w.now)
            .unwrap();
        w.signal("w").unwrap();
        request["nextPageToken"] = page.next_page_token.unwrap().as_str().into();
        let page = w
            .engine
            .get_workflow_execution_history(&shape(request), w.now)
            .unwrap();
        assert_eq!(page.events.len(), 1);
        assert_eq!(page.events[0].event_id.0, 1);
    }

    #[test]
    fn an_execution_is_known_by_both_its_ids() {
        let mut w = World::new();
        let run = w.begin(&[]);
        let other = w.start("other");
        for (workflow_id, run_id) in [("w", "22x"), ("v", run.as_str()), ("w", other.as_str())] {
            let execution = json!({ "workflowId": workflow_id, "runId": run_id });
            let request = json!({ "domain": "d", "execution": execution });
            refused(
                w.engine
                    .get_workflow_execution_history(&shape(request), w.now),
                FaultKind::UnknownResource,
                &format!(
                    "Unknown execution: \
                     WorkflowExecution=[workflowId={workflow_id}, runId={run_id}]"
                ),
            );
        }
    }

    #[test]
    fn an_execution_is_described() {
        let mut w = World::new();
        let run = w.start("w");
        let task = w.poll();
        let context = json!({ "executionContext": "" });
        let decisions = [
            activity("a", json!({})),
            timer("t", 5),
            child("c", json!({})),
        ];
        w.try_respond(&task.task_token, &decisions, context)
            .unwrap();
        w.pass(1);
        w.work();
        let cancel = json!({ "domain": "d", "workflowId": "w" });
        w.engine
            .request_cancel_workflow_execution(&shape(cancel), w.now)
            .unwrap();
        let expected = json!({
            "openActivityTasks": 1, "openDecisionTasks": 1, "openTimers": 1,
            "openChildWorkflowExecutions": 1, "openLambdaFunctions": 0,
        });
        assert_eq!(w.open_counts(&run), expected);
        let request = json!({ "domain": "d", "execution": { "workflowId": "w", "runId": run } });
        let describe = |w: &mut World| {
            let detail = w
                .engine
                .describe_workflow_execution(&shape(request.clone()), w.now)
                .unwrap();
            serde_json::to_value(detail).unwrap()
        };
        let detail = describe(&mut w);
        assert_eq!(detail["latestExecutionContext"], "", "an empty one counts");
        assert_eq!(detail["latestActivityTaskTimestamp"], 1001.0);
        assert_eq!(detail["executionInfo"]["cancelRequested"], true);
        // A context survives responses that carry none; a closed run has no cancel requested.
        w.poll();
        w.decide(&[complete()]);
        let detail = describe(&mut w);
        assert_eq!(detail["latestExecutionContext"], "");
        assert_eq!(detail["executionInfo"]["cancelRequested"], false);
        assert_eq!(detail["openCounts"]["openDecisionTasks"], 0);
    }
}
