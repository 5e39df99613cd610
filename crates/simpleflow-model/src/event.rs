//! History events: what happened in an execution, in order.

mod attributes;

use std::fmt;

use serde::de::{self, MapAccess};
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use smol_str::SmolStr;

pub use attributes::*;

use crate::{EventId, Members, Timestamp, Unknown};

/// One event of an execution's history.
///
/// Its serde form is SWF's: `eventId`, `eventTimestamp`, `eventType`, and the attributes under a
/// name of their own. Members and event types that this version does not know are kept.
#[derive(Clone, Debug, PartialEq)]
pub struct HistoryEvent {
    /// The number of the event in its history, from 1.
    pub event_id: EventId,
    /// When it happened.
    pub event_timestamp: Timestamp,
    /// What happened.
    pub attributes: EventAttributes,
    /// Members that this version does not know.
    pub unknown: Unknown,
}

macro_rules! event_types {
    ($( $name:ident ($($type:tt)+) = $event_type:literal, $member:literal; )*) => {
        /// The type of an event, with its attributes. Large ones are boxed, which keeps a
        /// history small.
        #[derive(Clone, Debug, PartialEq)]
        pub enum EventAttributes {
            $( #[doc = concat!("`", $event_type, "`")] $name($($type)+), )*
            /// An event type that this version does not know.
            Other(SmolStr),
        }

        $(
            impl From<$name> for EventAttributes {
                fn from(attributes: $name) -> Self {
                    Self::$name(attributes.into())
                }
            }
        )*

        impl EventAttributes {
            /// The event types of the service model: the type, its member name, and the members
            /// of its attributes.
            pub const TYPES: &'static [(&'static str, &'static str, Members)] =
                &[$(($event_type, $member, $name::MEMBERS)),*];

            /// The name of the event type.
            pub fn event_type(&self) -> &str {
                match self {
                    $(Self::$name(_) => $event_type,)*
                    Self::Other(name) => name,
                }
            }

            fn serialize_entry<M: serde::ser::SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
                match self {
                    $(Self::$name(attributes) => map.serialize_entry($member, attributes),)*
                    Self::Other(_) => Ok(()),
                }
            }

            /// The attributes of a type whose every member is optional, when they are absent.
            fn empty<E: de::Error>(event_type: &str) -> Result<Option<Self>, E> {
                Ok(match event_type {
                    $($event_type => Some(Self::$name(crate::shape::from_nothing()?)),)*
                    _ => None,
                })
            }
        }

        #[allow(clippy::enum_variant_names)]
        enum Member { Id, Timestamp, Type, $($name,)* Unknown(String) }

        impl Member {
            fn of(key: &str) -> Self {
                match key {
                    "eventId" => Self::Id,
                    "eventTimestamp" => Self::Timestamp,
                    "eventType" => Self::Type,
                    $($member => Self::$name,)*
                    _ => Self::Unknown(key.to_owned()),
                }
            }

            fn read_attributes<'de, A: MapAccess<'de>>(
                self,
                map: &mut A,
                event: &mut Partial,
            ) -> Result<(), A::Error> {
                match self {
                    Self::Id => event.id = map.next_value()?,
                    Self::Timestamp => event.timestamp = map.next_value()?,
                    Self::Type => event.event_type = map.next_value()?,
                    $(Self::$name => event.attributes = map.next_value::<Option<_>>()?.map(EventAttributes::$name),)*
                    Self::Unknown(name) => event.unknown.insert(name, map.next_value()?),
                }
                Ok(())
            }
        }
    };
}

event_types! {
    WorkflowExecutionStarted (Box<WorkflowExecutionStarted>) = "WorkflowExecutionStarted", "workflowExecutionStartedEventAttributes";
    WorkflowExecutionCancelRequested (WorkflowExecutionCancelRequested) = "WorkflowExecutionCancelRequested", "workflowExecutionCancelRequestedEventAttributes";
    WorkflowExecutionCompleted (WorkflowExecutionCompleted) = "WorkflowExecutionCompleted", "workflowExecutionCompletedEventAttributes";
    CompleteWorkflowExecutionFailed (CompleteWorkflowExecutionFailed) = "CompleteWorkflowExecutionFailed", "completeWorkflowExecutionFailedEventAttributes";
    WorkflowExecutionFailed (WorkflowExecutionFailed) = "WorkflowExecutionFailed", "workflowExecutionFailedEventAttributes";
    FailWorkflowExecutionFailed (FailWorkflowExecutionFailed) = "FailWorkflowExecutionFailed", "failWorkflowExecutionFailedEventAttributes";
    WorkflowExecutionTimedOut (WorkflowExecutionTimedOut) = "WorkflowExecutionTimedOut", "workflowExecutionTimedOutEventAttributes";
    WorkflowExecutionCanceled (WorkflowExecutionCanceled) = "WorkflowExecutionCanceled", "workflowExecutionCanceledEventAttributes";
    CancelWorkflowExecutionFailed (CancelWorkflowExecutionFailed) = "CancelWorkflowExecutionFailed", "cancelWorkflowExecutionFailedEventAttributes";
    WorkflowExecutionContinuedAsNew (Box<WorkflowExecutionContinuedAsNew>) = "WorkflowExecutionContinuedAsNew", "workflowExecutionContinuedAsNewEventAttributes";
    ContinueAsNewWorkflowExecutionFailed (ContinueAsNewWorkflowExecutionFailed) = "ContinueAsNewWorkflowExecutionFailed", "continueAsNewWorkflowExecutionFailedEventAttributes";
    WorkflowExecutionTerminated (WorkflowExecutionTerminated) = "WorkflowExecutionTerminated", "workflowExecutionTerminatedEventAttributes";
    DecisionTaskScheduled (DecisionTaskScheduled) = "DecisionTaskScheduled", "decisionTaskScheduledEventAttributes";
    DecisionTaskStarted (DecisionTaskStarted) = "DecisionTaskStarted", "decisionTaskStartedEventAttributes";
    DecisionTaskCompleted (DecisionTaskCompleted) = "DecisionTaskCompleted", "decisionTaskCompletedEventAttributes";
    DecisionTaskTimedOut (DecisionTaskTimedOut) = "DecisionTaskTimedOut", "decisionTaskTimedOutEventAttributes";
    ActivityTaskScheduled (Box<ActivityTaskScheduled>) = "ActivityTaskScheduled", "activityTaskScheduledEventAttributes";
    ScheduleActivityTaskFailed (ScheduleActivityTaskFailed) = "ScheduleActivityTaskFailed", "scheduleActivityTaskFailedEventAttributes";
    ActivityTaskStarted (ActivityTaskStarted) = "ActivityTaskStarted", "activityTaskStartedEventAttributes";
    ActivityTaskCompleted (ActivityTaskCompleted) = "ActivityTaskCompleted", "activityTaskCompletedEventAttributes";
    ActivityTaskFailed (ActivityTaskFailed) = "ActivityTaskFailed", "activityTaskFailedEventAttributes";
    ActivityTaskTimedOut (ActivityTaskTimedOut) = "ActivityTaskTimedOut", "activityTaskTimedOutEventAttributes";
    ActivityTaskCanceled (ActivityTaskCanceled) = "ActivityTaskCanceled", "activityTaskCanceledEventAttributes";
    ActivityTaskCancelRequested (ActivityTaskCancelRequested) = "ActivityTaskCancelRequested", "activityTaskCancelRequestedEventAttributes";
    RequestCancelActivityTaskFailed (RequestCancelActivityTaskFailed) = "RequestCancelActivityTaskFailed", "requestCancelActivityTaskFailedEventAttributes";
    WorkflowExecutionSignaled (WorkflowExecutionSignaled) = "WorkflowExecutionSignaled", "workflowExecutionSignaledEventAttributes";
    MarkerRecorded (MarkerRecorded) = "MarkerRecorded", "markerRecordedEventAttributes";
    RecordMarkerFailed (RecordMarkerFailed) = "RecordMarkerFailed", "recordMarkerFailedEventAttributes";
    TimerStarted (TimerStarted) = "TimerStarted", "timerStartedEventAttributes";
    StartTimerFailed (StartTimerFailed) = "StartTimerFailed", "startTimerFailedEventAttributes";
    TimerFired (TimerFired) = "TimerFired", "timerFiredEventAttributes";
    TimerCanceled (TimerCanceled) = "TimerCanceled", "timerCanceledEventAttributes";
    CancelTimerFailed (CancelTimerFailed) = "CancelTimerFailed", "cancelTimerFailedEventAttributes";
    StartChildWorkflowExecutionInitiated (Box<StartChildWorkflowExecutionInitiated>) = "StartChildWorkflowExecutionInitiated", "startChildWorkflowExecutionInitiatedEventAttributes";
    StartChildWorkflowExecutionFailed (Box<StartChildWorkflowExecutionFailed>) = "StartChildWorkflowExecutionFailed", "startChildWorkflowExecutionFailedEventAttributes";
    ChildWorkflowExecutionStarted (ChildWorkflowExecutionStarted) = "ChildWorkflowExecutionStarted", "childWorkflowExecutionStartedEventAttributes";
    ChildWorkflowExecutionCompleted (Box<ChildWorkflowExecutionCompleted>) = "ChildWorkflowExecutionCompleted", "childWorkflowExecutionCompletedEventAttributes";
    ChildWorkflowExecutionFailed (Box<ChildWorkflowExecutionFailed>) = "ChildWorkflowExecutionFailed", "childWorkflowExecutionFailedEventAttributes";
    ChildWorkflowExecutionTimedOut (Box<ChildWorkflowExecutionTimedOut>) = "ChildWorkflowExecutionTimedOut", "childWorkflowExecutionTimedOutEventAttributes";
    ChildWorkflowExecutionCanceled (Box<ChildWorkflowExecutionCanceled>) = "ChildWorkflowExecutionCanceled", "childWorkflowExecutionCanceledEventAttributes";
    ChildWorkflowExecutionTerminated (Box<ChildWorkflowExecutionTerminated>) = "ChildWorkflowExecutionTerminated", "childWorkflowExecutionTerminatedEventAttributes";
    SignalExternalWorkflowExecutionInitiated (Box<SignalExternalWorkflowExecutionInitiated>) = "SignalExternalWorkflowExecutionInitiated", "signalExternalWorkflowExecutionInitiatedEventAttributes";
    SignalExternalWorkflowExecutionFailed (Box<SignalExternalWorkflowExecutionFailed>) = "SignalExternalWorkflowExecutionFailed", "signalExternalWorkflowExecutionFailedEventAttributes";
    ExternalWorkflowExecutionSignaled (ExternalWorkflowExecutionSignaled) = "ExternalWorkflowExecutionSignaled", "externalWorkflowExecutionSignaledEventAttributes";
    RequestCancelExternalWorkflowExecutionInitiated (RequestCancelExternalWorkflowExecutionInitiated) = "RequestCancelExternalWorkflowExecutionInitiated", "requestCancelExternalWorkflowExecutionInitiatedEventAttributes";
    RequestCancelExternalWorkflowExecutionFailed (RequestCancelExternalWorkflowExecutionFailed) = "RequestCancelExternalWorkflowExecutionFailed", "requestCancelExternalWorkflowExecutionFailedEventAttributes";
    ExternalWorkflowExecutionCancelRequested (ExternalWorkflowExecutionCancelRequested) = "ExternalWorkflowExecutionCancelRequested", "externalWorkflowExecutionCancelRequestedEventAttributes";
    LambdaFunctionScheduled (LambdaFunctionScheduled) = "LambdaFunctionScheduled", "lambdaFunctionScheduledEventAttributes";
    LambdaFunctionStarted (LambdaFunctionStarted) = "LambdaFunctionStarted", "lambdaFunctionStartedEventAttributes";
    LambdaFunctionCompleted (LambdaFunctionCompleted) = "LambdaFunctionCompleted", "lambdaFunctionCompletedEventAttributes";
    LambdaFunctionFailed (LambdaFunctionFailed) = "LambdaFunctionFailed", "lambdaFunctionFailedEventAttributes";
    LambdaFunctionTimedOut (LambdaFunctionTimedOut) = "LambdaFunctionTimedOut", "lambdaFunctionTimedOutEventAttributes";
    ScheduleLambdaFunctionFailed (ScheduleLambdaFunctionFailed) = "ScheduleLambdaFunctionFailed", "scheduleLambdaFunctionFailedEventAttributes";
    StartLambdaFunctionFailed (StartLambdaFunctionFailed) = "StartLambdaFunctionFailed", "startLambdaFunctionFailedEventAttributes";
}

#[derive(Default)]
struct Partial {
    id: Option<EventId>,
    timestamp: Option<Timestamp>,
    event_type: Option<SmolStr>,
    attributes: Option<EventAttributes>,
    unknown: Unknown,
}

impl HistoryEvent {
    /// An event with nothing unknown in it.
    pub fn new(
        event_id: EventId,
        event_timestamp: Timestamp,
        attributes: impl Into<EventAttributes>,
    ) -> Self {
        Self {
            event_id,
            event_timestamp,
            attributes: attributes.into(),
            unknown: Unknown::default(),
        }
    }

    /// The name of the event type.
    pub fn event_type(&self) -> &str {
        self.attributes.event_type()
    }
}

impl<'de> Deserialize<'de> for Member {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Member;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a member name")
            }
            fn visit_str<E: de::Error>(self, key: &str) -> Result<Member, E> {
                Ok(Member::of(key))
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}

impl<'de> Deserialize<'de> for HistoryEvent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = HistoryEvent;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a history event")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<HistoryEvent, A::Error> {
                let mut event = Partial::default();
                while let Some(member) = map.next_key::<Member>()? {
                    member.read_attributes(&mut map, &mut event)?;
                }
                let event_type = event
                    .event_type
                    .ok_or_else(|| de::Error::missing_field("eventType"))?;
                let attributes = match event.attributes {
                    Some(attributes) if attributes.event_type() == event_type => attributes,
                    Some(other) => {
                        return Err(de::Error::custom(format_args!(
                            "an event of type {event_type} has the attributes of {}",
                            other.event_type()
                        )));
                    }
                    None => EventAttributes::empty(&event_type)?
                        .unwrap_or(EventAttributes::Other(event_type)),
                };
                Ok(HistoryEvent {
                    event_id: event
                        .id
                        .ok_or_else(|| de::Error::missing_field("eventId"))?,
                    event_timestamp: event
                        .timestamp
                        .ok_or_else(|| de::Error::missing_field("eventTimestamp"))?,
                    attributes,
                    unknown: event.unknown,
                })
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

impl Serialize for HistoryEvent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("eventId", &self.event_id)?;
        map.serialize_entry("eventTimestamp", &self.event_timestamp)?;
        map.serialize_entry("eventType", self.event_type())?;
        self.attributes.serialize_entry(&mut map)?;
        self.unknown.serialize_entries(&mut map)?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unknown_passes_through() {
        let text = r#"{"eventId":7,"eventTimestamp":1.5,"eventType":"MoonRose","moonRoseEventAttributes":{"phase":3}}"#;
        let event: HistoryEvent = serde_json::from_str(text).unwrap();
        assert_eq!(event.attributes, EventAttributes::Other("MoonRose".into()));
        assert_eq!(serde_json::to_string(&event).unwrap(), text);

        let text = r#"{"eventId":7,"eventTimestamp":1.5,"eventType":"TimerFired","timerFiredEventAttributes":{"timerId":"t","startedEventId":6,"lateness":0.25},"shard":"a"}"#;
        let event: HistoryEvent = serde_json::from_str(text).unwrap();
        assert!(
            matches!(&event.attributes, EventAttributes::TimerFired(a) if !a.unknown.is_empty())
        );
        assert_eq!(serde_json::to_string(&event).unwrap(), text);
    }

    #[test]
    fn attributes_may_be_absent_where_none_is_required() {
        let text =
            r#"{"eventId":7,"eventTimestamp":1.5,"eventType":"WorkflowExecutionCancelRequested"}"#;
        let event: HistoryEvent = serde_json::from_str(text).unwrap();
        assert!(matches!(
            event.attributes,
            EventAttributes::WorkflowExecutionCancelRequested(_)
        ));
        let text = r#"{"eventId":7,"eventTimestamp":1.5,"eventType":"TimerFired"}"#;
        let error = serde_json::from_str::<HistoryEvent>(text).unwrap_err();
        assert!(
            error.to_string().contains("missing field `timerId`"),
            "{error}"
        );
        let text = r#"{"eventId":7,"eventTimestamp":1.5,"eventType":"TimerFired","timerStartedEventAttributes":{"timerId":"t","startToFireTimeout":"1","decisionTaskCompletedEventId":4}}"#;
        let error = serde_json::from_str::<HistoryEvent>(text).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("of type TimerFired has the attributes of TimerStarted")
        );
    }

    #[test]
    fn an_event_is_small() {
        assert!(
            size_of::<HistoryEvent>() <= 256,
            "{}",
            size_of::<HistoryEvent>()
        );
    }
}
