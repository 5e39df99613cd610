//! The heartbeat of a running activity: in the background, and with the details that the activity
//! gives.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use simpleflow_core::{ActivityDefinition, HeartbeatSink};
use simpleflow_jumbo::Jumbo;
use simpleflow_model::operation::RecordActivityTaskHeartbeat;
use simpleflow_model::{ActivityId, FaultKind, SmolStr, TaskToken};
use simpleflow_service::SwfService;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::values::{self, Patience};

/// How many beats fit into the activity's limit, so that one that is lost ends nothing.
const BEATS_PER_LIMIT: u32 = 3;

/// The shortest time between two beats that the activity does not ask for.
const SHORTEST: Duration = Duration::from_millis(100);

/// The shortest time between two beats that the activity asks for, unless it has to be beaten more
/// often: a call for each turn of a loop would hold up others at the service. What it said last
/// goes.
const SAID: Duration = Duration::from_secs(1);

/// How long a beat waits for its details to be put elsewhere, if it may take so long.
const DETAILS: Duration = Duration::from_secs(10);

/// Why an activity has to stop.
pub(super) enum Stopped {
    /// The workflow asked for its cancel.
    Cancelled,
    /// The service does not know the task any more.
    Lost,
}

pub(super) struct Heart {
    activity_id: ActivityId,
    /// None when only the activity itself reports.
    interval: Option<Duration>,
    /// The shortest time between two beats that the activity asks for.
    pause: Duration,
    /// When the activity's time to run is up. A submit may give it another time, of which a worker
    /// does not learn, so this is when to ask the service.
    limit: Option<Duration>,
    stopped: AtomicBool,
    /// What the activity said last, until it is sent.
    details: Mutex<Option<SmolStr>>,
    said: Notify,
    /// How many characters of details may go.
    most_details: usize,
    too_long: AtomicBool,
}

impl Heart {
    pub(super) fn new(
        interval: Duration,
        most_details: usize,
        definition: &ActivityDefinition,
        activity_id: &ActivityId,
    ) -> Self {
        let limit = definition.heartbeat_timeout.duration();
        let most = limit.map_or(Duration::MAX, |limit| limit / BEATS_PER_LIMIT);
        let interval = Some(interval.min(most)).filter(|interval| !interval.is_zero());
        Self {
            activity_id: activity_id.clone(),
            interval: interval.map(|interval| interval.max(SHORTEST)),
            pause: interval.unwrap_or(most).clamp(SHORTEST, SAID),
            limit: definition.start_to_close_timeout.duration(),
            stopped: AtomicBool::new(false),
            details: Mutex::new(None),
            said: Notify::new(),
            most_details,
            too_long: AtomicBool::new(false),
        }
    }

    /// Tells the activity that it has to stop.
    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
    }

    /// Beats until the activity has to stop. A beat that fails otherwise is tried again with the
    /// next.
    pub(super) async fn beat<S: SwfService>(
        &self,
        service: &S,
        jumbo: Option<&Jumbo>,
        token: &TaskToken,
    ) -> Stopped {
        let mut limit = self.limit.map(|limit| Instant::now() + limit);
        let mut latest = None;
        // The latest details that could go, as they went.
        let mut sent = None;
        let mut soonest = Instant::now();
        loop {
            let interval = self.interval.map(|interval| Instant::now() + interval);
            let said = async {
                self.said.notified().await;
                sleep_until(soonest).await;
            };
            tokio::select! {
                () = said => {}
                () = at(interval) => {}
                // A moment later, so that the service has seen it too.
                () = at(limit.map(|limit| limit + SHORTEST)) => limit = None,
            }
            let said = self
                .details
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take();
            latest = said.or(latest);
            let mut request = RecordActivityTaskHeartbeat {
                task_token: token.clone(),
                details: latest.clone(),
                ..RecordActivityTaskHeartbeat::default()
            };
            let most = self.interval.map_or(DETAILS, |most| most.min(DETAILS));
            let patience = Patience::ONCE.at_most(most);
            match values::encode_patiently(jumbo, &mut request, patience).await {
                // What was put elsewhere for one beat is there for the next.
                Ok(()) => {
                    latest.clone_from(&request.details);
                    sent.clone_from(&request.details);
                }
                Err(error) => {
                    tracing::warn!(
                        activity_id = %self.activity_id,
                        "a heartbeat goes with the details of an earlier one: {error}"
                    );
                    request.details.clone_from(&sent);
                }
            }
            soonest = Instant::now() + self.pause;
            match service.record_activity_task_heartbeat(request).await {
                Ok(status) if status.cancel_requested => return Stopped::Cancelled,
                Ok(_) => {}
                Err(error) if error.is_fault(FaultKind::UnknownResource) => {
                    tracing::warn!(activity_id = %self.activity_id, "the task is lost: {error}");
                    return Stopped::Lost;
                }
                Err(error) => tracing::warn!(
                    activity_id = %self.activity_id,
                    "a heartbeat failed, the next is tried: {error}"
                ),
            }
        }
    }
}

async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}

impl HeartbeatSink for Heart {
    fn heartbeat(&self, details: Option<SmolStr>) {
        let length = details.as_deref().map_or(0, |text| text.chars().count());
        // A beat without details leaves those that wait to be sent.
        if length > self.most_details {
            // The service would refuse the beat with them.
            if !self.too_long.swap(true, Ordering::Relaxed) {
                tracing::warn!(
                    activity_id = %self.activity_id,
                    "the heartbeat goes without its details: they may have at most {} characters, \
                     not {length}; said once for each task",
                    self.most_details
                );
            }
        } else if details.is_some() {
            *self.details.lock().unwrap_or_else(PoisonError::into_inner) = details;
        }
        self.said.notify_one();
    }

    fn is_cancel_requested(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }
}
