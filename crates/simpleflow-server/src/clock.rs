//! What time it is: that of the machine, or one that a test sets.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::SystemTime;

use simpleflow_model::Timestamp;

/// A clock that stands until it is set.
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<AtomicI64>);

impl ManualClock {
    /// A clock that stands at a time.
    pub fn new(now: Timestamp) -> Self {
        Self(Arc::new(AtomicI64::new(now.as_micros())))
    }

    /// Sets the clock.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.as_micros(), Ordering::SeqCst);
    }
}

/// Where the core reads the time.
#[derive(Clone, Debug, Default)]
pub(crate) enum Clock {
    #[default]
    Machine,
    Manual(ManualClock),
}

impl Clock {
    pub(crate) fn now(&self) -> Timestamp {
        match self {
            Self::Machine => SystemTime::now().into(),
            Self::Manual(clock) => Timestamp::from_micros(clock.0.load(Ordering::SeqCst)),
        }
    }
}
