//! The clock of an in-process service: the machine's, or one that jumps.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use simpleflow_model::Timestamp;

/// Which time an in-process service has.
#[derive(Debug)]
pub(crate) enum Clock {
    /// The machine's.
    Real,
    /// Virtual time, in microseconds: it stands still while anything is at work, and then jumps
    /// to what is due next.
    Virtual(AtomicI64),
}

impl Clock {
    pub(crate) fn virtual_from_now() -> Self {
        Self::Virtual(AtomicI64::new(machine_time().as_micros()))
    }

    pub(crate) fn now(&self) -> Timestamp {
        match self {
            Self::Real => machine_time(),
            Self::Virtual(micros) => Timestamp::from_micros(micros.load(Ordering::Acquire)),
        }
    }

    /// Lets virtual time jump to a later time.
    pub(crate) fn jump(&self, to: Timestamp) {
        if let Self::Virtual(micros) = self {
            micros.fetch_max(to.as_micros(), Ordering::AcqRel);
        }
    }

    pub(crate) fn is_virtual(&self) -> bool {
        matches!(self, Self::Virtual(_))
    }
}

fn machine_time() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
