//! The engine: what it holds, how events get into histories, and how time passes.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use simpleflow_model::enums::WorkflowExecutionTerminatedCause;
use simpleflow_model::event::{DecisionTaskScheduled, WorkflowExecutionTerminated};
use simpleflow_model::{
    DomainName, EventAttributes, EventId, Fault, RunId, TaskList, TaskListName, Timestamp,
};

use crate::deadline::Deadlines;
use crate::domain::Domain;
use crate::execution::{Execution, ExecutionKey, Heartbeat, Queue, Slot, Standing};
use crate::keeping::{NotedHeartbeat, Removed};
use crate::operations::Deferred;
use crate::registration::Registered;
use crate::task_list::Place;
use crate::token::TaskKind;
use crate::{Settings, fault};

/// A task list that has a task.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ready {
    /// The domain.
    pub domain: DomainName,
    /// Whether the task is for a decider or an activity worker.
    pub kind: TaskKind,
    /// The task list.
    pub task_list: TaskListName,
}

/// Amazon Simple Workflow's state machine.
///
/// Each operation of the service that has to do with it is a method. It takes the request and the
/// time at which it happens, and gives the service's answer or its fault. What is due by then
/// happens first, so that an answer is the same however often [`advance`](Self::advance) was
/// called. Times are cut to milliseconds, as the service's, and never go back: an earlier time
/// than one that was seen is taken as that.
///
/// After each command:
/// - [`take_ready`](Self::take_ready) says which pollers to wake;
/// - [`next_deadline`](Self::next_deadline) says when to call `advance`;
/// - [`take_appended`](Self::take_appended) says which events are new, for who keeps them.
#[derive(Debug, Default)]
pub struct Engine {
    pub(crate) settings: Settings,
    /// The latest time that was seen.
    pub(crate) now: Timestamp,
    pub(crate) domains: BTreeMap<DomainName, Domain>,
    pub(crate) executions: HashMap<ExecutionKey, Box<Execution>>,
    pub(crate) runs: HashMap<RunId, ExecutionKey>,
    /// How many runs there ever were.
    pub(crate) run_count: u64,
    /// How many tasks ever waited.
    arrivals: u64,
    pub(crate) deadlines: Deadlines,
    /// What the command at work has yet to cause.
    pub(crate) deferred: VecDeque<Deferred>,
    pub(crate) ready: BTreeSet<Ready>,
    /// The executions with events that [`Engine::take_appended`] has not told.
    pub(crate) changed: BTreeSet<ExecutionKey>,
    pub(crate) heartbeats: Vec<NotedHeartbeat>,
    pub(crate) removed: Vec<Removed>,
    /// The executions that closed and that [`Engine::take_closed`] has not told.
    pub(crate) closed: Vec<ExecutionKey>,
    /// The registrations that [`Engine::take_registrations`] has not told.
    pub(crate) registered: BTreeSet<Registered>,
}

impl Engine {
    /// An engine without a domain.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            ..Self::default()
        }
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The latest time that was seen.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// The execution of a run, unless it is unknown or its retention is over.
    pub fn execution(&self, run_id: &RunId) -> Option<&Execution> {
        let key = self.runs.get(run_id.as_str())?;
        self.executions.get(key).map(|execution| &**execution)
    }

    /// The key of a run, while that is open.
    pub fn open_key(&self, run_id: &RunId) -> Option<ExecutionKey> {
        let key = self.runs.get(run_id.as_str())?;
        let execution = self.executions.get(key)?;
        execution.is_open().then_some(*key)
    }

    /// Every execution, in no order. For checks and tools: the cost grows with their number.
    pub fn executions(&self) -> impl Iterator<Item = &Execution> {
        self.executions.values().map(|execution| &**execution)
    }

    /// Takes the task lists that got a task since this was last called and still have it.
    pub fn take_ready(&mut self) -> Vec<Ready> {
        std::mem::take(&mut self.ready).into_iter().collect()
    }

    /// When something falls due next.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.deadlines.next()
    }

    /// Lets the time come to `now`: fires all that is due, in the order in which it fell due. The
    /// events carry `now`, not the time at which they were due: a virtual clock that wants each
    /// event at its own time goes from one [`next_deadline`](Self::next_deadline) to the next.
    pub fn advance(&mut self, now: Timestamp) {
        self.now = self.now.max(now.truncate_to_millis());
        while let Some((key, slot)) = self.deadlines.pop_due(self.now) {
            self.fire(key, slot);
            self.settle();
        }
    }

    pub(crate) fn domain(&self, name: &DomainName) -> Result<&Domain, Fault> {
        self.domains
            .get(name.as_str())
            .ok_or_else(|| fault::unknown_domain(name))
    }

    pub(crate) fn domain_mut(&mut self, name: &DomainName) -> Result<&mut Domain, Fault> {
        self.domains
            .get_mut(name.as_str())
            .ok_or_else(|| fault::unknown_domain(name))
    }

    /// Makes an execution known and open, now that its first event says what it is.
    pub(crate) fn opened(&mut self, key: ExecutionKey) {
        let Some(execution) = self.executions.get(&key) else {
            return;
        };
        self.runs.insert(execution.id.run_id.clone(), key);
        if let Some(domain) = self.domains.get_mut(execution.domain.as_str()) {
            domain.open.insert(execution.id.workflow_id.clone(), key);
            domain
                .visibility
                .opened(key, &execution.id, &execution.state);
        }
    }

    /// Moves an execution that is closed now from the open ones to the closed ones.
    pub(crate) fn leave(&mut self, key: ExecutionKey) {
        let Some(execution) = self.executions.get(&key) else {
            return;
        };
        let Some(domain) = self.domains.get_mut(execution.domain.as_str()) else {
            return;
        };
        if domain.open.get(execution.id.workflow_id.as_str()) == Some(&key) {
            domain.open.remove(execution.id.workflow_id.as_str());
        }
        domain
            .visibility
            .closed(key, &execution.id, &execution.state);
        if let Some(closed) = &execution.state.closed {
            let end = closed.at + domain.retention();
            self.deadlines.insert(end, key, Slot::Record);
        }
        if self.settings.record_closes {
            self.closed.push(key);
        }
    }

    /// Takes an execution out of all that knows it.
    pub(crate) fn remove(&mut self, key: ExecutionKey) -> Option<Box<Execution>> {
        let execution = self.executions.remove(&key)?;
        self.runs.remove(execution.id.run_id.as_str());
        self.changed.remove(&key);
        if let Some(domain) = self.domains.get_mut(execution.domain.as_str()) {
            domain
                .visibility
                .forget(key, &execution.id, &execution.state);
            if let Some(closed) = &execution.state.closed {
                let end = closed.at + domain.retention();
                self.deadlines.remove(end, key, Slot::Record);
            }
        }
        Some(execution)
    }

    /// Forgets a closed execution whose retention is over.
    pub(crate) fn forget(&mut self, key: ExecutionKey) {
        if let Some(execution) = self.remove(key)
            && self.settings.record_changes
        {
            self.removed.push(Removed {
                key,
                domain: execution.domain,
                execution: execution.id,
            });
        }
    }

    /// Appends an event at the present time and lets everything follow it. Gives the event's id,
    /// or nothing if the execution is closed, or closed by this since its history is full.
    pub(crate) fn append(
        &mut self,
        key: ExecutionKey,
        attributes: impl Into<EventAttributes>,
    ) -> Option<EventId> {
        self.append_event(key, attributes.into())
    }

    fn append_event(&mut self, key: ExecutionKey, attributes: EventAttributes) -> Option<EventId> {
        let execution = self.executions.get_mut(&key)?;
        if !execution.is_open() {
            return None;
        }
        let closes = closes(&attributes);
        if !closes && execution.history.len() >= self.settings.limits.history_events {
            let terminated = WorkflowExecutionTerminated {
                child_policy: execution.state.start.child_policy.clone(),
                cause: Some(WorkflowExecutionTerminatedCause::EventLimitExceeded),
                ..Default::default()
            };
            self.append_event(key, terminated.into());
            return None;
        }
        if self.settings.record_changes {
            self.changed.insert(key);
        }
        if closes {
            let standings: Vec<_> = execution
                .state
                .slots()
                .into_iter()
                .map(|slot| (slot, execution.standing(slot)))
                .collect();
            let id = execution.push(self.now, attributes);
            execution.live.forget_heartbeats();
            for (slot, standing) in standings {
                self.index(key, slot, standing, Standing::default());
            }
            self.leave(key);
            self.deferred.push_back(Deferred::AfterClose(key));
            return Some(id);
        }
        let slot = Slot::of(execution.next_event_id(), &attributes);
        let before = slot.map(|slot| execution.standing(slot));
        let id = execution.push(self.now, attributes);
        if let (Some(slot), Some(before)) = (slot, before) {
            if let Slot::Activity(scheduled) = slot
                && execution.state.activities.get(scheduled).is_none()
            {
                execution.live.forget_heartbeat(scheduled);
            }
            let after = execution.standing(slot);
            self.index(key, slot, before, after);
        }
        Some(id)
    }

    /// Appends an event that the decider must see, and a decision task if none is scheduled.
    pub(crate) fn append_for_decider(
        &mut self,
        key: ExecutionKey,
        attributes: impl Into<EventAttributes>,
    ) -> Option<EventId> {
        let id = self.append_event(key, attributes.into())?;
        self.schedule_decision_task(key);
        Some(id)
    }

    /// Schedules a decision task, unless one is scheduled and not started.
    pub(crate) fn schedule_decision_task(&mut self, key: ExecutionKey) {
        let Some(execution) = self.executions.get(&key) else {
            return;
        };
        let state = &execution.state;
        if state.decisions.scheduled.is_some() {
            return;
        }
        let (name, schedule_to_start) = state.decision_task_list();
        let scheduled = DecisionTaskScheduled {
            task_list: TaskList {
                name: name.clone(),
                ..Default::default()
            },
            task_priority: state.start.task_priority,
            start_to_close_timeout: state.start.task_start_to_close_timeout,
            schedule_to_start_timeout: Some(schedule_to_start),
            ..Default::default()
        };
        self.append(key, scheduled);
    }

    /// Brings the indexes from where a slot stood to where it stands.
    pub(crate) fn index(
        &mut self,
        key: ExecutionKey,
        slot: Slot,
        before: Standing,
        after: Standing,
    ) {
        if before.deadline != after.deadline {
            if let Some(at) = before.deadline {
                self.deadlines.remove(at, key, slot);
            }
            if let Some(at) = after.deadline {
                self.deadlines.insert(at, key, slot);
            }
        }
        if before.waiting == after.waiting {
            return;
        }
        let Some(execution) = self.executions.get_mut(&key) else {
            return;
        };
        let Some(domain) = self.domains.get_mut(execution.domain.as_str()) else {
            return;
        };
        if let Some(waiting) = before.waiting
            && let Some(place) = execution.live.take_place(slot)
            && domain.dequeue(waiting.queue, &waiting.task_list, place)
            && let Some(kind) = task_kind(waiting.queue)
            && !self.ready.is_empty()
        {
            self.ready.remove(&Ready {
                domain: domain.name.clone(),
                kind,
                task_list: waiting.task_list,
            });
        }
        if let Some(waiting) = after.waiting {
            self.arrivals += 1;
            let place = Place::new(waiting.priority, waiting.since, self.arrivals);
            execution.live.set_place(slot, place);
            let task = (key, waiting.scheduled);
            domain.enqueue(waiting.queue, &waiting.task_list, place, task);
            if let Some(kind) = task_kind(waiting.queue) {
                self.ready.insert(Ready {
                    domain: domain.name.clone(),
                    kind,
                    task_list: waiting.task_list,
                });
            }
        }
    }

    /// Notes a heartbeat, which moves the deadline of its activity task and is no event.
    pub(crate) fn note_heartbeat(
        &mut self,
        key: ExecutionKey,
        scheduled: EventId,
        heartbeat: Heartbeat,
    ) {
        if self.settings.record_changes {
            self.heartbeats.push(NotedHeartbeat {
                key,
                scheduled,
                at: heartbeat.at,
                details: heartbeat.details.clone(),
            });
        }
        self.put_heartbeat(key, scheduled, heartbeat);
    }

    pub(crate) fn put_heartbeat(
        &mut self,
        key: ExecutionKey,
        scheduled: EventId,
        heartbeat: Heartbeat,
    ) {
        let slot = Slot::Activity(scheduled);
        let Some(execution) = self.executions.get_mut(&key) else {
            return;
        };
        let before = execution.standing(slot);
        execution.live.set_heartbeat(scheduled, heartbeat);
        let after = execution.standing(slot);
        self.index(key, slot, before, after);
    }
}

fn task_kind(queue: Queue) -> Option<TaskKind> {
    match queue {
        Queue::Decisions => Some(TaskKind::Decision),
        Queue::Activities => Some(TaskKind::Activity),
        Queue::Lambdas => None,
    }
}

/// Whether an event closes its execution.
fn closes(attributes: &EventAttributes) -> bool {
    use EventAttributes as E;
    matches!(
        attributes,
        E::WorkflowExecutionCompleted(_)
            | E::WorkflowExecutionFailed(_)
            | E::WorkflowExecutionCanceled(_)
            | E::WorkflowExecutionTerminated(_)
            | E::WorkflowExecutionTimedOut(_)
            | E::WorkflowExecutionContinuedAsNew(_)
    )
}
