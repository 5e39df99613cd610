//! Decisions: what a decider answers a decision task with.

mod attributes;

use std::fmt;

use serde::de::{self, MapAccess};
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use attributes::*;

macro_rules! decision_types {
    ($( $name:ident = $decision_type:literal, $member:literal; )*) => {
        /// One decision, with its attributes.
        ///
        /// Its serde form is SWF's: `decisionType`, and the attributes under a name of their own.
        /// A decision type that is not one of the service's is an error.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Decision {
            $( #[doc = concat!("`", $decision_type, "`")] $name(Box<$name>), )*
        }

        $(
            impl From<$name> for Decision {
                fn from(attributes: $name) -> Self {
                    Self::$name(Box::new(attributes))
                }
            }
        )*

        impl Decision {
            /// The decision types of the service model: the type, its member name, and the
            /// members of its attributes.
            #[allow(clippy::type_complexity)]
            pub const TYPES: &'static [(&'static str, &'static str, &'static [(&'static str, bool)])] =
                &[$(($decision_type, $member, $name::MEMBERS)),*];

            /// The name of the decision type.
            pub fn decision_type(&self) -> &'static str {
                match self {
                    $(Self::$name(_) => $decision_type,)*
                }
            }
        }

        impl Serialize for Decision {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut map = serializer.serialize_map(Some(2))?;
                map.serialize_entry("decisionType", self.decision_type())?;
                match self {
                    $(Self::$name(attributes) => map.serialize_entry($member, attributes)?,)*
                }
                map.end()
            }
        }

        impl<'de> Deserialize<'de> for Decision {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Visitor;
                impl<'de> de::Visitor<'de> for Visitor {
                    type Value = Decision;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str("a decision")
                    }
                    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Decision, A::Error> {
                        let mut decision_type: Option<String> = None;
                        let mut decision: Option<Decision> = None;
                        while let Some(key) = map.next_key::<String>()? {
                            match key.as_str() {
                                "decisionType" => decision_type = Some(map.next_value()?),
                                $($member => {
                                    if let Some(attributes) = map.next_value::<Option<_>>()? {
                                        decision = Some(Decision::$name(attributes));
                                    }
                                })*
                                _ => drop(map.next_value::<de::IgnoredAny>()?),
                            }
                        }
                        let decision_type =
                            decision_type.ok_or_else(|| de::Error::missing_field("decisionType"))?;
                        match (decision_type.as_str(), decision) {
                            $(($decision_type, Some(decision @ Decision::$name(_))) => Ok(decision),
                              ($decision_type, _) => Err(de::Error::missing_field($member)),)*
                            (other, _) => Err(de::Error::unknown_variant(other, &[$($decision_type),*])),
                        }
                    }
                }
                deserializer.deserialize_map(Visitor)
            }
        }
    };
}

decision_types! {
    ScheduleActivityTask = "ScheduleActivityTask", "scheduleActivityTaskDecisionAttributes";
    RequestCancelActivityTask = "RequestCancelActivityTask", "requestCancelActivityTaskDecisionAttributes";
    CompleteWorkflowExecution = "CompleteWorkflowExecution", "completeWorkflowExecutionDecisionAttributes";
    FailWorkflowExecution = "FailWorkflowExecution", "failWorkflowExecutionDecisionAttributes";
    CancelWorkflowExecution = "CancelWorkflowExecution", "cancelWorkflowExecutionDecisionAttributes";
    ContinueAsNewWorkflowExecution = "ContinueAsNewWorkflowExecution", "continueAsNewWorkflowExecutionDecisionAttributes";
    RecordMarker = "RecordMarker", "recordMarkerDecisionAttributes";
    StartTimer = "StartTimer", "startTimerDecisionAttributes";
    CancelTimer = "CancelTimer", "cancelTimerDecisionAttributes";
    SignalExternalWorkflowExecution = "SignalExternalWorkflowExecution", "signalExternalWorkflowExecutionDecisionAttributes";
    RequestCancelExternalWorkflowExecution = "RequestCancelExternalWorkflowExecution", "requestCancelExternalWorkflowExecutionDecisionAttributes";
    StartChildWorkflowExecution = "StartChildWorkflowExecution", "startChildWorkflowExecutionDecisionAttributes";
    ScheduleLambdaFunction = "ScheduleLambdaFunction", "scheduleLambdaFunctionDecisionAttributes";
}
