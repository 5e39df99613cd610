//! Example workflows, one a file. Each is a test as well.

pub mod approval;
pub mod basic;
pub mod canvas;
pub mod child_workflow;
pub mod complex;
pub mod continue_as_new;
pub mod download;
pub mod dyn_task_list;
pub mod failing;
pub mod fan_out;
pub mod jumbo_fields;
pub mod map_reduce;
pub mod marker;
pub mod middleware;
pub mod priorities;
pub mod program;
pub mod retry;
pub mod saga;
pub mod signals;
pub mod step;
pub mod timer;
