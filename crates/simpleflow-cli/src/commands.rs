//! The commands, one a file.

mod completions;
mod new;
mod server_start;
mod workflow_start;

pub(crate) use completions::Completions;
pub(crate) use new::New;
pub(crate) use server_start::ServerStart;
pub(crate) use workflow_start::WorkflowStart;
