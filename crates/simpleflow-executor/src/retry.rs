//! Asking again what may yet succeed.

use std::fmt::Display;
use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use simpleflow_service::ServiceError;
use tokio_util::sync::CancellationToken;

/// The first pause, before jitter.
const SHORTEST: Duration = Duration::from_millis(100);

/// The longest pause, before jitter.
const LONGEST: Duration = Duration::from_secs(30);

/// The pauses of who asks again: they double, with jitter, so that those who wait for one service do
/// not come back at once.
pub(crate) struct Pauses(ExponentialBackoff);

impl Pauses {
    pub fn new() -> Self {
        let pauses = ExponentialBuilder::default()
            .with_min_delay(SHORTEST)
            .with_max_delay(LONGEST)
            .with_jitter()
            .without_max_times();
        Self(pauses.build())
    }

    /// Waits before the next attempt, after an error. Whether there is one: not when `stop` comes
    /// first.
    pub async fn wait(
        &mut self,
        operation: &str,
        error: &(dyn Display + Sync),
        stop: &CancellationToken,
    ) -> bool {
        let pause = self.0.next().unwrap_or(LONGEST);
        tracing::warn!(operation, ?pause, "asking again: {error}");
        tokio::select! {
            () = tokio::time::sleep(pause) => true,
            () = stop.cancelled() => false,
        }
    }
}

/// Calls until the service carries the request out or refuses it, with [`Pauses`] between the calls.
///
/// # Errors
/// The refusal; the latest failure when `stop` comes first.
pub(crate) async fn persistently<T, F: Future<Output = Result<T, ServiceError>>>(
    operation: &str,
    stop: &CancellationToken,
    mut call: impl FnMut() -> F,
) -> Result<T, ServiceError> {
    let mut pauses = Pauses::new();
    loop {
        match call().await {
            Err(error) if error.is_retryable() => {
                if !pauses.wait(operation, &error, stop).await {
                    return Err(error);
                }
            }
            outcome => return outcome,
        }
    }
}
