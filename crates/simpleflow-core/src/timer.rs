//! Timers: one with an id and a control of one's own, and a time limit on any future.

use std::error::Error as StdError;
use std::fmt;
use std::future::Future as StdFuture;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use serde::Serialize;
use simpleflow_model::SmolStr;

use crate::error::TaskError;
use crate::future::Future;

/// A timer with an id of one's own, to be given to [`Flow::submit`](crate::Flow::submit). A second
/// start of the same id is the same timer, also when it has fired.
///
/// ```
/// # use simpleflow_core::{Flow, Result, Timer};
/// # use std::time::Duration;
/// # async fn example(flow: Flow) -> Result<()> {
/// let reminder = Timer::new("reminder", Duration::from_secs(86_400)).control("order 7");
/// flow.submit(reminder).await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "a timer is not started until it is given to `flow.submit`"]
pub struct Timer {
    pub(crate) id: SmolStr,
    pub(crate) duration: Duration,
    pub(crate) control: Option<Result<SmolStr, serde_json::Error>>,
}

impl Timer {
    /// A timer of 1 to 256 characters of id. SWF counts in whole seconds: a fraction is rounded up.
    pub fn new(id: impl Into<SmolStr>, duration: Duration) -> Self {
        Self {
            id: id.into(),
            duration,
            control: None,
        }
    }

    /// What stands in the history beside it, as JSON of at most 32,768 characters. It is for those
    /// who read the history, and for
    /// [`get_event_details`](crate::Flow::get_event_details).
    pub fn control<T: Serialize>(mut self, control: T) -> Self {
        self.control = Some(crate::raw::to_text(&control));
        self
    }
}

/// What a time limit was for did not end in time: see [`Flow::timeout`](crate::Flow::timeout).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elapsed {
    limit: Duration,
    refused: Option<Box<TaskError>>,
}

impl Elapsed {
    /// The limit.
    pub fn limit(&self) -> Duration {
        self.limit
    }

    /// Why there was no timer, if the service would not start one: then nobody knows whether the
    /// time is over.
    pub fn timer_error(&self) -> Option<&TaskError> {
        self.refused.as_deref()
    }
}

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let limit = self.limit.as_secs_f64();
        match &self.refused {
            None => write!(f, "it did not end within {limit} s"),
            Some(error) => write!(f, "the time limit of {limit} s cannot be kept: {error}"),
        }
    }
}

impl StdError for Elapsed {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.refused.as_deref().map(|error| error as _)
    }
}

/// Cancels a timer when it is not needed any more.
struct Guard(Future<()>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

pub(crate) fn timeout<F: IntoFuture>(
    timer: Future<()>,
    future: F,
    limit: Duration,
) -> impl StdFuture<Output = Result<F::Output, Elapsed>> + use<F> {
    let mut timer = Guard(timer);
    async move {
        let mut future = pin!(future.into_future());
        std::future::poll_fn(|context| {
            if let Poll::Ready(output) = future.as_mut().poll(context) {
                return Poll::Ready(Ok(output));
            }
            pin!(&mut timer.0).poll(context).map(|fired| {
                Err(Elapsed {
                    limit,
                    refused: fired.err().map(Box::new),
                })
            })
        })
        .await
    }
}
