//! A call of an activity in a workflow: its arguments, and what differs from its definition.

use std::any::TypeId;
use std::marker::PhantomData;
use std::rc::Rc;

use serde::Serialize;
use simpleflow_model::{SmolStr, TaskPriority, Timeout};

use super::{Activity, ActivityDefinition};
use crate::future::Future;
use crate::payload;
use crate::raw::Raw;
use crate::retry::RetryPolicy;
use crate::task::Task;

/// An argument of a call: a value, or the future of one.
pub struct Arg {
    pub(crate) kind: ArgKind,
    /// Whether the value is a [`Raw`].
    pub(crate) is_raw: bool,
}

pub(crate) enum ArgKind {
    Json(SmolStr),
    Future(Rc<Task>),
    Invalid(SmolStr),
}

/// What may stand as an argument of type `T`: a `T`, or a [`Future`] of one. A future as an
/// argument is a dependency: the call does not wait, the task does.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of type `{T}`",
    label = "expected a `{T}` that implements `Serialize`, or a `Future` of one"
)]
pub trait IntoArg<T> {
    /// The argument.
    fn into_arg(self) -> Arg;
}

impl<T: Serialize> IntoArg<T> for T {
    fn into_arg(self) -> Arg {
        let kind = match payload::to_json(&self) {
            Ok(json) => ArgKind::Json(json),
            Err(error) => ArgKind::Invalid(
                format!(
                    "an argument of type {} has no JSON form: {error}",
                    std::any::type_name::<T>()
                )
                .into(),
            ),
        };
        let is_raw = crate::raw::text_of(&self).is_some();
        Arg { kind, is_raw }
    }
}

impl<T: 'static> IntoArg<T> for &Future<T> {
    fn into_arg(self) -> Arg {
        Arg {
            kind: ArgKind::Future(self.task()),
            is_raw: TypeId::of::<T>() == TypeId::of::<Raw>(),
        }
    }
}

impl<T: 'static> IntoArg<T> for Future<T> {
    fn into_arg(self) -> Arg {
        (&self).into_arg()
    }
}

impl IntoArg<String> for &str {
    fn into_arg(self) -> Arg {
        IntoArg::<&str>::into_arg(self)
    }
}

/// An id of the caller's own.
pub(crate) enum OwnId {
    /// What stands after `activity-NAME-`.
    Suffix(SmolStr),
    Whole(SmolStr),
}

/// A call of an activity, to be given to [`Flow::submit`](crate::Flow::submit). Its methods
/// change for this call what `#[activity]` says.
#[must_use = "a call does nothing until it is given to `flow.submit`"]
pub struct ActivityCall<T> {
    pub(crate) definition: &'static ActivityDefinition,
    pub(crate) args: Vec<Arg>,
    pub(crate) overrides: Option<Box<ActivityDefinition>>,
    pub(crate) id: Option<OwnId>,
    output: PhantomData<fn() -> T>,
}

impl<T> ActivityCall<T> {
    /// A call of activity `A` with these arguments. `#[activity]` makes these calls.
    pub fn new<A: Activity>(args: Vec<Arg>) -> Self {
        Self::of(A::definition(), args)
    }

    pub(crate) fn of(definition: &'static ActivityDefinition, args: Vec<Arg>) -> Self {
        Self {
            definition,
            args,
            overrides: None,
            id: None,
            output: PhantomData,
        }
    }

    fn with(mut self, change: impl FnOnce(&mut ActivityDefinition)) -> Self {
        let own = self
            .overrides
            .get_or_insert_with(|| Box::new(self.definition.clone()));
        change(own);
        self
    }

    /// The task list whose workers run it.
    pub fn task_list(self, task_list: impl Into<SmolStr>) -> Self {
        self.with(|call| call.task_list = task_list.into())
    }

    /// The priority of the task: the higher goes first. By default it is that of `#[activity]`, or
    /// else that of the workflow that calls it.
    pub fn priority(self, priority: i32) -> Self {
        self.with(|call| call.task_priority = Some(TaskPriority(priority)))
    }

    /// The version of the activity type.
    pub fn version(self, version: impl Into<SmolStr>) -> Self {
        self.with(|call| call.version = version.into())
    }

    /// A binary that its worker downloads before, and where from: one that `#[activity(binaries =
    /// [...])]` does not name, or another version of it. The location is `s3://BUCKET/KEY`, or
    /// `http://HOST:PORT/objects/KEY` of the server in the box; one that is none fails the task.
    pub fn binary(self, name: &str, location: impl AsRef<str>) -> Self {
        let location = location.as_ref();
        self.with(|call| {
            let meta = payload::meta_with_binary(call.meta.as_deref(), name, location);
            call.meta = Some(meta);
        })
    }

    /// How many times it is tried again after a failure or a timeout, or the policy of that.
    pub fn retry(self, retry: impl Into<RetryPolicy>) -> Self {
        self.with(|call| call.retry = retry.into())
    }

    /// Whether its failure fails the workflow at once, also when nobody awaits it. When the code has
    /// cancelled it, it may end in any way.
    pub fn raises_on_failure(self, raises: bool) -> Self {
        self.with(|call| call.raises_on_failure = raises)
    }

    /// Whether equal arguments are one task, run once in an execution.
    pub fn idempotent(self, idempotent: bool) -> Self {
        self.with(|call| call.idempotent = idempotent)
    }

    /// How long an attempt may run, in seconds.
    pub fn start_to_close_timeout(self, timeout: impl Into<Timeout>) -> Self {
        self.with(|call| call.start_to_close_timeout = timeout.into())
    }

    /// How long an attempt may take from being scheduled to its end, in seconds.
    pub fn schedule_to_close_timeout(self, timeout: impl Into<Timeout>) -> Self {
        self.with(|call| call.schedule_to_close_timeout = timeout.into())
    }

    /// How long an attempt may wait for a worker, in seconds.
    pub fn schedule_to_start_timeout(self, timeout: impl Into<Timeout>) -> Self {
        self.with(|call| call.schedule_to_start_timeout = timeout.into())
    }

    /// How long an attempt may be silent, in seconds.
    ///
    /// A worker does not learn of it: it beats the heart at its own interval, and oftener when
    /// `#[activity]` says so. Less than that interval times the task out.
    pub fn heartbeat_timeout(self, timeout: impl Into<Timeout>) -> Self {
        self.with(|call| call.heartbeat_timeout = timeout.into())
    }

    /// A suffix of one's own for the task's id, in place of a counter. A second submit with the
    /// same id is the same task.
    pub fn id(mut self, suffix: impl Into<SmolStr>) -> Self {
        self.id = Some(OwnId::Suffix(suffix.into()));
        self
    }

    /// The whole id of the task, of 1 to 256 characters, without `activity-NAME-` before it: to go on
    /// with executions that were begun with other ids. A second submit with the same id is the same
    /// task.
    pub fn activity_id(mut self, id: impl Into<SmolStr>) -> Self {
        self.id = Some(OwnId::Whole(id.into()));
        self
    }
}
