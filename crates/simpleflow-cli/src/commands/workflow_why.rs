//! `workflow.why`: what an execution is waiting for.

use std::time::SystemTime;

use clap::Args;
use simpleflow_model::Timestamp;
use simpleflow_swf::why::Why;

use crate::error::CliError;
use crate::on_swf::Execution;
use crate::output;
use crate::table::Format;

/// Say what an execution is waiting for, since when, and who could move it.
///
/// What somebody should look after is marked with !, and comes first.
#[derive(Args)]
pub(crate) struct WorkflowWhy {
    #[command(flatten)]
    execution: Execution,
}

impl WorkflowWhy {
    pub(crate) fn run(self, format: Format) -> Result<(), CliError> {
        format.check_json("workflow.why")?;
        let why = self.execution.with(async |execution| {
            let now = Timestamp::from(SystemTime::now());
            Ok(Why::ask(&execution, now).await?)
        })?;
        match format.is_json() {
            true => format.print_json(&why.to_json()),
            false => {
                output::print(output::visible_lines(&why.to_string()).as_bytes())?;
                self.execution.say_where();
                Ok(())
            }
        }
    }
}
