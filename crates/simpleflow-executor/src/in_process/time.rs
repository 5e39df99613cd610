//! Time: what falls due, and when virtual time may jump.

use simpleflow_model::Timestamp;
use tokio::sync::oneshot;
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

/// Somebody who waits for a time.
pub(super) struct Alarm {
    at: Timestamp,
    /// Gives who waits the time that it takes: it stands still until what is given is dropped.
    ring: oneshot::Sender<AtWork>,
}

impl InProcess {
    /// Waits until a time of the service. Virtual time does not jump on until what this gives is
    /// dropped. Nothing when the service ends before.
    pub(crate) async fn wait_until(&self, at: Timestamp) -> Option<AtWork> {
        let (ring, rung) = oneshot::channel();
        self.lock().alarms.push(Alarm { at, ring });
        self.shared.time.notify_one();
        rung.await.ok()
    }

    /// Wakes those whose time has come.
    fn ring(&self) {
        let now = self.now();
        let due: Vec<_> = {
            let mut inner = self.lock();
            let due: Vec<_> = inner
                .alarms
                .extract_if(.., |alarm| alarm.at <= now)
                .collect();
            inner.at_work += due.len();
            due
        };
        for alarm in due {
            // Who does not wait any more leaves the time to go on.
            let _ = alarm.ring.send(AtWork(self.clone()));
        }
    }

    /// Lets time pass: fires what falls due, and so wakes the polls that wait for it. Runs until it
    /// is dropped.
    ///
    /// With virtual time it must run on the thread of the deciders and workers, so that it goes
    /// on only when they all wait.
    pub async fn keep_time(&self) {
        loop {
            let next = {
                let mut inner = self.lock();
                let alarms = inner.alarms.iter().map(|alarm| alarm.at);
                inner.armed = alarms.chain(inner.engine.next_deadline()).min();
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
                self.ring();
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
