//! The commands, one a file.

mod completions;
mod new;
mod workflow_start;

pub(crate) use completions::Completions;
pub(crate) use new::New;
pub(crate) use workflow_start::WorkflowStart;
