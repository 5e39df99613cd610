//! The seam: SWF as a trait. Its methods are the service's operations in the model's own types, so
//! that deciders and workers do not know whose service they talk to.

use simpleflow_model::operation::{
    GetWorkflowExecutionHistory, PollForActivityTask, PollForDecisionTask,
    RecordActivityTaskHeartbeat, RegisterActivityType, RegisterDomain, RegisterWorkflowType,
    RequestCancelWorkflowExecution, RespondActivityTaskCanceled, RespondActivityTaskCompleted,
    RespondActivityTaskFailed, RespondDecisionTaskCompleted, SignalWorkflowExecution,
    StartWorkflowExecution, TerminateWorkflowExecution,
};
use simpleflow_model::types::{ActivityTask, ActivityTaskStatus, DecisionTask, History, Run};
use simpleflow_model::{Fault, FaultKind};

/// Why an operation was not carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServiceError {
    /// The service refused the request: it will refuse the same request again.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl ServiceError {
    /// Whether the service refused the request with this fault.
    pub fn is_fault(&self, kind: FaultKind) -> bool {
        matches!(self, Self::Fault(fault) if fault.kind == kind)
    }
}

macro_rules! operations {
    ($( $(#[$doc:meta])* $name:ident($request:ident) -> $answer:ty; )*) => {
        /// Amazon Simple Workflow, as deciders and workers use it.
        ///
        /// Every method fails with [`ServiceError`].
        pub trait SwfService: Clone + Send + Sync + 'static {
            $(
                $(#[$doc])*
                fn $name(
                    &self,
                    request: $request,
                ) -> impl Future<Output = Result<$answer, ServiceError>> + Send;
            )*
        }
    };
}

operations! {
    /// Registers a domain.
    register_domain(RegisterDomain) -> ();
    /// Registers a workflow type.
    register_workflow_type(RegisterWorkflowType) -> ();
    /// Registers an activity type.
    register_activity_type(RegisterActivityType) -> ();
    /// Starts an execution.
    start_workflow_execution(StartWorkflowExecution) -> Run;
    /// Sends a signal to an execution.
    signal_workflow_execution(SignalWorkflowExecution) -> ();
    /// Asks for the cancel of an execution.
    request_cancel_workflow_execution(RequestCancelWorkflowExecution) -> ();
    /// Terminates an execution.
    terminate_workflow_execution(TerminateWorkflowExecution) -> ();
    /// A page of a history.
    get_workflow_execution_history(GetWorkflowExecutionHistory) -> History;
    /// Waits up to 60 seconds for a decision task; `None` when there was none.
    poll_for_decision_task(PollForDecisionTask) -> Option<DecisionTask>;
    /// Answers a decision task.
    respond_decision_task_completed(RespondDecisionTaskCompleted) -> ();
    /// Waits up to 60 seconds for an activity task; `None` when there was none.
    poll_for_activity_task(PollForActivityTask) -> Option<ActivityTask>;
    /// Says that a worker is still at a task.
    record_activity_task_heartbeat(RecordActivityTaskHeartbeat) -> ActivityTaskStatus;
    /// Says that an activity task is done.
    respond_activity_task_completed(RespondActivityTaskCompleted) -> ();
    /// Says that an activity task failed.
    respond_activity_task_failed(RespondActivityTaskFailed) -> ();
    /// Says that an activity task is cancelled.
    respond_activity_task_canceled(RespondActivityTaskCanceled) -> ();
}
