//! Workflows: what they are, and how one is started as the child of another.

use simpleflow_model::{
    ChildPolicy, SmolStr, TaskListName, TaskPriority, Timeout, TypeName, Version, limits,
};

use crate::check::{Problem, check_name, check_timeout};
use crate::error::Result;
use crate::flow::Flow;
use crate::hooks::ReplayContext;
use crate::payload::{ArgumentError, Arguments, Parameter};
use crate::retry::RetryPolicy;
use crate::tags::{InvalidTags, TagList};

/// What the service and the command know of a workflow: the attributes of `#[workflow]`.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkflowDefinition {
    /// The name of the workflow type, by default the path.
    pub name: SmolStr,
    /// The version of the workflow type.
    pub version: SmolStr,
    /// `module.Type`: the name by which the command finds it.
    pub path: SmolStr,
    /// The task list whose deciders run it. A child without one uses its parent's.
    pub task_list: Option<SmolStr>,
    /// The priority of its decision tasks, and of the activities that it calls and that have none.
    pub task_priority: Option<TaskPriority>,
    /// Whether and when a child is started again after a failure or a timeout: a number of times,
    /// or a policy.
    pub retry: RetryPolicy,
    /// Whether the failure of a child fails its parent at once, also when nobody awaits it.
    pub raises_on_failure: bool,
    /// How long an execution may be open, in seconds. The default is the service's limit, a year.
    pub execution_timeout: Timeout,
    /// How long a decision may take, in seconds. The original's default is 300.
    pub decision_tasks_timeout: Timeout,
    /// What becomes of its own children when it is terminated or times out.
    pub child_policy: ChildPolicy,
    /// The tags of its executions.
    pub tag_list: TagList,
    /// The ARN of the IAM role with which the service calls its Lambda functions.
    pub lambda_role: Option<SmolStr>,
    /// Whether a child with equal input is one execution, started once in its parent.
    pub idempotent: bool,
    /// How many activities of an execution may be open at once, at most the service's 1,000. The
    /// others wait until one ends.
    pub max_open_activity_count: u32,
    /// Whether a signal that is [propagated](crate::Signal#propagation) goes from it to its parent.
    pub propagate_signals_to_parent: bool,
    /// Its parameters.
    pub parameters: &'static [Parameter],
    /// Where in the source it is defined.
    pub location: &'static str,
}

impl WorkflowDefinition {
    /// A workflow with the defaults.
    pub fn new(path: impl Into<SmolStr>, parameters: &'static [Parameter]) -> Self {
        let path = path.into();
        Self {
            name: path.clone(),
            version: "default".into(),
            path,
            task_list: None,
            task_priority: None,
            retry: RetryPolicy::new(0),
            raises_on_failure: false,
            execution_timeout: Timeout::Seconds(limits::EXECUTION_SECONDS),
            decision_tasks_timeout: Timeout::Seconds(300),
            child_policy: ChildPolicy::Terminate,
            tag_list: TagList::default(),
            lambda_role: None,
            idempotent: false,
            max_open_activity_count: limits::OPEN_ACTIVITIES as u32,
            propagate_signals_to_parent: true,
            parameters,
            location: "",
        }
    }
}

/// The part of a workflow that `#[workflow]` writes: what it is called, and its input.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not marked `#[workflow]`",
    label = "put `#[workflow]` on this struct",
    note = "`#[workflow]` gives a workflow its name, and reads its fields from the input"
)]
pub trait WorkflowInput: Sized + 'static {
    /// What the service and the command know of it. The same at each call.
    fn definition() -> &'static WorkflowDefinition;

    /// Reads the input.
    ///
    /// # Errors
    /// When the arguments do not fit the fields.
    fn from_arguments(arguments: Arguments<'_>) -> Result<Self, ArgumentError>;

    /// The fields as positional arguments, each as JSON text.
    ///
    /// # Errors
    /// When a field has no JSON form.
    fn to_arguments(&self) -> Result<Vec<SmolStr>, serde_json::Error>;

    /// The whole input, if it is not made of arguments: where the only field is a
    /// [`Raw`](crate::Raw).
    fn to_raw(&self) -> Option<SmolStr> {
        None
    }
}

/// A workflow: a value whose fields are its input, and what to do with them.
///
/// `run` must do the same at each replay: time, randomness and ids come from the [`Flow`], work
/// with effects goes into activities, and it awaits nothing but futures of the flow. It may hold
/// what is not `Send`.
#[diagnostic::on_unimplemented(
    message = "the workflow `{Self}` does not say what it does",
    label = "`impl Workflow for {Self}` is missing",
    note = "write `impl Workflow for {Self} {{ type Output = …; \
            async fn run(self, flow: Flow) -> Result<Self::Output> {{ … }} }}`"
)]
pub trait Workflow: WorkflowInput {
    /// The result.
    type Output: serde::Serialize;

    /// What the workflow does.
    fn run(self, flow: Flow) -> impl Future<Output = Result<Self::Output>>;

    /// Whether a request to cancel the execution is to be heeded; one that is not changes nothing.
    ///
    /// It is no hook but part of the workflow's code: it decides, and it is asked of each request again
    /// at each replay of the history. So it must answer the same each time, from what the context says,
    /// and do nothing else.
    ///
    /// An execution whose cancel is heeded is cancelled at once, unless its code handles that
    /// itself: see [`Flow::cancel_requested`].
    fn should_cancel(context: &ReplayContext<'_>) -> bool {
        let _ = context;
        true
    }

    /// A hook: called before each replay, that is before the code goes on over what is new.
    ///
    /// # Hooks
    /// Hooks are for what is beside the workflow: to count, to tell somebody. They run in the decider,
    /// which waits for them, and so may do I/O; they change no decision.
    /// ([`should_cancel`](Self::should_cancel) does, and may not.) Their order is the Python original's:
    ///
    /// | the replay ends with | the hooks |
    /// | --- | --- |
    /// | code that waits | `before_replay`, `after_replay` |
    /// | a result | `before_replay`, `after_replay`, `on_completed`, `after_closed` |
    /// | a failure | `before_replay`, `on_failure`, `after_closed` |
    /// | a cancel | `before_replay`, [`should_cancel`](Self::should_cancel), `on_canceled`, `after_replay`, `after_closed` |
    /// | a next run | `before_replay`, `after_replay`, `after_closed` |
    ///
    /// They are called for each decision task, before its answer is sent. When the answer is lost or
    /// refused, because something happened meanwhile, there is another decision task: so the hooks
    /// of the end may be called more than once, and for an end that is none. An execution that is
    /// terminated, or whose time is up, has no last decision and no hooks. A hook that panics is
    /// logged.
    ///
    /// ```standalone_crate
    /// # extern crate simpleflow_core as simpleflow;
    /// # use simpleflow::{Flow, ReplayContext, Result, Workflow};
    /// # use simpleflow_macros::workflow;
    /// # fn main() {}
    /// # #[workflow]
    /// # struct Report {}
    /// impl Workflow for Report {
    ///     type Output = ();
    ///
    ///     async fn run(self, flow: Flow) -> Result<()> {
    /// #       let _ = flow;
    ///         // …
    ///         Ok(())
    ///     }
    ///
    ///     fn on_failure(context: &ReplayContext<'_>, reason: &str, _details: Option<&str>) {
    ///         eprintln!("{} failed: {reason}", context.run_context().workflow_id);
    ///     }
    /// }
    /// ```
    fn before_replay(context: &ReplayContext<'_>) {
        let _ = context;
    }

    /// A hook: called after each replay that has not failed. See
    /// [`before_replay`](Self::before_replay).
    fn after_replay(context: &ReplayContext<'_>) {
        let _ = context;
    }

    /// A hook: called when the code has ended with a result. See
    /// [`before_replay`](Self::before_replay).
    fn on_completed(context: &ReplayContext<'_>) {
        let _ = context;
    }

    /// A hook: called when the execution is about to fail, with the reason and the details. See
    /// [`before_replay`](Self::before_replay).
    fn on_failure(context: &ReplayContext<'_>, reason: &str, details: Option<&str>) {
        let _ = (context, reason, details);
    }

    /// A hook: called when the execution is about to be cancelled. See
    /// [`before_replay`](Self::before_replay).
    fn on_canceled(context: &ReplayContext<'_>) {
        let _ = context;
    }

    /// A hook: called last when the execution is about to be closed, however. See
    /// [`before_replay`](Self::before_replay).
    fn after_closed(context: &ReplayContext<'_>) {
        let _ = context;
    }

    /// The workflow id of a child with this input; by default, and when it is empty, one made from
    /// the parent's.
    fn get_workflow_id(&self) -> Option<SmolStr> {
        None
    }

    /// The task list of an execution with this input; by default that of `#[workflow]`.
    fn get_task_list(&self) -> Option<SmolStr> {
        None
    }

    /// The tags of an execution with this input; by default those of `#[workflow]`.
    fn get_tag_list(&self) -> Option<TagList> {
        None
    }

    /// A call of this workflow as a child, whose settings can be changed.
    fn call(self) -> WorkflowCall<Self> {
        let mut settings = Self::definition().clone();
        let (task_list, tag_list) = (self.get_task_list(), self.get_tag_list());
        let changed = Changed {
            task_list: task_list.is_some(),
            tag_list: tag_list.is_some(),
            ..Changed::default()
        };
        settings.task_list = task_list.or(settings.task_list);
        settings.tag_list = tag_list.unwrap_or(settings.tag_list);
        let workflow_id = self.get_workflow_id().filter(|id| !id.is_empty());
        WorkflowCall {
            workflow: self,
            settings,
            changed,
            workflow_id,
        }
    }
}

impl WorkflowDefinition {
    /// Whether the service takes an execution with these settings.
    pub(crate) fn check(&self) -> Result<(), Problem> {
        /// The greatest length of the ARN of a role, in characters.
        const ROLE_LENGTH: usize = 1_600;
        check_name(TypeName::new(self.name.clone()))?;
        check_name(Version::new(self.version.clone()))?;
        if let Some(task_list) = &self.task_list {
            check_name(TaskListName::new(task_list.clone()))?;
        }
        check_timeout("execution_timeout", self.execution_timeout)?;
        check_timeout("decision_tasks_timeout", self.decision_tasks_timeout)?;
        if let Some(role) = &self.lambda_role
            && !(1..=ROLE_LENGTH).contains(&role.chars().count())
        {
            return Err(smol_str::format_smolstr!(
                "lambda role {role:?}: expected the ARN of a role, of 1 to {ROLE_LENGTH} characters"
            ));
        }
        match &self.tag_list {
            TagList::Own(tags) => {
                InvalidTags::check(tags).map_err(|invalid| invalid.to_string().into())
            }
            TagList::Inherited => Ok(()),
        }
    }
}

/// A call of a workflow: as a child, to be given to [`Flow::submit`](crate::Flow::submit), or as the
/// next run, to be given to [`Flow::continue_as_new`](crate::Flow::continue_as_new). Its methods
/// change for this call what `#[workflow]` says.
#[must_use = "a call does nothing until it is given to `flow.submit`"]
pub struct WorkflowCall<W> {
    pub(crate) workflow: W,
    pub(crate) settings: WorkflowDefinition,
    pub(crate) changed: Changed,
    pub(crate) workflow_id: Option<SmolStr>,
}

/// The input of a workflow with these arguments, as it travels.
pub(crate) fn input_of(workflow: &impl WorkflowInput, args: &[SmolStr]) -> SmolStr {
    let envelope = || format!("{{\"args\":[{}],\"kwargs\":{{}}}}", args.join(",")).into();
    workflow.to_raw().unwrap_or_else(envelope)
}

/// Which settings a call names.
#[derive(Clone, Copy, Default)]
pub(crate) struct Changed {
    pub(crate) task_list: bool,
    pub(crate) task_priority: bool,
    pub(crate) execution_timeout: bool,
    pub(crate) child_policy: bool,
    pub(crate) tag_list: bool,
    pub(crate) decision_tasks_timeout: bool,
    pub(crate) lambda_role: bool,
}

impl<W> WorkflowCall<W> {
    /// The version of the workflow type.
    pub fn version(mut self, version: impl Into<SmolStr>) -> Self {
        self.settings.version = version.into();
        self
    }

    /// The task list whose deciders run it.
    pub fn task_list(mut self, task_list: impl Into<SmolStr>) -> Self {
        self.settings.task_list = Some(task_list.into());
        self.changed.task_list = true;
        self
    }

    /// The workflow id, in place of one made from the parent's.
    pub fn workflow_id(mut self, workflow_id: impl Into<SmolStr>) -> Self {
        self.workflow_id = Some(workflow_id.into());
        self
    }

    /// The priority of its decision tasks.
    pub fn priority(mut self, priority: i32) -> Self {
        self.settings.task_priority = Some(TaskPriority(priority));
        self.changed.task_priority = true;
        self
    }

    /// How many times it is started again after a failure or a timeout, or the policy of that.
    pub fn retry(mut self, retry: impl Into<RetryPolicy>) -> Self {
        self.settings.retry = retry.into();
        self
    }

    /// Whether its failure fails the parent at once, also when nobody awaits it. When the code has
    /// cancelled it, it may end in any way.
    pub fn raises_on_failure(mut self, raises: bool) -> Self {
        self.settings.raises_on_failure = raises;
        self
    }

    /// How long it may be open, in seconds.
    pub fn execution_timeout(mut self, timeout: impl Into<Timeout>) -> Self {
        self.settings.execution_timeout = timeout.into();
        self.changed.execution_timeout = true;
        self
    }

    /// How long a decision may take, in seconds.
    pub fn decision_tasks_timeout(mut self, timeout: impl Into<Timeout>) -> Self {
        self.settings.decision_tasks_timeout = timeout.into();
        self.changed.decision_tasks_timeout = true;
        self
    }

    /// Whether a child with equal input is one execution, started once.
    pub fn idempotent(mut self, idempotent: bool) -> Self {
        self.settings.idempotent = idempotent;
        self
    }

    /// The ARN of the IAM role with which the service calls its Lambda functions.
    pub fn lambda_role(mut self, role: impl Into<SmolStr>) -> Self {
        self.settings.lambda_role = Some(role.into());
        self.changed.lambda_role = true;
        self
    }

    /// What becomes of its own children when it is terminated or times out.
    pub fn child_policy(mut self, policy: ChildPolicy) -> Self {
        self.settings.child_policy = policy;
        self.changed.child_policy = true;
        self
    }

    /// The tags of the execution, at most five.
    pub fn tag_list<T: Into<SmolStr>>(mut self, tags: impl IntoIterator<Item = T>) -> Self {
        self.settings.tag_list = tags.into_iter().collect();
        self.changed.tag_list = true;
        self
    }

    /// The tags of the execution are those of this one.
    pub fn inherit_tags(mut self) -> Self {
        self.settings.tag_list = TagList::Inherited;
        self.changed.tag_list = true;
        self
    }
}
