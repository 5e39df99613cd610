//! What runs an activity: its code in this process, a process with its code, or a program.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::SystemTime;

use simpleflow_core::panics::{self, Panic};
use simpleflow_core::{
    ActivityContext, ActivityEntry, ActivityInfo, ActivityResult, Failure, HeartbeatSink,
    Middlewares, Program, RunningActivity,
};
use simpleflow_model::SmolStr;
use tokio_util::sync::CancellationToken;

use super::process::Isolated;
use super::{process, program};
use crate::resources::{Metrics, Needed, Resources};

/// The rest of an activity.
type Running = Pin<Box<dyn Future<Output = ActivityResult> + Send>>;

/// An activity that has its arguments.
pub(super) struct Work {
    kind: Kind,
    /// What it measures, and whether its task is over. A process writes its own.
    measured: Option<(Metrics, Arc<dyn HeartbeatSink>)>,
}

enum Kind {
    Async(Pin<Box<CatchPanic>>),
    Blocking(Box<dyn FnOnce() -> ActivityResult + Send>),
    Program(Program, ActivityInfo, Needed, usize, Option<Arc<Isolated>>),
    Process(ActivityInfo, Arc<dyn HeartbeatSink>, Needed, Arc<Isolated>),
    /// One that needs binaries, which are downloaded before.
    After(Needed, Box<Kind>),
    /// One with middlewares around it.
    Within(Box<Kind>, Middlewares, ActivityContext),
}

/// How an activity is ended before its end. A handle: clones are the same.
#[derive(Clone, Default)]
pub(super) struct Quit {
    asked: CancellationToken,
    body: Arc<Mutex<Option<Body>>>,
}

/// What an activity has begun that is not ended by dropping it.
#[derive(Clone, Copy)]
pub(super) enum Body {
    /// It comes to its end when it is told to quit.
    Process,
    /// It sees through its context that it should end.
    Thread,
}

impl Quit {
    /// Asks the activity to end. Before its body has begun, and after that has ended, it can be
    /// dropped: what it waits for then, as a download, and what would come after, are of no use any
    /// more.
    pub(super) fn ask(&self) -> Option<Body> {
        self.asked.cancel();
        *self.body.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The body begins, until the drop.
    #[must_use]
    fn begins(&self, body: Body) -> InBody<'_> {
        self.set(Some(body));
        InBody(self)
    }

    fn set(&self, body: Option<Body>) {
        *self.body.lock().unwrap_or_else(PoisonError::into_inner) = body;
    }
}

/// An activity is in its body.
struct InBody<'a>(&'a Quit);

impl Drop for InBody<'_> {
    fn drop(&mut self) {
        self.0.set(None);
    }
}

/// Gives an activity its arguments. Its result may have `most` characters.
///
/// # Errors
/// When they do not fit.
pub(super) fn start(
    entry: &ActivityEntry,
    info: ActivityInfo,
    sink: Arc<dyn HeartbeatSink>,
    resources: &Resources,
    middlewares: &Middlewares,
    most: usize,
    isolated: Option<&Arc<Isolated>>,
) -> Result<Work, Failure> {
    let needed = resources.needed(&info.input)?;
    let needs = |work| match needed.is_empty() {
        true => work,
        false => Kind::After(needed.clone(), Box::new(work)),
    };
    // A program is isolated already.
    if let Some(isolated) = isolated
        && entry.definition().program.is_empty()
    {
        let (isolated, needed) = (Arc::clone(isolated), needed.clone());
        return Ok(Work {
            kind: needs(Kind::Process(info, sink, needed, isolated)),
            measured: None,
        });
    }
    let files = needed.files();
    let context = ActivityContext::new(info.clone(), Arc::clone(&sink), resources.objects.clone())
        .with_binaries(files.map(|(name, file)| (name.into(), file)).collect())
        .with_clock(SystemTime::now);
    let context = match &resources.places {
        Some(open) => context.with_places(Arc::clone(open)),
        None => context,
    };
    let started = panics::catch(|| entry.start(context.clone(), &info.input));
    let running = started.unwrap_or_else(|panic| Err(panic_failure(&panic)))?;
    let work = match running {
        RunningActivity::Async(future) => Kind::Async(Box::pin(CatchPanic(future))),
        RunningActivity::Blocking(run) => Kind::Blocking(run),
        RunningActivity::Program(program) => {
            Kind::Program(program, info, needed.clone(), most, isolated.cloned())
        }
    };
    let measured = Some((Metrics::new(context.metrology(), resources), sink));
    let work = match middlewares.is_empty() {
        true => work,
        false => Kind::Within(Box::new(work), middlewares.clone(), context),
    };
    Ok(Work {
        kind: needs(work),
        measured,
    })
}

impl Work {
    /// The same, whose metrics are not kept.
    pub(super) fn unmeasured(mut self) -> Self {
        self.measured = None;
        self
    }

    /// The result, when it is there without a wait.
    pub(super) fn poll_once(&mut self) -> Option<ActivityResult> {
        let Kind::Async(future) = &mut self.kind else {
            return None;
        };
        let mut context = Context::from_waker(Waker::noop());
        let Poll::Ready(result) = future.as_mut().poll(&mut context) else {
            return None;
        };
        if self
            .measured
            .as_ref()
            .is_some_and(|(metrics, _)| !metrics.is_empty())
        {
            // They are written first, which takes a wait.
            let ended = CatchPanic(Box::pin(std::future::ready(result)));
            self.kind = Kind::Async(Box::pin(ended));
            return None;
        }
        Some(result)
    }

    /// The rest of it. When it quits its result means nothing.
    pub(super) fn future(self, quit: &Quit) -> Running {
        let running = self.kind.future(quit);
        let Some((metrics, task)) = self.measured else {
            return running;
        };
        Box::pin(async move {
            let result = running.await;
            // One that goes on after its task would write over what the next attempt measured.
            if !task.is_cancel_requested() {
                metrics.write().await;
            }
            result
        })
    }
}

impl Kind {
    /// The rest of it. When it quits its result means nothing.
    fn future(self, quit: &Quit) -> Running {
        let quit = quit.clone();
        match self {
            Self::Async(future) => future,
            Self::Blocking(run) => Box::pin(async move {
                // Whoever is around it may not have been dropped with the task.
                if quit.asked.is_cancelled() {
                    return Err(Failure::new("the activity was ended", None));
                }
                let _in_body = quit.begins(Body::Thread);
                let run = || panics::catch(run).unwrap_or_else(|p| Err(panic_failure(&p)));
                tokio::task::spawn_blocking(run)
                    .await
                    .unwrap_or_else(|error| {
                        Err(Failure::new(
                            format!("the activity's thread was lost: {error}"),
                            None,
                        ))
                    })
            }),
            Self::Program(program, info, needed, most, isolated) => Box::pin(async move {
                let _in_body = quit.begins(Body::Process);
                let limit = isolated.and_then(|isolated| isolated.memory_limit);
                program::run(program, &info, &needed, most, limit, &quit.asked).await
            }),
            Self::After(needed, work) => Box::pin(async move {
                needed.fetch().await?;
                work.future(&quit).await
            }),
            Self::Within(work, middlewares, context) => {
                let work = work.future(&quit);
                Box::pin(CatchPanic(middlewares.around(&context, work)))
            }
            Self::Process(info, sink, needed, isolated) => Box::pin(async move {
                let _in_body = quit.begins(Body::Process);
                process::run(&isolated, &info, &*sink, &needed, &quit.asked).await
            }),
        }
    }
}

/// Heartbeats that nobody waits for.
pub(super) struct Unheard;

impl HeartbeatSink for Unheard {
    fn heartbeat(&self, details: Option<SmolStr>) {
        tracing::info!(
            details = details.as_deref().unwrap_or_default(),
            "heartbeat"
        );
    }

    fn is_cancel_requested(&self) -> bool {
        false
    }
}

fn panic_failure(panic: &Panic) -> Failure {
    Failure::new(
        format!("panic: {}", panic.message),
        Some(
            serde_json::json!({
                "error": "panic",
                "error_type": "panic",
                "message": panic.message,
                "traceback": [panic.location],
            })
            .to_string(),
        ),
    )
}

/// A future whose panics are failures.
pub(super) struct CatchPanic(Pin<Box<dyn Future<Output = ActivityResult> + Send>>);

impl Future for CatchPanic {
    type Output = ActivityResult;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<ActivityResult> {
        panics::catch(|| self.0.as_mut().poll(context))
            .unwrap_or_else(|panic| Poll::Ready(Err(panic_failure(&panic))))
    }
}
