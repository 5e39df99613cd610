//! Polls that wait, and tasks that wait for polls.

use std::time::{Duration, Instant};

use futures::future::join;
use simpleflow_model::operation::{CountPendingActivityTasks, CountPendingDecisionTasks};

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
