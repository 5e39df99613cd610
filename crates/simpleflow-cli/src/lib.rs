//! The `simpleflow` command, as a library: a program that calls [`main`] is the whole command,
//! with its own workflows and activities in it.
//!
//! What a command prints on stdout is data, on stderr it is talk. Exit codes: 0 done, 1 failed,
//! 2 usage.

mod commands;
mod connect;
mod error;
mod find;
mod input;
mod jumbo;
mod logging;
mod middlewares;
mod on_swf;
mod output;
mod progress;
mod resources;
mod signals;
mod style;
mod table;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use simpleflow_core::Registry;
use tracing_subscriber::filter::LevelFilter;

/// Runs the command with all workflows and activities that are linked into the program.
pub fn main() -> ExitCode {
    main_with(Registry::linked())
}

/// Runs the command with the workflows and activities of a registry.
pub fn main_with(registry: Registry) -> ExitCode {
    run(registry, std::env::args_os())
}

/// Runs the command with these arguments; the first is the program.
pub fn run(registry: Registry, args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let mut command = Cli::command().mut_subcommand("workflow.start", |start| {
        let examples = start.get_after_help().cloned().unwrap_or_default();
        start.after_help(format!("{examples}\n\n{}", find::listing(&registry)))
    });
    command = without_empty_variables(command);
    let matches = match command.try_get_matches_from_mut(args) {
        Ok(matches) => matches,
        Err(error) => {
            // Help and version come this way too, and are no failure.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(2);
        }
    };
    cli.color.set();
    logging::start(cli.command.log_level());
    let format = cli.format;
    let done = match cli.command {
        Command::WorkflowStart(command) => command.run(registry),
        Command::DeciderStart(command) => command.run(registry),
        Command::WorkflowTerminate(command) => command.run(),
        Command::WorkflowCancel(command) => command.run(),
        Command::WorkflowSignal(command) => command.run(),
        Command::WorkflowRestart(command) => command.run(),
        Command::WorkflowList(command) => command.run(format),
        Command::WorkflowFilter(command) => command.run(format),
        Command::WorkflowInfo(command) => command.run(format),
        Command::WorkflowTasks(command) => command.run(format),
        Command::WorkflowProfile(command) => command.run(format),
        Command::WorkflowMetrology(command) => command.run(format),
        Command::WorkflowHistory(command) => command.run(format),
        Command::WorkflowWhy(command) => command.run(format),
        Command::WorkflowReplay(command) => command.run(registry),
        Command::TaskInfo(command) => command.run(format),
        Command::JumboCache(command) => command.run(format),
        Command::JumboPrune(command) => command.run(),
        Command::Info(command) => command.run(&registry),
        Command::WorkerStart(command) => command.run(registry),
        Command::Standalone(command) => command.run(registry),
        Command::ServerStart(command) => command.run(),
        Command::ActivityRerun(command) => command.run(registry),
        Command::BinariesDownload(command) => command.run(),
        Command::ActivityExecute(command) => command.run(registry),
        Command::New(command) => command.run(),
        Command::Completions(completions) => completions.run(&mut command),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            error.print();
            error.exit_code()
        }
    }
}

/// Takes a variable of the environment that is empty for one that is not there, as shells and
/// compose files leave it.
fn without_empty_variables(command: clap::Command) -> clap::Command {
    let unset = |arg: clap::Arg| {
        let value = arg.get_env().and_then(std::env::var_os);
        match value.is_some_and(|value| value.is_empty()) {
            true => arg.env(None),
            false => arg,
        }
    };
    command
        .mut_args(unset)
        .mut_subcommands(without_empty_variables)
}

/// Durable dataflow workflows in the model of Amazon Simple Workflow.
#[derive(Parser)]
#[command(
    name = "simpleflow",
    version,
    styles = style::HELP,
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = true,
    disable_help_subcommand = true,
    after_help = "\
Try:
  simpleflow standalone examples.basic.BasicWorkflow --input '[1, 5]'
  simpleflow workflow.start --local basic --input '[1, 5]' --skip-time
  simpleflow workflow.why standalone basic
  simpleflow new my-project

Environment:
  LOG_LEVEL, RUST_LOG   what is logged on stderr: error, warn (the default), info, debug, trace
  NO_COLOR              no colours, also on a terminal"
)]
struct Cli {
    #[command(flatten)]
    format: table::Format,

    #[command(flatten)]
    color: style::Color,

    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    #[command(name = "standalone")]
    Standalone(commands::Standalone),
    #[command(name = "workflow.start")]
    WorkflowStart(commands::WorkflowStart),
    #[command(name = "server.start")]
    ServerStart(commands::ServerStart),
    #[command(name = "decider.start")]
    DeciderStart(commands::DeciderStart),
    #[command(name = "worker.start")]
    WorkerStart(Box<commands::WorkerStart>),
    #[command(name = "workflow.list")]
    WorkflowList(commands::WorkflowList),
    #[command(name = "workflow.filter")]
    WorkflowFilter(commands::WorkflowFilter),
    #[command(name = "workflow.info")]
    WorkflowInfo(commands::WorkflowInfo),
    #[command(name = "workflow.tasks")]
    WorkflowTasks(commands::WorkflowTasks),
    #[command(name = "workflow.profile")]
    WorkflowProfile(commands::WorkflowProfile),
    #[command(name = "workflow.metrology")]
    WorkflowMetrology(commands::WorkflowMetrology),
    #[command(name = "workflow.history")]
    WorkflowHistory(commands::WorkflowHistory),
    #[command(name = "workflow.why")]
    WorkflowWhy(commands::WorkflowWhy),
    #[command(name = "workflow.replay")]
    WorkflowReplay(commands::WorkflowReplay),
    #[command(name = "workflow.signal")]
    WorkflowSignal(commands::WorkflowSignal),
    #[command(name = "workflow.cancel")]
    WorkflowCancel(commands::WorkflowCancel),
    #[command(name = "workflow.terminate")]
    WorkflowTerminate(commands::WorkflowTerminate),
    #[command(name = "workflow.restart")]
    WorkflowRestart(commands::WorkflowRestart),
    #[command(name = "task.info")]
    TaskInfo(commands::TaskInfo),
    #[command(name = "activity.rerun")]
    ActivityRerun(commands::ActivityRerun),
    #[command(name = "binaries.download")]
    BinariesDownload(commands::BinariesDownload),
    #[command(name = commands::ActivityExecute::NAME, hide = true)]
    ActivityExecute(commands::ActivityExecute),
    #[command(name = "jumbo.cache")]
    JumboCache(commands::JumboCache),
    #[command(name = "jumbo.prune")]
    JumboPrune(commands::JumboPrune),
    #[command(name = "info")]
    Info(commands::Info),
    #[command(name = "new")]
    New(commands::New),
    #[command(name = "completions")]
    Completions(commands::Completions),
}

impl Command {
    /// What is to be logged, where the command has an option for it.
    fn log_level(&self) -> Option<LevelFilter> {
        match self {
            Self::DeciderStart(command) => command.log_level(),
            Self::WorkerStart(command) => command.log_level(),
            _ => None,
        }
    }
}
