//! Failures as they travel: a reason and details.

use std::any::Any;
use std::fmt;

use serde_json::{Map, Value, json};
use simpleflow_model::{SmolStr, limits};

use super::{Error, Repr};
use crate::check::too_long;
use crate::payload::ArgumentError;

/// A reason and details, as SWF records a failure.
///
/// The reason is at most 256 characters; what does not fit is cut, and the whole is in the details:
/// before them, or as the `message` of a JSON object. They are [cut](Self::within) to what may go by
/// who sends them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What happened, in a line.
    pub reason: SmolStr,
    /// More of it.
    pub details: Option<SmolStr>,
}

impl Failure {
    /// A failure whose reason is within SWF's limit.
    pub fn new(reason: impl Into<String>, details: Option<String>) -> Self {
        let reason = reason.into();
        let short = cut(&reason, limits::REASON_LENGTH);
        let details = match short.len() < reason.len() {
            true => Some(with_whole(reason, details)),
            false => details,
        };
        Self {
            reason: short,
            details: details.map(Into::into),
        }
    }

    /// The failure with a reason within SWF's limit, and details of at most that many characters. A
    /// JSON object stays one: its `traceback` goes first, and then the ends of its texts.
    #[must_use]
    pub fn within(self, details: usize) -> Self {
        let whole = Self::new(self.reason, self.details.map(Into::into));
        Self {
            details: whole.details.map(|text| cut_details(text, details)),
            ..whole
        }
    }

    /// The failure of an activity, in the original's form: the reason is `Type: message`, the
    /// details are a JSON object with `error`, `error_type`, `message` and `traceback`.
    pub fn of_activity<E: fmt::Display + fmt::Debug + 'static>(error: &E) -> Self {
        if let Some(error) = (error as &dyn Any).downcast_ref::<Error>() {
            return match &*error.0 {
                Repr::Fail {
                    reason,
                    details: Some(details),
                } => Self::new(reason.clone(), Some(details.clone())),
                Repr::Fail {
                    reason,
                    details: None,
                } => Self::with_type("simpleflow::Error", reason, &[]),
                Repr::NonRetryable(error) => Self::of_activity(error).non_retryable(),
                Repr::Cancelled { .. } | Repr::ContinueAsNew(_) => {
                    Self::with_type("simpleflow::Error", &error.to_string(), &[])
                }
                Repr::Other { type_name, .. } => {
                    let causes: Vec<String> = error.causes().map(ToString::to_string).collect();
                    Self::with_type(type_name, &error.to_string(), &causes)
                }
            };
        }
        let causes: Vec<String> = format!("{error:?}").lines().map(str::to_owned).collect();
        Self::with_type(std::any::type_name::<E>(), &error.to_string(), &causes)
    }

    /// The same failure, as one that is not to be tried again.
    pub(super) fn non_retryable(self) -> Self {
        let details = self.details.as_deref().unwrap_or_default();
        let mut details = match serde_json::from_str(details) {
            Ok(Value::Object(details)) => details,
            _ => Map::from_iter([
                ("message".to_owned(), self.reason.as_str().into()),
                ("details".to_owned(), details.into()),
            ]),
        };
        details.insert("non_retryable".to_owned(), true.into());
        Self {
            details: Some(Value::Object(details).to_string().into()),
            ..self
        }
    }

    /// The failure of an activity whose result has more characters than may go.
    pub fn result_too_long(length: usize, most: usize) -> Self {
        Self::of_activity(&Error::msg(too_long("result", length, most)))
    }

    /// The failure of an activity with an error of this type, in the original's form.
    pub fn with_type(type_name: &str, message: &str, traceback: &[String]) -> Self {
        let error = short_type_name(type_name);
        let reason = match message {
            "" => error.to_owned(),
            message => format!("{error}: {message}"),
        };
        let details = json!({
            "error": error,
            "error_type": type_name,
            "message": message,
            "traceback": traceback,
        });
        Self::new(reason, Some(details.to_string()))
    }
}

/// `a::b::C<d::E>` is `C<d::E>`.
fn short_type_name(type_name: &str) -> &str {
    let path_end = type_name.find('<').unwrap_or(type_name.len());
    let start = type_name[..path_end].rfind("::").map_or(0, |i| i + 2);
    &type_name[start..]
}

/// Details with the whole of a reason that was cut. An object stays one, since what its members say
/// decides about retries; in the original's form it has the message already.
fn with_whole(reason: String, details: Option<String>) -> String {
    let Some(details) = details else {
        return reason;
    };
    match serde_json::from_str(&details) {
        Ok(Value::Object(object)) if object.contains_key("message") => details,
        Ok(Value::Object(mut object)) => {
            object.insert("message".to_owned(), reason.into());
            Value::Object(object).to_string()
        }
        _ => format!("{reason}\n{details}"),
    }
}

/// Details of at most so many characters, which are an object if they were one.
fn cut_details(details: SmolStr, most: usize) -> SmolStr {
    if !limits::is_longer(&details, most) {
        return details;
    }
    if let Ok(Value::Object(mut object)) = serde_json::from_str(&details) {
        object.remove("traceback");
        // Texts are longer as JSON, by how much depends on what they say.
        let mut longest = most;
        while longest > 0 {
            let shorter = Value::Object(object.clone()).to_string();
            if !limits::is_longer(&shorter, most) {
                return shorter.into();
            }
            longest /= 2;
            for member in object.values_mut() {
                if let Value::String(text) = member {
                    *text = cut(text, longest).into();
                }
            }
        }
    }
    cut(&details, most)
}

pub(super) fn cut(text: &str, most: usize) -> SmolStr {
    const MARK: &str = " ...";
    if !limits::is_longer(text, most) {
        return text.into();
    }
    let start: String = text.chars().take(most.saturating_sub(MARK.len())).collect();
    (start + MARK).into()
}

impl From<ArgumentError> for Failure {
    fn from(error: ArgumentError) -> Self {
        Self::with_type("simpleflow::ArgumentError", &error.to_string(), &[])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{TaskError, TaskErrorKind};

    #[test]
    fn an_activity_fails_in_the_original_s_form() {
        let error: Error = "x".parse::<i64>().unwrap_err().into();
        let failure = Failure::of_activity(&error);
        assert_eq!(
            failure.reason,
            "ParseIntError: invalid digit found in string"
        );
        let details: serde_json::Value =
            serde_json::from_str(failure.details.as_deref().unwrap()).unwrap();
        assert_eq!(details["error"], "ParseIntError");
        assert_eq!(details["error_type"], "core::num::error::ParseIntError");
        assert_eq!(details["message"], "invalid digit found in string");
        assert_eq!(details["traceback"], json!([]));

        let failure = Failure::of_activity(&Error::msg("no luck"));
        assert_eq!(failure.reason, "Error: no luck");
        let failure = Failure::of_activity(&Error::msg("no luck").with_details("at all"));
        assert_eq!(
            (failure.reason.as_str(), failure.details.as_deref()),
            ("no luck", Some("at all"))
        );
        assert_eq!(short_type_name("a::b::C<d::E>"), "C<d::E>");
    }

    /// What a failure says of its type, and whether it is not to be tried again.
    fn said(failure: Failure) -> (Option<SmolStr>, bool) {
        let kind = TaskErrorKind::Failed {
            reason: failure.reason,
            details: failure.details,
        };
        let location = std::panic::Location::caller();
        let error = TaskError::new("id".into(), "name".into(), "", 1, location, kind);
        (error.error_type(), error.is_non_retryable())
    }

    #[test]
    fn a_long_message_leaves_the_type_of_the_error_readable() {
        for length in [10, 300, 40_000] {
            let message = "\"é".repeat(length / 2);
            let failure = Failure::with_type("builtins.ValueError", &message, &["at".into()]);
            assert_eq!(failure.reason.ends_with(" ..."), length > 10);
            let details: Value = serde_json::from_str(failure.details.as_deref().unwrap()).unwrap();
            assert_eq!(details["message"], message);
            let failure = failure.within(limits::DATA_LENGTH);
            assert!(failure.details.as_ref().unwrap().chars().count() <= limits::DATA_LENGTH);
            assert_eq!(said(failure), (Some("builtins.ValueError".into()), false));

            let error = Error::msg(&message).non_retryable();
            let failure = Failure::of_activity(&error).within(limits::DATA_LENGTH);
            assert_eq!(said(failure), (Some("simpleflow::Error".into()), true));
            let error = Error::msg(&message).with_details("more").non_retryable();
            let failure = Failure::of_activity(&error).within(limits::DATA_LENGTH);
            assert_eq!(said(failure), (None, true));
        }
        let failure = Failure::new("é".repeat(300), Some(r#"{"error":"E"}"#.into()));
        let details: Value = serde_json::from_str(failure.details.as_deref().unwrap()).unwrap();
        assert_eq!(details["message"], "é".repeat(300));
        assert_eq!(said(failure), (Some("E".into()), false));
    }

    #[test]
    fn a_long_reason_goes_on_in_the_details() {
        let long = "é".repeat(300);
        let failure = Failure::new(long.clone(), Some("more".into()));
        assert_eq!(failure.reason.chars().count(), 256);
        assert!(failure.reason.ends_with(" ..."));
        assert_eq!(failure.details.unwrap(), format!("{long}\nmore"));
        let failure = Failure::new("short", Some("é".repeat(40_000)));
        assert_eq!(failure.details.as_ref().unwrap().chars().count(), 40_000);
        let failure = failure.within(limits::DATA_LENGTH);
        assert_eq!(
            failure.details.unwrap().chars().count(),
            limits::DATA_LENGTH
        );
    }
}
