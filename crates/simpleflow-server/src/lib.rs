//! Amazon Simple Workflow in the box: the engine with a disk and the wire protocol, so that any
//! SWF client in any language works against it.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use simpleflow_server::{Config, Server, Storage};
//!
//! let config = Config {
//!     listen: "127.0.0.1:8042".parse()?,
//!     storage: Storage::Disk { dir: "simpleflow-data".into(), relaxed: false },
//!     credentials: None,
//! };
//! let server = Server::new(config).start().await?;
//! println!("AWS_ENDPOINT_URL_SWF=http://{}", server.addr());
//! server.stop().await?;
//! # Ok(())
//! # }
//! ```

mod access;
mod archive;
mod ask;
mod clock;
mod connection;
mod core;
mod data_dir;
mod embedded;
mod host;
mod http;
mod keeper;
mod metrics;
mod objects;
mod operation;
mod polls;
mod regions;
mod returned;
mod server;
mod store;
mod wire;

pub use access::{Credentials, CredentialsError, DEFAULT_REGION};
pub use data_dir::{FoundServer, running_server};
pub use embedded::{Embedded, EmbeddedService, Storage};
pub use objects::{EmbeddedObjects, OBJECT_BYTES};
pub use server::{Config, RunningServer, Server, StartError, StopError};
pub use store::StoreError;

/// What tests set that nobody else has to.
#[doc(hidden)]
pub mod testing {
    pub use crate::clock::ManualClock;
    pub use crate::http::Limits;
}
