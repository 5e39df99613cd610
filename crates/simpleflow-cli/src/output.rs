//! Data on stdout, talk on stderr.

use std::io::{self, Write as _};

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

/// Says something. When nobody listens it is not said, which is no failure.
pub(crate) fn say(text: &str) {
    let _ = writeln!(anstream::stderr(), "{text}");
}
