//! Stopping in two steps: first nothing new is begun, then what runs has to end.

use tokio_util::sync::{CancellationToken, DropGuard};

/// A request to stop. A handle: clones are the same request.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    requested: CancellationToken,
    at_once: CancellationToken,
}

impl From<CancellationToken> for Stop {
    /// A stop that is requested with the cancel of a token.
    fn from(requested: CancellationToken) -> Self {
        Self {
            requested,
            ..Self::default()
        }
    }
}

impl Stop {
    /// A request that is not made yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks to begin nothing new. What runs may go on, for as long as its owner allows.
    pub fn request(&self) {
        self.requested.cancel();
    }

    /// Asks to end at once.
    pub fn now(&self) {
        self.requested.cancel();
        self.at_once.cancel();
    }

    /// Whether a stop was asked for.
    pub fn is_requested(&self) -> bool {
        self.requested.is_cancelled()
    }

    /// Waits until a stop is asked for.
    pub async fn requested(&self) {
        self.requested.cancelled().await;
    }

    /// Waits until it is asked to end at once.
    pub async fn at_once(&self) {
        self.at_once.cancelled().await;
    }

    /// What is cancelled when a stop is asked for.
    pub(crate) fn token(&self) -> &CancellationToken {
        &self.requested
    }

    /// What is cancelled when it is asked to end at once.
    pub(crate) fn at_once_token(&self) -> &CancellationToken {
        &self.at_once
    }

    /// A request that is made with this one, and can be made alone.
    pub(crate) fn child(&self) -> Self {
        Self {
            requested: self.requested.child_token(),
            at_once: self.at_once.child_token(),
        }
    }

    /// Asks to end at once when the guard is dropped.
    pub(crate) fn drop_guard(self) -> (DropGuard, DropGuard) {
        (self.requested.drop_guard(), self.at_once.drop_guard())
    }
}
