//! What decision tasks and activity tasks have in common: how one is handed out and counted.

use simpleflow_model::types::PendingTaskCount;
use simpleflow_model::{DomainName, EventAttributes, EventId, Fault, TaskListName};

use crate::execution::ExecutionKey;
use crate::token::TaskKind;
use crate::{Engine, Ready};

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
        kind: TaskKind,
        list: &TaskListName,
        started: impl Fn(EventId) -> E,
    ) -> Result<Option<StartedTask>, Fault> {
        while let Some((key, scheduled)) = self.domain_mut(domain)?.tasks(kind).pop(list) {
            let started = self.append(key, started(scheduled));
            self.settle();
            if let Some(started) = started {
                return Ok(Some((key, scheduled, started)));
            }
            // The start was the one event too many for its history. The next task is another's,
            // whose events may have to be loaded first: who polls is told that there is more.
            let next = self.domain_mut(domain)?.tasks(kind).first(list);
            if next.is_some_and(|(key, _)| self.released(key).is_some()) {
                self.ready.insert(Ready {
                    domain: domain.clone(),
                    kind,
                    task_list: list.clone(),
                });
                return Ok(None);
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
