//! Recordings of the real service, played again on whatever is to be such a service: the engine in
//! a process, or a server.
//!
//! Most recordings are of histories alone. The requests are derived from the events: an event that
//! somebody's request caused gives that request, an event that the service caused must come by
//! itself. Where requests were recorded too, they are sent as they were, and the answers compared.
//!
//! The recordings are not part of this repository. Where they are not found beside it, the tests
//! say so and pass, so that a clone alone can be tested.

mod compare;
mod decided;
mod decisions;
mod exchanges;
mod play;
mod recording;
mod requests;
mod service;
mod view;

pub use decided::{AnsweredTask, DecidedRun, RecordedDecision};
pub use play::Played;
pub use recording::{Recording, executions, scenarios};
pub use service::{LambdaNews, Swf};
pub use view::View;

use serde::de::DeserializeOwned;
use serde_json::Value;
use simpleflow_model::Fault;

/// Why a recording is not reproduced, for whoever is to find out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Problem(String);

impl<T: Into<String>> From<T> for Problem {
    fn from(problem: T) -> Self {
        Self(problem.into())
    }
}

type Outcome<T> = Result<T, Problem>;

fn refused(what: &str) -> impl FnOnce(Fault) -> Problem {
    move |fault| format!("{what} was refused: {fault}").into()
}

/// Reads a value of the model from JSON.
fn shape<T: DeserializeOwned>(value: &Value) -> Outcome<T> {
    T::deserialize(value).map_err(|error| format!("{value}: {error}").into())
}
