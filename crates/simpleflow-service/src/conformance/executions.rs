//! Starting executions, signals, and how they close.

use simpleflow_model::decision::{
    CancelWorkflowExecution, CompleteWorkflowExecution, ContinueAsNewWorkflowExecution,
    FailWorkflowExecution,
};
use simpleflow_model::enums::WorkflowExecutionTerminatedCause;
use simpleflow_model::operation::{
    DescribeWorkflowExecution, GetWorkflowExecutionHistory, ListDomains, RegisterWorkflowType,
    RequestCancelWorkflowExecution, StartWorkflowExecution,
};
use simpleflow_model::types::WorkflowExecutionDetail;
use simpleflow_model::{
    ChildPolicy, CloseStatus, Decision, ExecutionStatus, FaultKind, RegistrationStatus,
    TaskPriority, WorkflowExecution, WorkflowType,
};

use super::{Suite, event, list, refused, types, workflow_type};
use crate::SwfService;

impl<S: SwfService> Suite<S> {
    async fn describe(&self, execution: &WorkflowExecution) -> WorkflowExecutionDetail {
        let request = DescribeWorkflowExecution {
            domain: self.domain.clone(),
            execution: execution.clone(),
            ..Default::default()
        };
        let described = self.service.describe_workflow_execution(request);
        described.await.unwrap()
    }

    async fn close_status(&self, execution: &WorkflowExecution) -> Option<CloseStatus> {
        let info = self.describe(execution).await.execution_info;
        assert_eq!(info.execution_status, ExecutionStatus::Closed);
        assert!(info.close_timestamp.is_some());
        info.close_status
    }

    /// An execution starts with its type's defaults where it says nothing, and once.
    ///
    /// # Panics
    /// The check fails.
    pub async fn starts(&self) {
        let request = StartWorkflowExecution {
            tag_list: Some(vec![Some("a".into()), Some("b".into())]),
            task_priority: Some(TaskPriority(-5)),
            child_policy: Some(ChildPolicy::Abandon),
            ..self.start_request("starts")
        };
        let case = self.start_with(request).await;
        let again = self.start_request("starts");
        let again = self.service.start_workflow_execution(again).await;
        let kind = FaultKind::WorkflowExecutionAlreadyStarted;
        refused(again, kind, "");

        let events = case.events().await;
        let expected = ["WorkflowExecutionStarted", "DecisionTaskScheduled"];
        assert_eq!(types(&events), expected);
        let started = event!(events, WorkflowExecutionStarted);
        assert_eq!(started.workflow_type, workflow_type());
        assert_eq!(started.input.as_deref(), Some("input"));
        assert_eq!(started.child_policy, ChildPolicy::Abandon);
        assert_eq!(started.task_list, list("starts"));
        let limit = started.execution_start_to_close_timeout;
        assert_eq!(limit, Some(600.into()));
        let tags = started.tag_list.as_deref().unwrap_or_default();
        assert_eq!(tags, [Some("a".into()), Some("b".into())]);
        assert_eq!(
            event!(events, DecisionTaskScheduled).task_priority,
            Some(TaskPriority(-5))
        );

        let described = self.describe(&case.execution).await;
        let info = described.execution_info;
        assert_eq!(info.execution, case.execution);
        assert_eq!(info.execution_status, ExecutionStatus::Open);
        let configuration = described.execution_configuration;
        assert_eq!(configuration.task_list, list("starts"));
        assert_eq!(configuration.child_policy, ChildPolicy::Abandon);
        assert_eq!(described.open_counts.open_decision_tasks, 1);
        case.complete().await;

        let mut unknown = self.start_request("starts");
        unknown.workflow_type.name = "no-such".into();
        let unknown = self.service.start_workflow_execution(unknown).await;
        refused(unknown, FaultKind::UnknownResource, "no-such");
        let bare = WorkflowType {
            name: "bare".into(),
            version: "1".into(),
            ..Default::default()
        };
        self.service
            .register_workflow_type(RegisterWorkflowType {
                domain: self.domain.clone(),
                name: bare.name.clone(),
                version: bare.version.clone(),
                ..Default::default()
            })
            .await
            .unwrap();
        let undefined = StartWorkflowExecution {
            workflow_type: bare,
            ..self.start_request("starts")
        };
        let undefined = self.service.start_workflow_execution(undefined).await;
        refused(undefined, FaultKind::DefaultUndefined, "");
    }

    /// Signals come in their order, with a decision task, as long as an execution is open.
    ///
    /// # Panics
    /// The check fails.
    pub async fn signals(&self) {
        let case = self.start("signals").await;
        case.decide(vec![]).await;
        case.signal().await;
        let signal = |input: &str| {
            let mut request = case.signal_request();
            request.run_id = None;
            request.input = Some(input.into());
            self.service.signal_workflow_execution(request)
        };
        signal("second").await.unwrap();
        let events = case.complete().await;
        let inputs: Vec<_> = events
            .iter()
            .filter_map(|event| match &event.attributes {
                simpleflow_model::EventAttributes::WorkflowExecutionSignaled(signal) => {
                    assert_eq!(signal.signal_name.as_str(), "signal");
                    signal.input.as_deref()
                }
                _ => None,
            })
            .collect();
        assert_eq!(inputs, ["input", "second"]);
        let late = signal("late").await;
        refused(late, FaultKind::UnknownResource, "signals");
        let mut unknown = case.signal_request();
        unknown.workflow_id = "no-such".into();
        let unknown = self.service.signal_workflow_execution(unknown).await;
        refused(unknown, FaultKind::UnknownResource, "no-such");
    }

    /// A cancel is asked for, and the decider grants it.
    ///
    /// # Panics
    /// The check fails.
    pub async fn cancels(&self) {
        let case = self.start("cancels").await;
        let request = RequestCancelWorkflowExecution {
            domain: self.domain.clone(),
            workflow_id: case.execution.workflow_id.clone(),
            ..Default::default()
        };
        let cancel = |request| self.service.request_cancel_workflow_execution(request);
        cancel(request.clone()).await.unwrap();
        let decision = CancelWorkflowExecution {
            details: Some("details".into()),
            ..Default::default()
        };
        let events = case.decide(vec![decision.into()]).await;
        event!(events, WorkflowExecutionCancelRequested);
        let events = case.events().await;
        let canceled = event!(events, WorkflowExecutionCanceled);
        assert_eq!(canceled.details.as_deref(), Some("details"));
        let status = self.close_status(&case.execution).await;
        assert_eq!(status, Some(CloseStatus::Canceled));
        let late = cancel(request).await;
        refused(late, FaultKind::UnknownResource, "cancels");
    }

    /// An execution is terminated whatever its decider does.
    ///
    /// # Panics
    /// The check fails.
    pub async fn terminations(&self) {
        let case = self.start("terminations").await;
        case.terminate().await;
        let events = case.events().await;
        let terminated = event!(events, WorkflowExecutionTerminated);
        assert_eq!(terminated.reason.as_deref(), Some("reason"));
        assert_eq!(terminated.details.as_deref(), Some("details"));
        let cause = terminated.cause.clone();
        assert_eq!(
            cause,
            Some(WorkflowExecutionTerminatedCause::OperatorInitiated)
        );
        let status = self.close_status(&case.execution).await;
        assert_eq!(status, Some(CloseStatus::Terminated));
        let again = case.terminate_request();
        let again = self.service.terminate_workflow_execution(again).await;
        refused(again, FaultKind::UnknownResource, "terminations");
    }

    /// Who waits for a close has the history with it.
    ///
    /// # Panics
    /// The check fails.
    pub async fn waits_for_closes(&self) {
        let case = self.start("waits").await;
        case.terminate().await;
        let history = async |run_id| {
            let request = GetWorkflowExecutionHistory {
                domain: self.domain.clone(),
                execution: WorkflowExecution {
                    run_id,
                    ..case.execution.clone()
                },
                ..Default::default()
            };
            let history = self
                .service
                .get_workflow_execution_history_when_closed(request);
            history.await.map(|history| history.events)
        };
        let events = history(case.execution.run_id.clone()).await.unwrap();
        event!(events, WorkflowExecutionTerminated);
        let nobody = history("nobody".into()).await;
        refused(nobody, FaultKind::UnknownResource, "nobody");
    }

    /// An execution completes or fails with what its decider says.
    ///
    /// # Panics
    /// The check fails.
    pub async fn closes(&self) {
        let case = self.start("completes").await;
        let decision: Decision = CompleteWorkflowExecution {
            result: Some("résultat 🎉".into()),
            ..Default::default()
        }
        .into();
        case.decide(vec![decision]).await;
        let events = case.events().await;
        let completed = event!(events, WorkflowExecutionCompleted);
        assert_eq!(completed.result.as_deref(), Some("résultat 🎉"));
        let status = self.close_status(&case.execution).await;
        assert_eq!(status, Some(CloseStatus::Completed));

        let case = self.start("fails").await;
        let decision = FailWorkflowExecution {
            reason: Some("reason".into()),
            details: Some("details".into()),
            ..Default::default()
        };
        case.decide(vec![decision.into()]).await;
        let events = case.events().await;
        let failed = event!(events, WorkflowExecutionFailed);
        assert_eq!(failed.reason.as_deref(), Some("reason"));
        assert_eq!(failed.details.as_deref(), Some("details"));
        let status = self.close_status(&case.execution).await;
        assert_eq!(status, Some(CloseStatus::Failed));
    }

    /// An execution goes on in a new run, with a new input.
    ///
    /// # Panics
    /// The check fails.
    pub async fn continues_as_new(&self) {
        let case = self.start("continues").await;
        let decision = ContinueAsNewWorkflowExecution {
            input: Some("next".into()),
            task_list: Some(case.list.clone()),
            ..Default::default()
        };
        case.decide(vec![decision.into()]).await;
        let events = case.events().await;
        let continued = event!(events, WorkflowExecutionContinuedAsNew);
        let status = self.close_status(&case.execution).await;
        assert_eq!(status, Some(CloseStatus::ContinuedAsNew));
        let next = self.case(
            case.execution.workflow_id.clone(),
            continued.new_execution_run_id.clone(),
        );
        let events = next.complete().await;
        let started = event!(events, WorkflowExecutionStarted);
        assert_eq!(started.input.as_deref(), Some("next"));
        let former = started.continued_execution_run_id.as_ref();
        assert_eq!(former, Some(&case.execution.run_id));
    }

    /// What breaks a constraint of the service model is refused with its name.
    ///
    /// # Panics
    /// The check fails.
    pub async fn constraints(&self) {
        let page = ListDomains {
            registration_status: RegistrationStatus::Registered,
            maximum_page_size: Some(1001),
            ..Default::default()
        };
        let page = self.service.list_domains(page).await;
        refused(page, FaultKind::Validation, "maximumPageSize");
        let mut nameless = self.start_request("constraints");
        nameless.workflow_id = "".into();
        let nameless = self.service.start_workflow_execution(nameless).await;
        refused(nameless, FaultKind::Validation, "workflowId");
        let mut elsewhere = self.start_request("constraints");
        elsewhere.domain = "no-such".into();
        let elsewhere = self.service.start_workflow_execution(elsewhere).await;
        refused(elsewhere, FaultKind::UnknownResource, "no-such");
    }
}
