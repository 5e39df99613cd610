//! Logs on stderr, as much as the environment asks for.

use anstream::{AutoStream, ColorChoice};
use clap::Args;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// What is logged when the environment says nothing. That a machine of AWS is not there is told by
/// the error that follows from it.
const DEFAULT: &str = "warn,aws_config=error";

/// The levels, for messages.
const LEVELS: &str = "off, error, warn, info, debug or trace";

/// How much is logged: an option of the commands of the original that had it.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct LogLevel {
    /// What is logged on stderr, in place of what LOG_LEVEL and RUST_LOG say.
    #[arg(short, long, value_name = "LEVEL", value_parser = parse_level)]
    log_level: Option<LevelFilter>,
}

impl LogLevel {
    pub(crate) fn level(self) -> Option<LevelFilter> {
        self.log_level
    }
}

fn parse_level(text: &str) -> Result<LevelFilter, String> {
    level(text).ok_or_else(|| format!("expected {LEVELS}"))
}

/// Starts logging at the level that is asked for, or else as the environment says: `RUST_LOG` with
/// directives, or `LOG_LEVEL` with one of the original's levels. What is neither is told, and the
/// default is taken.
pub(crate) fn start(level: Option<LevelFilter>) {
    let filter = level.map_or_else(filter, |level| Ok(at(level)));
    let (filter, problem) = match filter {
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
    let Some(name) = variable("LOG_LEVEL") else {
        return Ok(EnvFilter::new(DEFAULT));
    };
    level(&name).map(at).ok_or_else(|| {
        format!("LOG_LEVEL {name:?}: expected {LEVELS}; directives are for RUST_LOG")
    })
}

/// A level of the original, or of ours.
fn level(name: &str) -> Option<LevelFilter> {
    match name.to_lowercase().as_str() {
        "warning" => Some(LevelFilter::WARN),
        "critical" | "fatal" => Some(LevelFilter::ERROR),
        "notset" => Some(LevelFilter::TRACE),
        other => other.parse().ok(),
    }
}

fn at(level: LevelFilter) -> EnvFilter {
    EnvFilter::default().add_directive(level.into())
}
