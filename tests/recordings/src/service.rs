//! What recordings are played on.

use serde_json::Value;
use simpleflow_model::{EventId, Fault, RunId, SmolStr, Timestamp};

/// A service that is to do what the real one did, at times that are told it.
pub trait Swf {
    /// Carries out an operation. Request and answer are the service's JSON; an operation without
    /// output, and a poll that got no task, answer as the service does: `null`, and no task token.
    ///
    /// # Errors
    /// What the service answers when it refuses.
    fn call(&mut self, operation: &str, request: Value) -> Result<Value, Fault>;

    /// Sets the service's clock, which does not go backwards. What is due by then happens before
    /// the next request is carried out.
    fn set_time(&mut self, now: Timestamp);

    /// Tells what AWS Lambda makes of a function, which no request does.
    ///
    /// # Errors
    /// The function is not that far.
    fn lambda_news(
        &mut self,
        run_id: &RunId,
        scheduled: EventId,
        news: LambdaNews,
    ) -> Result<(), Fault>;
}

/// What AWS Lambda makes of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LambdaNews {
    /// It runs.
    Started,
    /// It ran to its end.
    Completed {
        /// What it gave.
        result: Option<SmolStr>,
    },
    /// It failed.
    Failed {
        /// Why, in short.
        reason: Option<SmolStr>,
        /// Why, at length.
        details: Option<SmolStr>,
    },
}
