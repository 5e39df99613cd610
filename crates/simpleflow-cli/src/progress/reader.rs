//! What becomes of the tasks of an execution, read from its events.

use std::collections::HashMap;

use simpleflow_model::enums::ScheduleActivityTaskFailedCause as Cause;
use simpleflow_model::{EventAttributes, EventId, HistoryEvent, SmolStr, Timestamp};

use crate::output;

/// What became of a task.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Change {
    Scheduled,
    Started,
    Ended(End),
    /// It was not scheduled, for this cause.
    Refused(SmolStr),
}

/// How a task ended.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum End {
    Completed,
    /// With the reason.
    Failed(SmolStr),
    TimedOut(String),
    Cancelled,
}

impl End {
    fn told(&self) -> String {
        match self {
            Self::Completed => "completed".to_owned(),
            Self::Failed(reason) => format!("failed: {reason}"),
            Self::TimedOut(kind) => format!("timed out ({kind})"),
            Self::Cancelled => "cancelled".to_owned(),
        }
    }
}

/// A change of a task.
#[derive(Debug, PartialEq)]
pub(super) struct Step {
    pub(super) task: Task,
    pub(super) change: Change,
    pub(super) at: Timestamp,
}

/// A task as people know it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Task {
    /// Of the event that it began with.
    pub(super) number: EventId,
    pub(super) id: SmolStr,
    pub(super) since: Timestamp,
}

/// Reads what becomes of tasks from events.
#[derive(Default)]
pub(super) struct Reader {
    tasks: HashMap<EventId, Task>,
    /// Timers by id.
    timers: HashMap<SmolStr, EventId>,
}

impl Reader {
    /// What an event tells of a task; none when it is of something else.
    pub(super) fn read(&mut self, event: &HistoryEvent) -> Option<Step> {
        use EventAttributes as E;
        let (number, change) = match &event.attributes {
            E::ActivityTaskScheduled(a) => self.begin(event, a.activity_id.as_str()),
            E::StartChildWorkflowExecutionInitiated(a) => self.begin(event, a.workflow_id.as_str()),
            // Timers of the engine itself wake it up, or let a task wait.
            E::TimerStarted(a) if !a.timer_id.as_str().starts_with('_') => {
                let id = a.timer_id.as_str();
                self.timers.insert(id.into(), event.event_id);
                self.begin(event, id)
            }
            // Types are registered when the first activity needs them.
            E::ScheduleActivityTaskFailed(a) if a.cause != Cause::ActivityTypeDoesNotExist => {
                self.begin(event, a.activity_id.as_str());
                (event.event_id, Change::Refused(a.cause.to_string().into()))
            }
            E::ActivityTaskStarted(a) => (a.scheduled_event_id, Change::Started),
            E::ChildWorkflowExecutionStarted(a) => (a.initiated_event_id, Change::Started),
            E::ActivityTaskCompleted(a) => (a.scheduled_event_id, Change::Ended(End::Completed)),
            E::ChildWorkflowExecutionCompleted(a) => {
                (a.initiated_event_id, Change::Ended(End::Completed))
            }
            E::TimerFired(a) => (
                *self.timers.get(a.timer_id.as_str())?,
                Change::Ended(End::Completed),
            ),
            E::TimerCanceled(a) => (
                *self.timers.get(a.timer_id.as_str())?,
                Change::Ended(End::Cancelled),
            ),
            E::ActivityTaskFailed(a) => (a.scheduled_event_id, failed(a.reason.as_ref())),
            E::ChildWorkflowExecutionFailed(a) => (a.initiated_event_id, failed(a.reason.as_ref())),
            E::ActivityTaskTimedOut(a) => {
                (a.scheduled_event_id, timed_out(a.timeout_type.to_string()))
            }
            E::ChildWorkflowExecutionTimedOut(a) => {
                (a.initiated_event_id, timed_out(a.timeout_type.to_string()))
            }
            E::ActivityTaskCanceled(a) => (a.scheduled_event_id, Change::Ended(End::Cancelled)),
            E::ChildWorkflowExecutionCanceled(a) => {
                (a.initiated_event_id, Change::Ended(End::Cancelled))
            }
            E::ChildWorkflowExecutionTerminated(a) => {
                (a.initiated_event_id, failed(Some(&"terminated".into())))
            }
            E::StartChildWorkflowExecutionFailed(a) => (
                a.initiated_event_id,
                failed(Some(&a.cause.to_string().into())),
            ),
            _ => return None,
        };
        let task = match &change {
            Change::Ended(_) | Change::Refused(_) => self.tasks.remove(&number)?,
            Change::Scheduled | Change::Started => self.tasks.get(&number)?.clone(),
        };
        let at = event.event_timestamp;
        Some(Step { task, change, at })
    }

    fn begin(&mut self, event: &HistoryEvent, id: &str) -> (EventId, Change) {
        let task = Task {
            number: event.event_id,
            id: id.into(),
            since: event.event_timestamp,
        };
        self.tasks.insert(event.event_id, task);
        (event.event_id, Change::Scheduled)
    }
}

fn failed(reason: Option<&SmolStr>) -> Change {
    Change::Ended(End::Failed(reason.cloned().unwrap_or_default()))
}

fn timed_out(kind: String) -> Change {
    Change::Ended(End::TimedOut(kind))
}

/// A step, for people.
pub(super) fn line(step: &Step) -> String {
    let Step { task, change, at } = step;
    let id = &task.id;
    let line = match change {
        Change::Scheduled => format!("{at}  {id} scheduled"),
        Change::Started => format!("{at}  {id} started"),
        Change::Refused(cause) => format!("{at}  {id} refused: {cause}"),
        Change::Ended(end) => format!(
            "{at}  {id} {} after {:.1} s",
            end.told(),
            at.since(task.since).as_secs_f64()
        ),
    };
    output::visible(&line).into_owned()
}

#[cfg(test)]
pub(super) mod tests {
    use simpleflow_model::types::History;

    use super::*;

    #[test]
    fn changes_of_tasks_are_lines() {
        let history = serde_json::json!({"events": [
            {"eventId": 1, "eventTimestamp": 1.5, "eventType": "ActivityTaskScheduled",
             "activityTaskScheduledEventAttributes": {
                "activityId": "activity-increment-1", "activityType": {"name": "increment", "version": "1"},
                "taskList": {"name": "list"}, "decisionTaskCompletedEventId": 0}},
            {"eventId": 2, "eventTimestamp": 2.5, "eventType": "ActivityTaskStarted",
             "activityTaskStartedEventAttributes": {"scheduledEventId": 1}},
            {"eventId": 3, "eventTimestamp": 2.6, "eventType": "TimerStarted",
             "timerStartedEventAttributes": {"timerId": "_simpleflow_wake_up_timer",
                "startToFireTimeout": "0", "decisionTaskCompletedEventId": 0}},
            {"eventId": 4, "eventTimestamp": 4.0, "eventType": "ActivityTaskFailed",
             "activityTaskFailedEventAttributes": {"reason": "Error: \u{1b}[2J\nno", "scheduledEventId": 1,
                "startedEventId": 2}},
            {"eventId": 5, "eventTimestamp": 4.0, "eventType": "ActivityTaskFailed",
             "activityTaskFailedEventAttributes": {"scheduledEventId": 1, "startedEventId": 2}},
        ]});
        let history: History = serde_json::from_value(history).unwrap();
        let mut reader = Reader::default();
        let steps = history.events.iter().filter_map(|event| reader.read(event));
        assert_eq!(
            steps.map(|step| line(&step)).collect::<Vec<_>>(),
            [
                "1970-01-01T00:00:01.500Z  activity-increment-1 scheduled",
                "1970-01-01T00:00:02.500Z  activity-increment-1 started",
                "1970-01-01T00:00:04.000Z  activity-increment-1 failed: Error: \\x1b[2J\\nno after 2.5 s",
            ]
        );
    }

    pub(in crate::progress) fn events(events: serde_json::Value) -> Vec<HistoryEvent> {
        let history = serde_json::json!({ "events": events });
        let history: History = serde_json::from_value(history).unwrap();
        history.events
    }

    fn refused(id: &str, cause: &str) -> serde_json::Value {
        serde_json::json!({"eventId": 7, "eventTimestamp": 1, "eventType": "ScheduleActivityTaskFailed",
            "scheduleActivityTaskFailedEventAttributes": {
                "activityId": id, "activityType": {"name": "increment", "version": "1"},
                "cause": cause, "decisionTaskCompletedEventId": 0}})
    }

    #[test]
    fn what_is_refused_is_told_unless_its_type_is_only_to_be_registered() {
        let events = events(serde_json::json!([
            refused("a", "ACTIVITY_TYPE_DOES_NOT_EXIST"),
            refused("b", "OPEN_ACTIVITIES_LIMIT_EXCEEDED"),
        ]));
        let mut reader = Reader::default();
        let steps = events.iter().filter_map(|event| reader.read(event));
        assert_eq!(
            steps.map(|step| line(&step)).collect::<Vec<_>>(),
            ["1970-01-01T00:00:01.000Z  b refused: OPEN_ACTIVITIES_LIMIT_EXCEEDED"]
        );
        assert!(reader.tasks.is_empty());
    }
}
