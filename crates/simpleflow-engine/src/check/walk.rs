//! The walk over whatever has the form of a request.

use std::fmt::{self, Display};

use serde::ser::{Impossible, Serialize, SerializeMap, SerializeSeq, Serializer};
use smol_str::format_smolstr;

use super::found::{Found, Path};
use crate::constraints::{Member, Rule, Shape};

/// What the walk finds at a place.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    /// Null.
    Nothing,
    Something,
    /// One of those that can be there: its place among them.
    Listed(usize),
}

/// What the walk is at: a value, or the key of a member.
#[derive(Clone, Copy)]
enum Target<'a> {
    Value(&'a Rule),
    /// The members from which it is one, and the first that it could be.
    Key(&'static [Member], usize),
}

/// The walk at one place.
pub(super) struct Walk<'a> {
    target: Target<'a>,
    path: &'a Path<'a>,
    found: &'a mut Found,
}

impl<'a> Walk<'a> {
    /// A walk over a value that a rule is for.
    pub(super) fn over(rule: &'a Rule, path: &'a Path<'a>, found: &'a mut Found) -> Self {
        Self {
            target: Target::Value(rule),
            path,
            found,
        }
    }

    fn integer(self, value: i64) -> Outcome {
        if let Target::Value(rule) = self.target {
            self.found.number(rule, self.path, value);
        }
        Ok(Seen::Something)
    }
}

type Outcome = Result<Seen, fmt::Error>;

/// What no request consists of.
type Never = Impossible<Seen, fmt::Error>;

macro_rules! integers {
    ($($method:ident: $integer:ty),*) => {$(
        fn $method(self, value: $integer) -> Outcome {
            self.integer(value.into())
        }
    )*};
}

/// What has no constraint.
macro_rules! free {
    ($($method:ident: $value:ty),*) => {$(
        fn $method(self, _: $value) -> Outcome {
            Ok(Seen::Something)
        }
    )*};
}

impl<'a> Serializer for Walk<'a> {
    type Ok = Seen;
    type Error = fmt::Error;
    type SerializeSeq = List<'a>;
    type SerializeTuple = Never;
    type SerializeTupleStruct = Never;
    type SerializeTupleVariant = Never;
    type SerializeMap = Object<'a>;
    type SerializeStruct = Never;
    type SerializeStructVariant = Never;

    fn serialize_str(self, value: &str) -> Outcome {
        let place = match self.target {
            Target::Value(rule) => self.found.string(rule, self.path, value),
            Target::Key(members, next) => place_of(members, next, value),
        };
        Ok(place.map_or(Seen::Something, Seen::Listed))
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Outcome {
        // What is a string on the wire and none here is a number: short, so no allocation.
        self.serialize_str(&format_smolstr!("{value}"))
    }

    integers!(serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64);
    integers!(serialize_u8: u8, serialize_u16: u16, serialize_u32: u32);

    fn serialize_u64(self, value: u64) -> Outcome {
        self.integer(i64::try_from(value).unwrap_or(i64::MAX))
    }

    free!(serialize_bool: bool, serialize_f32: f32, serialize_f64: f64);
    free!(serialize_char: char, serialize_bytes: &[u8]);

    fn serialize_none(self) -> Outcome {
        Ok(Seen::Nothing)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Outcome {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Outcome {
        Ok(Seen::Nothing)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Outcome {
        Ok(Seen::Nothing)
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
        let (max, element) = match self.target {
            Target::Value(Rule::List(max, element)) => (*max, *element),
            _ => (usize::MAX, &Rule::Any),
        };
        Ok(List {
            max,
            element,
            length: 0,
            path: self.path,
            found: self.found,
        })
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Object<'a>, fmt::Error> {
        let shape = match self.target {
            Target::Value(Rule::Structure(shape)) => shape(),
            _ => Shape::ANY,
        };
        Ok(Object {
            shape,
            member: None,
            next: 0,
            seen: 0,
            needed: shape.required,
            path: self.path,
            found: self.found,
        })
    }

    fn serialize_tuple(self, _: usize) -> Result<Never, fmt::Error> {
        Err(fmt::Error)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Never, fmt::Error> {
        Err(fmt::Error)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Never, fmt::Error> {
        Err(fmt::Error)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Never, fmt::Error> {
        Err(fmt::Error)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Never, fmt::Error> {
        Err(fmt::Error)
    }
}

/// The place of a key among members. They mostly come in their order, so it is looked for from
/// the first that has not come.
fn place_of(members: &[Member], next: usize, key: &str) -> Option<usize> {
    let (before, after) = members.split_at_checked(next)?;
    let place = |members: &[Member]| members.iter().position(|member| member.name == key);
    place(after)
        .map(|place| next + place)
        .or_else(|| place(before))
}

/// The walk over a list.
pub(super) struct List<'a> {
    max: usize,
    element: &'static Rule,
    length: usize,
    path: &'a Path<'a>,
    found: &'a mut Found,
}

impl SerializeSeq for List<'_> {
    type Ok = Seen;
    type Error = fmt::Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), fmt::Error> {
        self.length += 1;
        let path = Path::Element(self.path, self.length);
        value.serialize(Walk::over(self.element, &path, self.found))?;
        Ok(())
    }

    fn end(self) -> Outcome {
        self.found.length(self.max, self.path, self.length);
        Ok(Seen::Something)
    }
}

/// The walk over a structure.
pub(super) struct Object<'a> {
    /// One without members where no structure is expected.
    shape: &'static Shape,
    /// The place of the member whose value comes next, if it is one of the shape's.
    member: Option<usize>,
    /// The place after that of the last member.
    next: usize,
    /// The members that have a value, a bit each, and those that must have one.
    seen: u64,
    needed: u64,
    path: &'a Path<'a>,
    found: &'a mut Found,
}

impl SerializeMap for Object<'_> {
    type Ok = Seen;
    type Error = fmt::Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), fmt::Error> {
        let seen = key.serialize(Walk {
            target: Target::Key(self.shape.members, self.next),
            path: self.path,
            found: self.found,
        })?;
        self.member = match seen {
            Seen::Listed(place) => Some(place),
            Seen::Nothing | Seen::Something => None,
        };
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), fmt::Error> {
        let Some((place, member)) = self
            .member
            .take()
            .and_then(|place| Some((place, self.shape.members.get(place)?)))
        else {
            return Ok(());
        };
        self.next = place + 1;
        let path = Path::Member(self.path, member.name);
        let seen = value.serialize(Walk::over(&member.rule, &path, self.found))?;
        if seen != Seen::Nothing {
            self.seen |= 1 << place;
        }
        if let Rule::Choice(_) = member.rule {
            let choice = match seen {
                Seen::Listed(choice) => Some(choice),
                Seen::Nothing | Seen::Something => None,
            };
            self.found.decision(choice);
            // A decision needs the attributes of its type, unless none of them is required.
            if let Some(choice) = choice
                && let Some(attributes) = self.shape.members.get(choice + 1)
                && let Rule::Structure(shape) = attributes.rule
                && shape().required != 0
            {
                self.needed |= 1 << (choice + 1);
            }
        }
        Ok(())
    }

    /// Reports what is not there and must be.
    fn end(self) -> Outcome {
        let missing = self.needed & !self.seen;
        if missing != 0 {
            for (place, member) in self.shape.members.iter().enumerate() {
                if missing & (1 << place) != 0 {
                    self.found.missing(&Path::Member(self.path, member.name));
                }
            }
        }
        Ok(Seen::Something)
    }
}
