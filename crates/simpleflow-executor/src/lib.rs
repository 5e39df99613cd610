//! Deciders and activity workers over one trait, the SWF service, and the local backend.

mod clock;
mod decider;
mod identity;
mod in_process;
mod local;
mod outcome;
mod recorded;
pub mod registration;
mod retry;
mod start;
mod stop;
pub mod testing;
mod worker;

pub use decider::{Decider, DeciderError, Deciders};
pub use identity::identity;
pub use in_process::InProcess;
pub use local::{LOCAL_DOMAIN, Local, LocalError, LocalRun};
pub use outcome::Outcome;
pub use recorded::{RecordedActivity, latest_run};
pub use simpleflow_service::{ServiceError, SwfService};
pub use start::{StartError, StartOptions, start, start_request};
pub use stop::Stop;
pub use worker::{Isolated, Worker, execute_activity};
