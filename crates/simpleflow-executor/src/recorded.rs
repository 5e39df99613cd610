//! Activities as a history has them: to run one again, with the input that it had.

use std::fmt;

use simpleflow_core::ActivityInfo;
use simpleflow_model::operation::{
    GetWorkflowExecutionHistory, ListClosedWorkflowExecutions, ListOpenWorkflowExecutions,
};
use simpleflow_model::types::{ExecutionTimeFilter, WorkflowExecutionFilter};
use simpleflow_model::{
    ActivityId, DomainName, EventAttributes, EventId, HistoryEvent, WorkflowExecution, WorkflowId,
};
use simpleflow_service::{ServiceError, SwfService};

/// Which activity of an execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordedActivity {
    /// The one whose task was scheduled with this event.
    Scheduled(EventId),
    /// The one with this id; if it was scheduled several times, the latest.
    Id(ActivityId),
}

impl RecordedActivity {
    /// What a worker was told of it, if it is in the history.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn find<S: SwfService>(
        &self,
        service: &S,
        domain: &DomainName,
        execution: &WorkflowExecution,
    ) -> Result<Option<ActivityInfo>, ServiceError> {
        let mut request = GetWorkflowExecutionHistory {
            domain: domain.clone(),
            execution: execution.clone(),
            ..GetWorkflowExecutionHistory::default()
        };
        let mut found = None;
        loop {
            let page = service
                .get_workflow_execution_history(request.clone())
                .await?;
            let of_page = page.events.iter().rev().find_map(|event| self.info(event));
            found = of_page.or(found);
            match page.next_page_token {
                Some(token) => request.next_page_token = Some(token),
                None => break,
            }
        }
        Ok(found.map(|info| ActivityInfo {
            domain_name: domain.clone(),
            workflow_id: execution.workflow_id.clone(),
            run_id: execution.run_id.clone(),
            ..info
        }))
    }

    /// What an event says of it, if it is its event.
    fn info(&self, event: &HistoryEvent) -> Option<ActivityInfo> {
        let EventAttributes::ActivityTaskScheduled(scheduled) = &event.attributes else {
            return None;
        };
        let is_it = match self {
            Self::Scheduled(id) => event.event_id == *id,
            Self::Id(id) => scheduled.activity_id == *id,
        };
        is_it.then(|| ActivityInfo {
            name: scheduled.activity_type.name.clone(),
            version: scheduled.activity_type.version.clone(),
            activity_id: scheduled.activity_id.clone(),
            activity_task_list: scheduled.task_list.name.clone(),
            input: scheduled.input.clone().unwrap_or_default(),
            ..ActivityInfo::default()
        })
    }
}

impl fmt::Display for RecordedActivity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scheduled(event) => write!(f, "that was scheduled with event {}", event.0),
            Self::Id(id) => write!(f, "{id:?}", id = id.as_str()),
        }
    }
}

/// The run of a workflow id that is open, or else the one that was started last.
///
/// # Errors
/// [`ServiceError`].
pub async fn latest_run<S: SwfService>(
    service: &S,
    domain: &DomainName,
    workflow_id: &WorkflowId,
) -> Result<Option<WorkflowExecution>, ServiceError> {
    let execution_filter = Some(WorkflowExecutionFilter {
        workflow_id: workflow_id.clone(),
        ..WorkflowExecutionFilter::default()
    });
    let ever = ExecutionTimeFilter::default();
    let open = ListOpenWorkflowExecutions {
        domain: domain.clone(),
        start_time_filter: ever.clone(),
        execution_filter: execution_filter.clone(),
        maximum_page_size: Some(1),
        ..ListOpenWorkflowExecutions::default()
    };
    let open = service.list_open_workflow_executions(open).await?;
    if let Some(info) = open.execution_infos.into_iter().next() {
        return Ok(Some(info.execution));
    }
    let closed = ListClosedWorkflowExecutions {
        domain: domain.clone(),
        start_time_filter: Some(ever),
        execution_filter,
        maximum_page_size: Some(1),
        ..ListClosedWorkflowExecutions::default()
    };
    let closed = service.list_closed_workflow_executions(closed).await?;
    let latest = closed.execution_infos.into_iter().next();
    Ok(latest.map(|info| info.execution))
}
