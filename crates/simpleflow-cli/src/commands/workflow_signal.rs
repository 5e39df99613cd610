//! `workflow.signal`: sends a signal to an execution.

use std::path::PathBuf;

use clap::Args;
use simpleflow_executor::{check_input, values};
use simpleflow_model::operation::SignalWorkflowExecution;
use simpleflow_model::{SignalName, SmolStr};

use crate::error::CliError;
use crate::input;
use crate::on_swf::On;

/// Send a signal to an execution.
#[derive(Args)]
#[command(after_help = "\
Examples:
  simpleflow workflow.signal quickstart order-7 approved --input '{\"by\": \"ann\"}'
  SWF_DOMAIN=quickstart simpleflow workflow.signal order-7 approved")]
pub(crate) struct WorkflowSignal {
    /// The execution and the name of the signal, as [DOMAIN] WORKFLOW_ID [RUN_ID] SIGNAL.
    #[arg(value_name = "EXECUTION SIGNAL", required = true, num_args = 2..=4)]
    names: Vec<String>,

    /// The payload, as JSON.
    #[arg(
        short,
        long,
        value_name = "JSON",
        conflicts_with = "input_file",
        allow_negative_numbers = true
    )]
    input: Option<String>,

    /// The file with the payload; - is stdin.
    #[arg(long, value_name = "FILE")]
    input_file: Option<PathBuf>,

    #[command(flatten)]
    on: On,
}

impl WorkflowSignal {
    pub(crate) fn run(self) -> Result<(), CliError> {
        let Some((signal, names)) = self.names.split_last() else {
            return Err(CliError::WhichExecution);
        };
        let which = self.on.which(names, None)?;
        let name = SignalName::new(signal.as_str()).map_err(|problem| CliError::Option {
            option: "SIGNAL",
            value: signal.clone(),
            problem: problem.to_string(),
        })?;
        let payload = input::read(self.input.as_deref(), self.input_file.as_deref())?;
        let payload = (!payload.is_empty()).then(|| SmolStr::from(payload));
        self.on.with_values(which, async |execution, jumbo| {
            let checked = check_input(payload.as_deref().unwrap_or_default(), Some(&jumbo));
            checked.map_err(|too_long| CliError::Option {
                option: "SIGNAL",
                value: signal.clone(),
                problem: format!("its payload has {too_long}"),
            })?;
            let mut request = SignalWorkflowExecution {
                input: payload,
                ..SignalWorkflowExecution::default()
            };
            values::encode(Some(&jumbo), &mut request).await?;
            Ok(execution.signal(name, request.input).await?)
        })
    }
}
