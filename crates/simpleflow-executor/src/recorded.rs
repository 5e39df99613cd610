//! Activities as a history has them: to run one again, with the input that it had.

use std::fmt;

use simpleflow_core::ActivityInfo;
use simpleflow_model::{
    ActivityId, DomainName, EventAttributes, EventId, HistoryEvent, WorkflowExecution,
};

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
    pub fn find(
        &self,
        domain: &DomainName,
        execution: &WorkflowExecution,
        history: &[HistoryEvent],
    ) -> Option<ActivityInfo> {
        let info = history.iter().rev().find_map(|event| self.info(event))?;
        Some(ActivityInfo {
            domain_name: domain.clone(),
            workflow_id: execution.workflow_id.clone(),
            run_id: execution.run_id.clone(),
            ..info
        })
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
