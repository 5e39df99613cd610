//! Who was woken: the queue of the code that can go on.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Wake, Waker};

/// Which code: the workflow's own is [`MAIN`], coroutines count from 1.
pub(crate) type Key = u32;

/// The workflow's own code.
pub(crate) const MAIN: Key = 0;

/// What was woken and not polled since, in the order of the wakes. The flow's futures wake while
/// events are read; a wake at any other time comes from something that is not the flow's.
#[derive(Default)]
pub(crate) struct Wakes {
    ready: Mutex<VecDeque<Key>>,
    reading: AtomicBool,
    woken_from_outside: AtomicBool,
}

impl Wakes {
    /// Takes who was woken first.
    pub(crate) fn next(&self) -> Option<Key> {
        self.ready().pop_front()
    }

    /// Says whether events are being read.
    pub(crate) fn set_reading(&self, reading: bool) {
        self.reading.store(reading, Ordering::Release);
    }

    pub(crate) fn was_woken_from_outside(&self) -> bool {
        self.woken_from_outside.load(Ordering::Acquire)
    }

    /// Foreign threads may wake, so it is behind a lock. Nothing panics while it is held.
    fn ready(&self) -> MutexGuard<'_, VecDeque<Key>> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the waker of one coroutine, or of the workflow's own code, does.
pub(crate) struct Wakeup {
    key: Key,
    is_queued: AtomicBool,
    wakes: Arc<Wakes>,
}

impl Wakeup {
    pub(crate) fn new(key: Key, wakes: &Arc<Wakes>) -> Arc<Self> {
        Arc::new(Self {
            key,
            is_queued: AtomicBool::new(false),
            wakes: Arc::clone(wakes),
        })
    }

    /// The waker for a poll that begins now: later wakes count again.
    pub(crate) fn begin_poll(self: &Arc<Self>) -> Waker {
        self.is_queued.store(false, Ordering::Release);
        Waker::from(Arc::clone(self))
    }

    /// Puts it before all others, unless it waits for its turn already.
    pub(crate) fn go_first(&self) {
        if !self.is_queued.swap(true, Ordering::AcqRel) {
            self.wakes.ready().push_front(self.key);
        }
    }
}

impl Wake for Wakeup {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.is_queued.swap(true, Ordering::AcqRel) {
            self.wakes.ready().push_back(self.key);
        }
        if !self.wakes.reading.load(Ordering::Acquire) {
            self.wakes.woken_from_outside.store(true, Ordering::Release);
        }
    }
}
