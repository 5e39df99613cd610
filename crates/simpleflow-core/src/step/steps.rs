//! The steps of an execution, as its code sees them.

use std::rc::Rc;

use simpleflow_model::SmolStr;

use super::StepsState;
use super::choices::Choices;
use crate::activity::ActivityDefinition;
use crate::flow::Flow;
use crate::future::Future;

/// The [steps](crate::Step) of an execution: which are forced or skipped, and where the list of those
/// that are done is. A handle: what one sets counts for all steps that are submitted afterwards.
///
/// ```
/// # use simpleflow_core::{Flow, Result, Step};
/// # async fn example(flow: Flow, person: u32, again: Vec<String>) -> Result<()> {
/// let steps = flow.steps();
/// steps.set_bucket("people-of-ours");
/// steps.set_path_prefix(format!("people/{person}/steps"));
/// steps.set_activity_params(|params| params.task_list = "steps".into());
/// steps.add_forced_steps(again, "asked for");
/// steps.add_skipped_steps(["report.print"], None);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Steps {
    flow: Flow,
}

impl Flow {
    /// The [steps](crate::Step) of this execution.
    pub fn steps(&self) -> Steps {
        Steps { flow: self.clone() }
    }
}

fn add(choices: &mut Choices, steps: Vec<SmolStr>, reason: Option<&str>) {
    let reason = reason.filter(|reason| !reason.is_empty());
    for step in steps {
        choices.add(step, reason.map(SmolStr::from));
    }
}

impl Steps {
    /// Changes what the execution knows of its steps, and gives what it does not need any more: that is
    /// the user's, and may use the flow when it is dropped.
    fn change<T>(&self, change: impl FnOnce(&mut StepsState) -> T) -> T {
        let mut state = self.flow.shared.state.borrow_mut();
        state.note_use();
        change(&mut state.steps)
    }

    /// The bucket of the list of steps that are done: the name of a bucket of S3, or the URL of any
    /// [place](simpleflow_objects::Place). Without one it is what the worker that runs the activities
    /// says: its `STEP_BUCKET`, or else its place for objects.
    pub fn set_bucket(&self, bucket: impl Into<SmolStr>) {
        let bucket = bucket.into();
        self.change(|steps| steps.bucket = Some(bucket));
    }

    /// What the keys of the list begin with, by default `WORKFLOW_ID/steps/`. A `/` is put between it and
    /// the name of a step if it has none.
    pub fn set_path_prefix(&self, prefix: impl Into<SmolStr>) {
        let prefix = prefix.into();
        self.change(|steps| steps.prefix = Some(prefix));
    }

    /// Changes the settings of the two activities that read and write the list. These are by default
    /// the original's: up to 4 hours for a worker to take one, a minute to run, priority 100, one retry,
    /// and their failure fails the workflow; they are on the task list that `#[workflow]` names, or else
    /// on `default`.
    pub fn set_activity_params(&self, params: impl Fn(&mut ActivityDefinition) + 'static) {
        drop(self.change(|steps| steps.params.replace(Rc::new(params))));
    }

    /// Steps that run also when they are done: a name stands for the step and all below it, so `a.b`
    /// for `a.b` and `a.b.c`; `*` for all. The reason, if there is one, is in the markers.
    pub fn add_forced_steps<'a, N: Into<SmolStr>>(
        &self,
        steps: impl IntoIterator<Item = N>,
        reason: impl Into<Option<&'a str>>,
    ) {
        let names = steps.into_iter().map(Into::into).collect();
        let reason = reason.into();
        self.change(|steps| add(&mut steps.forced, names, reason));
    }

    /// The names that [`add_forced_steps`](Self::add_forced_steps) was given, or that steps
    /// [force](crate::Step::force_steps_if_executed), in their order.
    pub fn get_forced_steps(&self) -> Vec<SmolStr> {
        self.flow.shared.state.borrow().steps.forced.steps()
    }

    /// Steps that do not run, by names as in [`add_forced_steps`](Self::add_forced_steps). One that is
    /// forced too does run.
    pub fn add_skipped_steps<'a, N: Into<SmolStr>>(
        &self,
        steps: impl IntoIterator<Item = N>,
        reason: impl Into<Option<&'a str>>,
    ) {
        let names = steps.into_iter().map(Into::into).collect();
        let reason = reason.into();
        self.change(|steps| add(&mut steps.skipped, names, reason));
    }

    /// The names that [`add_skipped_steps`](Self::add_skipped_steps) was given, in their order.
    pub fn get_skipped_steps(&self) -> Vec<SmolStr> {
        self.flow.shared.state.borrow().steps.skipped.steps()
    }

    /// Reads the list of steps that are done, anew with each call. Steps that are decided on after it is
    /// there go by it too, so it also makes what others did known.
    #[track_caller]
    pub fn get_steps_done(&self) -> Future<Vec<SmolStr>> {
        let (list, call) = {
            let state = self.flow.shared.state.borrow();
            let list = state.steps.list(&state.run.workflow_id);
            let call = state.steps.get(&list).idempotent(false);
            (list, call)
        };
        let listed = self.flow.submit(call);
        let flow = self.flow.clone();
        self.flow.spawn(async move {
            let listed = listed.await?;
            let mut state = flow.shared.state.borrow_mut();
            state.steps.note_done(list, listed.clone());
            Ok(listed)
        })
    }
}
