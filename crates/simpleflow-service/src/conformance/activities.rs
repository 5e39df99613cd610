//! Activity tasks, and all that becomes of them.

use simpleflow_model::decision::{RequestCancelActivityTask, ScheduleActivityTask};
use simpleflow_model::enums::ActivityTaskTimeoutType;
use simpleflow_model::operation::{
    RecordActivityTaskHeartbeat, RespondActivityTaskCanceled, RespondActivityTaskCompleted,
    RespondActivityTaskFailed,
};
use simpleflow_model::types::ActivityTask;
use simpleflow_model::{FaultKind, TaskToken};

use super::{Suite, activity_type, event, refused};
use crate::SwfService;

impl<S: SwfService> Suite<S> {
    /// Beats the heart of a task, and gives whether a cancel was asked for.
    async fn beat(&self, task: &ActivityTask, details: &str) -> bool {
        let beat = RecordActivityTaskHeartbeat {
            task_token: task.task_token.clone(),
            details: Some(details.into()),
            ..Default::default()
        };
        let status = self.service.record_activity_task_heartbeat(beat).await;
        status.unwrap().cancel_requested
    }

    pub(super) fn completed(task_token: TaskToken) -> RespondActivityTaskCompleted {
        RespondActivityTaskCompleted {
            task_token,
            result: Some("result".into()),
            ..Default::default()
        }
    }

    /// A task is handed out as it was scheduled, and its result comes to the decider.
    ///
    /// # Panics
    /// The check fails.
    pub async fn completed_activities(&self) {
        let case = self.start("completed-activity").await;
        let task = case.schedule(case.activity()).await;
        assert_eq!(task.activity_type, activity_type());
        assert_eq!(task.activity_id.as_str(), "activity");
        assert_eq!(task.input.as_deref(), Some("input"));
        assert!(!self.beat(&task, "half").await);
        let answer = Self::completed(task.task_token);
        let answer = self.service.respond_activity_task_completed(answer);
        answer.await.unwrap();
        let events = case.complete().await;
        let completed = event!(events, ActivityTaskCompleted);
        assert_eq!(completed.result.as_deref(), Some("result"));
        assert_eq!(completed.started_event_id, task.started_event_id);
        let started = event!(events, ActivityTaskStarted);
        assert_eq!(started.scheduled_event_id, completed.scheduled_event_id);
        let identity = started.identity.as_ref().map(|it| it.as_str());
        assert_eq!(identity, Some("worker"));
        let scheduled = event!(events, ActivityTaskScheduled);
        assert_eq!(scheduled.start_to_close_timeout, Some(600.into()));
    }

    /// A task fails with a reason and details.
    ///
    /// # Panics
    /// The check fails.
    pub async fn failed_activities(&self) {
        let case = self.start("failed-activity").await;
        let task = case.schedule(case.activity()).await;
        let answer = RespondActivityTaskFailed {
            task_token: task.task_token,
            reason: Some("reason".into()),
            details: Some("details".into()),
            ..Default::default()
        };
        let answer = self.service.respond_activity_task_failed(answer);
        answer.await.unwrap();
        let events = case.complete().await;
        let failed = event!(events, ActivityTaskFailed);
        assert_eq!(failed.reason.as_deref(), Some("reason"));
        assert_eq!(failed.details.as_deref(), Some("details"));
    }

    /// A worker learns with a heartbeat that its task is to be cancelled.
    ///
    /// # Panics
    /// The check fails.
    pub async fn cancelled_activities(&self) {
        let case = self.start("cancelled-activity").await;
        let task = case.schedule(case.activity()).await;
        assert!(!self.beat(&task, "").await);
        case.signal().await;
        let cancel = RequestCancelActivityTask {
            activity_id: "activity".into(),
            ..Default::default()
        };
        case.decide(vec![cancel.into()]).await;
        assert!(self.beat(&task, "").await);
        let answer = RespondActivityTaskCanceled {
            task_token: task.task_token,
            details: Some("details".into()),
            ..Default::default()
        };
        let answer = self.service.respond_activity_task_canceled(answer);
        answer.await.unwrap();
        let events = case.complete().await;
        event!(events, ActivityTaskCancelRequested);
        let canceled = event!(events, ActivityTaskCanceled);
        assert_eq!(canceled.details.as_deref(), Some("details"));
    }

    /// A task whose heart stops times out, with the details of the last beat.
    ///
    /// # Panics
    /// The check fails.
    pub async fn timed_out_activities(&self) {
        let case = self.start("timed-out-activity").await;
        let activity = ScheduleActivityTask {
            heartbeat_timeout: Some(1.into()),
            ..case.activity()
        };
        let task = case.schedule(activity).await;
        self.beat(&task, "last").await;
        let events = case.complete().await;
        let timed_out = event!(events, ActivityTaskTimedOut);
        let kind = &timed_out.timeout_type;
        assert_eq!(*kind, ActivityTaskTimeoutType::Heartbeat);
        assert_eq!(timed_out.details.as_deref(), Some("last"));
        let late = Self::completed(task.task_token);
        let late = self.service.respond_activity_task_completed(late).await;
        refused(late, FaultKind::UnknownResource, "");
    }

    /// A task is answered once, and with its token.
    ///
    /// # Panics
    /// The check fails.
    pub async fn refused_answers(&self) {
        let case = self.start("refused-answers").await;
        let task = case.schedule(case.activity()).await;
        let answer = |token| {
            let answer = Self::completed(token);
            self.service.respond_activity_task_completed(answer)
        };
        answer(task.task_token.clone()).await.unwrap();
        let again = answer(task.task_token).await;
        refused(again, FaultKind::UnknownResource, "");
        let odd = answer("no token".into()).await;
        refused(odd, FaultKind::Validation, "token");
        case.complete().await;
    }
}
