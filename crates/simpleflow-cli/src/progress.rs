//! The progress of an execution, told while it runs: its open tasks on a terminal, a line for each
//! change elsewhere.

mod reader;

use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use simpleflow_model::{EventAttributes, EventId, HistoryEvent, SmolStr, Timestamp};

use self::reader::{Change, End, Reader, Step, line};
use crate::output;

/// How many open tasks are shown.
const SHOWN: usize = 12;

/// The progress of an execution.
pub(crate) struct Progress {
    reader: Reader,
    live: Option<Live>,
}

impl Progress {
    /// On a terminal it is live, elsewhere it is lines.
    pub(crate) fn new() -> Self {
        let live = io::stderr().is_terminal().then(Live::default);
        Self {
            reader: Reader::default(),
            live,
        }
    }

    /// Tells what new events are about.
    pub(crate) fn observe(&mut self, events: &[HistoryEvent]) {
        for event in events {
            if let EventAttributes::WorkflowExecutionContinuedAsNew(_) = event.attributes {
                self.start_over(event.event_timestamp);
                continue;
            }
            let Some(step) = self.reader.read(event) else {
                continue;
            };
            match &mut self.live {
                Some(live) => live.tell(step),
                None => output::say(&line(&step)),
            }
        }
        if let Some(live) = &mut self.live {
            live.draw();
        }
    }

    /// The next run numbers its events from 1 again, and knows no task of this one.
    fn start_over(&mut self, at: Timestamp) {
        self.reader = Reader::default();
        let line = format!("{at}  continued as new");
        match &mut self.live {
            Some(live) => {
                live.forget();
                live.print(&line);
            }
            None => output::say(&line),
        }
    }

    /// Takes away what would stand below what comes next.
    pub(crate) fn end(self) {
        if let Some(live) = self.live {
            live.end();
        }
    }
}

/// The open tasks, each in a line that goes on turning.
#[derive(Default)]
struct Live {
    lines: MultiProgress,
    total: Option<ProgressBar>,
    /// By the event that they began with, so in their order.
    open: BTreeMap<EventId, Open>,
    completed: usize,
    failed: usize,
    cancelled: usize,
}

struct Open {
    id: SmolStr,
    started: bool,
    line: Option<ProgressBar>,
}

impl Live {
    fn tell(&mut self, step: Step) {
        match &step.change {
            Change::Scheduled | Change::Started => {
                let started = step.change == Change::Started;
                let open = self.open.entry(step.task.number).or_insert_with(|| Open {
                    id: step.task.id,
                    started,
                    line: None,
                });
                open.started = started;
            }
            Change::Ended(end) => {
                if let Some(Open {
                    line: Some(line), ..
                }) = self.open.remove(&step.task.number)
                {
                    self.lines.remove(&line);
                }
                match end {
                    End::Completed => {
                        self.completed += 1;
                        return;
                    }
                    End::Failed(_) | End::TimedOut(_) => self.failed += 1,
                    End::Cancelled => self.cancelled += 1,
                }
                self.print(&line(&step));
            }
            Change::Refused(_) => self.print(&line(&step)),
        }
    }

    /// Prints a line above those of the open tasks.
    fn print(&self, line: &str) {
        // When the terminal is gone nobody reads it.
        let _ = self.lines.println(line);
    }

    /// Takes the open tasks away; what was counted stays.
    fn forget(&mut self) {
        for open in std::mem::take(&mut self.open).into_values() {
            if let Some(line) = open.line {
                self.lines.remove(&line);
            }
        }
    }

    /// How many tasks there are of each kind.
    fn summary(&self) -> String {
        let waiting = self.open.values().filter(|open| !open.started).count();
        let running = self.open.len() - waiting;
        let mut summary = format!("{} completed, {running} running", self.completed);
        for (count, what) in [
            (waiting, "scheduled"),
            (self.failed, "failed"),
            (self.cancelled, "cancelled"),
        ] {
            if count > 0 {
                summary += &format!(", {count} {what}");
            }
        }
        summary
    }

    fn draw(&mut self) {
        let summary = self.summary();
        self.total
            .get_or_insert_with(|| turning(self.lines.add(ProgressBar::new_spinner())))
            .set_message(summary);
        // What runs is shown before what waits.
        let mut shown = self
            .open
            .values()
            .filter(|open| open.line.is_some())
            .count();
        let (running, waiting): (Vec<_>, Vec<_>) =
            self.open.values_mut().partition(|open| open.started);
        for open in running.into_iter().chain(waiting) {
            if open.line.is_none() && shown < SHOWN {
                open.line = Some(turning(self.lines.add(ProgressBar::new_spinner())));
                shown += 1;
            }
            if let Some(line) = &open.line {
                let state = if open.started { "" } else { " (scheduled)" };
                line.set_message(format!("{}{state}", output::visible(&open.id)));
            }
        }
    }

    fn end(self) {
        // When the terminal is gone there is nothing to take away.
        let _ = self.lines.clear();
    }
}

/// A line with the time that it stands there.
fn turning(line: ProgressBar) -> ProgressBar {
    const TURN: Duration = Duration::from_millis(100);
    if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed:>4} {msg}") {
        line.set_style(style);
    }
    line.enable_steady_tick(TURN);
    line
}

#[cfg(test)]
mod tests {
    use super::reader::tests::events;
    use super::*;

    fn scheduled(number: i64, id: &str) -> serde_json::Value {
        serde_json::json!({"eventId": number, "eventTimestamp": 1, "eventType": "ActivityTaskScheduled",
            "activityTaskScheduledEventAttributes": {
                "activityId": id, "activityType": {"name": "increment", "version": "1"},
                "taskList": {"name": "list"}, "decisionTaskCompletedEventId": 0}})
    }

    #[test]
    fn a_new_run_starts_over() {
        let first = events(serde_json::json!([
            scheduled(1, "one"),
            scheduled(2, "two"),
            {"eventId": 3, "eventTimestamp": 2, "eventType": "ActivityTaskCanceled",
             "activityTaskCanceledEventAttributes": {"scheduledEventId": 2, "startedEventId": 0}},
            {"eventId": 4, "eventTimestamp": 2, "eventType": "WorkflowExecutionContinuedAsNew",
             "workflowExecutionContinuedAsNewEventAttributes": {
                "newExecutionRunId": "next", "workflowType": {"name": "w", "version": "1"},
                "taskList": {"name": "list"}, "childPolicy": "TERMINATE",
                "decisionTaskCompletedEventId": 0}},
        ]));
        let mut progress = Progress {
            reader: Reader::default(),
            live: Some(Live::default()),
        };
        let summary = |progress: &Progress| progress.live.as_ref().map(Live::summary);
        progress.observe(&first[..3]);
        let told = "0 completed, 0 running, 1 scheduled, 1 cancelled";
        assert_eq!(summary(&progress).as_deref(), Some(told));
        progress.observe(&first[3..]);
        let told = "0 completed, 0 running, 1 cancelled";
        assert_eq!(summary(&progress).as_deref(), Some(told));
        // A task of the former run is not taken for one of the next.
        progress.observe(&events(serde_json::json!([
            {"eventId": 9, "eventTimestamp": 3, "eventType": "ActivityTaskCompleted",
             "activityTaskCompletedEventAttributes": {"scheduledEventId": 1, "startedEventId": 0}},
        ])));
        assert_eq!(summary(&progress).as_deref(), Some(told));
        progress.observe(&events(serde_json::json!([scheduled(1, "one")])));
        assert_eq!(
            summary(&progress).as_deref(),
            Some("0 completed, 0 running, 1 scheduled, 1 cancelled")
        );
    }
}
