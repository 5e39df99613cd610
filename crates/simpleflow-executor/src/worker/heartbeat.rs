//! The heartbeat of a running activity: in the background, and with the details that the activity
//! gives.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use simpleflow_core::HeartbeatSink;
use simpleflow_model::operation::RecordActivityTaskHeartbeat;
use simpleflow_model::{FaultKind, SmolStr, TaskToken, Timeout, limits};
use simpleflow_service::SwfService;
use tokio::sync::Notify;
use tokio::time::timeout;

/// How many beats fit into the activity's limit, so that one that is lost ends nothing.
const BEATS_PER_LIMIT: u32 = 3;

/// Why an activity has to stop.
pub(super) enum Stopped {
    /// The workflow asked for its cancel.
    Cancelled,
    /// The service does not know the task any more.
    Lost,
}

pub(super) struct Heart {
    interval: Duration,
    stopped: AtomicBool,
    /// What the activity said last, until it is sent.
    details: Mutex<Option<SmolStr>>,
    said: Notify,
}

impl Heart {
    pub(super) fn new(interval: Duration, limit: Timeout) -> Self {
        let interval = match limit.duration() {
            Some(limit) => interval.min(limit / BEATS_PER_LIMIT),
            None => interval,
        };
        Self {
            interval: interval.max(Duration::from_millis(100)),
            stopped: AtomicBool::new(false),
            details: Mutex::new(None),
            said: Notify::new(),
        }
    }

    /// Beats until the activity has to stop. A beat that fails otherwise is tried again with the
    /// next.
    pub(super) async fn beat<S: SwfService>(&self, service: &S, token: &TaskToken) -> Stopped {
        let mut latest = None;
        loop {
            let _ = timeout(self.interval, self.said.notified()).await;
            let said = self
                .details
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take();
            latest = said.or(latest);
            let request = RecordActivityTaskHeartbeat {
                task_token: token.clone(),
                details: latest.clone(),
                ..RecordActivityTaskHeartbeat::default()
            };
            let stopped = match service.record_activity_task_heartbeat(request).await {
                Ok(status) if status.cancel_requested => Stopped::Cancelled,
                Ok(_) => continue,
                Err(error) if error.is_fault(FaultKind::UnknownResource) => Stopped::Lost,
                Err(error) => {
                    tracing::warn!("a heartbeat failed, the next is tried: {error}");
                    continue;
                }
            };
            self.stopped.store(true, Ordering::Release);
            return stopped;
        }
    }
}

impl HeartbeatSink for Heart {
    fn heartbeat(&self, details: Option<SmolStr>) {
        // Longer details than the service takes would lose the beat.
        let details = details.filter(|d| d.chars().count() <= limits::HEARTBEAT_DETAILS_LENGTH);
        // A beat without details leaves those that wait to be sent.
        if details.is_some() {
            *self.details.lock().unwrap_or_else(PoisonError::into_inner) = details;
        }
        self.said.notify_one();
    }

    fn is_cancel_requested(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }
}
