//! Amazon Simple Workflow as a library: commands in, history events and tasks out.
//!
//! [`Engine`] is the whole of the service's state machine as pure code. It has no clock, no I/O
//! and no threads: every operation takes the time at which it happens, polls answer at once, and
//! what falls due later is said by [`Engine::next_deadline`] and done by [`Engine::advance`]. A
//! test drives it with a virtual clock, a server with the real one.
//!
//! Events are the log. All else that an execution is, is derived from its events by
//! [`State::replay`], so what is to survive a restart are the events and the registrations.

mod check;
pub mod constraints;
mod deadline;
mod domain;
mod engine;
mod execution;
mod fault;
mod keeping;
mod operations;
mod registration;
mod registry;
mod run_id;
mod settings;
mod stepping;
mod task_list;
#[cfg(test)]
mod testing;
mod token;
mod visibility;

pub use check::check;
pub use engine::{Engine, Ready};
pub use execution::{Execution, ExecutionKey, State};
pub use fault::{invalid_token, unknown_execution};
pub use keeping::{Appended, Backlog, NotedHeartbeat, Removed};
pub use operations::{ClosedSelection, DecisionPage, HistoryPage, LambdaFunction, Selection};
pub use registration::Registration;
pub use settings::{Limits, Settings};
pub use stepping::{Due, DueTask, TaskAtWork};
pub use token::TaskKind;
pub use visibility::{ClosedBy, Entry, Filter};
