//! The operations of the service, a subject a file, and what follows from them.

mod activity_tasks;
mod activity_types;
mod children;
mod decision_tasks;
mod decisions;
mod domains;
mod due;
mod external;
mod history;
mod lambda_functions;
mod listings;
mod pages;
#[cfg(test)]
mod registration_tests;
mod start;
mod tags;
mod tasks;
mod types;
mod workflow_types;

use simpleflow_model::EventId;

pub use lambda_functions::LambdaFunction;
pub use listings::{ClosedSelection, Selection};
pub use pages::{DecisionPage, HistoryPage};

use crate::Engine;
use crate::execution::ExecutionKey;

/// What the service does on its own account after a command, at the same time. It comes after all
/// events of the command, as the recordings show.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Deferred {
    /// Starts the child that an event of an execution initiated.
    StartChild(ExecutionKey, EventId),
    /// Delivers the signal that an event of an execution initiated.
    DeliverSignal(ExecutionKey, EventId),
    /// Delivers the cancel request that an event of an execution initiated.
    DeliverCancel(ExecutionKey, EventId),
    /// Cancels an activity task that no worker has.
    CancelActivity(ExecutionKey, EventId),
    /// Fails a Lambda function in an execution without a role.
    FailLambda(ExecutionKey, EventId),
    /// Tells the parent, and applies the child policy.
    AfterClose(ExecutionKey),
}

impl Engine {
    /// Does all that the command at work has caused, and what that causes.
    pub(crate) fn settle(&mut self) {
        while let Some(deferred) = self.deferred.pop_front() {
            match deferred {
                Deferred::StartChild(parent, initiated) => self.start_child(parent, initiated),
                Deferred::DeliverSignal(source, initiated) => {
                    self.deliver_signal(source, initiated);
                }
                Deferred::DeliverCancel(source, initiated) => {
                    self.deliver_cancel(source, initiated);
                }
                Deferred::CancelActivity(key, scheduled) => {
                    self.cancel_unstarted_activity(key, scheduled);
                }
                Deferred::FailLambda(key, scheduled) => {
                    self.fail_lambda_without_role(key, scheduled);
                }
                Deferred::AfterClose(key) => {
                    self.tell_parent(key);
                    self.apply_child_policy(key);
                }
            }
        }
    }
}
