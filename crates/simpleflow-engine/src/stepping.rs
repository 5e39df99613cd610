//! One thing at a time, for who chooses what happens next: whose decision task is taken, and what
//! falls due.

use simpleflow_model::enums::ActivityTaskTimeoutType;
use simpleflow_model::event::DecisionTaskStarted;
use simpleflow_model::operation::PollForDecisionTask;
use simpleflow_model::types::DecisionTask;
use simpleflow_model::{EventId, RunId, TaskToken, Timestamp};

use crate::Engine;
use crate::execution::{ExecutionKey, Slot};

/// Something of an execution that falls due at some time, if nothing happens before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// When.
    pub at: Timestamp,
    /// The run.
    pub run_id: RunId,
    /// What of it.
    pub what: DueTask,
    place: (ExecutionKey, Slot),
}

/// What of an execution falls due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DueTask {
    /// The execution's own time limit.
    Execution,
    /// The time limit of its decision task.
    DecisionTask,
    /// A time limit of the activity task that was scheduled with this event.
    ActivityTask(EventId, ActivityTaskTimeoutType),
    /// The timer that was started with this event.
    Timer(EventId),
    /// The time limit of the Lambda function that was scheduled with this event.
    LambdaFunction(EventId),
    /// The retention of the closed execution.
    Retention,
}

/// A task that somebody works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskAtWork {
    /// Whether its cancel was asked for.
    pub cancel_requested: bool,
    /// When its time is up, however often its heart beats.
    pub ends: Option<Timestamp>,
}

impl Engine {
    /// All that falls due, in the order of time.
    pub fn dues(&self) -> impl Iterator<Item = Due> {
        self.deadlines.iter().filter_map(|(at, key, slot)| {
            let execution = self.executions.get(&key)?;
            let what = match slot {
                Slot::Execution => DueTask::Execution,
                Slot::Decision => DueTask::DecisionTask,
                Slot::Activity(scheduled) => {
                    let heartbeat = execution.live.heartbeat(scheduled).map(|beat| beat.at);
                    let activity = execution.state.activities.get(scheduled)?;
                    DueTask::ActivityTask(scheduled, activity.timeout_type(heartbeat)?)
                }
                Slot::Timer(started) => DueTask::Timer(started),
                Slot::Lambda(scheduled) => DueTask::LambdaFunction(scheduled),
                Slot::Record => DueTask::Retention,
            };
            Some(Due {
                at,
                run_id: execution.id.run_id.clone(),
                what,
                place: (key, slot),
            })
        })
    }

    /// Lets the time come to when something is due, and lets it happen, before all else that is due
    /// at the same time: the next command brings that. Whether it was due still.
    pub fn fire_due(&mut self, due: &Due) -> bool {
        self.advance(Timestamp::from_micros(due.at.as_micros() - 1));
        let (key, slot) = due.place;
        if !self.deadlines.remove(due.at, key, slot) {
            return false;
        }
        self.now = self.now.max(due.at);
        self.fire(key, slot);
        self.settle();
        true
    }

    /// Hands out the decision task of a run, wherever it waits, if one does. Of its events it has
    /// the first page.
    pub fn decision_task_of(&mut self, run_id: &RunId, now: Timestamp) -> Option<DecisionTask> {
        self.advance(now);
        let key = *self.runs.get(run_id.as_str())?;
        let waiting = self
            .executions
            .get(&key)?
            .standing(Slot::Decision)
            .waiting?;
        let started = DecisionTaskStarted {
            scheduled_event_id: waiting.scheduled,
            ..Default::default()
        };
        let started = self.append(key, started)?;
        self.settle();
        self.first_page(key, started, &PollForDecisionTask::default())
    }

    /// What is known of an activity task that a worker has; nothing when the task is over.
    pub fn activity_at_work(&self, token: &TaskToken) -> Option<TaskAtWork> {
        let (_, _, activity) = self.started_activity(token).ok()?;
        Some(TaskAtWork {
            cancel_requested: activity.cancel_requested.is_some(),
            ends: activity.has_to_end(),
        })
    }

    /// What is known of a Lambda function that was started; nothing when it is over.
    pub fn lambda_function_at_work(
        &self,
        run_id: &RunId,
        scheduled: EventId,
    ) -> Option<TaskAtWork> {
        let key = self.runs.get(run_id.as_str())?;
        let execution = self.executions.get(key).filter(|e| e.is_open())?;
        execution.state.lambdas.get(scheduled)?.started?;
        Some(TaskAtWork {
            cancel_requested: false,
            ends: execution.standing(Slot::Lambda(scheduled)).deadline,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::*;

    #[test]
    fn what_is_due_at_once_happens_in_the_order_that_is_chosen() {
        let mut w = World::new();
        let run = w.begin(&[timer("a", 5), timer("b", 5), timer("c", 4)]);
        let dues: Vec<_> = w.engine.dues().collect();
        let timers = |dues: &[Due]| {
            let timers = dues.iter().filter(|d| matches!(d.what, DueTask::Timer(_)));
            timers.cloned().collect::<Vec<_>>()
        };
        let [c, a, b]: [Due; 3] = timers(&dues).try_into().unwrap();
        assert!(c.at < a.at && a.at == b.at);
        assert!(w.engine.fire_due(&b), "what was due before it is over");
        assert!(!w.engine.fire_due(&c));
        assert_eq!(w.engine.now(), b.at);
        w.engine.advance(b.at);
        let fired: Vec<_> = (1..=w.types(&run, 1).len())
            .map(|id| w.event(&run, id))
            .filter(|event| event.get("startedEventId").is_some())
            .filter_map(|event| event.get("timerId").cloned())
            .collect();
        assert_eq!(fired, ["c", "b", "a"]);
    }

    #[test]
    fn the_decision_task_of_a_run_is_taken_before_older_ones() {
        let mut w = World::new();
        let (first, second) = (w.start("first"), w.start("second"));
        let task = w.engine.decision_task_of(&second, w.now).unwrap();
        assert_eq!(task.workflow_execution.run_id, second);
        assert_eq!(task.events.len(), 3);
        assert_eq!(w.engine.decision_task_of(&second, w.now), None);
        w.try_respond(&task.task_token, &[complete()], json!({}))
            .unwrap();
        assert_eq!(w.poll().workflow_execution.run_id, first);
        assert_eq!(w.poll_with(json!({})), None);
    }

    #[test]
    fn an_activity_at_work_tells_of_its_cancel_and_of_its_end() {
        let mut w = World::new();
        let limits = json!({ "startToCloseTimeout": "50", "heartbeatTimeout": "9" });
        w.begin(&[activity("a", limits), timer("t", 1)]);
        let task = w.work().unwrap();
        let end = Timestamp::from_millis(w.now.as_micros() / 1_000 + 50_000);
        let told = |w: &World| {
            let at_work = w.engine.activity_at_work(&task.task_token)?;
            Some((at_work.cancel_requested, at_work.ends))
        };
        assert_eq!(told(&w), Some((false, Some(end))));
        w.pass(1);
        let cancel = json!({ "activityId": "a" });
        w.decide(&[decision("RequestCancelActivityTask", cancel)]);
        assert_eq!(told(&w), Some((true, Some(end))));
        w.work_done(&task.task_token).unwrap();
        assert_eq!(told(&w), None);
    }
}
