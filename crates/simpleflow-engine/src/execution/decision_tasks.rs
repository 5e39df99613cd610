//! The decision tasks of an execution: at most one started and one scheduled, and the task list
//! that the next one goes to.

use simpleflow_model::event::{DecisionTaskCompleted, DecisionTaskScheduled, DecisionTaskTimedOut};
use simpleflow_model::{EventId, TaskListName, TaskPriority, Timeout, Timestamp};

use super::slot::{Queue, Standing, Waiting};
use super::state::after;

/// A decision task that is scheduled and not started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scheduled {
    pub event_id: EventId,
    pub task_list: TaskListName,
    pub priority: TaskPriority,
    pub start_to_close: Timeout,
    pub schedule_to_start: Timeout,
    /// Since when it can be taken: since it was scheduled, or since the task before it ended.
    /// Its schedule-to-start time runs from there, for nobody could have started it before.
    pub available: Timestamp,
}

/// A decision task that a decider has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Started {
    pub event_id: EventId,
    pub at: Timestamp,
    pub scheduled: Scheduled,
}

/// A task list that a decider chose for the decision tasks to come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ListOverride {
    pub task_list: TaskListName,
    /// Without a limit the override is permanent.
    pub schedule_to_start: Timeout,
}

/// The decision tasks of an execution.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct DecisionTasks {
    pub scheduled: Option<Scheduled>,
    pub started: Option<Started>,
    /// The started event of the last task that a decider answered, 0 if there is none.
    pub previous_started: EventId,
    pub list_override: Option<ListOverride>,
}

impl DecisionTasks {
    pub(crate) fn is_open(&self) -> bool {
        self.scheduled.is_some() || self.started.is_some()
    }

    pub(super) fn scheduled(&mut self, id: EventId, at: Timestamp, a: &DecisionTaskScheduled) {
        self.scheduled = Some(Scheduled {
            event_id: id,
            task_list: a.task_list.name.clone(),
            priority: a.task_priority.unwrap_or_default(),
            start_to_close: a.start_to_close_timeout.unwrap_or_default(),
            schedule_to_start: a.schedule_to_start_timeout.unwrap_or_default(),
            available: at,
        });
    }

    pub(super) fn started(&mut self, id: EventId, at: Timestamp) {
        self.started = self.scheduled.take().map(|scheduled| Started {
            event_id: id,
            at,
            scheduled,
        });
    }

    pub(super) fn completed(&mut self, at: Timestamp, a: &DecisionTaskCompleted) {
        self.previous_started = a.started_event_id;
        self.end_started(at);
        // An override lasts until another is given: a decider that goes away gives the original
        // list as a permanent one.
        if let Some(task_list) = &a.task_list {
            self.list_override = Some(ListOverride {
                task_list: task_list.name.clone(),
                schedule_to_start: a.task_list_schedule_to_start_timeout.unwrap_or_default(),
            });
        }
    }

    /// A temporary override is reverted by a timeout of a task on its list, of either type. A
    /// task that timed out was not processed, so `previous_started` stays.
    pub(super) fn timed_out(&mut self, at: Timestamp, a: &DecisionTaskTimedOut) {
        let task = if a.started_event_id == EventId(0) {
            self.scheduled.take()
        } else {
            self.end_started(at)
        };
        if let (Some(task), Some(list)) = (task, &self.list_override)
            && list.schedule_to_start != Timeout::None
            && list.task_list == task.task_list
        {
            self.list_override = None;
        }
    }

    fn end_started(&mut self, at: Timestamp) -> Option<Scheduled> {
        if let Some(next) = &mut self.scheduled {
            next.available = at;
        }
        self.started.take().map(|started| started.scheduled)
    }

    pub(super) fn close(&mut self) {
        self.scheduled = None;
        self.started = None;
    }

    pub(super) fn standing(&self) -> Standing {
        match (&self.started, &self.scheduled) {
            (Some(started), _) => Standing {
                deadline: after(started.at, started.scheduled.start_to_close),
                waiting: None,
            },
            (None, Some(task)) => Standing {
                deadline: after(task.available, task.schedule_to_start),
                waiting: Some(Waiting {
                    queue: Queue::Decisions,
                    task_list: task.task_list.clone(),
                    priority: task.priority,
                    since: task.available,
                    scheduled: task.event_id,
                }),
            },
            (None, None) => Standing::default(),
        }
    }
}
