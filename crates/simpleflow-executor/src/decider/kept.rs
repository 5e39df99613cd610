//! The suspended executions that a decider keeps, bounded by number and by bytes.

use lru::LruCache;
use simpleflow_core::replay::Replayer;
use simpleflow_model::{
    EventAttributes, EventId, HistoryEvent, RunId, SmolStr, TaskListName, Timestamp,
};

/// How many suspended executions are kept by default.
pub(super) const MOST: usize = 10_000;

/// How many bytes they may hold by default.
pub(super) const MOST_BYTES: usize = 256 << 20;

/// What is left of an event beside its payload, about: the place of a task that is done.
const EVENT: usize = 64;

/// An execution whose code is suspended at its last decision.
pub(super) struct Suspended {
    pub replayer: Replayer,
    /// The started event that its history ends in.
    pub started: EventId,
    /// When that was.
    pub started_at: Timestamp,
    /// The task list that the execution was started on.
    pub task_list: TaskListName,
    /// Whether the last answer asked for the decider's own task list.
    pub overridden: bool,
    /// How long the task at hand may wait for values.
    pub patience: std::time::Duration,
    /// About what it holds.
    pub bytes: usize,
}

/// The suspended executions; those that were used longest ago go first.
pub(super) struct Kept {
    executions: LruCache<RunId, Suspended>,
    pub most: usize,
    pub most_bytes: usize,
    bytes: usize,
}

impl Default for Kept {
    fn default() -> Self {
        Self {
            executions: LruCache::unbounded(),
            most: MOST,
            most_bytes: MOST_BYTES,
            bytes: 0,
        }
    }
}

impl Kept {
    /// Takes out an execution.
    pub fn take(&mut self, run_id: &RunId) -> Option<Suspended> {
        let suspended = self.executions.pop(run_id.as_str())?;
        self.bytes -= suspended.bytes;
        Some(suspended)
    }

    /// Lets go of an execution, if it is still where that event left it.
    pub fn forget(&mut self, run_id: &RunId, started: EventId) {
        let kept = self.executions.peek(run_id.as_str());
        if kept.is_some_and(|kept| kept.started == started) {
            self.take(run_id);
        }
    }

    /// Keeps an execution, and lets go of others if that is too much.
    pub fn put(&mut self, run_id: RunId, suspended: Suspended) {
        self.bytes += suspended.bytes;
        if let Some((_, old)) = self.executions.push(run_id, suspended) {
            self.bytes -= old.bytes;
        }
        while self.executions.len() > self.most || self.bytes > self.most_bytes {
            let Some((_, oldest)) = self.executions.pop_lru() else {
                return;
            };
            self.bytes -= oldest.bytes;
        }
    }
}

/// About what the code may hold on to of some events: payloads are shared with them, not copied.
pub(super) fn bytes(events: &[HistoryEvent]) -> usize {
    use EventAttributes as E;
    let length = |payload: &Option<SmolStr>| payload.as_ref().map_or(0, |text| text.len());
    let payload = |event: &HistoryEvent| match &event.attributes {
        E::WorkflowExecutionStarted(a) => length(&a.input),
        E::WorkflowExecutionSignaled(a) => length(&a.input),
        E::ActivityTaskScheduled(a) => length(&a.input),
        E::ActivityTaskCompleted(a) => length(&a.result),
        E::ActivityTaskFailed(a) => length(&a.details),
        E::ActivityTaskCanceled(a) => length(&a.details),
        E::StartChildWorkflowExecutionInitiated(a) => length(&a.input),
        E::ChildWorkflowExecutionCompleted(a) => length(&a.result),
        E::ChildWorkflowExecutionFailed(a) => length(&a.details),
        E::MarkerRecorded(a) => length(&a.details),
        _ => 0,
    };
    events.iter().map(|event| EVENT + payload(event)).sum()
}
