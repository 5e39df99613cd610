//! Canvases that are built when their turn comes.

use std::marker::PhantomData;
use std::rc::Rc;

use super::members::Member;
use crate::flow::{Flow, Site, Submit, SubmitTo};
use crate::task::Task;

/// A function that builds what is to be submitted, called when its turn comes: in a chain, when
/// the members before it are done.
///
/// It may give anything that can be submitted, the future of something that it submitted itself,
/// or nothing: `()` or an `Option`. In a chain that sends results a closure is enough: see
/// [`Chain::then`](crate::Chain::then).
///
/// ```
/// # use std::time::Duration;
/// # use simpleflow_core::{ActivityCall, Chain, Flow, FuncGroup, Result};
/// # async fn example(flow: Flow, poll: fn() -> ActivityCall<bool>) -> Result<()> {
/// let chain = Chain::new()
///     .append(poll())
///     .append(FuncGroup::new(|flow| flow.sleep(Duration::from_secs(60))))
///     .append(FuncGroup::new(|flow| flow.record_marker("polled", 1)))
///     .append(poll());
/// flow.submit(chain).await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "it is not called until it is given to `flow.submit`"]
pub struct FuncGroup<T> {
    build: Box<dyn FnOnce(&Flow) -> Member>,
    raises: Option<bool>,
    output: PhantomData<fn() -> T>,
}

impl<T> FuncGroup<T> {
    /// What this function will build.
    pub fn new<S: Submit<Output = T> + 'static>(build: impl FnOnce(&Flow) -> S + 'static) -> Self {
        Self {
            build: Box::new(move |flow| Member::new(build(flow))),
            raises: None,
            output: PhantomData,
        }
    }

    /// Whether the failure of a task in what is built fails the workflow at once, over what the
    /// tasks say themselves.
    pub fn raises_on_failure(mut self, raises: bool) -> Self {
        self.raises = Some(raises);
        self
    }
}

#[diagnostic::do_not_recommend]
impl<T> Submit for FuncGroup<T> {
    type Output = T;
}

impl<T> SubmitTo for FuncGroup<T> {
    fn submit_to(self, flow: &Flow, site: Site) -> Rc<Task> {
        (self.build)(flow).submit_to(flow, site.within(self.raises))
    }
}
