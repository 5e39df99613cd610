//! The canvas: tasks put together to chains and groups, which are submitted as one.
//!
//! A [`Group`] runs its members at the same time, a [`Chain`] one after the other, and a
//! [`FuncGroup`] is built when its turn comes. Whatever can be submitted can be a member: the call
//! of an activity or a workflow, the future of a task that runs already, another canvas. A canvas
//! is submitted like a task and runs whether or not it is awaited. Its members take their ids in
//! the order in which they are submitted.
//!
//! # When members fail
//!
//! A canvas ends with the list of its members' results. When one failed, it fails itself with an
//! [`AggregateError`], which says who failed at which place and what the others gave. These
//! settings, the original's, change that:
//!
//! - `raises_on_failure` is passed on to all members, also those of a canvas in the canvas, over
//!   what they say themselves: whether the failure of a task fails the workflow at once.
//! - `bubbles_error_on_failure(false)` (the original's `bubbles_exception_on_failure`): the canvas
//!   does not fail; in its list a task that failed is `null`, and a canvas that failed the list
//!   that it has so far. A chain with `raises_on_failure(false)` is like that unless it says
//!   otherwise.
//! - `break_on_failure(false)` of a chain: it goes on after a member that failed.
//!
//! When the future of a canvas is cancelled, so are its members that run, and no more of them is
//! submitted.

mod chain;
mod error;
mod func_group;
mod group;
mod map;
mod members;

pub use chain::{Chain, Last, Sent, Unsent};
pub use error::AggregateError;
pub use func_group::FuncGroup;
pub use group::Group;
pub use map::CallWith;
pub(crate) use members::{Member, Submitted};
