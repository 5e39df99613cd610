//! Executions that deal with others.

use simpleflow_model::decision::{
    CompleteWorkflowExecution, RequestCancelExternalWorkflowExecution,
    SignalExternalWorkflowExecution, StartChildWorkflowExecution,
};
use simpleflow_model::enums::{
    SignalExternalWorkflowExecutionFailedCause, StartChildWorkflowExecutionFailedCause,
    WorkflowExecutionCancelRequestedCause, WorkflowExecutionTerminatedCause,
};
use simpleflow_model::{ChildPolicy, EventAttributes, HistoryEvent};

use super::case::Case;
use super::{PATIENCE, Suite, event, list, workflow_type};
use crate::SwfService;

fn start_child(id: &str) -> StartChildWorkflowExecution {
    StartChildWorkflowExecution {
        workflow_type: workflow_type(),
        workflow_id: id.into(),
        input: Some("input".into()),
        control: Some("control".into()),
        task_list: Some(list(id)),
        ..Default::default()
    }
}

fn has(events: &[HistoryEvent], is: impl Fn(&EventAttributes) -> bool) -> bool {
    events.iter().any(|event| is(&event.attributes))
}

impl<S: SwfService> Suite<S> {
    /// The child that is started last in a history.
    fn child(&self, events: &[HistoryEvent]) -> Case<'_, S> {
        let started = event!(events, ChildWorkflowExecutionStarted);
        let execution = started.workflow_execution.clone();
        self.case(execution.workflow_id, execution.run_id)
    }

    /// A child starts with its parent, and its result comes to the parent.
    ///
    /// # Panics
    /// The check fails.
    pub async fn children(&self) {
        let parent = self.start("parent").await;
        let mut unknown = start_child("unknown-child");
        unknown.workflow_type.name = "no-such".into();
        let decisions = vec![start_child("child").into(), unknown.into()];
        parent.decide(decisions).await;
        // The refusal and the start come with one decision task or two.
        let mut events = Vec::new();
        while !has(&events, |it| {
            matches!(it, EventAttributes::ChildWorkflowExecutionStarted(_))
        }) {
            events = parent.decide(vec![]).await;
        }
        let cause = &event!(events, StartChildWorkflowExecutionFailed).cause;
        let unknown = StartChildWorkflowExecutionFailedCause::WorkflowTypeDoesNotExist;
        assert_eq!(*cause, unknown);

        let child = self.child(&events);
        let result = CompleteWorkflowExecution {
            result: Some("result".into()),
            ..Default::default()
        };
        let events = child.decide(vec![result.into()]).await;
        let started = event!(events, WorkflowExecutionStarted);
        assert_eq!(started.input.as_deref(), Some("input"));
        let its_parent = started.parent_workflow_execution.as_ref();
        assert_eq!(its_parent, Some(&parent.execution));
        let events = parent.complete().await;
        let completed = event!(events, ChildWorkflowExecutionCompleted);
        assert_eq!(completed.result.as_deref(), Some("result"));
        assert_eq!(completed.workflow_execution, child.execution);
        let initiated = event!(events, StartChildWorkflowExecutionInitiated);
        assert_eq!(initiated.child_policy, ChildPolicy::Terminate);
    }

    /// Starts an execution and a child of it, whose first decision task is answered.
    async fn start_family(&self, name: &str) -> [Case<'_, S>; 2] {
        let parent = self.start(name).await;
        let child = start_child(&format!("{name}-child"));
        parent.decide(vec![child.into()]).await;
        let child = self.child(&parent.decide(vec![]).await);
        child.decide(vec![]).await;
        [parent, child]
    }

    /// The children of an execution that is terminated end as its policy says.
    ///
    /// # Panics
    /// The check fails.
    pub async fn child_policies(&self) {
        let [parent, child] = self.start_family("terminating").await;
        parent.terminate().await;
        let mut events = child.events().await;
        for _ in 0..PATIENCE {
            if has(&events, |it| {
                matches!(it, EventAttributes::WorkflowExecutionTerminated(_))
            }) {
                break;
            }
            events = child.events().await;
        }
        let cause = event!(events, WorkflowExecutionTerminated).cause.clone();
        let policy = WorkflowExecutionTerminatedCause::ChildPolicyApplied;
        assert_eq!(cause, Some(policy));

        let [parent, child] = self.start_family("cancelling").await;
        let mut terminate = parent.terminate_request();
        terminate.child_policy = Some(ChildPolicy::RequestCancel);
        let terminate = self.service.terminate_workflow_execution(terminate);
        terminate.await.unwrap();
        let events = child.complete().await;
        let cause = event!(events, WorkflowExecutionCancelRequested)
            .cause
            .clone();
        let policy = WorkflowExecutionCancelRequestedCause::ChildPolicyApplied;
        assert_eq!(cause, Some(policy));
    }

    /// An execution signals and cancels another.
    ///
    /// # Panics
    /// The check fails.
    pub async fn external_executions(&self) {
        let case = self.start("caller").await;
        let other = self.start("called").await;
        other.decide(vec![]).await;
        let signal = SignalExternalWorkflowExecution {
            workflow_id: other.execution.workflow_id.clone(),
            signal_name: "signal".into(),
            input: Some("from another".into()),
            ..Default::default()
        };
        let cancel = RequestCancelExternalWorkflowExecution {
            workflow_id: other.execution.workflow_id.clone(),
            ..Default::default()
        };
        let unknown = SignalExternalWorkflowExecution {
            workflow_id: "no-such".into(),
            ..signal.clone()
        };
        let decisions = vec![signal.into(), cancel.into(), unknown.into()];
        case.decide(decisions).await;

        // Each may have a decision task of its own.
        let mut events = Vec::new();
        while !(has(&events, |it| {
            matches!(it, EventAttributes::WorkflowExecutionSignaled(_))
        }) && has(&events, |it| {
            matches!(it, EventAttributes::WorkflowExecutionCancelRequested(_))
        })) {
            events = other.decide(vec![]).await;
        }
        let signaled = event!(events, WorkflowExecutionSignaled);
        assert_eq!(signaled.input.as_deref(), Some("from another"));
        let sender = signaled.external_workflow_execution.as_ref();
        assert_eq!(sender, Some(&case.execution));

        let mut events = Vec::new();
        while !(has(&events, |it| {
            matches!(it, EventAttributes::ExternalWorkflowExecutionSignaled(_))
        }) && has(&events, |it| {
            matches!(
                it,
                EventAttributes::ExternalWorkflowExecutionCancelRequested(_)
            )
        }) && has(&events, |it| {
            matches!(
                it,
                EventAttributes::SignalExternalWorkflowExecutionFailed(_)
            )
        })) {
            events = case.decide(vec![]).await;
        }
        let cause = &event!(events, SignalExternalWorkflowExecutionFailed).cause;
        let unknown = SignalExternalWorkflowExecutionFailedCause::UnknownExternalWorkflowExecution;
        assert_eq!(*cause, unknown);
        case.terminate().await;
        other.terminate().await;
    }
}
