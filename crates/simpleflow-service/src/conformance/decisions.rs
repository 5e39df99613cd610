//! Decisions that the service takes, and those that it refuses.

use simpleflow_model::decision::{
    CancelTimer, CompleteWorkflowExecution, RecordMarker, RequestCancelActivityTask,
    ScheduleActivityTask, StartTimer,
};
use simpleflow_model::enums::{
    CancelTimerFailedCause, CompleteWorkflowExecutionFailedCause,
    RequestCancelActivityTaskFailedCause, ScheduleActivityTaskFailedCause, StartTimerFailedCause,
};
use simpleflow_model::operation::{DescribeWorkflowExecution, RespondDecisionTaskCompleted};
use simpleflow_model::{FaultKind, Timeout};

use super::{Suite, event, refused, types};
use crate::SwfService;

fn timer(id: &str, after: impl Into<Timeout>) -> StartTimer {
    StartTimer {
        timer_id: id.into(),
        control: Some("control".into()),
        start_to_fire_timeout: after.into(),
        ..Default::default()
    }
}

impl<S: SwfService> Suite<S> {
    /// Decisions take effect in their order, and the context of the execution is kept.
    ///
    /// # Panics
    /// The check fails.
    pub async fn decisions_in_order(&self) {
        let case = self.start("decisions").await;
        let task = case.decision_task().await;
        let marker = RecordMarker {
            marker_name: "marker".into(),
            details: Some("details".into()),
            ..Default::default()
        };
        let answer = RespondDecisionTaskCompleted {
            task_token: task.task_token,
            decisions: Some(vec![
                timer("timer", 600).into(),
                marker.into(),
                case.activity().into(),
            ]),
            execution_context: Some("context".into()),
            ..Default::default()
        };
        let service = &self.service;
        let respond = |answer| service.respond_decision_task_completed(answer);
        respond(answer.clone()).await.unwrap();
        let again = respond(answer).await;
        refused(again, FaultKind::UnknownResource, "");

        let events = case.events().await;
        let expected = [
            "WorkflowExecutionStarted",
            "DecisionTaskScheduled",
            "DecisionTaskStarted",
            "DecisionTaskCompleted",
            "TimerStarted",
            "MarkerRecorded",
            "ActivityTaskScheduled",
        ];
        assert_eq!(types(&events), expected);
        let marker = event!(events, MarkerRecorded);
        assert_eq!(marker.marker_name.as_str(), "marker");
        assert_eq!(marker.details.as_deref(), Some("details"));
        let identity = event!(events, DecisionTaskStarted).identity.as_ref();
        assert_eq!(identity.map(|it| it.as_str()), Some("decider"));

        let describe = DescribeWorkflowExecution {
            domain: self.domain.clone(),
            execution: case.execution.clone(),
            ..Default::default()
        };
        let described = service.describe_workflow_execution(describe).await.unwrap();
        let context = described.latest_execution_context;
        assert_eq!(context.as_deref(), Some("context"));
        assert_eq!(described.open_counts.open_timers, 1);
        assert_eq!(described.open_counts.open_activity_tasks, 1);
        case.terminate().await;
    }

    /// A decision that cannot be carried out is an event that says why, and another task.
    ///
    /// # Panics
    /// The check fails.
    pub async fn refused_decisions(&self) {
        let case = self.start("refusals").await;
        let mut unknown = case.activity();
        unknown.activity_type.name = "no-such".into();
        let cancel = RequestCancelActivityTask {
            activity_id: "no-such".into(),
            ..Default::default()
        };
        let cancel_timer = CancelTimer {
            timer_id: "no-such".into(),
            ..Default::default()
        };
        case.decide(vec![
            unknown.into(),
            cancel.into(),
            cancel_timer.into(),
            timer("timer", 600).into(),
            timer("timer", 600).into(),
            case.activity().into(),
            ScheduleActivityTask {
                input: None,
                ..case.activity()
            }
            .into(),
        ])
        .await;
        let task = case.decision_task().await;
        let events = &task.events;
        let causes: Vec<_> = events
            .iter()
            .filter_map(|event| match &event.attributes {
                simpleflow_model::EventAttributes::ScheduleActivityTaskFailed(failed) => {
                    Some(failed.cause.clone())
                }
                _ => None,
            })
            .collect();
        let expected = [
            ScheduleActivityTaskFailedCause::ActivityTypeDoesNotExist,
            ScheduleActivityTaskFailedCause::ActivityIdAlreadyInUse,
        ];
        assert_eq!(causes, expected);
        let cause = &event!(events, RequestCancelActivityTaskFailed).cause;
        let unknown = RequestCancelActivityTaskFailedCause::ActivityIdUnknown;
        assert_eq!(*cause, unknown);
        let cause = &event!(events, CancelTimerFailed).cause;
        assert_eq!(*cause, CancelTimerFailedCause::TimerIdUnknown);
        let cause = &event!(events, StartTimerFailed).cause;
        assert_eq!(*cause, StartTimerFailedCause::TimerIdAlreadyInUse);

        // What the decider has not seen keeps the execution open.
        case.signal().await;
        let close = CompleteWorkflowExecution::default();
        case.answer(task.task_token, vec![close.into()]).await;
        let events = case.complete().await;
        let cause = &event!(events, CompleteWorkflowExecutionFailed).cause;
        let unhandled = CompleteWorkflowExecutionFailedCause::UnhandledDecision;
        assert_eq!(*cause, unhandled);
        event!(case.events().await, WorkflowExecutionCompleted);
    }

    /// A timer fires when its time is up, unless it was cancelled.
    ///
    /// # Panics
    /// The check fails.
    pub async fn timers(&self) {
        let case = self.start("timers").await;
        case.decide(vec![
            timer("cancelled", 1).into(),
            timer("soon", 1).into(),
            CancelTimer {
                timer_id: "cancelled".into(),
                ..Default::default()
            }
            .into(),
        ])
        .await;
        let events = case.complete().await;
        let cancelled = event!(events, TimerCanceled);
        assert_eq!(cancelled.timer_id.as_str(), "cancelled");
        let fired = event!(events, TimerFired);
        assert_eq!(fired.timer_id.as_str(), "soon");
        let started = event!(events, TimerStarted);
        assert_eq!(started.control.as_deref(), Some("control"));
        let at = |id: simpleflow_model::EventId| events[id.0 as usize - 1].event_timestamp;
        let fired_at = events
            .iter()
            .find(|event| event.attributes.event_type() == "TimerFired")
            .map(|event| event.event_timestamp)
            .unwrap();
        let waited = fired_at.since(at(fired.started_event_id));
        // To the millisecond, as the service keeps time.
        assert!(waited.as_millis() >= 999, "{waited:?}");
    }
}
