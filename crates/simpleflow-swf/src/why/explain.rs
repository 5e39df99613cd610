//! From facts to findings: of the execution, its decision tasks and its signals.

use std::fmt::Write as _;
use std::time::Duration;

use simpleflow_model::{CloseStatus, SmolStr, TaskListName, Timeout, Timestamp, limits};

use super::{Facts, Finding, ListKind, ago, ahead};
use crate::history::{Attempt, Close, Moment, State, TaskKind};
use crate::words;

/// A poll takes up to a minute: what waited for longer found nobody who polls and is free.
pub(super) const UNTAKEN: Duration = Duration::from_secs(60);

/// So many decision tasks in a row that were not answered are no accident.
const UNANSWERED: usize = 2;

pub(super) fn findings(facts: &Facts) -> Vec<Finding> {
    if let Some(close) = facts.history.close() {
        return vec![closed(facts, close)];
    }
    let mut findings: Vec<Finding> = Vec::new();
    findings.extend(decision_task(facts));
    findings.extend(super::tasks::findings(facts));
    findings.extend(signals(facts));
    if findings.is_empty() {
        findings.push(nothing_open(facts));
    }
    findings.extend(cancel(facts));
    findings.extend(length(facts));
    findings.extend(time_limit(facts));
    findings
}

/// What is known of a task list: how many tasks wait there, and who last took one. Where nobody
/// took one yet, `advice` says how to start somebody who does.
pub(super) struct List {
    pub(super) pending: Option<u32>,
    pub(super) identity: Option<SmolStr>,
    pub(super) text: String,
    pub(super) advice: String,
}

pub(super) fn list(facts: &Facts, kind: ListKind, name: &TaskListName) -> List {
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
    let mut advice = String::new();
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
                "\nNo {who} has taken a task of this execution from there yet."
            );
            let _ = write!(
                advice,
                " Is one running?\nsimpleflow {command}.start --domain {} --task-list {}",
                words::word(&facts.domain),
                words::word(name),
            );
        }
    }
    List {
        pending: count.map(|count| count.count),
        identity: last.and_then(|(_, identity)| identity),
        text,
        advice,
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

/// When a time limit runs out.
pub(super) fn deadline(from: Timestamp, limit: Option<Timeout>) -> Option<Timestamp> {
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
            words::word(&facts.domain),
            words::word(&facts.execution.workflow_id),
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
    // Another decider cannot take the place of the one whose own the list is.
    if task.limits.schedule_to_start.is_none() {
        text.push_str(&list.advice);
    }
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

/// The signals that the decider says it waits for.
fn signals(facts: &Facts) -> Vec<Finding> {
    let context = facts.history.execution_context().unwrap_or_default();
    let Ok(context) = serde_json::from_str::<serde_json::Value>(context) else {
        return Vec::new();
    };
    let mut decided = facts.history.decision_tasks().iter().rev();
    let decided = decided.find(|task| task.state == State::Completed);
    let names = context["waiting_signals"].as_array().into_iter().flatten();
    names
        .filter_map(serde_json::Value::as_str)
        .map(|name| signal(facts, name, decided))
        .collect()
}

/// A signal that the last decision waits for. It may have come since.
fn signal(facts: &Facts, name: &str, decided: Option<&Attempt>) -> Finding {
    let seen = decided.and_then(|task| task.started);
    let came = facts.history.task(TaskKind::Signal, name);
    let came = came
        .map(|task| task.last().scheduled)
        .filter(|came| seen.is_none_or(|seen| seen.event_id < came.event_id));
    let since = decided.and_then(|task| task.ended).map(|at| at.timestamp);
    let since = came.map(|came| came.timestamp).or(since);
    let when = since.map_or("its start".to_owned(), |since| ago(facts.now, since));
    let text = match came {
        Some(_) => format!("Signal {name} has come, at {when}. The decider is to see it yet."),
        None => format!(
            "It waits for signal {name}, at least since {when}. To send it:\n\
             simpleflow workflow.signal {} {} {} {} --input JSON",
            words::word(&facts.domain),
            words::word(&facts.execution.workflow_id),
            facts.execution.run_id,
            words::word(name),
        ),
    };
    Finding {
        kind: if came.is_some() {
            "signal_unseen"
        } else {
            "signal"
        },
        about: Some(name.into()),
        since,
        text,
        ..Finding::default()
    }
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
    (events > limits::LONG_HISTORY_EVENTS).then(|| Finding {
        kind: "history_long",
        trouble: true,
        text: format!(
            "Its history has {events} events; at {} SWF terminates it. Its code should end the run \
             with flow.continue_as_new before.",
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
