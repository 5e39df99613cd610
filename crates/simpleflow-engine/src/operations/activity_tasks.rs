//! What activity workers do: poll, heartbeat, respond.

use simpleflow_model::event::*;
use simpleflow_model::operation::*;
use simpleflow_model::types::{ActivityTask, ActivityTaskStatus, PendingTaskCount};
use simpleflow_model::{EventAttributes, EventId, Fault, TaskToken, Timestamp};

use super::tasks::{StartedTask, pending};
use crate::check::check;
use crate::execution::{Activity, ExecutionKey, Heartbeat};
use crate::token::{TaskKind, TaskRef, parse_task_token, task_token};
use crate::{Engine, fault};

impl Engine {
    /// Hands out the first activity task of a task list, if it has one. Never waits.
    ///
    /// # Errors
    /// `ValidationException`; `UnknownResourceFault`.
    pub fn poll_for_activity_task(
        &mut self,
        request: &PollForActivityTask,
        now: Timestamp,
    ) -> Result<Option<ActivityTask>, Fault> {
        check::<PollForActivityTask>(request)?;
        self.advance(now);
        let (domain, list) = (&request.domain, &request.task_list.name);
        let started = |scheduled_event_id| ActivityTaskStarted {
            identity: request.identity.clone(),
            scheduled_event_id,
            ..Default::default()
        };
        while let Some(task) = self.start_task(domain, TaskKind::Activity, list, started)? {
            if let Some(task) = self.activity_task(task) {
                return Ok(Some(task));
            }
        }
        Ok(None)
    }

    /// Hands an activity task out again that did not arrive where it was handed out. Its events
    /// must be in memory: [`needed_by_task`](Self::needed_by_task).
    ///
    /// # Errors
    /// `ValidationException`; `UnknownResourceFault` where the task is over.
    pub fn activity_task_again(
        &mut self,
        request: &PollForActivityTask,
        token: &TaskToken,
        now: Timestamp,
    ) -> Result<ActivityTask, Fault> {
        check::<PollForActivityTask>(request)?;
        self.advance(now);
        let (key, task, _) = self.started_activity(token)?;
        self.activity_task((key, task.scheduled, task.started))
            .ok_or_else(|| fault::unknown_activity(task.scheduled))
    }

    fn activity_task(&self, (key, scheduled, started): StartedTask) -> Option<ActivityTask> {
        let execution = self.executions.get(&key)?;
        let EventAttributes::ActivityTaskScheduled(a) = &execution.event(scheduled)?.attributes
        else {
            return None;
        };
        let start = (started, execution.event(started)?.event_timestamp);
        Some(ActivityTask {
            task_token: task_token(TaskKind::Activity, &execution.id.run_id, scheduled, start),
            activity_id: a.activity_id.clone(),
            started_event_id: started,
            workflow_execution: execution.id.clone(),
            activity_type: a.activity_type.clone(),
            input: a.input.clone(),
            ..Default::default()
        })
    }

    /// Says that a worker is at an activity task, and whether its cancel was asked for. It is no
    /// event; its details are those of the task's timeout.
    ///
    /// # Errors
    /// `ValidationException`; `UnknownResourceFault` where the task is over.
    pub fn record_activity_task_heartbeat(
        &mut self,
        request: &RecordActivityTaskHeartbeat,
        now: Timestamp,
    ) -> Result<ActivityTaskStatus, Fault> {
        check::<RecordActivityTaskHeartbeat>(request)?;
        self.advance(now);
        let (key, task, activity) = self.started_activity(&request.task_token)?;
        let cancel_requested = activity.cancel_requested.is_some();
        let heartbeat = Heartbeat {
            at: self.now,
            details: request.details.clone(),
        };
        self.note_heartbeat(key, task.scheduled, heartbeat);
        Ok(ActivityTaskStatus {
            cancel_requested,
            ..Default::default()
        })
    }

    /// Says that an activity task is done.
    ///
    /// # Errors
    /// `ValidationException`; `UnknownResourceFault` where the task is over.
    pub fn respond_activity_task_completed(
        &mut self,
        request: &RespondActivityTaskCompleted,
        now: Timestamp,
    ) -> Result<(), Fault> {
        check::<RespondActivityTaskCompleted>(request)?;
        self.advance(now);
        let (key, task, _) = self.started_activity(&request.task_token)?;
        let completed = ActivityTaskCompleted {
            result: request.result.clone(),
            scheduled_event_id: task.scheduled,
            started_event_id: task.started,
            ..Default::default()
        };
        self.append_for_decider(key, completed);
        self.settle();
        Ok(())
    }

    /// Says that an activity task failed.
    ///
    /// # Errors
    /// `ValidationException`; `UnknownResourceFault` where the task is over.
    pub fn respond_activity_task_failed(
        &mut self,
        request: &RespondActivityTaskFailed,
        now: Timestamp,
    ) -> Result<(), Fault> {
        check::<RespondActivityTaskFailed>(request)?;
        self.advance(now);
        let (key, task, _) = self.started_activity(&request.task_token)?;
        let failed = ActivityTaskFailed {
            reason: request.reason.clone(),
            details: request.details.clone(),
            scheduled_event_id: task.scheduled,
            started_event_id: task.started,
            ..Default::default()
        };
        self.append_for_decider(key, failed);
        self.settle();
        Ok(())
    }

    /// Says that an activity task is cancelled, whether that was asked for or not (recorded).
    ///
    /// # Errors
    /// `ValidationException`; `UnknownResourceFault` where the task is over.
    pub fn respond_activity_task_canceled(
        &mut self,
        request: &RespondActivityTaskCanceled,
        now: Timestamp,
    ) -> Result<(), Fault> {
        check::<RespondActivityTaskCanceled>(request)?;
        self.advance(now);
        let (key, task, activity) = self.started_activity(&request.task_token)?;
        let canceled = ActivityTaskCanceled {
            details: request.details.clone(),
            scheduled_event_id: task.scheduled,
            started_event_id: task.started,
            latest_cancel_requested_event_id: activity.cancel_requested,
            ..Default::default()
        };
        self.append_for_decider(key, canceled);
        self.settle();
        Ok(())
    }

    /// How many activity tasks wait in a task list.
    ///
    /// # Errors
    /// `UnknownResourceFault`.
    pub fn count_pending_activity_tasks(
        &mut self,
        request: &CountPendingActivityTasks,
        now: Timestamp,
    ) -> Result<PendingTaskCount, Fault> {
        check::<CountPendingActivityTasks>(request)?;
        self.advance(now);
        let domain = self.domain(&request.domain)?;
        Ok(pending(domain.activity_tasks.len(&request.task_list.name)))
    }

    /// The activity task that a token means, if a worker has it still.
    pub(crate) fn started_activity(
        &self,
        token: &TaskToken,
    ) -> Result<(ExecutionKey, TaskRef, &Activity), Fault> {
        let task = parse_task_token(TaskKind::Activity, token)?;
        let open = || {
            let key = *self.runs.get(task.run_id.as_str())?;
            let execution = self.executions.get(&key)?;
            let activity = execution.state.activities.get(task.scheduled)?;
            let (started, at) = activity.started?;
            let has_it = execution.is_open() && task.is_start(started, at);
            has_it.then_some((key, activity))
        };
        match open() {
            Some((key, activity)) => Ok((key, task, activity)),
            None => Err(fault::unknown_activity(task.scheduled)),
        }
    }

    /// Cancels an activity task that was asked to be cancelled before a worker took it.
    pub(super) fn cancel_unstarted_activity(&mut self, key: ExecutionKey, scheduled: EventId) {
        let Some(execution) = self.executions.get(&key) else {
            return;
        };
        let Some(activity) = execution.state.activities.get(scheduled) else {
            return;
        };
        if activity.started.is_some() {
            return;
        }
        let canceled = ActivityTaskCanceled {
            scheduled_event_id: scheduled,
            started_event_id: EventId(0),
            latest_cancel_requested_event_id: activity.cancel_requested,
            ..Default::default()
        };
        self.append_for_decider(key, canceled);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use simpleflow_model::FaultKind;

    use crate::testing::*;

    #[test]
    fn each_time_limit_of_an_activity_task_fires() {
        // Limits, whether it is started, after how many seconds, and which limit that is.
        let cases = [
            (
                json!({ "scheduleToStartTimeout": "5" }),
                false,
                5,
                "SCHEDULE_TO_START",
            ),
            (
                json!({ "scheduleToCloseTimeout": "6" }),
                false,
                6,
                "SCHEDULE_TO_CLOSE",
            ),
            (
                json!({ "scheduleToCloseTimeout": "6" }),
                true,
                6,
                "SCHEDULE_TO_CLOSE",
            ),
            (
                json!({ "startToCloseTimeout": "7" }),
                true,
                7,
                "START_TO_CLOSE",
            ),
            (json!({ "heartbeatTimeout": "8" }), true, 8, "HEARTBEAT"),
        ];
        for (limits, started, seconds, which) in cases {
            let mut w = World::new();
            let run = w.begin(&[activity("a", limits)]);
            let task = started.then(|| w.work().unwrap());
            let before = w.types(&run, 1).len();
            w.pass(seconds - 1);
            assert_eq!(w.types(&run, 1).len(), before, "{which} is early");
            w.pass(1);
            assert_eq!(
                w.types(&run, before + 1),
                ["ActivityTaskTimedOut", "DecisionTaskScheduled"]
            );
            let event = w.event(&run, before + 1);
            assert_eq!(event["timeoutType"], which);
            assert_eq!(event["scheduledEventId"], 5);
            assert_eq!(event["startedEventId"], if started { 6 } else { 0 });
            // A task that timed out is not handed out, and an answer comes too late.
            assert_eq!(w.work(), None);
            if let Some(task) = task {
                refused(
                    w.work_done(&task.task_token),
                    FaultKind::UnknownResource,
                    "Unknown activity, scheduledEventId = 5",
                );
            }
        }
    }

    #[test]
    fn limits_that_do_not_apply_yet_do_not_fire() {
        let mut w = World::new();
        let limits = json!({ "startToCloseTimeout": "1", "heartbeatTimeout": "1" });
        let run = w.begin(&[activity("a", limits)]);
        w.pass(100);
        assert_eq!(w.types(&run, 6), [""; 0]);
        // Once it is started it cannot time out as not started.
        let run = {
            let mut w = World::new();
            let run = w.begin(&[activity("a", json!({ "scheduleToStartTimeout": "5" }))]);
            w.work().unwrap();
            w.pass(100);
            w.types(&run, 7).len()
        };
        assert_eq!(run, 0);
    }

    #[test]
    fn a_heartbeat_moves_its_limit_and_keeps_its_details() {
        let mut w = World::new();
        let run = w.begin(&[activity("a", json!({ "heartbeatTimeout": "8" }))]);
        let token = w.work().unwrap().task_token;
        for step in 0..3 {
            w.pass(7);
            let details = format!("step {step}");
            let beat = json!({ "taskToken": token, "details": details });
            let status = w
                .engine
                .record_activity_task_heartbeat(&shape(beat), w.now)
                .unwrap();
            assert!(!status.cancel_requested);
        }
        assert_eq!(w.types(&run, 7), [""; 0], "a heartbeat is no event");
        w.pass(8);
        let event = w.last(&run, "ActivityTaskTimedOut");
        assert_eq!(event["timeoutType"], "HEARTBEAT");
        assert_eq!(event["details"], "step 2");
        let late = json!({ "taskToken": token });
        refused(
            w.engine.record_activity_task_heartbeat(&shape(late), w.now),
            FaultKind::UnknownResource,
            "Unknown activity, scheduledEventId = 5",
        );
    }

    #[test]
    fn a_worker_hears_of_a_cancel_by_its_heartbeat() {
        let mut w = World::new();
        let run = w.begin(&[activity("a", json!({}))]);
        let token = w.work().unwrap().task_token;
        w.signal("w").unwrap();
        w.decide(&[decision(
            "RequestCancelActivityTask",
            json!({ "activityId": "a" }),
        )]);
        assert_eq!(w.types(&run, 11), ["ActivityTaskCancelRequested"]);
        let beat = json!({ "taskToken": token });
        let status = w
            .engine
            .record_activity_task_heartbeat(&shape(beat), w.now)
            .unwrap();
        assert!(status.cancel_requested);
        let answer = json!({ "taskToken": token, "details": "x" });
        w.engine
            .respond_activity_task_canceled(&shape(answer), w.now)
            .unwrap();
        let expected = json!({
            "scheduledEventId": 5, "startedEventId": 6, "details": "x",
            "latestCancelRequestedEventId": 11,
        });
        assert_eq!(w.event(&run, 12), expected);
    }

    #[test]
    fn a_task_that_no_worker_has_is_cancelled_by_the_service_after_the_batch() {
        let mut w = World::new();
        let cancel = decision("RequestCancelActivityTask", json!({ "activityId": "a" }));
        let marker = decision("RecordMarker", json!({ "markerName": "m" }));
        let run = w.begin(&[activity("a", json!({})), cancel, marker]);
        assert_eq!(
            w.types(&run, 5),
            [
                "ActivityTaskScheduled",
                "ActivityTaskCancelRequested",
                "MarkerRecorded",
                "ActivityTaskCanceled",
                "DecisionTaskScheduled"
            ]
        );
        assert_eq!(w.event(&run, 8)["startedEventId"], 0);
        assert_eq!(w.work(), None);
    }

    #[test]
    fn the_higher_priority_is_first_and_then_who_came_first() {
        let mut w = World::new();
        let priority = |id, value: &str| activity(id, json!({ "taskPriority": value }));
        w.begin(&[
            activity("none", json!({})),
            priority("low", "-1"),
            priority("high", "9"),
            priority("high again", "9"),
        ]);
        let count = json!({ "domain": "d", "taskList": { "name": "workers" } });
        let count: simpleflow_model::operation::CountPendingActivityTasks = shape(count);
        let pending = |w: &mut World| {
            let now = w.now;
            let answer = w.engine.count_pending_activity_tasks(&count, now);
            answer.unwrap().count
        };
        assert_eq!(pending(&mut w), 4);
        let order: Vec<_> = std::iter::from_fn(|| w.work())
            .map(|task| task.activity_id.to_string())
            .collect();
        assert_eq!(order, ["high", "high again", "none", "low"]);
        assert_eq!(pending(&mut w), 0);
    }

    #[test]
    fn tasks_of_several_executions_are_handed_out_as_they_came() {
        let mut w = World::new();
        w.start("first");
        w.start("second");
        let (first, second) = (w.poll(), w.poll());
        // Both respond at the same time, the second before the first.
        for task in [second, first] {
            w.try_respond(&task.task_token, &[activity("a", json!({}))], json!({}))
                .unwrap();
        }
        let next = |w: &mut World| w.work().unwrap().workflow_execution.workflow_id.to_string();
        assert_eq!(next(&mut w), "second");
        assert_eq!(next(&mut w), "first");
    }

    #[test]
    fn answers_are_checked() {
        let mut w = World::new();
        let run = w.begin(&[activity("a", json!({}))]);
        let token = w.work().unwrap().task_token;
        let long = "x".repeat(32_769);
        let request = shape(json!({ "taskToken": token, "result": long }));
        let fault = w
            .engine
            .respond_activity_task_completed(&request, w.now)
            .unwrap_err();
        assert_eq!(fault.kind, FaultKind::Validation);
        assert!(fault.message.ends_with(
            "at 'result' failed to satisfy constraint: \
             Member must have length less than or equal to 32768"
        ));
        let damaged = format!("{token}x").into();
        refused(
            w.work_done(&damaged),
            FaultKind::Validation,
            "Invalid token",
        );
        w.work_done(&token).unwrap();
        assert_eq!(
            w.types(&run, 7),
            ["ActivityTaskCompleted", "DecisionTaskScheduled"]
        );
        // The second answer comes too late.
        refused(
            w.work_done(&token),
            FaultKind::UnknownResource,
            "Unknown activity, scheduledEventId = 5",
        );
    }

    #[test]
    fn the_tasks_of_a_closed_execution_are_over() {
        let mut w = World::new();
        let run = w.begin(&[activity("a", json!({})), activity("b", json!({}))]);
        let token = w.work().unwrap().task_token;
        w.terminate("w", json!({})).unwrap();
        assert_eq!(w.work(), None);
        refused(
            w.work_done(&token),
            FaultKind::UnknownResource,
            "Unknown activity, scheduledEventId = 5",
        );
        // Recorded: a closed run still counts what it left open.
        assert_eq!(w.open_counts(&run)["openActivityTasks"], 2);
        let retention = w.engine.next_deadline().unwrap();
        assert_eq!(retention.since(w.now).as_secs(), 86_400);
    }
}
