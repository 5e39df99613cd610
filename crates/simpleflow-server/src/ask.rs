//! A request, and the wait for its answer.

use std::sync::Arc;
use std::time::Duration;

use simpleflow_engine::Ready;
use simpleflow_model::SmolStr;
use simpleflow_model::operation::GetWorkflowExecutionHistory;
use tokio::sync::oneshot;

use crate::core::{Asker, Call, Core, Failure, Reply, Response, awaited, nothing};
use crate::operation::Request;
use crate::polls::PollId;

/// How long a poll waits for a task, as the service's.
const POLL: Duration = Duration::from_secs(60);

/// Reads the history of an execution when that is closed, or after the time of a poll.
pub(crate) async fn ask_when_closed(
    core: &Arc<Core>,
    region: SmolStr,
    request: GetWorkflowExecutionHistory,
    asker: Asker,
) -> Response {
    // Whatever ends the wait, the history tells.
    let closed = core.closed(&region, &request.execution.run_id);
    let _ = tokio::time::timeout(POLL, closed).await;
    let request = Request::GetWorkflowExecutionHistory(request);
    ask(core, region, request, asker).await
}

/// Carries a request out and waits for its answer. A poll waits for a task, and is forgotten when
/// this is dropped.
pub(crate) async fn ask(
    core: &Arc<Core>,
    region: SmolStr,
    request: Request,
    asker: Asker,
) -> Response {
    let (to, response) = oneshot::channel();
    let leads = matches!(asker, Asker::InProcess);
    let reply = Reply::new(to, asker);
    let id = core.poll_id();
    let is_poll = matches!(
        request,
        Request::PollForActivityTask(_) | Request::PollForDecisionTask(_)
    );
    if !is_poll {
        let call = Call {
            region,
            request,
            id,
            reply,
        };
        core.call(call);
        if leads && response.is_empty() {
            core.lead().await;
        }
        return response.await.unwrap_or(Err(Failure::Stopped));
    }
    let empty = nothing(&request);
    let mut poll = Waiting {
        core,
        id,
        region: region.clone(),
        list: awaited(&request),
        response,
    };
    core.call(Call {
        region,
        request,
        id,
        reply,
    });
    if leads && poll.response.is_empty() {
        core.lead().await;
    }
    match tokio::time::timeout(POLL, &mut poll.response).await {
        Ok(response) => response.unwrap_or(Err(Failure::Stopped)),
        // What was sent just now is not lost: from here on nothing can be sent.
        Err(_) => {
            core.forget(id);
            poll.close().unwrap_or(Ok(empty))
        }
    }
}

/// A poll that waits for its answer. When it is dropped it is forgotten; a task that was sent to it
/// goes back.
struct Waiting<'a> {
    core: &'a Core,
    id: PollId,
    region: SmolStr,
    list: Option<Ready>,
    response: oneshot::Receiver<Response>,
}

impl Waiting<'_> {
    /// Takes nothing more. What was sent before.
    fn close(&mut self) -> Option<Response> {
        self.response.close();
        self.response.try_recv().ok()
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if self.response.is_terminated() {
            return;
        }
        self.core.forget(self.id);
        if let (Some(Ok(answer)), Some(list)) = (self.close(), self.list.take())
            && let Some(task) = answer.task_token()
        {
            self.core.take_back(&self.region, list, task.clone());
        }
    }
}
