//! Keys as names of files.
//!
//! Each level of a key is a directory with `%` at the end of its name, which no escaped text has. A
//! level that is too long for a name is cut into several, each but the last with `%_` at its end.
//! Different keys have different paths, and none leads out of the folder.

use std::ffi::OsStr;
use std::path::PathBuf;

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use uuid::Uuid;

/// What the names of files begin with that are no objects yet.
const PART: &str = ".part-";

/// What is escaped: what file systems of any kind do not like, and what this gives a meaning.
const ESCAPED: &AsciiSet = &CONTROLS
    .add(b'/')
    .add(b'\\')
    .add(b'%')
    .add(b':')
    .add(b'*')
    .add(b'?')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'|');

/// How long a name may be, in bytes. File systems take 255.
const NAME: usize = 240;

/// The end of a directory's name that is a whole level, or the end of one.
const LEVEL: &str = "%";

/// The end of a directory's name whose level goes on.
const CUT: &str = "%_";

/// The name of an object whose key ends with `/`: a name must not be empty.
const EMPTY: &str = "%.";

/// What a name in the folder stands for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Name {
    /// A part of the keys of what is in it, with the `/` if it ends there.
    Directory(String),
    /// The last part of a key.
    Object(String),
}

/// A name for a file that is no object yet, which no other has.
pub(super) fn new_part() -> String {
    format!("{PART}{}", Uuid::new_v4())
}

/// Whether a name is one of those.
pub(super) fn is_part(name: &OsStr) -> bool {
    let id = name.to_str().and_then(|name| name.strip_prefix(PART));
    id.is_some_and(|id| Uuid::try_parse(id).is_ok())
}

/// The path of an object's file.
pub(super) fn path_of(key: &str) -> PathBuf {
    let (levels, last) = match key.rfind('/') {
        Some(end) => key.split_at(end + 1),
        None => ("", key),
    };
    let mut path = directory_of(levels);
    let last = cut(last, &mut path);
    path.push(if last.is_empty() { EMPTY } else { &last });
    path
}

/// The path of the directory of keys that begin with `levels`, which ends with `/` or is empty.
pub(super) fn directory_of(levels: &str) -> PathBuf {
    let mut path = PathBuf::new();
    for level in levels.split_terminator('/') {
        let mut level = cut(level, &mut path);
        level.push_str(LEVEL);
        path.push(level);
    }
    path
}

/// A level as a name. If it is too long, all but its end goes to `path`.
fn cut(level: &str, path: &mut PathBuf) -> String {
    let mut name = String::new();
    for char in level.chars() {
        let mut bytes = [0; 4];
        let text = &*char.encode_utf8(&mut bytes);
        // Non-ASCII characters stand as they are.
        let mut escaped: String = match char.is_ascii() {
            true => utf8_percent_encode(text, ESCAPED).collect(),
            false => text.to_owned(),
        };
        if name.len() + escaped.len() > NAME {
            name.push_str(CUT);
            path.push(std::mem::take(&mut name));
        }
        // `.` and `..` are not what they seem, and names of parts begin with one.
        if name.is_empty() && char == '.' {
            escaped = "%2E".to_owned();
        }
        name.push_str(&escaped);
    }
    name
}

/// What a name stands for; nothing if it is not one of this place.
pub(super) fn read_name(name: &str) -> Option<Name> {
    let decode = |text: &str| Some(percent_decode_str(text).decode_utf8().ok()?.into_owned());
    if name == EMPTY {
        return Some(Name::Object(String::new()));
    }
    if let Some(part) = name.strip_suffix(CUT) {
        return Some(Name::Directory(decode(part)?));
    }
    if let Some(level) = name.strip_suffix(LEVEL) {
        return Some(Name::Directory(decode(level)? + "/"));
    }
    match name.starts_with('.') {
        true => None,
        false => Some(Name::Object(decode(name)?)),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Component;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn usual_keys_have_usual_names() {
        for (key, path) in [
            ("report.json", "report.json"),
            ("basic-1/steps/été 1", "basic-1%/steps%/été 1"),
            ("..", "%2E."),
            ("../a", "%2E.%/a"),
            ("/a//", "%/a%/%/%."),
            ("a:b%", "a%3Ab%25"),
        ] {
            assert_eq!(path_of(key).to_str(), Some(path));
        }
    }

    /// The key of a path.
    fn key_of(path: &std::path::Path) -> String {
        let mut key = String::new();
        for component in path.components() {
            let Component::Normal(name) = component else {
                panic!("{path:?} leads elsewhere");
            };
            let name = name.to_str().unwrap();
            assert!(name.len() <= 255, "{name} is too long");
            match read_name(name).unwrap() {
                Name::Directory(part) | Name::Object(part) => key.push_str(&part),
            }
        }
        key
    }

    proptest! {
        #[test]
        fn any_text_is_found_again_in_its_path(key in "[a./%_\\PC]{0,400}|\\PC{0,20}(/\\PC{0,8}){0,4}") {
            prop_assert_eq!(key_of(&path_of(&key)), key);
        }
    }
}
