//! Newtypes for the identifiers of the service, so that one cannot be passed for another.

use std::fmt;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// A name or id that breaks SWF's rules for its kind.
///
/// The lengths are constraints of the service model; which characters a kind allows is said in
/// the model's prose, operation by operation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} {value:?} {problem}")]
pub struct InvalidName {
    kind: &'static str,
    value: String,
    problem: String,
}

/// Which texts a kind of name allows, besides its length.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rule {
    /// Any text.
    Text,
    /// No `:`, `/`, `|` or control character, and not the literal `arn`.
    Name,
    /// As `Name`, and no whitespace at either end.
    TrimmedName,
}

fn check(kind: &'static str, value: &str, max: usize, rule: Rule) -> Result<(), InvalidName> {
    let problem = if value.is_empty() {
        "is empty: expected at least 1 character".to_owned()
    } else if value.chars().count() > max {
        format!(
            "has {} characters: expected at most {max}",
            value.chars().count()
        )
    } else if rule == Rule::Text {
        return Ok(());
    } else if value == "arn" {
        "is the reserved word `arn`".to_owned()
    } else if let Some(bad) = value
        .chars()
        .find(|c| matches!(c, ':' | '/' | '|') || c.is_control())
    {
        format!("contains {bad:?}: `:`, `/`, `|` and control characters are not allowed")
    } else if rule == Rule::TrimmedName && value.trim() != value {
        "starts or ends with whitespace".to_owned()
    } else {
        return Ok(());
    };
    Err(InvalidName {
        kind,
        value: value.to_owned(),
        problem,
    })
}

/// Newtypes of text that the service makes, or that has no rule.
macro_rules! texts {
    ($( $(#[$doc:meta])* $name:ident )*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(SmolStr);

        impl $name {
            /// The value as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl<T: Into<SmolStr>> From<T> for $name {
            fn from(value: T) -> Self {
                Self(value.into())
            }
        }

        impl std::ops::Deref for $name {
            type Target = str;
            fn deref(&self) -> &str {
                &self.0
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

/// Newtypes of text that users choose, which the service holds to rules.
macro_rules! ids {
    ($( $(#[$doc:meta])* $name:ident($kind:literal, $max:literal, $rule:ident) )*) => {
        texts! {$(
            $(#[$doc])*
            ///
            /// Reading one from the wire or with `From` does not check it: an id that came from the
            /// service is one. [`new`](Self::new) checks.
            $name
        )*}

        $(impl $name {
            /// The greatest length, in characters.
            pub const MAX_LENGTH: usize = $max;

            /// Checks the value against the service's rules for it.
            ///
            /// # Errors
            /// [`InvalidName`], which says what is wrong with it.
            pub fn new(value: impl Into<SmolStr>) -> Result<Self, InvalidName> {
                let value = value.into();
                check($kind, &value, $max, Rule::$rule)?;
                Ok(Self(value))
            }
        })*
    };
}

ids! {
    /// The name of a domain, which is the scope of workflow ids, types and task lists.
    DomainName("domain", 256, TrimmedName)
    /// The id of a workflow execution that its starter chose; one open execution has it at a time.
    WorkflowId("workflow id", 256, Name)
    /// The id of a task in its execution; one open activity task has it at a time.
    ActivityId("activity id", 256, Name)
    /// The id of a timer in its execution; one open timer has it at a time.
    TimerId("timer id", 256, Name)
    /// The name of a marker. Any number of markers of an execution may share it.
    MarkerName("marker name", 256, Text)
    /// The name of a signal. An execution may receive any number of signals of one name.
    SignalName("signal name", 256, Text)
    /// The name of a workflow type or an activity type.
    TypeName("type name", 256, Name)
    /// The version of a workflow type or an activity type.
    Version("version", 64, Name)
    /// The name of a task list, which comes into being by use.
    TaskListName("task list", 256, TrimmedName)
    /// The id of a Lambda function's task in its execution.
    FunctionId("function id", 256, Text)
    /// The name of a Lambda function, or its ARN.
    FunctionName("function name", 64, Text)
}

texts! {
    /// The id of one run of a workflow execution, made by the service (1 to 64 characters). An
    /// optional run id may be the empty string on the wire.
    RunId
    /// What identifies a task that was handed out, made by the service (1 to 1,024 characters).
    TaskToken
    /// Where a page of a listing goes on, made by the service (at most 2,048 characters).
    PageToken
    /// Free text about the process that took a task (at most 256 characters).
    Identity
    /// An Amazon resource name (1 to 1,600 characters).
    Arn
}

/// The number of an event in its history: 1, 2, 3, … without a gap. 0 means none where SWF says so.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct EventId(pub i64);

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message<T: fmt::Debug>(checked: Result<T, InvalidName>) -> String {
        checked.unwrap_err().to_string()
    }

    #[test]
    fn a_name_is_checked_by_new_alone() {
        assert_eq!(WorkflowId::new("order 7").unwrap().as_str(), "order 7");
        assert_eq!(WorkflowId::from("a:b").as_str(), "a:b");
        let read: WorkflowId = serde_json::from_str("\"a:b\"").unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), "\"a:b\"");
    }

    #[test]
    fn the_message_says_what_is_wrong_with_a_name() {
        assert_eq!(
            message(WorkflowId::new("")),
            r#"workflow id "" is empty: expected at least 1 character"#
        );
        assert_eq!(
            message(TypeName::new("arn")),
            r#"type name "arn" is the reserved word `arn`"#
        );
        assert_eq!(
            message(ActivityId::new("a:b")),
            r#"activity id "a:b" contains ':': `:`, `/`, `|` and control characters are not allowed"#
        );
        assert_eq!(
            message(TimerId::new("a\u{85}")),
            r#"timer id "a\u{85}" contains '\u{85}': `:`, `/`, `|` and control characters are not allowed"#
        );
        assert_eq!(
            message(TaskListName::new(" queue")),
            r#"task list " queue" starts or ends with whitespace"#
        );
    }

    #[test]
    fn a_length_is_counted_in_characters() {
        assert!(Version::new("é".repeat(Version::MAX_LENGTH)).is_ok());
        assert!(
            message(Version::new("é".repeat(65)))
                .ends_with(" has 65 characters: expected at most 64")
        );
        assert!(
            message(MarkerName::new("m".repeat(257)))
                .ends_with(" has 257 characters: expected at most 256")
        );
    }

    #[test]
    fn what_is_not_a_name_may_be_any_text() {
        assert!(SignalName::new("order/7: paid").is_ok());
        assert!(MarkerName::new("arn").is_ok());
        assert!(FunctionName::new("arn:aws:lambda:eu-west-1:1:function:f").is_ok());
        assert!(WorkflowId::new(" 7 ").is_ok());
    }
}
