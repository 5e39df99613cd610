//! Which service a command talks to.
//!
//! In this order: the endpoint that the environment or the AWS configuration files name; the server
//! that runs on the data directory; the store there, for commands that can have it to themselves, if
//! it has the domain or no AWS account is set up; Amazon SWF.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use simpleflow_aws::{AwsSwf, Configured};
use simpleflow_core::objects::Objects;
use simpleflow_jumbo::Jumbo;
use simpleflow_model::DomainName;
use simpleflow_server::{
    Config, DEFAULT_REGION, Embedded, EmbeddedService, RunningServer, Server, StartError, Storage,
    running_server,
};
use simpleflow_service::table::*;
use simpleflow_service::{NextTask, ServiceError, SwfService, for_each_operation};

use crate::error::CliError;
use crate::{jumbo, output};

/// The directory with the data, unless another is named.
const DIR: &str = "simpleflow-data";

/// The variable that names another.
const VARIABLE: &str = "SIMPLEFLOW_DATA_DIR";

/// Where the data of the server in the box is: an option of commands that may use it.
#[derive(Args, Clone, Debug)]
pub(crate) struct DataDir {
    /// The directory with the data of the server in the box.
    #[arg(
        long,
        value_name = "DIR",
        env = VARIABLE,
        default_value = DIR
    )]
    pub(crate) data_dir: PathBuf,
}

impl DataDir {
    /// Whether commands find it without being told.
    pub(crate) fn is_found(&self) -> bool {
        let named = std::env::var_os(VARIABLE).filter(|dir| !dir.is_empty());
        self.data_dir.as_os_str() == named.as_deref().unwrap_or(DIR.as_ref())
    }
}

/// A service, whichever it is.
#[derive(Clone, Debug)]
pub(crate) enum AnyService {
    /// One that is reached over the network.
    Remote(AwsSwf),
    /// One in this process.
    Embedded(EmbeddedService),
}

macro_rules! service {
    ($( $(#[$doc:meta])* $kind:ident $method:ident($request:ident) -> $answer:ty; )*) => {
        impl SwfService for AnyService {
            fn takes_tasks_back(&self) -> bool {
                match self {
                    Self::Remote(service) => service.takes_tasks_back(),
                    Self::Embedded(service) => service.takes_tasks_back(),
                }
            }

            async fn poll_for_decision_task_early(
                &self,
                request: PollForDecisionTask,
            ) -> Result<Option<DecisionTask>, ServiceError> {
                match self {
                    Self::Remote(service) => service.poll_for_decision_task_early(request).await,
                    Self::Embedded(service) => service.poll_for_decision_task_early(request).await,
                }
            }

            fn polls_with_answers(&self) -> bool {
                match self {
                    Self::Remote(service) => service.polls_with_answers(),
                    Self::Embedded(service) => service.polls_with_answers(),
                }
            }

            async fn respond_decision_task_completed_then_poll(
                &self,
                answer: RespondDecisionTaskCompleted,
                poll: PollForDecisionTask,
            ) -> Result<Option<NextTask<DecisionTask>>, ServiceError> {
                match self {
                    Self::Remote(service) => {
                        service.respond_decision_task_completed_then_poll(answer, poll).await
                    }
                    Self::Embedded(service) => {
                        service.respond_decision_task_completed_then_poll(answer, poll).await
                    }
                }
            }

            async fn respond_activity_task_completed_then_poll(
                &self,
                answer: RespondActivityTaskCompleted,
                poll: PollForActivityTask,
            ) -> Result<Option<NextTask<ActivityTask>>, ServiceError> {
                match self {
                    Self::Remote(service) => {
                        service.respond_activity_task_completed_then_poll(answer, poll).await
                    }
                    Self::Embedded(service) => {
                        service.respond_activity_task_completed_then_poll(answer, poll).await
                    }
                }
            }

            async fn get_workflow_execution_history_when_closed(
                &self,
                request: GetWorkflowExecutionHistory,
            ) -> Result<History, ServiceError> {
                match self {
                    Self::Remote(service) => {
                        service.get_workflow_execution_history_when_closed(request).await
                    }
                    Self::Embedded(service) => {
                        service.get_workflow_execution_history_when_closed(request).await
                    }
                }
            }

            $(
                async fn $method(&self, request: $request) -> Result<$answer, ServiceError> {
                    match self {
                        Self::Remote(service) => service.$method(request).await,
                        Self::Embedded(service) => service.$method(request).await,
                    }
                }
            )*
        }
    };
}

for_each_operation!(service);

fn on_disk(data_dir: &DataDir) -> Storage {
    Storage::Disk {
        dir: data_dir.data_dir.clone(),
        relaxed: false,
    }
}

fn in_use(data_dir: &DataDir) -> CliError {
    CliError::InUse(data_dir.data_dir.clone())
}

/// A service that a command talks to.
pub(crate) struct Connection {
    pub(crate) service: AnyService,
    /// What is talked to, for people.
    target: String,
    /// The directory with its data, if that is the server in the box on this machine.
    data_dir: Option<PathBuf>,
    own: Own,
}

/// What of a service is this process's own.
enum Own {
    /// Nothing: it is elsewhere.
    Nothing,
    /// The store.
    Store(Embedded),
    /// A server, which others can ask meanwhile.
    Server(Box<RunningServer>),
}

impl Connection {
    /// The service for a command that asks and steers.
    pub(crate) async fn open(data_dir: &DataDir, domain: &DomainName) -> Result<Self, CliError> {
        if let Some(named) = Self::named().await? {
            return Ok(named);
        }
        if let Some((running, _)) = Self::running(data_dir).await? {
            return Ok(running);
        }
        if let Some(store) = Self::store(data_dir, domain).await? {
            return Ok(store);
        }
        Self::amazon().await
    }

    /// The service for a command that works beside others, for as long as it is told to: a store
    /// that this process had to itself would be of no use, and neither is a server that ends.
    pub(crate) async fn shared(data_dir: &DataDir) -> Result<Self, CliError> {
        if let Some(named) = Self::named().await? {
            return Ok(named);
        }
        match Self::running(data_dir).await? {
            Some((_, true)) => Err(in_use(data_dir)),
            Some((running, false)) => Ok(running),
            None => Self::amazon().await,
        }
    }

    /// The server on the data directory: the one that runs, or else one in this process. It
    /// listens, so that the other commands can look into what this one does.
    pub(crate) async fn own(data_dir: &DataDir) -> Result<Self, CliError> {
        match Self::running(data_dir).await? {
            Some((_, true)) => return Err(in_use(data_dir)),
            Some((running, false)) => return Ok(running),
            None => {}
        }
        let dir = &data_dir.data_dir;
        let server = Server::new(Config {
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            storage: on_disk(data_dir),
            credentials: None,
        });
        let server = server.passing().start().await?;
        Ok(Self {
            service: AnyService::Embedded(server.service()),
            target: format!("a server in this process, data in {}", dir.display()),
            data_dir: Some(dir.clone()),
            own: Own::Server(Box::new(server)),
        })
    }

    /// The same service, for a command that works with it for a while: a store that this process has
    /// to itself becomes a server, so that the other commands can look into it meanwhile.
    pub(crate) async fn shown(self, data_dir: &DataDir) -> Result<Self, CliError> {
        match self.own {
            Own::Store(store) => {
                store.stop().await?;
                Self::own(data_dir).await
            }
            Own::Nothing | Own::Server(_) => Ok(self),
        }
    }

    /// The service at the endpoint that is named.
    async fn named() -> Result<Option<Self>, CliError> {
        match simpleflow_aws::configured().await {
            Configured::Endpoint => Ok(Some(Self::remote(AwsSwf::from_env().await?, None))),
            Configured::Account | Configured::Nothing => Ok(None),
        }
    }

    /// The server that runs on the data directory, and whether it ends by itself.
    async fn running(data_dir: &DataDir) -> Result<Option<(Self, bool)>, CliError> {
        let dir = &data_dir.data_dir;
        let Some(found) = running_server(dir).map_err(StartError::from)? else {
            return Ok(None);
        };
        // Whatever region the environment names, the store in this directory has one.
        let server = AwsSwf::at(&format!("http://{}", found.addr), DEFAULT_REGION).await?;
        let told = format!("the server on {}", dir.display());
        let running = Self {
            data_dir: Some(dir.clone()),
            ..Self::remote(server, Some(told))
        };
        Ok(Some((running, found.passing)))
    }

    /// The store in the data directory, if it has the domain; also if it is all that there is.
    async fn store(data_dir: &DataDir, domain: &DomainName) -> Result<Option<Self>, CliError> {
        let dir = &data_dir.data_dir;
        if !dir.exists() {
            return Ok(None);
        }
        let embedded = Embedded::open(on_disk(data_dir)).await?;
        let service = embedded.service();
        let asked = DescribeDomain {
            name: domain.clone(),
            ..DescribeDomain::default()
        };
        let has_it = service.describe_domain(asked).await.is_ok();
        if !has_it && simpleflow_aws::configured().await != Configured::Nothing {
            embedded.stop().await?;
            return Ok(None);
        }
        Ok(Some(Self {
            service: AnyService::Embedded(service),
            target: format!("the store in {}, on which no server runs", dir.display()),
            data_dir: Some(dir.clone()),
            own: Own::Store(embedded),
        }))
    }

    async fn amazon() -> Result<Self, CliError> {
        match AwsSwf::from_env().await {
            Ok(service) => Ok(Self::remote(service, None)),
            Err(error @ (ServiceError::Config(_) | ServiceError::Denied(_))) => {
                Err(CliError::NoService(error))
            }
            Err(error) => Err(error.into()),
        }
    }

    fn remote(service: AwsSwf, found: Option<String>) -> Self {
        let target = match found {
            Some(found) => format!("{}, {found}", service.target()),
            None => service.target().to_string(),
        };
        Self {
            service: AnyService::Remote(service),
            target,
            data_dir: None,
            own: Own::Nothing,
        }
    }

    /// Where values go that are longer than SWF's fields.
    pub(crate) fn jumbo(&self) -> Result<Jumbo, CliError> {
        jumbo::jumbo(self.data_dir.as_deref())
    }

    /// Whether values go to the folder of the service, which all its domains have.
    pub(crate) fn has_values_of(&self, jumbo: &Jumbo) -> bool {
        let dir = self.data_dir.as_deref();
        dir.is_some_and(|dir| jumbo::is_in(dir, jumbo))
    }

    /// Whether the service ends with this process.
    pub(crate) fn is_own(&self) -> bool {
        !matches!(self.own, Own::Nothing)
    }

    /// The objects of a service that is this process's own.
    pub(crate) fn own_objects(&self) -> Option<Objects> {
        match &self.own {
            Own::Nothing => None,
            Own::Store(store) => Some(Objects::new(store.objects())),
            Own::Server(server) => Some(Objects::new(server.objects())),
        }
    }

    /// The URL of the service, if it is the server in the box. It is asked something, since it tells
    /// with its answers.
    ///
    /// # Errors
    /// It does not answer, so that this is not known.
    pub(crate) async fn server(&self, domain: &DomainName) -> Result<Option<String>, ServiceError> {
        let AnyService::Remote(service) = &self.service else {
            return Ok(None);
        };
        let Some(endpoint) = service.target().endpoint.clone() else {
            return Ok(None);
        };
        let request = DescribeDomain {
            name: domain.clone(),
            ..DescribeDomain::default()
        };
        match service.describe_domain(request).await {
            // One in trouble tells too.
            Err(error) if error.is_retryable() && !service.takes_tasks_back() => return Err(error),
            // What the answer is does not matter: whoever needs the domain says so.
            _ => {}
        }
        let endpoint = endpoint.trim_end_matches('/').to_owned();
        Ok(service.takes_tasks_back().then_some(endpoint))
    }

    /// Says what is about to be used, so that nobody writes to the wrong place.
    pub(crate) fn announce(&self, domain: &DomainName) {
        output::say(&format!("{}, domain {domain}", self.target));
    }

    /// How often to look at what happens there.
    pub(crate) fn look(&self) -> Duration {
        match self.service {
            AnyService::Remote(_) => Duration::from_secs(1),
            AnyService::Embedded(_) => Duration::from_millis(50),
        }
    }

    /// Lets go of the service. A store of this process is whole on disk then.
    pub(crate) async fn close(self) -> Result<(), CliError> {
        match self.own {
            Own::Nothing => Ok(()),
            Own::Store(store) => Ok(store.stop().await?),
            Own::Server(server) => Ok(server.stop().await?),
        }
    }
}
