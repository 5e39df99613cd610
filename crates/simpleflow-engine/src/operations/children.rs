//! Parents and children: the start of a child, the news of its close, and the child policy.

use simpleflow_model::enums::*;
use simpleflow_model::event::*;
use simpleflow_model::{ChildPolicy, EventAttributes, EventId, WorkflowId};

use super::start::{Resolved, started};
use crate::Engine;
use crate::execution::{Child, ExecutionKey};

impl Engine {
    /// Starts the child that was initiated, unless an open execution has its workflow id.
    ///
    /// It is started even if the parent was closed by the same batch: the request was accepted.
    /// The child policy, which comes after this, then applies to it.
    pub(super) fn start_child(&mut self, parent: ExecutionKey, initiated: EventId) {
        let Some(execution) = self.executions.get(&parent) else {
            return;
        };
        let Some(EventAttributes::StartChildWorkflowExecutionInitiated(child)) =
            execution.event(initiated).map(|event| &event.attributes)
        else {
            return;
        };
        let child = child.clone();
        let domain = execution.domain.clone();
        let parent_id = execution.id.clone();
        let running = self
            .domains
            .get(domain.as_str())
            .is_none_or(|domain| domain.open.contains_key(child.workflow_id.as_str()));
        if running {
            let failed = StartChildWorkflowExecutionFailed {
                workflow_type: child.workflow_type,
                cause: StartChildWorkflowExecutionFailedCause::WorkflowAlreadyRunning,
                workflow_id: child.workflow_id,
                initiated_event_id: initiated,
                decision_task_completed_event_id: child.decision_task_completed_event_id,
                control: child.control,
                ..Default::default()
            };
            self.append_for_decider(parent, failed);
            return;
        }
        let settings = Resolved {
            execution_start_to_close: child.execution_start_to_close_timeout.unwrap_or_default(),
            task_list: child.task_list,
            task_priority: child.task_priority,
            task_start_to_close: child.task_start_to_close_timeout.unwrap_or_default(),
            child_policy: child.child_policy,
            lambda_role: child.lambda_role,
        };
        let first = WorkflowExecutionStarted {
            input: child.input,
            tag_list: child.tag_list,
            workflow_type: child.workflow_type.clone(),
            parent_workflow_execution: Some(parent_id),
            parent_initiated_event_id: Some(initiated),
            ..started(settings)
        };
        let run_id = self.new_run_id();
        let key = self.start_run(&domain, &child.workflow_id, run_id, first);
        let Some(execution) = self.executions.get(&key) else {
            return;
        };
        let told = ChildWorkflowExecutionStarted {
            workflow_execution: execution.id.clone(),
            workflow_type: child.workflow_type,
            initiated_event_id: initiated,
            ..Default::default()
        };
        self.append_for_decider(parent, told);
    }

    /// Tells the parent of a closed execution how it closed. One that goes on in a new run is not
    /// closed to its parent.
    pub(super) fn tell_parent(&mut self, key: ExecutionKey) {
        let Some(execution) = self.executions.get(&key) else {
            return;
        };
        let start = &execution.state.start;
        let Some(parent_id) = &start.parent_workflow_execution else {
            return;
        };
        let Some(&parent) = self.runs.get(parent_id.run_id.as_str()) else {
            return;
        };
        let initiated_event_id = start.parent_initiated_event_id.unwrap_or_default();
        let Some(Child {
            started: Some(started_event_id),
            ..
        }) = self
            .executions
            .get(&parent)
            .and_then(|parent| parent.state.children.get(initiated_event_id))
        else {
            return;
        };
        let started_event_id = *started_event_id;
        let workflow_execution = execution.id.clone();
        let workflow_type = start.workflow_type.clone();
        let Some(last) = execution.history().last() else {
            return;
        };
        use EventAttributes as E;
        let news: E = match &last.attributes {
            E::WorkflowExecutionCompleted(a) => ChildWorkflowExecutionCompleted {
                workflow_execution,
                workflow_type,
                result: a.result.clone(),
                initiated_event_id,
                started_event_id,
                ..Default::default()
            }
            .into(),
            E::WorkflowExecutionFailed(a) => ChildWorkflowExecutionFailed {
                workflow_execution,
                workflow_type,
                reason: a.reason.clone(),
                details: a.details.clone(),
                initiated_event_id,
                started_event_id,
                ..Default::default()
            }
            .into(),
            E::WorkflowExecutionCanceled(a) => ChildWorkflowExecutionCanceled {
                workflow_execution,
                workflow_type,
                details: a.details.clone(),
                initiated_event_id,
                started_event_id,
                ..Default::default()
            }
            .into(),
            E::WorkflowExecutionTimedOut(a) => ChildWorkflowExecutionTimedOut {
                workflow_execution,
                workflow_type,
                timeout_type: a.timeout_type.clone(),
                initiated_event_id,
                started_event_id,
                ..Default::default()
            }
            .into(),
            E::WorkflowExecutionTerminated(_) => ChildWorkflowExecutionTerminated {
                workflow_execution,
                workflow_type,
                initiated_event_id,
                started_event_id,
                ..Default::default()
            }
            .into(),
            _ => return,
        };
        self.append_for_decider(parent, news);
    }

    /// Applies the child policy of a closed execution to its open children, however it closed:
    /// the recordings have it for completed ones too. One that goes on in a new run keeps its
    /// children running.
    pub(super) fn apply_child_policy(&mut self, key: ExecutionKey) {
        let Some(parent) = self.executions.get(&key) else {
            return;
        };
        let policy = match parent.history().last().map(|event| &event.attributes) {
            None | Some(EventAttributes::WorkflowExecutionContinuedAsNew(_)) => return,
            // The request to terminate may bring a policy of its own.
            Some(EventAttributes::WorkflowExecutionTerminated(a)) => a.child_policy.clone(),
            Some(_) => parent.state.start.child_policy.clone(),
        };
        let parent_id = parent.id.clone();
        let children: Vec<(EventId, WorkflowId)> = parent
            .state
            .children
            .iter()
            .map(|(initiated, child)| (initiated, child.workflow_id.clone()))
            .collect();
        for (initiated, workflow_id) in children {
            let Some(child) = self.open_child(key, initiated, &workflow_id) else {
                continue;
            };
            match policy {
                ChildPolicy::Terminate => {
                    let Some(execution) = self.executions.get(&child) else {
                        continue;
                    };
                    let terminated = WorkflowExecutionTerminated {
                        child_policy: execution.state.start.child_policy.clone(),
                        cause: Some(WorkflowExecutionTerminatedCause::ChildPolicyApplied),
                        ..Default::default()
                    };
                    self.append(child, terminated);
                }
                ChildPolicy::RequestCancel => {
                    let requested = WorkflowExecutionCancelRequested {
                        external_workflow_execution: Some(parent_id.clone()),
                        external_initiated_event_id: Some(EventId(0)),
                        cause: Some(WorkflowExecutionCancelRequestedCause::ChildPolicyApplied),
                        ..Default::default()
                    };
                    self.append_for_decider(child, requested);
                }
                ChildPolicy::Abandon | ChildPolicy::Other(_) => {}
            }
        }
    }

    /// The open run of a child, whichever it is by now.
    fn open_child(
        &self,
        parent: ExecutionKey,
        initiated: EventId,
        workflow_id: &WorkflowId,
    ) -> Option<ExecutionKey> {
        let parent = self.executions.get(&parent)?;
        let domain = self.domains.get(parent.domain.as_str())?;
        let key = *domain.open.get(workflow_id.as_str())?;
        let start = &self.executions.get(&key)?.state.start;
        let is_child = start.parent_workflow_execution.as_ref() == Some(&parent.id)
            && start.parent_initiated_event_id == Some(initiated);
        is_child.then_some(key)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::testing::*;

    /// A parent whose child's decision task is the next one.
    fn family(more: Value) -> (World, simpleflow_model::RunId) {
        let mut w = World::new();
        let run = w.begin(&[child("c", more)]);
        assert_eq!(
            w.types(&run, 5),
            [
                "StartChildWorkflowExecutionInitiated",
                "ChildWorkflowExecutionStarted",
                "DecisionTaskScheduled"
            ]
        );
        (w, run)
    }

    #[test]
    fn a_child_knows_its_parent_and_has_the_settings_of_its_start() {
        let (w, run) = family(json!({ "input": "i", "tagList": ["t"], "childPolicy": "ABANDON" }));
        let started = w.event(&w.run_of("c"), 1);
        assert_eq!(started["parentWorkflowExecution"]["runId"], run.as_str());
        assert_eq!(started["parentInitiatedEventId"], 5);
        for event in [&started, &w.event(&run, 5)] {
            assert_eq!(event["input"], "i");
            assert_eq!(event["tagList"], json!(["t"]));
            assert_eq!(event["childPolicy"], "ABANDON");
            assert_eq!(event["executionStartToCloseTimeout"], "1000");
        }
    }

    #[test]
    fn a_parent_hears_how_its_child_closed() {
        let how = [
            (
                "CompleteWorkflowExecution",
                json!({ "result": "r" }),
                "ChildWorkflowExecutionCompleted",
            ),
            (
                "FailWorkflowExecution",
                json!({ "reason": "r", "details": "d" }),
                "ChildWorkflowExecutionFailed",
            ),
            (
                "CancelWorkflowExecution",
                json!({ "details": "d" }),
                "ChildWorkflowExecutionCanceled",
            ),
        ];
        for (close, attributes, news) in how {
            let (mut w, run) = family(json!({}));
            w.decide(&[decision(close, attributes.clone())]);
            assert_eq!(w.types(&run, 8), [news], "a task is scheduled already");
            let event = w.event(&run, 8);
            assert_eq!(event["initiatedEventId"], 5);
            assert_eq!(event["startedEventId"], 6);
            for (member, value) in attributes.as_object().unwrap() {
                assert_eq!(event[member], *value);
            }
            assert_eq!(w.open_counts(&run)["openChildWorkflowExecutions"], 0);
        }
        let (mut w, run) = family(json!({}));
        w.terminate("c", json!({})).unwrap();
        assert_eq!(w.types(&run, 8), ["ChildWorkflowExecutionTerminated"]);
        let (mut w, run) = family(json!({ "executionStartToCloseTimeout": "5" }));
        w.pass(5);
        assert_eq!(w.types(&run, 8), ["ChildWorkflowExecutionTimedOut"]);
        assert_eq!(w.event(&run, 8)["timeoutType"], "START_TO_CLOSE");
    }

    #[test]
    fn a_parent_hears_of_the_last_run_only() {
        let (mut w, run) = family(json!({}));
        w.decide(&[decision("ContinueAsNewWorkflowExecution", json!({}))]);
        assert_eq!(w.types(&run, 8), [""; 0]);
        let last = w.run_of("c");
        let started = w.event(&last, 1);
        assert_eq!(started["parentWorkflowExecution"]["runId"], run.as_str());
        assert_eq!(started["parentInitiatedEventId"], 5);
        // The parent's task was first in the list.
        assert_eq!(w.decide(&[]), run);
        assert_eq!(w.decide(&[complete()]), last);
        let news = w.last(&run, "ChildWorkflowExecutionCompleted");
        assert_eq!(news["workflowExecution"]["runId"], last.as_str());
    }

    #[test]
    fn a_child_whose_id_is_taken_fails_after_it_was_initiated() {
        let mut w = World::new();
        w.start("taken");
        w.poll();
        let run = w.begin(&[child("taken", json!({ "control": "k" }))]);
        assert_eq!(
            w.types(&run, 5),
            [
                "StartChildWorkflowExecutionInitiated",
                "StartChildWorkflowExecutionFailed",
                "DecisionTaskScheduled"
            ]
        );
        let event = w.event(&run, 6);
        assert_eq!(event["cause"], "WORKFLOW_ALREADY_RUNNING");
        assert_eq!(event["initiatedEventId"], 5);
        assert_eq!(event["control"], "k");
        assert_eq!(w.open_counts(&run)["openChildWorkflowExecutions"], 0);
    }

    /// What becomes of a child when its parent, with a policy, closes in some way.
    fn fate(policy: &str, close: impl Fn(&mut World)) -> Vec<String> {
        let mut w = World::new();
        let more = json!({ "childPolicy": policy, "executionStartToCloseTimeout": "20" });
        w.try_start("w", more).unwrap();
        w.decide(&[child("c", json!({ "childPolicy": "ABANDON" }))]);
        let run = w.run_of("c");
        // Both tasks are taken: the child's first.
        w.poll();
        close(&mut w);
        let fate = w.types(&run, 4);
        let fate = fate.into_iter().map(str::to_owned).collect();
        if policy == "TERMINATE" {
            let expected = json!({ "cause": "CHILD_POLICY_APPLIED", "childPolicy": "ABANDON" });
            assert_eq!(w.last(&run, "WorkflowExecutionTerminated"), expected);
        }
        if policy == "REQUEST_CANCEL" {
            let event = w.last(&run, "WorkflowExecutionCancelRequested");
            assert_eq!(event["cause"], "CHILD_POLICY_APPLIED");
            assert_eq!(event["externalWorkflowExecution"]["workflowId"], "w");
        }
        fate
    }

    #[test]
    fn the_parents_policy_is_applied_however_it_closes() {
        let closes: [fn(&mut World); 5] = [
            |w| drop(w.decide(&[complete()])),
            |w| drop(w.decide(&[decision("FailWorkflowExecution", json!({}))])),
            |w| drop(w.decide(&[decision("CancelWorkflowExecution", json!({}))])),
            |w| w.terminate("w", json!({})).unwrap(),
            |w| w.pass(20),
        ];
        for close in closes {
            assert_eq!(fate("TERMINATE", close), ["WorkflowExecutionTerminated"]);
            assert_eq!(
                fate("REQUEST_CANCEL", close),
                ["WorkflowExecutionCancelRequested", "DecisionTaskScheduled"]
            );
            assert_eq!(fate("ABANDON", close), [""; 0]);
        }
    }

    #[test]
    fn a_termination_may_bring_a_policy_of_its_own() {
        let mut w = World::new();
        let run = w.begin(&[child("c", json!({}))]);
        let kid = w.run_of("c");
        w.terminate(
            "w",
            json!({ "childPolicy": "REQUEST_CANCEL", "reason": "r" }),
        )
        .unwrap();
        let event = w.last(&run, "WorkflowExecutionTerminated");
        assert_eq!(event["childPolicy"], "REQUEST_CANCEL");
        assert_eq!(event["cause"], "OPERATOR_INITIATED");
        assert_eq!(w.types(&kid, 3), ["WorkflowExecutionCancelRequested"]);
    }

    #[test]
    fn a_policy_goes_down_to_grandchildren_and_to_the_run_that_is_open() {
        let mut w = World::new();
        w.begin(&[child("c", json!({}))]);
        w.decide(&[decision("ContinueAsNewWorkflowExecution", json!({}))]);
        w.decide(&[]);
        w.decide(&[child("grandchild", json!({}))]);
        let (kid, grandkid) = (w.run_of("c"), w.run_of("grandchild"));
        w.terminate("w", json!({})).unwrap();
        for run in [kid, grandkid] {
            let event = w.last(&run, "WorkflowExecutionTerminated");
            assert_eq!(event["cause"], "CHILD_POLICY_APPLIED");
        }
    }

    #[test]
    fn children_go_on_when_their_parent_goes_on_in_a_new_run() {
        let mut w = World::new();
        w.begin(&[child("c", json!({}))]);
        let kid = w.run_of("c");
        w.poll();
        w.decide(&[decision("ContinueAsNewWorkflowExecution", json!({}))]);
        assert!(w.engine.execution(&kid).unwrap().state().is_open());
    }

    #[test]
    fn a_child_that_was_initiated_with_the_close_is_started_and_treated_by_the_policy() {
        let mut w = World::new();
        let run = w.begin(&[child("c", json!({})), complete()]);
        assert_eq!(
            w.types(&run, 5),
            [
                "StartChildWorkflowExecutionInitiated",
                "WorkflowExecutionCompleted"
            ]
        );
        let kid = w
            .engine
            .executions()
            .find(|execution| execution.id().workflow_id.as_str() == "c")
            .unwrap();
        assert!(!kid.state().is_open());
    }
}
