//! Example workflows, one a file. Each is a test as well.

pub mod approval;
pub mod basic;
pub mod canvas;
pub mod complex;
pub mod continue_as_new;
pub mod dyn_task_list;
pub mod failing;
pub mod fan_out;
pub mod jumbo_fields;
pub mod map_reduce;
pub mod program;
pub mod retry;
pub mod saga;
