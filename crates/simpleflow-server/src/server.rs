//! Starting and stopping.

use std::fs::{self, File, TryLockError};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, JoinHandle};

use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};

use crate::access::Credentials;
use crate::clock::{Clock, ManualClock};
use crate::commit;
use crate::core::{Core, Disk, Message};
use crate::http::{self, Front, Limits};
use crate::metrics::Metrics;
use crate::regions::Regions;
use crate::store::{self, Place, StoreError};

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

/// The settings of a server.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where it listens; with port 0 the system chooses one.
    pub listen: SocketAddr,
    /// Where it keeps what it is told.
    pub storage: Storage,
    /// Who may call. Without credentials everybody may, and the server listens on the loopback
    /// interface only.
    pub credentials: Option<Credentials>,
}

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// Everybody could call it.
    #[error(
        "{0} can be reached from other machines: give a credentials file, or listen on 127.0.0.1"
    )]
    Open(SocketAddr),
    /// The address cannot be used.
    #[error("cannot listen on {addr}: {source}")]
    Listen {
        /// The address.
        addr: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A thread or the metrics cannot be had.
    #[error("cannot start: {0}")]
    Failed(String),
}

/// Why a server ended otherwise than it was told to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StopError {
    /// The store could not be read any more.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The signals to stop cannot be heard.
    #[error("cannot listen to signals: {0}")]
    Signal(#[source] std::io::Error),
    /// Something in it panicked.
    #[error("the server broke down; what it had answered is kept")]
    Panicked,
}

/// A server that is to be started.
#[derive(Clone, Debug)]
pub struct Server {
    config: Config,
    limits: Limits,
    clock: Clock,
}

impl Server {
    /// A server with these settings.
    pub fn new(config: Config) -> Self {
        let limits = Limits::default();
        let clock = Clock::default();
        Self {
            config,
            limits,
            clock,
        }
    }

    /// The same server with a clock that a test sets.
    #[doc(hidden)]
    #[must_use]
    pub fn with_clock(mut self, clock: &ManualClock) -> Self {
        self.clock = Clock::Manual(clock.clone());
        self
    }

    /// The same server with other limits of its front.
    #[doc(hidden)]
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Opens the store, resumes what is in it, and listens. Needs a tokio runtime, on which it
    /// serves its connections.
    ///
    /// # Errors
    /// It would be open to everybody, the address cannot be used, or the store cannot.
    pub async fn start(self) -> Result<RunningServer, StartError> {
        let Config {
            listen,
            storage,
            credentials,
        } = self.config;
        if credentials.is_none() && !listen.ip().is_loopback() {
            return Err(StartError::Open(listen));
        }
        let failed = |source| StartError::Listen {
            addr: listen,
            source,
        };
        let listener = TcpListener::bind(listen).await.map_err(failed)?;
        let addr = listener.local_addr().map_err(failed)?;
        let metrics = Metrics::new().map_err(|error| StartError::Failed(error.to_string()))?;
        let metrics = Arc::new(metrics);
        let engines = Engines::start(storage, self.clock, Arc::clone(&metrics)).await?;
        let front = Arc::new(Front {
            core: engines.core.clone(),
            metrics,
            credentials,
            limits: self.limits,
            polls: AtomicU64::new(0),
        });
        let (stop, stopped) = watch::channel(false);
        let front = tokio::spawn(http::serve(front, listener, stopped));
        tracing::info!(%addr, "listening");
        Ok(RunningServer {
            addr,
            stop,
            front,
            engines,
        })
    }
}

/// The threads behind the front.
#[derive(Debug)]
struct Engines {
    core: Sender<Message>,
    thread: JoinHandle<Result<(), StoreError>>,
    /// The end of the thread, for whoever waits for it.
    ended: oneshot::Receiver<()>,
}

impl Engines {
    /// Opens the store and resumes what is in it. That may take a while.
    async fn start(
        storage: Storage,
        clock: Clock,
        metrics: Arc<Metrics>,
    ) -> Result<Self, StartError> {
        let (opened, open) = oneshot::channel();
        let (core, messages) = channel();
        let (end, ended) = oneshot::channel();
        let sender = core.clone();
        let run = move || {
            let _end = end;
            let started = match storage {
                Storage::Memory => Ok((Regions::new(false), None)),
                Storage::Disk { dir, relaxed } => {
                    KeptEngines::start(Place { dir, relaxed }, &sender, metrics)
                        .map(|(regions, disk, kept)| (regions, Some((disk, kept))))
                }
            };
            drop(sender);
            let (regions, disk, kept) = match started {
                Ok((regions, Some((disk, kept)))) => (regions, Some(disk), Some(kept)),
                Ok((regions, None)) => (regions, None, None),
                Err(error) => {
                    // Who started this has gone if nobody hears it.
                    let _ = opened.send(Err(error));
                    return Ok(());
                }
            };
            if opened.send(Ok(())).is_err() {
                return Ok(());
            }
            let mut core = Core::new(messages, regions, disk);
            core.clock = clock;
            let outcome = core.run();
            // The writer ends when the core, which told it what to write, is gone.
            drop(kept);
            outcome
        };
        let thread = thread::Builder::new()
            .name("engine".into())
            .spawn(run)
            .map_err(|error| StartError::Failed(error.to_string()))?;
        match open.await {
            Ok(Ok(())) => Ok(Self {
                core,
                thread,
                ended,
            }),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(StartError::Failed("the engine broke down".into())),
        }
    }
}

/// The thread that writes, and the lock of the directory.
struct KeptEngines {
    committer: Option<JoinHandle<()>>,
    _lock: File,
}

impl KeptEngines {
    fn start(
        place: Place,
        core: &Sender<Message>,
        metrics: Arc<Metrics>,
    ) -> Result<(Regions, Disk, Self), StartError> {
        let lock = lock(&place.dir)?;
        let (writer, reader) = store::open(&place)?;
        let regions = Regions::load(&*reader, &place.dir)?;
        let (commits, receiver) = channel();
        let dir = place.dir.clone();
        let core = core.clone();
        let committer = thread::Builder::new()
            .name("commit".into())
            .spawn(move || commit::run(&receiver, &core, writer, store::open, &place, &metrics))
            .map_err(|error| StartError::Failed(error.to_string()))?;
        let disk = Disk {
            reader,
            committer: commits,
            dir,
        };
        let kept = Self {
            committer: Some(committer),
            _lock: lock,
        };
        Ok((regions, disk, kept))
    }
}

impl Drop for KeptEngines {
    fn drop(&mut self) {
        if let Some(committer) = self.committer.take()
            && committer.join().is_err()
        {
            tracing::error!("the writer broke down");
        }
    }
}

/// Takes the lock of a data directory, which is released when the process ends, however it does.
fn lock(dir: &Path) -> Result<File, StoreError> {
    let failed = |error: std::io::Error| StoreError::failed(dir, error);
    fs::create_dir_all(dir).map_err(failed)?;
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(dir.join("lock"))
        .map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse(dir.to_owned())),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

#[cfg(unix)]
async fn stop_signal() -> Result<(), StopError> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).map_err(StopError::Signal)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(StopError::Signal)?;
    tokio::select! {
        _ = terminate.recv() => tracing::info!("SIGTERM: stopping"),
        _ = interrupt.recv() => tracing::info!("SIGINT: stopping"),
    }
    Ok(())
}

#[cfg(not(unix))]
async fn stop_signal() -> Result<(), StopError> {
    tokio::signal::ctrl_c().await.map_err(StopError::Signal)
}

/// A server that runs. When it is dropped it stops on its own, and nobody knows when.
#[derive(Debug)]
pub struct RunningServer {
    addr: SocketAddr,
    stop: watch::Sender<bool>,
    front: tokio::task::JoinHandle<()>,
    engines: Engines,
}

impl RunningServer {
    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Waits until it ends by itself, which it does when the store cannot be read any more.
    pub async fn ended(&mut self) {
        // Either way the thread is at its end.
        let _ = (&mut self.engines.ended).await;
    }

    /// Serves until the process is told to stop, by SIGTERM or SIGINT, and then stops gracefully.
    ///
    /// # Errors
    /// The signals cannot be heard, or what [`stop`](Self::stop) fails with.
    pub async fn serve(mut self) -> Result<(), StopError> {
        tokio::select! {
            heard = stop_signal() => heard?,
            () = self.ended() => {}
        }
        self.stop().await
    }

    /// Stops it: accepts no more connections, answers open polls with nothing, finishes the
    /// requests that are under way, and writes everything to disk.
    ///
    /// # Errors
    /// It had ended before, or something in it broke down.
    pub async fn stop(self) -> Result<(), StopError> {
        self.stop.send_replace(true);
        let front = self.front.await;
        // It may have ended by itself.
        let _ = self.engines.core.send(Message::Stop);
        let thread = self.engines.thread;
        let core = tokio::task::spawn_blocking(move || thread.join()).await;
        match (front, core) {
            (Ok(()), Ok(Ok(outcome))) => Ok(outcome?),
            _ => Err(StopError::Panicked),
        }
    }
}
