//! The macro that declares a structure of the wire format.
//!
//! The service may add a member to a shape at any time. A shape therefore keeps what it does not
//! know in [`Unknown`](crate::Unknown) and writes it back. `serde(flatten)` would do the same, but
//! it buffers every member first, and reading histories is where a decider spends its time.

/// The members of a shape: the wire name of each, and whether it is required.
pub type Members = &'static [(&'static str, bool)];

/// Declares structures whose serde form is a JSON object in SWF's naming.
///
/// Each member says whether it is required (`req`) or optional (`opt`), and its wire name. An
/// absent or `null` optional member reads as `None` and is not written.
macro_rules! shapes {
    ($(
        $(#[$doc:meta])*
        $name:ident { $( $need:ident $field:ident : $type:ty = $wire:literal ),* $(,)? }
    )*) => {
        /// The shapes of this module: the name and the members of each.
        pub const SHAPES: &[(&str, $crate::Members)] =
            &[$((stringify!($name), $name::MEMBERS)),*];

    $(
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct $name {
            $(
                #[doc = concat!("The wire member `", $wire, "`.")]
                pub $field: $crate::shape::member_type!($need $type),
            )*
            /// Members that this version does not know, kept as they came.
            pub unknown: $crate::Unknown,
        }

        impl $name {
            /// The members of the shape.
            pub const MEMBERS: $crate::Members =
                &[$(($wire, $crate::shape::member_required!($need))),*];
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeMap as _;
                let mut map = serializer.serialize_map(None)?;
                $( $crate::shape::write_member!($need map, $wire, &self.$field); )*
                self.unknown.serialize_entries(&mut map)?;
                map.end()
            }
        }

        const _: () = {
            #[allow(non_camel_case_types)]
            enum Key { $($field,)* unknown_(String) }

            impl<'de> serde::Deserialize<'de> for Key {
                fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                    struct KeyVisitor;
                    impl serde::de::Visitor<'_> for KeyVisitor {
                        type Value = Key;
                        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                            f.write_str("a member name")
                        }
                        fn visit_str<E: serde::de::Error>(self, key: &str) -> Result<Key, E> {
                            Ok(match key {
                                $($wire => Key::$field,)*
                                _ => Key::unknown_(key.to_owned()),
                            })
                        }
                    }
                    d.deserialize_str(KeyVisitor)
                }
            }

            impl<'de> serde::Deserialize<'de> for $name {
                fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                    struct ShapeVisitor;
                    impl<'de> serde::de::Visitor<'de> for ShapeVisitor {
                        type Value = $name;
                        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                            f.write_str(concat!("an object of shape ", stringify!($name)))
                        }
                        #[allow(unused_mut)]
                        fn visit_map<A: serde::de::MapAccess<'de>>(
                            self,
                            mut map: A,
                        ) -> Result<$name, A::Error> {
                            $(let mut $field = None;)*
                            let mut unknown = $crate::Unknown::default();
                            while let Some(member) = map.next_key::<Key>()? {
                                match member {
                                    $(Key::$field => $field = map.next_value()?,)*
                                    Key::unknown_(name) => unknown.insert(name, map.next_value()?),
                                }
                            }
                            Ok($name {
                                $($field: $crate::shape::take_member!($need $field, $wire),)*
                                unknown,
                            })
                        }
                    }
                    d.deserialize_map(ShapeVisitor)
                }
            }
        };
    )*};
}

macro_rules! member_type {
    (req $type:ty) => { $type };
    (opt $type:ty) => { Option<$type> };
}

macro_rules! member_required {
    (req) => {
        true
    };
    (opt) => {
        false
    };
}

macro_rules! write_member {
    (req $map:ident, $wire:literal, $value:expr) => {
        $map.serialize_entry($wire, $value)?
    };
    (opt $map:ident, $wire:literal, $value:expr) => {
        if let Some(value) = $value {
            $map.serialize_entry($wire, value)?
        }
    };
}

macro_rules! take_member {
    (req $value:ident, $wire:literal) => {
        $value.ok_or_else(|| serde::de::Error::missing_field($wire))?
    };
    (opt $value:ident, $wire:literal) => {
        $value
    };
}

/// Declares an enum whose wire form is a string; a string that is not listed is kept in `Other`.
macro_rules! string_enums {
    ($(
        $(#[$doc:meta])*
        $name:ident { $( $variant:ident = $wire:literal ),* $(,)? }
    )*) => {
        /// The enums of this module: the name and the values of each.
        pub const ENUMS: &[(&str, &[&str])] = &[$((stringify!($name), $name::VALUES)),*];

    $(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $( #[doc = concat!("`", $wire, "`")] $variant, )*
            /// A value that this version does not know, kept as it came.
            Other(smol_str::SmolStr),
        }

        impl $name {
            /// The values that the service model lists.
            pub const VALUES: &'static [&'static str] = &[$($wire),*];

            /// The wire form.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $wire,)*
                    Self::Other(value) => value,
                }
            }
        }

        impl From<&str> for $name {
            fn from(value: &str) -> Self {
                match value {
                    $($wire => Self::$variant,)*
                    _ => Self::Other(value.into()),
                }
            }
        }

        /// The first value that the service model lists, so that shapes can be built in part
        /// with `..Default::default()`. It is not a default of the service.
        impl Default for $name {
            fn default() -> Self {
                [$(Self::$variant),*].into_iter().next().expect("an enum has a variant")
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                struct EnumVisitor;
                impl serde::de::Visitor<'_> for EnumVisitor {
                    type Value = $name;
                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str(concat!("a string of enum ", stringify!($name)))
                    }
                    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<$name, E> {
                        Ok($name::from(value))
                    }
                }
                d.deserialize_str(EnumVisitor)
            }
        }
    )*};
}

pub(crate) use {member_required, member_type, shapes, string_enums, take_member, write_member};

/// A shape none of whose members is there.
pub(crate) fn from_nothing<T: serde::de::DeserializeOwned, E: serde::de::Error>() -> Result<T, E> {
    let nothing = std::iter::empty::<(&str, &str)>();
    T::deserialize(serde::de::value::MapDeserializer::new(nothing))
}
