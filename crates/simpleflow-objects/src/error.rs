//! What goes wrong.

use std::io;

/// What went wrong with an object: where, with which key, and how.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("object {key:?} in {place}: {problem}")]
pub struct ObjectError {
    /// The URL of the place.
    pub place: String,
    /// The key, or the prefix of a listing.
    pub key: String,
    /// What went wrong.
    pub problem: Problem,
}

impl ObjectError {
    /// Whether there is no such object.
    pub fn is_not_found(&self) -> bool {
        self.problem == Problem::NotFound
    }

    /// Whether the object is there, but no longer as it was put.
    pub fn is_damaged(&self) -> bool {
        matches!(self.problem, Problem::Damaged(_))
    }

    /// Whether the same may go well a little later.
    pub fn is_retryable(&self) -> bool {
        self.problem.is_retryable()
    }
}

/// What went wrong at a place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// There is no object with this key.
    #[error("there is none")]
    NotFound,
    /// The value is no longer what was put, and will not be again.
    #[error("damaged: {0}")]
    Damaged(String),
    /// The key cannot be one.
    #[error("the key {0}")]
    Key(String),
    /// The place is not there: a bucket that does not exist, or no place was given.
    #[error("{0}")]
    NoPlace(String),
    /// Who asks may not do this.
    #[error("access denied: {0}")]
    Denied(String),
    /// The value is longer than the place takes.
    #[error("it has {size} bytes: the place takes at most {limit}")]
    TooLarge {
        /// How many bytes it has.
        size: u64,
        /// How many it may have.
        limit: u64,
    },
    /// The settings do not fit: there is no region, or a URL that means nothing.
    #[error("{0}")]
    Config(String),
    /// The place is out of reach, or overloaded.
    #[error("{0}")]
    Unavailable(String),
    /// Anything else: a full disk, an answer that is none.
    #[error("{0}")]
    Failed(String),
}

impl Problem {
    /// Whether the same may go well a little later.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }

    /// What a file system says.
    pub fn io(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::NotFound,
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Self::Denied(error.to_string())
            }
            io::ErrorKind::Interrupted | io::ErrorKind::TimedOut => {
                Self::Unavailable(error.to_string())
            }
            _ => Self::Failed(error.to_string()),
        }
    }

    /// What whoever takes a download says.
    pub fn writing(error: io::Error) -> Self {
        Self::Failed(format!("what is downloaded cannot be written: {error}"))
    }
}
