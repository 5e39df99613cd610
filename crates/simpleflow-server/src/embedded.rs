//! The service with its store, without its front: for programs that have it in their process.

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use simpleflow_model::SmolStr;
use simpleflow_service::table::*;
use simpleflow_service::{ServiceError, SwfService, for_each_operation};
use tokio::sync::oneshot;

use crate::access::DEFAULT_REGION;
use crate::archive::Archive;
use crate::ask::{ask, ask_when_closed};
use crate::clock::Clock;
use crate::core::{Asker, Core, Disk, Failure};
use crate::data_dir;
use crate::keeper::{self, Log};
use crate::metrics::Metrics;
use crate::objects::{EmbeddedObjects, Shelf};
use crate::operation::Request;
use crate::regions::Regions;
use crate::server::{StartError, StopError};
use crate::store::{self, Location, StoreError};

/// Where a server keeps what it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Storage {
    /// In memory: it ends with the server.
    Memory,
    /// In a directory, which is made if it is not there.
    Disk {
        /// The directory.
        dir: PathBuf,
        /// Whether answers go out before what they depend on is synced to the disk. What is
        /// lost when the machine fails, but not when the server is killed, are the last moments.
        relaxed: bool,
    },
}

/// What there is around the service, which a test sets.
#[derive(Clone, Debug, Default)]
pub(crate) struct World {
    pub clock: Clock,
    /// Whether Lambda functions can be scheduled. In truth nobody runs them.
    pub lambda_functions: bool,
}

/// The service with its store, in this process. It has no AWS Lambda: to schedule a function is
/// refused with `LAMBDA_SERVICE_NOT_AVAILABLE_IN_REGION`.
///
/// When it is dropped it writes what it has and ends on its own, and nobody knows when;
/// [`stop`](Self::stop) waits for that.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use simpleflow_server::{Embedded, Storage};
///
/// let dir = "simpleflow-data".into();
/// let swf = Embedded::open(Storage::Disk { dir, relaxed: false }).await?;
/// let service = swf.service(); // for deciders and workers
/// swf.stop().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Embedded {
    service: EmbeddedService,
    metrics: Arc<Metrics>,
    shelf: Arc<Shelf>,
    keeper: Keeper,
}

/// The thread that keeps time and the store.
#[derive(Debug)]
struct Keeper {
    core: Arc<Core>,
    thread: Option<JoinHandle<Result<(), StoreError>>>,
    /// The end of the thread, for whoever waits for it.
    ended: oneshot::Receiver<()>,
}

/// Ends a core when it is dropped.
struct EndOfCore(Arc<Core>);

impl Drop for EndOfCore {
    fn drop(&mut self) {
        self.0.end();
        // Handles to the core may outlive it; the store is closed now.
        drop(self.0.log().take());
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        self.shelf.close();
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.core.stop();
    }
}

impl Embedded {
    /// Opens a store, a new one if there is none, and resumes what is in it. That may take a
    /// while.
    ///
    /// # Errors
    /// The store cannot be used; [`StartError`] says why.
    pub async fn open(storage: Storage) -> Result<Self, StartError> {
        Self::open_in(storage, World::default()).await
    }

    pub(crate) async fn open_in(storage: Storage, world: World) -> Result<Self, StartError> {
        let metrics = Metrics::new().map_err(|error| StartError::Failed(error.to_string()))?;
        let metrics = Arc::new(metrics);
        let place = match &storage {
            Storage::Memory => None,
            Storage::Disk { dir, relaxed } => Some(Location {
                dir: dir.clone(),
                relaxed: *relaxed,
            }),
        };
        let shelf = Arc::new(Shelf::new(place, world.clock.clone()));
        let (opened, open) = oneshot::channel();
        let (end, ended) = oneshot::channel();
        let run = {
            let metrics = Arc::clone(&metrics);
            move || {
                let _end = end;
                let (core, _lock) = match bring_up(storage, world, metrics) {
                    Ok(up) => up,
                    Err(error) => {
                        // Who started this has gone if nobody hears it.
                        let _ = opened.send(Err(error));
                        return Ok(());
                    }
                };
                let core = Arc::new(core);
                if opened.send(Ok(Arc::clone(&core))).is_err() {
                    return Ok(());
                }
                // However it ends, nobody may wait for it any more.
                let _end = EndOfCore(Arc::clone(&core));
                keeper::run(&core)
            }
        };
        let thread = thread::Builder::new()
            .name("keeper".into())
            .spawn(run)
            .map_err(|error| StartError::Failed(error.to_string()))?;
        match open.await {
            Ok(Ok(core)) => Ok(Self {
                service: EmbeddedService {
                    core: Arc::clone(&core),
                    region: SmolStr::new_static(DEFAULT_REGION),
                },
                metrics,
                shelf,
                keeper: Keeper {
                    core,
                    thread: Some(thread),
                    ended,
                },
            }),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(StartError::Failed("the keeper broke down".into())),
        }
    }

    /// The service, for deciders and workers of this process. A handle: clones are the same
    /// service.
    pub fn service(&self) -> EmbeddedService {
        self.service.clone()
    }

    /// The objects that it keeps, which a server gives to everybody as `/objects`. A handle: clones
    /// are the same objects.
    pub fn objects(&self) -> EmbeddedObjects {
        EmbeddedObjects::new(Arc::clone(&self.shelf))
    }

    /// Waits until it ends by itself, which it does when the store cannot be read any more.
    pub async fn ended(&mut self) {
        if !self.keeper.ended.is_terminated() {
            // Either way the thread is at its end.
            let _ = (&mut self.keeper.ended).await;
        }
    }

    /// Writes everything to disk and ends. Whoever waits for something, or asks afterwards, gets
    /// [`ServiceError::Stopped`].
    ///
    /// # Errors
    /// It had ended before, or something in it broke down.
    pub async fn stop(mut self) -> Result<(), StopError> {
        self.core().drain();
        if let Some(objects) = self.shelf.close() {
            // One that broke down has said so to whoever asked.
            let _ = tokio::task::spawn_blocking(move || objects.join()).await;
        }
        self.core().stop();
        let Some(thread) = self.keeper.thread.take() else {
            return Ok(());
        };
        match tokio::task::spawn_blocking(move || thread.join()).await {
            Ok(Ok(outcome)) if !self.core().is_broken() => Ok(outcome?),
            _ => Err(StopError::Panicked),
        }
    }

    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.service.core
    }

    pub(crate) fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }
}

/// What the keeper's thread begins with: the engines with what they write to, and the lock of the
/// directory.
fn bring_up(
    storage: Storage,
    world: World,
    metrics: Arc<Metrics>,
) -> Result<(Core, Option<File>), StartError> {
    let World {
        clock,
        lambda_functions,
    } = world;
    let regions =
        |record_changes| Regions::new(record_changes).with_lambda_functions(lambda_functions);
    let (dir, relaxed) = match storage {
        Storage::Memory => return Ok((Core::new(regions(false), None, clock), None)),
        Storage::Disk { dir, relaxed } => (dir, relaxed),
    };
    let place = Location { dir, relaxed };
    let lock = data_dir::lock(&place.dir)?;
    let open = store::open;
    let (writer, reader) = open(&place)?;
    let regions = regions(true).load(&*reader, &place.dir)?;
    let log = Log {
        writer: Some(writer),
        open,
        place,
        lambda_functions,
        metrics,
    };
    let archive =
        Archive::start(reader.another()?).map_err(|error| StartError::Failed(error.to_string()))?;
    let core = Core::new(regions, Some(Disk { reader, archive }), clock);
    Ok((core.with_log(Some(log)), Some(lock)))
}

/// An [`Embedded`] service as its deciders and workers use it.
///
/// Answers come when what they depend on is on disk, as for clients on the wire. A decision task
/// comes earlier: what is decided on it is written together with what it was decided on.
#[derive(Clone, Debug)]
pub struct EmbeddedService {
    core: Arc<Core>,
    region: SmolStr,
}

fn service_error(failure: Failure) -> ServiceError {
    match failure {
        Failure::Fault(fault) => fault.into(),
        Failure::Stopped => ServiceError::Stopped,
        Failure::Internal => {
            ServiceError::Internal("the store cannot be used, the log says why".to_owned())
        }
    }
}

macro_rules! service {
    ($( $(#[$doc:meta])* $kind:ident $method:ident($request:ident) -> $answer:ty; )*) => {
        impl SwfService for EmbeddedService {
            fn takes_tasks_back(&self) -> bool {
                true
            }

            async fn get_workflow_execution_history_when_closed(
                &self,
                request: GetWorkflowExecutionHistory,
            ) -> Result<History, ServiceError> {
                let (core, region) = (&self.core, self.region.clone());
                let response = ask_when_closed(core, region, request, Asker::InProcess);
                let answer = response.await.map_err(service_error)?;
                answer
                    .into_output()
                    .ok_or_else(|| ServiceError::Unreadable("GetWorkflowExecutionHistory".to_owned()))
            }

            $(
                async fn $method(&self, request: $request) -> Result<$answer, ServiceError> {
                    let request = Request::$request(request);
                    let response = ask(&self.core, self.region.clone(), request, Asker::InProcess);
                    let answer = response.await.map_err(service_error)?;
                    answer
                        .into_output()
                        .ok_or_else(|| ServiceError::Unreadable(stringify!($method).to_owned()))
                }
            )*
        }
    };
}

for_each_operation!(service);
