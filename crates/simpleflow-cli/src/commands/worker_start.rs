//! `worker.start`: runs activities.

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use clap::{Args, ValueEnum};
use simpleflow_core::Registry;
use simpleflow_executor::{Isolated, LocalError, Stop, Worker};
use simpleflow_model::operation::DescribeDomain;
use simpleflow_model::types::ActivityTask;
use simpleflow_model::{DomainName, FaultKind, TaskListName};
use simpleflow_service::{ServiceError, SwfService as _};
use tokio::runtime::Builder;
use tracing_subscriber::filter::LevelFilter;

use super::ActivityExecute;
use crate::connect::{AnyService, Connection, DataDir};
use crate::error::CliError;
use crate::logging::LogLevel;
use crate::middlewares::MiddlewareOptions;
use crate::output;
use crate::resources::{Decided, ResourceOptions};
use crate::signals::{self, Signals, Then};

/// How many threads there may be beside those of activities that block.
const OTHER_THREADS: usize = 64;

/// How long to wait before a service that does not answer, or does not know the domain, is asked once
/// more.
const PAUSE: Duration = Duration::from_secs(1);

/// Start a worker, which runs the activities of this program.
///
/// SIGTERM and SIGINT stop it: it takes no more tasks, and waits for those that run. A second
/// signal fails them and ends it at once. SIGHUP does the same as the first and then starts the
/// program anew, with its new version when its file was replaced.
#[derive(Args)]
#[command(after_help = "\
Examples:
  simpleflow worker.start --domain TestDomain --task-list quickstart
  simpleflow worker.start -d TestDomain -t quickstart -N 20 --isolation process --memory-limit 512
  simpleflow worker.start -d TestDomain -t quickstart --one-task")]
pub(crate) struct WorkerStart {
    /// The domain. One that is not there is waited for: deciders register it.
    #[arg(
        short,
        long,
        value_name = "NAME",
        env = "SWF_DOMAIN",
        value_parser = |name: &str| DomainName::new(name)
    )]
    domain: DomainName,

    /// The task list to take activity tasks from.
    #[arg(
        short,
        long,
        value_name = "NAME",
        required_unless_present = "poll_data",
        value_parser = |name: &str| TaskListName::new(name)
    )]
    task_list: Option<TaskListName>,

    /// How many activities run at once at most. By default one for each processor.
    #[arg(short = 'N', long, value_name = "N")]
    nb_processes: Option<NonZeroUsize>,

    /// How often to report that an activity is alive, in seconds; activities with a shorter limit
    /// are reported more often. The answer says whether it is cancelled. With 0 only what
    /// activities report themselves is sent.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    heartbeat: u32,

    /// Take one task, run it, and end.
    #[arg(long)]
    one_task: bool,

    /// Run this task and end: an answer to PollForActivityTask, its JSON in base64.
    #[arg(long, value_name = "BASE64", value_parser = parse_task)]
    poll_data: Option<Box<ActivityTask>>,

    /// Where activities run. A process of its own is killed, with all that it started, when its
    /// activity is cancelled or its task is lost, as after a timeout. Programs always have one.
    #[arg(long, value_enum, default_value_t = Isolation::None)]
    isolation: Isolation,

    /// How much memory the process of an activity may use, with what it started, in MiB. One that
    /// uses more is killed, and its activity fails. Needs --isolation process.
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u32).range(1..))]
    memory_limit: Option<u32>,

    /// How long activities may go on when the worker stops, in seconds. Those that still run then
    /// fail. A poll of Amazon SWF is waited for as long, since its task would be lost: it takes up
    /// to 60 seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 65)]
    stop_timeout: u32,

    #[command(flatten)]
    middlewares: MiddlewareOptions,

    #[command(flatten)]
    resources: ResourceOptions,

    #[command(flatten)]
    log_level: LogLevel,

    #[command(flatten)]
    data_dir: DataDir,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Isolation {
    /// In this process: async activities share its threads, others have a thread each.
    None,
    /// Each in a process of its own.
    Process,
}

impl WorkerStart {
    pub(crate) fn log_level(&self) -> Option<LevelFilter> {
        self.log_level.level()
    }

    pub(crate) fn run(self, registry: Registry) -> Result<(), CliError> {
        registry.check().map_err(LocalError::from)?;
        let registry = self.middlewares.activate(registry)?;
        let runtime = Builder::new_multi_thread()
            .enable_all()
            .max_blocking_threads(self.most().get().saturating_add(OTHER_THREADS))
            .build()
            .map_err(CliError::Runtime)?;
        let then = runtime.block_on(self.work(registry));
        // What still blocks would keep the program from ending.
        runtime.shutdown_background();
        match then? {
            Then::End => Ok(()),
            Then::Restart => Err(signals::restart()),
        }
    }

    fn most(&self) -> NonZeroUsize {
        self.nb_processes
            .unwrap_or_else(|| std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN))
    }

    async fn work(self, registry: Registry) -> Result<Then, CliError> {
        self.check_isolation()?;
        let connection = Connection::shared(&self.data_dir).await?;
        // Before anything is begun: a signal must not end it halfway.
        let signals = Signals::listen()?;
        connection.announce(&self.domain);
        let jumbo = connection.jumbo()?;
        let stop = Stop::new();
        let work = async {
            let resources = tokio::select! {
                resources = self.resources(&connection) => resources?,
                () = stop.requested() => return Ok(()),
            };
            resources.announce();
            let worker = self.worker(&connection, registry, &resources)?.jumbo(jumbo);
            tokio::select! {
                known = self.domain_is_known(&connection.service) => known?,
                () = stop.requested() => return Ok(()),
            }
            self.run_worker(&worker, &stop).await;
            Ok::<_, CliError>(())
        };
        let (worked, then) = signals.run(&stop, work).await;
        connection.close().await?;
        worked?;
        Ok(then)
    }

    /// What activities are given. A service that does not answer is waited for, as it is for tasks.
    async fn resources(&self, connection: &Connection) -> Result<Decided<'_>, CliError> {
        let mut told = false;
        loop {
            let decided = self.resources.on(connection, &self.domain, &self.data_dir);
            match decided.await {
                Err(error) if error.is_retryable() => {
                    if !std::mem::replace(&mut told, true) {
                        output::say(&format!(
                            "waits for the service, which tells where objects are kept unless \
                             --objects does: {error}"
                        ));
                    }
                    tokio::time::sleep(PAUSE).await;
                }
                decided => return Ok(decided?),
            }
        }
    }

    /// Waits until the service knows the domain: who starts decider and worker together need not know
    /// which of them is there first. Whatever else it says is left to the worker, who may have no right
    /// to ask this. A task that was polled elsewhere is of a domain that is there.
    async fn domain_is_known(&self, service: &AnyService) -> Result<(), ServiceError> {
        let mut told = false;
        loop {
            let request = DescribeDomain {
                name: self.domain.clone(),
                ..DescribeDomain::default()
            };
            match service.describe_domain(request).await {
                Err(error) if error.is_fault(FaultKind::UnknownResource) => {
                    if self.poll_data.is_some() {
                        return Err(error);
                    }
                    if !std::mem::replace(&mut told, true) {
                        output::say(&format!(
                            "waits for domain {:?}, which is not registered. Is its name right? \
                             decider.start and standalone register a domain that is not there",
                            self.domain.as_str()
                        ));
                    }
                }
                _ => return Ok(()),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    fn worker(
        &self,
        connection: &Connection,
        registry: Registry,
        resources: &Decided<'_>,
    ) -> Result<Worker<AnyService>, CliError> {
        let worker = Worker::new(connection.service.clone(), self.domain.clone(), registry)
            .resources(resources.resources())
            .heartbeat(Duration::from_secs(self.heartbeat.into()))
            .stop_timeout(Duration::from_secs(self.stop_timeout.into()));
        Ok(match self.isolation {
            Isolation::Process => worker.isolated(self.isolated(resources.args_of_process())?),
            Isolation::None => worker,
        })
    }

    async fn run_worker(&self, worker: &Worker<AnyService>, stop: &Stop) {
        let task_list = self.task_list.clone().unwrap_or_default();
        if let Some(task) = &self.poll_data {
            output::say(&format!("runs activity {}", task.activity_id));
            worker.run_task((**task).clone(), &task_list, stop).await;
        } else if self.one_task {
            output::say(&format!("takes one task from task list {task_list}"));
            worker.run_one(&task_list, stop).await;
        } else {
            let most = self.most();
            output::say(&format!(
                "takes tasks from task list {task_list}, {most} at once"
            ));
            worker.run(&task_list, most, stop).await;
        }
    }

    fn check_isolation(&self) -> Result<(), CliError> {
        match (self.isolation, self.memory_limit) {
            (Isolation::None, Some(limit)) => Err(CliError::Option {
                option: "--memory-limit",
                value: limit.to_string(),
                problem: "it is the limit of a process: add --isolation process".to_owned(),
            }),
            _ => Ok(()),
        }
    }

    fn isolated(&self, resources: Vec<OsString>) -> Result<Isolated, CliError> {
        let command_line = ActivityExecute::command_line(resources, &self.middlewares);
        let isolated = Isolated::new(command_line).map_err(CliError::Isolation)?;
        Ok(match self.memory_limit {
            Some(limit) => isolated.memory_limit(u64::from(limit) << 20),
            None => isolated,
        })
    }
}

fn parse_task(text: &str) -> Result<Box<ActivityTask>, String> {
    let json = BASE64_STANDARD
        .decode(text)
        .map_err(|error| format!("it is not base64: {error}"))?;
    serde_json::from_slice(&json)
        .map_err(|error| format!("it is not an answer to PollForActivityTask: {error}"))
}
