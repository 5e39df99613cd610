//! Activities that are programs: how arguments become a command line, and what a program prints
//! becomes a result. Running it is a worker's.

use std::convert::Infallible;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use simpleflow_model::SmolStr;

use super::ActivityResult;
use crate::error::Failure;
use crate::payload::{ArgumentError, Arguments};
use crate::registry::activity_result;

/// A program to run with a command line.
///
/// It gets the input on stdin, as JSON. It prints its result on stdout: JSON, or text, which is a
/// string then. An exit code other than 0 is its failure, and what it printed on stderr goes into
/// the details.
#[derive(Clone, Debug)]
pub struct Program {
    /// The program and its arguments.
    pub command_line: Vec<String>,
    /// What it reads on stdin.
    pub stdin: SmolStr,
    /// Makes the result of what it printed on stdout.
    pub read: fn(&str) -> ActivityResult,
}

impl Program {
    /// The program of a command line that goes on with the arguments: those without a name as
    /// texts, those with one as `--name=value`, or `-n=value` when the name is one letter. A text
    /// stands as it is, any other value as JSON; `null` is left out. `T` is what it gives.
    ///
    /// # Errors
    /// When the input is not JSON.
    pub fn new<T: Serialize + DeserializeOwned>(
        command_line: &[&str],
        input: &str,
    ) -> Result<Self, ArgumentError> {
        let arguments = Arguments::parse(input)?;
        let options = arguments.kwargs.iter().filter_map(|(name, value)| {
            let dashes = if name.chars().count() == 1 { "-" } else { "--" };
            Some(format!("{dashes}{name}={}", text(value.get())?))
        });
        let positional = arguments.args.iter().filter_map(|value| text(value.get()));
        let first = command_line.iter().map(|&part| part.to_owned());
        Ok(Self {
            command_line: first.chain(options).chain(positional).collect(),
            stdin: arguments.to_input(),
            read: read::<T>,
        })
    }
}

/// An argument as a program gets it.
fn text(json: &str) -> Option<String> {
    match serde_json::from_str(json) {
        Ok(Value::Null) => None,
        Ok(Value::String(text)) => Some(text),
        // Numbers keep the digits that they came with.
        _ => Some(json.to_owned()),
    }
}

/// What a program printed, as a `T`.
fn read<T: Serialize + DeserializeOwned>(printed: &str) -> ActivityResult {
    let printed = printed.strip_suffix('\n').unwrap_or(printed);
    let printed = printed.strip_suffix('\r').unwrap_or(printed);
    let problem = match serde_json::from_str::<T>(printed) {
        Ok(value) => return activity_result(Ok::<_, Infallible>(value)),
        Err(problem) => problem,
    };
    // Nothing is no value, and a type without values takes what there is for none.
    let none = printed.trim().is_empty() || size_of::<T>() == 0;
    let value = serde_json::from_value::<T>(Value::from(printed))
        .or_else(|problem| match none {
            true => serde_json::from_value(Value::Null),
            false => Err(problem),
        })
        .map_err(|_| {
            let expected = std::any::type_name::<T>();
            let message = format!("it printed something that is not {expected}: {problem}");
            let printed: Vec<_> = printed.lines().map(str::to_owned).collect();
            Failure::with_type(PROGRAM_ERROR, &message, &printed)
        })?;
    activity_result(Ok::<_, Infallible>(value))
}

/// The type of the failures of programs.
pub const PROGRAM_ERROR: &str = "simpleflow::ProgramError";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_become_a_command_line() {
        let input = r#"{"args": ["a b", 1.50, true, null, [1, "x"]], "kwargs": {"val": "v", "c": 1, "no": null}}"#;
        let program = Program::new::<()>(&["convert", "-v"], input).unwrap();
        assert_eq!(
            program.command_line,
            [
                "convert",
                "-v",
                "-c=1",
                "--val=v",
                "a b",
                "1.50",
                "true",
                "[1, \"x\"]"
            ]
        );
        assert!(Program::new::<()>(&["convert"], "[1").is_err());
    }

    #[test]
    fn what_is_printed_becomes_a_result() {
        let json = |result: ActivityResult| result.unwrap().to_string();
        assert_eq!(json(read::<u32>("42\n")), "42");
        assert_eq!(json(read::<Vec<u32>>("[1, 2]")), "[1,2]");
        // A text that happens to be JSON of something else is still a text.
        assert_eq!(json(read::<String>("42\n")), "\"42\"");
        assert_eq!(json(read::<String>("two\nlines\r\n")), "\"two\\nlines\"");
        assert_eq!(json(read::<String>("\"json\"\n")), "\"json\"");
        assert_eq!(json(read::<Value>("plain\n")), "\"plain\"");
        assert_eq!(json(read::<()>("whatever\n")), "null");
        assert_eq!(json(read::<Option<u32>>("\n")), "null");
        let failure = read::<Option<u32>>("many\n").unwrap_err();
        assert!(
            failure.reason.starts_with("ProgramError: it printed"),
            "{}",
            failure.reason
        );
        assert!(
            failure
                .details
                .unwrap()
                .contains("\"traceback\":[\"many\"]")
        );
    }
}
