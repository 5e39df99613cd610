//! One run of a workflow: its history, and what follows from it.

mod activities;
mod children;
mod decision_tasks;
mod history;
mod lambda;
mod open;
mod slot;
mod sorted;
mod state;
mod timers;

use std::ops::RangeInclusive;

use simpleflow_model::types::{
    WorkflowExecutionConfiguration, WorkflowExecutionDetail, WorkflowExecutionInfo,
    WorkflowExecutionOpenCounts,
};
use simpleflow_model::{
    DomainName, EventAttributes, EventId, ExecutionStatus, HistoryEvent, SmolStr, Timeout,
    Timestamp, WorkflowExecution,
};

pub(crate) use activities::Activity;
pub(crate) use children::Child;
pub(crate) use slot::{Queue, Slot, Standing};
pub use state::State;

use history::History;
use sorted::Sorted;

use crate::task_list::Place;

/// The number of a run in its engine. Runs are numbered in the order of their starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExecutionKey(pub u64);

/// What no event holds: heartbeats, and the places of waiting tasks in their lists. It is lost
/// when an execution is rebuilt from its history, and nothing of it is ever in a history but the
/// details of a heartbeat.
#[derive(Debug, Default)]
pub(crate) struct Live {
    heartbeats: Sorted<EventId, Heartbeat>,
    places: Sorted<Slot, Place>,
}

impl Live {
    /// The latest heartbeat of an activity task.
    pub(crate) fn heartbeat(&self, scheduled: EventId) -> Option<&Heartbeat> {
        self.heartbeats.get(scheduled)
    }

    pub(crate) fn set_heartbeat(&mut self, scheduled: EventId, heartbeat: Heartbeat) {
        self.heartbeats.insert(scheduled, heartbeat);
    }

    pub(crate) fn forget_heartbeat(&mut self, scheduled: EventId) {
        self.heartbeats.remove(scheduled);
    }

    pub(crate) fn forget_heartbeats(&mut self) {
        self.heartbeats = Sorted::default();
    }

    pub(crate) fn set_place(&mut self, slot: Slot, place: Place) {
        self.places.insert(slot, place);
    }

    pub(crate) fn take_place(&mut self, slot: Slot) -> Option<Place> {
        self.places.remove(slot)
    }
}

/// The latest heartbeat of an activity task.
#[derive(Clone, Debug)]
pub(crate) struct Heartbeat {
    pub at: Timestamp,
    pub details: Option<SmolStr>,
}

/// One run of a workflow.
#[derive(Debug)]
pub struct Execution {
    pub(crate) domain: DomainName,
    pub(crate) id: WorkflowExecution,
    pub(crate) history: History,
    pub(crate) state: State,
    pub(crate) live: Live,
    /// How many events were handed out as appended.
    pub(crate) recorded: usize,
}

impl Execution {
    pub(crate) fn new(domain: DomainName, id: WorkflowExecution) -> Self {
        Self {
            domain,
            id,
            history: History::default(),
            state: State::default(),
            live: Live::default(),
            recorded: 0,
        }
    }

    /// The domain.
    pub fn domain(&self) -> &DomainName {
        &self.domain
    }

    /// The workflow id and the run id.
    pub fn id(&self) -> &WorkflowExecution {
        &self.id
    }

    /// The events so far; the event with the id `n` is at `n - 1`. After
    /// [`Engine::release`](crate::Engine::release) it is the end of the history that came later.
    pub fn history(&self) -> &[HistoryEvent] {
        self.history.held()
    }

    /// The events from one on, as far as they are in memory.
    pub fn events_from(&self, id: EventId) -> &[HistoryEvent] {
        self.history.from(id)
    }

    /// What follows from the history.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// How many events there are, in memory or not.
    pub fn length(&self) -> usize {
        self.history.len()
    }

    /// What is to be kept of an execution besides its events once it is closed: its description,
    /// which no longer changes. Nothing of one that is open.
    pub fn closed_detail(&self) -> Option<WorkflowExecutionDetail> {
        (!self.is_open()).then(|| self.detail())
    }

    pub(crate) fn is_open(&self) -> bool {
        self.state.closed.is_none()
    }

    pub(crate) fn next_event_id(&self) -> EventId {
        EventId(self.history.len() as i64 + 1)
    }

    pub(crate) fn event(&self, id: EventId) -> Option<&HistoryEvent> {
        self.history.get(id)
    }

    /// The events with these ids, as far as they are in memory.
    pub(crate) fn events(&self, ids: RangeInclusive<i64>) -> Vec<HistoryEvent> {
        let events = ids.filter_map(|id| self.event(EventId(id)).cloned());
        events.collect()
    }

    /// Appends an event and lets the state follow.
    pub(crate) fn push(&mut self, at: Timestamp, attributes: EventAttributes) -> EventId {
        let id = self.next_event_id();
        let event = HistoryEvent::new(id, at, attributes);
        self.state.apply(&event);
        self.history.push(event);
        id
    }

    /// Takes over a history that was kept elsewhere.
    pub(crate) fn set_history(&mut self, history: Vec<HistoryEvent>) {
        self.state = State::replay(&history);
        self.recorded = history.len();
        self.history = history.into_iter().collect();
    }

    /// Where something of the execution stands: when it falls due, and the task list it waits in.
    pub(crate) fn standing(&self, slot: Slot) -> Standing {
        self.state.standing(slot, |activity| {
            self.live.heartbeat(activity).map(|beat| beat.at)
        })
    }

    /// The execution as listings show it.
    pub(crate) fn info(&self) -> WorkflowExecutionInfo {
        let state = &self.state;
        let closed = state.closed.as_ref();
        WorkflowExecutionInfo {
            execution: self.id.clone(),
            workflow_type: state.start.workflow_type.clone(),
            start_timestamp: state.started_at,
            close_timestamp: closed.map(|closed| closed.at),
            execution_status: match closed {
                None => ExecutionStatus::Open,
                Some(_) => ExecutionStatus::Closed,
            },
            close_status: closed.map(|closed| closed.status.clone()),
            parent: state.start.parent_workflow_execution.clone(),
            tag_list: state.start.tag_list.clone(),
            // The service says false for every closed run, even one that was cancelled.
            cancel_requested: Some(closed.is_none() && state.cancel_requested),
            ..Default::default()
        }
    }

    pub(crate) fn detail(&self) -> WorkflowExecutionDetail {
        let state = &self.state;
        let start = &state.start;
        WorkflowExecutionDetail {
            execution_info: self.info(),
            execution_configuration: WorkflowExecutionConfiguration {
                task_start_to_close_timeout: start
                    .task_start_to_close_timeout
                    .unwrap_or(Timeout::None),
                execution_start_to_close_timeout: start
                    .execution_start_to_close_timeout
                    .unwrap_or(Timeout::None),
                task_list: start.task_list.clone(),
                task_priority: start.task_priority,
                child_policy: start.child_policy.clone(),
                lambda_role: start.lambda_role.clone(),
                ..Default::default()
            },
            open_counts: WorkflowExecutionOpenCounts {
                open_activity_tasks: count(state.activities.len()),
                open_decision_tasks: u32::from(state.decisions.is_open()),
                open_timers: count(state.timers.len()),
                open_child_workflow_executions: count(state.children.len()),
                open_lambda_functions: Some(count(state.lambdas.len())),
                ..Default::default()
            },
            latest_activity_task_timestamp: state.activities.latest,
            latest_execution_context: state.execution_context.clone(),
            ..Default::default()
        }
    }
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
