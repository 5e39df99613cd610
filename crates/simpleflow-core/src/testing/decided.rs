//! What a decider answered, for the builder of histories.

use simpleflow_model::decision::{
    CancelTimer, CancelWorkflowExecution, CompleteWorkflowExecution,
    ContinueAsNewWorkflowExecution, FailWorkflowExecution, RecordMarker, RequestCancelActivityTask,
    RequestCancelExternalWorkflowExecution, ScheduleActivityTask, ScheduleLambdaFunction,
    SignalExternalWorkflowExecution, StartChildWorkflowExecution, StartTimer,
};
use simpleflow_model::{
    ActivityId, ActivityType, Decision, FunctionId, FunctionName, MarkerName, SignalName, SmolStr,
    TaskList, Timeout, TimerId, TypeName, WorkflowId, WorkflowType,
};

use crate::replay::Decisions;

/// The answer to a decision task, decision by decision. See
/// [`HistoryBuilder::decision`](super::HistoryBuilder::decision).
#[derive(Clone, Debug, Default)]
pub struct Decided {
    /// Each decision, and the cause for which the service refused it.
    pub(super) decisions: Vec<(Decision, Option<SmolStr>)>,
    pub(super) execution_context: Option<SmolStr>,
}

impl From<Decisions> for Decided {
    fn from(answer: Decisions) -> Self {
        Self {
            decisions: answer.decisions.into_iter().map(|d| (d, None)).collect(),
            execution_context: answer.execution_context,
        }
    }
}

impl Decided {
    /// Any decision.
    #[must_use]
    pub fn decide(mut self, decision: impl Into<Decision>) -> Self {
        self.decisions.push((decision.into(), None));
        self
    }

    /// The service refused the last decision: `cause` is SWF's word for why, such as
    /// `ACTIVITY_TYPE_DOES_NOT_EXIST`.
    ///
    /// What follows from the history alone is refused without this: an id that is in use, the
    /// cancel of what is not open, a close when something new has happened.
    ///
    /// # Panics
    /// When there is no decision before.
    #[must_use]
    pub fn refused(mut self, cause: impl Into<SmolStr>) -> Self {
        let (_, refused) = self.decisions.last_mut().expect("a decision to refuse");
        *refused = Some(cause.into());
        self
    }

    /// An activity was scheduled.
    #[must_use]
    pub fn schedule_activity(self, id: impl Into<ActivityId>, name: impl Into<TypeName>) -> Self {
        self.decide(ScheduleActivityTask {
            activity_type: ActivityType {
                name: name.into(),
                version: "default".into(),
                ..ActivityType::default()
            },
            activity_id: id.into(),
            task_list: Some(TaskList {
                name: "default".into(),
                ..TaskList::default()
            }),
            ..ScheduleActivityTask::default()
        })
    }

    /// The cancel of an activity was asked for.
    #[must_use]
    pub fn cancel_activity(self, id: impl Into<ActivityId>) -> Self {
        self.decide(RequestCancelActivityTask {
            activity_id: id.into(),
            ..RequestCancelActivityTask::default()
        })
    }

    /// A timer was started.
    #[must_use]
    pub fn start_timer(self, id: impl Into<TimerId>, seconds: u32) -> Self {
        self.decide(StartTimer {
            timer_id: id.into(),
            start_to_fire_timeout: Timeout::Seconds(seconds),
            ..StartTimer::default()
        })
    }

    /// A timer was cancelled.
    #[must_use]
    pub fn cancel_timer(self, id: impl Into<TimerId>) -> Self {
        self.decide(CancelTimer {
            timer_id: id.into(),
            ..CancelTimer::default()
        })
    }

    /// A child execution was started.
    #[must_use]
    pub fn start_child(
        self,
        workflow_id: impl Into<WorkflowId>,
        name: impl Into<TypeName>,
    ) -> Self {
        self.decide(StartChildWorkflowExecution {
            workflow_type: WorkflowType {
                name: name.into(),
                version: "default".into(),
                ..WorkflowType::default()
            },
            workflow_id: workflow_id.into(),
            ..StartChildWorkflowExecution::default()
        })
    }

    /// The cancel of a child execution was asked for.
    #[must_use]
    pub fn cancel_child(self, workflow_id: impl Into<WorkflowId>) -> Self {
        self.decide(RequestCancelExternalWorkflowExecution {
            workflow_id: workflow_id.into(),
            ..RequestCancelExternalWorkflowExecution::default()
        })
    }

    /// A Lambda function was scheduled.
    #[must_use]
    pub fn schedule_lambda(self, id: impl Into<FunctionId>, name: impl Into<FunctionName>) -> Self {
        self.decide(ScheduleLambdaFunction {
            id: id.into(),
            name: name.into(),
            ..ScheduleLambdaFunction::default()
        })
    }

    /// A signal was sent to the open run of an execution, without input.
    #[must_use]
    pub fn signal(self, name: impl Into<SignalName>, workflow_id: impl Into<WorkflowId>) -> Self {
        self.decide(SignalExternalWorkflowExecution {
            workflow_id: workflow_id.into(),
            signal_name: name.into(),
            ..SignalExternalWorkflowExecution::default()
        })
    }

    /// A marker was recorded; `details` is JSON text.
    #[must_use]
    pub fn marker(self, name: impl Into<MarkerName>, details: impl Into<SmolStr>) -> Self {
        self.decide(RecordMarker {
            marker_name: name.into(),
            details: Some(details.into()),
            ..RecordMarker::default()
        })
    }

    /// The execution completed; `result` is JSON text.
    #[must_use]
    pub fn complete(self, result: impl Into<SmolStr>) -> Self {
        self.decide(CompleteWorkflowExecution {
            result: Some(result.into()),
            ..CompleteWorkflowExecution::default()
        })
    }

    /// The execution failed.
    #[must_use]
    pub fn fail(self, reason: impl Into<SmolStr>) -> Self {
        self.decide(FailWorkflowExecution {
            reason: Some(reason.into()),
            ..FailWorkflowExecution::default()
        })
    }

    /// The execution was cancelled.
    #[must_use]
    pub fn cancel(self) -> Self {
        self.decide(CancelWorkflowExecution::default())
    }

    /// The execution continued as new; `input` is JSON text.
    #[must_use]
    pub fn continue_as_new(self, input: impl Into<SmolStr>) -> Self {
        self.decide(ContinueAsNewWorkflowExecution {
            input: Some(input.into()),
            ..ContinueAsNewWorkflowExecution::default()
        })
    }

    /// The execution context that the decider left.
    #[must_use]
    pub fn execution_context(mut self, context: impl Into<SmolStr>) -> Self {
        self.execution_context = Some(context.into());
        self
    }
}
