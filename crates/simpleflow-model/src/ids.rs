//! Newtypes for the identifiers of the service, so that one cannot be passed for another.

use std::fmt;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// A name or id that breaks SWF's rules for names.
///
/// The rules are those of the service model's prose: 1 to `max` characters; no `:`, `/`, `|`, no
/// control characters; not the literal `arn`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} {value:?} {problem}")]
pub struct InvalidName {
    kind: &'static str,
    value: String,
    problem: String,
}

fn check_name(kind: &'static str, value: &str, max: usize) -> Result<(), InvalidName> {
    let problem = if value.is_empty() {
        "is empty: expected at least 1 character".to_owned()
    } else if value.chars().count() > max {
        format!(
            "has {} characters: expected at most {max}",
            value.chars().count()
        )
    } else if value == "arn" {
        "is the reserved word `arn`".to_owned()
    } else if let Some(bad) = value
        .chars()
        .find(|c| matches!(c, ':' | '/' | '|') || c.is_control())
    {
        format!("contains {bad:?}: `:`, `/`, `|` and control characters are not allowed")
    } else {
        return Ok(());
    };
    Err(InvalidName {
        kind,
        value: value.to_owned(),
        problem,
    })
}

macro_rules! ids {
    ($( $(#[$doc:meta])* $name:ident($kind:literal, $max:literal) )*) => {$(
        $(#[$doc])*
        ///
        /// Reading one from the wire or with `From` does not check it: an id that came from the
        /// service is one. [`new`](Self::new) checks.
        #[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(SmolStr);

        impl $name {
            /// The greatest length, in characters.
            pub const MAX_LENGTH: usize = $max;

            /// Checks the value against the service's rules for names.
            ///
            /// # Errors
            /// [`InvalidName`], which says what is wrong with it.
            pub fn new(value: impl Into<SmolStr>) -> Result<Self, InvalidName> {
                let value = value.into();
                check_name($kind, &value, $max)?;
                Ok(Self(value))
            }

            /// The id as text.
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

ids! {
    /// The name of a domain, which is the scope of workflow ids, types and task lists.
    DomainName("domain", 256)
    /// The id of a workflow execution that its starter chose; one open execution has it at a time.
    WorkflowId("workflow id", 256)
    /// The id of a task in its execution; one open activity task has it at a time.
    ActivityId("activity id", 256)
    /// The id of a timer in its execution; one open timer has it at a time.
    TimerId("timer id", 256)
    /// The name of a marker.
    MarkerName("marker name", 256)
    /// The name of a signal.
    SignalName("signal name", 256)
    /// The name of a workflow type or an activity type.
    TypeName("type name", 256)
    /// The version of a workflow type or an activity type.
    Version("version", 64)
    /// The name of a task list.
    TaskListName("task list", 256)
    /// The id of a Lambda function's task in its execution.
    FunctionId("function id", 256)
    /// The name of a Lambda function.
    FunctionName("function name", 64)
}

macro_rules! opaque {
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

opaque! {
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
