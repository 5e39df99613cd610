//! Polling for a worker: one poll at a time.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt as _;
use simpleflow_model::operation::PollForActivityTask;
use simpleflow_model::types::ActivityTask;
use simpleflow_service::SwfService;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::task::{Background, Begun};
use super::{Ending, Worker, log_panic};
use crate::poll::ThenPoll;
use crate::stop::Stop;

/// Polls a task list, and adds what that brings to what runs. A poll has a slot, which its task gets.
pub(super) struct Poller<S> {
    pub worker: Worker<S>,
    pub poll: PollForActivityTask,
    pub slots: Arc<Semaphore>,
    /// What runs apart from the polls.
    pub running: Arc<Mutex<JoinSet<()>>>,
    pub stop: Stop,
    pub ending: Ending,
    /// Cancelled when a task runs in the place of its poll.
    pub in_place: CancellationToken,
}

impl<S: SwfService> Poller<S> {
    /// As [`run`](Self::run), from when tasks run in the places of their polls.
    pub(super) async fn run_if_in_place(self) {
        tokio::select! {
            () = self.in_place.cancelled() => self.run().await,
            () = self.stop.requested() => {}
        }
    }

    /// Polls until there is a stop.
    pub(super) async fn run(self) {
        let (mut kept_slot, mut under_way) = (None, None);
        loop {
            let slot = match kept_slot.take() {
                Some(slot) => slot,
                None => tokio::select! {
                    // The semaphore is never closed.
                    Ok(slot) = Arc::clone(&self.slots).acquire_owned() => slot,
                    () = self.stop.requested() => return,
                },
            };
            let polled = self
                .worker
                .poll(&self.poll, under_way.take(), &self.stop, &self.ending);
            let Some(task) = polled.await else {
                return;
            };
            if self.worker.service.polls_with_answers() {
                self.in_place.cancel();
                match self.begin(task).await {
                    Some(Begun::Answered(next)) => (kept_slot, under_way) = (Some(slot), next),
                    Some(Begun::GoesOn(background)) => self.go_on(background, slot),
                    None => {}
                }
            } else {
                // The answer would take the time of another poll.
                let (worker, ending) = (self.worker.clone(), self.ending.clone());
                let task_list = self.poll.task_list.name.clone();
                self.go_on(
                    Box::pin(async move { worker.work(task, &task_list, ending).await }),
                    slot,
                );
            }
        }
    }

    /// Begins a task in the place of the poll that brought it. One that is to its end then is
    /// answered, and the next poll is under way with the answer.
    async fn begin(&self, task: ActivityTask) -> Option<Begun> {
        let then_poll = ThenPoll {
            poll: &self.poll,
            stop: &self.stop,
        };
        let list = &self.poll.task_list.name;
        let begun = self
            .worker
            .begin(task, list, self.ending.clone(), Some(then_poll));
        // The activity's own panics are its failures; after one outside of it the polls go on.
        let begun = AssertUnwindSafe(begun).catch_unwind().await;
        // What needs no wait would starve everything else on this thread.
        tokio::task::consume_budget().await;
        match begun {
            Ok(begun) => Some(begun),
            Err(_) => {
                tracing::error!("an activity task was lost: the worker panicked");
                None
            }
        }
    }

    /// Has a task go on apart from the polls.
    fn go_on(&self, background: Background, slot: OwnedSemaphorePermit) {
        let stop = self.stop.clone();
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.spawn(async move {
            if let Some(abandoned) = background.await {
                tokio::select! {
                    () = abandoned => {}
                    () = stop.requested() => {}
                }
            }
            drop(slot);
        });
        // Whatever has ended by now is not waited for at a stop.
        while let Some(ended) = running.try_join_next() {
            log_panic(ended);
        }
    }
}
