//! The builder of histories.

use std::collections::BTreeMap;
use std::time::Duration;

use simpleflow_model::enums::ActivityTaskTimeoutType;
use simpleflow_model::event::*;
use simpleflow_model::{
    ActivityId, Decision, EventAttributes, EventId, HistoryEvent, RunId, SignalName, SmolStr,
    TaskList, TimerId, Timestamp, WorkflowExecution, WorkflowId, WorkflowType,
};

use super::Decided;

/// Writes a history as SWF would have recorded it: event ids, the events of the decision tasks and
/// all cross references are right by themselves.
///
/// What happens is said in order: what the decider answered ([`decision`](Self::decision)), and
/// what became of it. What happens while a decision task is with the decider stands between
/// [`decision_started`](Self::decision_started) and [`decided`](Self::decided). Time passes by a
/// second with each step.
///
/// # Panics
/// The methods panic when the service could not have recorded what they are asked for, such as the
/// end of an activity that was not scheduled.
#[derive(Clone, Debug, Default)]
pub struct HistoryBuilder {
    events: Vec<HistoryEvent>,
    now: Timestamp,
    task_list: TaskList,
    /// The decision task that waits for a decider.
    waiting: Option<EventId>,
    /// The decision task that a decider has: its scheduled and its started event.
    started: Option<(EventId, EventId)>,
    activities: BTreeMap<ActivityId, OpenActivity>,
    timers: BTreeMap<TimerId, EventId>,
    children: BTreeMap<WorkflowId, OpenChild>,
    closed: bool,
}

#[derive(Clone, Debug)]
struct OpenActivity {
    scheduled: EventId,
    started: Option<EventId>,
    cancel_requested: Option<EventId>,
}

#[derive(Clone, Debug)]
struct OpenChild {
    initiated: EventId,
    started: Option<EventId>,
    cancel_initiated: Option<EventId>,
    execution: WorkflowExecution,
    workflow_type: WorkflowType,
}

impl HistoryBuilder {
    /// A history without an event.
    pub fn new() -> Self {
        Self {
            // Any day will do; a history has times of its own.
            now: Timestamp::from_millis(1_700_000_000_000),
            task_list: TaskList {
                name: "test".into(),
                ..TaskList::default()
            },
            ..Self::default()
        }
    }

    /// The events so far.
    pub fn events(&self) -> &[HistoryEvent] {
        &self.events
    }

    /// The events.
    pub fn build(self) -> Vec<HistoryEvent> {
        self.events
    }

    /// Whether the execution is closed.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Whether a decision task waits for a decider.
    pub fn wants_decision(&self) -> bool {
        self.waiting.is_some()
    }

    /// The open activities, and whether a worker has them.
    pub fn open_activities(&self) -> impl Iterator<Item = (&ActivityId, bool)> {
        self.activities
            .iter()
            .map(|(id, activity)| (id, activity.started.is_some()))
    }

    /// The activities whose cancel was asked for.
    pub fn cancelled_activities(&self) -> impl Iterator<Item = &ActivityId> {
        self.activities
            .iter()
            .filter(|(_, activity)| activity.cancel_requested.is_some())
            .map(|(id, _)| id)
    }

    /// The open timers.
    pub fn open_timers(&self) -> impl Iterator<Item = &TimerId> {
        self.timers.keys()
    }

    /// The open children, and whether they are started.
    pub fn open_children(&self) -> impl Iterator<Item = (&WorkflowId, bool)> {
        self.children
            .iter()
            .map(|(id, child)| (id, child.started.is_some()))
    }

    /// The execution was started with this input, JSON text.
    #[must_use]
    pub fn started(self, input: impl Into<SmolStr>) -> Self {
        self.started_as(WorkflowExecutionStarted {
            input: Some(input.into()),
            workflow_type: WorkflowType {
                name: "workflow".into(),
                version: "default".into(),
                ..WorkflowType::default()
            },
            ..WorkflowExecutionStarted::default()
        })
    }

    /// The execution was started with these attributes.
    #[must_use]
    pub fn started_as(mut self, mut attributes: WorkflowExecutionStarted) -> Self {
        assert!(self.events.is_empty(), "an execution is started once");
        if attributes.task_list.name.is_empty() {
            attributes.task_list = self.task_list.clone();
        }
        self.task_list = attributes.task_list.clone();
        self.push(attributes);
        self.schedule_decision();
        self
    }

    // Decision tasks.

    /// A decider took the decision task and answered it: nothing happened meanwhile.
    #[must_use]
    pub fn decision(self, answer: impl FnOnce(Decided) -> Decided) -> Self {
        self.decision_started().decided(answer)
    }

    /// A decider took the decision task.
    #[must_use]
    pub fn decision_started(mut self) -> Self {
        assert!(self.started.is_none(), "a decider has a decision task");
        let scheduled = self.waiting.take();
        let scheduled = scheduled.expect("something new since the last decision task");
        self.step();
        let started = self.push(DecisionTaskStarted {
            scheduled_event_id: scheduled,
            ..DecisionTaskStarted::default()
        });
        self.started = Some((scheduled, started));
        self
    }

    /// The decider answered.
    #[must_use]
    pub fn decided(self, answer: impl FnOnce(Decided) -> Decided) -> Self {
        self.decided_as(answer(Decided::default()))
    }

    /// The decider answered this, which may be [`Decisions`](crate::replay::Decisions).
    #[must_use]
    pub fn decided_as(mut self, answer: impl Into<Decided>) -> Self {
        let answer = answer.into();
        let (scheduled, started) = self.take_started();
        let completed = self.push(DecisionTaskCompleted {
            execution_context: answer.execution_context,
            scheduled_event_id: scheduled,
            started_event_id: started,
            ..DecisionTaskCompleted::default()
        });
        for (decision, refused) in answer.decisions {
            assert!(!self.closed, "a close is the last decision");
            self.record(decision, refused, completed);
        }
        self
    }

    /// The decider did not answer in time.
    #[must_use]
    pub fn decision_timed_out(mut self) -> Self {
        let (scheduled, started) = self.take_started();
        self.push(DecisionTaskTimedOut {
            scheduled_event_id: scheduled,
            started_event_id: started,
            ..DecisionTaskTimedOut::default()
        });
        self.schedule_decision();
        self
    }

    fn take_started(&mut self) -> (EventId, EventId) {
        self.step();
        self.started.take().expect("a decider has a decision task")
    }

    // Activities.

    /// A worker took an activity. What ends an activity does this first if need be.
    #[must_use]
    pub fn activity_started(mut self, id: &str) -> Self {
        self.step();
        self.start_activity(id);
        self
    }

    /// An activity completed; `result` is JSON text.
    #[must_use]
    pub fn activity_completed(mut self, id: &str, result: impl Into<SmolStr>) -> Self {
        let (scheduled_event_id, started_event_id) = self.end_activity(id);
        self.happened(ActivityTaskCompleted {
            result: Some(result.into()),
            scheduled_event_id,
            started_event_id,
            ..ActivityTaskCompleted::default()
        })
    }

    /// An activity failed.
    #[must_use]
    pub fn activity_failed(
        mut self,
        id: &str,
        reason: impl Into<SmolStr>,
        details: impl Into<SmolStr>,
    ) -> Self {
        let (scheduled_event_id, started_event_id) = self.end_activity(id);
        self.happened(ActivityTaskFailed {
            reason: Some(reason.into()),
            details: Some(details.into()),
            scheduled_event_id,
            started_event_id,
            ..ActivityTaskFailed::default()
        })
    }

    /// One of the time limits of an activity ran out.
    #[must_use]
    pub fn activity_timed_out(mut self, id: &str, timeout_type: ActivityTaskTimeoutType) -> Self {
        let (scheduled_event_id, started_event_id) = match timeout_type {
            ActivityTaskTimeoutType::ScheduleToStart => (self.close_activity(id).0, EventId(0)),
            _ => self.end_activity(id),
        };
        self.happened(ActivityTaskTimedOut {
            timeout_type,
            scheduled_event_id,
            started_event_id,
            ..ActivityTaskTimedOut::default()
        })
    }

    /// An activity was cancelled: by its worker, or by the service when no worker had it.
    #[must_use]
    pub fn activity_canceled(mut self, id: &str) -> Self {
        let (scheduled, activity) = self.close_activity(id);
        self.happened(ActivityTaskCanceled {
            scheduled_event_id: scheduled,
            started_event_id: activity.started.unwrap_or_default(),
            latest_cancel_requested_event_id: activity.cancel_requested,
            ..ActivityTaskCanceled::default()
        })
    }

    fn start_activity(&mut self, id: &str) -> EventId {
        let activity = self.activities.get(id);
        let activity = activity.unwrap_or_else(|| panic!("activity {id:?} is not open"));
        if let Some(started) = activity.started {
            return started;
        }
        let scheduled_event_id = activity.scheduled;
        let started = self.push(ActivityTaskStarted {
            scheduled_event_id,
            ..ActivityTaskStarted::default()
        });
        if let Some(activity) = self.activities.get_mut(id) {
            activity.started = Some(started);
        }
        started
    }

    fn end_activity(&mut self, id: &str) -> (EventId, EventId) {
        self.step();
        let started = self.start_activity(id);
        (self.close_activity(id).0, started)
    }

    fn close_activity(&mut self, id: &str) -> (EventId, OpenActivity) {
        let activity = self.activities.remove(id);
        let activity = activity.unwrap_or_else(|| panic!("activity {id:?} is not open"));
        (activity.scheduled, activity)
    }

    // Timers.

    /// A timer fired.
    #[must_use]
    pub fn timer_fired(mut self, id: &str) -> Self {
        let started = self.timers.remove(id);
        self.happened(TimerFired {
            timer_id: id.into(),
            started_event_id: started.unwrap_or_else(|| panic!("timer {id:?} is not open")),
            ..TimerFired::default()
        })
    }

    // Children.

    /// A child execution was started. What ends a child does this first if need be.
    #[must_use]
    pub fn child_started(mut self, workflow_id: &str) -> Self {
        self.step();
        self.start_child(workflow_id);
        self
    }

    /// A child execution was initiated, but not started; `cause` is SWF's word for why, such as
    /// `WORKFLOW_ALREADY_RUNNING`.
    #[must_use]
    pub fn child_not_started(mut self, workflow_id: &str, cause: &str) -> Self {
        let child = self.close_child(workflow_id);
        self.happened(StartChildWorkflowExecutionFailed {
            workflow_type: child.workflow_type,
            cause: cause.into(),
            workflow_id: workflow_id.into(),
            initiated_event_id: child.initiated,
            ..StartChildWorkflowExecutionFailed::default()
        })
    }

    /// A child execution completed; `result` is JSON text.
    #[must_use]
    pub fn child_completed(mut self, workflow_id: &str, result: impl Into<SmolStr>) -> Self {
        let (child, started_event_id) = self.end_child(workflow_id);
        self.happened(ChildWorkflowExecutionCompleted {
            workflow_execution: child.execution,
            workflow_type: child.workflow_type,
            result: Some(result.into()),
            initiated_event_id: child.initiated,
            started_event_id,
            ..ChildWorkflowExecutionCompleted::default()
        })
    }

    /// A child execution failed.
    #[must_use]
    pub fn child_failed(mut self, workflow_id: &str, reason: impl Into<SmolStr>) -> Self {
        let (child, started_event_id) = self.end_child(workflow_id);
        self.happened(ChildWorkflowExecutionFailed {
            workflow_execution: child.execution,
            workflow_type: child.workflow_type,
            reason: Some(reason.into()),
            initiated_event_id: child.initiated,
            started_event_id,
            ..ChildWorkflowExecutionFailed::default()
        })
    }

    /// The time of a child execution was up.
    #[must_use]
    pub fn child_timed_out(mut self, workflow_id: &str) -> Self {
        let (child, started_event_id) = self.end_child(workflow_id);
        self.happened(ChildWorkflowExecutionTimedOut {
            workflow_execution: child.execution,
            workflow_type: child.workflow_type,
            initiated_event_id: child.initiated,
            started_event_id,
            ..ChildWorkflowExecutionTimedOut::default()
        })
    }

    /// A child execution was cancelled.
    #[must_use]
    pub fn child_canceled(mut self, workflow_id: &str) -> Self {
        let (child, started_event_id) = self.end_child(workflow_id);
        self.happened(ChildWorkflowExecutionCanceled {
            workflow_execution: child.execution,
            workflow_type: child.workflow_type,
            initiated_event_id: child.initiated,
            started_event_id,
            ..ChildWorkflowExecutionCanceled::default()
        })
    }

    /// A child execution was terminated.
    #[must_use]
    pub fn child_terminated(mut self, workflow_id: &str) -> Self {
        let (child, started_event_id) = self.end_child(workflow_id);
        self.happened(ChildWorkflowExecutionTerminated {
            workflow_execution: child.execution,
            workflow_type: child.workflow_type,
            initiated_event_id: child.initiated,
            started_event_id,
            ..ChildWorkflowExecutionTerminated::default()
        })
    }

    /// The cancel that was asked for reached a child execution.
    #[must_use]
    pub fn child_cancel_delivered(mut self, workflow_id: &str) -> Self {
        let child = self.children.get_mut(workflow_id);
        let child = child.unwrap_or_else(|| panic!("child {workflow_id:?} is not open"));
        let initiated = child.cancel_initiated.take();
        let delivered = ExternalWorkflowExecutionCancelRequested {
            workflow_execution: child.execution.clone(),
            initiated_event_id: initiated
                .unwrap_or_else(|| panic!("no cancel of child {workflow_id:?} was asked for")),
            ..ExternalWorkflowExecutionCancelRequested::default()
        };
        self.happened(delivered)
    }

    fn start_child(&mut self, workflow_id: &str) -> EventId {
        let child = self.children.get(workflow_id);
        let child = child.unwrap_or_else(|| panic!("child {workflow_id:?} is not open"));
        if let Some(started) = child.started {
            return started;
        }
        let started = ChildWorkflowExecutionStarted {
            workflow_execution: child.execution.clone(),
            workflow_type: child.workflow_type.clone(),
            initiated_event_id: child.initiated,
            ..ChildWorkflowExecutionStarted::default()
        };
        let started = self.push(started);
        self.schedule_decision();
        if let Some(child) = self.children.get_mut(workflow_id) {
            child.started = Some(started);
        }
        started
    }

    fn end_child(&mut self, workflow_id: &str) -> (OpenChild, EventId) {
        self.step();
        let started = self.start_child(workflow_id);
        (self.close_child(workflow_id), started)
    }

    fn close_child(&mut self, workflow_id: &str) -> OpenChild {
        let child = self.children.remove(workflow_id);
        child.unwrap_or_else(|| panic!("child {workflow_id:?} is not open"))
    }

    // The execution itself.

    /// The execution received a signal with this input; empty for none.
    #[must_use]
    pub fn signaled(self, name: impl Into<SignalName>, input: impl Into<SmolStr>) -> Self {
        self.happened(WorkflowExecutionSignaled {
            signal_name: name.into(),
            input: Some(input.into()).filter(|input| !input.is_empty()),
            ..WorkflowExecutionSignaled::default()
        })
    }

    /// The cancel of the execution was asked for.
    #[must_use]
    pub fn cancel_requested(self) -> Self {
        self.happened(WorkflowExecutionCancelRequested::default())
    }

    /// The execution was terminated.
    #[must_use]
    pub fn terminated(self) -> Self {
        self.closed_by(WorkflowExecutionTerminated::default())
    }

    /// The time of the execution was up.
    #[must_use]
    pub fn timed_out(self) -> Self {
        self.closed_by(WorkflowExecutionTimedOut::default())
    }

    fn closed_by(mut self, attributes: impl Into<EventAttributes>) -> Self {
        self.step();
        self.push(attributes);
        self.closed = true;
        self
    }

    // How events come into the history.

    fn step(&mut self) {
        assert!(!self.closed, "the execution is closed");
        assert!(!self.events.is_empty(), "the execution is not started");
        self.now = self.now + Duration::from_secs(1);
    }

    /// Something that the decider must see.
    fn happened(mut self, attributes: impl Into<EventAttributes>) -> Self {
        self.step();
        self.push(attributes);
        self.schedule_decision();
        self
    }

    fn push(&mut self, attributes: impl Into<EventAttributes>) -> EventId {
        let id = EventId(self.events.len() as i64 + 1);
        self.events
            .push(HistoryEvent::new(id, self.now, attributes));
        id
    }

    fn schedule_decision(&mut self) {
        if self.waiting.is_none() {
            let scheduled = self.push(DecisionTaskScheduled {
                task_list: self.task_list.clone(),
                ..DecisionTaskScheduled::default()
            });
            self.waiting = Some(scheduled);
        }
    }

    /// Records what the service made of a decision.
    fn record(&mut self, decision: Decision, refused: Option<SmolStr>, completed: EventId) {
        let refused = refused.or_else(|| self.must_refuse(&decision).map(SmolStr::new_static));
        match refused {
            Some(cause) => self.record_refusal(decision, &cause, completed),
            None => self.record_success(decision, completed),
        }
    }

    /// The cause for which the service refuses a decision, as far as the history tells.
    fn must_refuse(&self, decision: &Decision) -> Option<&'static str> {
        use Decision as D;
        match decision {
            D::ScheduleActivityTask(d) if self.activities.contains_key(&d.activity_id) => {
                Some("ACTIVITY_ID_ALREADY_IN_USE")
            }
            D::RequestCancelActivityTask(d) if !self.activities.contains_key(&d.activity_id) => {
                Some("ACTIVITY_ID_UNKNOWN")
            }
            D::StartTimer(d) if self.timers.contains_key(&d.timer_id) => {
                Some("TIMER_ID_ALREADY_IN_USE")
            }
            D::CancelTimer(d) if !self.timers.contains_key(&d.timer_id) => Some("TIMER_ID_UNKNOWN"),
            D::RequestCancelExternalWorkflowExecution(d)
                if !self.children.contains_key(&d.workflow_id) =>
            {
                Some("UNKNOWN_EXTERNAL_WORKFLOW_EXECUTION")
            }
            D::CompleteWorkflowExecution(_)
            | D::FailWorkflowExecution(_)
            | D::CancelWorkflowExecution(_)
            | D::ContinueAsNewWorkflowExecution(_)
                if self.waiting.is_some() =>
            {
                Some("UNHANDLED_DECISION")
            }
            _ => None,
        }
    }

    fn record_refusal(
        &mut self,
        decision: Decision,
        cause: &str,
        decision_task_completed_event_id: EventId,
    ) {
        use Decision as D;
        let attributes: EventAttributes = match decision {
            D::ScheduleActivityTask(d) => ScheduleActivityTaskFailed {
                activity_type: d.activity_type,
                activity_id: d.activity_id,
                cause: cause.into(),
                decision_task_completed_event_id,
                ..ScheduleActivityTaskFailed::default()
            }
            .into(),
            D::RequestCancelActivityTask(d) => RequestCancelActivityTaskFailed {
                activity_id: d.activity_id,
                cause: cause.into(),
                decision_task_completed_event_id,
                ..RequestCancelActivityTaskFailed::default()
            }
            .into(),
            D::StartTimer(d) => StartTimerFailed {
                timer_id: d.timer_id,
                cause: cause.into(),
                decision_task_completed_event_id,
                ..StartTimerFailed::default()
            }
            .into(),
            D::CancelTimer(d) => CancelTimerFailed {
                timer_id: d.timer_id,
                cause: cause.into(),
                decision_task_completed_event_id,
                ..CancelTimerFailed::default()
            }
            .into(),
            D::RecordMarker(d) => RecordMarkerFailed {
                marker_name: d.marker_name,
                cause: cause.into(),
                decision_task_completed_event_id,
                ..RecordMarkerFailed::default()
            }
            .into(),
            D::StartChildWorkflowExecution(d) => StartChildWorkflowExecutionFailed {
                workflow_type: d.workflow_type,
                cause: cause.into(),
                workflow_id: d.workflow_id,
                decision_task_completed_event_id,
                ..StartChildWorkflowExecutionFailed::default()
            }
            .into(),
            D::RequestCancelExternalWorkflowExecution(d) => {
                let initiated_event_id =
                    self.push(RequestCancelExternalWorkflowExecutionInitiated {
                        workflow_id: d.workflow_id.clone(),
                        run_id: d.run_id.clone(),
                        decision_task_completed_event_id,
                        ..RequestCancelExternalWorkflowExecutionInitiated::default()
                    });
                RequestCancelExternalWorkflowExecutionFailed {
                    workflow_id: d.workflow_id,
                    run_id: d.run_id,
                    cause: cause.into(),
                    initiated_event_id,
                    decision_task_completed_event_id,
                    ..RequestCancelExternalWorkflowExecutionFailed::default()
                }
                .into()
            }
            D::CompleteWorkflowExecution(_) => CompleteWorkflowExecutionFailed {
                cause: cause.into(),
                decision_task_completed_event_id,
                ..CompleteWorkflowExecutionFailed::default()
            }
            .into(),
            D::FailWorkflowExecution(_) => FailWorkflowExecutionFailed {
                cause: cause.into(),
                decision_task_completed_event_id,
                ..FailWorkflowExecutionFailed::default()
            }
            .into(),
            D::CancelWorkflowExecution(_) => CancelWorkflowExecutionFailed {
                cause: cause.into(),
                decision_task_completed_event_id,
                ..CancelWorkflowExecutionFailed::default()
            }
            .into(),
            D::ContinueAsNewWorkflowExecution(_) => ContinueAsNewWorkflowExecutionFailed {
                cause: cause.into(),
                decision_task_completed_event_id,
                ..ContinueAsNewWorkflowExecutionFailed::default()
            }
            .into(),
            other => panic!(
                "the builder has no {} that is refused",
                other.decision_type()
            ),
        };
        self.push(attributes);
        self.schedule_decision();
    }

    fn record_success(&mut self, decision: Decision, decision_task_completed_event_id: EventId) {
        use Decision as D;
        match decision {
            D::ScheduleActivityTask(d) => {
                let activity_id = d.activity_id.clone();
                let scheduled = self.push(ActivityTaskScheduled {
                    activity_type: d.activity_type,
                    activity_id: d.activity_id,
                    input: d.input,
                    control: d.control,
                    schedule_to_start_timeout: d.schedule_to_start_timeout,
                    schedule_to_close_timeout: d.schedule_to_close_timeout,
                    start_to_close_timeout: d.start_to_close_timeout,
                    task_list: d.task_list.unwrap_or_default(),
                    task_priority: d.task_priority,
                    decision_task_completed_event_id,
                    heartbeat_timeout: d.heartbeat_timeout,
                    ..ActivityTaskScheduled::default()
                });
                let activity = OpenActivity {
                    scheduled,
                    started: None,
                    cancel_requested: None,
                };
                self.activities.insert(activity_id, activity);
            }
            D::RequestCancelActivityTask(d) => {
                let requested = self.push(ActivityTaskCancelRequested {
                    decision_task_completed_event_id,
                    activity_id: d.activity_id.clone(),
                    ..ActivityTaskCancelRequested::default()
                });
                if let Some(activity) = self.activities.get_mut(&d.activity_id) {
                    activity.cancel_requested = Some(requested);
                }
            }
            D::StartTimer(d) => {
                let started = self.push(TimerStarted {
                    timer_id: d.timer_id.clone(),
                    control: d.control,
                    start_to_fire_timeout: d.start_to_fire_timeout,
                    decision_task_completed_event_id,
                    ..TimerStarted::default()
                });
                self.timers.insert(d.timer_id, started);
            }
            D::CancelTimer(d) => {
                let started_event_id = self.timers.remove(&d.timer_id).unwrap_or_default();
                self.push(TimerCanceled {
                    timer_id: d.timer_id,
                    started_event_id,
                    decision_task_completed_event_id,
                    ..TimerCanceled::default()
                });
            }
            D::RecordMarker(d) => {
                self.push(MarkerRecorded {
                    marker_name: d.marker_name,
                    details: d.details,
                    decision_task_completed_event_id,
                    ..MarkerRecorded::default()
                });
            }
            D::StartChildWorkflowExecution(d) => {
                let initiated = self.push(StartChildWorkflowExecutionInitiated {
                    workflow_id: d.workflow_id.clone(),
                    workflow_type: d.workflow_type.clone(),
                    control: d.control,
                    input: d.input,
                    execution_start_to_close_timeout: d.execution_start_to_close_timeout,
                    task_list: d.task_list.unwrap_or_default(),
                    task_priority: d.task_priority,
                    decision_task_completed_event_id,
                    child_policy: d.child_policy.unwrap_or_default(),
                    task_start_to_close_timeout: d.task_start_to_close_timeout,
                    tag_list: d.tag_list,
                    ..StartChildWorkflowExecutionInitiated::default()
                });
                let child = OpenChild {
                    initiated,
                    started: None,
                    cancel_initiated: None,
                    execution: WorkflowExecution {
                        workflow_id: d.workflow_id.clone(),
                        run_id: RunId::from(format!("run-{initiated}")),
                        ..WorkflowExecution::default()
                    },
                    workflow_type: d.workflow_type,
                };
                self.children.insert(d.workflow_id, child);
            }
            D::RequestCancelExternalWorkflowExecution(d) => {
                let initiated = self.push(RequestCancelExternalWorkflowExecutionInitiated {
                    workflow_id: d.workflow_id.clone(),
                    run_id: d.run_id,
                    decision_task_completed_event_id,
                    ..RequestCancelExternalWorkflowExecutionInitiated::default()
                });
                if let Some(child) = self.children.get_mut(&d.workflow_id) {
                    child.cancel_initiated = Some(initiated);
                }
            }
            D::CompleteWorkflowExecution(d) => self.close(WorkflowExecutionCompleted {
                result: d.result,
                decision_task_completed_event_id,
                ..WorkflowExecutionCompleted::default()
            }),
            D::FailWorkflowExecution(d) => self.close(WorkflowExecutionFailed {
                reason: d.reason,
                details: d.details,
                decision_task_completed_event_id,
                ..WorkflowExecutionFailed::default()
            }),
            D::CancelWorkflowExecution(d) => self.close(WorkflowExecutionCanceled {
                details: d.details,
                decision_task_completed_event_id,
                ..WorkflowExecutionCanceled::default()
            }),
            D::ContinueAsNewWorkflowExecution(d) => {
                self.close(WorkflowExecutionContinuedAsNew {
                    input: d.input,
                    decision_task_completed_event_id,
                    new_execution_run_id: "next".into(),
                    execution_start_to_close_timeout: d.execution_start_to_close_timeout,
                    task_list: d.task_list.unwrap_or_default(),
                    task_priority: d.task_priority,
                    task_start_to_close_timeout: d.task_start_to_close_timeout,
                    child_policy: d.child_policy.unwrap_or_default(),
                    tag_list: d.tag_list,
                    lambda_role: d.lambda_role,
                    ..WorkflowExecutionContinuedAsNew::default()
                });
            }
            other => panic!("the builder has no {}", other.decision_type()),
        }
    }

    fn close(&mut self, attributes: impl Into<EventAttributes>) {
        self.push(attributes);
        self.closed = true;
    }
}
