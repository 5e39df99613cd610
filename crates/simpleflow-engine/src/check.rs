//! Holds requests against the constraints of the service model.
//!
//! The check is a serializer: it walks over whatever has the form of a request. That is a request
//! of the model's own types, or the JSON that somebody sent and that may not be one. So there is
//! one set of rules and one set of words, and all that is wrong is reported at once.

use std::fmt::{self, Display};

use serde::ser::{self, Impossible, Serialize, Serializer};
use simpleflow_model::{Decision, Fault, SmolStr, limits};

use crate::constraints::{Constrained, Form, Rule, Shape};
use crate::fault;

/// Holds a request of a type against its constraints: the request itself, or JSON that is to
/// become one.
///
/// # Errors
/// `ValidationException`: a closing decision that is not the last, before all else; else all that
/// is wrong.
pub fn check<R: Constrained>(request: &impl Serialize) -> Result<(), Fault> {
    check_rule(&Rule::Structure(R::shape), Path::Request, request)
}

/// Holds one value against a rule.
pub(crate) fn check_member(
    name: &'static str,
    rule: &'static Rule,
    value: &impl Serialize,
) -> Result<(), Fault> {
    check_rule(rule, Path::Member(&Path::Request, name), value)
}

fn check_rule(rule: &Rule, path: Path<'_>, value: &impl Serialize) -> Result<(), Fault> {
    let mut found = Found::default();
    let walk = Walk {
        target: Target::Value(rule),
        path,
        found: &mut found,
    };
    // The walk itself cannot fail, but what it walks over may refuse to be serialized.
    value
        .serialize(walk)
        .map_err(|_| fault::validation(SmolStr::new_static("The request cannot be read")))?;
    found.finish()
}

/// A page of a listing is as long as the request says; 0 and nothing mean the longest.
pub(crate) fn page_size(value: Option<u32>) -> usize {
    match value {
        None | Some(0) => limits::PAGE_SIZE,
        Some(size) => (size as usize).min(limits::PAGE_SIZE),
    }
}

/// The longest retention, in days.
const RETENTION_DAYS: u32 = 90;

/// A value in a message is cut here, so that a refused request of 1 MB is not answered with 1 MB.
const SHOWN_CHARACTERS: usize = 256;

/// Where the walk is, written only when something is wrong there.
#[derive(Clone, Copy)]
enum Path<'a> {
    Request,
    Member(&'a Path<'a>, &'static str),
    /// An element of a list, counted from 1.
    Element(&'a Path<'a>, usize),
}

impl Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request => Ok(()),
            Self::Member(Self::Request, name) => f.write_str(name),
            Self::Member(parent, name) => write!(f, "{parent}.{name}"),
            Self::Element(parent, number) => write!(f, "{parent}.{number}.member"),
        }
    }
}

/// What is wrong with a request.
#[derive(Default)]
struct Found {
    errors: Vec<String>,
    /// The place of the latest listed string among those that are listed.
    listed: Option<usize>,
    /// Whether a closing decision was seen, and whether another decision came after one.
    close: bool,
    after_close: bool,
}

impl Found {
    fn wrong(&mut self, path: &Path<'_>, value: &str, constraint: impl Display) {
        let value: String = value.chars().take(SHOWN_CHARACTERS).collect();
        self.errors.push(format!(
            "Value '{value}' at '{path}' failed to satisfy constraint: {constraint}"
        ));
    }

    fn missing(&mut self, path: &Path<'_>) {
        self.errors.push(format!(
            "Value null at '{path}' failed to satisfy constraint: Member must not be null"
        ));
    }

    fn finish(self) -> Result<(), Fault> {
        if self.after_close {
            return Err(fault::validation(SmolStr::new_static(
                "Close must be last decision in list",
            )));
        }
        if self.errors.is_empty() {
            return Ok(());
        }
        let count = self.errors.len();
        let plural = if count == 1 { "" } else { "s" };
        let errors = self.errors.join("; ");
        Err(fault::validation(format!(
            "{count} validation error{plural} detected: {errors}"
        )))
    }

    fn string(&mut self, rule: &Rule, path: &Path<'_>, value: &str) {
        match rule {
            Rule::Text { min, max, form } => {
                if value.len() < *min {
                    let constraint =
                        format_args!("Member must have length greater than or equal to {min}");
                    self.wrong(path, value, constraint);
                } else if value.len() > *max && value.chars().count() > *max {
                    let constraint =
                        format_args!("Member must have length less than or equal to {max}");
                    self.wrong(path, value, constraint);
                } else if let Some(problem) = form.problem(value) {
                    self.wrong(path, value, problem);
                }
            }
            Rule::Listed(values) => {
                self.listed = values.iter().position(|listed| *listed == value);
                if self.listed.is_none() {
                    let constraint = format!(
                        "Member must satisfy enum value set: [{}]",
                        values.join(", ")
                    );
                    self.wrong(path, value, constraint);
                }
            }
            Rule::Any | Rule::Number { .. } | Rule::List(..) | Rule::Structure(_) => {}
        }
    }

    fn number(&mut self, rule: &Rule, path: &Path<'_>, value: i64) {
        if let Rule::Number { min, max } = rule {
            if value < *min {
                let constraint =
                    format_args!("Member must have value greater than or equal to {min}");
                self.wrong(path, &value.to_string(), constraint);
            } else if value > *max {
                let constraint = format_args!("Member must have value less than or equal to {max}");
                self.wrong(path, &value.to_string(), constraint);
            }
        }
    }

    /// Notes the type of a decision; a closing one must be the last.
    fn decision(&mut self, index: Option<usize>) {
        self.after_close |= self.close;
        self.close |= index
            .and_then(|index| Decision::TYPES.get(index))
            .is_some_and(|(kind, ..)| CLOSING.contains(kind));
    }
}

/// The decisions that close an execution.
const CLOSING: &[&str] = &[
    "CompleteWorkflowExecution",
    "FailWorkflowExecution",
    "CancelWorkflowExecution",
    "ContinueAsNewWorkflowExecution",
];

impl Form {
    /// What is wrong with a text, if anything.
    fn problem(self, value: &str) -> Option<&'static str> {
        let seconds = || !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
        match self {
            Self::Free => None,
            Self::Name | Self::TrimmedName => {
                if value.contains(|c: char| matches!(c, ':' | '/' | '|') || c.is_control()) {
                    Some("Member must not contain ':', '/', '|' or control characters")
                } else if value == "arn" {
                    Some("Member must not be the literal string arn")
                } else if self == Self::TrimmedName && value.trim() != value {
                    Some("Member must not start or end with whitespace")
                } else {
                    None
                }
            }
            Self::Seconds => (!seconds()).then_some("Member must be a number of seconds"),
            Self::Timeout => (value != "NONE" && !seconds())
                .then_some("Member must be a number of seconds or NONE"),
            Self::Days => {
                let days = value.parse().is_ok_and(|days: u32| days <= RETENTION_DAYS);
                (value != "NONE" && !days).then_some("Member must be at most 90 days, or NONE")
            }
            Self::Integer => (value.parse::<i32>().is_err()).then_some("Member must be an integer"),
        }
    }
}

/// What the walk is at: a value, or the key of a member.
enum Target<'a> {
    Value(&'a Rule),
    /// The place of the key among the members is put here.
    Key(&'static Shape, &'a mut Option<usize>),
}

/// The walk at one place. It says whether there is a value, which null is not.
struct Walk<'a> {
    target: Target<'a>,
    path: Path<'a>,
    found: &'a mut Found,
}

impl<'a> Walk<'a> {
    fn integer(self, value: i64) -> Result<bool, fmt::Error> {
        if let Target::Value(rule) = self.target {
            self.found.number(rule, &self.path, value);
        }
        Ok(true)
    }

    fn object(self) -> Object<'a> {
        let shape = match self.target {
            Target::Value(Rule::Structure(shape)) => Some(shape()),
            _ => None,
        };
        Object {
            shape,
            member: None,
            seen: 0,
            decision: None,
            path: self.path,
            found: self.found,
        }
    }

    fn list(self) -> List<'a> {
        let (max, element) = match self.target {
            Target::Value(Rule::List(max, element)) => (*max, *element),
            _ => (usize::MAX, &Rule::Any),
        };
        List {
            max,
            element,
            length: 0,
            path: self.path,
            found: self.found,
        }
    }
}

type Outcome = Result<bool, fmt::Error>;

impl<'a> Serializer for Walk<'a> {
    type Ok = bool;
    type Error = fmt::Error;
    type SerializeSeq = List<'a>;
    type SerializeTuple = List<'a>;
    type SerializeTupleStruct = Impossible<bool, fmt::Error>;
    type SerializeTupleVariant = Impossible<bool, fmt::Error>;
    type SerializeMap = Object<'a>;
    type SerializeStruct = Object<'a>;
    type SerializeStructVariant = Impossible<bool, fmt::Error>;

    fn serialize_str(self, value: &str) -> Outcome {
        match self.target {
            Target::Value(rule) => self.found.string(rule, &self.path, value),
            Target::Key(shape, index) => {
                *index = shape.members.iter().position(|member| member.name == value);
            }
        }
        Ok(true)
    }

    fn serialize_i64(self, value: i64) -> Outcome {
        self.integer(value)
    }

    fn serialize_u64(self, value: u64) -> Outcome {
        self.integer(i64::try_from(value).unwrap_or(i64::MAX))
    }

    fn serialize_i8(self, value: i8) -> Outcome {
        self.integer(value.into())
    }

    fn serialize_i16(self, value: i16) -> Outcome {
        self.integer(value.into())
    }

    fn serialize_i32(self, value: i32) -> Outcome {
        self.integer(value.into())
    }

    fn serialize_u8(self, value: u8) -> Outcome {
        self.integer(value.into())
    }

    fn serialize_u16(self, value: u16) -> Outcome {
        self.integer(value.into())
    }

    fn serialize_u32(self, value: u32) -> Outcome {
        self.integer(value.into())
    }

    fn serialize_bool(self, _: bool) -> Outcome {
        Ok(true)
    }

    fn serialize_f32(self, _: f32) -> Outcome {
        Ok(true)
    }

    fn serialize_f64(self, _: f64) -> Outcome {
        Ok(true)
    }

    fn serialize_char(self, _: char) -> Outcome {
        Ok(true)
    }

    fn serialize_bytes(self, _: &[u8]) -> Outcome {
        Ok(true)
    }

    fn serialize_none(self) -> Outcome {
        Ok(false)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Outcome {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Outcome {
        Ok(false)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Outcome {
        Ok(false)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Outcome {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Outcome {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Outcome {
        Err(fmt::Error)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<List<'a>, fmt::Error> {
        Ok(self.list())
    }

    fn serialize_tuple(self, _: usize) -> Result<List<'a>, fmt::Error> {
        Ok(self.list())
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, fmt::Error> {
        Err(fmt::Error)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, fmt::Error> {
        Err(fmt::Error)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Object<'a>, fmt::Error> {
        Ok(self.object())
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Object<'a>, fmt::Error> {
        Ok(self.object())
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, fmt::Error> {
        Err(fmt::Error)
    }
}

/// The walk over a list.
struct List<'a> {
    max: usize,
    element: &'static Rule,
    length: usize,
    path: Path<'a>,
    found: &'a mut Found,
}

impl ser::SerializeSeq for List<'_> {
    type Ok = bool;
    type Error = fmt::Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), fmt::Error> {
        self.length += 1;
        value.serialize(Walk {
            target: Target::Value(self.element),
            path: Path::Element(&self.path, self.length),
            found: self.found,
        })?;
        Ok(())
    }

    fn end(self) -> Outcome {
        if self.length > self.max {
            let Self { max, path, .. } = self;
            self.found.errors.push(format!(
                "Value at '{path}' failed to satisfy constraint: \
                 Member must have length less than or equal to {max}"
            ));
        }
        Ok(true)
    }
}

impl ser::SerializeTuple for List<'_> {
    type Ok = bool;
    type Error = fmt::Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), fmt::Error> {
        ser::SerializeSeq::serialize_element(self, value)
    }

    fn end(self) -> Outcome {
        ser::SerializeSeq::end(self)
    }
}

/// The walk over a structure.
struct Object<'a> {
    /// Nothing where no structure is expected.
    shape: Option<&'static Shape>,
    /// The member whose value comes next, if it is one of the shape's.
    member: Option<usize>,
    /// The members that have a value, a bit each.
    seen: u64,
    /// The type of a decision, as its place among the types.
    decision: Option<usize>,
    path: Path<'a>,
    found: &'a mut Found,
}

impl Object<'_> {
    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), fmt::Error> {
        let member = self.member.take();
        let Some((index, member)) =
            member.and_then(|index| Some((index, self.shape?.members.get(index)?)))
        else {
            return Ok(());
        };
        let present = value.serialize(Walk {
            target: Target::Value(&member.rule),
            path: Path::Member(&self.path, member.name),
            found: self.found,
        })?;
        self.seen |= u64::from(present) << index;
        if member.name == "decisionType" {
            self.decision = self.found.listed.take();
            self.found.decision(self.decision);
        }
        Ok(())
    }

    fn key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), fmt::Error> {
        self.member = None;
        if let Some(shape) = self.shape {
            key.serialize(Walk {
                target: Target::Key(shape, &mut self.member),
                path: self.path,
                found: self.found,
            })?;
        }
        Ok(())
    }

    /// Reports what is not there and must be.
    fn finish(self) -> Outcome {
        for (index, member) in self
            .shape
            .iter()
            .flat_map(|shape| shape.members)
            .enumerate()
        {
            // A decision needs the attributes of its type, unless none of them is required.
            let needed = member.required
                || (self.decision.is_some_and(|kind| kind + 1 == index)
                    && matches!(member.rule, Rule::Structure(shape)
                        if shape().members.iter().any(|member| member.required)));
            if needed && self.seen & (1 << index) == 0 {
                self.found.missing(&Path::Member(&self.path, member.name));
            }
        }
        Ok(true)
    }
}

impl ser::SerializeMap for Object<'_> {
    type Ok = bool;
    type Error = fmt::Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), fmt::Error> {
        self.key(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), fmt::Error> {
        self.value(value)
    }

    fn end(self) -> Outcome {
        self.finish()
    }
}

impl ser::SerializeStruct for Object<'_> {
    type Ok = bool;
    type Error = fmt::Error;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), fmt::Error> {
        self.key(key)?;
        self.value(value)
    }

    fn end(self) -> Outcome {
        self.finish()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use simpleflow_model::decision::*;
    use simpleflow_model::operation::*;

    use super::*;

    fn message<R: Constrained>(request: &Value) -> String {
        check::<R>(request).unwrap_err().message.into()
    }

    #[test]
    fn all_that_is_wrong_is_reported_at_once() {
        let request = json!({
            "domain": "d", "workflowId": "a/b", "input": "é".repeat(32_768),
            "workflowType": { "name": "", "version": null },
            "taskStartToCloseTimeout": "soon", "childPolicy": "HUG", "taskPriority": "high",
            "tagList": ["1", "2", "3", "4", "5", null],
        });
        assert_eq!(
            message::<StartWorkflowExecution>(&request),
            "7 validation errors detected: \
             Value 'HUG' at 'childPolicy' failed to satisfy constraint: Member must satisfy enum \
             value set: [TERMINATE, REQUEST_CANCEL, ABANDON]; \
             Value at 'tagList' failed to satisfy constraint: Member must have length less than \
             or equal to 5; \
             Value 'high' at 'taskPriority' failed to satisfy constraint: Member must be an \
             integer; \
             Value 'soon' at 'taskStartToCloseTimeout' failed to satisfy constraint: Member must \
             be a number of seconds or NONE; \
             Value 'a/b' at 'workflowId' failed to satisfy constraint: Member must not contain \
             ':', '/', '|' or control characters; \
             Value '' at 'workflowType.name' failed to satisfy constraint: Member must have \
             length greater than or equal to 1; \
             Value null at 'workflowType.version' failed to satisfy constraint: Member must not \
             be null"
        );
        let request = json!({ "domain": "d", "execution": { "workflowId": "w", "runId": "r" },
            "maximumPageSize": 1001 });
        assert_eq!(
            message::<GetWorkflowExecutionHistory>(&request),
            "1 validation error detected: Value '1001' at 'maximumPageSize' failed to satisfy \
             constraint: Member must have value less than or equal to 1000"
        );
    }

    #[test]
    fn a_typed_request_is_held_against_the_same_rules() {
        let request = RegisterDomain {
            name: " x".into(),
            workflow_execution_retention_period_in_days: simpleflow_model::RetentionDays(91),
            ..Default::default()
        };
        let fault = check::<RegisterDomain>(&request).unwrap_err();
        assert_eq!(
            fault.message,
            "2 validation errors detected: Value ' x' at 'name' failed to satisfy constraint: \
             Member must not start or end with whitespace; Value '91' at \
             'workflowExecutionRetentionPeriodInDays' failed to satisfy constraint: Member must \
             be at most 90 days, or NONE"
        );
    }

    #[test]
    fn a_decision_is_named_by_its_place() {
        let decisions = json!([
            { "decisionType": "RecordMarker", "recordMarkerDecisionAttributes": { "markerName": "m" } },
            { "decisionType": "StartTimer", "startTimerDecisionAttributes": { "timerId": "" } },
            { "decisionType": "CancelTimer" },
            { "decisionType": "FlyToTheMoon" },
            {},
            { "decisionType": "CompleteWorkflowExecution" },
        ]);
        let request = json!({ "taskToken": "t", "decisions": decisions });
        let message = message::<RespondDecisionTaskCompleted>(&request);
        for (part, missing) in [
            ("2.member.startTimerDecisionAttributes.timerId", false),
            (
                "2.member.startTimerDecisionAttributes.startToFireTimeout",
                true,
            ),
            ("3.member.cancelTimerDecisionAttributes", true),
            ("4.member.decisionType", false),
            ("5.member.decisionType", true),
        ] {
            let value = if missing { "Value null " } else { "' " };
            let part = format!("{value}at 'decisions.{part}' failed");
            assert!(message.contains(&part), "{part} is not in {message}");
        }
        assert!(message.starts_with("5 validation errors"), "{message}");
    }

    #[test]
    fn close_must_be_last() {
        let request = |decisions: Vec<Decision>| RespondDecisionTaskCompleted {
            task_token: "t".into(),
            decisions: Some(decisions),
            ..Default::default()
        };
        let close = Decision::from(CompleteWorkflowExecution::default());
        let once = request(vec![close.clone()]);
        assert_eq!(check::<RespondDecisionTaskCompleted>(&once), Ok(()));
        let twice = request(vec![close.clone(), close]);
        let fault = check::<RespondDecisionTaskCompleted>(&twice).unwrap_err();
        assert_eq!(fault.message, "Close must be last decision in list");
        // It goes before whatever else is wrong.
        let unknown = json!({ "taskToken": "", "decisions": [
            { "decisionType": "CancelWorkflowExecution" }, { "decisionType": "FlyToTheMoon" },
        ] });
        assert_eq!(
            message::<RespondDecisionTaskCompleted>(&unknown),
            "Close must be last decision in list"
        );
    }
}
