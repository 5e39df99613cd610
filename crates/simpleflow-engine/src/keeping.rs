//! The seam to whoever keeps executions elsewhere: what to keep, what to bring back after a
//! restart, and which histories need not be in memory meanwhile.

use std::time::Duration;

use simpleflow_model::operation::{
    GetWorkflowExecutionHistory, PollForActivityTask, PollForDecisionTask,
};
use simpleflow_model::{
    DomainName, EventId, Fault, HistoryEvent, RunId, SmolStr, TaskListName, TaskToken, Timestamp,
    WorkflowExecution,
};

use crate::Engine;
use crate::domain::Domain;
use crate::execution::{Execution, ExecutionKey, Heartbeat, Standing};
use crate::operations::DecisionPage;
use crate::token::{TaskKind, parse_task_token};

/// Events that were appended to a history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The number of the run in its engine.
    pub key: ExecutionKey,
    /// The run; [`Engine::execution`] has its history.
    pub run_id: RunId,
    /// The first of the events.
    pub first: EventId,
    /// The last of the events.
    pub last: EventId,
}

/// A heartbeat, which is no event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotedHeartbeat {
    /// The number of the run in its engine.
    pub key: ExecutionKey,
    /// The scheduled event of the activity task.
    pub scheduled: EventId,
    /// When it came.
    pub at: Timestamp,
    /// What it said.
    pub details: Option<SmolStr>,
}

/// A closed execution whose retention is over: the engine has forgotten it.
#[derive(Clone, Debug, PartialEq)]
pub struct Removed {
    /// The number of the run in its engine.
    pub key: ExecutionKey,
    /// The domain.
    pub domain: DomainName,
    /// The workflow id and the run id.
    pub execution: WorkflowExecution,
}

/// The tasks that wait in a task list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backlog {
    /// The domain.
    pub domain: DomainName,
    /// Whether the tasks are for deciders or activity workers.
    pub kind: TaskKind,
    /// The task list.
    pub task_list: TaskListName,
    /// How many tasks wait.
    pub tasks: usize,
    /// Since when the oldest waits.
    pub oldest: Timestamp,
}

impl Engine {
    /// Whether something changed that was not taken: events, registrations, heartbeats, what
    /// closed or was forgotten.
    pub fn has_changes(&self) -> bool {
        !self.changed.is_empty()
            || !self.registered.is_empty()
            || !self.heartbeats.is_empty()
            || !self.removed.is_empty()
            || !self.closed.is_empty()
    }

    /// Takes which events were appended since this was last called, by run, in the order of the
    /// runs' starts. Empty unless [`Settings::record_changes`](crate::Settings::record_changes)
    /// is on.
    pub fn take_appended(&mut self) -> Vec<Appended> {
        std::mem::take(&mut self.changed)
            .into_iter()
            .filter_map(|key| {
                let execution = self.executions.get_mut(&key)?;
                let first = EventId(execution.recorded as i64 + 1);
                execution.recorded = execution.history.len();
                Some(Appended {
                    key,
                    run_id: execution.id.run_id.clone(),
                    first,
                    last: EventId(execution.recorded as i64),
                })
            })
            .collect()
    }

    /// Takes the heartbeats since this was last called. Empty unless
    /// [`Settings::record_changes`](crate::Settings::record_changes) is on.
    pub fn take_heartbeats(&mut self) -> Vec<NotedHeartbeat> {
        std::mem::take(&mut self.heartbeats)
    }

    /// Takes which executions were forgotten since this was last called. Empty unless
    /// [`Settings::record_changes`](crate::Settings::record_changes) is on.
    pub fn take_removed(&mut self) -> Vec<Removed> {
        std::mem::take(&mut self.removed)
    }

    /// Takes which executions closed since this was last called, those that were
    /// [restored](Self::restore) as closed among them. Empty unless
    /// [`Settings::record_closes`](crate::Settings::record_closes) is on.
    pub fn take_closed(&mut self) -> Vec<ExecutionKey> {
        let mut closed = std::mem::take(&mut self.closed);
        closed.retain(|key| self.executions.contains_key(key));
        closed
    }

    /// Drops a closed execution, which must be kept elsewhere with its events and its
    /// [description](Execution::closed_detail). From here on the engine does not know it: it is
    /// not in listings, and the end of its retention is not told. One that is open, or has events
    /// that [`take_appended`](Self::take_appended) has not told, stays. Gives the end of its
    /// retention.
    pub fn archive(&mut self, key: ExecutionKey) -> Option<Timestamp> {
        let execution = self.executions.get(&key)?;
        let closed = execution.state.closed.as_ref()?;
        if execution.recorded < execution.history.len() {
            return None;
        }
        let domain = self.domains.get(execution.domain.as_str());
        let retention = domain.map(Domain::retention).unwrap_or_default();
        let end = closed.at + retention;
        self.remove(key);
        Some(end)
    }

    /// Whether a domain is here and a run of it is not: if there is such a run, it was
    /// [archived](Self::archive).
    pub fn lacks(&self, domain: &DomainName, id: &WorkflowExecution) -> bool {
        self.domains.contains_key(domain.as_str()) && self.known(domain, id).is_err()
    }

    /// The further page of a decision task that a poll asks for, if its domain is here and its run is
    /// not: if there is such a run, it was [archived](Self::archive).
    pub fn lacking_page(&self, request: &PollForDecisionTask) -> Option<DecisionPage> {
        self.domain(&request.domain).ok()?;
        let page = DecisionPage::parse(request, self.now).ok()??;
        self.execution(page.run_id()).is_none().then_some(page)
    }

    /// How long the domains keep closed executions.
    pub fn retentions(&self) -> impl Iterator<Item = (&DomainName, Duration)> {
        let domains = self.domains.values();
        domains.map(|domain| (&domain.name, domain.retention()))
    }

    /// Lets the numbers of new runs follow `count`, the highest number of those that were
    /// [archived](Self::archive).
    pub fn restore_run_count(&mut self, count: u64) {
        self.run_count = self.run_count.max(count);
    }

    /// An execution by its number.
    pub fn execution_by_key(&self, key: ExecutionKey) -> Option<&Execution> {
        self.executions.get(&key).map(|execution| &**execution)
    }

    /// Puts an execution back whose history was kept elsewhere: rebuilds its state and puts what
    /// it has open where it belongs. Its domain must be registered. Heartbeats are put back
    /// afterwards, with [`restore_heartbeat`](Self::restore_heartbeat).
    ///
    /// Tasks take their places in the task lists by the times of their events, and those of one
    /// millisecond by the order of the calls: restore executions in the order of their numbers.
    ///
    /// # Errors
    /// `UnknownResourceFault` for a domain that is not registered.
    pub fn restore(
        &mut self,
        key: ExecutionKey,
        domain: &DomainName,
        id: WorkflowExecution,
        history: Vec<HistoryEvent>,
    ) -> Result<(), Fault> {
        self.domain(domain)?;
        self.run_count = self.run_count.max(key.0);
        let mut execution = Execution::new(domain.clone(), id);
        if let Some(last) = history.last() {
            self.now = self.now.max(last.event_timestamp);
        }
        execution.set_history(history);
        let standings: Vec<_> = execution
            .state
            .slots()
            .into_iter()
            .map(|slot| (slot, execution.standing(slot)))
            .collect();
        let open = execution.is_open();
        self.executions.insert(key, Box::new(execution));
        self.opened(key);
        if open {
            for (slot, standing) in standings {
                self.index(key, slot, Standing::default(), standing);
            }
        } else {
            self.leave(key);
        }
        Ok(())
    }

    /// Puts a heartbeat back that was kept elsewhere. One of a task that is over is passed over.
    pub fn restore_heartbeat(&mut self, heartbeat: NotedHeartbeat) {
        let NotedHeartbeat {
            key,
            scheduled,
            at,
            details,
        } = heartbeat;
        let with_worker = self.executions.get(&key).is_some_and(|execution| {
            let activity = execution.state.activities.get(scheduled);
            execution.is_open() && activity.is_some_and(|activity| activity.started.is_some())
        });
        if with_worker {
            self.put_heartbeat(key, scheduled, Heartbeat { at, details });
        }
    }

    /// Lets go of the events of an execution, which must be kept elsewhere. Events that
    /// [`take_appended`](Self::take_appended) has not told are not let go.
    pub fn release(&mut self, key: ExecutionKey) {
        if let Some(execution) = self.executions.get_mut(&key)
            && execution.recorded == execution.history.len()
        {
            execution.history.release();
        }
    }

    /// Puts the events of an execution back, from the first on. Says whether all that were let
    /// go of are among them.
    pub fn load(&mut self, key: ExecutionKey, events: Vec<HistoryEvent>) -> bool {
        self.executions
            .get_mut(&key)
            .is_some_and(|execution| execution.history.load(events))
    }

    pub(crate) fn released(&self, key: ExecutionKey) -> Option<ExecutionKey> {
        let execution = self.executions.get(&key)?;
        (!execution.history.is_whole()).then_some(key)
    }

    /// The run whose events must be [loaded](Self::load) before this poll is carried out.
    pub fn needed_by_decision_poll(&self, request: &PollForDecisionTask) -> Option<ExecutionKey> {
        let key = match DecisionPage::parse(request, self.now).ok()? {
            Some(page) => *self.runs.get(page.run_id().as_str())?,
            None => {
                let domain = self.domains.get(request.domain.as_str())?;
                domain.decision_tasks.first(&request.task_list.name)?.0
            }
        };
        self.released(key)
    }

    /// The run whose events must be [loaded](Self::load) before this poll is carried out.
    pub fn needed_by_activity_poll(&self, request: &PollForActivityTask) -> Option<ExecutionKey> {
        let domain = self.domains.get(request.domain.as_str())?;
        self.released(domain.activity_tasks.first(&request.task_list.name)?.0)
    }

    /// The run whose events must be [loaded](Self::load) before a task is handed out again.
    pub fn needed_by_task(&self, kind: TaskKind, token: &TaskToken) -> Option<ExecutionKey> {
        self.released(self.handed_out(kind, token)?)
    }

    /// The run whose events must be [loaded](Self::load) before its history is read.
    pub fn needed_by_history(&self, request: &GetWorkflowExecutionHistory) -> Option<ExecutionKey> {
        self.released(*self.runs.get(request.execution.run_id.as_str())?)
    }

    /// Whether a task that was handed out can still be answered.
    pub fn is_handed_out(&self, kind: TaskKind, token: &TaskToken) -> bool {
        self.handed_out(kind, token).is_some()
    }

    /// The run whose task a token means, if it can still be answered.
    fn handed_out(&self, kind: TaskKind, token: &TaskToken) -> Option<ExecutionKey> {
        match kind {
            TaskKind::Decision => {
                let task = parse_task_token(kind, token).ok()?;
                self.started_decision_task(&task)
            }
            TaskKind::Activity => Some(self.started_activity(token).ok()?.0),
        }
    }

    /// How many executions are open.
    pub fn open_executions(&self) -> usize {
        self.domains.values().map(|domain| domain.open.len()).sum()
    }

    /// The task lists that have tasks. The cost grows with the number of lists and of priorities.
    pub fn backlogs(&self) -> Vec<Backlog> {
        let lists = self.domains.values().flat_map(|domain| {
            let decisions = domain.decision_tasks.backlogs();
            let activities = domain.activity_tasks.backlogs();
            let of = move |kind| {
                move |(list, tasks, oldest): (&TaskListName, usize, Timestamp)| Backlog {
                    domain: domain.name.clone(),
                    kind,
                    task_list: list.clone(),
                    tasks,
                    oldest,
                }
            };
            let decisions = decisions.map(of(TaskKind::Decision));
            decisions.chain(activities.map(of(TaskKind::Activity)))
        });
        lists.collect()
    }
}
