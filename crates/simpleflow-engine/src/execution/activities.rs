//! The open activity tasks of an execution.

use simpleflow_model::enums::ActivityTaskTimeoutType;
use simpleflow_model::event::ActivityTaskScheduled;
use simpleflow_model::{ActivityId, EventId, TaskListName, TaskPriority, Timeout, Timestamp};

use super::open::Open;
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

    /// Which of its time limits ends first, and when. Of two that end together the one that says
    /// more about the worker comes first.
    pub(crate) fn deadline(
        &self,
        heartbeat: Option<Timestamp>,
    ) -> Option<(Timestamp, ActivityTaskTimeoutType)> {
        use ActivityTaskTimeoutType as T;
        let to_close = (
            after(self.scheduled_at, self.schedule_to_close),
            T::ScheduleToClose,
        );
        let limits = match self.started {
            None => [
                (
                    after(self.scheduled_at, self.schedule_to_start),
                    T::ScheduleToStart,
                ),
                to_close,
                (None, T::Heartbeat),
            ],
            Some((_, at)) => [
                (after(at, self.start_to_close), T::StartToClose),
                to_close,
                (after(heartbeat.unwrap_or(at), self.heartbeat), T::Heartbeat),
            ],
        };
        limits
            .into_iter()
            .filter_map(|(end, which)| Some((end?, which)))
            .min_by_key(|(end, _)| *end)
    }
}

/// Whether two ids are the same. Those of one activity differ in their last characters, so these
/// are looked at first: a thousand open tasks are a thousand ids that begin alike.
fn is_same(a: &str, b: &str) -> bool {
    let end = |id: &str| id.as_bytes().last_chunk::<4>().copied();
    a.len() == b.len() && end(a) == end(b) && a == b
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
        self.open.ids()
    }

    pub(crate) fn get(&self, scheduled: EventId) -> Option<&Activity> {
        self.open.get(scheduled)
    }

    /// The open task with an id.
    pub(crate) fn find(&self, id: &ActivityId) -> Option<(EventId, &Activity)> {
        self.open.find(|activity| is_same(&activity.id, id))
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
            deadline: activity.deadline(heartbeat).map(|(end, _)| end),
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
