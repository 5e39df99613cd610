//! From facts to findings: of the tasks that are open.

use std::collections::HashSet;
use std::fmt::Write as _;

use simpleflow_model::{TaskListName, Timeout, Timestamp};

use super::explain::{UNTAKEN, deadline, list};
use super::{Facts, Finding, ListKind, ago, ahead};
use crate::history::{Attempt, State, Task, TaskKind};
use crate::words;

/// So many refusals in a row are no accident.
const REFUSED: usize = 3;

/// How much of a failure is shown, in characters.
const FAILURE: usize = 300;

/// The timer with which a decider has itself woken up.
const WAKE_UP_TIMER: &str = "_simpleflow_wake_up_timer";

/// The timer after which a decider asks again for a next run that was refused.
const NEXT_RUN_TIMER: &str = "_simpleflow_next_run_timer";

/// Before the id of a task that is to be tried again when the timer fires.
const RETRY_TIMER: &str = "__simpleflow_task_";

pub(super) fn findings(facts: &Facts) -> Vec<Finding> {
    let mut described = HashSet::new();
    let tasks = facts.history.tasks().iter();
    tasks
        .filter_map(|task| of(facts, task, &mut described))
        .collect()
}

/// `described` are the task lists of which all is said already.
fn of(facts: &Facts, task: &Task, described: &mut HashSet<TaskListName>) -> Option<Finding> {
    let attempt = task.last();
    let finding = match (task.kind, attempt.state) {
        (TaskKind::Activity, State::Scheduled) => waiting_activity(facts, task, described),
        (TaskKind::Activity, State::Started) => running_activity(facts, task),
        (TaskKind::Activity, State::CancelRequested) => cancelled_activity(facts, task),
        (TaskKind::Activity, State::ScheduleFailed) => refused_activity(facts, task)?,
        (TaskKind::Timer, State::Started) => timer(facts, task),
        (TaskKind::ChildWorkflow, state) if state.is_open() => child(facts, task),
        (TaskKind::LambdaFunction, state) if state.is_open() => lambda_function(facts, task),
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
        attempt: before(task).count() + 1,
        failure: failure(task),
        text,
        ..Finding::default()
    }
}

/// The attempts before the last. What the service refused was none: nobody had it.
fn before(task: &Task) -> impl DoubleEndedIterator<Item = &Attempt> {
    let last = task.last().scheduled;
    task.accepted()
        .filter(move |attempt| attempt.scheduled != last)
}

/// Why the attempt before the last failed.
fn failure(task: &Task) -> Option<String> {
    before(task).next_back()?.failure()
}

/// The id of a task, with its type.
fn named(task: &Task) -> String {
    match &task.version {
        Some(version) if task.name != task.id => format!("{} ({} {version})", task.id, task.name),
        _ => task.id.to_string(),
    }
}

fn attempts(task: &Task, text: &mut String) {
    let before = before(task).count();
    if before == 0 {
        return;
    }
    // Writing to a string cannot fail.
    let _ = write!(text, "\nThis is attempt {}", before + 1);
    if let Some(failure) = failure(task) {
        let shown: String = failure.chars().take(FAILURE).collect();
        let _ = write!(text, "; the one before failed: {shown}");
    }
    text.push('.');
}

fn waiting_activity(facts: &Facts, task: &Task, described: &mut HashSet<TaskListName>) -> Finding {
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
        named(task),
        ago(facts.now, since)
    );
    if let Some(until) = until {
        let _ = write!(text, "\nIt times out at {}.", ahead(facts.now, until));
    }
    attempts(task, &mut text);
    if described.insert(name.clone()) {
        text.push_str(&list.text);
        text.push_str(&list.advice);
    }
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
        named(task),
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
        named(task),
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
        named(task),
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
        None if task.id == NEXT_RUN_TIMER => format!(
            "The service refused to continue as new because of its rate. It is asked again \
             {fires}."
        ),
        None => format!("Timer {} fires {fires}.", task.id),
    };
    Finding {
        until,
        ..about("timer", task, text)
    }
}

fn lambda_function(facts: &Facts, task: &Task) -> Finding {
    let attempt = task.last();
    let since = ago(facts.now, attempt.state_since().timestamp);
    let named = format!("Lambda function {} ({})", task.id, task.name);
    let mut until = None;
    let mut text = match &attempt.started {
        Some(started) => {
            until = deadline(started.timestamp, attempt.limits.start_to_close);
            format!("{named} runs since {since}.")
        }
        None => format!(
            "{named} is not started yet, since {since}.\n\
             Only Amazon SWF calls Lambda functions; a local run calls what stands in for them."
        ),
    };
    if let Some(until) = until {
        // Writing to a string cannot fail.
        let _ = write!(text, "\nIt times out at {}.", ahead(facts.now, until));
    }
    attempts(task, &mut text);
    Finding {
        until,
        ..about("lambda_function", task, text)
    }
}

fn child(facts: &Facts, task: &Task) -> Finding {
    let attempt = task.last();
    let since = attempt.state_since().timestamp;
    let mut text = match &attempt.run_id {
        Some(run_id) => format!(
            "Child execution {} run {run_id} is open since {}; what that one waits for says\n\
             simpleflow workflow.why {} {} {run_id}",
            named(task),
            ago(facts.now, since),
            words::word(&facts.domain),
            words::word(&task.id),
        ),
        None => format!(
            "Child execution {} is not started yet, since {}.",
            named(task),
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
