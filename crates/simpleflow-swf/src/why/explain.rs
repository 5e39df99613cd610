//! From facts to findings.

use std::fmt::Write as _;
use std::time::Duration;

use simpleflow_model::{CloseStatus, SmolStr, TaskListName, Timeout, Timestamp, limits};

use super::{Facts, Finding, ListKind, ago, ahead};
use crate::history::{Attempt, Close, Moment, State, Task, TaskKind};
use crate::words;

/// A poll takes up to a minute: what waited for longer found nobody who polls and is free.
const UNTAKEN: Duration = Duration::from_secs(60);

/// So many decision tasks in a row that were not answered are no accident.
const UNANSWERED: usize = 2;

/// So many refusals in a row are no accident.
const REFUSED: usize = 3;

/// How much of a failure is shown, in characters.
const FAILURE: usize = 300;

/// The timer with which a decider has itself woken up.
const WAKE_UP_TIMER: &str = "_simpleflow_wake_up_timer";

/// Before the id of a task that is to be tried again when the timer fires.
const RETRY_TIMER: &str = "__simpleflow_task_";

pub(super) fn findings(facts: &Facts) -> Vec<Finding> {
    if let Some(close) = facts.history.close() {
        return vec![closed(facts, close)];
    }
    let mut findings: Vec<Finding> = Vec::new();
    findings.extend(decision_task(facts));
    findings.extend(
        facts
            .history
            .tasks()
            .iter()
            .filter_map(|task| of(facts, task)),
    );
    findings.extend(signals(facts));
    if findings.is_empty() {
        findings.push(nothing_open(facts));
    }
    findings.extend(cancel(facts));
    findings.extend(length(facts));
    findings.extend(time_limit(facts));
    findings
}

fn of(facts: &Facts, task: &Task) -> Option<Finding> {
    let attempt = task.last();
    let finding = match (task.kind, attempt.state) {
        (TaskKind::Activity, State::Scheduled) => waiting_activity(facts, task),
        (TaskKind::Activity, State::Started) => running_activity(facts, task),
        (TaskKind::Activity, State::CancelRequested) => cancelled_activity(facts, task),
        (TaskKind::Activity, State::ScheduleFailed) => refused_activity(facts, task)?,
        (TaskKind::Timer, State::Started) => timer(facts, task),
        (TaskKind::ChildWorkflow, state) if state.is_open() => child(facts, task),
        (TaskKind::LambdaFunction, state) if state.is_open() => {
            let text = format!(
                "Lambda function {} ({}) is open since {}.",
                task.id,
                task.name,
                ago(facts.now, attempt.scheduled.timestamp)
            );
            about("lambda_function", task, text)
        }
        (TaskKind::SignalSent | TaskKind::CancelSent, State::Scheduled) => {
            let what = match task.kind {
                TaskKind::SignalSent => format!("Signal {}", task.id),
                _ => "The request for a cancel".to_owned(),
            };
            let text = format!(
                "{what} to execution {} is not delivered yet, since {}.",
                attempt.workflow_id.as_deref().unwrap_or_default(),
                ago(facts.now, attempt.scheduled.timestamp)
            );
            about("delivery", task, text)
        }
        _ => return None,
    };
    Some(finding)
}

fn about(kind: &'static str, task: &Task, text: String) -> Finding {
    Finding {
        kind,
        about: Some(task.id.clone()),
        since: Some(task.last().state_since().timestamp),
        identity: task.last().identity.clone(),
        attempt: task.attempts().len(),
        failure: failure(task),
        text,
        ..Finding::default()
    }
}

/// Why the attempt before the last failed.
fn failure(task: &Task) -> Option<String> {
    let before = task.attempts().iter().rev().nth(1)?;
    before.failure()
}

/// `, version 1` and so on: what a task is.
fn described(task: &Task) -> String {
    match &task.version {
        Some(version) if task.name != task.id => format!("{} ({} {version})", task.id, task.name),
        _ => task.id.to_string(),
    }
}

fn attempts(task: &Task, text: &mut String) {
    if task.attempts().len() < 2 {
        return;
    }
    // Writing to a string cannot fail.
    let _ = write!(text, "\nThis is attempt {}", task.attempts().len());
    if let Some(failure) = failure(task) {
        let shown: String = failure.chars().take(FAILURE).collect();
        let _ = write!(text, "; the one before failed: {shown}");
    }
    text.push('.');
}

/// What is known of a task list: how many tasks wait there, and who last took one.
struct List {
    pending: Option<u32>,
    identity: Option<SmolStr>,
    text: String,
}

fn list(facts: &Facts, kind: ListKind, name: &TaskListName) -> List {
    let (one, more, who, command) = match kind {
        ListKind::Decision => (
            "decision task waits",
            "decision tasks wait",
            "decider",
            "decider",
        ),
        ListKind::Activity => (
            "activity task waits",
            "activity tasks wait",
            "worker",
            "worker",
        ),
    };
    let count = facts.pending.get(&(kind, name.clone()));
    let mut text = String::new();
    if let Some(count) = count {
        let truncated = match count.truncated {
            Some(true) => "At least ",
            _ => "",
        };
        let waiting = words::count(count.count.into(), one, more);
        let _ = write!(text, "\n{truncated}{waiting} in that task list.");
    }
    let last = taken(facts, kind, name);
    match &last {
        Some((at, identity)) => {
            let _ = write!(
                text,
                "\nThe last that this execution had there was taken by {} at {}.",
                identity
                    .as_deref()
                    .map_or("nobody who has a name".to_owned(), words::identity),
                ago(facts.now, at.timestamp)
            );
        }
        None => {
            let _ = write!(
                text,
                "\nNo {who} has taken a task of this execution from there yet. Is one running?\n\
                 simpleflow {command}.start --domain {} --task-list {name}",
                facts.domain
            );
        }
    }
    List {
        pending: count.map(|count| count.count),
        identity: last.and_then(|(_, identity)| identity),
        text,
    }
}

/// When somebody last took a task of this execution from a task list, and who.
fn taken(facts: &Facts, kind: ListKind, name: &TaskListName) -> Option<(Moment, Option<SmolStr>)> {
    let from = |attempt: &Attempt| match &attempt.task_list {
        Some(list) if list == name => Some((attempt.started?, attempt.identity.clone())),
        _ => None,
    };
    let latest = |(at, _): &(Moment, Option<SmolStr>)| at.event_id;
    match kind {
        ListKind::Decision => {
            let tasks = facts.history.decision_tasks().iter();
            tasks.filter_map(from).max_by_key(latest)
        }
        ListKind::Activity => {
            let tasks = facts.history.tasks_of(TaskKind::Activity);
            let attempts = tasks.flat_map(|task| task.attempts());
            attempts.filter_map(from).max_by_key(latest)
        }
    }
}

fn deadline(from: Timestamp, limit: Option<Timeout>) -> Option<Timestamp> {
    Some(from + limit?.duration()?)
}

fn decision_task(facts: &Facts) -> Option<Finding> {
    let tasks = facts.history.decision_tasks();
    let task = tasks.last()?;
    let unanswered = tasks
        .iter()
        .rev()
        .filter(|task| !task.state.is_open())
        .take_while(|task| {
            task.state == State::TimedOut && task.timeout_type.as_deref() == Some("START_TO_CLOSE")
        })
        .count();
    let mut finding = match task.state {
        State::Scheduled => waiting_decision(facts, task),
        State::Started => running_decision(facts, task),
        _ => return None,
    };
    if unanswered >= UNANSWERED {
        finding.trouble = true;
        let last = tasks
            .iter()
            .rev()
            .find(|task| task.state == State::TimedOut);
        let who = last.and_then(|task| task.identity.as_deref());
        finding.failure = Some(format!("{unanswered} decision tasks timed out"));
        let _ = write!(
            finding.text,
            "\nThe last {unanswered} decision tasks were taken, but not answered in time{}. The \
             decider fails on this execution, or takes too long: its log says why, and so may\n\
             simpleflow workflow.replay WORKFLOW --domain {} --workflow-id {} --run-id {}",
            who.map_or(String::new(), |who| format!(
                ", the last by {}",
                words::identity(who)
            )),
            facts.domain,
            facts.execution.workflow_id,
            facts.execution.run_id,
        );
    }
    Some(finding)
}

fn waiting_decision(facts: &Facts, task: &Attempt) -> Finding {
    let since = task.scheduled.timestamp;
    let name = task.task_list.clone().unwrap_or_default();
    let list = list(facts, ListKind::Decision, &name);
    let until = deadline(since, task.limits.schedule_to_start);
    let mut text = format!(
        "A decision task waits for a decider in task list {name}, since {}.",
        ago(facts.now, since)
    );
    if let Some(until) = until {
        let _ = write!(
            text,
            "\nThe list is a decider's own: at {} the task goes back to the execution's.",
            ahead(facts.now, until)
        );
    }
    text.push_str(&list.text);
    Finding {
        kind: "decision_waiting",
        trouble: facts.now.since(since) >= UNTAKEN,
        since: Some(since),
        until,
        task_list: Some(name),
        pending: list.pending,
        identity: list.identity,
        text,
        ..Finding::default()
    }
}

fn running_decision(facts: &Facts, task: &Attempt) -> Finding {
    let since = task.state_since().timestamp;
    let until = deadline(since, task.limits.start_to_close);
    let who = task.identity.as_deref();
    let mut text = format!(
        "A decider has a decision task since {}{}.",
        ago(facts.now, since),
        who.map_or(String::new(), |who| format!(": {}", words::identity(who))),
    );
    if let Some(until) = until {
        let _ = write!(
            text,
            "\nUnless it answers, another may have the task from {} on.",
            ahead(facts.now, until)
        );
    }
    Finding {
        kind: "decision_running",
        since: Some(since),
        until,
        task_list: task.task_list.clone(),
        identity: task.identity.clone(),
        text,
        ..Finding::default()
    }
}

fn waiting_activity(facts: &Facts, task: &Task) -> Finding {
    let attempt = task.last();
    let since = attempt.scheduled.timestamp;
    let name = attempt.task_list.clone().unwrap_or_default();
    let list = list(facts, ListKind::Activity, &name);
    let limits = &attempt.limits;
    let until = [limits.schedule_to_start, limits.schedule_to_close]
        .into_iter()
        .filter_map(|limit| deadline(since, limit))
        .min();
    let mut text = format!(
        "Activity {} waits for a worker in task list {name}, since {}.",
        described(task),
        ago(facts.now, since)
    );
    if let Some(until) = until {
        let _ = write!(text, "\nIt times out at {}.", ahead(facts.now, until));
    }
    attempts(task, &mut text);
    text.push_str(&list.text);
    Finding {
        trouble: facts.now.since(since) >= UNTAKEN,
        until,
        task_list: Some(name),
        pending: list.pending,
        identity: list.identity,
        ..about("activity_waiting", task, text)
    }
}

fn running_activity(facts: &Facts, task: &Task) -> Finding {
    let attempt = task.last();
    let since = attempt.state_since().timestamp;
    let who = attempt.identity.as_deref();
    let mut text = format!(
        "Activity {} runs since {}{}.",
        described(task),
        ago(facts.now, since),
        who.map_or(String::new(), |who| format!(
            ", at {}",
            words::identity(who)
        )),
    );
    let (until, unlimited) = limits_of(facts, attempt, since, &mut text);
    attempts(task, &mut text);
    Finding {
        trouble: unlimited,
        until,
        task_list: attempt.task_list.clone(),
        ..about("activity_running", task, text)
    }
}

/// What the service does if a worker is gone. Says when, and whether never.
fn limits_of(
    facts: &Facts,
    attempt: &Attempt,
    since: Timestamp,
    text: &mut String,
) -> (Option<Timestamp>, bool) {
    let close = deadline(since, attempt.limits.start_to_close);
    let whole = deadline(
        attempt.scheduled.timestamp,
        attempt.limits.schedule_to_close,
    );
    let until = close.into_iter().chain(whole).min();
    if let Some(until) = until {
        let _ = write!(text, "\nIt times out at {}.", ahead(facts.now, until));
    }
    let heartbeat = attempt.limits.heartbeat.and_then(Timeout::duration);
    if let Some(heartbeat) = heartbeat {
        let _ = write!(
            text,
            "\nIts worker must be heard of every {}; when that last was, SWF does not tell.",
            words::span(heartbeat)
        );
    }
    let unlimited = until.is_none() && heartbeat.is_none();
    if unlimited {
        text.push_str("\nIt has no time limit: if its worker is gone, nobody will notice.");
    }
    (until, unlimited)
}

fn cancelled_activity(facts: &Facts, task: &Task) -> Finding {
    let attempt = task.last();
    let asked = attempt.state_since().timestamp;
    let mut text = format!(
        "Activity {} is to be cancelled, since {}.",
        described(task),
        ago(facts.now, asked)
    );
    let mut until = None;
    match attempt.started {
        Some(started) => {
            text.push_str(" Its worker learns of it at its next heartbeat.");
            (until, _) = limits_of(facts, attempt, started.timestamp, &mut text);
        }
        None => text.push_str(" No worker has taken it."),
    }
    Finding {
        until,
        task_list: attempt.task_list.clone(),
        ..about("activity_cancelling", task, text)
    }
}

/// An activity that the service refuses again and again. One that it refused once is the workflow's
/// business.
fn refused_activity(facts: &Facts, task: &Task) -> Option<Finding> {
    let refused = task.attempts().iter().rev();
    let refused = refused
        .take_while(|attempt| attempt.state == State::ScheduleFailed)
        .count();
    let cause = task.last().cause.as_deref().unwrap_or_default();
    let text = format!(
        "Activity {} was refused {refused} times in a row, last at {}: {cause}.",
        described(task),
        ago(facts.now, task.last().scheduled.timestamp)
    );
    (refused >= REFUSED).then(|| Finding {
        trouble: true,
        failure: Some(cause.to_owned()),
        ..about("activity_refused", task, text)
    })
}

fn timer(facts: &Facts, task: &Task) -> Finding {
    let attempt = task.last();
    let since = attempt.scheduled.timestamp;
    let until = deadline(since, attempt.limits.start_to_close);
    let fires = until.map_or("never".to_owned(), |until| {
        format!("at {}", ahead(facts.now, until))
    });
    let text = match task.id.strip_prefix(RETRY_TIMER) {
        Some(id) => {
            let mut text = format!("{id} is tried again {fires}.");
            if let Some(failure) = facts
                .history
                .find(id)
                .and_then(|task| task.last().failure())
            {
                let shown: String = failure.chars().take(FAILURE).collect();
                let _ = write!(text, "\nIt failed: {shown}");
            }
            text
        }
        None if task.id == WAKE_UP_TIMER => {
            format!("The decider has more to decide, and is woken up for it {fires}.")
        }
        None => format!("Timer {} fires {fires}.", task.id),
    };
    Finding {
        until,
        ..about("timer", task, text)
    }
}

fn child(facts: &Facts, task: &Task) -> Finding {
    let attempt = task.last();
    let since = attempt.state_since().timestamp;
    let mut text = match &attempt.run_id {
        Some(run_id) => format!(
            "Child execution {} run {run_id} is open since {}; what that one waits for says\n\
             simpleflow workflow.why {} {} {run_id}",
            described(task),
            ago(facts.now, since),
            facts.domain,
            task.id,
        ),
        None => format!(
            "Child execution {} is not started yet, since {}.",
            described(task),
            ago(facts.now, since)
        ),
    };
    attempts(task, &mut text);
    Finding {
        until: deadline(since, attempt.limits.start_to_close),
        task_list: attempt.task_list.clone(),
        ..about("child_workflow", task, text)
    }
}

/// The signals that the decider says it waits for.
fn signals(facts: &Facts) -> Vec<Finding> {
    let context = facts.history.execution_context().unwrap_or_default();
    let Ok(context) = serde_json::from_str::<serde_json::Value>(context) else {
        return Vec::new();
    };
    let decided = facts.history.decision_tasks().iter().rev();
    let since = decided
        .filter(|task| task.state == State::Completed)
        .find_map(|task| task.ended);
    let names = context["waiting_signals"].as_array().into_iter().flatten();
    names
        .filter_map(serde_json::Value::as_str)
        .map(|name| {
            let since = since.map(|since| since.timestamp);
            let text = format!(
                "It waits for signal {name}, at least since {}. To send it:\n\
                 simpleflow workflow.signal {} {} {} {name} --input JSON",
                since.map_or("its start".to_owned(), |since| ago(facts.now, since)),
                facts.domain,
                facts.execution.workflow_id,
                facts.execution.run_id,
            );
            Finding {
                kind: "signal",
                about: Some(name.into()),
                since,
                text,
                ..Finding::default()
            }
        })
        .collect()
}

fn nothing_open(facts: &Facts) -> Finding {
    let last = facts.history.span().map(|(_, last)| last);
    Finding {
        kind: "nothing_open",
        trouble: true,
        since: last,
        text: format!(
            "Nothing is open: no activity, timer, child or decision task, since {}. Only a signal, \
             a cancel or its time limit can move it.",
            last.map_or("its start".to_owned(), |last| ago(facts.now, last))
        ),
        ..Finding::default()
    }
}

fn cancel(facts: &Facts) -> Option<Finding> {
    let asked = facts.history.cancel_requested()?;
    Some(Finding {
        kind: "cancel_requested",
        since: Some(asked.timestamp),
        text: format!(
            "Its cancel was asked for at {}, and it is still open.",
            ago(facts.now, asked.timestamp)
        ),
        ..Finding::default()
    })
}

fn length(facts: &Facts) -> Option<Finding> {
    let events = facts.history.events().len();
    (events > limits::HISTORY_EVENTS * 4 / 5).then(|| Finding {
        kind: "history_long",
        trouble: true,
        text: format!(
            "Its history has {events} events; at {} SWF terminates it.",
            limits::HISTORY_EVENTS
        ),
        ..Finding::default()
    })
}

fn time_limit(facts: &Facts) -> Option<Finding> {
    let started = facts.history.started()?;
    let (first, _) = facts.history.span()?;
    let until = deadline(first, started.execution_start_to_close_timeout)?;
    Some(Finding {
        kind: "time_limit",
        until: Some(until),
        text: format!("It may be open until {}.", ahead(facts.now, until)),
        ..Finding::default()
    })
}

fn closed(facts: &Facts, close: &Close) -> Finding {
    let how = close.status.as_str().to_lowercase().replace('_', " ");
    let mut text = format!(
        "It waits for nothing: {how} at {}.",
        ago(facts.now, close.at.timestamp)
    );
    for (name, what) in [("Reason", &close.reason), ("Cause", &close.cause)] {
        if let Some(what) = what {
            let _ = write!(text, "\n{name}: {what}");
        }
    }
    if let (CloseStatus::ContinuedAsNew, Some(run_id)) = (&close.status, &close.new_run_id) {
        let _ = write!(text, "\nIt goes on as run {run_id}.");
    }
    Finding {
        kind: "closed",
        since: Some(close.at.timestamp),
        failure: close.reason.as_ref().map(ToString::to_string),
        text,
        ..Finding::default()
    }
}
