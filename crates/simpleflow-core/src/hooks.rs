//! The hooks of a workflow: what runs around each replay, and at the end of an execution.

use std::cell::RefCell;
use std::marker::PhantomData;

use simpleflow_model::Timestamp;

use crate::context::RunContext;
use crate::flow::FlowState;
use crate::workflow::Workflow;

/// What the hooks of a workflow see of its execution. It is for reading alone.
pub struct ReplayContext<'a> {
    state: &'a RefCell<FlowState>,
    closing: Option<Closing<'a>>,
}

/// How an execution is about to be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closing<'a> {
    /// With a result, JSON text.
    Completed {
        /// The result.
        result: &'a str,
    },
    /// With a failure.
    Failed {
        /// What happened, in a line.
        reason: &'a str,
        /// More of it.
        details: Option<&'a str>,
    },
    /// Its cancel was requested.
    Canceled {
        /// What its code says of it.
        details: Option<&'a str>,
    },
    /// It goes on in a new run.
    ContinuedAsNew,
}

impl<'a> ReplayContext<'a> {
    pub(crate) fn new(state: &'a RefCell<FlowState>, closing: Option<Closing<'a>>) -> Self {
        Self { state, closing }
    }

    /// Which execution it is.
    pub fn run_context(&self) -> RunContext {
        self.state.borrow().run.clone()
    }

    /// The time of the event that the code reacted to last: of the start, when that was none.
    pub fn now(&self) -> Timestamp {
        self.state.borrow().now
    }

    /// How many events of the history the code has seen: see
    /// [`Flow::history_length`](crate::Flow::history_length).
    pub fn history_length(&self) -> usize {
        self.state.borrow().history_length()
    }

    /// How the execution is about to be closed: there in the hooks of its end, and in
    /// `after_replay`.
    pub fn closing(&self) -> Option<Closing<'a>> {
        self.closing
    }
}

pub(crate) type Hook = fn(&ReplayContext<'_>);

/// The hooks of one workflow.
pub(crate) struct Hooks {
    pub(crate) should_cancel: fn(&ReplayContext<'_>) -> bool,
    pub(crate) before_replay: Hook,
    pub(crate) after_replay: Hook,
    pub(crate) on_completed: Hook,
    pub(crate) on_failure: Hook,
    pub(crate) on_canceled: Hook,
    pub(crate) after_closed: Hook,
}

/// The table of a workflow's hooks.
pub(crate) struct Table<W>(PhantomData<W>);

impl<W: Workflow> Table<W> {
    pub(crate) const HOOKS: Hooks = Hooks {
        should_cancel: |context| W::should_cancel(context),
        before_replay: |context| W::before_replay(context),
        after_replay: |context| W::after_replay(context),
        on_completed: |context| W::on_completed(context),
        on_failure: |context| {
            if let Some(Closing::Failed { reason, details }) = context.closing {
                W::on_failure(context, reason, details);
            }
        },
        on_canceled: |context| W::on_canceled(context),
        after_closed: |context| W::after_closed(context),
    };
}
