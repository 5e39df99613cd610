//! The seam: SWF as a trait. Its methods are the service's operations in the model's own types, so
//! that deciders, workers and commands do not know whose service they talk to.

#[cfg(feature = "conformance")]
pub mod conformance;
mod error;
mod operations;

pub use error::ServiceError;
pub use operations::{NextTask, SwfService};

/// What the server in the box has in its header `server`. A client that reads it knows that the
/// service [takes tasks back](SwfService::takes_tasks_back).
pub const SERVER_NAME: &str = "simpleflow";

/// The header of a poll that takes a decision task
/// [early](SwfService::poll_for_decision_task_early) from the server in the box.
pub const EARLY_TASKS: &str = "x-simpleflow-early-tasks";

/// The header of a history that the server in the box gives
/// [when the execution is closed](SwfService::get_workflow_execution_history_when_closed).
pub const WHEN_CLOSED: &str = "x-simpleflow-when-closed";

/// The header of an answer to a task that polls for the next with the
/// [same request](SwfService::respond_decision_task_completed_then_poll): the poll is the member
/// `thenPoll` of its body, and with one that cannot be read the answer is not taken either. The server
/// in the box sends the header back with the word that the answer is taken, before the body, which is
/// the poll's and comes when that has its answer.
pub const THEN_POLL: &str = "x-simpleflow-then-poll";

/// What the table of operations names, for who makes something of it.
#[doc(hidden)]
pub mod table {
    pub use simpleflow_model::operation::*;
    pub use simpleflow_model::types::{
        ActivityTask, ActivityTaskStatus, ActivityTypeDetail, ActivityTypeInfos, DecisionTask,
        DomainDetail, DomainInfos, History, ListTagsForResourceOutput, PendingTaskCount, Run,
        WorkflowExecutionCount, WorkflowExecutionDetail, WorkflowExecutionInfos,
        WorkflowTypeDetail, WorkflowTypeInfos,
    };
}
