//! The vocabulary of Amazon Simple Workflow (SWF): ids, types, history events, decisions, requests
//! and limits, whose serde form is SWF's own JSON.
//!
//! Nothing here behaves: values are parsed, built and checked. The reference is the official
//! service model, API version 2012-01-25; a test compares every shape with it.

pub mod decision;
pub mod enums;
pub mod event;
mod fault;
mod ids;
pub mod limits;
pub mod operation;
mod shape;
mod time;
pub mod types;
mod unknown;
pub mod values;

pub use decision::Decision;
pub use enums::{ChildPolicy, CloseStatus, ExecutionStatus, RegistrationStatus};
pub use event::{EventAttributes, HistoryEvent};
pub use fault::{Fault, FaultKind};
pub use ids::{
    ActivityId, Arn, DomainName, EventId, FunctionId, FunctionName, Identity, InvalidName,
    MarkerName, PageToken, RunId, SignalName, TaskListName, TaskToken, TimerId, TypeName, Version,
    WorkflowId,
};
pub use shape::Members;
pub use smol_str::SmolStr;
pub use time::{InvalidTimeout, RetentionDays, TaskPriority, Timeout, Timestamp};
pub use types::{ActivityType, TaskList, WorkflowExecution, WorkflowType};
pub use unknown::Unknown;
