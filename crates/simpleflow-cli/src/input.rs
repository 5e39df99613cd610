//! The input of a workflow: from an option, a file, or stdin.

use std::io::IsTerminal as _;
use std::path::Path;

use crate::error::CliError;

/// The text of the input, which is JSON; empty when none is given.
pub(crate) fn read(option: Option<&str>, file: Option<&Path>) -> Result<String, CliError> {
    let text = match (option, file) {
        (Some(text), _) => text.to_owned(),
        (None, Some(path)) if path == Path::new("-") => stdin()?,
        (None, Some(path)) => {
            std::fs::read_to_string(path).map_err(|source| CliError::ReadInput {
                path: path.to_owned(),
                source,
            })?
        }
        (None, None) => return Ok(String::new()),
    };
    checked(&text)
}

/// The text of an input that nothing names: what is on stdin, unless that is a terminal; empty when
/// there is none.
pub(crate) fn piped() -> Result<String, CliError> {
    if std::io::stdin().is_terminal() {
        return Ok(String::new());
    }
    let text = stdin()?;
    match text.trim().is_empty() {
        true => Ok(String::new()),
        false => checked(&text),
    }
}

fn stdin() -> Result<String, CliError> {
    std::io::read_to_string(std::io::stdin()).map_err(|source| CliError::ReadInput {
        path: "stdin".into(),
        source,
    })
}

fn checked(text: &str) -> Result<String, CliError> {
    // Some editors begin a file with a byte order mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    check_json(text)?;
    Ok(text.to_owned())
}

fn check_json(text: &str) -> Result<(), CliError> {
    let Err(error) = serde_json::from_str::<serde_json::Value>(text) else {
        return Ok(());
    };
    if text.trim().is_empty() {
        return Err(CliError::NoInput);
    }
    let (line, column) = (error.line(), error.column());
    let message = error.to_string();
    let problem = message
        .rfind(" at line ")
        .map_or(&*message, |end| &message[..end]);
    Err(CliError::InputJson {
        problem: problem.to_owned(),
        line,
        column,
        excerpt: excerpt(text, line, column),
    })
}

/// The line with the problem, and a mark below the place.
fn excerpt(text: &str, line: usize, column: usize) -> String {
    const BEFORE: usize = 60;
    const AFTER: usize = 20;
    let content = text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
    // serde_json counts bytes; a place inside a character is moved to its start.
    let mut place = column.saturating_sub(1).min(content.len());
    while !content.is_char_boundary(place) {
        place -= 1;
    }
    let before: Vec<char> = content[..place].chars().collect();
    let start: String = before[before.len().saturating_sub(BEFORE)..]
        .iter()
        .collect();
    let rest: String = content[place..].chars().take(AFTER).collect();
    format!("  {start}{rest}\n  {}^", " ".repeat(start.chars().count()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_shown_in_its_line() {
        let error = check_json("{\"a\": 1,\n \"é\": x}")
            .unwrap_err()
            .to_string();
        assert_eq!(
            error,
            "the input is not JSON: expected value, at line 2 column 8\n   \"é\": x}\n        ^"
        );
        assert!(check_json("[1, 5]").is_ok());
        assert!(matches!(check_json(" \n"), Err(CliError::NoInput)));
        assert!(
            check_json("[1,")
                .unwrap_err()
                .to_string()
                .contains("EOF while parsing")
        );
    }
}
