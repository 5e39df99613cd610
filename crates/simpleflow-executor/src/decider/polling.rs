//! The loop around a decider: polls, and stops without losing a task.

use std::time::Duration;

use futures::future::join_all;
use simpleflow_model::types::DecisionTask;
use simpleflow_model::{FaultKind, TaskListName};
use simpleflow_service::{ServiceError, SwfService};
use tokio::time::{Instant, sleep, sleep_until};

use super::{Decider, DeciderError};
use crate::retry::persistently;
use crate::stop::Stop;

/// How long to wait before a poll that was refused is tried once more.
const REFUSED: Duration = Duration::from_secs(10);

/// How long a poll takes at least before the next, when it brought nothing. Some servers do not
/// wait for tasks.
const EMPTY: Duration = Duration::from_secs(1);

/// How long a poll may still bring a task that is on its way, when it is about to be dropped.
const ON_ITS_WAY: Duration = Duration::from_millis(100);

impl<S: SwfService> Decider<S> {
    /// Polls some task lists, and its own if it has one, and answers their tasks until it is told
    /// to stop. Each list is polled by itself, so a task that waits for its service does not hold
    /// up the others.
    ///
    /// When a stop is requested, tasks at hand are answered, and polls under way are waited for, up
    /// to 60 seconds: only a service that [takes tasks back](SwfService::takes_tasks_back) can be
    /// left at once. A task that cannot be answered is logged and left to the service, which hands
    /// it out again when its time is up. What the service may yet do is asked again, for as long as
    /// it takes.
    pub async fn run(&self, task_lists: &[TaskListName], stop: &Stop) {
        tokio::select! {
            () = self.poll_all(task_lists, stop) => {}
            () = stop.at_once() => {}
        }
    }

    async fn poll_all(&self, task_lists: &[TaskListName], stop: &Stop) {
        let own = self.sticky().map(|sticky| &sticky.list);
        let lists = task_lists.iter().chain(own);
        join_all(lists.map(|list| self.poll(list, stop))).await;
    }

    async fn poll(&self, task_list: &TaskListName, stop: &Stop) {
        while !stop.is_requested() {
            let began = Instant::now();
            let request = self.poll_request(task_list);
            let polled = tokio::select! {
                biased;
                polled = persistently("PollForDecisionTask", stop.token(), || {
                    self.service.poll_for_decision_task(request.clone())
                }) => polled,
                () = self.may_hang_up(task_list, stop) => return,
            };
            let pause = match polled {
                Ok(Some(task)) => {
                    self.decide_or_log(task, task_list, stop).await;
                    // Decisions that need no wait would starve everything else on this thread.
                    tokio::task::consume_budget().await;
                    continue;
                }
                Ok(None) => began + EMPTY,
                Err(ServiceError::Stopped) => return,
                Err(_) if stop.is_requested() => return,
                Err(error) => {
                    tracing::error!(%task_list, "cannot poll for decision tasks: {error}");
                    // It was refused and will be again, until somebody does something about it.
                    Instant::now() + REFUSED
                }
            };
            tokio::select! {
                () = sleep_until(pause) => {}
                () = stop.requested() => return,
            }
        }
    }

    /// Waits until a poll may be dropped: nobody will use what it brings, or nothing is lost.
    async fn may_hang_up(&self, task_list: &TaskListName, stop: &Stop) {
        let stopped = async {
            stop.requested().await;
            if self.service.takes_tasks_back() {
                sleep(ON_ITS_WAY).await;
            } else {
                std::future::pending().await
            }
        };
        let useless = async {
            match self.sticky().filter(|sticky| sticky.list == *task_list) {
                Some(sticky) => sticky.unsupported.cancelled().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = stopped => {}
            () = useless => {}
        }
    }

    async fn decide_or_log(&self, task: DecisionTask, task_list: &TaskListName, stop: &Stop) {
        match self.decide_until(task, task_list, stop).await {
            Ok(()) => {}
            // Also one whose first answer was carried out although the connection broke.
            Err(DeciderError::Service(error)) if error.is_fault(FaultKind::UnknownResource) => {
                tracing::warn!("a decision came too late, or for the second time: {error}");
            }
            Err(error) => tracing::error!("a decision task is not answered: {error}"),
        }
    }
}
