//! The progress of an execution, told while it runs: its open tasks on a terminal, a line for each
//! change elsewhere.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, IsTerminal as _};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use simpleflow_model::{EventAttributes, EventId, HistoryEvent, SmolStr, Timestamp};

use crate::output;

/// How many open tasks are shown.
const SHOWN: usize = 12;

/// What became of a task.
#[derive(Clone, Debug, PartialEq)]
enum Change {
    Scheduled,
    Started,
    Ended(End),
}

/// How a task ended.
#[derive(Clone, Debug, PartialEq)]
enum End {
    Completed,
    /// With the reason.
    Failed(SmolStr),
    TimedOut(String),
    Cancelled,
}

impl End {
    fn told(&self) -> String {
        match self {
            Self::Completed => "completed".to_owned(),
            Self::Failed(reason) => format!("failed: {reason}"),
            Self::TimedOut(kind) => format!("timed out ({kind})"),
            Self::Cancelled => "cancelled".to_owned(),
        }
    }
}

/// A change of a task.
#[derive(Debug, PartialEq)]
struct Step {
    task: Task,
    change: Change,
    at: Timestamp,
}

/// A task as people know it.
#[derive(Clone, Debug, PartialEq)]
struct Task {
    /// Of the event that it began with.
    number: EventId,
    id: SmolStr,
    since: Timestamp,
}

/// Reads what becomes of tasks from events.
#[derive(Default)]
struct Reader {
    tasks: HashMap<EventId, Task>,
    /// Timers by id.
    timers: HashMap<SmolStr, EventId>,
}

impl Reader {
    /// What an event tells of a task; none when it is of something else.
    fn read(&mut self, event: &HistoryEvent) -> Option<Step> {
        use EventAttributes as E;
        let (number, change) = match &event.attributes {
            E::ActivityTaskScheduled(a) => self.begin(event, a.activity_id.as_str()),
            E::StartChildWorkflowExecutionInitiated(a) => self.begin(event, a.workflow_id.as_str()),
            // Timers of the engine itself wake it up, or let a task wait.
            E::TimerStarted(a) if !a.timer_id.as_str().starts_with('_') => {
                let id = a.timer_id.as_str();
                self.timers.insert(id.into(), event.event_id);
                self.begin(event, id)
            }
            E::ActivityTaskStarted(a) => (a.scheduled_event_id, Change::Started),
            E::ChildWorkflowExecutionStarted(a) => (a.initiated_event_id, Change::Started),
            E::ActivityTaskCompleted(a) => (a.scheduled_event_id, Change::Ended(End::Completed)),
            E::ChildWorkflowExecutionCompleted(a) => {
                (a.initiated_event_id, Change::Ended(End::Completed))
            }
            E::TimerFired(a) => (
                *self.timers.get(a.timer_id.as_str())?,
                Change::Ended(End::Completed),
            ),
            E::TimerCanceled(a) => (
                *self.timers.get(a.timer_id.as_str())?,
                Change::Ended(End::Cancelled),
            ),
            E::ActivityTaskFailed(a) => (a.scheduled_event_id, failed(a.reason.as_ref())),
            E::ChildWorkflowExecutionFailed(a) => (a.initiated_event_id, failed(a.reason.as_ref())),
            E::ActivityTaskTimedOut(a) => {
                (a.scheduled_event_id, timed_out(a.timeout_type.to_string()))
            }
            E::ChildWorkflowExecutionTimedOut(a) => {
                (a.initiated_event_id, timed_out(a.timeout_type.to_string()))
            }
            E::ActivityTaskCanceled(a) => (a.scheduled_event_id, Change::Ended(End::Cancelled)),
            E::ChildWorkflowExecutionCanceled(a) => {
                (a.initiated_event_id, Change::Ended(End::Cancelled))
            }
            E::ChildWorkflowExecutionTerminated(a) => {
                (a.initiated_event_id, failed(Some(&"terminated".into())))
            }
            E::StartChildWorkflowExecutionFailed(a) => (
                a.initiated_event_id,
                failed(Some(&a.cause.to_string().into())),
            ),
            _ => return None,
        };
        let task = match &change {
            Change::Ended(_) => self.tasks.remove(&number)?,
            Change::Scheduled | Change::Started => self.tasks.get(&number)?.clone(),
        };
        let at = event.event_timestamp;
        Some(Step { task, change, at })
    }

    fn begin(&mut self, event: &HistoryEvent, id: &str) -> (EventId, Change) {
        let task = Task {
            number: event.event_id,
            id: id.into(),
            since: event.event_timestamp,
        };
        self.tasks.insert(event.event_id, task);
        (event.event_id, Change::Scheduled)
    }
}

fn failed(reason: Option<&SmolStr>) -> Change {
    Change::Ended(End::Failed(reason.cloned().unwrap_or_default()))
}

fn timed_out(kind: String) -> Change {
    Change::Ended(End::TimedOut(kind))
}

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

    /// Takes away what would stand below what comes next.
    pub(crate) fn end(self) {
        if let Some(live) = self.live {
            live.end();
        }
    }
}

fn line(step: &Step) -> String {
    let Step { task, change, at } = step;
    let id = &task.id;
    let line = match change {
        Change::Scheduled => format!("{at}  {id} scheduled"),
        Change::Started => format!("{at}  {id} started"),
        Change::Ended(end) => format!(
            "{at}  {id} {} after {:.1} s",
            end.told(),
            at.since(task.since).as_secs_f64()
        ),
    };
    output::visible(&line).into_owned()
}

/// The open tasks, each in a line that goes on turning.
#[derive(Default)]
struct Live {
    lines: MultiProgress,
    summary: Option<ProgressBar>,
    /// By the event that they began with, so in their order.
    open: BTreeMap<EventId, Open>,
    completed: usize,
    failed: usize,
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
                    End::Completed => self.completed += 1,
                    End::Failed(_) | End::TimedOut(_) | End::Cancelled => {
                        self.failed += 1;
                        // When the terminal is gone nobody reads it.
                        let _ = self.lines.println(line(&step));
                    }
                }
            }
        }
    }

    fn draw(&mut self) {
        let waiting = self.open.values().filter(|open| !open.started).count();
        let running = self.open.len() - waiting;
        let mut summary = format!("{} completed, {running} running", self.completed);
        if waiting > 0 {
            summary += &format!(", {waiting} scheduled");
        }
        if self.failed > 0 {
            summary += &format!(", {} failed", self.failed);
        }
        self.summary
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
    use simpleflow_model::types::History;

    use super::*;

    #[test]
    fn changes_of_tasks_are_lines() {
        let history = serde_json::json!({"events": [
            {"eventId": 1, "eventTimestamp": 1.5, "eventType": "ActivityTaskScheduled",
             "activityTaskScheduledEventAttributes": {
                "activityId": "activity-increment-1", "activityType": {"name": "increment", "version": "1"},
                "taskList": {"name": "list"}, "decisionTaskCompletedEventId": 0}},
            {"eventId": 2, "eventTimestamp": 2.5, "eventType": "ActivityTaskStarted",
             "activityTaskStartedEventAttributes": {"scheduledEventId": 1}},
            {"eventId": 3, "eventTimestamp": 2.6, "eventType": "TimerStarted",
             "timerStartedEventAttributes": {"timerId": "_simpleflow_wake_up_timer",
                "startToFireTimeout": "0", "decisionTaskCompletedEventId": 0}},
            {"eventId": 4, "eventTimestamp": 4.0, "eventType": "ActivityTaskFailed",
             "activityTaskFailedEventAttributes": {"reason": "Error: \u{1b}[2J\nno", "scheduledEventId": 1,
                "startedEventId": 2}},
            {"eventId": 5, "eventTimestamp": 4.0, "eventType": "ActivityTaskFailed",
             "activityTaskFailedEventAttributes": {"scheduledEventId": 1, "startedEventId": 2}},
        ]});
        let history: History = serde_json::from_value(history).unwrap();
        let mut reader = Reader::default();
        let steps = history.events.iter().filter_map(|event| reader.read(event));
        assert_eq!(
            steps.map(|step| line(&step)).collect::<Vec<_>>(),
            [
                "1970-01-01T00:00:01.500Z  activity-increment-1 scheduled",
                "1970-01-01T00:00:02.500Z  activity-increment-1 started",
                "1970-01-01T00:00:04.000Z  activity-increment-1 failed: Error: \\x1b[2J\\nno after 2.5 s",
            ]
        );
    }
}
