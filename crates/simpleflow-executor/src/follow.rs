//! Following an execution from outside: what was recorded since the last look, from run to run.

use simpleflow_model::operation::GetWorkflowExecutionHistory;
use simpleflow_model::{DomainName, EventAttributes, EventId, HistoryEvent, WorkflowExecution};
use simpleflow_service::{ServiceError, SwfService};

/// An execution that is followed.
#[derive(Debug)]
pub struct Follow<S> {
    service: S,
    domain: DomainName,
    execution: WorkflowExecution,
    seen: EventId,
}

impl<S: SwfService> Follow<S> {
    /// An execution of which nothing was seen yet.
    pub fn new(service: S, domain: DomainName, execution: WorkflowExecution) -> Self {
        Self {
            service,
            domain,
            execution,
            seen: EventId(0),
        }
    }

    /// The run that is followed now: the last, when it continues as new.
    pub fn execution(&self) -> &WorkflowExecution {
        &self.execution
    }

    /// The events that were recorded since the last look, in order. After a run that continued as
    /// new the next look is at the new run.
    ///
    /// It reads the history from its end, so its cost follows what is new.
    ///
    /// # Errors
    /// [`ServiceError`]: nothing is lost, the next look sees it.
    pub async fn look(&mut self) -> Result<Vec<HistoryEvent>, ServiceError> {
        let mut request = GetWorkflowExecutionHistory {
            domain: self.domain.clone(),
            execution: self.execution.clone(),
            reverse_order: Some(true),
            ..GetWorkflowExecutionHistory::default()
        };
        let mut new = Vec::new();
        loop {
            let page = self
                .service
                .get_workflow_execution_history(request.clone())
                .await?;
            new.extend(page.events);
            let reached = new.last().is_some_and(|event| event.event_id <= self.seen);
            match page.next_page_token {
                Some(token) if !reached => request.next_page_token = Some(token),
                _ => break,
            }
        }
        new.retain(|event| event.event_id > self.seen);
        new.reverse();
        if let Some(last) = new.last() {
            self.seen = last.event_id;
            if let EventAttributes::WorkflowExecutionContinuedAsNew(next) = &last.attributes {
                self.execution.run_id = next.new_execution_run_id.clone();
                self.seen = EventId(0);
            }
        }
        Ok(new)
    }
}
