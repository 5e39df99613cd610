//! Polls that wait, and tasks that wait for polls.

use std::time::{Duration, Instant};

use futures::future::join;
use simpleflow_model::FaultKind;
use simpleflow_model::decision::ScheduleActivityTask;
use simpleflow_model::operation::{
    CountPendingActivityTasks, CountPendingDecisionTasks, RespondDecisionTaskCompleted,
};
use simpleflow_model::types::{ActivityTask, DecisionTask};

use super::{PATIENCE, Suite};
use crate::SwfService;

/// How long a poll that is not woken waits, at the least.
const POLL: Duration = Duration::from_secs(50);

impl<S: SwfService> Suite<S> {
    /// A poll that waits gets the task that comes.
    ///
    /// # Panics
    /// The check fails.
    pub async fn polls_are_woken(&self) {
        let case = self.start("polls").await;
        case.decide(vec![]).await;
        let began = Instant::now();
        // The first is asked for before the second: it waits, or comes to wait.
        let (task, ()) = join(case.decision_task(), case.signal()).await;
        let decision = case.activity().into();
        let answer = case.answer(task.task_token, vec![decision]);
        let (task, ()) = join(case.activity_task(), answer).await;
        assert_eq!(task.activity_id.as_str(), "activity");
        assert!(began.elapsed() < POLL, "{:?}", began.elapsed());
        case.terminate().await;
    }

    /// A poll that goes with an answer brings the task that comes; there is none with an answer that
    /// is refused, and one that is dropped leaves the task to the next.
    ///
    /// # Panics
    /// The check fails.
    pub async fn polls_with_answers(&self) {
        let case = self.start("answers").await;
        let decided = |task: &DecisionTask, id: &str| RespondDecisionTaskCompleted {
            task_token: task.task_token.clone(),
            decisions: Some(vec![
                ScheduleActivityTask {
                    activity_id: id.into(),
                    ..case.activity()
                }
                .into(),
            ]),
            ..Default::default()
        };
        let decide = async |answer| {
            let poll = case.poll_request();
            let service = &self.service;
            service
                .respond_decision_task_completed_then_poll(answer, poll)
                .await
        };
        let complete = async |task: ActivityTask| {
            let answer = Self::completed(task.task_token);
            let poll = case.activity_poll_request();
            let service = &self.service;
            let answered = service.respond_activity_task_completed_then_poll(answer, poll);
            answered.await.unwrap()
        };
        let first = case.decision_task().await;
        let decisions = decide(decided(&first, "a")).await.unwrap();
        assert_eq!(decisions.is_some(), self.service.polls_with_answers());
        let refused = decide(decided(&first, "again")).await.map(drop);
        assert!(refused.unwrap_err().is_fault(FaultKind::UnknownResource));
        let activities = complete(case.activity_task().await).await;
        let second = match decisions {
            Some(next) => next.await.unwrap().expect("the result brings a task"),
            None => case.decision_task().await,
        };
        assert!(second.started_event_id > first.started_event_id);
        let decisions = decide(decided(&second, "b")).await.unwrap();
        let task = match activities {
            Some(next) => next.await.unwrap().expect("the decision brings a task"),
            None => case.activity_task().await,
        };
        assert_eq!(task.activity_id.as_str(), "b");
        drop(decisions);
        drop(complete(task).await);
        case.decide(vec![case.activity().into()]).await;
        assert_eq!(case.activity_task().await.activity_id.as_str(), "activity");
        case.terminate().await;
    }

    /// Tasks that nobody has taken are counted.
    ///
    /// # Panics
    /// The check fails.
    pub async fn pending_tasks(&self) {
        let case = self.start("pending").await;
        let decisions = CountPendingDecisionTasks {
            domain: self.domain.clone(),
            task_list: case.list.clone(),
            ..Default::default()
        };
        let activities = CountPendingActivityTasks {
            domain: self.domain.clone(),
            task_list: case.list.clone(),
            ..Default::default()
        };
        let counts = async |expected: (u32, u32)| {
            for _ in 0..PATIENCE {
                let service = &self.service;
                let decisions = service.count_pending_decision_tasks(decisions.clone());
                let activities = service.count_pending_activity_tasks(activities.clone());
                let (decisions, activities) = join(decisions, activities).await;
                if (decisions.unwrap().count, activities.unwrap().count) == expected {
                    return;
                }
            }
            panic!("the counts of decision and activity tasks are not {expected:?}");
        };
        counts((1, 0)).await;
        case.decide(vec![case.activity().into()]).await;
        counts((0, 1)).await;
        case.activity_task().await;
        counts((0, 0)).await;
        case.terminate().await;
    }
}
