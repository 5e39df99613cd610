//! Data on stdout, talk on stderr.

use std::borrow::Cow;
use std::io::{self, Write as _};

use simpleflow_core::WorkflowEntry;
use simpleflow_executor::Outcome;

use crate::error::CliError;

/// Prints data. A reader that hung up wants no more, which is no failure.
pub(crate) fn print(bytes: &[u8]) -> Result<(), CliError> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(source) if source.kind() != io::ErrorKind::BrokenPipe => Err(CliError::Write {
            path: "stdout".into(),
            source,
        }),
        _ => Ok(()),
    }
}

/// Prints the result of a workflow; whatever else it ended with is an error.
pub(crate) fn outcome(workflow: &WorkflowEntry, outcome: Outcome) -> Result<(), CliError> {
    match outcome {
        Outcome::Completed(result) => print(format!("{result}\n").as_bytes()),
        outcome => Err(CliError::Workflow {
            workflow: workflow.definition().path.to_string(),
            outcome,
        }),
    }
}

/// A text from elsewhere, for people: a control character would act on their terminal, or break a
/// line, and is shown escaped.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    escaped(text, |_| false)
}

/// The same for a text that may have several lines.
pub(crate) fn visible_lines(text: &str) -> Cow<'_, str> {
    escaped(text, |c| matches!(c, '\n' | '\t'))
}

fn escaped(text: &str, keep: impl Fn(char) -> bool) -> Cow<'_, str> {
    let acts = |c: char| c.is_control() && !keep(c);
    if !text.contains(acts) {
        return text.into();
    }
    let mut visible = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if !acts(c) => visible.push(c),
            '\n' => visible.push_str("\\n"),
            '\r' => visible.push_str("\\r"),
            '\t' => visible.push_str("\\t"),
            c => visible.push_str(&format!("\\x{:02x}", u32::from(c))),
        }
    }
    visible.into()
}

/// Says something. When nobody listens it is not said, which is no failure.
pub(crate) fn say(text: &str) {
    let _ = writeln!(anstream::stderr(), "{}", visible_lines(text));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_shown() {
        assert_eq!(visible("a \"é\" \\ b"), "a \"é\" \\ b");
        assert_eq!(
            visible("\u{1b}[2J\r\n\t\u{7f}\u{9b}"),
            r"\x1b[2J\r\n\t\x7f\x9b"
        );
        assert_eq!(visible_lines("a\n\tb\u{7}"), "a\n\tb\\x07");
    }
}
