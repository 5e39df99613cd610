//! Jumbo fields: strings of any size through fields that have a limit. What is longer than its field
//! is put somewhere else, and its [`Signature`] goes in its place.
//!
//! The form is that of the Python original, so each reads what the other wrote:
//! `simpleflow+s3://BUCKET/PREFIX/UUID LENGTH`, with the length in characters, and the text itself as
//! the object. Nothing here knows of workflows: [`Jumbo`] takes strings and gives strings.
//!
//! ```
//! use simpleflow_jumbo::Jumbo;
//!
//! # futures::executor::block_on(async {
//! let jumbo = Jumbo::in_memory();
//! let text = "x".repeat(100_000);
//! let signature = jumbo.encode(&text, 32_768).await?.expect("it is too long as it is");
//! assert!(signature.ends_with(" 100000"));
//! assert_eq!(jumbo.decode(&signature).await?.as_deref(), Some(text.as_str()));
//!
//! // What fits goes as it is, and what is no signature is the value itself.
//! assert_eq!(jumbo.encode("short", 32_768).await?, None);
//! assert_eq!(jumbo.decode("short").await?, None);
//! # Ok::<_, simpleflow_jumbo::JumboError>(())
//! # }).unwrap();
//! ```

mod compression;
mod disk;
mod error;
mod flights;
mod jumbo;
mod memory;
mod prune;
mod settings;
mod signature;

pub use disk::{DiskCache, Usage};
pub use error::{JumboError, SettingsError};
pub use jumbo::Jumbo;
pub use prune::{Pruned, prune};
pub use settings::{DiskCacheSettings, PLACE_LENGTH, Settings, VALUE_LENGTH};
pub use signature::{PREFIX, Signature};
