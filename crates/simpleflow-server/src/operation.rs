//! The 39 operations: how each is read, carried out and answered.

use std::any::Any;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use simpleflow_engine::{Engine, check};
use simpleflow_model::{Fault, TaskToken, Timestamp};
use simpleflow_service::for_each_operation;
use simpleflow_service::table::*;

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

/// A body that is yet to be written as JSON. Answers are made under the lock of the engines, and
/// written by whoever sends them.
pub(crate) trait Body: Any + Send {
    fn to_json(&self) -> Result<Vec<u8>, serde_json::Error>;
}

impl<T: Serialize + Any + Send> Body for T {
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
    /// The token of a task.
    pub(crate) fn task_token(&self) -> Option<&TaskToken> {
        match self {
            Self::DecisionTask(task) => Some(&task.task_token),
            Self::ActivityTask(task) => Some(&task.task_token),
            _ => None,
        }
    }

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

    /// The output as a type of the model, if it is of that type.
    pub(crate) fn into_output<T: Any>(self) -> Option<T> {
        let output: Box<dyn Any> = match self {
            Self::Empty => Box::new(()),
            Self::Output(body) => body,
            Self::DecisionTask(task) => Box::new(Some(*task)),
            Self::ActivityTask(task) => Box::new(Some(*task)),
            Self::NoDecisionTask => Box::new(None::<DecisionTask>),
            Self::NoActivityTask => Box::new(None::<ActivityTask>),
        };
        output.downcast().ok().map(|output| *output)
    }
}

macro_rules! requests {
    ($( $(#[$doc:meta])* $kind:ident $method:ident($request:ident) -> $answer:ty; )*) => {
        /// A request.
        #[derive(Debug)]
        pub(crate) enum Request {
            $( $request($request), )*
        }

        impl Request {
            /// The names of the operations.
            pub(crate) const NAMES: &'static [&'static str] = &[$(stringify!($request)),*];

            /// Reads the request of an operation. What is wrong with it is told as the service
            /// does: all the constraints that it breaks, or that it cannot be read.
            pub(crate) fn parse(operation: &str, body: &[u8]) -> Result<Self, Unreadable> {
                match operation {
                    $( stringify!($request) => parse(body).map(Self::$request), )*
                    _ => Err(Unreadable::UnknownOperation),
                }
            }

            /// The name of its operation.
            pub(crate) fn name(&self) -> &'static str {
                match self {
                    $( Self::$request(_) => stringify!($request), )*
                }
            }

            /// Carries the request out. Polls do not wait.
            pub(crate) fn apply(
                &self,
                engine: &mut Engine,
                now: Timestamp,
            ) -> Result<Answer, Fault> {
                match self {
                    $( Self::$request(request) => {
                        requests!(@ $kind engine.$method(request, now))
                    } )*
                }
            }

            /// Carries a poll out with a task that came back.
            pub(crate) fn apply_to(
                &self,
                token: &TaskToken,
                engine: &mut Engine,
                now: Timestamp,
            ) -> Result<Answer, Fault> {
                match self {
                    Self::PollForDecisionTask(poll) => {
                        let task = engine.decision_task_again(poll, token, now);
                        task.map(|task| Answer::DecisionTask(Box::new(task)))
                    }
                    Self::PollForActivityTask(poll) => {
                        let task = engine.activity_task_again(poll, token, now);
                        task.map(|task| Answer::ActivityTask(Box::new(task)))
                    }
                    _ => self.apply(engine, now),
                }
            }
        }
    };
    (@ output $call:expr) => { Ok(Answer::Output(Box::new($call?))) };
    (@ empty $call:expr) => { $call.map(|()| Answer::Empty) };
    (@ task $call:expr) => { Ok($call?.into()) };
}

for_each_operation!(requests);

impl Request {
    /// Reads the poll that goes with the answer to a task, if the body has one.
    pub(crate) fn parse_poll_after(
        operation: &str,
        body: &[u8],
    ) -> Result<Option<Self>, Unreadable> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Then<P> {
            then_poll: Option<P>,
        }
        fn read<P: DeserializeOwned>(body: &[u8]) -> Result<Option<P>, Unreadable> {
            let then: Then<P> = serde_json::from_slice(body)
                .map_err(|error| Unreadable::Malformed(error.to_string()))?;
            Ok(then.then_poll)
        }
        Ok(match operation {
            "RespondDecisionTaskCompleted" => read(body)?.map(Self::PollForDecisionTask),
            "RespondActivityTaskCompleted" => read(body)?.map(Self::PollForActivityTask),
            _ => None,
        })
    }
}

impl From<Option<DecisionTask>> for Answer {
    fn from(task: Option<DecisionTask>) -> Self {
        task.map_or(Self::NoDecisionTask, |task| {
            Self::DecisionTask(Box::new(task))
        })
    }
}

impl From<Option<ActivityTask>> for Answer {
    fn from(task: Option<ActivityTask>) -> Self {
        task.map_or(Self::NoActivityTask, |task| {
            Self::ActivityTask(Box::new(task))
        })
    }
}

fn parse<R>(body: &[u8]) -> Result<R, Unreadable>
where
    R: DeserializeOwned + simpleflow_engine::constraints::Constrained,
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
