//! Durable dataflow workflows in the model of Amazon Simple Workflow (SWF).
//!
//! A workflow is an ordinary Rust type with an async `run`. Each `submit` of an activity gives
//! back a future; futures passed as arguments are the dependencies. Every step is an event in the
//! execution's history, and the workflow is replayed over that history whenever something
//! happened.

pub use simpleflow_cli::{main, main_with};
pub use simpleflow_core::{
    Activity, ActivityCall, ActivityContext, ActivityDefinition, ActivityEntry, ActivityFuture,
    ActivityInfo, ActivityResult, AggregateError, Arg, Chain, Closing, ContinueAs, Duplicate,
    Elapsed, Error, EventDetails, EventKind, Failure, FailureDecision, Flow, FuncGroup, Future,
    FutureState, Get, Group, HeartbeatSink, IntoArg, IntoMiddleware, InvalidTags, Lambda, Marker,
    Metrology, Middleware, MiddlewareError, Middlewares, Next, Program, Raw, Registry,
    ReplayContext, Result, RetryPolicy, RunContext, RunningActivity, Saga, SagaError, Scope,
    Signal, Signals, Step, StepOutcome, Steps, Submit, TagList, TaskError, TaskErrorKind,
    TaskFailure, Timer, WaitAll, When, Workflow, WorkflowCall, WorkflowDefinition, WorkflowEntry,
    WorkflowInput, bail,
};
pub use simpleflow_core::{canvas, metrology, payload, replay, step};
pub use simpleflow_macros::{activity, middleware, workflow};
pub use simpleflow_model as model;

/// What a file with workflows and activities needs.
pub mod prelude {
    pub use std::time::Duration;

    pub use simpleflow_core::{
        ActivityContext, ActivityResult, Error, Flow, Future, FutureState, Next, Registry, Result,
        RetryPolicy, Signal, TaskError, TaskErrorKind, Workflow, bail,
    };
    pub use simpleflow_macros::{activity, middleware, workflow};
}

/// Values by key, somewhere: S3, a folder, the server in the box, memory. An activity has the place
/// of its worker, [`ActivityContext::objects`].
pub mod objects {
    pub use simpleflow_aws::Places;
    pub use simpleflow_core::objects::*;
    pub use simpleflow_executor::{Binaries, Binary, BinaryError, Resources};
}

/// Values that are longer than SWF's fields: where they travel, and the codec by itself. Deciders,
/// workers and starters have it as an option; the commands decide by the environment.
pub mod jumbo {
    pub use simpleflow_executor::{ValueError, values};
    pub use simpleflow_jumbo::*;
}

/// Running workflows in this process, on the engine in memory.
pub mod local {
    pub use simpleflow_executor::{
        LOCAL_DOMAIN, Local, LocalError, LocalRun, Outcome, StartError, StartOptions,
    };
}

/// Workflows in tests: run on the engine in memory in virtual time ([`run`](testing::run),
/// [`Test`](testing::Test)), small histories by a builder, recorded histories replayed.
pub mod testing {
    pub use simpleflow_core::testing::*;
    pub use simpleflow_executor::testing::*;
}

/// SWF itself as objects, for programs that steer or watch executions of whatever making.
pub mod swf {
    pub use simpleflow_aws::AwsSwf;
    pub use simpleflow_service::{ServiceError, SwfService};
    pub use simpleflow_swf::*;
}

#[doc(hidden)]
pub use simpleflow_core::__private;

/// The README's examples are compiled.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
