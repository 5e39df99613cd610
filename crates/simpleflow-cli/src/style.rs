//! The looks of the command: colours on a terminal, none elsewhere, unless something else is asked
//! for.

use anstyle::{AnsiColor, Style};
use clap::Args;
use clap::builder::Styles;

/// When there are colours: an option of every command.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Color {
    /// When to use colours.
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "WHEN",
        default_value = "auto",
        help_heading = "Output"
    )]
    color: clap::ColorChoice,
}

impl Color {
    /// Sets it for all that this process prints.
    pub(crate) fn set(self) {
        use clap::ColorChoice as Asked;
        let choice = match self.color {
            Asked::Auto => anstream::ColorChoice::Auto,
            Asked::Always => anstream::ColorChoice::Always,
            Asked::Never => anstream::ColorChoice::Never,
        };
        choice.write_global();
    }
}

pub(crate) const ERROR: Style = AnsiColor::Red.on_default().bold();
pub(crate) const STRONG: Style = Style::new().bold();
pub(crate) const QUIET: Style = Style::new().dimmed();

pub(crate) const HELP: Styles = Styles::styled()
    .header(STRONG)
    .usage(STRONG)
    .literal(AnsiColor::Cyan.on_default())
    .placeholder(QUIET)
    .error(ERROR)
    .valid(AnsiColor::Green.on_default())
    .invalid(AnsiColor::Yellow.on_default());
