//! Histories, in pages, forwards and backwards.

use simpleflow_model::decision::RecordMarker;
use simpleflow_model::operation::{GetWorkflowExecutionHistory, PollForDecisionTask};
use simpleflow_model::{Decision, EventId, FaultKind};

use super::{Suite, refused};
use crate::SwfService;

fn markers(count: usize) -> Vec<Decision> {
    let marker = |number| RecordMarker {
        marker_name: format!("marker-{number}").into(),
        details: Some("details".into()),
        ..Default::default()
    };
    (0..count).map(|number| marker(number).into()).collect()
}

impl<S: SwfService> Suite<S> {
    /// A history is read in pages and in reverse, and is the same each time.
    ///
    /// # Panics
    /// The check fails.
    pub async fn histories(&self) {
        let case = self.start("histories").await;
        case.decide(markers(7)).await;
        let whole = case.events().await;
        let ids: Vec<_> = whole.iter().map(|event| event.event_id).collect();
        let expected: Vec<_> = (1..=11).map(EventId).collect();
        assert_eq!(ids, expected);
        let times: Vec<_> = whole.iter().map(|event| event.event_timestamp).collect();
        assert!(times.is_sorted());

        let paged = GetWorkflowExecutionHistory {
            maximum_page_size: Some(4),
            ..case.history_request()
        };
        let pages = case.history(paged.clone()).await;
        assert!(pages.iter().all(|page| page.len() <= 4));
        assert_eq!(pages.concat(), whole);
        let reversed = GetWorkflowExecutionHistory {
            reverse_order: Some(true),
            ..paged
        };
        let mut backwards = case.history(reversed).await.concat();
        backwards.reverse();
        assert_eq!(backwards, whole);

        let mut unknown = case.history_request();
        unknown.execution.workflow_id = "no-such".into();
        let unknown = self.service.get_workflow_execution_history(unknown).await;
        refused(unknown, FaultKind::UnknownResource, "no-such");
        case.terminate().await;
    }

    /// A decision task comes in pages; the pages that follow come at once.
    ///
    /// # Panics
    /// The check fails.
    pub async fn decision_task_pages(&self) {
        let case = self.start("pages").await;
        case.decide(markers(7)).await;
        case.signal().await;
        let mut request = PollForDecisionTask {
            maximum_page_size: Some(5),
            ..case.poll_request()
        };
        let first = case.poll(request.clone()).await;
        let mut events = first.events;
        let mut next = first.next_page_token;
        while let Some(token) = next {
            request.next_page_token = Some(token);
            let page = case.poll(request.clone()).await;
            assert_eq!(page.started_event_id, first.started_event_id);
            assert!(page.events.len() <= 5);
            events.extend(page.events);
            next = page.next_page_token;
        }
        assert_eq!(events, case.events().await);
        assert_eq!(events.last().unwrap().event_id, first.started_event_id);
        case.answer(first.task_token, vec![]).await;
        case.terminate().await;
    }

    /// A decider that asks for what is new gets the events from the last that it saw.
    ///
    /// # Panics
    /// The check fails.
    pub async fn only_new_events(&self) {
        let case = self.start("news").await;
        let first = case.decision_task().await;
        let started = first.started_event_id;
        case.answer(first.task_token, markers(1)).await;
        case.signal().await;
        let request = PollForDecisionTask {
            start_at_previous_started_event: Some(true),
            ..case.poll_request()
        };
        let task = self.service.poll_for_decision_task_early(request).await;
        let task = task.unwrap().expect("the signal brings a task");
        assert_eq!(task.previous_started_event_id, Some(started));
        let events = case.events().await;
        let seen = events.iter().position(|event| event.event_id == started);
        assert_eq!(task.events, events[seen.unwrap()..]);
        case.terminate().await;
    }
}
