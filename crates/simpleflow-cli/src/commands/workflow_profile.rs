//! `workflow.profile`: where the time of an execution went.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use clap::Args;
use simpleflow_model::Timestamp;
use simpleflow_swf::profile::{Timeline, seconds};
use simpleflow_swf::{History, history::Moment};

use crate::error::CliError;
use crate::on_swf::Execution;
use crate::output;
use crate::table::{Cell, Format, Table};

/// Show where the time of an execution went: its activities and children, those that ran longest
/// first.
#[derive(Args)]
#[command(after_help = "\
Examples:
  simpleflow --header workflow.profile quickstart order-7 --nb-tasks 10
  simpleflow workflow.profile quickstart order-7 --html order-7.html")]
pub(crate) struct WorkflowProfile {
    #[command(flatten)]
    execution: Execution,

    /// How many tasks to show at most.
    #[arg(short, long, value_name = "COUNT", conflicts_with = "html")]
    nb_tasks: Option<usize>,

    /// Write a timeline to a file instead, to look at in a browser. It needs nothing else.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

const COLUMNS: &[&str] = &[
    "Task",
    "Last State",
    "Scheduled",
    "Time Scheduled",
    "Start",
    "Time Running",
    "End",
    "Percentage of total time",
];

impl WorkflowProfile {
    pub(crate) fn run(self, format: Format) -> Result<(), CliError> {
        let (title, history) = self.execution.with(async |execution| {
            let id = execution.id();
            let title = format!("{} {}", id.workflow_id, id.run_id);
            Ok((title, execution.history().await?))
        })?;
        match &self.html {
            Some(path) => write_timeline(path, &title, &history),
            None => table(&history, self.nb_tasks.unwrap_or(usize::MAX)).print(format),
        }
    }
}

fn table(history: &History, most: usize) -> Table {
    let mut table = Table::new(COLUMNS);
    for timing in history.profile().iter().take(most) {
        let attempt = timing.attempt();
        table.push([
            timing.task.id.as_str().into(),
            attempt.state.as_str().into(),
            to_the_minute(Some(attempt.scheduled)),
            seconds(timing.waited).into(),
            to_the_minute(attempt.started),
            seconds(timing.ran).into(),
            to_the_minute(attempt.ended),
            timing.percentage.into(),
        ]);
    }
    table
}

/// As the original prints these times, in every format.
fn to_the_minute(at: Option<Moment>) -> Cell {
    let time = at.and_then(|at| jiff::Timestamp::from_microsecond(at.timestamp.as_micros()).ok());
    time.map_or(Cell::Missing, |time| {
        Cell::text(time.strftime("%Y-%m-%d %H:%M").to_string())
    })
}

fn write_timeline(path: &Path, title: &str, history: &History) -> Result<(), CliError> {
    let now = Timestamp::from(SystemTime::now());
    let html = Timeline::new(history, title, now).to_string();
    File::create(path)
        .and_then(|mut file| file.write_all(html.as_bytes()))
        .map_err(|source| CliError::Write {
            path: path.to_owned(),
            source,
        })?;
    output::say(&format!("The timeline is in {}.", path.display()));
    Ok(())
}
