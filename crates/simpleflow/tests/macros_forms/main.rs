//! Right uses of `#[activity]` and `#[workflow]`, of which the compiler has nothing to say. Wrong ones
//! stand in `ui`.

#![deny(warnings, missing_docs)]

pub mod forms;
pub mod parameter_names;
pub mod shadowed_names;
