//! Repairing an execution: a new one of the same workflow takes the results of the tasks that were
//! done in the former one, and runs the rest.
//!
//! The tasks that were done are scheduled as all others, on a task list of their own, whose worker
//! and decider answer with the former results. So the new history is whole, and needs nothing of
//! the former one when it is replayed.

use std::collections::HashMap;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use simpleflow_core::child_id_prefix;
use simpleflow_jumbo::Jumbo;
use simpleflow_model::decision::CompleteWorkflowExecution;
use simpleflow_model::operation::{
    PollForActivityTask, PollForDecisionTask, RespondActivityTaskCompleted,
    RespondDecisionTaskCompleted,
};
use simpleflow_model::{
    Decision, DomainName, EventAttributes, EventId, HistoryEvent, SmolStr, TaskList, TaskListName,
    WorkflowExecution,
};
use simpleflow_service::{ServiceError, SwfService};
use tokio_util::sync::CancellationToken;

use crate::own_list::beside;
use crate::poll::poll;
use crate::retry::persistently;
use crate::stop::Stop;
use crate::values::{self, Patience, ValueError};

/// How many results are written anew at once.
const CONCURRENT: usize = 8;

/// Results of tasks, by the ids of these.
type Results = HashMap<SmolStr, Option<SmolStr>>;

/// The tasks of a former execution that were done, with their results.
#[derive(Clone, Debug)]
pub struct Repair {
    /// By activity id.
    activities: Results,
    /// By the id without what it has from its parent.
    children: Results,
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

    /// The same with the values written anew that are elsewhere: what the former execution wrote may
    /// be removed before the new one ends. A task whose result is lost is run again. It is done before
    /// there are tasks to answer: these have time limits, and SWF hands an activity out only once.
    ///
    /// # Errors
    /// A result cannot be had, or cannot be written, now; or there is a stop.
    pub(crate) async fn renewed(
        &self,
        jumbo: Option<&Jumbo>,
        stop: &CancellationToken,
    ) -> Result<Self, ValueError> {
        Ok(Self {
            activities: renewed(&self.activities, jumbo, stop).await?,
            children: renewed(&self.children, jumbo, stop).await?,
        })
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
        domain: &DomainName,
        task_list: &TaskListName,
        stop: &Stop,
    ) -> Result<(), ServiceError> {
        let list = answered_on(task_list);
        let activities = async {
            while !stop.is_requested() {
                self.answer_activity(service, domain, &list, stop).await?;
            }
            Ok(())
        };
        let children = async {
            while !stop.is_requested() {
                self.answer_child(service, domain, &list, stop).await?;
            }
            Ok(())
        };
        tokio::try_join!(activities, children).map(drop)
    }

    async fn answer_activity<S: SwfService>(
        &self,
        service: &S,
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
        let Some(task) = poll(service, &request, None, stop, stop.at_once()).await? else {
            return Ok(());
        };
        let result = self.activities.get(task.activity_id.as_str()).cloned();
        let answer = RespondActivityTaskCompleted {
            task_token: task.task_token,
            result: result.flatten(),
            ..RespondActivityTaskCompleted::default()
        };
        let answered = persistently("RespondActivityTaskCompleted", stop.token(), || {
            service.respond_activity_task_completed(answer.clone())
        });
        told(answered.await);
        Ok(())
    }

    async fn answer_child<S: SwfService>(
        &self,
        service: &S,
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
        let Some(task) = poll(service, &request, None, stop, stop.at_once()).await? else {
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
        let answer = RespondDecisionTaskCompleted {
            task_token: task.task_token,
            decisions: Some(vec![complete.into()]),
            ..RespondDecisionTaskCompleted::default()
        };
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

async fn renewed(
    results: &Results,
    jumbo: Option<&Jumbo>,
    stop: &CancellationToken,
) -> Result<Results, ValueError> {
    let renew = results
        .iter()
        .map(|(id, result)| renew(id, result, jumbo, stop));
    let renewed = stream::iter(renew.collect::<Vec<_>>()).buffer_unordered(CONCURRENT);
    renewed
        .try_filter_map(|renewed| std::future::ready(Ok(renewed)))
        .try_collect()
        .await
}

/// A result with its value written anew, unless that is lost.
async fn renew(
    id: &SmolStr,
    result: &Option<SmolStr>,
    jumbo: Option<&Jumbo>,
    stop: &CancellationToken,
) -> Result<Option<(SmolStr, Option<SmolStr>)>, ValueError> {
    let mut answer = RespondActivityTaskCompleted {
        result: result.clone(),
        ..RespondActivityTaskCompleted::default()
    };
    let patience = Patience::until_stop(stop);
    let renewed = match values::decode_patiently(jumbo, &mut answer, patience).await {
        Ok(()) => values::encode_patiently(jumbo, &mut answer, patience).await,
        lost => lost,
    };
    match renewed {
        Ok(()) => Ok(Some((id.clone(), answer.result))),
        Err(error) if error.is_final() => {
            tracing::warn!("{id} was done before and is run again: {error}");
            Ok(None)
        }
        Err(error) => Err(error),
    }
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
