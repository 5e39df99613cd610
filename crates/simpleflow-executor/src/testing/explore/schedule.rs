//! A schedule: what happened, in order.

use std::fmt;

/// What happens in an execution, in order: a line for each step.
///
/// As text it can be given to [`Explore::schedule`](super::Explore::schedule), which follows it
/// again, as long as workflow and settings are the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Schedule(Vec<String>);

impl Schedule {
    /// The steps.
    pub fn steps(&self) -> &[String] {
        &self.0
    }

    pub(super) fn push(&mut self, step: String) {
        self.0.push(step);
    }
}

impl From<&str> for Schedule {
    /// A step in each line; empty lines and the space around steps mean nothing.
    fn from(text: &str) -> Self {
        let lines = text.lines().map(str::trim);
        Self(
            lines
                .filter(|line| !line.is_empty())
                .map(str::to_owned)
                .collect(),
        )
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|step| writeln!(f, "    {step}"))
    }
}
