//! A request, and the wait for its answer.

use std::sync::Arc;
use std::time::Duration;

use simpleflow_engine::Ready;
use simpleflow_model::SmolStr;
use simpleflow_model::operation::GetWorkflowExecutionHistory;
use tokio::sync::oneshot;

use crate::core::{Asker, Call, Core, Failure, Reply, Response, awaited, nothing};
use crate::operation::{Answer, Request};
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
    let turns = asker.turns();
    let is_poll = matches!(
        request,
        Request::PollForActivityTask(_) | Request::PollForDecisionTask(_)
    );
    if is_poll {
        let (call, poll) = Waiting::new(core, region, request, asker);
        core.call(call);
        lead(core, &poll.response, turns).await;
        return poll.answer().await;
    }
    let (call, response) = call(core, region, request, asker);
    core.call(call);
    lead(core, &response, turns).await;
    response.await.unwrap_or(Err(Failure::Stopped))
}

/// Carries the answer to a task out and waits until it is taken. The poll after it is under way
/// then.
pub(crate) async fn ask_then_poll(
    core: &Arc<Core>,
    region: SmolStr,
    answer: Request,
    poll: Request,
    asker: Asker,
) -> Result<(Answer, Waiting), Failure> {
    let turns = asker.turns();
    let (answer, response) = call(core, region.clone(), answer, asker.clone());
    let (poll, waiting) = Waiting::new(core, region, poll, asker);
    core.call_then_poll(answer, poll);
    lead(core, &response, turns).await;
    let answer = response.await.unwrap_or(Err(Failure::Stopped))?;
    Ok((answer, waiting))
}

/// [Leads](Core::lead), unless the response is there already.
async fn lead(core: &Core, response: &oneshot::Receiver<Response>, turns: usize) {
    if response.is_empty() {
        core.lead(turns).await;
    }
}

fn call(
    core: &Core,
    region: SmolStr,
    request: Request,
    asker: Asker,
) -> (Call, oneshot::Receiver<Response>) {
    let (to, response) = oneshot::channel();
    let call = Call {
        region,
        request,
        id: core.poll_id(),
        reply: Reply::new(to, asker),
    };
    (call, response)
}

/// A poll that waits for its answer. When it is dropped it is forgotten; a task that was sent to it
/// goes back.
pub(crate) struct Waiting {
    core: Arc<Core>,
    id: PollId,
    region: SmolStr,
    list: Option<Ready>,
    /// The answer when there was no task.
    empty: Answer,
    response: oneshot::Receiver<Response>,
}

impl Waiting {
    fn new(core: &Arc<Core>, region: SmolStr, poll: Request, asker: Asker) -> (Call, Self) {
        let (list, empty) = (awaited(&poll), nothing(&poll));
        let (call, response) = call(core, region.clone(), poll, asker);
        let waiting = Self {
            core: Arc::clone(core),
            id: call.id,
            region,
            list,
            empty,
            response,
        };
        (call, waiting)
    }

    /// The answer, which comes in the time of a poll.
    pub(crate) async fn answer(mut self) -> Response {
        match tokio::time::timeout(POLL, &mut self.response).await {
            Ok(response) => response.unwrap_or(Err(Failure::Stopped)),
            // What was sent just now is not lost: from here on nothing can be sent.
            Err(_) => {
                self.core.forget(self.id);
                let empty = std::mem::replace(&mut self.empty, Answer::Empty);
                self.close().unwrap_or(Ok(empty))
            }
        }
    }

    /// Takes nothing more. What was sent before.
    fn close(&mut self) -> Option<Response> {
        self.response.close();
        self.response.try_recv().ok()
    }
}

impl Drop for Waiting {
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
