//! Repairing an execution: a new one of the same workflow takes the results of the tasks that were
//! done in the former one, and runs the rest.
//!
//! The tasks that were done are scheduled as all others, on a task list of their own, whose worker
//! and decider answer with the former results. So the new history is whole, and needs nothing of
//! the former one when it is replayed.

use std::collections::HashMap;

use simpleflow_core::child_id_prefix;
use simpleflow_jumbo::Jumbo;
use simpleflow_model::decision::CompleteWorkflowExecution;
use simpleflow_model::operation::{
    PollForActivityTask, PollForDecisionTask, RespondActivityTaskCompleted,
    RespondDecisionTaskCompleted,
};
use simpleflow_model::values::Values;
use simpleflow_model::{
    Decision, DomainName, EventAttributes, EventId, HistoryEvent, SmolStr, TaskList, TaskListName,
    WorkflowExecution,
};
use simpleflow_service::{ServiceError, SwfService};

use crate::own_list::beside;
use crate::poll::poll;
use crate::retry::persistently;
use crate::stop::Stop;
use crate::values;

/// The tasks of a former execution that were done, with their results.
#[derive(Clone, Debug)]
pub struct Repair {
    /// By activity id.
    activities: HashMap<SmolStr, Option<SmolStr>>,
    /// By the id without what it has from its parent.
    children: HashMap<SmolStr, Option<SmolStr>>,
}

impl Repair {
    /// Takes over what was done in a former execution, but for the tasks whose id is one to run
    /// `again`.
    pub fn new(
        former: &WorkflowExecution,
        history: &[HistoryEvent],
        again: impl Fn(&str) -> bool,
    ) -> Self {
        let mut scheduled: HashMap<EventId, &str> = HashMap::new();
        let mut activities = HashMap::new();
        let mut children = HashMap::new();
        for event in history {
            match &event.attributes {
                EventAttributes::ActivityTaskScheduled(a) => {
                    scheduled.insert(event.event_id, a.activity_id.as_str());
                }
                EventAttributes::ActivityTaskCompleted(a) => {
                    let id = scheduled.get(&a.scheduled_event_id);
                    if let Some(id) = id.filter(|id| !again(id)) {
                        activities.insert(SmolStr::from(*id), a.result.clone());
                    }
                }
                EventAttributes::ChildWorkflowExecutionCompleted(a) => {
                    let id = a.workflow_execution.workflow_id.as_str();
                    if !again(id) {
                        children.insert(own_part(id, former), a.result.clone());
                    }
                }
                _ => {}
            }
        }
        Self {
            activities,
            children,
        }
    }

    /// How many tasks are taken over.
    pub fn tasks(&self) -> usize {
        self.activities.len() + self.children.len()
    }

    /// Sends a task that was done to where it is answered. The other decisions are left as they
    /// are. `execution` is the one that is repaired, which has this task list; those of its children
    /// and of the runs that it continues as have tasks of the same ids, which are others.
    pub(crate) fn reroute(
        &self,
        execution: &WorkflowExecution,
        task_list: &TaskListName,
        decision: &mut Decision,
    ) {
        match decision {
            Decision::ScheduleActivityTask(task)
                if self.activities.contains_key(task.activity_id.as_str()) =>
            {
                task.task_list = Some(answered_on(task_list));
            }
            Decision::StartChildWorkflowExecution(child)
                if self
                    .children
                    .contains_key(&own_part(child.workflow_id.as_str(), execution)) =>
            {
                child.task_list = Some(answered_on(task_list));
            }
            _ => {}
        }
    }

    /// Answers the tasks that are sent there until there is a stop. `task_list` is that of the
    /// execution.
    ///
    /// # Errors
    /// [`ServiceError`]: the service refused to be polled.
    pub(crate) async fn answer<S: SwfService>(
        &self,
        service: &S,
        jumbo: Option<&Jumbo>,
        domain: &DomainName,
        task_list: &TaskListName,
        stop: &Stop,
    ) -> Result<(), ServiceError> {
        let list = answered_on(task_list);
        let activities = async {
            while !stop.is_requested() {
                self.answer_activity(service, jumbo, domain, &list, stop)
                    .await?;
            }
            Ok(())
        };
        let children = async {
            while !stop.is_requested() {
                self.answer_child(service, jumbo, domain, &list, stop)
                    .await?;
            }
            Ok(())
        };
        tokio::try_join!(activities, children).map(drop)
    }

    async fn answer_activity<S: SwfService>(
        &self,
        service: &S,
        jumbo: Option<&Jumbo>,
        domain: &DomainName,
        list: &TaskList,
        stop: &Stop,
    ) -> Result<(), ServiceError> {
        let request = PollForActivityTask {
            domain: domain.clone(),
            task_list: list.clone(),
            identity: Some(crate::identity().clone()),
            ..PollForActivityTask::default()
        };
        let Some(task) = poll(service, &request, stop, stop.at_once()).await? else {
            return Ok(());
        };
        let result = self.activities.get(task.activity_id.as_str()).cloned();
        let mut answer = RespondActivityTaskCompleted {
            task_token: task.task_token,
            result: result.flatten(),
            ..RespondActivityTaskCompleted::default()
        };
        if !renew(jumbo, &mut answer).await {
            return Ok(());
        }
        let answered = persistently("RespondActivityTaskCompleted", stop.token(), || {
            service.respond_activity_task_completed(answer.clone())
        });
        told(answered.await);
        Ok(())
    }

    async fn answer_child<S: SwfService>(
        &self,
        service: &S,
        jumbo: Option<&Jumbo>,
        domain: &DomainName,
        list: &TaskList,
        stop: &Stop,
    ) -> Result<(), ServiceError> {
        let request = PollForDecisionTask {
            domain: domain.clone(),
            task_list: list.clone(),
            identity: Some(crate::identity().clone()),
            ..PollForDecisionTask::default()
        };
        let Some(task) = poll(service, &request, stop, stop.at_once()).await? else {
            return Ok(());
        };
        let parent = task
            .events
            .first()
            .and_then(|first| match &first.attributes {
                EventAttributes::WorkflowExecutionStarted(a) => a.parent_workflow_execution.clone(),
                _ => None,
            });
        let own = own_part(
            task.workflow_execution.workflow_id.as_str(),
            &parent.unwrap_or_default(),
        );
        let complete = CompleteWorkflowExecution {
            result: self.children.get(&own).cloned().flatten(),
            ..CompleteWorkflowExecution::default()
        };
        let mut answer = RespondDecisionTaskCompleted {
            task_token: task.task_token,
            decisions: Some(vec![complete.into()]),
            ..RespondDecisionTaskCompleted::default()
        };
        if !renew(jumbo, &mut answer).await {
            return Ok(());
        }
        let answered = persistently("RespondDecisionTaskCompleted", stop.token(), || {
            service.respond_decision_task_completed(answer.clone())
        });
        told(answered.await);
        Ok(())
    }
}

/// Where the tasks that were done are answered, of an execution with this task list.
fn answered_on(task_list: &TaskListName) -> TaskList {
    TaskList {
        name: beside(task_list, "repaired"),
        ..TaskList::default()
    }
}

/// Writes values anew that are elsewhere: what the former execution wrote may be removed before the
/// new one ends. Whether that could be done; if not, the task is handed out again.
async fn renew<T: Values + Send>(jumbo: Option<&Jumbo>, answer: &mut T) -> bool {
    let renewed = match values::decode(jumbo, answer).await {
        Ok(()) => values::encode(jumbo, answer).await,
        lost => lost,
    };
    let renewed = renewed.inspect_err(|error| {
        tracing::error!("a task that was done before is not answered: {error}");
    });
    renewed.is_ok()
}

/// An answer that is not taken is given again when the task's time is up.
fn told(answered: Result<(), ServiceError>) {
    if let Err(error) = answered {
        tracing::warn!("the answer to a task that was done before is not taken: {error}");
    }
}

/// The id of a child without what it has from its parent, so that it is the same in each execution
/// of the parent.
fn own_part(id: &str, parent: &WorkflowExecution) -> SmolStr {
    let prefix = child_id_prefix(parent.workflow_id.as_str(), parent.run_id.as_str());
    id.replacen(&prefix, "", 1).into()
}
