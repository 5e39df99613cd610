//! `info`: what this program is, and what it is set to.

use std::env;
use std::fmt::Write as _;

use clap::{Args, ValueEnum};
use simpleflow_core::{DEFAULT_TIMEOUT, Registry};

use crate::error::CliError;
use crate::output;

/// Show versions, settings and environment variables.
#[derive(Args)]
pub(crate) struct Info {
    /// The sections to show. By default all.
    #[arg(
        value_enum,
        value_delimiter = ',',
        default_value = "versions,settings,environment"
    )]
    sections: Vec<Section>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Section {
    Versions,
    Settings,
    Environment,
}

/// The variables that set something, with what holds when they do not.
const SETTINGS: [(&str, &str); 10] = [
    ("SWF_DOMAIN", ""),
    ("SWF_CONNECTION_RETRIES", ""),
    ("SIMPLEFLOW_DATA_DIR", "simpleflow-data"),
    ("SIMPLEFLOW_LISTEN", "127.0.0.1:8042"),
    ("SIMPLEFLOW_CREDENTIALS_FILE", ""),
    ("SIMPLEFLOW_FORMAT", "tabular"),
    ("SIMPLEFLOW_IDENTITY", ""),
    ("LOG_LEVEL", "warn"),
    ("AWS_ENDPOINT_URL_SWF", ""),
    ("AWS_REGION", ""),
];

/// The beginnings of the names of variables that are shown.
const SHOWN: [&str; 3] = ["AWS", "SIMPLEFLOW", "SWF"];

/// What a name contains whose value is nobody's business.
const SECRET: [&str; 4] = ["SECRET", "TOKEN", "PASSWORD", "PRIVATE"];

impl Info {
    pub(crate) fn run(self, registry: &Registry) -> Result<(), CliError> {
        let mut text = String::new();
        for section in [Section::Versions, Section::Settings, Section::Environment] {
            if !self.sections.contains(&section) {
                continue;
            }
            match section {
                Section::Versions => versions(&mut text, registry),
                Section::Settings => settings(&mut text),
                Section::Environment => environment(&mut text),
            }
            text.push('\n');
        }
        output::print(text.as_bytes())
    }
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{line}");
}

fn versions(text: &mut String, registry: &Registry) {
    line(text, format_args!("# Versions"));
    line(
        text,
        format_args!("simpleflow: {}", env!("CARGO_PKG_VERSION")),
    );
    line(
        text,
        format_args!("platform: {}-{}", env::consts::OS, env::consts::ARCH),
    );
    line(
        text,
        format_args!("workflows: {}", registry.workflows().count()),
    );
    line(
        text,
        format_args!("activities: {}", registry.activities().count()),
    );
}

fn settings(text: &mut String) {
    line(text, format_args!("# Settings"));
    for (name, default) in SETTINGS {
        let value = env::var(name).ok().filter(|value| !value.is_empty());
        line(
            text,
            format_args!("{name}={}", value.as_deref().unwrap_or(default)),
        );
    }
    line(
        text,
        format_args!("default time limits of an activity: {DEFAULT_TIMEOUT} s"),
    );
}

fn environment(text: &mut String) {
    line(text, format_args!("# Environment AWS* SIMPLEFLOW* SWF*"));
    let mut variables: Vec<_> = env::vars_os()
        .map(|(name, value)| {
            (
                name.to_string_lossy().into_owned(),
                value.to_string_lossy().into_owned(),
            )
        })
        .filter(|(name, _)| SHOWN.iter().any(|start| name.starts_with(start)))
        .collect();
    variables.sort();
    for (name, value) in variables {
        let secret = SECRET.iter().any(|secret| name.contains(secret));
        let value = if secret { "<redacted>" } else { &value };
        line(text, format_args!("{name}={value}"));
    }
}
