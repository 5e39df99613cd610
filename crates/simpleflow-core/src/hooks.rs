//! What the hooks of a workflow see of its execution.

use std::cell::RefCell;

use simpleflow_model::Timestamp;

use crate::context::RunContext;
use crate::flow::FlowState;

/// What the hooks of a workflow see of its execution. It is for reading alone.
pub struct ReplayContext<'a> {
    state: &'a RefCell<FlowState>,
}

impl<'a> ReplayContext<'a> {
    pub(crate) fn new(state: &'a RefCell<FlowState>) -> Self {
        Self { state }
    }

    /// Which execution it is.
    pub fn run_context(&self) -> RunContext {
        self.state.borrow().run.clone()
    }

    /// The time of the event that the workflow reacts to.
    pub fn now(&self) -> Timestamp {
        self.state.borrow().now
    }

    /// How many events of the history the code has seen: see
    /// [`Flow::history_length`](crate::Flow::history_length).
    pub fn history_length(&self) -> usize {
        self.state.borrow().history_length()
    }
}
