//! The builder of histories.

mod record;

use std::collections::BTreeMap;
use std::time::Duration;

use simpleflow_model::enums::{ActivityTaskTimeoutType, LambdaFunctionTimeoutType};
use simpleflow_model::event::*;
use simpleflow_model::{
    ActivityId, EventAttributes, EventId, FunctionId, HistoryEvent, RunId, SignalName, SmolStr,
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
    /// The signals that were sent and not delivered yet, in order.
    signals: Vec<SentSignal>,
    lambdas: BTreeMap<FunctionId, OpenLambda>,
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

#[derive(Clone, Debug)]
struct OpenLambda {
    scheduled: EventId,
    started: Option<EventId>,
}

#[derive(Clone, Debug)]
struct SentSignal {
    initiated: EventId,
    decided: EventId,
    workflow_id: WorkflowId,
    run_id: Option<RunId>,
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

    /// The open Lambda functions, and whether they run.
    pub fn open_lambda_functions(&self) -> impl Iterator<Item = (&FunctionId, bool)> {
        self.lambdas
            .iter()
            .map(|(id, lambda)| (id, lambda.started.is_some()))
    }

    /// The receivers of the signals that were sent and not delivered yet.
    pub fn signals_under_way(&self) -> impl Iterator<Item = &WorkflowId> {
        self.signals.iter().map(|signal| &signal.workflow_id)
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

    // Lambda functions.

    /// A Lambda function was started. What ends one does this first if need be.
    #[must_use]
    pub fn lambda_started(mut self, id: &str) -> Self {
        self.step();
        self.start_lambda(id);
        self
    }

    /// A Lambda function completed; `result` is JSON text.
    #[must_use]
    pub fn lambda_completed(mut self, id: &str, result: impl Into<SmolStr>) -> Self {
        let (scheduled_event_id, started_event_id) = self.end_lambda(id);
        self.happened(LambdaFunctionCompleted {
            result: Some(result.into()),
            scheduled_event_id,
            started_event_id,
            ..LambdaFunctionCompleted::default()
        })
    }

    /// A Lambda function failed.
    #[must_use]
    pub fn lambda_failed(
        mut self,
        id: &str,
        reason: impl Into<SmolStr>,
        details: impl Into<SmolStr>,
    ) -> Self {
        let (scheduled_event_id, started_event_id) = self.end_lambda(id);
        self.happened(LambdaFunctionFailed {
            reason: Some(reason.into()),
            details: Some(details.into()),
            scheduled_event_id,
            started_event_id,
            ..LambdaFunctionFailed::default()
        })
    }

    /// The time of a Lambda function was up.
    #[must_use]
    pub fn lambda_timed_out(mut self, id: &str) -> Self {
        let (scheduled_event_id, started_event_id) = self.end_lambda(id);
        self.happened(LambdaFunctionTimedOut {
            timeout_type: Some(LambdaFunctionTimeoutType::StartToClose),
            scheduled_event_id,
            started_event_id,
            ..LambdaFunctionTimedOut::default()
        })
    }

    /// A Lambda function could not be started; `cause` is SWF's word for why, such as
    /// `ASSUME_ROLE_FAILED`.
    #[must_use]
    pub fn lambda_not_started(
        mut self,
        id: &str,
        cause: &str,
        message: impl Into<SmolStr>,
    ) -> Self {
        let lambda = self.close_lambda(id);
        self.happened(StartLambdaFunctionFailed {
            scheduled_event_id: Some(lambda.scheduled),
            cause: Some(cause.into()),
            message: Some(message.into()),
            ..StartLambdaFunctionFailed::default()
        })
    }

    fn start_lambda(&mut self, id: &str) -> EventId {
        let lambda = self.lambdas.get(id);
        let lambda = lambda.unwrap_or_else(|| panic!("Lambda function {id:?} is not open"));
        if let Some(started) = lambda.started {
            return started;
        }
        let started = self.push(LambdaFunctionStarted {
            scheduled_event_id: lambda.scheduled,
            ..LambdaFunctionStarted::default()
        });
        if let Some(lambda) = self.lambdas.get_mut(id) {
            lambda.started = Some(started);
        }
        started
    }

    fn end_lambda(&mut self, id: &str) -> (EventId, EventId) {
        self.step();
        let started = self.start_lambda(id);
        (self.close_lambda(id).scheduled, started)
    }

    fn close_lambda(&mut self, id: &str) -> OpenLambda {
        let lambda = self.lambdas.remove(id);
        lambda.unwrap_or_else(|| panic!("Lambda function {id:?} is not open"))
    }

    // Signals to other executions.

    /// The first signal to this execution that is under way was delivered.
    #[must_use]
    pub fn signal_delivered(mut self, workflow_id: &str) -> Self {
        let signal = self.take_signal(workflow_id);
        self.happened(ExternalWorkflowExecutionSignaled {
            workflow_execution: WorkflowExecution {
                workflow_id: signal.workflow_id,
                run_id: signal.run_id.unwrap_or_else(|| "run".into()),
                ..WorkflowExecution::default()
            },
            initiated_event_id: signal.initiated,
            ..ExternalWorkflowExecutionSignaled::default()
        })
    }

    /// The first signal to this execution that is under way was not delivered; `cause` is SWF's
    /// word for why, such as `UNKNOWN_EXTERNAL_WORKFLOW_EXECUTION`.
    #[must_use]
    pub fn signal_not_delivered(mut self, workflow_id: &str, cause: &str) -> Self {
        let signal = self.take_signal(workflow_id);
        self.happened(SignalExternalWorkflowExecutionFailed {
            workflow_id: signal.workflow_id,
            run_id: signal.run_id,
            cause: cause.into(),
            initiated_event_id: signal.initiated,
            decision_task_completed_event_id: signal.decided,
            ..SignalExternalWorkflowExecutionFailed::default()
        })
    }

    fn take_signal(&mut self, workflow_id: &str) -> SentSignal {
        let mut under_way = self.signals.iter();
        match under_way.position(|signal| *signal.workflow_id == *workflow_id) {
            Some(index) => self.signals.remove(index),
            None => panic!("no signal to {workflow_id:?} is under way"),
        }
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

    /// The execution received a signal with this input from another execution.
    #[must_use]
    pub fn signaled_by(
        self,
        name: impl Into<SignalName>,
        input: impl Into<SmolStr>,
        workflow_id: impl Into<WorkflowId>,
        run_id: impl Into<RunId>,
    ) -> Self {
        self.happened(WorkflowExecutionSignaled {
            signal_name: name.into(),
            input: Some(input.into()),
            external_workflow_execution: Some(WorkflowExecution {
                workflow_id: workflow_id.into(),
                run_id: run_id.into(),
                ..WorkflowExecution::default()
            }),
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
}
