//! What decision tasks and activity tasks have in common: how one is handed out and counted.

use simpleflow_model::types::PendingTaskCount;
use simpleflow_model::{DomainName, EventAttributes, EventId, Fault, TaskListName};

use crate::Engine;
use crate::domain::Domain;
use crate::execution::ExecutionKey;
use crate::task_list::TaskLists;

/// A task that was started: its execution, its scheduled event and its started event.
pub(super) type StartedTask = (ExecutionKey, EventId, EventId);

impl Engine {
    /// Starts the first task of a task list, if it has one. `started` makes the event.
    ///
    /// # Errors
    /// `UnknownResourceFault`.
    pub(super) fn start_task<E: Into<EventAttributes>>(
        &mut self,
        domain: &DomainName,
        lists: fn(&mut Domain) -> &mut TaskLists,
        list: &TaskListName,
        started: impl Fn(EventId) -> E,
    ) -> Result<Option<StartedTask>, Fault> {
        while let Some((key, scheduled)) = lists(self.domain_mut(domain)?).pop(list) {
            let started = self.append(key, started(scheduled));
            self.settle();
            // The start may have been the one event too many for a history: then the next task.
            if let Some(started) = started {
                return Ok(Some((key, scheduled, started)));
            }
        }
        Ok(None)
    }
}

/// The answer to how many tasks wait.
pub(super) fn pending(count: usize) -> PendingTaskCount {
    PendingTaskCount {
        count: u32::try_from(count).unwrap_or(u32::MAX),
        truncated: Some(false),
        ..Default::default()
    }
}
