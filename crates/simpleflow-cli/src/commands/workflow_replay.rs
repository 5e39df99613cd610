//! `workflow.replay`: replays a recorded history against the code of this program.

use std::path::{Path, PathBuf};

use clap::Args;
use simpleflow_core::testing::{RecordedHistory, Replay};
use simpleflow_core::{Registry, WorkflowEntry};
use simpleflow_executor::LocalError;
use simpleflow_model::{EventAttributes, HistoryEvent};
use simpleflow_swf::History;
use tokio::runtime::Runtime;

use crate::error::CliError;
use crate::on_swf::On;
use crate::{find, jumbo, output};

/// Replay a history against the code of this program: says whether it makes the same decisions,
/// or where it goes another way.
///
/// The exit code is 0 for the same decisions, 1 otherwise. Nothing is executed and nothing is
/// sent.
#[derive(Args)]
#[command(after_help = "\
Examples:
  simpleflow workflow.replay OrderWorkflow --history history.json
  simpleflow workflow.replay OrderWorkflow --domain quickstart --workflow-id order-7")]
pub(crate) struct WorkflowReplay {
    /// The workflow: its path, its name, or the last part of its path.
    workflow: String,

    /// The file with the history: what workflow.start --history or workflow.history wrote, or the
    /// answer of GetWorkflowExecutionHistory; - is stdin.
    #[arg(
        long,
        value_name = "FILE",
        required_unless_present = "workflow_id",
        conflicts_with_all = ["workflow_id", "domain"]
    )]
    history: Option<PathBuf>,

    /// The execution on SWF whose history it is.
    #[arg(long, value_name = "ID")]
    workflow_id: Option<String>,

    /// The run id. By default the open run, or else the one that was started last.
    #[arg(long, value_name = "ID", requires = "workflow_id")]
    run_id: Option<String>,

    #[command(flatten)]
    on: On,
}

impl WorkflowReplay {
    pub(crate) fn run(self, registry: Registry) -> Result<(), CliError> {
        registry.check().map_err(LocalError::from)?;
        let entry = *find::workflow(&registry, &self.workflow)?;
        let history = match &self.history {
            Some(path) => with_values(read(path)?)?,
            None => self.ask()?,
        };
        say_type(&entry, &history.events);
        let events = history.events.len();
        let answered = |event: &&HistoryEvent| {
            matches!(event.attributes, EventAttributes::DecisionTaskCompleted(_))
        };
        let decided = history.events.iter().filter(answered).count();
        Replay::of(entry, history).check()?;
        output::print(
            format!("same decisions (decision tasks: {decided}, events: {events})\n").as_bytes(),
        )
    }

    fn ask(&self) -> Result<RecordedHistory, CliError> {
        let names: Vec<_> = self.workflow_id.iter().cloned().collect();
        let which = self.on.which(&names, self.run_id.as_deref())?;
        self.on.with_values(which, async |execution, jumbo| {
            let history = jumbo::decoded(&execution.history().await?, &jumbo).await;
            Ok(RecordedHistory {
                events: history.events().to_vec(),
                execution: Some(execution.id().clone()),
            })
        })
    }
}

/// A history with the values that it only names.
fn with_values(history: RecordedHistory) -> Result<RecordedHistory, CliError> {
    let jumbo = jumbo::jumbo(None)?;
    let runtime = Runtime::new().map_err(CliError::Runtime)?;
    let decoded = runtime.block_on(jumbo::decoded(&History::new(history.events), &jumbo));
    Ok(RecordedHistory {
        events: decoded.events().to_vec(),
        ..history
    })
}

fn read(path: &Path) -> Result<RecordedHistory, CliError> {
    let text = match path == Path::new("-") {
        true => std::io::read_to_string(std::io::stdin()),
        false => std::fs::read_to_string(path),
    };
    let text = text.map_err(|source| CliError::ReadHistory {
        path: path.to_owned(),
        source,
    })?;
    RecordedHistory::parse(&text).map_err(|source| CliError::History {
        path: path.to_owned(),
        source,
    })
}

/// A history of another workflow is most likely not what was meant, but a workflow may have got
/// another name.
fn say_type(entry: &WorkflowEntry, events: &[HistoryEvent]) {
    let started = events.first().map(|event| &event.attributes);
    if let Some(EventAttributes::WorkflowExecutionStarted(started)) = started {
        let (recorded, name) = (&started.workflow_type.name, &entry.definition().name);
        if recorded.as_str() != name.as_str() {
            output::say(&format!(
                "The history is of workflow type {recorded:?}, the code is of {name:?}.",
                recorded = recorded.as_str(),
                name = name.as_str(),
            ));
        }
    }
}
