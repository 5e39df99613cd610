//! The 39 operations: how each is read, carried out and answered.

use serde::Serialize;
use simpleflow_engine::{Engine, check};
use simpleflow_model::operation::*;
use simpleflow_model::types::{ActivityTask, DecisionTask};
use simpleflow_model::{Fault, Timestamp};

/// Why a request cannot be carried out.
#[derive(Debug, PartialEq)]
pub(crate) enum Unreadable {
    /// There is no such operation.
    UnknownOperation,
    /// It is not JSON, or a value is of the wrong type.
    Malformed(String),
    /// It breaks a constraint.
    Refused(Fault),
}

/// A body that is yet to be written as JSON. Answers are made by the one thread that has the
/// engine, and written by whoever sends them.
pub(crate) trait Body: Send {
    fn to_json(&self) -> Result<Vec<u8>, serde_json::Error>;
}

impl<T: Serialize + Send> Body for T {
    fn to_json(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(self)
    }
}

/// The answer to a request that was carried out.
pub(crate) enum Answer {
    /// The operation has no output.
    Empty,
    /// Its output.
    Output(Box<dyn Body>),
    /// A decision task, or a page of one.
    DecisionTask(Box<DecisionTask>),
    /// An activity task.
    ActivityTask(Box<ActivityTask>),
    /// There was no decision task.
    NoDecisionTask,
    /// There was no activity task.
    NoActivityTask,
}

impl Answer {
    /// The body on the wire.
    pub(crate) fn to_json(&self) -> Result<Vec<u8>, serde_json::Error> {
        match self {
            Self::Empty => Ok(Vec::new()),
            Self::Output(body) => body.to_json(),
            Self::DecisionTask(task) => task.to_json(),
            Self::ActivityTask(task) => task.to_json(),
            // The service leaves the token out (observed), though its model requires one.
            Self::NoDecisionTask => {
                Ok(br#"{"previousStartedEventId":0,"startedEventId":0}"#.to_vec())
            }
            Self::NoActivityTask => Ok(br#"{"startedEventId":0}"#.to_vec()),
        }
    }
}

macro_rules! operations {
    ($( $form:ident $name:ident = $method:ident; )*) => {
        /// A request.
        #[derive(Debug)]
        pub(crate) enum Request {
            $( $name($name), )*
        }

        impl Request {
            /// The names of the operations.
            pub(crate) const NAMES: &'static [&'static str] = &[$(stringify!($name)),*];

            /// Reads the request of an operation. What is wrong with it is told as the service
            /// does: all the constraints that it breaks, or that it cannot be read.
            pub(crate) fn parse(operation: &str, body: &[u8]) -> Result<Self, Unreadable> {
                match operation {
                    $( stringify!($name) => parse(body).map(Self::$name), )*
                    _ => Err(Unreadable::UnknownOperation),
                }
            }

            /// Carries the request out. Polls do not wait.
            pub(crate) fn apply(
                &self,
                engine: &mut Engine,
                now: Timestamp,
            ) -> Result<Answer, Fault> {
                match self {
                    $( Self::$name(request) => operations!(@ $form engine.$method(request, now)), )*
                }
            }
        }
    };
    (@ output $call:expr) => { Ok(Answer::Output(Box::new($call?))) };
    (@ empty $call:expr) => { $call.map(|()| Answer::Empty) };
    (@ decision $call:expr) => {
        Ok($call?.map_or(Answer::NoDecisionTask, |task| Answer::DecisionTask(Box::new(task))))
    };
    (@ activity $call:expr) => {
        Ok($call?.map_or(Answer::NoActivityTask, |task| Answer::ActivityTask(Box::new(task))))
    };
}

operations! {
    output CountClosedWorkflowExecutions = count_closed_workflow_executions;
    output CountOpenWorkflowExecutions = count_open_workflow_executions;
    output CountPendingActivityTasks = count_pending_activity_tasks;
    output CountPendingDecisionTasks = count_pending_decision_tasks;
    empty DeleteActivityType = delete_activity_type;
    empty DeleteWorkflowType = delete_workflow_type;
    empty DeprecateActivityType = deprecate_activity_type;
    empty DeprecateDomain = deprecate_domain;
    empty DeprecateWorkflowType = deprecate_workflow_type;
    output DescribeActivityType = describe_activity_type;
    output DescribeDomain = describe_domain;
    output DescribeWorkflowExecution = describe_workflow_execution;
    output DescribeWorkflowType = describe_workflow_type;
    output GetWorkflowExecutionHistory = get_workflow_execution_history;
    output ListActivityTypes = list_activity_types;
    output ListClosedWorkflowExecutions = list_closed_workflow_executions;
    output ListDomains = list_domains;
    output ListOpenWorkflowExecutions = list_open_workflow_executions;
    output ListTagsForResource = list_tags_for_resource;
    output ListWorkflowTypes = list_workflow_types;
    activity PollForActivityTask = poll_for_activity_task;
    decision PollForDecisionTask = poll_for_decision_task;
    output RecordActivityTaskHeartbeat = record_activity_task_heartbeat;
    empty RegisterActivityType = register_activity_type;
    empty RegisterDomain = register_domain;
    empty RegisterWorkflowType = register_workflow_type;
    empty RequestCancelWorkflowExecution = request_cancel_workflow_execution;
    empty RespondActivityTaskCanceled = respond_activity_task_canceled;
    empty RespondActivityTaskCompleted = respond_activity_task_completed;
    empty RespondActivityTaskFailed = respond_activity_task_failed;
    empty RespondDecisionTaskCompleted = respond_decision_task_completed;
    empty SignalWorkflowExecution = signal_workflow_execution;
    output StartWorkflowExecution = start_workflow_execution;
    empty TagResource = tag_resource;
    empty TerminateWorkflowExecution = terminate_workflow_execution;
    empty UndeprecateActivityType = undeprecate_activity_type;
    empty UndeprecateDomain = undeprecate_domain;
    empty UndeprecateWorkflowType = undeprecate_workflow_type;
    empty UntagResource = untag_resource;
}

fn parse<R>(body: &[u8]) -> Result<R, Unreadable>
where
    R: serde::de::DeserializeOwned + simpleflow_engine::constraints::Constrained,
{
    serde_json::from_slice(body).map_err(|error| {
        // What breaks a constraint may not be of the request's type at all.
        let json: Option<serde_json::Value> = serde_json::from_slice(body).ok();
        match json.map(|json| check::<R>(&json)) {
            Some(Err(fault)) => Unreadable::Refused(fault),
            _ => Unreadable::Malformed(error.to_string()),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_39_operations() {
        assert_eq!(Request::NAMES.len(), 39);
        assert!(Request::NAMES.is_sorted());
    }

    #[test]
    fn what_is_wrong_with_a_request_is_told_as_the_service_does() {
        let unreadable = |operation, body: &str| match Request::parse(operation, body.as_bytes()) {
            Ok(request) => panic!("{request:?}"),
            Err(unreadable) => unreadable,
        };
        assert_eq!(unreadable("Fly", "{}"), Unreadable::UnknownOperation);
        let Unreadable::Refused(fault) = unreadable("DescribeDomain", r#"{"name":null}"#) else {
            panic!("not refused")
        };
        assert_eq!(
            fault.message,
            "1 validation error detected: Value null at 'name' failed to satisfy constraint: \
             Member must not be null"
        );
        for body in ["", "{", "[]", r#"{"name":1}"#] {
            let unreadable = unreadable("DescribeDomain", body);
            assert!(matches!(unreadable, Unreadable::Malformed(_)), "{body}");
        }
        let body = br#"{"name":"d","later":{"x":1},"description":null}"#;
        assert!(Request::parse("DescribeDomain", body).is_ok());
    }
}
