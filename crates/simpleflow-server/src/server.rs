//! Starting and stopping.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::access::Credentials;
use crate::clock::{Clock, ManualClock};
use crate::data_dir;
use crate::embedded::{Embedded, EmbeddedService, Storage, World};
use crate::http::{self, Front, Limits};
use crate::objects::EmbeddedObjects;
use crate::objects::wire::Room;
use crate::store::StoreError;

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
    world: World,
    passing: bool,
}

impl Server {
    /// A server with these settings.
    pub fn new(config: Config) -> Self {
        let limits = Limits::default();
        let world = World::default();
        Self {
            config,
            limits,
            world,
            passing: false,
        }
    }

    /// The same server as a part of a program that ends with its own work. Others who look for the
    /// server of its directory learn that.
    #[must_use]
    pub fn passing(mut self) -> Self {
        self.passing = true;
        self
    }

    /// The same server with a clock that a test sets.
    #[doc(hidden)]
    #[must_use]
    pub fn with_clock(mut self, clock: &ManualClock) -> Self {
        self.world.clock = Clock::Manual(clock.clone());
        self
    }

    /// The same server with Lambda functions, which nobody runs.
    #[doc(hidden)]
    #[must_use]
    pub fn with_lambda_functions(mut self) -> Self {
        self.world.lambda_functions = true;
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
        let dir = match &storage {
            Storage::Memory => None,
            Storage::Disk { dir, .. } => Some(dir.clone()),
        };
        let embedded = Embedded::open_in(storage, self.world).await?;
        if let Some(dir) = dir {
            data_dir::announce(&dir, addr, self.passing)?;
        }
        let front = Arc::new(Front {
            core: Arc::clone(embedded.core()),
            metrics: Arc::clone(embedded.metrics()),
            objects: embedded.objects(),
            room: Room::new(),
            credentials,
            limits: self.limits,
        });
        let (stop, stopped) = watch::channel(false);
        let front = tokio::spawn(http::serve(front, listener, stopped));
        tracing::info!(%addr, "listening");
        Ok(RunningServer {
            addr,
            stop,
            front,
            embedded,
        })
    }
}

/// What tells a process to stop. They are heard from when this is made.
#[cfg(unix)]
struct StopSignals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl StopSignals {
    fn listen() -> Result<Self, StopError> {
        use tokio::signal::unix::{SignalKind, signal};
        let listen = |kind| signal(kind).map_err(StopError::Signal);
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }

    async fn heard(&mut self) -> Result<(), StopError> {
        tokio::select! {
            _ = self.terminate.recv() => tracing::info!("SIGTERM: stopping"),
            _ = self.interrupt.recv() => tracing::info!("SIGINT: stopping"),
        }
        Ok(())
    }
}

#[cfg(not(unix))]
struct StopSignals;

#[cfg(not(unix))]
impl StopSignals {
    fn listen() -> Result<Self, StopError> {
        Ok(Self)
    }

    async fn heard(&mut self) -> Result<(), StopError> {
        tokio::signal::ctrl_c().await.map_err(StopError::Signal)
    }
}

/// A server that runs. When it is dropped it stops on its own, and nobody knows when.
#[derive(Debug)]
pub struct RunningServer {
    addr: SocketAddr,
    stop: watch::Sender<bool>,
    front: tokio::task::JoinHandle<()>,
    embedded: Embedded,
}

impl RunningServer {
    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The service, for deciders and workers of this process.
    pub fn service(&self) -> EmbeddedService {
        self.embedded.service()
    }

    /// The objects that it keeps. Others reach them as `/objects` of its address.
    pub fn objects(&self) -> EmbeddedObjects {
        self.embedded.objects()
    }

    /// Waits until it ends by itself, which it does when the store cannot be read any more.
    pub async fn ended(&mut self) {
        self.embedded.ended().await;
    }

    /// Serves until the process is told to stop, by SIGTERM or SIGINT, and then stops gracefully.
    /// `ready` is called when it listens to these signals.
    ///
    /// # Errors
    /// The signals cannot be heard, or what [`stop`](Self::stop) fails with.
    pub async fn serve(mut self, ready: impl FnOnce()) -> Result<(), StopError> {
        let mut signals = StopSignals::listen()?;
        ready();
        tokio::select! {
            heard = signals.heard() => heard?,
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
        self.embedded.stop().await?;
        front.map_err(|_| StopError::Panicked)
    }
}
