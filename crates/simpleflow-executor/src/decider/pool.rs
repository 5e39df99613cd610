//! Several deciders that serve the same task lists, each on a thread of its own.

use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use futures::future::join_all;
use simpleflow_core::{Registry, panics};
use simpleflow_jumbo::Jumbo;
use simpleflow_model::{Decision, DomainName, TaskListName, WorkflowExecution};
use simpleflow_service::SwfService;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::kept;
use super::sticky::{self, Sticky};
use super::{Affinity, Decider, Reroute};
use crate::registration;
use crate::retry::persistently;
use crate::stop::Stop;

/// How long a stop takes at most by default: a little more than the 60 seconds of a poll.
const STOP_TIMEOUT: Duration = Duration::from_secs(65);

/// How long threads have to end when the time for the stop is over.
const LAST: Duration = Duration::from_secs(1);

/// How long a poller that broke down waits before it starts anew.
const BROKEN: Duration = Duration::from_secs(1);

/// Deciders for one domain, one a thread, each with the executions that it keeps.
///
/// ```no_run
/// # async fn example<S: simpleflow_service::SwfService>(service: S) -> std::io::Result<()> {
/// # let registry = simpleflow_core::Registry::linked();
/// use simpleflow_executor::{Deciders, Stop};
///
/// let stop = Stop::new(); // to be requested by a signal
/// Deciders::new(service, "quickstart".into(), registry)
///     .run(&["example".into()], &stop)
///     .await
/// # }
/// ```
#[derive(Clone)]
pub struct Deciders<S> {
    service: S,
    domain: DomainName,
    registry: Registry,
    pollers: NonZeroUsize,
    sticky: bool,
    sticky_timeout: u32,
    registers_domain: bool,
    reroute: Option<Reroute>,
    jumbo: Option<Jumbo>,
    kept: usize,
    kept_bytes: usize,
    stop_timeout: Duration,
}

impl<S: SwfService> Deciders<S> {
    /// Deciders for the workflows of a registry: one for each processor.
    pub fn new(service: S, domain: DomainName, registry: Registry) -> Self {
        Self {
            service,
            domain,
            registry,
            pollers: thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            sticky: true,
            sticky_timeout: sticky::SCHEDULE_TO_START,
            registers_domain: false,
            reroute: None,
            jumbo: None,
            kept: kept::MOST,
            kept_bytes: kept::MOST_BYTES,
            stop_timeout: STOP_TIMEOUT,
        }
    }

    /// How many pollers, and threads, there are.
    #[must_use]
    pub fn pollers(mut self, pollers: NonZeroUsize) -> Self {
        self.pollers = pollers;
        self
    }

    /// Whether each poller has a task list of its own, which the tasks of the executions that it
    /// keeps come back on. So it is unless this is said. A single poller that nobody shares its
    /// task lists with, as with a service in the process, does better without.
    #[must_use]
    pub fn sticky(mut self, sticky: bool) -> Self {
        self.sticky = sticky;
        self
    }

    /// How long a decision task waits on a poller's own list before it goes to the others, in
    /// seconds: 10 unless this is said.
    #[must_use]
    pub fn sticky_timeout(mut self, seconds: u32) -> Self {
        self.sticky_timeout = seconds;
        self
    }

    /// Registers the domain when the service does not know it.
    #[must_use]
    pub fn register_domain(mut self) -> Self {
        self.registers_domain = true;
        self
    }

    /// Changes where the tasks of decisions go, before they are sent.
    #[must_use]
    pub(crate) fn reroute(
        mut self,
        reroute: impl Fn(&WorkflowExecution, &mut Decision) + Send + Sync + 'static,
    ) -> Self {
        self.reroute = Some(Arc::new(reroute));
        self
    }

    /// Lets values travel elsewhere that are longer than their fields: see [`Decider::jumbo`].
    #[must_use]
    pub fn jumbo(mut self, jumbo: Jumbo) -> Self {
        self.jumbo = Some(jumbo);
        self
    }

    /// How many suspended executions to keep at most, and about how many bytes they may hold:
    /// 10,000 and 256 MiB, unless this is said. The others are replayed in full. The pollers share
    /// this evenly.
    #[must_use]
    pub fn keep(mut self, executions: usize, bytes: usize) -> Self {
        self.kept = executions;
        self.kept_bytes = bytes;
        self
    }

    /// How long a stop may take: 65 seconds unless this is said. A poll of Amazon SWF takes up to
    /// 60, and what it brings would be lost for a while if it were left.
    #[must_use]
    pub fn stop_timeout(mut self, timeout: Duration) -> Self {
        self.stop_timeout = timeout;
        self
    }

    /// Serves some task lists until it is told to stop, as [`Decider::run`] does on each thread, or
    /// until the service is at its end. A workflow that panics or blocks takes none but its own
    /// poller's time; the stop does not wait for it beyond its limit.
    ///
    /// Their requests are made on the runtime that this is called on. When this is dropped, they
    /// stop at once.
    ///
    /// # Errors
    /// A thread cannot be started.
    pub async fn run(&self, task_lists: &[TaskListName], stop: &Stop) -> io::Result<()> {
        if self.registers_domain {
            let needed = persistently("DescribeDomain", stop.token(), || {
                registration::need_domain(&self.service, self.domain.clone())
            });
            tokio::select! {
                needed = needed => if let Err(error) = needed {
                    tracing::error!(domain = %self.domain, "cannot register the domain: {error}");
                },
                () = stop.requested() => {}
            }
        }
        let pool = stop.child();
        let _dropped = pool.clone().drop_guard();
        let own_list = Sticky::pool(self.sticky_timeout);
        let mut pollers = Vec::new();
        for number in 0..self.pollers.get() {
            let affinity = match (self.sticky, self.pollers.get()) {
                (true, _) => Affinity::Sticky(own_list(number)),
                (false, 1) => Affinity::Alone,
                (false, _) => Affinity::Anyone,
            };
            pollers.push(self.start(number, affinity, task_lists.to_vec(), pool.clone())?);
        }
        let mut ended = join_all(pollers);
        let time_is_up = async {
            stop.requested().await;
            tokio::time::sleep(self.stop_timeout).await;
            tracing::warn!(
                timeout = ?self.stop_timeout,
                "not all deciders have stopped: what they do is left to the service's time limits"
            );
        };
        tokio::select! {
            _ = &mut ended => return Ok(()),
            () = time_is_up => {}
            () = stop.at_once() => {}
        }
        pool.now();
        // Whoever does not end now is in code that blocks, and ends with the program.
        let _ = tokio::time::timeout(LAST, ended).await;
        Ok(())
    }

    /// Starts a poller, and gives what tells its end.
    fn start(
        &self,
        number: usize,
        affinity: Affinity,
        task_lists: Vec<TaskListName>,
        stop: Stop,
    ) -> io::Result<oneshot::Receiver<()>> {
        let (end, ended) = oneshot::channel();
        let pool = self.clone();
        // Connections are shared between threads: they are the runtime's, not one poller's, so
        // that none of them waits while another's workflow computes.
        let runtime = Handle::current();
        thread::Builder::new()
            .name(format!("decider-{number}"))
            .spawn(move || {
                let _end: oneshot::Sender<()> = end;
                let decider = pool.decider(affinity);
                while !stop.is_requested() {
                    let run = decider.run(&task_lists, &stop);
                    match panics::catch(|| runtime.block_on(run)) {
                        Ok(()) => return,
                        Err(panic) => tracing::error!("a decider broke down: {panic}"),
                    }
                    thread::sleep(BROKEN);
                }
            })?;
        Ok(ended)
    }

    fn decider(&self, affinity: Affinity) -> Decider<S> {
        let share = |all: usize| all.div_ceil(self.pollers.get());
        let decider = Decider::new(
            self.service.clone(),
            self.domain.clone(),
            self.registry.clone(),
        );
        let mut decider = decider
            .keep(share(self.kept))
            .keep_bytes(share(self.kept_bytes));
        decider.affinity = affinity;
        decider.reroute = self.reroute.clone();
        match &self.jumbo {
            Some(jumbo) => decider.jumbo(jumbo.clone()),
            None => decider,
        }
    }
}
