//! What activities are given beside their input.

use simpleflow_core::objects::Objects;

/// What a worker gives its activities beside their input.
#[derive(Clone, Debug)]
pub struct Resources {
    pub(crate) objects: Objects,
}

impl Resources {
    /// Activities that keep [objects](simpleflow_core::ActivityContext::objects) at this place.
    pub fn new(objects: Objects) -> Self {
        Self { objects }
    }
}

impl Default for Resources {
    /// No place for objects: what an activity asks of it fails, with what to do about it.
    fn default() -> Self {
        Self::new(Objects::nowhere(
            "this worker was given no place for objects: give it one with Worker::resources",
        ))
    }
}
