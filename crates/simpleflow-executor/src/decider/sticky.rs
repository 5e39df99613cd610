//! Decision tasks that come back to the decider that keeps their execution.
//!
//! With every answer a decider asks for its own task list for the next decision task, for a limited
//! time: when it is gone, the service puts the task back on the original list. A service that knows
//! nothing of this leaves its tasks where they were, which its history shows.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;

use simpleflow_model::{EventAttributes, EventId, HistoryEvent, TaskList, TaskListName, Timeout};
use tokio_util::sync::CancellationToken;

/// How long a task may wait on a decider's own list by default, in seconds. A decider that is gone
/// delays each execution that it kept by this once.
pub(super) const SCHEDULE_TO_START: u32 = 10;

/// A decider's own task list.
#[derive(Clone, Debug)]
pub(super) struct Sticky {
    pub list: TaskListName,
    /// How long a task may wait on it, in seconds.
    pub schedule_to_start: u32,
    /// Cancelled when the service turns out not to support it. The pollers of a pool share it.
    pub unsupported: CancellationToken,
}

impl Sticky {
    /// The own lists of a pool's pollers. Their names are nobody else's: a decider with another
    /// program would leave a task that it does not know until its time is up.
    pub fn pool(schedule_to_start: u32) -> impl Fn(usize) -> Self {
        let host: String = crate::identity::host()
            .chars()
            .take(100)
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .collect();
        let process = format!("{host}-{}", std::process::id());
        let random = RandomState::new().hash_one(&process);
        let unsupported = CancellationToken::new();
        move |number| Self {
            list: format!("sticky-{process}-{random:016x}-{number}").into(),
            schedule_to_start,
            unsupported: unsupported.clone(),
        }
    }

    pub fn is_supported(&self) -> bool {
        !self.unsupported.is_cancelled()
    }

    /// The list and the limit that go with an answer: for a decider that stops, the execution's
    /// original list for good.
    pub fn next_list(
        &self,
        original: &TaskListName,
        stopping: bool,
    ) -> (Option<TaskList>, Option<Timeout>) {
        let list = |name: &TaskListName| TaskList {
            name: name.clone(),
            ..TaskList::default()
        };
        match (self.is_supported(), stopping) {
            (false, _) => (None, None),
            (true, true) => (Some(list(original)), None),
            (true, false) => (
                Some(list(&self.list)),
                Some(Timeout::Seconds(self.schedule_to_start)),
            ),
        }
    }

    /// Looks at what came of the answer to the task of that started event, which asked for the own
    /// list.
    pub fn check(&self, answered: EventId, events: &[HistoryEvent]) {
        if self.is_supported() && is_ignored(&self.list, answered, events) {
            tracing::info!(
                "the service does not support task lists of deciders: executions are replayed in \
                 full where another decider gets their tasks"
            );
            self.unsupported.cancel();
        }
    }
}

fn is_ignored(own: &TaskListName, answered: EventId, events: &[HistoryEvent]) -> bool {
    use EventAttributes as E;
    let mut events = events.iter().map(|event| &event.attributes);
    let completed = events.find_map(|attributes| match attributes {
        E::DecisionTaskCompleted(a) if a.started_event_id == answered => Some(a),
        _ => None,
    });
    let Some(completed) = completed else {
        return false;
    };
    if completed.task_list.as_ref().map(|list| &list.name) != Some(own) {
        return true;
    }
    // It was recorded; whether it was heeded shows in the next task, unless one timed out before.
    let next = events.find_map(|attributes| match attributes {
        E::DecisionTaskScheduled(a) => Some(a.task_list.name == *own),
        E::DecisionTaskTimedOut(_) => Some(true),
        _ => None,
    });
    next == Some(false)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn events(tail: &[serde_json::Value]) -> Vec<HistoryEvent> {
        let event = |(index, event): (usize, &serde_json::Value)| {
            let mut event = event.clone();
            event["eventId"] = (index + 4).into();
            event["eventTimestamp"] = 1_700_000_000.into();
            serde_json::from_value(event).unwrap()
        };
        tail.iter().enumerate().map(event).collect()
    }

    fn completed(list: Option<&str>) -> serde_json::Value {
        let mut attributes = json!({ "scheduledEventId": 2, "startedEventId": 3 });
        if let Some(list) = list {
            attributes["taskList"] = json!({ "name": list });
        }
        json!({ "eventType": "DecisionTaskCompleted", "decisionTaskCompletedEventAttributes": attributes })
    }

    fn scheduled(list: &str) -> serde_json::Value {
        json!({
            "eventType": "DecisionTaskScheduled",
            "decisionTaskScheduledEventAttributes": { "taskList": { "name": list } }
        })
    }

    fn timed_out() -> serde_json::Value {
        json!({
            "eventType": "DecisionTaskTimedOut",
            "decisionTaskTimedOutEventAttributes": {
                "scheduledEventId": 5, "startedEventId": 0, "timeoutType": "SCHEDULE_TO_START"
            }
        })
    }

    #[test]
    fn a_service_that_ignores_the_list_is_found_out() {
        let sticky = || Sticky::pool(10)(0);
        let cases: &[(&str, &[serde_json::Value], bool)] = &[
            ("nothing is known yet", &[], true),
            ("not recorded", &[completed(None)], false),
            ("another's", &[completed(Some("other"))], false),
            ("recorded", &[completed(Some("OWN"))], true),
            ("heeded", &[completed(Some("OWN")), scheduled("OWN")], true),
            (
                "queued before the answer",
                &[scheduled("shared"), completed(Some("OWN"))],
                true,
            ),
            (
                "not heeded",
                &[completed(Some("OWN")), scheduled("shared")],
                false,
            ),
            (
                "reverted",
                &[completed(Some("OWN")), timed_out(), scheduled("shared")],
                true,
            ),
        ];
        for (name, tail, expected) in cases {
            let sticky = sticky();
            let text = serde_json::to_string(tail).unwrap();
            let tail: Vec<_> = serde_json::from_str(&text.replace("OWN", &sticky.list)).unwrap();
            sticky.check(EventId(3), &events(&tail));
            assert_eq!(sticky.is_supported(), *expected, "{name}");
        }
    }

    #[test]
    fn each_poller_has_a_list_of_its_own() {
        let (one, other) = (Sticky::pool(10), Sticky::pool(10));
        let mut names: Vec<_> = [one(0), one(1), other(0)].map(|s| s.list).into();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), 3);
        assert!(names.iter().all(|name| name.len() <= 256));
        one(0).unsupported.cancel();
        assert!(!one(1).is_supported());
        assert!(other(0).is_supported());
    }
}
