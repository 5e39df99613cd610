//! The pages in which a history is read, wherever it is: as such, and as that of a decision task.

use std::ops::RangeInclusive;

use simpleflow_model::operation::{GetWorkflowExecutionHistory, PollForDecisionTask};
use simpleflow_model::types::{DecisionTask, History};
use simpleflow_model::{
    EventAttributes, EventId, Fault, HistoryEvent, PageToken, RunId, Timestamp, WorkflowExecution,
    WorkflowType,
};

use crate::check::page_size;
use crate::execution::Execution;
use crate::fault;
use crate::token::{PageKind, TaskKind, page_token, parse_page_token, task_token};

/// Where the reading of a history goes on. The pages of a decision task end at its started event,
/// whatever was appended since; those of a whole history end where it does then.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Cursor {
    run_id: RunId,
    /// The event that comes next.
    next: i64,
    first: i64,
    /// `i64::MAX` where there is no end.
    last: i64,
    reverse: bool,
    /// Of a decision task: the `previousStartedEventId` that it was handed out with.
    previous_started: i64,
}

impl Cursor {
    fn new(run_id: RunId, first: i64, last: i64, reverse: bool) -> Self {
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

    fn parse(kind: PageKind, now: Timestamp, token: &PageToken) -> Result<Self, Fault> {
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

/// So many events from where the reading goes on, at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Page {
    cursor: Cursor,
    size: usize,
    now: Timestamp,
}

impl Page {
    /// The ids of its events, of a history of a length. It may be empty.
    fn range(&self, length: usize) -> RangeInclusive<i64> {
        let Cursor {
            next, first, last, ..
        } = self.cursor;
        let last = last.min(length as i64);
        let size = self.size as i64;
        let (from, to) = if self.cursor.reverse {
            let from = next.min(last);
            (first.max(from.saturating_sub(size).saturating_add(1)), from)
        } else {
            (next, last.min(next.saturating_add(size - 1)))
        };
        // A token that nobody handed out may say anything.
        from.max(1)..=to
    }

    /// Its events in the order in which they are read, and the token of the next page if there is
    /// one.
    fn answer(
        self,
        kind: PageKind,
        length: usize,
        mut events: Vec<HistoryEvent>,
    ) -> (Vec<HistoryEvent>, Option<PageToken>) {
        let page = self.range(length);
        let Self {
            mut cursor, now, ..
        } = self;
        let more = if cursor.reverse {
            events.reverse();
            cursor.next = page.start().saturating_sub(1);
            cursor.next >= cursor.first.max(1)
        } else {
            cursor.next = page.end().saturating_add(1);
            cursor.next <= cursor.last.min(length as i64)
        };
        let next = more.then(|| page_token(kind, now, &cursor.text()));
        (events, next)
    }
}

/// The page of a history that a request asks for, wherever the history is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryPage(Page);

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
        Ok(Self(Page {
            cursor,
            size: page_size(request.maximum_page_size),
            now,
        }))
    }

    /// The ids of its events, of a history of a length. It may be empty.
    pub fn range(&self, length: usize) -> RangeInclusive<i64> {
        self.0.range(length)
    }

    /// The answer with the events of its [range](Self::range), which come in the order of their
    /// ids.
    pub fn answer(self, length: usize, events: Vec<HistoryEvent>) -> History {
        let (events, next_page_token) = self.0.answer(PageKind::History, length, events);
        History {
            events,
            next_page_token,
            ..Default::default()
        }
    }
}

/// A page of a decision task that was handed out, wherever its history is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecisionPage(Page);

impl DecisionPage {
    /// The first page of a decision task that was started, as a poll asks for it.
    pub(crate) fn first(
        execution: &Execution,
        started: EventId,
        request: &PollForDecisionTask,
        now: Timestamp,
    ) -> Self {
        let previous = execution.state.decisions.previous_started;
        let first = match request.start_at_previous_started_event {
            Some(true) => previous.0.max(1),
            _ => 1,
        };
        let reverse = request.reverse_order == Some(true);
        let run_id = execution.id.run_id.clone();
        let mut cursor = Cursor::new(run_id, first, started.0, reverse);
        cursor.previous_started = previous.0;
        Self(Page {
            cursor,
            size: page_size(request.maximum_page_size),
            now,
        })
    }

    /// Reads a poll that asks for a further page; nothing of one that asks for a new task.
    ///
    /// # Errors
    /// `ValidationException` for a token that is not one.
    pub fn parse(request: &PollForDecisionTask, now: Timestamp) -> Result<Option<Self>, Fault> {
        let Some(token) = &request.next_page_token else {
            return Ok(None);
        };
        Ok(Some(Self(Page {
            cursor: Cursor::parse(PageKind::Decision, now, token)?,
            size: page_size(request.maximum_page_size),
            now,
        })))
    }

    /// The run.
    pub fn run_id(&self) -> &RunId {
        &self.0.cursor.run_id
    }

    /// The started event of the task, which a history of a length must have.
    ///
    /// # Errors
    /// `ValidationException` for a token that nobody handed out.
    pub fn started(&self, length: usize) -> Result<EventId, Fault> {
        let started = self.0.cursor.last;
        if (1..=length as i64).contains(&started) {
            Ok(EventId(started))
        } else {
            Err(fault::invalid_token())
        }
    }

    /// The ids of its events, of a history of a length. It may be empty.
    pub fn range(&self, length: usize) -> RangeInclusive<i64> {
        self.0.range(length)
    }

    /// The answer with the [started](Self::started) event and the events of its
    /// [range](Self::range), which come in the order of their ids.
    ///
    /// # Errors
    /// `ValidationException` for a token that nobody handed out.
    pub fn answer(
        self,
        workflow_execution: WorkflowExecution,
        workflow_type: WorkflowType,
        length: usize,
        started: &HistoryEvent,
        events: Vec<HistoryEvent>,
    ) -> Result<DecisionTask, Fault> {
        let EventAttributes::DecisionTaskStarted(a) = &started.attributes else {
            return Err(fault::invalid_token());
        };
        let previous = EventId(self.0.cursor.previous_started);
        let (events, next_page_token) = self.0.answer(PageKind::Decision, length, events);
        Ok(DecisionTask {
            task_token: task_token(
                TaskKind::Decision,
                &workflow_execution.run_id,
                a.scheduled_event_id,
                (started.event_id, started.event_timestamp),
            ),
            started_event_id: started.event_id,
            workflow_execution,
            workflow_type,
            events,
            next_page_token,
            previous_started_event_id: Some(previous),
            ..Default::default()
        })
    }

    /// The answer of an execution whose events are in memory.
    ///
    /// # Errors
    /// `ValidationException` for a token that nobody handed out.
    pub(crate) fn read(self, execution: &Execution) -> Result<DecisionTask, Fault> {
        let length = execution.length();
        let started = execution.event(self.started(length)?);
        let started = started.ok_or_else(fault::invalid_token)?;
        let events = execution.events(self.range(length));
        let workflow_type = execution.state.start.workflow_type.clone();
        self.answer(execution.id.clone(), workflow_type, length, started, events)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::shape;

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
            for last in [i64::MIN, 3, i64::MAX] {
                let cursor = Cursor {
                    next,
                    ..Cursor::new("run".into(), i64::MIN, last, reverse)
                };
                let request = |kind| {
                    json!({
                        "domain": "d", "execution": { "workflowId": "w", "runId": "run" },
                        "taskList": { "name": "l" }, "maximumPageSize": 7,
                        "nextPageToken": page_token(kind, now, &cursor.text()).as_str(),
                    })
                };
                let page = HistoryPage::parse(&shape(request(PageKind::History)), now).unwrap();
                let range = page.range(4);
                assert!(range.clone().all(|id| (1..=4).contains(&id)), "{range:?}");
                page.answer(4, Vec::new());
                let page = DecisionPage::parse(&shape(request(PageKind::Decision)), now);
                let page = page.unwrap().unwrap();
                let range = page.range(4);
                assert!(range.clone().all(|id| (1..=4).contains(&id)), "{range:?}");
                assert_eq!(page.started(4).ok(), (last == 3).then_some(EventId(3)));
            }
        }
    }
}
