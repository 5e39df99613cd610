//! The open Lambda functions of an execution.

use simpleflow_model::event::LambdaFunctionScheduled;
use simpleflow_model::{EventId, FunctionId, TaskListName, TaskPriority, Timeout, Timestamp};

use super::open::{Identified, Open};
use super::slot::{Queue, Standing, Waiting};
use super::state::after;

/// The time limit of a Lambda function that was given none, in seconds (documentation of
/// `startToCloseTimeout`).
const DEFAULT_START_TO_CLOSE: Timeout = Timeout::Seconds(900);

/// An open Lambda function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lambda {
    pub id: FunctionId,
    pub scheduled_at: Timestamp,
    pub start_to_close: Timeout,
    /// The started event and its time.
    pub started: Option<(EventId, Timestamp)>,
}

impl Identified for Lambda {
    type Id = FunctionId;

    fn id(&self) -> &FunctionId {
        &self.id
    }
}

/// The open Lambda functions of an execution.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lambdas {
    open: Open<Lambda>,
}

impl Lambdas {
    pub(crate) fn len(&self) -> usize {
        self.open.len()
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = EventId> {
        self.open.events()
    }

    pub(crate) fn get(&self, scheduled: EventId) -> Option<&Lambda> {
        self.open.get(scheduled)
    }

    /// Whether an open function has an id.
    pub(crate) fn is_open(&self, id: &FunctionId) -> bool {
        self.open.find(id).is_some()
    }

    pub(super) fn scheduled(&mut self, id: EventId, at: Timestamp, a: &LambdaFunctionScheduled) {
        self.open.add(
            id,
            Lambda {
                id: a.id.clone(),
                scheduled_at: at,
                start_to_close: a.start_to_close_timeout.unwrap_or(DEFAULT_START_TO_CLOSE),
                started: None,
            },
        );
    }

    pub(super) fn started(&mut self, scheduled: EventId, id: EventId, at: Timestamp) {
        if let Some(lambda) = self.open.get_mut(scheduled) {
            lambda.started = Some((id, at));
        }
    }

    pub(super) fn closed(&mut self, scheduled: EventId) {
        self.open.remove(scheduled);
    }

    pub(super) fn standing(&self, scheduled: EventId) -> Standing {
        let Some(lambda) = self.open.get(scheduled) else {
            return Standing::default();
        };
        Standing {
            deadline: lambda
                .started
                .and_then(|(_, at)| after(at, lambda.start_to_close)),
            waiting: lambda.started.is_none().then(|| Waiting {
                queue: Queue::Lambdas,
                task_list: TaskListName::default(),
                priority: TaskPriority::default(),
                since: lambda.scheduled_at,
                scheduled,
            }),
        }
    }
}
