//! Following an execution from outside: what was recorded since the last look, from run to run.

use std::time::Duration;

use simpleflow_model::operation::GetWorkflowExecutionHistory;
use simpleflow_model::{DomainName, EventAttributes, EventId, HistoryEvent, WorkflowExecution};
use simpleflow_service::{ServiceError, SwfService};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::Outcome;
use crate::retry::persistently;

/// How long a service takes at least to say that an execution is open, if it waits for the close.
const WAITED: Duration = Duration::from_secs(1);

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
        let mut request = self.newest_first();
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
            self.goes_on(last);
        }
        Ok(new)
    }

    /// Waits until the execution is closed, and gives the event that closed it: of the last run,
    /// when it continues as new. Where the service does not tell of a close it is asked each
    /// `pause`; while it is away it is asked again, for as long as it takes. What is between is not
    /// read.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # use simpleflow_executor::{Follow, Outcome, ServiceError, SwfService};
    /// # use simpleflow_model::{DomainName, WorkflowExecution};
    /// # async fn example(
    /// #     service: impl SwfService,
    /// #     domain: DomainName,
    /// #     started: WorkflowExecution,
    /// # ) -> Result<(), ServiceError> {
    /// let mut follow = Follow::new(service, domain, started);
    /// let end = follow.end(Duration::from_secs(2)).await?;
    /// let outcome = Outcome::of(&end.attributes);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ServiceError`]: the service refuses, since it does not know the execution.
    pub async fn end(&mut self, pause: Duration) -> Result<HistoryEvent, ServiceError> {
        let never = CancellationToken::new();
        loop {
            let began = Instant::now();
            let last = persistently("GetWorkflowExecutionHistory", &never, || self.last_event());
            let last = last.await?;
            if Outcome::of(&last.attributes).is_some() {
                return Ok(last);
            }
            if !self.goes_on(&last) && began.elapsed() < WAITED {
                sleep(pause).await;
            }
        }
    }

    /// Waits until the run that is followed is closed, if the service tells of that. Else it waits
    /// for ever.
    pub(crate) async fn closed(&self) {
        loop {
            let began = Instant::now();
            match self.last_event().await {
                Ok(last) if is_close(&last) => return,
                Ok(_) if began.elapsed() >= WAITED => {}
                Ok(_) | Err(_) => std::future::pending().await,
            }
        }
    }

    /// The last event of the run that is followed: that of its close, where the service waits for
    /// it.
    async fn last_event(&self) -> Result<HistoryEvent, ServiceError> {
        let request = GetWorkflowExecutionHistory {
            maximum_page_size: Some(1),
            ..self.newest_first()
        };
        let page = self
            .service
            .get_workflow_execution_history_when_closed(request);
        let empty = || ServiceError::Unreadable("a history without events".to_owned());
        page.await?.events.into_iter().next().ok_or_else(empty)
    }

    fn newest_first(&self) -> GetWorkflowExecutionHistory {
        GetWorkflowExecutionHistory {
            domain: self.domain.clone(),
            execution: self.execution.clone(),
            reverse_order: Some(true),
            ..GetWorkflowExecutionHistory::default()
        }
    }

    /// Goes on with the next run, if this event is the end of one that continues as new.
    fn goes_on(&mut self, last: &HistoryEvent) -> bool {
        let EventAttributes::WorkflowExecutionContinuedAsNew(next) = &last.attributes else {
            return false;
        };
        self.execution.run_id = next.new_execution_run_id.clone();
        self.seen = EventId(0);
        true
    }
}

fn is_close(event: &HistoryEvent) -> bool {
    let attributes = &event.attributes;
    Outcome::of(attributes).is_some()
        || matches!(
            attributes,
            EventAttributes::WorkflowExecutionContinuedAsNew(_)
        )
}
