//! Where the reference material is: the official model of the service and recordings of it. It
//! lies next to a checkout, is not part of it, and the tests that need it are skipped without it.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde_json::Value;

/// A file or directory of the reference material; `None`, and a word about it, if it is not there.
pub fn reference(path: &str) -> Option<PathBuf> {
    // Asked at run time: what is compiled in may be of another checkout, where they share a target.
    let package = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default();
    let repository = Path::new(&package).join("../..");
    let path = repository.join("../shared/swf").join(path);
    if path.exists() {
        return Some(path);
    }
    let test = std::thread::current().name().unwrap_or("test").to_owned();
    // Not `eprintln`, which the test harness keeps to itself when a test passes.
    let _ = writeln!(
        io::stderr(),
        "{test} is skipped: no reference material at {}",
        path.display()
    );
    None
}

/// The content of a JSON file.
pub fn read_json(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Where two JSON values differ, and how; numbers are compared by value, so `5` equals `5.0`.
pub fn difference(left: &Value, right: &Value) -> Option<String> {
    fn walk(left: &Value, right: &Value, at: &str) -> Option<String> {
        match (left, right) {
            (Value::Object(left), Value::Object(right)) => {
                for (name, value) in left {
                    let at = format!("{at}.{name}");
                    match right.get(name) {
                        Some(other) => {
                            if let Some(difference) = walk(value, other, &at) {
                                return Some(difference);
                            }
                        }
                        None => return Some(format!("{at}: {value} is lost")),
                    }
                }
                let (name, value) = right.iter().find(|(name, _)| !left.contains_key(*name))?;
                Some(format!("{at}.{name}: {value} is new"))
            }
            (Value::Array(left), Value::Array(right)) if left.len() == right.len() => left
                .iter()
                .zip(right)
                .enumerate()
                .find_map(|(i, (left, right))| walk(left, right, &format!("{at}[{i}]"))),
            (Value::Number(a), Value::Number(b)) if a.as_f64() == b.as_f64() => None,
            _ if left == right => None,
            _ => Some(format!("{at}: {left} became {right}")),
        }
    }
    walk(left, right, "$")
}

/// Reads the value as a `T` and writes it back; says what is different then.
pub fn round_trip<T>(value: &Value) -> Result<(), String>
where
    T: serde::Serialize + serde::de::DeserializeOwned,
{
    // By way of text, which is how values come in production.
    let text = value.to_string();
    let read: T = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let written = serde_json::to_value(&read).map_err(|error| error.to_string())?;
    difference(value, &written).map_or(Ok(()), Err)
}
