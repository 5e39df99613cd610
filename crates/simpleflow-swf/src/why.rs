//! What an execution is waiting for, as far as SWF can say: from its history, its description, and
//! how many tasks wait in the task lists that it needs.

mod explain;
mod tasks;

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};
use simpleflow_model::types::PendingTaskCount;
use simpleflow_model::{
    DomainName, SmolStr, TaskListName, Timestamp, WorkflowExecution as ExecutionId,
};
use simpleflow_service::{ServiceError, SwfService};

use crate::history::State;
use crate::{History, SwfError, WorkflowExecution, words};

/// How many findings of a kind people are shown. The data has all.
const SHOWN: usize = 10;

/// What kind of tasks wait in a task list. Decision and activity task lists of one name are two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ListKind {
    /// Decision tasks.
    Decision,
    /// Activity tasks.
    Activity,
}

/// What is known of an execution.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The domain.
    pub domain: DomainName,
    /// The execution.
    pub execution: ExecutionId,
    /// Its history.
    pub history: History,
    /// How many tasks wait in the task lists that it needs, where the service says so.
    pub pending: HashMap<(ListKind, TaskListName), PendingTaskCount>,
    /// When that was.
    pub now: Timestamp,
}

/// One thing that an execution waits for, or that keeps it from going on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Finding {
    /// What it is, in a word such as `activity_waiting`.
    pub kind: &'static str,
    /// The id of the task, or the name of the signal, if it is about one.
    pub about: Option<SmolStr>,
    /// Whether somebody should look after it.
    pub trouble: bool,
    /// Since when.
    pub since: Option<Timestamp>,
    /// When it is over by itself.
    pub until: Option<Timestamp>,
    /// The task list that it waits in.
    pub task_list: Option<TaskListName>,
    /// How many tasks wait there.
    pub pending: Option<u32>,
    /// Who has it, or took the last from that task list, as they name themselves.
    pub identity: Option<SmolStr>,
    /// Which attempt it is.
    pub attempt: usize,
    /// Why the attempt before failed.
    pub failure: Option<String>,
    /// All that in words.
    pub text: String,
}

/// What an execution waits for. Its [`Display`](fmt::Display) is for people.
#[derive(Clone, Debug)]
pub struct Why {
    facts: Facts,
    findings: Vec<Finding>,
}

impl Why {
    /// What the facts mean.
    pub fn new(facts: Facts) -> Self {
        let mut findings = explain::findings(&facts);
        // What somebody should look after goes first.
        findings.sort_by_key(|finding| !finding.trouble);
        Self { facts, findings }
    }

    /// Asks the service about an execution.
    ///
    /// # Errors
    /// The service does not know it, or does not answer.
    pub async fn ask<S: SwfService>(
        execution: &WorkflowExecution<S>,
        now: Timestamp,
    ) -> Result<Self, SwfError> {
        let domain = execution.domain();
        let history = execution.history().await?;
        let mut pending = HashMap::new();
        for (kind, list) in waiting_lists(&history) {
            let count = match kind {
                ListKind::Decision => domain.pending_decision_tasks(list.clone()).await,
                ListKind::Activity => domain.pending_activity_tasks(list.clone()).await,
            };
            match count {
                Ok(count) => drop(pending.insert((kind, list), count)),
                // Who may not ask for it, or asks a server that does not have it, gets the rest.
                Err(
                    ServiceError::Fault(_)
                    | ServiceError::Refused { .. }
                    | ServiceError::Denied(_)
                    | ServiceError::Internal(_),
                ) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Self::new(Facts {
            domain: domain.name().clone(),
            execution: execution.id().clone(),
            history,
            pending,
            now,
        }))
    }

    /// What it waits for; what somebody should look after first.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// As data.
    pub fn to_json(&self) -> Value {
        let Facts {
            domain,
            execution,
            history,
            now,
            ..
        } = &self.facts;
        let workflow_type = history.started().map(|started| &started.workflow_type);
        json!({
            "domain": domain,
            "workflow_id": execution.workflow_id,
            "run_id": execution.run_id,
            "workflow_type": workflow_type,
            "status": status(history),
            "started": history.span().map(|(started, _)| started.to_string()),
            "now": now.to_string(),
            "findings": self.findings.iter().map(Finding::to_json).collect::<Vec<_>>(),
        })
    }
}

impl Finding {
    fn to_json(&self) -> Value {
        json!({
            "kind": self.kind,
            "about": self.about,
            "trouble": self.trouble,
            "since": self.since.map(|time| time.to_string()),
            "until": self.until.map(|time| time.to_string()),
            "task_list": self.task_list,
            "pending": self.pending,
            "identity": self.identity,
            "attempt": self.attempt,
            "failure": self.failure,
            "text": self.text,
        })
    }
}

fn status(history: &History) -> String {
    match history.close() {
        Some(close) => close.status.to_string(),
        None => "OPEN".to_owned(),
    }
}

/// The task lists in which a task of the execution waits, once each.
fn waiting_lists(history: &History) -> Vec<(ListKind, TaskListName)> {
    let decisions = history.decision_tasks().last().into_iter();
    let decisions = decisions.map(|attempt| (ListKind::Decision, attempt));
    let activities = history.tasks_of(crate::history::TaskKind::Activity);
    let activities = activities.map(|task| (ListKind::Activity, task.last()));
    let mut lists: Vec<_> = decisions
        .chain(activities)
        .filter(|(_, attempt)| attempt.state == State::Scheduled)
        .filter_map(|(kind, attempt)| Some((kind, attempt.task_list.clone()?)))
        .collect();
    lists.sort();
    lists.dedup();
    lists
}

impl fmt::Display for Why {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Facts {
            domain,
            execution,
            history,
            now,
            ..
        } = &self.facts;
        write!(
            out,
            "Execution {} run {}",
            execution.workflow_id, execution.run_id
        )?;
        if let Some(started) = history.started() {
            let of = &started.workflow_type;
            write!(out, " of {} {}", of.name, of.version)?;
        }
        write!(out, ", domain {domain}")?;
        match (history.close(), history.span()) {
            (None, Some((started, _))) => {
                let open = words::span(now.since(started));
                write!(out, ": open since {} ({open})", words::moment(started))?;
            }
            (Some(_), _) => out.write_str(": closed")?,
            (None, None) => out.write_str(": it has no history")?,
        }
        writeln!(out)?;
        let mut shown: HashMap<&str, usize> = HashMap::new();
        for finding in &self.findings {
            let shown = shown.entry(finding.kind).or_default();
            *shown += 1;
            if *shown > SHOWN {
                continue;
            }
            let mark = if finding.trouble { '!' } else { '-' };
            let text = finding.text.replace('\n', "\n    ");
            writeln!(out, "{mark} {text}")?;
        }
        let mut more: Vec<_> = shown.iter().filter(|(_, count)| **count > SHOWN).collect();
        more.sort();
        for (kind, count) in more {
            let kind = kind.replace('_', " ");
            writeln!(out, "- And {} more of that kind: {kind}.", count - SHOWN)?;
        }
        Ok(())
    }
}

/// How long ago it was.
fn ago(now: Timestamp, time: Timestamp) -> String {
    format!(
        "{} ({} ago)",
        words::moment(time),
        words::span(now.since(time))
    )
}

/// When it will be.
fn ahead(now: Timestamp, time: Timestamp) -> String {
    let left = time.since(now);
    match left > Duration::ZERO {
        true => format!("{} (in {})", words::moment(time), words::span(left)),
        false => format!("{} (overdue)", words::moment(time)),
    }
}
