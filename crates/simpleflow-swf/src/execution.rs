//! One run of a workflow, to ask about and to steer.

use std::pin::pin;

use futures::stream::{Stream, TryStreamExt as _};
use simpleflow_model::operation::{
    DescribeWorkflowExecution, GetWorkflowExecutionHistory, RequestCancelWorkflowExecution,
    SignalWorkflowExecution, StartWorkflowExecution, TerminateWorkflowExecution,
};
use simpleflow_model::types::{WorkflowExecutionDetail, WorkflowExecutionInfo};
use simpleflow_model::{
    ChildPolicy, ExecutionStatus, FaultKind, HistoryEvent, RegistrationStatus, RunId, SignalName,
    SmolStr, WorkflowExecution as ExecutionId, WorkflowId, WorkflowType as TypeId,
};
use simpleflow_service::{ServiceError, SwfService};

use crate::pages::pages;
use crate::{Domain, History, SwfError, WorkflowType};

/// The reason that an execution is terminated with when it is started anew; the original's.
const RESTART: &str = "workflow.restart";

/// One run of a workflow. To make one asks nobody.
#[derive(Clone, Debug)]
pub struct WorkflowExecution<S> {
    domain: Domain<S>,
    id: ExecutionId,
}

/// How to terminate an execution.
#[derive(Clone, Debug, Default)]
pub struct Terminate {
    /// Why, for the history.
    pub reason: Option<SmolStr>,
    /// More about why.
    pub details: Option<SmolStr>,
    /// What becomes of its children, if not what it was started with.
    pub child_policy: Option<ChildPolicy>,
}

impl<S: SwfService> WorkflowExecution<S> {
    pub(crate) fn new(
        domain: Domain<S>,
        workflow_id: impl Into<WorkflowId>,
        run_id: impl Into<RunId>,
    ) -> Self {
        Self {
            domain,
            id: ExecutionId {
                workflow_id: workflow_id.into(),
                run_id: run_id.into(),
                ..ExecutionId::default()
            },
        }
    }

    pub(crate) async fn find(
        domain: &Domain<S>,
        workflow_id: WorkflowId,
        run_id: Option<RunId>,
    ) -> Result<Self, SwfError> {
        let missing = |run_id| SwfError::NoExecution {
            domain: domain.name.clone(),
            workflow_id: workflow_id.clone(),
            run_id,
        };
        if let Some(run_id) = run_id {
            let execution = domain.run(workflow_id.clone(), run_id.clone());
            return match execution.describe().await {
                Ok(_) => Ok(execution),
                Err(error) if is_unknown(&error) => Err(missing(Some(run_id))),
                Err(error) => Err(error.into()),
            };
        }
        let open = domain.open_executions().workflow_id(workflow_id.clone());
        let closed = domain.closed_executions().workflow_id(workflow_id.clone());
        let found = match first(open.list()).await? {
            Some(open) => Some(open),
            None => first(closed.list()).await?,
        };
        match found {
            Some(info) => Ok(domain.run(info.execution.workflow_id, info.execution.run_id)),
            None => Err(missing(None)),
        }
    }

    /// Its workflow id and run id.
    pub fn id(&self) -> &ExecutionId {
        &self.id
    }

    /// The domain that it is in.
    pub fn domain(&self) -> &Domain<S> {
        &self.domain
    }

    /// Its state.
    ///
    /// # Errors
    /// The service does not know it, or does not answer.
    pub async fn describe(&self) -> Result<WorkflowExecutionDetail, ServiceError> {
        let request = DescribeWorkflowExecution {
            domain: self.domain.name.clone(),
            execution: self.id.clone(),
            ..DescribeWorkflowExecution::default()
        };
        self.domain
            .service
            .describe_workflow_execution(request)
            .await
    }

    /// The events of its history, page by page as they are taken; the oldest first.
    pub fn events(&self) -> impl Stream<Item = Result<HistoryEvent, ServiceError>> + use<S> {
        let (domain, execution) = (self.domain.clone(), self.id.clone());
        pages(move |next_page_token| {
            let service = domain.service.clone();
            let request = GetWorkflowExecutionHistory {
                domain: domain.name.clone(),
                execution: execution.clone(),
                next_page_token,
                ..GetWorkflowExecutionHistory::default()
            };
            async move {
                let page = service.get_workflow_execution_history(request).await?;
                Ok((page.events, page.next_page_token))
            }
        })
    }

    /// Its whole history, read into states.
    ///
    /// # Errors
    /// The service does not know it, or does not answer.
    pub async fn history(&self) -> Result<History, ServiceError> {
        Ok(History::new(self.events().try_collect().await?))
    }

    /// Sends it a signal. The input is JSON for a workflow of this project, or of the original.
    ///
    /// # Errors
    /// [`SwfError::Closed`] when it is not open; or the service does not answer.
    pub async fn signal(
        &self,
        name: impl Into<SignalName>,
        input: Option<SmolStr>,
    ) -> Result<(), SwfError> {
        let request = SignalWorkflowExecution {
            domain: self.domain.name.clone(),
            workflow_id: self.id.workflow_id.clone(),
            run_id: Some(self.id.run_id.clone()),
            signal_name: name.into(),
            input,
            ..SignalWorkflowExecution::default()
        };
        let service = &self.domain.service;
        self.steered(service.signal_workflow_execution(request).await)
    }

    /// Asks it to cancel itself; its decider decides what comes of it.
    ///
    /// # Errors
    /// [`SwfError::Closed`] when it is not open; or the service does not answer.
    pub async fn request_cancel(&self) -> Result<(), SwfError> {
        let request = RequestCancelWorkflowExecution {
            domain: self.domain.name.clone(),
            workflow_id: self.id.workflow_id.clone(),
            run_id: Some(self.id.run_id.clone()),
            ..RequestCancelWorkflowExecution::default()
        };
        let service = &self.domain.service;
        self.steered(service.request_cancel_workflow_execution(request).await)
    }

    /// Closes it without asking its decider.
    ///
    /// # Errors
    /// [`SwfError::Closed`] when it is not open; or the service does not answer.
    pub async fn terminate(&self, how: Terminate) -> Result<(), SwfError> {
        let request = TerminateWorkflowExecution {
            domain: self.domain.name.clone(),
            workflow_id: self.id.workflow_id.clone(),
            run_id: Some(self.id.run_id.clone()),
            reason: how.reason,
            details: how.details,
            child_policy: how.child_policy,
            ..TerminateWorkflowExecution::default()
        };
        let service = &self.domain.service;
        self.steered(service.terminate_workflow_execution(request).await)
    }

    /// The service has the same fault for what is closed as for what never was.
    fn steered(&self, answer: Result<(), ServiceError>) -> Result<(), SwfError> {
        match answer {
            Err(error) if is_unknown(&error) => Err(SwfError::Closed {
                workflow_id: self.id.workflow_id.clone(),
                run_id: self.id.run_id.clone(),
            }),
            answer => Ok(answer?),
        }
    }

    /// Starts it anew with what it was started with, under the same workflow id. When it is still
    /// open it is terminated first, unless its type shows that it could not be started again.
    ///
    /// # Errors
    /// The service does not know it, refuses the start, or does not answer;
    /// [`SwfError::TypeNotInUse`] before it is terminated, [`SwfError::NotStartedAgain`] after that.
    pub async fn restart(&self) -> Result<Self, SwfError> {
        self.restart_as(async |_: &mut StartWorkflowExecution| Ok::<_, SwfError>(()))
            .await
    }

    /// The same with a change of what it is started with. It is made when the type shows that the
    /// execution can be started again, and before the former one is terminated.
    ///
    /// # Errors
    /// As [`restart`](Self::restart); and the change's, with nothing terminated.
    pub async fn restart_as<E: From<SwfError>>(
        &self,
        change: impl AsyncFnOnce(&mut StartWorkflowExecution) -> Result<(), E>,
    ) -> Result<Self, E> {
        let (workflow_type, mut start) = self.started_with().await?;
        change(&mut start).await?;
        Ok(self.start_anew(&workflow_type, start).await?)
    }

    /// Its type, which is in use, and what starts it anew.
    async fn started_with(&self) -> Result<(WorkflowType<S>, StartWorkflowExecution), SwfError> {
        let first = first(self.events()).await?;
        let started = first.and_then(|event| match event.attributes {
            simpleflow_model::EventAttributes::WorkflowExecutionStarted(started) => Some(started),
            _ => None,
        });
        let Some(started) = started else {
            return Err(SwfError::NoStart {
                workflow_id: self.id.workflow_id.clone(),
                run_id: self.id.run_id.clone(),
            });
        };
        let TypeId { name, version, .. } = started.workflow_type;
        let workflow_type = self.domain.workflow_type(name, version);
        self.can_start(&workflow_type).await?;
        let start = StartWorkflowExecution {
            domain: self.domain.name.clone(),
            workflow_type: workflow_type.id().clone(),
            workflow_id: self.id.workflow_id.clone(),
            task_list: Some(started.task_list),
            task_priority: started.task_priority,
            input: started.input,
            execution_start_to_close_timeout: started.execution_start_to_close_timeout,
            tag_list: started.tag_list,
            task_start_to_close_timeout: started.task_start_to_close_timeout,
            child_policy: Some(started.child_policy),
            lambda_role: started.lambda_role,
            ..StartWorkflowExecution::default()
        };
        Ok((workflow_type, start))
    }

    async fn start_anew(
        &self,
        workflow_type: &WorkflowType<S>,
        start: StartWorkflowExecution,
    ) -> Result<Self, SwfError> {
        let mut terminated = false;
        if self.describe().await?.execution_info.execution_status == ExecutionStatus::Open {
            let how = Terminate {
                reason: Some(RESTART.into()),
                ..Terminate::default()
            };
            terminated = match self.terminate(how).await {
                // It was closed meanwhile.
                Err(SwfError::Closed { .. }) => false,
                answer => answer.map(|()| true)?,
            };
        }
        match workflow_type.start(start.clone()).await {
            Err(source) if terminated => Err(SwfError::NotStartedAgain {
                run_id: self.id.run_id.clone(),
                start: Box::new(start),
                source,
            }),
            answer => Ok(answer?),
        }
    }

    async fn can_start(&self, workflow_type: &WorkflowType<S>) -> Result<(), SwfError> {
        let deprecated = match workflow_type.describe().await {
            Ok(detail) if detail.type_info.status == RegistrationStatus::Deprecated => true,
            Ok(_) => return Ok(()),
            Err(error) if is_unknown(&error) => false,
            Err(error) => return Err(error.into()),
        };
        Err(SwfError::TypeNotInUse {
            domain: self.domain.name.clone(),
            workflow_type: workflow_type.id().clone(),
            deprecated,
        })
    }
}

impl<S: SwfService> Domain<S> {
    /// The execution that a listing names.
    pub fn listed(&self, info: &WorkflowExecutionInfo) -> WorkflowExecution<S> {
        let id = &info.execution;
        self.run(id.workflow_id.clone(), id.run_id.clone())
    }
}

/// Whether the service does not know the execution or the type. That it does not know the domain is the same
/// fault, in other words.
fn is_unknown(error: &ServiceError) -> bool {
    match error {
        ServiceError::Fault(fault) => {
            fault.kind == FaultKind::UnknownResource && !fault.message.starts_with("Unknown domain")
        }
        _ => false,
    }
}

/// The first of a listing.
async fn first<T>(
    items: impl Stream<Item = Result<T, ServiceError>>,
) -> Result<Option<T>, ServiceError> {
    pin!(items).try_next().await
}
