//! Polls: those that wait for a list by name, and those of whoever serves all lists.

use std::sync::Arc;
use std::time::Duration;

use simpleflow_engine::{Engine, Ready, TaskKind};
use simpleflow_model::operation::{PollForActivityTask, PollForDecisionTask};
use simpleflow_model::types::{ActivityTask, DecisionTask};
use simpleflow_model::{DomainName, Fault, TaskListName, Timestamp};
use simpleflow_service::ServiceError;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use super::time::AtWork;
use super::{InProcess, Inner, Shared};

/// How long a poll waits for a task, as the service's.
const POLL: Duration = Duration::from_secs(60);

/// A list that is polled by name: how many polls wait, and what tells one of them.
#[derive(Default)]
pub(super) struct Polled {
    polls: usize,
    pub(super) told: Arc<Notify>,
}

impl Inner {
    /// Leaves a list to whoever serves all lists.
    pub(super) fn leave(&mut self, list: Ready, shared: &Shared) {
        let (lists, told) = match list.kind {
            TaskKind::Decision => (&mut self.decision_lists, &shared.decisions_ready),
            TaskKind::Activity => (&mut self.activity_lists, &shared.activities_ready),
        };
        if !lists.contains(&list) {
            lists.push_back(list);
        }
        told.notify_one();
    }
}

impl InProcess {
    /// Waits for a list of a kind that has a task and that nobody polls by name; for whoever
    /// serves all lists.
    pub(crate) async fn ready_list(&self, kind: TaskKind) -> (DomainName, TaskListName) {
        let told = match kind {
            TaskKind::Decision => &self.shared.decisions_ready,
            TaskKind::Activity => &self.shared.activities_ready,
        };
        loop {
            {
                let inner = self.lock();
                let lists = match kind {
                    TaskKind::Decision => &inner.decision_lists,
                    TaskKind::Activity => &inner.activity_lists,
                };
                if let Some(ready) = lists.front() {
                    return (ready.domain.clone(), ready.task_list.clone());
                }
            }
            told.notified().await;
        }
    }

    /// A poll that does not wait: for whoever serves all lists. A list that turns out empty is
    /// no longer said to be ready.
    fn poll_now<T>(
        &self,
        kind: TaskKind,
        poll: impl FnOnce(&mut Engine, Timestamp) -> Result<Option<T>, Fault>,
    ) -> Result<Option<(T, AtWork)>, ServiceError> {
        let task = self.command(|inner, now| {
            let task = poll(&mut inner.engine, now)?;
            match &task {
                Some(_) => inner.at_work += 1,
                None => {
                    match kind {
                        TaskKind::Decision => inner.decision_lists.pop_front(),
                        TaskKind::Activity => inner.activity_lists.pop_front(),
                    };
                }
            }
            Ok::<_, Fault>(task)
        })?;
        Ok(task.map(|task| (task, AtWork(self.clone()))))
    }

    pub(crate) fn poll_decision_now(
        &self,
        request: &PollForDecisionTask,
    ) -> Result<Option<(DecisionTask, AtWork)>, ServiceError> {
        self.poll_now(TaskKind::Decision, |engine, now| {
            engine.poll_for_decision_task(request, now)
        })
    }

    pub(crate) fn poll_activity_now(
        &self,
        request: &PollForActivityTask,
    ) -> Result<Option<(ActivityTask, AtWork)>, ServiceError> {
        self.poll_now(TaskKind::Activity, |engine, now| {
            engine.poll_for_activity_task(request, now)
        })
    }

    /// A long poll of one list.
    pub(super) async fn poll<T>(
        &self,
        list: Ready,
        poll: impl Fn(&mut Engine, Timestamp) -> Result<Option<T>, Fault>,
    ) -> Result<Option<T>, ServiceError> {
        let deadline = Instant::now() + POLL;
        let polling = Polling::of(self, list);
        loop {
            let task = self.call(&poll)?;
            if task.is_some() {
                // There may be more for other polls of the list.
                polling.told.notify_one();
                return Ok(task);
            }
            if timeout_at(deadline, polling.told.notified()).await.is_err() {
                return Ok(None);
            }
        }
    }
}

/// A poll of a list by name, as long as it waits.
struct Polling<'a> {
    service: &'a InProcess,
    list: Ready,
    told: Arc<Notify>,
}

impl<'a> Polling<'a> {
    fn of(service: &'a InProcess, list: Ready) -> Self {
        let mut inner = service.lock();
        let polled = inner.polled.entry(list.clone()).or_default();
        polled.polls += 1;
        Self {
            service,
            list,
            told: Arc::clone(&polled.told),
        }
    }
}

impl Drop for Polling<'_> {
    /// The last poll of a list may leave tasks behind, of which it alone was told.
    fn drop(&mut self) {
        let mut inner = self.service.lock();
        let Some(polled) = inner.polled.get_mut(&self.list) else {
            return;
        };
        polled.polls -= 1;
        if polled.polls == 0 {
            inner.polled.remove(&self.list);
            inner.leave(self.list.clone(), &self.service.shared);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Waker};

    use simpleflow_model::operation::StartWorkflowExecution;
    use simpleflow_model::{TaskList, WorkflowType};
    use simpleflow_service::SwfService as _;

    use super::*;
    use crate::registration;

    const DOMAIN: &str = "domain";
    const LIST: &str = "list";

    async fn service() -> InProcess {
        let service = InProcess::new();
        registration::register_domain(&service, DOMAIN.into())
            .await
            .unwrap();
        registration::register_workflow_type(&service, DOMAIN.into(), workflow_type())
            .await
            .unwrap();
        service
    }

    fn workflow_type() -> WorkflowType {
        WorkflowType {
            name: "workflow".into(),
            version: "1".into(),
            ..WorkflowType::default()
        }
    }

    fn list() -> TaskList {
        TaskList {
            name: LIST.into(),
            ..TaskList::default()
        }
    }

    async fn start(service: &InProcess, workflow_id: &str) {
        let request = StartWorkflowExecution {
            domain: DOMAIN.into(),
            workflow_id: workflow_id.into(),
            workflow_type: workflow_type(),
            task_list: Some(list()),
            ..StartWorkflowExecution::default()
        };
        service.start_workflow_execution(request).await.unwrap();
    }

    async fn poll(service: &InProcess) -> Option<DecisionTask> {
        let request = PollForDecisionTask {
            domain: DOMAIN.into(),
            task_list: list(),
            ..PollForDecisionTask::default()
        };
        service.poll_for_decision_task(request).await.unwrap()
    }

    fn run<T>(test: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        runtime.block_on(test)
    }

    #[test]
    fn each_of_several_polls_gets_a_task() {
        run(async {
            let service = service().await;
            let starts = async {
                for id in ["a", "b", "c"] {
                    start(&service, id).await;
                }
            };
            let (a, b, c, ()) =
                tokio::join!(poll(&service), poll(&service), poll(&service), starts);
            let mut ids = [a, b, c].map(|task| task.unwrap().workflow_execution.workflow_id);
            ids.sort();
            assert_eq!(ids, ["a", "b", "c"].map(Into::into));
        });
    }

    #[test]
    fn a_poll_that_hung_up_leaves_its_task_and_nothing_else() {
        run(async {
            let service = service().await;
            {
                let mut poll = pin!(poll(&service));
                let mut context = Context::from_waker(Waker::noop());
                assert!(poll.as_mut().poll(&mut context).is_pending());
                start(&service, "a").await;
            }
            assert!(service.lock().polled.is_empty());
            let ready = service.ready_list(TaskKind::Decision).await;
            assert_eq!(ready, (DOMAIN.into(), LIST.into()));
            assert!(poll(&service).await.is_some());
        });
    }
}
