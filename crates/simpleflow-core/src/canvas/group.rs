//! Groups: members that run at the same time.

use std::marker::PhantomData;
use std::num::NonZeroUsize;
use std::rc::Rc;

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use serde_json::Value;
use simpleflow_model::SmolStr;

use super::members::{Failed, Member, Submitted};
use crate::error::Result;
use crate::flow::{Flow, Site, Submit, SubmitTo};
use crate::task::Task;

/// Tasks that run at the same time, submitted as one: the list of their results, in their order.
///
/// Of equal types it is collected from calls, and its result is a `Vec` of theirs. Of different
/// types it is [new](Group::new) and appended to, and its result is a `Vec` of JSON values. What
/// it does when members fail is told [at the canvas](crate::canvas).
///
/// ```
/// # use simpleflow_core::{ActivityCall, Flow, Group, Result};
/// # async fn example(flow: Flow, resize: fn(&str) -> ActivityCall<u64>) -> Result<()> {
/// let images = ["a.png", "b.png", "c.png"];
/// let sizes: Group<u64> = images.into_iter().map(resize).collect();
/// let sizes: Vec<u64> = flow.submit(sizes.max_parallel(2)).await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "a group does nothing until it is given to `flow.submit`"]
pub struct Group<T = Value> {
    members: Vec<Member>,
    max_parallel: Option<NonZeroUsize>,
    raises: Option<bool>,
    failed: Failed,
    output: PhantomData<fn() -> T>,
}

impl Group {
    /// A group of members of whatever types. An empty group ends at once, with an empty list.
    pub fn new() -> Self {
        Self::of_members(Vec::new())
    }

    /// Adds a member.
    pub fn append(mut self, member: impl Submit + 'static) -> Self {
        self.members.push(Member::new(member));
        self
    }

    /// Whether the group fails when a member does. Otherwise a task that failed is `null` in its
    /// list, and a canvas that did the list of its own. The default is true.
    pub fn bubbles_error_on_failure(mut self, bubbles: bool) -> Self {
        self.failed = Failed::bubbles(bubbles);
        self
    }
}

impl<T> Group<T> {
    fn of_members(members: Vec<Member>) -> Self {
        Self {
            members,
            max_parallel: None,
            raises: None,
            failed: Failed::Bubbles,
            output: PhantomData,
        }
    }

    /// How many members may run at a time; 0 for all, which is the default. The others are
    /// submitted in order, each when one is done.
    pub fn max_parallel(mut self, most: usize) -> Self {
        self.max_parallel = NonZeroUsize::new(most);
        self
    }

    /// Whether the failure of a member fails the workflow at once, over what the members say
    /// themselves.
    pub fn raises_on_failure(mut self, raises: bool) -> Self {
        self.raises = Some(raises);
        self
    }

    /// The group does not fail when members do: these are `None`. For a group of one type this is
    /// what [`bubbles_error_on_failure(false)`](Group::bubbles_error_on_failure) is.
    pub fn tolerant(self) -> Group<Option<T>> {
        Group {
            members: self.members,
            max_parallel: self.max_parallel,
            raises: self.raises,
            failed: Failed::Null,
            output: PhantomData,
        }
    }
}

impl Default for Group {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, S: Submit<Output = T> + 'static> FromIterator<S> for Group<T> {
    fn from_iter<I: IntoIterator<Item = S>>(calls: I) -> Self {
        Self::of_members(calls.into_iter().map(Member::new).collect())
    }
}

impl<T, S: Submit<Output = T> + 'static> Extend<S> for Group<T> {
    fn extend<I: IntoIterator<Item = S>>(&mut self, calls: I) {
        self.members.extend(calls.into_iter().map(Member::new));
    }
}

#[diagnostic::do_not_recommend]
impl<T> Submit for Group<T> {
    type Output = Vec<T>;
}

impl<T> SubmitTo for Group<T> {
    fn submit_to(self, flow: &Flow, site: Site) -> Rc<Task> {
        let submitted = Submitted::new(flow, site, self.raises);
        let most = self.max_parallel.map_or(usize::MAX, NonZeroUsize::get);
        let group = run(submitted, self.members, most, self.failed);
        flow.spawn_task("group", Box::pin(group), site.location)
    }
}

async fn run(
    mut submitted: Submitted,
    members: Vec<Member>,
    most: usize,
    failed: Failed,
) -> Result<SmolStr> {
    let mut members = members.into_iter();
    let mut running = FuturesUnordered::new();
    loop {
        while running.len() < most
            && let Some(member) = members.next()
        {
            let done = submitted.submit(member);
            if !done.is_done() {
                running.push(done);
            }
        }
        if running.next().await.is_none() {
            return submitted.results(failed);
        }
    }
}
