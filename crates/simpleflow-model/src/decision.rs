//! Decisions: what a decider answers a decision task with.
//!
//! Events are read by whoever gets them and keep what is unknown; a decision is a command, and one
//! that is not understood is refused as a whole.

mod attributes;

use std::fmt;

use serde::de::{self, MapAccess};
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use attributes::*;

use crate::Members;

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
            pub const TYPES: &'static [(&'static str, &'static str, Members)] =
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
                              // Attributes that are all optional may be absent.
                              ($decision_type, None) => crate::shape::from_nothing()
                                  .map(Decision::$name)
                                  .map_err(|_: A::Error| de::Error::missing_field($member)),
                              ($decision_type, Some(_)) => Err(de::Error::missing_field($member)),)*
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

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Decision, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    #[test]
    fn attributes_may_be_absent_where_none_is_required() {
        let decision: Decision =
            serde_json::from_str(r#"{"decisionType":"CompleteWorkflowExecution"}"#).unwrap();
        assert_eq!(decision, CompleteWorkflowExecution::default().into());
    }

    #[test]
    fn the_type_may_come_before_or_after_the_attributes() {
        let timer: Decision = StartTimer {
            timer_id: "t".into(),
            start_to_fire_timeout: 5.into(),
            ..StartTimer::default()
        }
        .into();
        let attributes =
            r#""startTimerDecisionAttributes":{"timerId":"t","startToFireTimeout":"5"}"#;
        let before = format!(r#"{{"decisionType":"StartTimer",{attributes}}}"#);
        let after = format!(r#"{{{attributes},"decisionType":"StartTimer"}}"#);
        assert_eq!(read(&before).as_ref(), Ok(&timer));
        assert_eq!(read(&after).as_ref(), Ok(&timer));
        assert_eq!(serde_json::to_string(&timer).unwrap(), before);
    }

    #[test]
    fn an_unknown_type_is_refused() {
        let error = read(r#"{"decisionType":"FlyToTheMoon"}"#).unwrap_err();
        assert!(
            error.starts_with(
                "unknown variant `FlyToTheMoon`, expected one of `ScheduleActivityTask`"
            ),
            "{error}"
        );
        let error = read("{}").unwrap_err();
        assert!(error.contains("missing field `decisionType`"), "{error}");
    }

    #[test]
    fn a_type_needs_its_own_attributes() {
        for text in [
            r#"{"decisionType":"CancelTimer"}"#,
            r#"{"decisionType":"CancelTimer","cancelTimerDecisionAttributes":null}"#,
            r#"{"decisionType":"CancelTimer","recordMarkerDecisionAttributes":{"markerName":"m"}}"#,
        ] {
            let error = read(text).unwrap_err();
            assert!(
                error.contains("missing field `cancelTimerDecisionAttributes`"),
                "{text}: {error}"
            );
        }
        let error = read(r#"{"decisionType":"CancelTimer","cancelTimerDecisionAttributes":{}}"#)
            .unwrap_err();
        assert!(error.contains("missing field `timerId`"), "{error}");
    }
}
