//! `workflow.history`: the history of an execution, as JSON.

use clap::builder::BoolishValueParser;
use clap::{ArgAction, Args, ValueEnum};
use serde_json::Value;
use simpleflow_swf::History;

use crate::error::CliError;
use crate::jumbo::Decode;
use crate::on_swf::On;
use crate::table::Format;

/// Print the history of an execution, as JSON: indented, or on a line with --format json.
#[derive(Args)]
#[command(after_help = "\
Examples:
  simpleflow workflow.history --domain quickstart order-7 --output-format events > history.json
  simpleflow workflow.replay OrderWorkflow --history history.json")]
pub(crate) struct WorkflowHistory {
    /// The workflow id.
    workflow_id: String,

    /// The run id. By default the open run, or else the one that was started last.
    run_id: Option<String>,

    /// What to print.
    #[arg(
        short,
        long,
        visible_alias = "of",
        value_enum,
        value_name = "FORM",
        default_value = "raw"
    )]
    output_format: Form,

    /// The newest event first.
    #[arg(
        long,
        value_name = "BOOL",
        default_value = "false",
        action = ArgAction::Set,
        value_parser = BoolishValueParser::new()
    )]
    reverse_order: bool,

    #[command(flatten)]
    decode: Decode,

    #[command(flatten)]
    on: On,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// The events as SWF gives them.
    Events,
    /// Each event flat, with its input read.
    Raw,
    /// The state of each task.
    Cooked,
}

impl WorkflowHistory {
    pub(crate) fn run(self, format: Format) -> Result<(), CliError> {
        format.check_json("workflow.history")?;
        if self.reverse_order && self.output_format == Form::Cooked {
            return Err(CliError::Option {
                option: "--reverse-order",
                value: "true".to_owned(),
                problem: "the cooked form is no list of events".to_owned(),
            });
        }
        let names = [self.workflow_id];
        let which = self.on.which(&names, self.run_id.as_deref())?;
        let history = self.on.with_values(which, async |execution, jumbo| {
            self.decode.history(&execution, &jumbo).await
        })?;
        let mut value = form(&history, self.output_format)?;
        if let (Value::Array(events), true) = (&mut value, self.reverse_order) {
            events.reverse();
        }
        format.print_json(&value)
    }
}

fn form(history: &History, form: Form) -> Result<Value, CliError> {
    Ok(match form {
        Form::Cooked => history.cooked(),
        Form::Raw => history.flat_events().into(),
        Form::Events => {
            let mut events =
                serde_json::to_value(history.events()).map_err(|error| CliError::Write {
                    path: "stdout".into(),
                    source: error.into(),
                })?;
            // The original's JSON has times as text.
            for (event, of) in events
                .as_array_mut()
                .into_iter()
                .flatten()
                .zip(history.events())
            {
                event["eventTimestamp"] = of.event_timestamp.to_string().into();
            }
            events
        }
    })
}
