//! Chains: members that run one after the other.

use std::marker::PhantomData;
use std::rc::Rc;

use serde::de::DeserializeOwned;
use serde_json::Value;
use simpleflow_model::SmolStr;

use super::members::{Failed, Member, Submitted};
use crate::error::Error;
use crate::flow::{Flow, Site, Submit, SubmitTo};
use crate::future::Future;
use crate::task::Task;

/// Tasks that run one after the other, submitted as one: the list of their results, as JSON
/// values. What it does when members fail is told [at the canvas](crate::canvas).
///
/// A chain whose members take the result of the one before begins with
/// [`Chain::send_result`]; the compiler checks that the types fit. It always breaks when a member
/// fails, since there is nothing to send then.
///
/// ```
/// # use simpleflow_core::{ActivityCall, Chain, Flow, Group, Result};
/// # async fn example(
/// #     flow: Flow,
/// #     fetch: fn(&str) -> ActivityCall<Vec<String>>,
/// #     parse: fn(String) -> ActivityCall<u64>,
/// #     clean_up: fn() -> ActivityCall<()>,
/// # ) -> Result<()> {
/// // One after the other: [null, [1, 2], null]
/// let chain = Chain::new()
///     .append(clean_up())
///     .append(Group::new().append(parse("1".into())).append(parse("2".into())))
///     .append(clean_up());
/// let results: Vec<serde_json::Value> = flow.submit(chain).await?;
///
/// // Each with the result of the one before.
/// let chain = Chain::send_result(fetch("input"))
///     .then(move |parts| parts.into_iter().map(parse).collect::<Group<u64>>());
/// let parsed: Vec<u64> = flow.submit(chain.last()).await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "a chain does nothing until it is given to `flow.submit`"]
pub struct Chain<S = Unsent> {
    steps: Vec<Step>,
    break_on_failure: bool,
    raises: Option<bool>,
    bubbles: Option<bool>,
    sends: PhantomData<fn() -> S>,
}

/// Of a [`Chain`]: members do not get the result of the one before.
#[derive(Debug)]
pub enum Unsent {}

/// Of a [`Chain`]: each member gets the result of the one before, of which the last is a `T`.
#[derive(Debug)]
pub struct Sent<T>(PhantomData<fn() -> T>);

enum Step {
    Call(Member),
    /// Made of the task before.
    Then(MakeMember),
}

type MakeMember = Box<dyn FnOnce(&Rc<Task>, &Flow) -> Member>;

impl Chain {
    /// A chain whose members do not get the result of the one before. An empty chain ends at once,
    /// with an empty list.
    pub fn new() -> Self {
        Self::of(Vec::new())
    }

    /// A chain that sends results, from its first member on.
    pub fn send_result<C: Submit + 'static>(first: C) -> Chain<Sent<C::Output>> {
        Chain::of(vec![Step::Call(Member::new(first))])
    }

    /// Adds a member.
    pub fn append(mut self, member: impl Submit + 'static) -> Self {
        self.steps.push(Step::Call(Member::new(member)));
        self
    }

    /// Whether the chain ends when a member fails. The default is true.
    pub fn break_on_failure(mut self, breaks: bool) -> Self {
        self.break_on_failure = breaks;
        self
    }
}

impl<T: DeserializeOwned + 'static> Chain<Sent<T>> {
    /// Adds a member that is made of the result of the one before, when that is done.
    pub fn then<C: Submit + 'static>(
        mut self,
        call: impl FnOnce(T) -> C + 'static,
    ) -> Chain<Sent<C::Output>> {
        self.steps.push(Step::Then(Box::new(move |previous, flow| {
            let previous = Future::<T>::new(Rc::clone(previous), &flow.shared);
            match previous.result() {
                Some(Ok(result)) => Member::new(call(result)),
                Some(Err(error)) => Member::failed(error),
                None => Member::new(()),
            }
        })));
        self.sending()
    }
}

impl<T> Chain<Sent<T>> {
    /// The chain whose last result is taken as JSON, so that chains of different members have one
    /// type: for members that are chosen while the workflow runs.
    pub fn as_json(self) -> Chain<Sent<Value>> {
        self.sending()
    }

    /// Only the result of the last member, with its type. It fails when the chain breaks, whatever
    /// the chain says of failures.
    pub fn last(self) -> Last<T> {
        Last(self)
    }
}

impl<S> Chain<S> {
    fn of(steps: Vec<Step>) -> Self {
        Self {
            steps,
            break_on_failure: true,
            raises: None,
            bubbles: None,
            sends: PhantomData,
        }
    }

    fn sending<R>(self) -> Chain<R> {
        Chain {
            steps: self.steps,
            break_on_failure: self.break_on_failure,
            raises: self.raises,
            bubbles: self.bubbles,
            sends: PhantomData,
        }
    }

    /// Whether the failure of a member fails the workflow at once, over what the members say
    /// themselves.
    ///
    /// A chain that does not raise does not fail either when a member does, so a chain around it
    /// goes on, unless [`bubbles_error_on_failure`](Self::bubbles_error_on_failure) is set.
    pub fn raises_on_failure(mut self, raises: bool) -> Self {
        self.raises = Some(raises);
        self
    }

    /// Whether the chain fails when a member does. Otherwise a task that failed is `null` in its
    /// list, and a canvas that did the list of its own. The default is true, unless [`raises_on_failure`](Self::raises_on_failure) is false.
    pub fn bubbles_error_on_failure(mut self, bubbles: bool) -> Self {
        self.bubbles = Some(bubbles);
        self
    }

    fn failed(&self) -> Failed {
        Failed::bubbles(self.bubbles.unwrap_or(self.raises != Some(false)))
    }

    /// Runs the chain up to its end, or the failure that breaks it.
    async fn run(self, submitted: &mut Submitted, flow: Flow) {
        for step in self.steps {
            let member = match (step, submitted.last()) {
                (Step::Call(member), _) => member,
                (Step::Then(make), Some(previous)) => make(previous, &flow),
                // A chain that sends results begins with a call.
                (Step::Then(_), None) => return,
            };
            let done = submitted.submit(member);
            done.await;
            let failed = |task: &Rc<Task>| task.outcome().is_some_and(|outcome| outcome.is_err());
            if self.break_on_failure && submitted.last().is_some_and(failed) {
                return;
            }
        }
    }
}

impl Default for Chain {
    fn default() -> Self {
        Self::new()
    }
}

impl<C: Submit + 'static> FromIterator<C> for Chain {
    fn from_iter<I: IntoIterator<Item = C>>(calls: I) -> Self {
        let calls = calls.into_iter().map(Member::new);
        Self::of(calls.map(Step::Call).collect())
    }
}

impl<C: Submit + 'static> Extend<C> for Chain {
    fn extend<I: IntoIterator<Item = C>>(&mut self, calls: I) {
        let calls = calls.into_iter().map(Member::new);
        self.steps.extend(calls.map(Step::Call));
    }
}

#[diagnostic::do_not_recommend]
impl<S: 'static> Submit for Chain<S> {
    type Output = Vec<Value>;
}

impl<S: 'static> SubmitTo for Chain<S> {
    fn submit_to(self, flow: &Flow, site: Site) -> Rc<Task> {
        let mut submitted = Submitted::new(flow, site, self.raises);
        let failed = self.failed();
        let inner = flow.clone();
        let chain = async move {
            self.run(&mut submitted, inner).await;
            submitted.results(failed)
        };
        flow.spawn_task("chain", Box::pin(chain), site.location)
    }
}

/// The result of the last member of a chain that sends results: see [`Chain::last`].
#[must_use = "a chain does nothing until it is given to `flow.submit`"]
pub struct Last<T>(Chain<Sent<T>>);

#[diagnostic::do_not_recommend]
impl<T: 'static> Submit for Last<T> {
    type Output = T;
}

impl<T: 'static> SubmitTo for Last<T> {
    fn submit_to(self, flow: &Flow, site: Site) -> Rc<Task> {
        let mut submitted = Submitted::new(flow, site, self.0.raises);
        let inner = flow.clone();
        let chain = async move {
            self.0.run(&mut submitted, inner).await;
            submitted.results(Failed::Bubbles)?;
            match submitted.last().and_then(|task| task.outcome()) {
                Some(outcome) => outcome.map_err(Error::from),
                None => Ok(SmolStr::new_static("null")),
            }
        };
        flow.spawn_task("chain", Box::pin(chain), site.location)
    }
}
