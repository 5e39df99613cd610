//! Asking again what may yet succeed.

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBuilder};
use simpleflow_service::ServiceError;
use tokio_util::sync::CancellationToken;

/// The first pause, before jitter.
const SHORTEST: Duration = Duration::from_millis(100);

/// The longest pause, before jitter.
const LONGEST: Duration = Duration::from_secs(30);

/// Calls until the service carries the request out or refuses it. Between the calls are pauses
/// that double, with jitter, so that those who wait for one service do not come back at once.
///
/// # Errors
/// The refusal; the latest failure when `stop` comes first.
pub(crate) async fn persistently<T, F: Future<Output = Result<T, ServiceError>>>(
    operation: &str,
    stop: &CancellationToken,
    mut call: impl FnMut() -> F,
) -> Result<T, ServiceError> {
    let mut pauses = ExponentialBuilder::default()
        .with_min_delay(SHORTEST)
        .with_max_delay(LONGEST)
        .with_jitter()
        .without_max_times()
        .build();
    loop {
        let error = match call().await {
            Err(error) if error.is_retryable() => error,
            outcome => return outcome,
        };
        let pause = pauses.next().unwrap_or(LONGEST);
        tracing::warn!(operation, ?pause, "asking again: {error}");
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.cancelled() => return Err(error),
        }
    }
}
