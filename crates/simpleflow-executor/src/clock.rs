//! The clock of an in-process service: the machine's, or one that jumps.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::SystemTime;

use simpleflow_model::Timestamp;

/// Which time an in-process service has.
#[derive(Debug)]
pub(crate) enum Clock {
    /// The machine's.
    Real,
    /// Virtual time: the machine's, and this many microseconds more (or less). It runs on while anything is
    /// at work, and otherwise jumps to what is due next.
    Virtual(AtomicI64),
}

impl Clock {
    pub(crate) fn virtual_from(start: Timestamp) -> Self {
        let now = Timestamp::from(SystemTime::now()).as_micros();
        Self::Virtual(AtomicI64::new(start.as_micros().saturating_sub(now)))
    }

    pub(crate) fn now(&self) -> Timestamp {
        match self {
            Self::Real => Timestamp::from(SystemTime::now()),
            Self::Virtual(ahead) => {
                let micros = Timestamp::from(SystemTime::now()).as_micros();
                Timestamp::from_micros(micros.saturating_add(ahead.load(Ordering::Acquire)))
            }
        }
    }

    /// Lets virtual time jump to a later time.
    pub(crate) fn jump(&self, to: Timestamp) {
        if let Self::Virtual(ahead) = self {
            let jump = to.since(self.now()).as_micros();
            ahead.fetch_add(i64::try_from(jump).unwrap_or(i64::MAX), Ordering::AcqRel);
        }
    }

    pub(crate) fn is_virtual(&self) -> bool {
        matches!(self, Self::Virtual(_))
    }
}
