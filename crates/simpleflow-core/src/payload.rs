//! Payloads: how arguments and results travel. The format is the Python original's:
//! `{"args": [...], "kwargs": {...}}` for an input, plain JSON for a result.

mod canonical;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use simpleflow_model::SmolStr;

pub use canonical::canonical_json;

use crate::raw;
pub use crate::raw::from_text;

/// Serialises a value to compact JSON.
///
/// # Errors
/// When the value has no JSON form, such as a map whose keys are not strings.
pub fn to_json<T: Serialize + ?Sized>(value: &T) -> Result<SmolStr, serde_json::Error> {
    serde_json::to_string(value).map(SmolStr::from)
}

/// An input as its members: positional and named arguments, each as JSON text.
#[derive(Debug, Default)]
pub struct Arguments<'a> {
    /// The positional arguments.
    pub args: Vec<&'a RawValue>,
    /// The named arguments.
    pub kwargs: BTreeMap<String, &'a RawValue>,
    /// The text, unless it was the envelope: a [`Raw`](crate::Raw) takes it as it is.
    whole: Option<&'a str>,
    /// Why it has no members.
    problem: Option<ArgumentError>,
}

/// The members of the envelope that the Python original writes; the last two are its own.
const ENVELOPE: [&str; 4] = ["args", "kwargs", "meta", "__extra"];

/// Positional and named arguments, and whether they were in the envelope.
type Members<'a> = (Vec<&'a RawValue>, BTreeMap<String, &'a RawValue>, bool);

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default)]
    args: Vec<&'a RawValue>,
    #[serde(borrow, default)]
    kwargs: BTreeMap<String, &'a RawValue>,
}

/// The binaries that an input asks for beside its arguments, by name with their locations: the member
/// `{"meta": {"binaries": {...}}}` of the envelope.
///
/// # Errors
/// [`ArgumentError::Json`] when the text is not JSON, or that member is no object of texts.
pub fn binaries(input: &str) -> Result<BTreeMap<String, String>, ArgumentError> {
    #[derive(Deserialize)]
    struct Meta {
        #[serde(default)]
        binaries: Option<BTreeMap<String, String>>,
    }
    // Nearly all have none.
    if !input.contains("\"binaries\"") || !input.trim_start().starts_with('{') {
        return Ok(BTreeMap::new());
    }
    match meta(input)? {
        Some(meta) if meta.contains("\"binaries\"") => {
            let meta: Meta = parse_json(meta)?;
            Ok(meta.binaries.unwrap_or_default())
        }
        _ => Ok(BTreeMap::new()),
    }
}

/// The `meta` that an input has beside its arguments, as JSON text; nothing if it has none.
///
/// # Errors
/// [`ArgumentError::Json`] when the text is not JSON.
pub fn meta(input: &str) -> Result<Option<&str>, ArgumentError> {
    #[derive(Deserialize)]
    struct Members<'a> {
        #[serde(borrow)]
        args: Option<&'a RawValue>,
        #[serde(borrow)]
        kwargs: Option<&'a RawValue>,
        #[serde(borrow)]
        meta: Option<&'a RawValue>,
    }
    if !input.trim_start().starts_with('{') {
        return Ok(None);
    }
    let members: Members<'_> = parse_json(input)?;
    Ok(match members.args.or(members.kwargs) {
        // Otherwise it is an argument of that name.
        Some(_) => members.meta.map(RawValue::get),
        None => None,
    })
}

/// A `meta` with binaries in it, each `name=location`: what `#[activity(binaries = [...])]` makes.
pub fn meta_with_binaries(meta: Option<SmolStr>, binaries: &[&str]) -> Option<SmolStr> {
    let binaries = binaries.iter().filter_map(|binary| binary.split_once('='));
    binaries.fold(meta, |meta, (name, location)| {
        Some(meta_with_binary(meta.as_deref(), name, location))
    })
}

/// A `meta` with one more binary in it, or with another location of one.
pub(crate) fn meta_with_binary(meta: Option<&str>, name: &str, location: &str) -> SmolStr {
    let members = meta.and_then(|meta| serde_json::from_str(meta).ok());
    let mut members: serde_json::Map<String, Value> = members.unwrap_or_default();
    let mut binaries = match members.remove("binaries") {
        Some(Value::Object(binaries)) => binaries,
        _ => serde_json::Map::new(),
    };
    binaries.insert(name.to_owned(), location.into());
    members.insert("binaries".to_owned(), binaries.into());
    Value::Object(members).to_string().into()
}

impl<'a> Arguments<'a> {
    /// Reads an input: the envelope `{"args": [...], "kwargs": {...}}`, a list of positional
    /// arguments, an object of named ones, or a single value as the only argument. No text or
    /// `null` is no arguments.
    ///
    /// # Errors
    /// [`ArgumentError::Json`] when the text is not JSON.
    pub fn parse(text: &'a str) -> Result<Self, ArgumentError> {
        let input = Self::of_input(text);
        match input.problem {
            Some(problem) => Err(problem),
            None => Ok(input),
        }
    }

    /// Reads any input: as [`parse`](Self::parse), but a text that is not JSON is refused only when
    /// it is bound to something else than a [`Raw`](crate::Raw).
    pub fn of_input(text: &'a str) -> Self {
        match Self::members(text) {
            Ok((args, kwargs, is_envelope)) => Self {
                args,
                kwargs,
                whole: (!is_envelope).then_some(text),
                problem: None,
            },
            Err(problem) => Self {
                whole: Some(text),
                problem: Some(problem),
                ..Self::default()
            },
        }
    }

    /// The positional and the named arguments, and whether the text was the envelope.
    fn members(text: &'a str) -> Result<Members<'a>, ArgumentError> {
        let start = text.trim_start();
        match start.as_bytes().first() {
            None => Ok(Members::default()),
            Some(b'{') => {
                if let Ok(envelope) = serde_json::from_str::<Envelope<'a>>(text)
                    && start.starts_with("{\"args\":")
                {
                    return Ok((envelope.args, envelope.kwargs, true));
                }
                let members: BTreeMap<String, &'a RawValue> = parse_json(text)?;
                let is_envelope = members
                    .keys()
                    .any(|key| ENVELOPE[..2].contains(&key.as_str()))
                    && members.keys().all(|key| ENVELOPE.contains(&key.as_str()));
                if is_envelope {
                    let envelope: Envelope<'a> = parse_json(text)?;
                    return Ok((envelope.args, envelope.kwargs, true));
                }
                Ok((Vec::new(), members, false))
            }
            Some(b'[') => Ok((parse_json(text)?, BTreeMap::new(), false)),
            Some(_) => {
                let value: &RawValue = parse_json(text)?;
                let arg = (value.get() != "null").then_some(value);
                Ok((arg.into_iter().collect(), BTreeMap::new(), false))
            }
        }
    }

    /// The input in the envelope.
    pub fn to_input(&self) -> SmolStr {
        self.to_input_with_meta(None)
    }

    /// The same with what travels beside the arguments, as JSON text.
    pub fn to_input_with_meta(&self, meta: Option<&str>) -> SmolStr {
        let mut text = String::from("{\"args\":[");
        for (index, arg) in self.args.iter().enumerate() {
            if index > 0 {
                text.push(',');
            }
            text.push_str(arg.get());
        }
        text.push_str("],\"kwargs\":{");
        for (index, (name, value)) in self.kwargs.iter().enumerate() {
            if index > 0 {
                text.push(',');
            }
            // A string always serialises.
            let _ = write!(text, "{}:{}", Value::from(name.as_str()), value.get());
        }
        text.push('}');
        if let Some(meta) = meta {
            let _ = write!(text, ",\"meta\":{meta}");
        }
        text.push('}');
        text.into()
    }

    /// Binds the arguments to parameters.
    ///
    /// # Errors
    /// When there are more arguments than parameters, a name fits none, or one is given twice.
    pub fn bind(self, parameters: &'static [Parameter]) -> Result<Bound<'a>, ArgumentError> {
        // Whether the only parameter is a `Raw` shows when it is read.
        let whole = self.whole.filter(|_| parameters.len() == 1);
        match self.bind_members(parameters) {
            Ok(values) => Ok(Bound {
                parameters,
                values,
                whole,
                problem: None,
            }),
            Err(problem) if whole.is_some() => Ok(Bound {
                parameters,
                values: vec![None],
                whole,
                problem: Some(problem),
            }),
            Err(problem) => Err(problem),
        }
    }

    fn bind_members(
        self,
        parameters: &'static [Parameter],
    ) -> Result<Vec<Option<&'a RawValue>>, ArgumentError> {
        if let Some(problem) = self.problem {
            return Err(problem);
        }
        if self.args.len() > parameters.len() {
            return Err(ArgumentError::TooMany {
                parameters,
                found: self.args.len(),
            });
        }
        let mut values: Vec<Option<&'a RawValue>> = self.args.into_iter().map(Some).collect();
        values.resize(parameters.len(), None);
        for (name, value) in self.kwargs {
            let Some(index) = parameters.iter().position(|p| p.name == name) else {
                return Err(ArgumentError::UnknownName { parameters, name });
            };
            if values[index].replace(value).is_some() {
                return Err(ArgumentError::Twice { name });
            }
        }
        Ok(values)
    }
}

fn parse_json<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, ArgumentError> {
    serde_json::from_str(text).map_err(|e| ArgumentError::Json(e.to_string()))
}

/// The arguments that travel by name, which are the first, and the others.
pub(crate) fn named<'a>(
    names: &'static [Parameter],
    args: &'a [SmolStr],
) -> (
    impl Iterator<Item = (&'static str, &'a SmolStr)>,
    &'a [SmolStr],
) {
    let (named, others) = args.split_at(names.len().min(args.len()));
    (names.iter().map(|name| name.name).zip(named), others)
}

/// A parameter of a workflow or an activity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its name in the code.
    pub name: &'static str,
    /// Its type, as written in the code.
    pub type_name: &'static str,
}

/// Arguments in the order of their parameters.
#[derive(Debug)]
pub struct Bound<'a> {
    parameters: &'static [Parameter],
    values: Vec<Option<&'a RawValue>>,
    /// The input of an only parameter, if that is a [`Raw`](crate::Raw).
    whole: Option<&'a str>,
    /// Why it fits nothing else.
    problem: Option<ArgumentError>,
}

impl Bound<'_> {
    /// The argument of the parameter at `index`; an `Option` may be missing.
    ///
    /// # Errors
    /// When it is missing or has another type.
    pub fn get<T: DeserializeOwned>(&self, index: usize) -> Result<T, ArgumentError> {
        match self.value(index)? {
            Given::Whole(raw) => Ok(raw),
            Given::Member(value) => self.decode(index, value.get()),
            // An optional parameter reads `null`, any other refuses it.
            Given::Nothing => serde_json::from_str("null").map_err(|_| ArgumentError::Missing {
                parameter: self.parameters[index],
                position: index + 1,
            }),
        }
    }

    /// The argument of the parameter at `index`, or the default.
    ///
    /// # Errors
    /// When it has another type.
    pub fn get_or<T: DeserializeOwned>(
        &self,
        index: usize,
        default: impl FnOnce() -> T,
    ) -> Result<T, ArgumentError> {
        match self.value(index)? {
            Given::Whole(raw) => Ok(raw),
            Given::Member(value) => self.decode(index, value.get()),
            Given::Nothing => Ok(default()),
        }
    }

    /// What is given for a parameter.
    fn value<T: DeserializeOwned>(&self, index: usize) -> Result<Given<'_, T>, ArgumentError> {
        if let Some(raw) = self.whole.and_then(raw::raw_from) {
            return Ok(Given::Whole(raw));
        }
        if let Some(problem) = &self.problem {
            return Err(problem.clone());
        }
        Ok(self.values[index].map_or(Given::Nothing, Given::Member))
    }

    /// All arguments as a JSON list, in the order of the parameters; one that is missing is `null`,
    /// and an input that is not JSON is the one string in it.
    pub fn to_list(&self) -> String {
        if let (Some(text), Some(ArgumentError::Json(_))) = (self.whole, &self.problem) {
            return Value::from([text].as_slice()).to_string();
        }
        let values = self
            .values
            .iter()
            .map(|value| value.map_or("null", RawValue::get));
        format!("[{}]", values.collect::<Vec<_>>().join(","))
    }

    fn decode<T: DeserializeOwned>(&self, index: usize, text: &str) -> Result<T, ArgumentError> {
        serde_json::from_str(text).map_err(|error| ArgumentError::Type {
            parameter: self.parameters[index],
            position: index + 1,
            found: excerpt(text),
            problem: without_position(&error),
        })
    }
}

/// What an input has for a parameter.
enum Given<'a, T> {
    Whole(T),
    Member(&'a RawValue),
    Nothing,
}

/// serde_json's message without its `at line 1 column 5`, which speaks of a fragment.
fn without_position(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}

fn excerpt(text: &str) -> String {
    const MOST: usize = 60;
    match text.char_indices().nth(MOST) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

/// Why an input does not fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArgumentError {
    /// The text is not JSON.
    #[error("the input is not JSON: {0}")]
    Json(String),
    /// There are more positional arguments than parameters.
    #[error("too many arguments: expected at most {}, found {found}; {}", parameters.len(), Signature(parameters))]
    TooMany {
        /// What is expected.
        parameters: &'static [Parameter],
        /// How many came.
        found: usize,
    },
    /// A named argument fits no parameter.
    #[error("there is no argument {name:?}; {}", Signature(parameters))]
    UnknownName {
        /// What is expected.
        parameters: &'static [Parameter],
        /// The name that came.
        name: String,
    },
    /// An argument was given by position and by name.
    #[error("argument {name:?} is given twice: by position and by name")]
    Twice {
        /// Its name.
        name: String,
    },
    /// An argument is missing.
    #[error("argument {position} `{}` is missing: expected {}", parameter.name, parameter.type_name)]
    Missing {
        /// The parameter.
        parameter: Parameter,
        /// Its position, from 1.
        position: usize,
    },
    /// An argument has the wrong type.
    #[error("argument {position} `{}`: expected {}, found {found} ({problem})", parameter.name, parameter.type_name)]
    Type {
        /// The parameter.
        parameter: Parameter,
        /// Its position, from 1.
        position: usize,
        /// The start of the JSON text that came.
        found: String,
        /// What the decoder says.
        problem: String,
    },
}

struct Signature(&'static [Parameter]);

impl std::fmt::Display for Signature {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0.is_empty() {
            return f.write_str("it takes none");
        }
        f.write_str("the arguments are ")?;
        for (index, parameter) in self.0.iter().enumerate() {
            let comma = if index > 0 { ", " } else { "" };
            write!(f, "{comma}{}: {}", parameter.name, parameter.type_name)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binaries_are_beside_the_arguments() {
        let of = |input: &str| binaries(input).unwrap().into_iter().collect::<Vec<_>>();
        let tool = ("tool".to_owned(), "s3://b/t".to_owned());
        let meta = meta_with_binaries(Some(r#"{"a":1}"#.into()), &["tool=s3://b/t"]).unwrap();
        assert_eq!(meta, r#"{"a":1,"binaries":{"tool":"s3://b/t"}}"#);
        let another = meta_with_binary(Some(&meta), "a", "s3://b/a");
        let another = meta_with_binary(Some(&another), "tool", "s3://b/u");
        assert_eq!(
            another,
            r#"{"a":1,"binaries":{"a":"s3://b/a","tool":"s3://b/u"}}"#
        );
        let input = format!(r#"{{"args": [1], "kwargs": {{}}, "meta": {meta}}}"#);
        assert_eq!(of(&input), [tool]);
        for none in [
            "",
            "[\"binaries\"]",
            r#"{"meta": {"binaries": {"tool": "an argument"}}}"#,
            r#"{"args": ["\"binaries\""], "meta": {"binaries": null}}"#,
            r#"{"args": [{"binaries": 1}], "meta": {}}"#,
        ] {
            assert_eq!(of(none), [], "{none}");
        }
        let arguments = Arguments::parse("[2]").unwrap();
        let other = arguments.to_input_with_meta(super::meta(&input).unwrap());
        assert_eq!(
            other,
            format!(r#"{{"args":[2],"kwargs":{{}},"meta":{meta}}}"#)
        );
        let wrong = r#"{"args": [], "meta": {"binaries": ["tool"]}}"#;
        assert!(binaries(wrong).is_err());
    }

    const PARAMETERS: &[Parameter] = &[
        Parameter {
            name: "x",
            type_name: "i64",
        },
        Parameter {
            name: "t",
            type_name: "Option<f64>",
        },
    ];

    fn bind(text: &str) -> Result<(i64, Option<f64>), ArgumentError> {
        let bound = Arguments::parse(text)?.bind(PARAMETERS)?;
        Ok((bound.get(0)?, bound.get(1)?))
    }

    #[test]
    fn an_input_may_be_a_list_an_envelope_an_object_or_a_value() {
        for text in [
            "[1, 5]",
            r#"{"args": [1, 5], "kwargs": {}}"#,
            r#"{"kwargs": {"t": 5}, "args": [1], "__extra": {"class": "a.B"}}"#,
            r#"{"x": 1, "t": 5}"#,
            r#"{"args":[1],"kwargs":{"t":5},"meta":{}}"#,
        ] {
            assert_eq!(bind(text), Ok((1, Some(5.0))), "{text}");
        }
        assert_eq!(bind("1"), Ok((1, None)));
        assert_eq!(bind("[1]"), Ok((1, None)));
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let says = |text: &str| bind(text).unwrap_err().to_string();
        assert_eq!(
            says("[1, 2, 3]"),
            "too many arguments: expected at most 2, found 3; the arguments are x: i64, t: Option<f64>"
        );
        assert_eq!(says("[]"), "argument 1 `x` is missing: expected i64");
        assert_eq!(says(""), "argument 1 `x` is missing: expected i64");
        assert_eq!(
            says(r#"["one"]"#),
            "argument 1 `x`: expected i64, found \"one\" (invalid type: string \"one\", expected i64)"
        );
        assert_eq!(
            says(r#"{"y": 1}"#),
            "there is no argument \"y\"; the arguments are x: i64, t: Option<f64>"
        );
        assert_eq!(
            says(r#"{"args": [1], "kwargs": {"x": 2}}"#),
            "argument \"x\" is given twice: by position and by name"
        );
        // Where in the text the decoder gives up differs between its versions.
        assert!(says("[1,").starts_with("the input is not JSON: EOF while parsing a"));
    }

    #[test]
    fn the_envelope_is_the_original_s() {
        let arguments = Arguments::parse(r#"{"t": "ü", "x": [1, 2]}"#).unwrap();
        assert_eq!(
            arguments.to_input(),
            r#"{"args":[],"kwargs":{"t":"ü","x":[1, 2]}}"#
        );
        assert_eq!(
            Arguments::parse("[5]").unwrap().to_input(),
            r#"{"args":[5],"kwargs":{}}"#
        );
    }
}
