//! The workflow side of simpleflow: workflows, activities, the futures between them, and the
//! replayer that turns an execution's history into its next decisions.
//!
//! Everything here is a pure function of code and history: no I/O, no clock, no threads, no async
//! runtime.

// The macros write `simpleflow`, where users have all of it.
#[cfg(test)]
extern crate self as simpleflow;

mod activity;
pub mod canvas;
mod check;
mod commands;
mod context;
mod continued;
mod error;
mod event_details;
mod failure;
mod flow;
mod future;
mod hooks;
mod lambda;
mod marker;
pub mod metrology;
mod middleware;
pub mod panics;
pub mod payload;
mod raw;
mod registry;
pub mod replay;
mod retry;
mod signal;
pub mod step;
mod tags;
mod task;
mod task_id;
pub mod testing;
mod timer;
mod workflow;

pub use activity::{
    Activity, ActivityCall, ActivityContext, ActivityDefinition, ActivityInfo, ActivityResult, Arg,
    DEFAULT_TIMEOUT, HeartbeatSink, IntoArg, OpenPlace, PROGRAM_ERROR, Program, RunningActivity,
};
pub use canvas::{AggregateError, Chain, FuncGroup, Group};
pub use context::RunContext;
pub use continued::ContinueAs;
pub use error::{Error, Failure, Result, TaskError, TaskErrorKind};
pub use event_details::{EventDetails, EventKind};
pub use failure::{FailureDecision, TaskFailure};
pub use flow::{Flow, Saga, SagaError, Scope, Submit};
pub use future::{Future, FutureState, Get, WaitAll};
pub use hooks::{Closing, ReplayContext};
pub use inventory;
pub use lambda::Lambda;
pub use marker::Marker;
pub use metrology::Metrology;
pub use middleware::{
    ActivityFuture, IntoMiddleware, Middleware, MiddlewareError, Middlewares, Next, When,
};
pub use raw::Raw;
pub use registry::{
    ActivityEntry, Duplicate, IsResult, Linked, OfInput, Registry, StandIn, WorkflowEntry,
    WorkflowFuture, activity_result, path,
};
pub use replay::Replayer;
pub use retry::RetryPolicy;
pub use serde_json;
pub use signal::{Signal, Signals};
pub use simpleflow_model as model;
pub use simpleflow_objects as objects;
pub use step::{Step, StepOutcome, Steps};
pub use tags::{InvalidTags, TagList};
pub use task_id::child_id_prefix;
pub use timer::{Elapsed, Timer};
pub use uuid;
pub use workflow::{Workflow, WorkflowCall, WorkflowDefinition, WorkflowInput};

/// What the macros name. Not for use by hand.
#[doc(hidden)]
pub mod __private {
    pub use crate::payload::{ArgumentError, Arguments, Parameter, meta_with_binaries, to_json};
    pub use crate::raw::text_of;
    pub use crate::{
        ActivityEntry, IsResult, Linked, Middleware, WorkflowEntry, activity_result, path,
    };
    pub use inventory;
    pub use serde_json::Error as JsonError;
}
