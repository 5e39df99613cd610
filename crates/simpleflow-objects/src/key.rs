//! Which keys there are.

use crate::Problem;

/// How many bytes a key may have in UTF-8, with the prefix of its place: S3's limit.
pub const KEY_BYTES: usize = 1_024;

/// Checks a key that has its prefix. [`Objects`](crate::Objects) does; a server has to by itself.
///
/// # Errors
/// It is empty or longer than S3 takes, or has characters that a listing of S3, which is XML, cannot
/// have.
pub fn check_key(key: &str) -> Result<(), Problem> {
    if key.is_empty() {
        return Err(Problem::Key("is empty".into()));
    }
    check_prefix(key)
}

/// The same for what keys begin with, which may be empty.
pub(crate) fn check_prefix(prefix: &str) -> Result<(), Problem> {
    let length = prefix.len();
    if length > KEY_BYTES {
        return Err(Problem::Key(format!(
            "has {length} bytes with the prefix of its place: it may have at most {KEY_BYTES}"
        )));
    }
    let unfit = |c: &char| c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}');
    match prefix.chars().find(unfit) {
        Some(unfit) => Err(Problem::Key(format!(
            "has the character {unfit:?}: control characters cannot be listed"
        ))),
        None => Ok(()),
    }
}
