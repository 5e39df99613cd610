//! Deciders and activity workers over one trait, the SWF service, and the local backend.

#[cfg(test)]
mod away;
mod binaries;
mod clock;
mod decider;
mod follow;
mod identity;
mod in_process;
mod local;
mod outcome;
mod own_list;
mod poll;
mod recorded;
pub mod registration;
mod repair;
mod resources;
mod retry;
mod standalone;
mod start;
mod steps;
mod stop;
pub mod testing;
pub mod values;
mod worker;

pub use binaries::{Binaries, Binary, BinaryError};
pub use decider::{Decider, DeciderError, Deciders};
pub use follow::Follow;
pub use identity::identity;
pub use in_process::InProcess;
pub use local::{LOCAL_DOMAIN, Local, LocalError, LocalRun};
pub use outcome::Outcome;
pub use recorded::RecordedActivity;
pub use repair::Repair;
pub use resources::Resources;
pub use simpleflow_jumbo::Jumbo;
pub use simpleflow_service::{ServiceError, SwfService};
pub use standalone::{Begun, Ended, Standalone, StandaloneError};
pub use start::{
    SignalError, StartError, StartOptions, TooLong, check_input, start, start_request,
};
pub use stop::Stop;
pub use values::ValueError;
pub use worker::{Isolated, Worker, execute_activity};
