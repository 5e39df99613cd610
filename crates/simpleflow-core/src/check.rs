//! What the service would not take. It refuses a whole response because of one decision that it does
//! not understand, again and again: so what is wrong with a task fails that task alone.
//!
//! What a task is called and its settings are looked at before what it is given.

use simpleflow_model::{InvalidName, SmolStr, Timeout, limits};

/// What is wrong, for people.
pub(crate) type Problem = SmolStr;

/// Whether a name or an id keeps the service's rules for it.
pub(crate) fn check_name<T>(name: Result<T, InvalidName>) -> Result<(), Problem> {
    match name {
        Ok(_) => Ok(()),
        Err(invalid) => Err(invalid.to_string().into()),
    }
}

/// Whether a value has at most so many characters.
pub(crate) fn check_length(field: &str, text: &str, most: usize) -> Result<(), Problem> {
    match limits::is_longer(text, most) {
        true => Err(too_long(field, text.chars().count(), most)),
        false => Ok(()),
    }
}

/// The message about a value that is longer than may go.
pub(crate) fn too_long(field: &str, length: usize, most: usize) -> Problem {
    let who = match most {
        limits::DATA_LENGTH => "SWF takes",
        _ => "jumbo fields take",
    };
    format!("{length} characters of {field} are too many: {who} at most {most}").into()
}

/// A value as text, if it has a JSON form and is not too long.
pub(crate) fn check_value(
    field: &str,
    value: Result<SmolStr, serde_json::Error>,
    most: usize,
) -> Result<SmolStr, Problem> {
    let value = value.map_err(|error| no_json(field, &error))?;
    check_length(field, &value, most)?;
    Ok(value)
}

/// The message about a value that has no JSON form.
pub(crate) fn no_json(field: &str, error: &serde_json::Error) -> Problem {
    format!("its {field} has no JSON form: {error}").into()
}

/// Whether a time limit is one that the service's eight digits of seconds can say, or none.
pub(crate) fn check_timeout(field: &str, timeout: Timeout) -> Result<(), Problem> {
    const MOST: u32 = limits::TIMEOUT_SECONDS;
    match timeout {
        Timeout::Seconds(seconds) if seconds > MOST => {
            Err(format!("{field} of {seconds}: expected at most {MOST} seconds, or NONE").into())
        }
        _ => Ok(()),
    }
}
