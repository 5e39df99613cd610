//! `completions`: the script that completes the command in a shell.

use clap::{Args, Command};
use clap_complete::Shell;

use crate::error::CliError;

/// Print the script that completes this command in a shell.
#[derive(Args)]
#[command(after_help = "\
Example:
  simpleflow completions bash > /etc/bash_completion.d/simpleflow")]
pub(crate) struct Completions {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self, command: &mut Command) -> Result<(), CliError> {
        // A program of one's own has another name.
        let name = command.get_bin_name().unwrap_or(command.get_name());
        let name = name.strip_suffix(".exe").unwrap_or(name).to_owned();
        let mut script = Vec::new();
        clap_complete::generate(self.shell, command, name, &mut script);
        crate::output::print(&script)
    }
}
