//! Amazon Simple Workflow as objects: domains, types and executions with their queries, histories
//! read into states, and the bare loops of a decider and of a worker. Over any
//! [`SwfService`](simpleflow_service::SwfService), for programs that steer or watch workflows of
//! whatever making.
//!
//! ```
//! # use simpleflow_service::SwfService;
//! use futures::TryStreamExt as _;
//! use simpleflow_swf::Domain;
//!
//! # async fn example<S: SwfService>(service: S) -> Result<(), Box<dyn std::error::Error>> {
//! let domain = Domain::new(service, "quickstart");
//! let mut open = std::pin::pin!(domain.open_executions().tag("night").list());
//! while let Some(info) = open.try_next().await? {
//!     let history = domain.listed(&info).history().await?;
//!     for task in history.tasks().iter().filter(|task| task.is_open()) {
//!         println!("{}: {} {}", info.execution.workflow_id, task.id, task.state().as_str());
//!     }
//! }
//! # Ok(())
//! # }
//! ```

mod activity_type;
pub mod decisions;
mod domain;
mod error;
mod execution;
mod executions;
pub mod history;
pub mod metrology;
mod pages;
mod poll;
pub mod profile;
pub mod why;
mod words;
mod workflow_type;

pub use activity_type::{ActivityType, ActivityTypes};
pub use domain::Domain;
pub use error::SwfError;
pub use execution::{Terminate, WorkflowExecution};
pub use executions::{ClosedExecutions, OpenExecutions};
pub use history::History;
pub use poll::{Answer, Decided, Poller};
pub use workflow_type::{WorkflowType, WorkflowTypes};
