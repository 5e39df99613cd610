//! Logs on stderr, as much as the environment asks for.

use anstream::{AutoStream, ColorChoice};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// What is logged when the environment says nothing. That a machine of AWS is not there is told by
/// the error that follows from it.
const DEFAULT: &str = "warn,aws_config=error";

/// Starts logging as the environment says: `RUST_LOG` with directives, or `LOG_LEVEL` with one of
/// the original's levels. What is neither is told, and the default is taken.
pub(crate) fn start() {
    let (filter, problem) = match filter() {
        Ok(filter) => (filter, None),
        Err(problem) => (EnvFilter::new(DEFAULT), Some(problem)),
    };
    // A program that started its own logging keeps it.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(AutoStream::choice(&std::io::stderr()) != ColorChoice::Never)
        .with_writer(std::io::stderr)
        // They would be printed to the stderr that failed.
        .log_internal_errors(false)
        .try_init();
    if let Some(problem) = problem {
        tracing::warn!("{problem}; warn is used");
    }
}

fn filter() -> Result<EnvFilter, String> {
    let variable = |name| {
        let value = std::env::var_os(name)?.to_string_lossy().into_owned();
        (!value.is_empty()).then_some(value)
    };
    if let Some(directives) = variable("RUST_LOG") {
        return EnvFilter::try_new(&directives)
            .map_err(|error| format!("RUST_LOG {directives:?}: {error}"));
    }
    let Some(level) = variable("LOG_LEVEL") else {
        return Ok(EnvFilter::new(DEFAULT));
    };
    let known = match level.to_lowercase().as_str() {
        "warning" => "warn",
        "critical" | "fatal" => "error",
        "notset" => "trace",
        other => other,
    }
    .parse::<LevelFilter>();
    known
        .map(|level| EnvFilter::default().add_directive(level.into()))
        .map_err(|_| {
            format!(
                "LOG_LEVEL {level:?}: expected off, error, warn, info, debug or trace; \
                 directives are for RUST_LOG"
            )
        })
}
