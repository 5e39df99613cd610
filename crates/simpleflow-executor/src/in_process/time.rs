//! Time: what falls due, and when virtual time may jump.

use tokio::time::timeout;

use super::{InProcess, Inner};

impl Inner {
    /// Whether nothing is at work, so that virtual time may jump. When nobody waits for an
    /// execution there is no reason to: it would only run into the end of its retention.
    pub(super) fn is_idle(&self) -> bool {
        self.watched.is_some()
            && self.at_work == 0
            && self.decision_lists.is_empty()
            && self.activity_lists.is_empty()
    }
}

impl InProcess {
    /// Lets time pass: fires what falls due, and so wakes the polls that wait for it. Runs until it
    /// is dropped.
    ///
    /// With virtual time it must run on the thread of the deciders and workers, so that it goes
    /// on only when they all wait.
    pub async fn keep_time(&self) {
        loop {
            let next = {
                let mut inner = self.lock();
                inner.armed = inner.engine.next_deadline();
                if let Some(next) = inner.armed
                    && inner.is_idle()
                {
                    self.shared.clock.jump(next);
                }
                inner.armed
            };
            let Some(next) = next else {
                self.shared.time.notified().await;
                continue;
            };
            let wait = next.since(self.now());
            if wait.is_zero() || timeout(wait, self.shared.time.notified()).await.is_err() {
                self.command(|inner, now| inner.engine.advance(now));
            }
        }
    }
}

/// That a task is at work, which keeps virtual time from jumping. It ends with the work and not
/// with an answer: a task that timed out or was lost has none.
pub(crate) struct AtWork(pub(super) InProcess);

impl Drop for AtWork {
    fn drop(&mut self) {
        let shared = &self.0.shared;
        let mut inner = self.0.lock();
        inner.at_work -= 1;
        if shared.clock.is_virtual() && inner.is_idle() {
            shared.time.notify_one();
        }
    }
}
