//! An execution that a check drives, on a task list of its own.

use simpleflow_model::decision::{CompleteWorkflowExecution, ScheduleActivityTask};
use simpleflow_model::operation::{
    GetWorkflowExecutionHistory, PollForActivityTask, PollForDecisionTask,
    RespondDecisionTaskCompleted, SignalWorkflowExecution, StartWorkflowExecution,
    TerminateWorkflowExecution,
};
use simpleflow_model::types::{ActivityTask, DecisionTask};
use simpleflow_model::{
    Decision, HistoryEvent, RunId, TaskList, TaskToken, WorkflowExecution, WorkflowId,
};

use super::{Suite, activity_type, list, workflow_type};
use crate::SwfService;

pub(super) struct Case<'a, S> {
    suite: &'a Suite<S>,
    /// The list of its decision tasks and of its activity tasks, whose name is the workflow id.
    pub(super) list: TaskList,
    pub(super) execution: WorkflowExecution,
}

impl<S: SwfService> Suite<S> {
    /// The request that starts an execution whose task list is its own.
    pub(super) fn start_request(&self, id: &str) -> StartWorkflowExecution {
        StartWorkflowExecution {
            domain: self.domain.clone(),
            workflow_id: id.into(),
            workflow_type: workflow_type(),
            task_list: Some(list(id)),
            input: Some("input".into()),
            ..Default::default()
        }
    }

    /// Starts an execution that nobody decides on.
    ///
    /// # Panics
    /// The service refuses that.
    pub async fn started(&self, id: &str) -> WorkflowExecution {
        self.start(id).await.execution
    }

    /// Starts an execution.
    pub(super) async fn start(&self, id: &str) -> Case<'_, S> {
        self.start_with(self.start_request(id)).await
    }

    pub(super) async fn start_with(&self, request: StartWorkflowExecution) -> Case<'_, S> {
        let workflow_id = request.workflow_id.clone();
        let run = self.service.start_workflow_execution(request).await;
        self.case(workflow_id, run.unwrap().run_id.unwrap())
    }

    /// An execution that was started otherwise.
    pub(super) fn case(&self, workflow_id: WorkflowId, run_id: RunId) -> Case<'_, S> {
        Case {
            suite: self,
            list: list(&workflow_id),
            execution: WorkflowExecution {
                workflow_id,
                run_id,
                ..Default::default()
            },
        }
    }
}

impl<S: SwfService> Case<'_, S> {
    pub(super) fn poll_request(&self) -> PollForDecisionTask {
        PollForDecisionTask {
            domain: self.suite.domain.clone(),
            task_list: self.list.clone(),
            identity: Some("decider".into()),
            ..Default::default()
        }
    }

    /// Takes the next decision task.
    pub(super) async fn decision_task(&self) -> DecisionTask {
        self.poll(self.poll_request()).await
    }

    pub(super) async fn poll(&self, request: PollForDecisionTask) -> DecisionTask {
        let task = self.suite.service.poll_for_decision_task(request).await;
        let none = || panic!("no decision task of {}", self.execution.workflow_id);
        let task = task.unwrap().unwrap_or_else(none);
        assert_eq!(task.workflow_execution, self.execution);
        assert_eq!(task.workflow_type, workflow_type());
        task
    }

    /// Answers a decision task.
    pub(super) async fn answer(&self, task_token: TaskToken, decisions: Vec<Decision>) {
        let answer = RespondDecisionTaskCompleted {
            task_token,
            decisions: Some(decisions),
            ..Default::default()
        };
        let service = &self.suite.service;
        service
            .respond_decision_task_completed(answer)
            .await
            .unwrap();
    }

    /// Takes the next decision task, answers it, and gives its events.
    pub(super) async fn decide(&self, decisions: Vec<Decision>) -> Vec<HistoryEvent> {
        let task = self.decision_task().await;
        self.answer(task.task_token, decisions).await;
        task.events
    }

    /// Ends it with its next decision task, whose events it gives.
    pub(super) async fn complete(&self) -> Vec<HistoryEvent> {
        let decision = CompleteWorkflowExecution::default();
        self.decide(vec![decision.into()]).await
    }

    /// Schedules an activity with its next decision task, and takes the task.
    pub(super) async fn schedule(&self, decision: ScheduleActivityTask) -> ActivityTask {
        self.decide(vec![decision.into()]).await;
        self.activity_task().await
    }

    /// An activity whose id is `activity`.
    pub(super) fn activity(&self) -> ScheduleActivityTask {
        ScheduleActivityTask {
            activity_type: activity_type(),
            activity_id: "activity".into(),
            input: Some("input".into()),
            task_list: Some(self.list.clone()),
            ..Default::default()
        }
    }

    pub(super) fn activity_poll_request(&self) -> PollForActivityTask {
        PollForActivityTask {
            domain: self.suite.domain.clone(),
            task_list: self.list.clone(),
            identity: Some("worker".into()),
            ..Default::default()
        }
    }

    /// Takes the next activity task.
    pub(super) async fn activity_task(&self) -> ActivityTask {
        let request = self.activity_poll_request();
        let task = self.suite.service.poll_for_activity_task(request).await;
        let none = || panic!("no activity task of {}", self.execution.workflow_id);
        let task = task.unwrap().unwrap_or_else(none);
        assert_eq!(task.workflow_execution, self.execution);
        task
    }

    /// A page of the whole history.
    pub(super) fn history_request(&self) -> GetWorkflowExecutionHistory {
        GetWorkflowExecutionHistory {
            domain: self.suite.domain.clone(),
            execution: self.execution.clone(),
            ..Default::default()
        }
    }

    /// The whole history, page by page.
    pub(super) async fn history(
        &self,
        mut request: GetWorkflowExecutionHistory,
    ) -> Vec<Vec<HistoryEvent>> {
        let mut pages = Vec::new();
        loop {
            let service = &self.suite.service;
            let page = service.get_workflow_execution_history(request.clone());
            let page = page.await.unwrap();
            pages.push(page.events);
            match page.next_page_token {
                Some(token) => request.next_page_token = Some(token),
                None => return pages,
            }
        }
    }

    /// All its events so far.
    pub(super) async fn events(&self) -> Vec<HistoryEvent> {
        self.history(self.history_request()).await.concat()
    }

    pub(super) fn signal_request(&self) -> SignalWorkflowExecution {
        SignalWorkflowExecution {
            domain: self.suite.domain.clone(),
            workflow_id: self.execution.workflow_id.clone(),
            run_id: Some(self.execution.run_id.clone()),
            signal_name: "signal".into(),
            input: Some("input".into()),
            ..Default::default()
        }
    }

    pub(super) async fn signal(&self) {
        let service = &self.suite.service;
        let signal = service.signal_workflow_execution(self.signal_request());
        signal.await.unwrap();
    }

    pub(super) fn terminate_request(&self) -> TerminateWorkflowExecution {
        TerminateWorkflowExecution {
            domain: self.suite.domain.clone(),
            workflow_id: self.execution.workflow_id.clone(),
            reason: Some("reason".into()),
            details: Some("details".into()),
            ..Default::default()
        }
    }

    pub(super) async fn terminate(&self) {
        let service = &self.suite.service;
        let terminate = service.terminate_workflow_execution(self.terminate_request());
        terminate.await.unwrap();
    }
}
