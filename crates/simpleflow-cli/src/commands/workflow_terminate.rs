//! `workflow.terminate`: closes an execution without asking its decider.

use clap::Args;
use simpleflow_model::{ChildPolicy, limits};
use simpleflow_swf::Terminate;

use crate::error::CliError;
use crate::on_swf::Execution;

/// Terminate an execution: its decider is not asked.
#[derive(Args)]
pub(crate) struct WorkflowTerminate {
    #[command(flatten)]
    execution: Execution,

    /// Why, for the history; at most 256 characters.
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    reason: Option<String>,

    /// What becomes of its children. By default what the execution was started with.
    #[arg(
        long,
        value_name = "POLICY",
        value_parser = ["TERMINATE", "REQUEST_CANCEL", "ABANDON"],
        ignore_case = true
    )]
    child_policy: Option<String>,
}

impl WorkflowTerminate {
    pub(crate) fn run(self) -> Result<(), CliError> {
        let how = Terminate {
            reason: self.reason.map(Into::into),
            child_policy: self
                .child_policy
                .map(|policy| ChildPolicy::from(&*policy.to_uppercase())),
            ..Terminate::default()
        };
        self.execution
            .with(async |execution| Ok(execution.terminate(how).await?))
    }
}

fn reason(text: &str) -> Result<String, String> {
    match text.chars().count() {
        0..=limits::REASON_LENGTH => Ok(text.to_owned()),
        length => Err(format!(
            "it has {length} characters: SWF takes at most {}",
            limits::REASON_LENGTH
        )),
    }
}
