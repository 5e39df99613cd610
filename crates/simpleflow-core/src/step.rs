//! Steps: named parts of a workflow that are skipped when they were done before, by this execution or
//! by one before it.
//!
//! What is done is kept as objects, `PREFIX/NAME`, which two activities list and write:
//! `simpleflow.step.tasks.GetStepsDoneTask` and `MarkStepDoneTask`, the Python original's. Workers of
//! either side can run them for deciders of either side.

mod activities;
mod choices;
mod run;
mod state;
mod steps;

use std::marker::PhantomData;
use std::rc::Rc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use simpleflow_model::SmolStr;

pub use activities::{get_steps_done, mark_step_done};
pub(crate) use state::StepsState;
pub use steps::Steps;

use crate::canvas::Member;
use crate::flow::{Flow, Site, Submit, SubmitTo};
use crate::task::Task;

/// A named part of a workflow, to be given to [`Flow::submit`] or to a [canvas](crate::canvas): its
/// activities run, and it is marked as done; what is done already, or is to be skipped, does not run.
///
/// Names may have parts, separated by dots: `load.users`. [`Flow::steps`] forces steps and skips them,
/// by name, and says where the list of those that are done is.
///
/// Markers `log.step` tell in the history what became of it, with details such as
/// `{"forced":false,"reasons":[],"status":"scheduled","step":"load.users"}`; the status is `scheduled`
/// and then `completed`, or `skipped`.
///
/// ```
/// # use simpleflow_core::{ActivityCall, Chain, Flow, Result, Step};
/// # async fn example(
/// #     flow: Flow,
/// #     load: fn(&str) -> ActivityCall<u64>,
/// #     report: fn() -> ActivityCall<String>,
/// # ) -> Result<()> {
/// let loading = Chain::new().append(load("users")).append(load("orders"));
/// flow.submit(Step::new("load", loading).force_steps_if_executed(["report"])).await?;
/// let report = flow.submit(Step::new("report", report())).await?;
/// if let Some(report) = report.completed() {
///     flow.record_marker("report", report);
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "a step does nothing until it is given to `flow.submit`"]
pub struct Step<T> {
    name: SmolStr,
    activities: Member,
    force: bool,
    if_done: Option<Member>,
    emit_signal: bool,
    force_steps: Vec<SmolStr>,
    bubbles: bool,
    output: PhantomData<fn() -> T>,
}

/// What became of a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", content = "result", rename_all = "lowercase")]
pub enum StepOutcome<T> {
    /// It ran, and this is the result of its activities.
    Completed(T),
    /// It did not run. This is the result of what ran
    /// [in its place](Step::activities_if_step_already_done), or `null`.
    Skipped(Value),
    /// It ran and failed, with this message: of a step whose failure
    /// [does not bubble](Step::bubbles_error_on_failure).
    Failed(String),
}

impl<T> StepOutcome<T> {
    /// The result of its activities, if it ran and did not fail.
    pub fn completed(self) -> Option<T> {
        match self {
            Self::Completed(result) => Some(result),
            Self::Skipped(_) | Self::Failed(_) => None,
        }
    }
}

impl<T> Step<T> {
    /// A step of this name, of at least one character. What it consists of is submitted when it is
    /// known that it is to run.
    pub fn new<S: Submit<Output = T> + 'static>(name: impl Into<SmolStr>, activities: S) -> Self {
        Self {
            name: name.into(),
            activities: Member::new(activities),
            force: false,
            if_done: None,
            emit_signal: false,
            force_steps: Vec::new(),
            bubbles: true,
            output: PhantomData,
        }
    }

    /// Whether it runs also when it was done, or is to be skipped.
    pub fn force(mut self, force: bool) -> Self {
        self.force = force;
        self
    }

    /// What runs in its place when it is skipped.
    pub fn activities_if_step_already_done(mut self, instead: impl Submit + 'static) -> Self {
        self.if_done = Some(Member::new(instead));
        self
    }

    /// Whether this execution gets a signal `step.NAME`, which is not propagated, after the step has run
    /// or was skipped.
    pub fn emit_signal(mut self, emit: bool) -> Self {
        self.emit_signal = emit;
        self
    }

    /// The steps that are forced from now on if this one runs, because they depend on it.
    pub fn force_steps_if_executed<N: Into<SmolStr>>(
        mut self,
        steps: impl IntoIterator<Item = N>,
    ) -> Self {
        self.force_steps = steps.into_iter().map(Into::into).collect();
        self
    }

    /// Whether the step fails when its activities do. Otherwise it ends as [`StepOutcome::Failed`], and
    /// what comes after it goes on. It is not marked as done in either case. The default is true.
    pub fn bubbles_error_on_failure(mut self, bubbles: bool) -> Self {
        self.bubbles = bubbles;
        self
    }
}

#[diagnostic::do_not_recommend]
impl<T: 'static> Submit for Step<T> {
    type Output = StepOutcome<T>;
}

impl<T: 'static> SubmitTo for Step<T> {
    fn submit_to(self, flow: &Flow, site: Site) -> Rc<Task> {
        let step = run::run(self, flow.clone(), site);
        flow.spawn_task("step", Box::pin(step), site.location)
    }
}
