//! Activities: what they are, how a workflow calls one, and how a worker runs one.

mod call;
mod context;
mod program;

use std::pin::Pin;
use std::sync::Arc;

use simpleflow_model::{SmolStr, TaskListName, TaskPriority, Timeout, TypeName, Version};

pub use call::{ActivityCall, Arg, IntoArg};
pub(crate) use call::{ArgKind, OwnId};
pub use context::{ActivityContext, ActivityInfo, HeartbeatSink, OpenPlace};
pub use program::{PROGRAM_ERROR, Program};

use crate::check::{Problem, check_name, check_timeout};
use crate::error::Failure;
use crate::payload::Parameter;
use crate::retry::RetryPolicy;

/// What the service and the deciders know of an activity: the attributes of `#[activity]`.
///
/// The defaults are the Python original's: version and task list `default`, no retry, the four
/// time limits 300 seconds.
#[derive(Clone, Debug, PartialEq)]
pub struct ActivityDefinition {
    /// The name of the activity type, by default `module.function`.
    pub name: SmolStr,
    /// The version of the activity type.
    pub version: SmolStr,
    /// The task list whose workers run it.
    pub task_list: SmolStr,
    /// Whether and when it is tried again after a failure or a timeout: a number of times, or a
    /// policy.
    pub retry: RetryPolicy,
    /// Whether its failure fails the workflow at once, also when nobody awaits it.
    pub raises_on_failure: bool,
    /// How long an attempt may run, in seconds.
    pub start_to_close_timeout: Timeout,
    /// How long an attempt may take from being scheduled to its end, in seconds.
    pub schedule_to_close_timeout: Timeout,
    /// How long an attempt may wait for a worker, in seconds.
    pub schedule_to_start_timeout: Timeout,
    /// How long an attempt may be silent, in seconds.
    pub heartbeat_timeout: Timeout,
    /// The priority of its tasks: the higher goes first. Without one it is that of the workflow that
    /// calls it.
    pub task_priority: Option<TaskPriority>,
    /// Whether equal arguments are one task, run once in an execution.
    pub idempotent: bool,
    /// Whether its arguments travel by name: to a Python function they are keyword arguments, to a
    /// program they are options.
    pub named_arguments: bool,
    /// A JSON object that travels beside the arguments, if there is one.
    pub meta: Option<SmolStr>,
    /// The command line that it begins with, if it is a program.
    pub program: &'static [&'static str],
    /// Its parameters.
    pub parameters: &'static [Parameter],
    /// Where in the source it is defined.
    pub location: &'static str,
}

/// What the original gives each of an activity's time limits: five minutes.
pub const DEFAULT_TIMEOUT: Timeout = Timeout::Seconds(300);

impl ActivityDefinition {
    /// An activity with the original's defaults.
    pub fn new(name: impl Into<SmolStr>, parameters: &'static [Parameter]) -> Self {
        Self {
            name: name.into(),
            version: "default".into(),
            task_list: "default".into(),
            retry: RetryPolicy::new(0),
            raises_on_failure: false,
            start_to_close_timeout: DEFAULT_TIMEOUT,
            schedule_to_close_timeout: DEFAULT_TIMEOUT,
            schedule_to_start_timeout: DEFAULT_TIMEOUT,
            heartbeat_timeout: DEFAULT_TIMEOUT,
            task_priority: None,
            idempotent: false,
            named_arguments: false,
            meta: None,
            program: &[],
            parameters,
            location: "",
        }
    }

    /// Whether the service takes tasks with these settings.
    pub(crate) fn check(&self) -> Result<(), Problem> {
        check_name(TypeName::new(self.name.clone()))?;
        check_name(Version::new(self.version.clone()))?;
        check_name(TaskListName::new(self.task_list.clone()))?;
        check_timeout("start_to_close_timeout", self.start_to_close_timeout)?;
        check_timeout("schedule_to_close_timeout", self.schedule_to_close_timeout)?;
        check_timeout("schedule_to_start_timeout", self.schedule_to_start_timeout)?;
        check_timeout("heartbeat_timeout", self.heartbeat_timeout)
    }

    /// The parameters whose arguments travel by name.
    pub(crate) fn names(&self) -> &'static [Parameter] {
        match self.named_arguments {
            true => self.parameters,
            false => &[],
        }
    }
}

/// The end of an activity: its result as JSON, or its failure.
pub type ActivityResult = Result<SmolStr, Failure>;

/// An activity that was given its arguments.
pub enum RunningActivity {
    /// An `async fn`: it must not block.
    Async(Pin<Box<dyn Future<Output = ActivityResult> + Send>>),
    /// A plain `fn`: it gets a thread of its own.
    Blocking(Box<dyn FnOnce() -> ActivityResult + Send>),
    /// A program: it gets a process of its own.
    Program(Program),
}

/// Something that a worker can run. `#[activity]` implements it.
pub trait Activity: Send + Sync + 'static {
    /// What the service and the deciders know of it. The same at each call.
    fn definition() -> &'static ActivityDefinition
    where
        Self: Sized;

    /// Reads the arguments and makes the activity ready to run.
    ///
    /// # Errors
    /// When the arguments do not fit.
    fn start(
        self: Arc<Self>,
        context: ActivityContext,
        input: &str,
    ) -> Result<RunningActivity, Failure>;
}
