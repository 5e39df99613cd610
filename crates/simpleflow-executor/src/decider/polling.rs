//! The loop around a decider: polls, and stops without losing a task.

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use simpleflow_model::operation::PollForDecisionTask;
use simpleflow_model::types::DecisionTask;
use simpleflow_model::{FaultKind, TaskListName};
use simpleflow_service::{NextTask, SwfService};

use super::{Decider, DeciderError, Then};
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
        // Each is woken by itself: a pool may have many.
        let mut polls: FuturesUnordered<_> = lists.map(|list| self.poll(list, stop)).collect();
        while polls.next().await.is_some() {}
    }

    async fn poll(&self, task_list: &TaskListName, stop: &Stop) {
        let request = self.poll_request(task_list);
        let mut under_way = None;
        loop {
            let useless = self.useless(task_list);
            let polled = poll_until(&self.service, &request, under_way, stop, useless);
            let Some(task) = polled.await else {
                return;
            };
            under_way = self.decide_or_log(task, &request, stop).await;
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

    /// Answers a task of that poll. Gives the next poll if that is under way by then.
    async fn decide_or_log(
        &self,
        task: DecisionTask,
        poll: &PollForDecisionTask,
        stop: &Stop,
    ) -> Option<NextTask<DecisionTask>> {
        match self.decide_until(task, poll, Then::Poll, stop).await {
            Ok(under_way) => return under_way,
            // Also one whose first answer was carried out although the connection broke.
            Err(DeciderError::Service(error)) if error.is_fault(FaultKind::UnknownResource) => {
                tracing::warn!("a decision came too late, or for the second time: {error}");
            }
            Err(error) => tracing::error!("a decision task is not answered: {error}"),
        }
        None
    }
}
