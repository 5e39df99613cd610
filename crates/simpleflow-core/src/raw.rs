//! Texts that are not JSON, for executions, workers and functions that are others'.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use serde::de::{self, DeserializeOwned, Deserializer, Visitor};
use serde::ser::{self, Impossible, Serializer};
use serde::{Deserialize, Serialize, forward_to_deserialize_any};
use serde_json::value::RawValue;
use simpleflow_model::SmolStr;

/// A text that travels as it is, where any other value travels as JSON: for workers, executions,
/// functions and readers of histories that expect something else.
///
/// As a result, an input, the payload of a signal, the details of a marker, the control of a timer,
/// it is the whole text. So an activity or a workflow of which the only parameter is a `Raw` is sent
/// that text in place of the envelope with its arguments, and gets any input as it is; of one in the
/// envelope, the argument. (The field of a workflow has to be written so: an alias is sent in the
/// envelope.) Within another value it is a JSON string.
///
/// Read from a result or a signal, JSON text is itself, but a JSON string is its content: what is
/// not JSON comes to the code as a JSON string.
///
/// ```standalone_crate
/// # extern crate simpleflow_core as simpleflow;
/// # use simpleflow::{Flow, Raw, Result, Workflow};
/// # use simpleflow_macros::{activity, workflow};
/// # fn main() {}
/// /// Its workers are not ours: they take and give XML.
/// #[activity(name = "convert", version = "3")]
/// fn convert(_document: Raw) -> Result<Raw> {
///     simpleflow::bail!("another program does this")
/// }
///
/// #[workflow]
/// struct Convert {
///     document: Raw,
/// }
///
/// impl Workflow for Convert {
///     type Output = Raw;
///
///     async fn run(self, flow: Flow) -> Result<Raw> {
///         Ok(flow.submit(convert(self.document)).await?)
///     }
/// }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Raw(SmolStr);

/// By this name serializers and deserializers know it.
const NAME: &str = "$simpleflow::Raw";

impl Raw {
    /// The text.
    pub fn new(text: impl Into<SmolStr>) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text.
    pub fn into_inner(self) -> SmolStr {
        self.0
    }
}

impl From<&str> for Raw {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl From<String> for Raw {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl Deref for Raw {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Raw {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(NAME, self.as_str())
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Raw;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            /// The whole text.
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Raw, E> {
                Ok(text.into())
            }

            /// JSON.
            fn visit_newtype_struct<D: Deserializer<'de>>(self, json: D) -> Result<Raw, D::Error> {
                let json = Box::<RawValue>::deserialize(json)?;
                Ok(match serde_json::from_str::<Cow<'_, str>>(json.get()) {
                    Ok(content) => Raw::new(content),
                    Err(_) => Raw::new(json.get()),
                })
            }
        }
        deserializer.deserialize_newtype_struct(NAME, Text)
    }
}

/// A value as the whole of a text: its JSON, or of a [`Raw`] the text.
pub(crate) fn to_text<T: Serialize + ?Sized>(value: &T) -> Result<SmolStr, serde_json::Error> {
    text_of(value).map_or_else(|| crate::payload::to_json(value), Ok)
}

/// The text of a value that is a [`Raw`].
pub fn text_of<T: Serialize + ?Sized>(value: &T) -> Option<SmolStr> {
    value.serialize(Detector { within: false }).ok()
}

/// The value that a whole text is: a [`Raw`], or read from JSON.
///
/// # Errors
/// It is not JSON of a `T`.
pub fn from_text<T: DeserializeOwned>(text: &str) -> Result<T, serde_json::Error> {
    raw_from(text).map_or_else(|| serde_json::from_str(text), Ok)
}

/// The value that is this text, if its type is [`Raw`].
pub(crate) fn raw_from<T: DeserializeOwned>(text: &str) -> Option<T> {
    T::deserialize(Whole(text)).ok()
}

/// The value is no [`Raw`].
#[derive(Debug)]
struct NotRaw;

impl fmt::Display for NotRaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no raw text")
    }
}

impl std::error::Error for NotRaw {}

impl ser::Error for NotRaw {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

impl de::Error for NotRaw {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

/// Serializes a [`Raw`] to its text, and nothing else.
struct Detector {
    within: bool,
}

macro_rules! not_raw {
    ($($method:ident($($argument:ty),*) $(-> $compound:ty)?;)*) => {$(
        fn $method(self $(, _: $argument)*) -> Result<not_raw!(@output $($compound)?), NotRaw> {
            Err(NotRaw)
        }
    )*};
    (@output) => { SmolStr };
    (@output $compound:ty) => { $compound };
}

type No = Impossible<SmolStr, NotRaw>;

impl Serializer for Detector {
    type Ok = SmolStr;
    type Error = NotRaw;
    type SerializeSeq = No;
    type SerializeTuple = No;
    type SerializeTupleStruct = No;
    type SerializeTupleVariant = No;
    type SerializeMap = No;
    type SerializeStruct = No;
    type SerializeStructVariant = No;

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<SmolStr, NotRaw> {
        match name == NAME {
            true => value.serialize(Self { within: true }),
            false => Err(NotRaw),
        }
    }

    fn serialize_str(self, text: &str) -> Result<SmolStr, NotRaw> {
        match self.within {
            true => Ok(text.into()),
            false => Err(NotRaw),
        }
    }

    fn collect_str<T: fmt::Display + ?Sized>(self, _: &T) -> Result<SmolStr, NotRaw> {
        Err(NotRaw)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Result<SmolStr, NotRaw> {
        Err(NotRaw)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<SmolStr, NotRaw> {
        Err(NotRaw)
    }

    not_raw! {
        serialize_bool(bool);
        serialize_i8(i8);
        serialize_i16(i16);
        serialize_i32(i32);
        serialize_i64(i64);
        serialize_u8(u8);
        serialize_u16(u16);
        serialize_u32(u32);
        serialize_u64(u64);
        serialize_f32(f32);
        serialize_f64(f64);
        serialize_char(char);
        serialize_bytes(&[u8]);
        serialize_none();
        serialize_unit();
        serialize_unit_struct(&'static str);
        serialize_unit_variant(&'static str, u32, &'static str);
        serialize_seq(Option<usize>) -> No;
        serialize_tuple(usize) -> No;
        serialize_tuple_struct(&'static str, usize) -> No;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> No;
        serialize_map(Option<usize>) -> No;
        serialize_struct(&'static str, usize) -> No;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> No;
    }
}

/// Deserializes a [`Raw`] from its text, and nothing else.
struct Whole<'a>(&'a str);

impl<'de> Deserializer<'de> for Whole<'_> {
    type Error = NotRaw;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, NotRaw> {
        Err(NotRaw)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, NotRaw> {
        match name == NAME {
            true => visitor.visit_str(self.0),
            false => Err(NotRaw),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_raw_text_is_itself_and_a_string_within_json() {
        let raw = Raw::new("<a b=\"c\"/>");
        assert_eq!(to_text(&raw).unwrap(), raw.as_str());
        assert_eq!(to_text(&&raw).unwrap(), raw.as_str());
        assert_eq!(to_text(&Some(&raw)).unwrap(), r#""<a b=\"c\"/>""#);
        assert_eq!(to_text(&[&raw]).unwrap(), r#"["<a b=\"c\"/>"]"#);
        assert_eq!(to_text("x").unwrap(), r#""x""#);
        assert_eq!(to_text(&Timed("x")).unwrap(), r#""x""#);
        assert_eq!(from_text::<Raw>("\"x").unwrap(), Raw::new("\"x"));
        assert_eq!(from_text::<String>("\"x\"").unwrap(), "x");
        assert!(from_text::<String>("x").is_err());
    }

    #[derive(Serialize)]
    struct Timed(&'static str);

    #[test]
    fn json_is_itself_and_a_json_string_its_content() {
        let read = |json: &str| serde_json::from_str::<Raw>(json).unwrap().into_inner();
        assert_eq!(read(r#""a\n<b>""#), "a\n<b>");
        assert_eq!(read(r#"{"a": 1.50}"#), r#"{"a": 1.50}"#);
        let within: Vec<Raw> = serde_json::from_str(r#"["a", 12]"#).unwrap();
        assert_eq!(within, [Raw::new("a"), Raw::new("12")]);
    }
}
