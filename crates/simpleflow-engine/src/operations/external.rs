//! What reaches an execution from outside: signals, cancel requests and termination, by a caller
//! or by another execution.

use simpleflow_model::enums::*;
use simpleflow_model::event::*;
use simpleflow_model::operation::{
    RequestCancelWorkflowExecution, SignalWorkflowExecution, TerminateWorkflowExecution,
};
use simpleflow_model::{
    DomainName, EventAttributes, EventId, Fault, RunId, Timestamp, WorkflowExecution, WorkflowId,
};

use crate::check::check;
use crate::execution::ExecutionKey;
use crate::{Engine, fault};

impl Engine {
    /// Signals an open execution.
    ///
    /// # Errors
    /// `ValidationException`; `UnknownResourceFault`, also where the execution is closed.
    pub fn signal_workflow_execution(
        &mut self,
        request: &SignalWorkflowExecution,
        now: Timestamp,
    ) -> Result<(), Fault> {
        check::<SignalWorkflowExecution>(request)?;
        self.advance(now);
        let key = self.open_target(&request.domain, &request.workflow_id, &request.run_id)?;
        let signaled = WorkflowExecutionSignaled {
            signal_name: request.signal_name.clone(),
            input: request.input.clone(),
            // A signal that no execution sent says 0 in all recordings.
            external_initiated_event_id: Some(EventId(0)),
            ..Default::default()
        };
        self.append_for_decider(key, signaled);
        self.settle();
        Ok(())
    }

    /// Asks for the cancel of an open execution. What comes of it is its decider's business; each
    /// request is an event.
    ///
    /// # Errors
    /// `ValidationException`; `UnknownResourceFault`, also where the execution is closed.
    pub fn request_cancel_workflow_execution(
        &mut self,
        request: &RequestCancelWorkflowExecution,
        now: Timestamp,
    ) -> Result<(), Fault> {
        check::<RequestCancelWorkflowExecution>(request)?;
        self.advance(now);
        let key = self.open_target(&request.domain, &request.workflow_id, &request.run_id)?;
        let requested = WorkflowExecutionCancelRequested {
            external_initiated_event_id: Some(EventId(0)),
            ..Default::default()
        };
        self.append_for_decider(key, requested);
        self.settle();
        Ok(())
    }

    /// Terminates an open execution. The child policy of the request, or else its own, is applied
    /// to its children.
    ///
    /// # Errors
    /// `ValidationException`; `UnknownResourceFault`, also where the execution is closed.
    pub fn terminate_workflow_execution(
        &mut self,
        request: &TerminateWorkflowExecution,
        now: Timestamp,
    ) -> Result<(), Fault> {
        check::<TerminateWorkflowExecution>(request)?;
        self.advance(now);
        let key = self.open_target(&request.domain, &request.workflow_id, &request.run_id)?;
        let own_policy = self
            .executions
            .get(&key)
            .map(|e| &e.state.start.child_policy);
        let Some(child_policy) = request.child_policy.as_ref().or(own_policy).cloned() else {
            return Ok(());
        };
        let terminated = WorkflowExecutionTerminated {
            reason: request.reason.clone(),
            details: request.details.clone(),
            child_policy,
            cause: Some(WorkflowExecutionTerminatedCause::OperatorInitiated),
            ..Default::default()
        };
        self.append(key, terminated);
        self.settle();
        Ok(())
    }

    /// The open execution that a request means; an empty run id is none.
    fn open_target(
        &self,
        domain: &DomainName,
        workflow_id: &WorkflowId,
        run_id: &Option<RunId>,
    ) -> Result<ExecutionKey, Fault> {
        self.domain(domain)?;
        self.find_open(domain, workflow_id, run_id)
            .ok_or_else(|| fault::unknown_execution(workflow_id, given(run_id)))
    }

    fn find_open(
        &self,
        domain: &DomainName,
        workflow_id: &WorkflowId,
        run_id: &Option<RunId>,
    ) -> Option<ExecutionKey> {
        let domain = self.domains.get(domain.as_str())?;
        let key = *domain.open.get(workflow_id.as_str())?;
        match given(run_id) {
            Some(run_id) if self.executions.get(&key)?.id.run_id != *run_id => None,
            _ => Some(key),
        }
    }

    /// Delivers a signal from one execution to another, and tells the sender.
    pub(super) fn deliver_signal(&mut self, source: ExecutionKey, initiated: EventId) {
        let Some(sender) = self.executions.get(&source) else {
            return;
        };
        let Some(EventAttributes::SignalExternalWorkflowExecutionInitiated(signal)) =
            sender.event(initiated).map(|event| &event.attributes)
        else {
            return;
        };
        let target = self.find_open(&sender.domain, &signal.workflow_id, &signal.run_id);
        let delivered = WorkflowExecutionSignaled {
            signal_name: signal.signal_name.clone(),
            input: signal.input.clone(),
            external_workflow_execution: Some(sender.id.clone()),
            external_initiated_event_id: Some(initiated),
            ..Default::default()
        };
        let told = |workflow_execution| ExternalWorkflowExecutionSignaled {
            workflow_execution,
            initiated_event_id: initiated,
            ..Default::default()
        };
        use SignalExternalWorkflowExecutionFailedCause as Cause;
        let failed = SignalExternalWorkflowExecutionFailed {
            workflow_id: signal.workflow_id.clone(),
            run_id: signal.run_id.clone(),
            cause: Cause::UnknownExternalWorkflowExecution,
            initiated_event_id: initiated,
            decision_task_completed_event_id: signal.decision_task_completed_event_id,
            control: signal.control.clone(),
            ..Default::default()
        };
        self.deliver(source, target, delivered, told, failed);
    }

    /// Delivers a cancel request from one execution to another, and tells the sender.
    pub(super) fn deliver_cancel(&mut self, source: ExecutionKey, initiated: EventId) {
        let Some(sender) = self.executions.get(&source) else {
            return;
        };
        let Some(EventAttributes::RequestCancelExternalWorkflowExecutionInitiated(cancel)) =
            sender.event(initiated).map(|event| &event.attributes)
        else {
            return;
        };
        let target = self.find_open(&sender.domain, &cancel.workflow_id, &cancel.run_id);
        let delivered = WorkflowExecutionCancelRequested {
            external_workflow_execution: Some(sender.id.clone()),
            external_initiated_event_id: Some(initiated),
            ..Default::default()
        };
        let told = |workflow_execution| ExternalWorkflowExecutionCancelRequested {
            workflow_execution,
            initiated_event_id: initiated,
            ..Default::default()
        };
        use RequestCancelExternalWorkflowExecutionFailedCause as Cause;
        let failed = RequestCancelExternalWorkflowExecutionFailed {
            workflow_id: cancel.workflow_id.clone(),
            run_id: cancel.run_id.clone(),
            cause: Cause::UnknownExternalWorkflowExecution,
            initiated_event_id: initiated,
            decision_task_completed_event_id: cancel.decision_task_completed_event_id,
            control: cancel.control.clone(),
            ..Default::default()
        };
        self.deliver(source, target, delivered, told, failed);
    }

    /// Delivers an event to another execution and tells the sender, also that there is none.
    fn deliver<T: Into<EventAttributes>>(
        &mut self,
        source: ExecutionKey,
        target: Option<ExecutionKey>,
        delivered: impl Into<EventAttributes>,
        told: impl FnOnce(WorkflowExecution) -> T,
        failed: impl Into<EventAttributes>,
    ) {
        let Some(target) = target else {
            self.append_for_decider(source, failed);
            return;
        };
        self.append_for_decider(target, delivered);
        if let Some(target) = self.executions.get(&target) {
            let told = told(target.id.clone());
            self.append_for_decider(source, told);
        }
    }
}

/// An optional run id may be the empty string on the wire, which is none.
fn given(run_id: &Option<RunId>) -> Option<&RunId> {
    run_id.as_ref().filter(|run_id| !run_id.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use simpleflow_model::FaultKind;

    use crate::testing::*;

    #[test]
    fn a_signal_and_a_cancel_request_are_events_that_the_decider_must_see() {
        let mut w = World::new();
        let run = w.begin(&[]);
        let request = json!({ "domain": "d", "workflowId": "w", "runId": run });
        for _ in 0..2 {
            w.engine
                .request_cancel_workflow_execution(&shape(request.clone()), w.now)
                .unwrap();
        }
        w.signal("w").unwrap();
        assert_eq!(
            w.types(&run, 5),
            [
                "WorkflowExecutionCancelRequested",
                "DecisionTaskScheduled",
                "WorkflowExecutionCancelRequested",
                "WorkflowExecutionSignaled"
            ]
        );
        assert_eq!(w.event(&run, 5), json!({ "externalInitiatedEventId": 0 }));
        let expected = json!({ "signalName": "s", "externalInitiatedEventId": 0 });
        assert_eq!(w.event(&run, 8), expected);
    }

    #[test]
    fn only_an_open_execution_is_reached() {
        let mut w = World::new();
        let run = w.begin(&[complete()]);
        let kind = FaultKind::UnknownResource;
        let message = "Unknown execution, workflowId = w";
        refused(w.signal("w"), kind, message);
        refused(w.terminate("w", json!({})), kind, message);
        let message = format!("Unknown execution: WorkflowExecution=[workflowId=w, runId={run}]");
        refused(w.terminate("w", json!({ "runId": run })), kind, &message);
        // A new run is another run.
        let next = w.start("w");
        refused(w.terminate("w", json!({ "runId": run })), kind, &message);
        // An empty run id is none.
        w.terminate("w", json!({ "runId": "" })).unwrap();
        assert!(!w.engine.execution(&next).unwrap().state().is_open());
        refused(
            w.terminate("w", json!({ "domain": "nowhere" })),
            kind,
            "Unknown domain: nowhere",
        );
    }

    #[test]
    fn an_execution_reaches_another() {
        let cases = [
            (
                "SignalExternalWorkflowExecution",
                "WorkflowExecutionSignaled",
                "ExternalWorkflowExecutionSignaled",
            ),
            (
                "RequestCancelExternalWorkflowExecution",
                "WorkflowExecutionCancelRequested",
                "ExternalWorkflowExecutionCancelRequested",
            ),
        ];
        for (kind, delivered, told) in cases {
            let mut w = World::new();
            let target = w.start("target");
            w.decide(&[]);
            let attributes = json!({ "workflowId": "target", "signalName": "s", "input": "i" });
            let marker = decision("RecordMarker", json!({ "markerName": "m" }));
            let run = w.begin(&[decision(kind, attributes), marker]);
            assert_eq!(
                w.types(&run, 5),
                [
                    &format!("{kind}Initiated"),
                    "MarkerRecorded",
                    told,
                    "DecisionTaskScheduled"
                ]
            );
            assert_eq!(w.event(&run, 7)["initiatedEventId"], 5);
            assert_eq!(
                w.event(&run, 7)["workflowExecution"]["runId"],
                target.as_str()
            );
            assert_eq!(w.types(&target, 5), [delivered, "DecisionTaskScheduled"]);
            let event = w.event(&target, 5);
            assert_eq!(event["externalInitiatedEventId"], 5);
            assert_eq!(event["externalWorkflowExecution"]["runId"], run.as_str());
        }
    }

    #[test]
    fn who_cannot_be_reached_is_said() {
        for kind in [
            "SignalExternalWorkflowExecution",
            "RequestCancelExternalWorkflowExecution",
        ] {
            let mut w = World::new();
            w.start("target");
            w.poll();
            // The run is another one than that which is open.
            let attributes = json!({
                "workflowId": "target", "runId": "22x", "signalName": "s", "control": "k"
            });
            let run = w.begin(&[decision(kind, attributes)]);
            assert_eq!(
                w.types(&run, 5),
                [
                    &format!("{kind}Initiated"),
                    &format!("{kind}Failed"),
                    "DecisionTaskScheduled"
                ]
            );
            let expected = json!({
                "workflowId": "target", "runId": "22x", "control": "k",
                "cause": "UNKNOWN_EXTERNAL_WORKFLOW_EXECUTION",
                "initiatedEventId": 5, "decisionTaskCompletedEventId": 4,
            });
            assert_eq!(w.event(&run, 6), expected);
        }
    }

    #[test]
    fn a_signal_of_an_execution_that_closes_is_delivered() {
        let mut w = World::new();
        let target = w.start("target");
        w.poll();
        let attributes = json!({ "workflowId": "target", "signalName": "s" });
        let run = w.begin(&[
            decision("SignalExternalWorkflowExecution", attributes),
            complete(),
        ]);
        assert!(w.types(&run, 5).ends_with(&["WorkflowExecutionCompleted"]));
        assert_eq!(w.types(&target, 4)[0], "WorkflowExecutionSignaled");
    }
}
