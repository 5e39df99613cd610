//! A request, and the wait for its answer.

use std::sync::Arc;
use std::time::Duration;

use simpleflow_model::SmolStr;
use tokio::sync::oneshot;

use crate::core::{Asker, Call, Core, Failure, Reply, Response, nothing};
use crate::operation::Request;
use crate::polls::PollId;

/// How long a poll waits for a task, as the service's.
const POLL: Duration = Duration::from_secs(60);

/// Carries a request out and waits for its answer. A poll waits for a task, and is forgotten when
/// this is dropped.
pub(crate) async fn ask(
    core: &Arc<Core>,
    region: SmolStr,
    request: Request,
    asker: Asker,
) -> Response {
    let is_poll = matches!(
        request,
        Request::PollForActivityTask(_) | Request::PollForDecisionTask(_)
    );
    let empty = nothing(&request);
    let (to, mut response) = oneshot::channel();
    let id = core.poll_id();
    let reply = Reply::new(to, asker);
    core.call(Call {
        region,
        request,
        id,
        reply,
    });
    if !is_poll {
        return response.await.unwrap_or(Err(Failure::Internal));
    }
    let mut presence = Presence {
        core,
        poll: Some(id),
    };
    let response = match tokio::time::timeout(POLL, &mut response).await {
        Ok(response) => response.unwrap_or(Err(Failure::Internal)),
        Err(_) => {
            // From here on no task can be sent; one that was sent just now is not lost.
            response.close();
            match response.try_recv() {
                Ok(response) => response,
                Err(_) => return Ok(empty),
            }
        }
    };
    presence.poll = None;
    response
}

/// Tells that the client of a poll is gone, unless the poll was answered.
struct Presence<'a> {
    core: &'a Core,
    poll: Option<PollId>,
}

impl Drop for Presence<'_> {
    fn drop(&mut self) {
        if let Some(poll) = self.poll {
            self.core.forget(poll);
        }
    }
}
