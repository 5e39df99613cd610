//! Reading the events of a decision task, as many as are needed.
//!
//! All pages are read at once: their tokens expire, and what is ahead in a history tells what is a
//! replay.
//!
//! A history may be read a moment late. Code that decides from one without the start of its task
//! would be behind, and send former decisions again: such a history is read again.

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBuilder};
use simpleflow_model::operation::{GetWorkflowExecutionHistory, PollForDecisionTask};
use simpleflow_model::types::DecisionTask;
use simpleflow_model::{EventId, FaultKind, HistoryEvent};
use simpleflow_service::SwfService;
use tokio_util::sync::CancellationToken;

use super::DeciderError;
use crate::retry::persistently;

/// How often a history is read from its first page again because a token was refused.
const ATTEMPTS: usize = 5;

/// The first pause before a history is read again that does not have the start of the task.
const LATE: Duration = Duration::from_millis(100);

/// How often it is read again then, with pauses that double: for about six seconds.
const LATE_ATTEMPTS: usize = 6;

/// The events of a task from one on, up to the start of the task. The further pages are asked for
/// with the request that polled it.
pub(super) async fn of_task<S: SwfService>(
    service: &S,
    poll: PollForDecisionTask,
    task: &mut DecisionTask,
    first: EventId,
    stop: &CancellationToken,
) -> Result<Vec<HistoryEvent>, DeciderError> {
    let mut events = std::mem::take(&mut task.events);
    let has_first = |events: &[HistoryEvent]| {
        let event = events.first();
        event.is_some_and(|event| event.event_id <= first)
    };
    if !has_first(&events) {
        return whole(service, &poll, task, first, stop).await;
    }
    let mut token = task.next_page_token.take();
    while let Some(page) = token.filter(|_| !reach(&events, task.started_event_id)) {
        let request = PollForDecisionTask {
            next_page_token: Some(page),
            ..poll.clone()
        };
        let page = persistently("PollForDecisionTask", stop, || {
            service.poll_for_decision_task(request.clone())
        });
        match page.await {
            Ok(Some(page)) => {
                events.extend(page.events);
                token = page.next_page_token;
            }
            Ok(None) => return whole(service, &poll, task, first, stop).await,
            Err(error) if error.is_fault(FaultKind::Validation) => {
                tracing::debug!("the history is read from its start: {error}");
                return whole(service, &poll, task, first, stop).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
    if !reach(&events, task.started_event_id) {
        return whole(service, &poll, task, first, stop).await;
    }
    cut(&mut events, first, task.started_event_id);
    Ok(events)
}

/// The same, from the history itself.
async fn whole<S: SwfService>(
    service: &S,
    poll: &PollForDecisionTask,
    task: &DecisionTask,
    first: EventId,
    stop: &CancellationToken,
) -> Result<Vec<HistoryEvent>, DeciderError> {
    let mut request = GetWorkflowExecutionHistory {
        domain: poll.domain.clone(),
        execution: task.workflow_execution.clone(),
        ..GetWorkflowExecutionHistory::default()
    };
    let mut events = Vec::new();
    let mut attempts = 1;
    let mut pauses = ExponentialBuilder::default()
        .with_min_delay(LATE)
        .with_max_times(LATE_ATTEMPTS)
        .with_jitter()
        .build();
    loop {
        let page = persistently("GetWorkflowExecutionHistory", stop, || {
            service.get_workflow_execution_history(request.clone())
        });
        match page.await {
            Ok(page) => {
                events.extend(page.events);
                request.next_page_token = page.next_page_token;
            }
            Err(error)
                if error.is_fault(FaultKind::Validation)
                    && request.next_page_token.is_some()
                    && attempts < ATTEMPTS =>
            {
                tracing::debug!("the history is read from its first page again: {error}");
                attempts += 1;
                events.clear();
                request.next_page_token = None;
                continue;
            }
            Err(error) => return Err(error.into()),
        }
        if reach(&events, task.started_event_id) {
            break;
        }
        if request.next_page_token.is_none() {
            let behind = || DeciderError::Behind {
                execution: task.workflow_execution.clone(),
                last: events.last().map_or(EventId(0), |event| event.event_id),
                started: task.started_event_id,
            };
            let pause = pauses.next().ok_or_else(behind)?;
            tracing::debug!(?pause, "reading again: {}", behind());
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = stop.cancelled() => return Err(behind()),
            }
            events.clear();
        }
    }
    cut(&mut events, first, task.started_event_id);
    Ok(events)
}

/// Whether the events go as far as that one.
fn reach(events: &[HistoryEvent], last: EventId) -> bool {
    events.last().is_some_and(|event| event.event_id >= last)
}

/// The history may have grown past the task, and have been read from before what is needed.
fn cut(events: &mut Vec<HistoryEvent>, first: EventId, last: EventId) {
    events.retain(|event| (first..=last).contains(&event.event_id));
}
