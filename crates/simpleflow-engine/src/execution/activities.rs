//! The open activity tasks of an execution.

use simpleflow_model::enums::ActivityTaskTimeoutType;
use simpleflow_model::event::ActivityTaskScheduled;
use simpleflow_model::{ActivityId, EventId, TaskListName, TaskPriority, Timeout, Timestamp};

use super::open::{Identified, Open};
use super::slot::{Queue, Standing, Waiting};
use super::state::after;

/// An open activity task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Activity {
    pub id: ActivityId,
    pub task_list: TaskListName,
    pub priority: TaskPriority,
    pub scheduled_at: Timestamp,
    pub schedule_to_start: Timeout,
    pub schedule_to_close: Timeout,
    pub start_to_close: Timeout,
    pub heartbeat: Timeout,
    /// The started event and its time.
    pub started: Option<(EventId, Timestamp)>,
    /// The latest request to cancel it.
    pub cancel_requested: Option<EventId>,
}

impl Activity {
    /// The started event, 0 if there is none.
    pub(crate) fn started_event_id(&self) -> EventId {
        self.started.map_or(EventId(0), |(id, _)| id)
    }

    /// When its time limits end: to be started, or to be done once it is; to be done since it was
    /// scheduled; and to be heard of.
    fn ends(&self, heartbeat: Option<Timestamp>) -> [Option<Timestamp>; 3] {
        let to_close = after(self.scheduled_at, self.schedule_to_close);
        match self.started {
            None => {
                let to_start = after(self.scheduled_at, self.schedule_to_start);
                [to_start, to_close, None]
            }
            Some((_, at)) => [
                after(at, self.start_to_close),
                to_close,
                after(heartbeat.unwrap_or(at), self.heartbeat),
            ],
        }
    }

    /// When its time is up, however often its heart beats.
    pub(crate) fn has_to_end(&self) -> Option<Timestamp> {
        let [first, second, _] = self.ends(None);
        first.into_iter().chain(second).min()
    }

    /// When the first of its time limits ends.
    fn deadline(&self, heartbeat: Option<Timestamp>) -> Option<Timestamp> {
        self.ends(heartbeat).into_iter().flatten().min()
    }

    /// Which of its time limits ends first. Of two that end together the one that says more about
    /// the worker comes first.
    pub(crate) fn timeout_type(
        &self,
        heartbeat: Option<Timestamp>,
    ) -> Option<ActivityTaskTimeoutType> {
        use ActivityTaskTimeoutType as T;
        let ends = self.ends(heartbeat);
        let first = ends.into_iter().flatten().min()?;
        Some(match ends.iter().position(|end| *end == Some(first))? {
            0 if self.started.is_none() => T::ScheduleToStart,
            0 => T::StartToClose,
            1 => T::ScheduleToClose,
            _ => T::Heartbeat,
        })
    }
}

impl Identified for Activity {
    type Id = ActivityId;

    fn id(&self) -> &ActivityId {
        &self.id
    }
}

/// The open activity tasks of an execution.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Activities {
    open: Open<Activity>,
    /// The time of the last event about an activity task, of any type (so in the recordings; the
    /// documentation speaks of scheduled ones).
    pub latest: Option<Timestamp>,
}

impl Activities {
    pub(crate) fn len(&self) -> usize {
        self.open.len()
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = EventId> {
        self.open.events()
    }

    pub(crate) fn get(&self, scheduled: EventId) -> Option<&Activity> {
        self.open.get(scheduled)
    }

    /// The open task with an id.
    pub(crate) fn find(&self, id: &ActivityId) -> Option<(EventId, &Activity)> {
        self.open.find(id)
    }

    pub(super) fn scheduled(&mut self, id: EventId, at: Timestamp, a: &ActivityTaskScheduled) {
        self.latest = Some(at);
        self.open.add(
            id,
            Activity {
                id: a.activity_id.clone(),
                task_list: a.task_list.name.clone(),
                priority: a.task_priority.unwrap_or_default(),
                scheduled_at: at,
                schedule_to_start: a.schedule_to_start_timeout.unwrap_or_default(),
                schedule_to_close: a.schedule_to_close_timeout.unwrap_or_default(),
                start_to_close: a.start_to_close_timeout.unwrap_or_default(),
                heartbeat: a.heartbeat_timeout.unwrap_or_default(),
                started: None,
                cancel_requested: None,
            },
        );
    }

    pub(super) fn started(&mut self, scheduled: EventId, id: EventId, at: Timestamp) {
        self.latest = Some(at);
        if let Some(activity) = self.open.get_mut(scheduled) {
            activity.started = Some((id, at));
        }
    }

    pub(super) fn cancel_requested(&mut self, activity: &ActivityId, id: EventId, at: Timestamp) {
        self.latest = Some(at);
        if let Some((scheduled, _)) = self.find(activity)
            && let Some(activity) = self.open.get_mut(scheduled)
        {
            activity.cancel_requested = Some(id);
        }
    }

    pub(super) fn closed(&mut self, scheduled: EventId, at: Timestamp) {
        self.latest = Some(at);
        self.open.remove(scheduled);
    }

    pub(super) fn standing(&self, scheduled: EventId, heartbeat: Option<Timestamp>) -> Standing {
        let Some(activity) = self.open.get(scheduled) else {
            return Standing::default();
        };
        Standing {
            deadline: activity.deadline(heartbeat),
            waiting: activity.started.is_none().then(|| Waiting {
                queue: Queue::Activities,
                task_list: activity.task_list.clone(),
                priority: activity.priority,
                since: activity.scheduled_at,
                scheduled,
            }),
        }
    }
}
