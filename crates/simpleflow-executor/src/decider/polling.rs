//! The loop around a decider: polls, and stops without losing a task.

use futures::future::join_all;
use simpleflow_model::types::DecisionTask;
use simpleflow_model::{FaultKind, TaskListName};
use simpleflow_service::SwfService;

use super::{Decider, DeciderError};
use crate::poll::poll_until;
use crate::stop::Stop;

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
        let request = self.poll_request(task_list);
        let useless = || self.useless(task_list);
        while let Some(task) = poll_until(&self.service, &request, stop, useless()).await {
            self.decide_or_log(task, task_list, stop).await;
            // Decisions that need no wait would starve everything else on this thread.
            tokio::task::consume_budget().await;
        }
    }

    /// Waits until it is of no use to poll a list: it is the own one, and the service knows nothing
    /// of these.
    async fn useless(&self, task_list: &TaskListName) {
        match self.sticky().filter(|sticky| sticky.list == *task_list) {
            Some(sticky) => sticky.unsupported.cancelled().await,
            None => std::future::pending().await,
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
