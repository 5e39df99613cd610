//! What goes wrong.

use simpleflow_objects::{ObjectError, PlaceError};

use crate::settings::{CEILING_VARIABLE, PLACE_LENGTH, PLACE_VARIABLE};

/// Why a value cannot be written or read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JumboError {
    /// The value is longer than its field, and there is no place for it.
    #[error(
        "Message too long ({length} chars): the field takes at most {limit}. Longer values need a \
         place: set {PLACE_VARIABLE}"
    )]
    NoPlace {
        /// How many characters it has.
        length: usize,
        /// How many the field takes.
        limit: usize,
    },
    /// The value is longer than values may be.
    #[error(
        "Message too long even for a jumbo field ({length} chars): at most {ceiling} may go, see \
         {CEILING_VARIABLE}"
    )]
    TooLong {
        /// How many characters it has.
        length: usize,
        /// How many it may have.
        ceiling: usize,
    },
    /// The field does not even take a signature.
    #[error("Jumbo field signature {signature:?} is longer than the {limit} chars of its field")]
    SignatureTooLong {
        /// The signature.
        signature: String,
        /// How many characters the field takes.
        limit: usize,
    },
    /// The value cannot be put where it belongs.
    #[error("a value of {length} chars cannot be written: {source}")]
    Write {
        /// How many characters it has.
        length: usize,
        /// What is wrong: it names place and key.
        source: ObjectError,
    },
    /// The value cannot be got from where it is.
    #[error("the value of {signature:?} cannot be read: {source}")]
    Read {
        /// The signature.
        signature: String,
        /// What is wrong: it names place and key.
        source: ObjectError,
    },
    /// The signature names a place that is none, or one that this program has no way to.
    #[error("the value of {signature:?} cannot be read: {problem}")]
    UnknownPlace {
        /// The signature.
        signature: String,
        /// What is wrong with the place.
        problem: String,
    },
    /// What is there is not what was put there.
    #[error("the value of {signature:?} is damaged: {problem}")]
    Damaged {
        /// The signature.
        signature: String,
        /// What is wrong with it.
        problem: String,
    },
}

impl JumboError {
    /// Whether the same may go well a little later. It was tried several times by then.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Write { source, .. } | Self::Read { source, .. } => source.is_retryable(),
            _ => false,
        }
    }

    /// Whether the value is lost: it is not there, or is not what was written. Whoever waits for it
    /// waits in vain.
    pub fn is_lost(&self) -> bool {
        match self {
            Self::Read { source, .. } => source.is_not_found() || source.is_damaged(),
            Self::Damaged { .. } => true,
            _ => false,
        }
    }

    /// Whether the value can go nowhere, at this length.
    pub fn is_too_long(&self) -> bool {
        matches!(
            self,
            Self::NoPlace { .. } | Self::TooLong { .. } | Self::SignatureTooLong { .. }
        )
    }
}

/// Which setting does not fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// The place is none.
    #[error("{PLACE_VARIABLE}: {0}")]
    Place(#[from] PlaceError),
    /// The path of the folder is not UTF-8.
    #[error("{PLACE_VARIABLE}: the path of the folder {0:?} is not UTF-8")]
    Path(String),
    /// The name of the place is too long for the shortest field, the reason of a failure.
    #[error(
        "{PLACE_VARIABLE}: {place:?} has {} characters: bucket and prefix may have at most \
         {PLACE_LENGTH}, so that signatures fit into fields of 256. Shorten the prefix",
        place.chars().count()
    )]
    PlaceTooLong {
        /// Bucket and prefix.
        place: String,
    },
    /// A variable says what means nothing.
    #[error("{variable} is {value:?}: expected {expected}")]
    Variable {
        /// Its name.
        variable: &'static str,
        /// What it says.
        value: String,
        /// What it may say.
        expected: &'static str,
    },
}
