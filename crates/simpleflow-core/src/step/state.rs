//! What an execution knows of its steps.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde_json::{Value, json};
use simpleflow_model::SmolStr;

use super::choices::Choices;
use super::{get_steps_done, mark_step_done};
use crate::activity::{ActivityCall, ActivityDefinition, IntoArg};
use crate::payload::canonical_json;

/// Where the list of steps that are done is: a bucket and the prefix of the keys in it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct DoneList {
    bucket: Option<SmolStr>,
    prefix: SmolStr,
}

/// What changes the settings of the activities.
pub(super) type Params = Rc<dyn Fn(&mut ActivityDefinition)>;

/// The steps of an execution.
#[derive(Default)]
pub(crate) struct StepsState {
    pub(super) forced: Choices,
    pub(super) skipped: Choices,
    pub(super) bucket: Option<SmolStr>,
    pub(super) prefix: Option<SmolStr>,
    pub(super) params: Option<Params>,
    /// The task list of the workflow, if it names one.
    pub(crate) task_list: Option<SmolStr>,
    /// What was done since a list was first read, as far as this execution knows.
    done: BTreeMap<DoneList, BTreeSet<SmolStr>>,
}

/// Whether a step runs, and why.
pub(super) struct Verdict {
    pub(super) runs: bool,
    /// Whether it is so because somebody said so.
    forced: bool,
    reasons: Vec<SmolStr>,
}

impl Verdict {
    /// The details of the marker, as the original writes them.
    pub(super) fn details(&self, step: &str, status: &str) -> SmolStr {
        let reasons: Vec<Value> = self.reasons.iter().map(|it| it.as_str().into()).collect();
        let details = json!({
            "step": step, "status": status, "forced": self.forced, "reasons": reasons,
        });
        canonical_json(&details).into()
    }
}

impl StepsState {
    /// Whether a step runs. `listed` are those that the list had when it was read.
    pub(super) fn verdict(
        &self,
        list: &DoneList,
        listed: &[SmolStr],
        name: &SmolStr,
        force: bool,
    ) -> Verdict {
        let verdict = |runs, forced, reasons| Verdict {
            runs,
            forced,
            reasons,
        };
        let is_done = || {
            let done = self.done.get(list);
            listed.contains(name) || done.is_some_and(|done| done.contains(name))
        };
        if force || self.forced.contain(name) {
            verdict(true, true, self.forced.reasons(name))
        } else if self.skipped.contain(name) {
            verdict(false, true, self.skipped.reasons(name))
        } else if is_done() {
            verdict(false, false, vec!["Step was already played".into()])
        } else {
            verdict(true, false, Vec::new())
        }
    }

    /// Notes that steps are done.
    pub(super) fn note_done(&mut self, list: DoneList, steps: impl IntoIterator<Item = SmolStr>) {
        self.done.entry(list).or_default().extend(steps);
    }

    /// Where the list is now, in an execution with this workflow id.
    pub(super) fn list(&self, workflow_id: &str) -> DoneList {
        let prefix = self.prefix.clone();
        DoneList {
            bucket: self.bucket.clone(),
            prefix: prefix.unwrap_or_else(|| format!("{workflow_id}/steps/").into()),
        }
    }

    /// The call that reads a list.
    pub(super) fn get(&self, list: &DoneList) -> ActivityCall<Vec<SmolStr>> {
        self.call(get_steps_done(), list, None)
    }

    /// The call that marks a step as done.
    pub(super) fn mark(&self, list: &DoneList, step: &SmolStr) -> ActivityCall<()> {
        self.call(mark_step_done(), list, Some(step))
    }

    fn call<T>(
        &self,
        definition: &'static ActivityDefinition,
        list: &DoneList,
        step: Option<&SmolStr>,
    ) -> ActivityCall<T> {
        let mut args = vec![
            IntoArg::<Option<SmolStr>>::into_arg(list.bucket.clone()),
            IntoArg::<SmolStr>::into_arg(list.prefix.clone()),
        ];
        args.extend(step.map(|step| IntoArg::<SmolStr>::into_arg(step.clone())));
        let mut settings = definition.clone();
        if let Some(task_list) = &self.task_list {
            settings.task_list = task_list.clone();
        }
        if let Some(params) = &self.params {
            params(&mut settings);
        }
        let mut call = ActivityCall::of(definition, args);
        call.overrides = Some(Box::new(settings));
        call
    }
}
