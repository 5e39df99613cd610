//! Values by key, somewhere: what a program keeps outside of histories, because it is too long for
//! them or outlives them.
//!
//! [`Objects`] is the handle that programs use, whatever place is behind it: a bucket of S3, a
//! folder, the server in the box, memory. A [`Place`] is the URL of one. A place of one's own
//! implements [`ObjectStore`].
//!
//! ```
//! use simpleflow_objects::Objects;
//!
//! # futures::executor::block_on(async {
//! let objects = Objects::memory();
//! objects.put("reports/2026.csv", "a,b\n").await?;
//! assert_eq!(objects.get("reports/2026.csv").await?, "a,b\n");
//! let reports = objects.list("reports/").await?;
//! assert_eq!(reports[0].size, 4);
//! # Ok::<_, simpleflow_objects::ObjectError>(())
//! # }).unwrap();
//! ```

mod blocking;
mod error;
#[cfg(feature = "folder")]
mod folder;
mod key;
mod memory;
mod nowhere;
mod objects;
mod place;
mod store;

pub use blocking::Blocking;
pub use bytes::Bytes;
pub use error::{ObjectError, Problem};
#[cfg(feature = "folder")]
pub use folder::Folder;
pub use key::{KEY_BYTES, check_key};
pub use memory::Memory;
pub use objects::Objects;
pub use place::{Place, PlaceError};
pub use store::{ObjectFuture, ObjectInfo, ObjectStore};
