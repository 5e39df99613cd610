//! Polling a task list, and answering with the next poll: one way for all who take tasks.

use std::time::Duration;

use simpleflow_model::operation::{
    CountPendingActivityTasks, CountPendingDecisionTasks, PollForActivityTask, PollForDecisionTask,
    RespondActivityTaskCompleted, RespondDecisionTaskCompleted,
};
use simpleflow_model::types::{ActivityTask, DecisionTask};
use simpleflow_service::{NextTask, ServiceError, SwfService};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::retry::persistently;
use crate::stop::Stop;

/// How long to wait before a poll that was refused is tried once more.
const REFUSED: Duration = Duration::from_secs(10);

/// How long a poll takes at least before the next, when it brought nothing. Some servers do not
/// wait for tasks.
const EMPTY: Duration = Duration::from_secs(1);

/// How long a poll may still bring a task that is on its way, when it is about to be dropped.
const ON_ITS_WAY: Duration = Duration::from_millis(100);

/// A request that polls a task list.
pub(crate) trait Poll: Clone + Send + Sync {
    /// Its name.
    const OPERATION: &'static str;

    /// What it brings.
    type Task: Send;

    /// What says that such a task is done.
    type Answer: Clone + Send + Sync;

    /// The name of that.
    const ANSWER: &'static str;

    /// Polls.
    fn send<S: SwfService>(
        self,
        service: &S,
    ) -> impl Future<Output = Result<Option<Self::Task>, ServiceError>> + Send;

    /// Answers.
    fn answer<S: SwfService>(
        service: &S,
        answer: Self::Answer,
    ) -> impl Future<Output = Result<(), ServiceError>> + Send;

    /// Answers, and polls.
    fn send_after<S: SwfService>(
        self,
        answer: Self::Answer,
        service: &S,
    ) -> impl Future<Output = Result<Option<NextTask<Self::Task>>, ServiceError>> + Send;

    /// The name of the list.
    fn list(&self) -> &str;

    /// Asks about the list. The answer is of no interest, but whose it is.
    fn ask<S: SwfService>(&self, service: &S) -> impl Future<Output = ()> + Send;
}

macro_rules! poll {
    (
        $request:ident $poll:ident -> $task:ident,
        $answer:ident $respond:ident $then_poll:ident,
        $count:ident $ask:ident
    ) => {
        impl Poll for $request {
            const OPERATION: &'static str = stringify!($request);

            type Task = $task;

            type Answer = $answer;

            const ANSWER: &'static str = stringify!($answer);

            async fn send<S: SwfService>(self, service: &S) -> Result<Option<$task>, ServiceError> {
                service.$poll(self).await
            }

            async fn answer<S: SwfService>(
                service: &S,
                answer: $answer,
            ) -> Result<(), ServiceError> {
                service.$respond(answer).await
            }

            async fn send_after<S: SwfService>(
                self,
                answer: $answer,
                service: &S,
            ) -> Result<Option<NextTask<$task>>, ServiceError> {
                service.$then_poll(answer, self).await
            }

            fn list(&self) -> &str {
                self.task_list.name.as_str()
            }

            async fn ask<S: SwfService>(&self, service: &S) {
                let question = $count {
                    domain: self.domain.clone(),
                    task_list: self.task_list.clone(),
                    ..$count::default()
                };
                let _ = service.$ask(question).await;
            }
        }
    };
}

poll!(PollForActivityTask poll_for_activity_task -> ActivityTask,
    RespondActivityTaskCompleted
        respond_activity_task_completed respond_activity_task_completed_then_poll,
    CountPendingActivityTasks count_pending_activity_tasks);
poll!(PollForDecisionTask poll_for_decision_task_early -> DecisionTask,
    RespondDecisionTaskCompleted
        respond_decision_task_completed respond_decision_task_completed_then_poll,
    CountPendingDecisionTasks count_pending_decision_tasks);

/// The poll that goes with an answer.
pub(crate) struct ThenPoll<'a, P> {
    pub poll: &'a P,
    pub stop: &'a Stop,
}

/// Answers a task, with the next poll in the same request where that can be done at once; until
/// `give_up` is cancelled. No poll is begun once a stop is requested.
///
/// # Errors
/// The service refuses the answer.
pub(crate) async fn answer<S: SwfService, P: Poll>(
    service: &S,
    answer: P::Answer,
    then_poll: Option<ThenPoll<'_, P>>,
    give_up: &CancellationToken,
) -> Result<Option<NextTask<P::Task>>, ServiceError> {
    let attempt = || async {
        let answer = answer.clone();
        match &then_poll {
            Some(then) if !then.stop.is_requested() => {
                then.poll.clone().send_after(answer, service).await
            }
            _ => P::answer(service, answer).await.map(|()| None),
        }
    };
    persistently(P::ANSWER, give_up, attempt).await
}

/// Polls until there is a task, first with the poll that is under way, if there is one. There is none
/// when a stop is requested, when `give_up` ends, or when the service was stopped, which is a request
/// to stop too.
///
/// At a stop the poll that is out is dropped only where its task is not lost with it; else it is
/// waited for, until `give_up`.
///
/// # Errors
/// The service refuses to be polled.
pub(crate) async fn poll<S: SwfService, P: Poll>(
    service: &S,
    request: &P,
    mut under_way: Option<NextTask<P::Task>>,
    stop: &Stop,
    give_up: impl Future<Output = ()>,
) -> Result<Option<P::Task>, ServiceError> {
    let until_a_task = async {
        while under_way.is_some() || !stop.is_requested() {
            let began = Instant::now();
            let under_way = under_way.take();
            let polled = async {
                if let Some(next) = under_way {
                    match next.await {
                        Err(error) => tracing::debug!("the poll after an answer failed: {error}"),
                        polled => return polled,
                    }
                    if stop.is_requested() {
                        return Ok(None);
                    }
                }
                let poll = || request.clone().send(service);
                persistently(P::OPERATION, stop.token(), poll).await
            };
            let polled = tokio::select! {
                biased;
                polled = polled => polled,
                () = can_leave(service, request, stop) => return Ok(None),
            };
            match polled {
                Ok(None) => {}
                Err(ServiceError::Stopped) => stop.request(),
                // There may be nobody left to talk to.
                Err(error) if stop.is_requested() => {
                    tracing::debug!("stopping: a poll failed: {error}");
                }
                done => return done,
            }
            tokio::select! {
                () = sleep_until(began + EMPTY) => {}
                () = stop.requested() => {}
            }
        }
        Ok(None)
    };
    tokio::select! {
        biased;
        polled = until_a_task => polled,
        () = give_up => Ok(None),
    }
}

/// The same for who cannot do without: a service that refuses to be polled is asked again.
pub(crate) async fn poll_until<S: SwfService, P: Poll>(
    service: &S,
    request: &P,
    mut under_way: Option<NextTask<P::Task>>,
    stop: &Stop,
    give_up: impl Future<Output = ()>,
) -> Option<P::Task> {
    let mut give_up = std::pin::pin!(give_up);
    loop {
        match poll(service, request, under_way.take(), stop, &mut give_up).await {
            Ok(task) => return task,
            Err(error) => {
                let task_list = request.list();
                tracing::error!(%task_list, "cannot poll, {}: {error}", P::OPERATION);
            }
        }
        // It will be again, until somebody does something about it.
        tokio::select! {
            () = sleep(REFUSED) => {}
            () = stop.requested() => return None,
            () = &mut give_up => return None,
        }
    }
}

/// Waits until there is a stop and the poll can be dropped without loss, which may be never.
async fn can_leave<S: SwfService>(service: &S, request: &impl Poll, stop: &Stop) {
    stop.requested().await;
    if !service.takes_tasks_back() {
        // It may have answered nothing yet, and so not be known.
        request.ask(service).await;
    }
    if !service.takes_tasks_back() {
        let task_list = request.list();
        tracing::debug!(%task_list, "stopping: the poll that is out may bring a task");
        std::future::pending().await
    }
    sleep(ON_ITS_WAY).await;
}

#[cfg(test)]
mod tests {
    use simpleflow_model::operation::RegisterDomain;
    use simpleflow_model::types::TaskList;
    use simpleflow_model::{FaultKind, RetentionDays};
    use tokio::time::timeout;

    use super::*;
    use crate::in_process::InProcess;

    const PATIENCE: Duration = Duration::from_secs(50);

    fn request() -> PollForActivityTask {
        PollForActivityTask {
            domain: "polls".into(),
            task_list: TaskList {
                name: "list".into(),
                ..TaskList::default()
            },
            ..PollForActivityTask::default()
        }
    }

    async fn polled(service: &InProcess, stop: &Stop) -> Result<bool, ServiceError> {
        let request = request();
        let polled = poll(service, &request, None, stop, std::future::pending());
        let polled = timeout(PATIENCE, polled).await.expect("the poll ends");
        polled.map(|task| task.is_some())
    }

    #[tokio::test]
    async fn a_refusal_is_told_unless_there_is_a_stop() {
        let (service, stop) = (InProcess::new(), Stop::new());
        let refused = polled(&service, &stop).await.unwrap_err();
        assert!(refused.is_fault(FaultKind::UnknownResource), "{refused}");
        stop.request();
        assert_eq!(polled(&service, &stop).await, Ok(false));
        let request = request();
        let task = poll_until(&service, &request, None, &stop, std::future::pending());
        assert!(timeout(PATIENCE, task).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn a_poll_that_is_out_is_left_at_a_stop() {
        let (service, stop) = (InProcess::new(), Stop::new());
        let domain = RegisterDomain {
            name: "polls".into(),
            workflow_execution_retention_period_in_days: RetentionDays(1),
            ..RegisterDomain::default()
        };
        service.register_domain(domain).await.unwrap();
        let request_stop = async {
            tokio::task::yield_now().await;
            stop.request();
        };
        let (polled, ()) = tokio::join!(polled(&service, &stop), request_stop);
        assert_eq!(polled, Ok(false));
    }
}
