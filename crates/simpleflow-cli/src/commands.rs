//! The commands, one a file.

mod completions;
mod decider_start;
mod new;
mod server_start;
mod workflow_start;

pub(crate) use completions::Completions;
pub(crate) use decider_start::DeciderStart;
pub(crate) use new::New;
pub(crate) use server_start::ServerStart;
pub(crate) use workflow_start::WorkflowStart;
