//! A domain: the scope of workflow ids, types and task lists.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use simpleflow_model::{
    ActivityType, DomainName, RegistrationStatus, RetentionDays, SmolStr, TaskListName, WorkflowId,
    WorkflowType,
};

use crate::execution::{ExecutionKey, Queue};
use crate::registry::Registry;
use crate::task_list::{Place, TaskLists, WaitingTask};
use crate::token::TaskKind;
use crate::visibility::Visibility;

/// A domain and all that is in it but the executions themselves.
#[derive(Debug)]
pub(crate) struct Domain {
    pub name: DomainName,
    pub status: RegistrationStatus,
    pub description: Option<SmolStr>,
    pub retention: RetentionDays,
    pub tags: BTreeMap<SmolStr, Option<SmolStr>>,
    pub activity_types: Registry<ActivityType>,
    pub workflow_types: Registry<WorkflowType>,
    /// The open executions. A workflow id has one at a time.
    pub open: HashMap<WorkflowId, ExecutionKey>,
    pub visibility: Visibility,
    pub decision_tasks: TaskLists,
    pub activity_tasks: TaskLists,
    /// Lambda functions have no list and no priority: they are kept under the empty name.
    pub lambda_functions: BTreeMap<Place, WaitingTask>,
}

impl Domain {
    /// The task lists of a kind.
    pub(crate) fn tasks(&mut self, kind: TaskKind) -> &mut TaskLists {
        match kind {
            TaskKind::Decision => &mut self.decision_tasks,
            TaskKind::Activity => &mut self.activity_tasks,
        }
    }

    pub(crate) fn new(
        name: DomainName,
        description: Option<SmolStr>,
        retention: RetentionDays,
        tags: BTreeMap<SmolStr, Option<SmolStr>>,
    ) -> Self {
        Self {
            name,
            status: RegistrationStatus::Registered,
            description,
            retention,
            tags,
            activity_types: Registry::default(),
            workflow_types: Registry::default(),
            open: HashMap::new(),
            visibility: Visibility::default(),
            decision_tasks: TaskLists::default(),
            activity_tasks: TaskLists::default(),
            lambda_functions: BTreeMap::new(),
        }
    }

    /// How long closed executions are kept.
    pub(crate) fn retention(&self) -> Duration {
        Duration::from_secs(u64::from(self.retention.0) * 86_400)
    }

    pub(crate) fn is_deprecated(&self) -> bool {
        self.status == RegistrationStatus::Deprecated
    }

    pub(crate) fn enqueue(
        &mut self,
        queue: Queue,
        list: &TaskListName,
        place: Place,
        task: WaitingTask,
    ) {
        match queue {
            Queue::Decisions => self.decision_tasks.push(list, place, task),
            Queue::Activities => self.activity_tasks.push(list, place, task),
            Queue::Lambdas => {
                self.lambda_functions.insert(place, task);
            }
        }
    }

    /// Takes a task out of its list, and says whether the list is empty now.
    pub(crate) fn dequeue(&mut self, queue: Queue, list: &TaskListName, place: Place) -> bool {
        match queue {
            Queue::Decisions => self.decision_tasks.remove(list, place),
            Queue::Activities => self.activity_tasks.remove(list, place),
            Queue::Lambdas => {
                self.lambda_functions.remove(&place);
                self.lambda_functions.is_empty()
            }
        }
    }
}
