//! What a workflow says about the failures of its tasks.

use std::cell::RefCell;
use std::rc::Rc;

use super::Flow;
use crate::failure::{FailureDecision, TaskFailure};

/// The code that is asked about failures.
pub(crate) type FailureHandler = Rc<RefCell<dyn FnMut(&TaskFailure) -> FailureDecision>>;

impl Flow {
    /// Has this closure asked about each activity, child or Lambda function that failed, whose time
    /// was up, or that the service refused, before the task's retry policy is looked at, from now on.
    /// It is in the place of any former one.
    ///
    /// ```
    /// # use simpleflow_core::{ActivityCall, FailureDecision, Flow, Result};
    /// # use std::time::Duration;
    /// # async fn example(flow: Flow, upload: ActivityCall<String>) -> Result<String> {
    /// flow.on_task_failure(|failure| match failure.error_type().as_deref() {
    ///     Some("quota.Exceeded") => FailureDecision::retry_later(Duration::from_secs(600)),
    ///     _ if failure.name() == "cleanup" => FailureDecision::ignore(()),
    ///     _ => FailureDecision::none(),
    /// });
    /// # Ok(flow.submit(upload).await?)
    /// # }
    /// ```
    ///
    /// It is part of the workflow's code: it must decide the same at each replay. It may count and
    /// remember, and may use the flow.
    pub fn on_task_failure(&self, decide: impl FnMut(&TaskFailure) -> FailureDecision + 'static) {
        let handler: FailureHandler = Rc::new(RefCell::new(decide));
        let mut state = self.shared.state.borrow_mut();
        state.note_use();
        let former = state.failure_handler.replace(handler);
        drop(state);
        // What it holds is the user's, and may use the flow when it is dropped.
        drop(former);
    }
}
