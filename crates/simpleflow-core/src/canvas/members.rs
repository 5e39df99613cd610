//! The members of a canvas: submitted when their turn comes, cancelled with it.

use std::rc::Rc;

use simpleflow_model::SmolStr;

use super::AggregateError;
use super::error::list;
use crate::error::{Result, TaskError};
use crate::flow::{Flow, Site, Submit};
use crate::future::Done;
use crate::task::{Outcome, Task};

/// What a canvas submits when its turn comes.
pub(crate) struct Member(SubmitMember);

type SubmitMember = Box<dyn FnOnce(&Flow, Site) -> Rc<Task>>;

impl Member {
    pub(crate) fn new(call: impl Submit + 'static) -> Self {
        Self(Box::new(move |flow, site| call.submit_to(flow, site)))
    }

    /// A member that cannot be submitted.
    pub(super) fn failed(error: TaskError) -> Self {
        Self(Box::new(move |flow, site| {
            let failure = Box::pin(async move { Err(error.into()) });
            flow.spawn_task("member", failure, site.location)
        }))
    }

    pub(super) fn submit_to(self, flow: &Flow, site: Site) -> Rc<Task> {
        (self.0)(flow, site)
    }
}

/// What becomes of a canvas of which members failed.
#[derive(Clone, Copy)]
pub(super) enum Failed {
    /// It fails.
    Bubbles,
    /// Its list has them as `null`, and canvases with the list that they would have.
    Listed,
    /// Its list has them as `null`.
    Null,
}

impl Failed {
    pub(super) fn bubbles(bubbles: bool) -> Self {
        match bubbles {
            true => Self::Bubbles,
            false => Self::Listed,
        }
    }
}

/// The members of a canvas that were submitted. Dropped before they are done, because the canvas
/// is cancelled, it cancels them.
pub(crate) struct Submitted {
    flow: Flow,
    site: Site,
    tasks: Vec<Rc<Task>>,
}

impl Submitted {
    /// `site` is where the canvas was submitted, `raises` what it says of its members itself.
    pub(crate) fn new(flow: &Flow, site: Site, raises: Option<bool>) -> Self {
        Self {
            flow: flow.clone(),
            site: site.within(raises),
            tasks: Vec::new(),
        }
    }

    pub(crate) fn submit(&mut self, member: Member) -> Done {
        let task = member.submit_to(&self.flow, self.site);
        self.tasks.push(Rc::clone(&task));
        Done::of(task)
    }

    /// The member that was submitted last.
    pub(crate) fn last(&self) -> Option<&Rc<Task>> {
        self.tasks.last()
    }

    /// The end of a canvas all of whose submitted members are done: their results as a JSON list.
    ///
    /// # Errors
    /// An [`AggregateError`] if one failed and that is to bubble.
    pub(super) fn results(&self, failed: Failed) -> Result<SmolStr> {
        let outcomes = self.tasks.iter().filter_map(|task| task.outcome());
        let outcomes: Vec<Outcome> = outcomes.collect();
        match failed {
            Failed::Bubbles if outcomes.iter().any(Result::is_err) => {
                Err(AggregateError::new(outcomes).into())
            }
            Failed::Bubbles | Failed::Listed => Ok(list(&outcomes, true)),
            Failed::Null => Ok(list(&outcomes, false)),
        }
    }
}

impl Drop for Submitted {
    fn drop(&mut self) {
        for task in self.tasks.iter().filter(|task| !task.is_done()) {
            self.flow.shared.cancel_in_canvas(task);
        }
    }
}
