//! `new`: writes a small project of one's own.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::error::CliError;
use crate::output;

/// Write a new project: a workflow, two activities and a test.
#[derive(Args)]
#[command(after_help = "\
Example:
  simpleflow new my-project
  cd my-project
  cargo run -- workflow.start --local Greetings --input '[[\"ada\", \"grace\"]]'
  cargo test")]
pub(crate) struct New {
    /// The directory of the project, which must be new or empty. Its name is the package's.
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

const FILES: [(&str, &str); 3] = [
    ("Cargo.toml", include_str!("../templates/Cargo.toml.txt")),
    ("src/main.rs", include_str!("../templates/main.rs.txt")),
    (".gitignore", "/target\n/simpleflow-data\n"),
];

impl New {
    pub(crate) fn run(self) -> Result<(), CliError> {
        let directory = &self.directory;
        let package = package_name(directory)?;
        let write_error = |path: &Path| {
            let path = path.to_owned();
            move |source| CliError::Write { path, source }
        };
        match fs::read_dir(directory) {
            Ok(mut entries) => {
                if entries.next().is_some() {
                    return Err(CliError::NotEmpty {
                        path: directory.clone(),
                    });
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
                return Err(CliError::NotADirectory {
                    path: directory.clone(),
                });
            }
            Err(error) => return Err(write_error(directory)(error)),
        }
        for (name, template) in FILES {
            let path = directory.join(name);
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent).map_err(write_error(parent))?;
            }
            let content = template
                .replace("{{package}}", &package)
                .replace("{{simpleflow}}", &dependency());
            fs::write(&path, content).map_err(write_error(&path))?;
        }
        output::print(
            format!(
                "Wrote {package} to {directory}. Now:\n\n  cd {}\n  \
                 cargo run -- workflow.start --local Greetings --input '[[\"ada\", \"grace\"]]'\n  \
                 cargo test\n",
                shell_word(&directory.display().to_string()),
                directory = directory.display()
            )
            .as_bytes(),
        )
    }
}

/// A text as one word of a shell.
fn shell_word(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | '+');
    match text.chars().all(plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

/// The package's name: the last part of the path, in Cargo's characters.
fn package_name(directory: &Path) -> Result<String, CliError> {
    let bad = |problem: &str| CliError::Option {
        option: "DIR",
        value: directory.display().to_string(),
        problem: problem.to_owned(),
    };
    let name = directory
        .file_name()
        .and_then(|name| name.to_str())
        .ok_or_else(|| bad("expected a directory with a name, such as my-project"))?;
    let fits = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if !fits {
        return Err(bad(
            "its name is the package's: expected a letter first, then letters, digits, - and _",
        ));
    }
    if matches!(name, "simpleflow" | "test" | "core" | "std" | "alloc") {
        return Err(bad(
            "a package of that name would hide another: choose another name",
        ));
    }
    if matches!(name, "build" | "deps" | "examples" | "incremental") {
        return Err(bad(
            "Cargo has a directory of that name for itself: choose another name",
        ));
    }
    Ok(name.to_owned())
}

/// The dependency on simpleflow: the sources that this program was built from while they are
/// there, else the release.
fn dependency() -> String {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("simpleflow");
    if sources.join("Cargo.toml").is_file() {
        // A string of JSON is one of TOML.
        let path = serde_json::json!(sources.display().to_string());
        format!("{{ path = {path} }}")
    } else {
        format!("{:?}", env!("CARGO_PKG_VERSION"))
    }
}
