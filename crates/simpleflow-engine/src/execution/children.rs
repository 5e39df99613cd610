//! The open children of an execution.

use simpleflow_model::event::StartChildWorkflowExecutionInitiated;
use simpleflow_model::{EventId, WorkflowId};

use super::sorted::Sorted;

/// A child that is to be started, or is open. It is known by its workflow id: its run changes
/// when it continues as new.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Child {
    pub workflow_id: WorkflowId,
    /// The event that says it was started.
    pub started: Option<EventId>,
}

/// The open children of an execution, by the events that initiated them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Children(Sorted<EventId, Child>);

impl Children {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn get(&self, initiated: EventId) -> Option<&Child> {
        self.0.get(initiated)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (EventId, &Child)> {
        self.0.iter()
    }

    pub(super) fn initiated(&mut self, id: EventId, a: &StartChildWorkflowExecutionInitiated) {
        self.0.insert(
            id,
            Child {
                workflow_id: a.workflow_id.clone(),
                started: None,
            },
        );
    }

    pub(super) fn started(&mut self, initiated: EventId, id: EventId) {
        if let Some(child) = self.0.get_mut(initiated) {
            child.started = Some(id);
        }
    }

    pub(super) fn closed(&mut self, initiated: EventId) {
        self.0.remove(initiated);
    }
}
