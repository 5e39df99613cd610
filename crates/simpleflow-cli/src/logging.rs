//! Logs on stderr, as much as the environment asks for.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

/// What is logged when the environment says nothing.
const DEFAULT: &str = "warn";

/// Starts logging as `RUST_LOG` or `LOG_LEVEL` says. A level that is none is the default.
pub(crate) fn start() {
    let directives = ["RUST_LOG", "LOG_LEVEL"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    // The original's names for levels.
    let directives = match directives.as_deref().map(str::to_lowercase).as_deref() {
        None => DEFAULT.to_owned(),
        Some("warning") => "warn".to_owned(),
        Some("critical" | "fatal") => "error".to_owned(),
        Some(directives) => directives.to_owned(),
    };
    let (filter, problem) = match EnvFilter::try_new(&directives) {
        Ok(filter) => (filter, None),
        Err(error) => (EnvFilter::new(DEFAULT), Some(error)),
    };
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    // A program that started its own logging keeps it.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(colours)
        .with_writer(std::io::stderr)
        .try_init();
    if let Some(problem) = problem {
        tracing::warn!("LOG_LEVEL or RUST_LOG {directives:?}: {problem}; {DEFAULT} is used");
    }
}
