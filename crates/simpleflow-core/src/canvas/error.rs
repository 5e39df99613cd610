//! How a canvas fails.

use std::fmt;

use serde_json::Value;
use simpleflow_model::SmolStr;

use crate::error::{TaskError, TaskErrorKind};
use crate::task::Outcome;

/// How many failures the message names.
const NAMED: usize = 3;

/// The failure of a [`Chain`](crate::Chain) or a [`Group`](crate::Group): what became of each of
/// its members, in their order. A chain that broke has none after the one that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AggregateError {
    outcomes: Vec<Outcome>,
}

impl AggregateError {
    /// The error of outcomes of which one is a failure.
    pub(super) fn new(outcomes: Vec<Outcome>) -> Self {
        Self { outcomes }
    }

    /// The failures, each with its member's position, from 0.
    pub fn errors(&self) -> impl Iterator<Item = (usize, &TaskError)> {
        let outcomes = self.outcomes.iter().enumerate();
        outcomes.filter_map(|(position, outcome)| Some((position, outcome.as_ref().err()?)))
    }

    /// The results of the members; of a task that failed `null`, of a canvas its own list.
    pub fn results(&self) -> Vec<Value> {
        // The results of tasks are JSON.
        serde_json::from_str(&list(&self.outcomes, true)).unwrap_or_default()
    }

    /// The failures of tasks: in place of a canvas in the canvas those of its own members.
    pub fn flatten(&self) -> Vec<&TaskError> {
        let mut errors = Vec::new();
        for (_, error) in self.errors() {
            match error.kind() {
                TaskErrorKind::Aggregate(inner) => errors.append(&mut inner.flatten()),
                _ => errors.push(error),
            }
        }
        errors
    }

    /// Shows each failure to a handler, which says whether it has dealt with it.
    ///
    /// # Errors
    /// What is left, if it has not dealt with all. The members keep their positions.
    pub fn handle(mut self, mut handler: impl FnMut(&TaskError) -> bool) -> Result<(), Self> {
        for outcome in &mut self.outcomes {
            if outcome.as_ref().is_err_and(&mut handler) {
                *outcome = Ok("null".into());
            }
        }
        match self.outcomes.iter().any(Result::is_err) {
            true => Err(self),
            false => Ok(()),
        }
    }
}

/// The results of a canvas as JSON. Who failed is `null`, or, a canvas in a nested list, its list.
pub(super) fn list(outcomes: &[Outcome], nested: bool) -> SmolStr {
    let results = outcomes.iter().map(|outcome| match outcome {
        Ok(json) => json.clone(),
        Err(error) => match error.kind() {
            TaskErrorKind::Aggregate(inner) if nested => list(&inner.outcomes, nested),
            _ => SmolStr::new_static("null"),
        },
    });
    format!("[{}]", results.collect::<Vec<_>>().join(",")).into()
}

impl fmt::Display for AggregateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let failed = self.errors().count();
        write!(f, "{failed} of {} members failed", self.outcomes.len())?;
        for (index, (_, error)) in self.errors().take(NAMED).enumerate() {
            let separator = if index == 0 { ": " } else { "; " };
            write!(f, "{separator}{error}")?;
        }
        match failed.saturating_sub(NAMED) {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

impl std::error::Error for AggregateError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        let (_, first) = self.errors().next()?;
        Some(first)
    }
}
