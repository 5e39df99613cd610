//! Deciders and activity workers over one trait, the SWF service, and the local backend.

mod clock;
mod decider;
mod identity;
mod in_process;
mod local;
pub mod registration;
mod retry;
pub mod testing;
mod worker;

pub use decider::{Decider, DeciderError};
pub use identity::identity;
pub use in_process::InProcess;
pub use local::{LOCAL_DOMAIN, Local, LocalError, LocalRun, Outcome, StartOptions};
pub use simpleflow_service::{ServiceError, SwfService};
pub use worker::Worker;
