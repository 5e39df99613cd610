//! What goes in the place of a value that is elsewhere.

use std::fmt;

use uuid::Uuid;

/// What every signature begins with.
pub const PREFIX: &str = "simpleflow+";

/// The schemes of the places that a signature may name.
const SCHEMES: [&str; 5] = ["s3://", "file://", "http://", "https://", "memory:"];

/// The longest text that is looked at as a signature, in bytes: no field of places is longer.
const LONGEST: usize = 2_048;

/// What goes in the place of a value that is elsewhere: where it is, and how long.
///
/// ```
/// use simpleflow_jumbo::Signature;
///
/// let text = "simpleflow+s3://values/of/us/735471c1-ac26-4c5d-a4ba-f85c7c5fb211 40000";
/// let signature = Signature::parse(text).unwrap();
/// assert_eq!(signature.place(), "s3://values/of/us");
/// assert_eq!(signature.length(), 40_000);
/// assert_eq!(signature.to_string(), text);
/// assert_eq!(Signature::parse("simpleflow+s3:// is what signatures begin with"), None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Signature {
    place: String,
    id: Uuid,
    length: usize,
}

impl Signature {
    pub(crate) fn new(place: &str, id: Uuid, length: usize) -> Self {
        Self {
            place: place.to_owned(),
            id,
            length,
        }
    }

    /// Reads a text; none if it is no signature, also when it begins like one.
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix(PREFIX)?;
        if text.len() > LONGEST || !SCHEMES.iter().any(|scheme| rest.starts_with(scheme)) {
            return None;
        }
        let (location, length) = rest.split_once(' ')?;
        let (place, id) = location.rsplit_once('/')?;
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let is_place = !place.ends_with('/') && !place.contains(char::is_whitespace);
        // A UUID has other forms too, which nobody writes here.
        let id = Uuid::try_parse(id).ok().filter(|_| id.len() == 36)?;
        (is_place && digits(length)).then_some(())?;
        Some(Self {
            place: place.to_owned(),
            id,
            length: length.parse().ok()?,
        })
    }

    /// The URL of the place where the value is, with the prefix of its keys.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// The key of the value at the place.
    pub fn key(&self) -> String {
        self.id.to_string()
    }

    /// How many characters the value has.
    pub fn length(&self) -> usize {
        self.length
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}/{} {}", self.place, self.id, self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "735471c1-ac26-4c5d-a4ba-f85c7c5fb211";

    #[test]
    fn a_signature_names_a_place_a_key_and_a_length() {
        for (text, place) in [
            (format!("simpleflow+s3://b/{ID} 5"), "s3://b"),
            (format!("simpleflow+s3://b/a/c/{ID} 5"), "s3://b/a/c"),
            (format!("simpleflow+file:///a%20b/{ID} 5"), "file:///a%20b"),
            (
                format!("simpleflow+http://127.0.0.1:8042/objects/{ID} 5"),
                "http://127.0.0.1:8042/objects",
            ),
        ] {
            let signature = Signature::parse(&text).unwrap();
            assert_eq!(signature.place(), place);
            assert_eq!((signature.key().as_str(), signature.length()), (ID, 5));
            assert_eq!(signature.to_string(), text);
        }
    }

    #[test]
    fn what_only_looks_like_a_signature_is_none() {
        for text in [
            String::new(),
            "simpleflow+".into(),
            "simpleflow+s3://bucket".into(),
            format!("s3://b/{ID} 5"),
            format!(" simpleflow+s3://b/{ID} 5"),
            format!("\"simpleflow+s3://b/{ID} 5\""),
            format!("simpleflow+s3://b/{ID}"),
            format!("simpleflow+s3://b/{ID} "),
            format!("simpleflow+s3://b/{ID} 5 "),
            format!("simpleflow+s3://b/{ID}  5"),
            format!("simpleflow+s3://b/{ID} +5"),
            format!("simpleflow+s3://b/{ID} 5\n"),
            format!("simpleflow+s3://b/{ID} 99999999999999999999999"),
            format!("simpleflow+s3://b/{} 5", ID.replace('-', "")),
            format!("simpleflow+s3://b/{{{ID}}} 5"),
            format!("simpleflow+s3://b//{ID} 5"),
            format!("simpleflow+s3:///{ID} 5"),
            format!("simpleflow+gs://b/{ID} 5"),
            format!("simpleflow+s3://b c/{ID} 5"),
            format!("simpleflow+s3://{}/{ID} 5", "b".repeat(LONGEST)),
        ] {
            assert_eq!(Signature::parse(&text), None, "{text}");
        }
    }
}
