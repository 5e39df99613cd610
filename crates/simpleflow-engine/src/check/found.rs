//! What is wrong with a request, in the words of the service.

use std::fmt::{self, Display};

use simpleflow_model::{Decision, Fault, SmolStr};

use crate::constraints::{Form, Rule};
use crate::fault;

/// The longest retention, in days.
const RETENTION_DAYS: u32 = 90;

/// A value in a message is cut here, so that a refused request of 1 MB is not answered with 1 MB.
const SHOWN_CHARACTERS: usize = 256;

/// The decisions that close an execution.
const CLOSING: &[&str] = &[
    "CompleteWorkflowExecution",
    "FailWorkflowExecution",
    "CancelWorkflowExecution",
    "ContinueAsNewWorkflowExecution",
];

/// Where something is in a request.
pub(super) enum Path<'a> {
    Request,
    Member(&'a Path<'a>, &'static str),
    /// An element of a list, counted from 1.
    Element(&'a Path<'a>, usize),
}

impl Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request => Ok(()),
            Self::Member(Self::Request, name) => f.write_str(name),
            Self::Member(parent, name) => write!(f, "{parent}.{name}"),
            Self::Element(parent, number) => write!(f, "{parent}.{number}.member"),
        }
    }
}

/// What is wrong with a request.
#[derive(Default)]
pub(super) struct Found {
    errors: Vec<String>,
    /// Whether a closing decision was seen, and whether another decision came after one.
    close: bool,
    after_close: bool,
}

impl Found {
    /// All that is wrong, as the service's fault.
    pub(super) fn finish(self) -> Result<(), Fault> {
        if self.after_close {
            return Err(fault::validation(SmolStr::new_static(
                "Close must be last decision in list",
            )));
        }
        if self.errors.is_empty() {
            return Ok(());
        }
        let count = self.errors.len();
        let plural = if count == 1 { "" } else { "s" };
        let errors = self.errors.join("; ");
        Err(fault::validation(format!(
            "{count} validation error{plural} detected: {errors}"
        )))
    }

    #[cold]
    fn wrong(&mut self, path: &Path<'_>, value: &str, constraint: impl Display) {
        let value: String = value.chars().take(SHOWN_CHARACTERS).collect();
        self.errors.push(format!(
            "Value '{value}' at '{path}' failed to satisfy constraint: {constraint}"
        ));
    }

    /// Nothing is where something must be.
    #[cold]
    pub(super) fn missing(&mut self, path: &Path<'_>) {
        self.errors.push(format!(
            "Value null at '{path}' failed to satisfy constraint: Member must not be null"
        ));
    }

    /// Holds a string against a rule, and gives its place among those that the rule lists.
    pub(super) fn string(&mut self, rule: &Rule, path: &Path<'_>, value: &str) -> Option<usize> {
        match rule {
            Rule::Text { min, max, form } => {
                if value.len() < *min {
                    self.wrong(path, value, at_least("length", *min));
                } else if value.len() > *max && value.chars().count() > *max {
                    self.wrong(path, value, at_most("length", *max));
                } else if let Some(problem) = form.problem(value) {
                    self.wrong(path, value, problem);
                }
                None
            }
            Rule::Listed(values) | Rule::Choice(values) => {
                let place = values.iter().position(|listed| *listed == value);
                if place.is_none() {
                    let values = values.join(", ");
                    let constraint = format!("Member must satisfy enum value set: [{values}]");
                    self.wrong(path, value, constraint);
                }
                place
            }
            Rule::Any | Rule::Number { .. } | Rule::List(..) | Rule::Structure(_) => None,
        }
    }

    /// Holds an integer against a rule.
    pub(super) fn number(&mut self, rule: &Rule, path: &Path<'_>, value: i64) {
        if let Rule::Number { min, max } = rule {
            if value < *min {
                self.wrong(path, &value.to_string(), at_least("value", *min));
            } else if value > *max {
                self.wrong(path, &value.to_string(), at_most("value", *max));
            }
        }
    }

    /// Holds the length of a list against the greatest.
    pub(super) fn length(&mut self, max: usize, path: &Path<'_>, length: usize) {
        if length > max {
            let constraint = at_most("length", max);
            self.errors.push(format!(
                "Value at '{path}' failed to satisfy constraint: {constraint}"
            ));
        }
    }

    /// Notes the type of a decision, as its place among the types; a closing one must be the last.
    pub(super) fn decision(&mut self, place: Option<usize>) {
        self.after_close |= self.close;
        self.close |= place
            .and_then(|place| Decision::TYPES.get(place))
            .is_some_and(|(kind, ..)| CLOSING.contains(kind));
    }
}

fn at_least(what: &str, min: impl Display) -> String {
    format!("Member must have {what} greater than or equal to {min}")
}

fn at_most(what: &str, max: impl Display) -> String {
    format!("Member must have {what} less than or equal to {max}")
}

impl Form {
    /// What is wrong with a text, if anything.
    fn problem(self, value: &str) -> Option<&'static str> {
        let seconds = || !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
        match self {
            Self::Free => None,
            Self::Name | Self::TrimmedName => {
                if has_barred(value) {
                    Some("Member must not contain ':', '/', '|' or control characters")
                } else if value == "arn" {
                    Some("Member must not be the literal string arn")
                } else if self == Self::TrimmedName && value.trim() != value {
                    Some("Member must not start or end with whitespace")
                } else {
                    None
                }
            }
            Self::Seconds => (!seconds()).then_some("Member must be a number of seconds"),
            Self::Timeout => (value != "NONE" && !seconds())
                .then_some("Member must be a number of seconds or NONE"),
            Self::Days => {
                let days = value.parse().is_ok_and(|days: u32| days <= RETENTION_DAYS);
                (value != "NONE" && !days).then_some("Member must be at most 90 days, or NONE")
            }
            Self::Integer => (value.parse::<i32>().is_err()).then_some("Member must be an integer"),
        }
    }
}

/// Whether a text has a character that a name may not have.
fn has_barred(value: &str) -> bool {
    // Most names are printable ASCII, and a fold over bytes is one that the compiler makes wide.
    let barred = |byte: u8| !matches!(byte, b' '..=b'~') | matches!(byte, b':' | b'/' | b'|');
    value.bytes().fold(false, |any, byte| any | barred(byte))
        && value.contains(|c: char| matches!(c, ':' | '/' | '|') || c.is_control())
}
