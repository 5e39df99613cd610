//! The tags of an execution.

use simpleflow_model::{SmolStr, limits};

/// The longest tag, in characters.
const TAG_LENGTH: usize = 256;

/// The tags of a workflow's executions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TagList {
    /// These, at most five of at most 256 characters each.
    Own(Vec<SmolStr>),
    /// Those of the parent: the original's `INHERIT_TAG_LIST`. An execution without a parent has
    /// none.
    Inherited,
}

impl Default for TagList {
    fn default() -> Self {
        Self::Own(Vec::new())
    }
}

impl<T: Into<SmolStr>> FromIterator<T> for TagList {
    fn from_iter<I: IntoIterator<Item = T>>(tags: I) -> Self {
        Self::Own(tags.into_iter().map(Into::into).collect())
    }
}

impl TagList {
    /// The tags of an execution whose parent has these.
    pub fn of_child<'a>(&'a self, parent: &'a [SmolStr]) -> &'a [SmolStr] {
        match self {
            Self::Own(tags) => tags,
            Self::Inherited => parent,
        }
    }
}

/// Tags that the service would not take.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTags {
    /// There are too many.
    #[error("{0} tags are too many: an execution has at most {most}", most = limits::TAGS)]
    TooMany(usize),
    /// One is too long.
    #[error("a tag of {0} characters is too long: SWF takes at most {TAG_LENGTH}")]
    TooLong(usize),
}

impl InvalidTags {
    /// Checks tags.
    ///
    /// # Errors
    /// What the service would not take.
    pub fn check(tags: &[SmolStr]) -> Result<(), Self> {
        if tags.len() > limits::TAGS {
            return Err(Self::TooMany(tags.len()));
        }
        let lengths = tags.iter().map(|tag| tag.chars().count());
        match lengths.max() {
            Some(longest) if longest > TAG_LENGTH => Err(Self::TooLong(longest)),
            _ => Ok(()),
        }
    }
}
