//! Example workflows, one a file. Each is a test as well.

pub mod approval;
pub mod basic;
pub mod fan_out;
pub mod program;
pub mod retry;
