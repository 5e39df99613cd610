//! `decider.start`: decides for the executions of workflows.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::time::Duration;

use clap::Args;
use simpleflow_core::Registry;
use simpleflow_executor::{Deciders, LocalError, Stop};
use simpleflow_model::{DomainName, TaskListName};
use tokio::runtime::Runtime;
use tracing_subscriber::filter::LevelFilter;

use crate::connect::{Connection, DataDir};
use crate::error::CliError;
use crate::logging::LogLevel;
use crate::signals::{self, Signals, Then};
use crate::{find, output};

/// Start deciders, which run the workflows of this program.
///
/// They serve the task lists of the workflows that are named, or one given with --task-list. Every
/// workflow of this program that comes by on these lists is run.
///
/// SIGTERM and SIGINT stop them: decisions at hand are finished. A second signal ends them at once.
/// SIGHUP does the same as the first and then starts the program anew, with its new version when
/// its file was replaced.
#[derive(Args)]
#[command(after_help = "\
Examples:
  simpleflow decider.start --domain TestDomain --task-list test
  simpleflow decider.start --domain TestDomain examples.basic.BasicWorkflow -N 4")]
pub(crate) struct DeciderStart {
    /// The workflows whose task lists are served: paths, names, or last parts of paths.
    workflows: Vec<String>,

    /// The domain. It is registered if it is not there.
    #[arg(
        short,
        long,
        value_name = "NAME",
        env = "SWF_DOMAIN",
        value_parser = |name: &str| DomainName::new(name)
    )]
    domain: DomainName,

    /// The task list to serve. By default those of the workflows.
    #[arg(
        short,
        long,
        value_name = "NAME",
        value_parser = |name: &str| TaskListName::new(name)
    )]
    task_list: Option<TaskListName>,

    /// How many deciders there are, each on a thread of its own. By default one for each processor.
    #[arg(short = 'N', long, value_name = "N")]
    nb_processes: Option<NonZeroUsize>,

    /// How long a stop may take, in seconds. A poll of Amazon SWF is waited for, since its task
    /// would be lost for a while: it takes up to 60 seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 65)]
    stop_timeout: u32,

    #[command(flatten)]
    log_level: LogLevel,

    #[command(flatten)]
    data_dir: DataDir,
}

impl DeciderStart {
    pub(crate) fn log_level(&self) -> Option<LevelFilter> {
        self.log_level.level()
    }

    pub(crate) fn run(self, registry: Registry) -> Result<(), CliError> {
        registry.check().map_err(LocalError::from)?;
        let task_lists = self.task_lists(&registry)?;
        let runtime = Runtime::new().map_err(CliError::Runtime)?;
        let then = runtime.block_on(self.decide(registry, &task_lists));
        runtime.shutdown_background();
        match then? {
            Then::End => Ok(()),
            Then::Restart => Err(signals::restart()),
        }
    }

    async fn decide(
        self,
        registry: Registry,
        task_lists: &[TaskListName],
    ) -> Result<Then, CliError> {
        let connection = Connection::shared(&self.data_dir).await?;
        // Before anything is begun: a signal must not end it halfway.
        let signals = Signals::listen()?;
        connection.announce(&self.domain);
        let jumbo = connection.jumbo()?;
        let mut deciders = Deciders::new(connection.service.clone(), self.domain, registry)
            .register_domain()
            .jumbo(jumbo)
            .stop_timeout(Duration::from_secs(self.stop_timeout.into()));
        if let Some(pollers) = self.nb_processes {
            deciders = deciders.pollers(pollers);
        }
        let names: Vec<_> = task_lists.iter().map(TaskListName::as_str).collect();
        output::say(&format!("decides on {}", names.join(", ")));
        let stop = Stop::new();
        let (ended, then) = signals.run(&stop, deciders.run(task_lists, &stop)).await;
        connection.close().await?;
        ended.map_err(CliError::Threads)?;
        Ok(then)
    }

    /// The task list that is given, or those of the workflows.
    fn task_lists(&self, registry: &Registry) -> Result<Vec<TaskListName>, CliError> {
        let mut lists = BTreeSet::new();
        for wanted in &self.workflows {
            let definition = find::workflow(registry, wanted)?.definition();
            match (&self.task_list, &definition.task_list) {
                (Some(list), _) => lists.insert(list.clone()),
                (None, Some(list)) => lists.insert(list.clone().into()),
                (None, None) => return Err(CliError::NoTaskList(definition.path.to_string())),
            };
        }
        lists.extend(self.task_list.clone());
        if lists.is_empty() {
            return Err(CliError::NoTaskLists(find::listing(registry)));
        }
        Ok(lists.into_iter().collect())
    }
}
