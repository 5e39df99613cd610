//! The answer to an activity task.

use simpleflow_core::{ActivityResult, Failure};
use simpleflow_model::operation::{
    PollForActivityTask, RespondActivityTaskCanceled, RespondActivityTaskCompleted,
    RespondActivityTaskFailed,
};
use simpleflow_model::types::ActivityTask;
use simpleflow_model::{FaultKind, SmolStr, TaskToken, limits};
use simpleflow_service::{NextTask, ServiceError, SwfService};

use super::Worker;
use super::heartbeat::Stopped;
use super::task::Ending;
use crate::poll::{self, ThenPoll};
use crate::retry::persistently;
use crate::values::{self, Patience};

/// What the service is told of a task. Values are as long as it takes.
pub(super) enum Answer {
    Completed(SmolStr),
    Failed(Failure),
    Cancelled,
    /// Nothing: the service does not know the task any more.
    None,
}

impl From<ActivityResult> for Answer {
    fn from(result: ActivityResult) -> Self {
        match result {
            Ok(result) => Self::Completed(result),
            Err(failure) => Self::Failed(failure),
        }
    }
}

impl From<Stopped> for Answer {
    fn from(stopped: Stopped) -> Self {
        match stopped {
            Stopped::Cancelled => Self::Cancelled,
            Stopped::Lost => Self::None,
        }
    }
}

/// A result whose length is within what results may have.
pub(super) fn within(result: ActivityResult, most: usize) -> ActivityResult {
    let result = result.map_err(|failure| failure.within(most))?;
    // Counting is not free, and no text has more characters than bytes.
    if result.len() <= most {
        return Ok(result);
    }
    match result.chars().count() {
        length if length <= most => Ok(result),
        length => Err(Failure::result_too_long(length, most)),
    }
}

/// Whether the service takes a result as it is, which is within its limits.
pub(super) fn is_short(result: &ActivityResult) -> bool {
    let text = match result {
        Ok(result) => Some(result),
        Err(failure) => failure.details.as_ref(),
    };
    text.is_none_or(|text| text.len() <= limits::DATA_LENGTH)
}

impl<S: SwfService> Worker<S> {
    /// The result of an activity as the service takes it: put elsewhere if it is too long for that,
    /// however long it takes if it may yet go well.
    pub(super) async fn encoded(&self, result: ActivityResult, ending: &Ending) -> ActivityResult {
        let failure = match within(result, self.most()) {
            Ok(result) => {
                let mut answer = RespondActivityTaskCompleted {
                    result: Some(result),
                    ..RespondActivityTaskCompleted::default()
                };
                let patience = Patience::until_stop(&ending.answers);
                let jumbo = self.jumbo.as_ref();
                match values::encode_patiently(jumbo, &mut answer, patience).await {
                    Ok(()) => return Ok(answer.result.unwrap_or_default()),
                    Err(error) => Failure::new(error.to_string(), None),
                }
            }
            Err(failure) => failure,
        };
        Err(self.encoded_failure(failure).await)
    }

    /// A failure as the service takes it. Its details are not worth a long wait.
    async fn encoded_failure(&self, failure: Failure) -> Failure {
        let mut answer = RespondActivityTaskFailed {
            reason: Some(failure.reason),
            details: failure.details,
            ..RespondActivityTaskFailed::default()
        };
        let encoded = values::encode(self.jumbo.as_ref(), &mut answer).await;
        let failure = Failure {
            reason: answer.reason.unwrap_or_default(),
            details: answer.details,
        };
        match encoded {
            Ok(()) => failure,
            Err(error) => {
                tracing::warn!("the details of a failure are cut: {error}");
                failure.within(limits::DATA_LENGTH)
            }
        }
    }

    /// Answers a task, with a poll where that can be done at once. The work is done, so this does
    /// not give up unless the worker has to end: when the task is over the service says so.
    pub(super) async fn answer(
        &self,
        token: TaskToken,
        answer: Answer,
        then_poll: Option<ThenPoll<'_, PollForActivityTask>>,
        ending: &Ending,
    ) -> Option<NextTask<ActivityTask>> {
        tokio::select! {
            under_way = self.tell(token, answer, then_poll, ending) => under_way,
            () = ending.answers.cancelled() => {
                tracing::error!("an activity task is not answered: the worker ends");
                None
            }
        }
    }

    async fn tell(
        &self,
        task_token: TaskToken,
        answer: Answer,
        then_poll: Option<ThenPoll<'_, PollForActivityTask>>,
        ending: &Ending,
    ) -> Option<NextTask<ActivityTask>> {
        let answered = match answer {
            Answer::Completed(result) => {
                let token = task_token.clone();
                match self.complete(token, result, then_poll, ending).await {
                    Ok(under_way) => return under_way,
                    // It will not take the result another time either.
                    Err(error @ (ServiceError::Fault(_) | ServiceError::Refused { .. }))
                        if !error.is_fault(FaultKind::UnknownResource) =>
                    {
                        let reason = format!("the service does not take the result: {error}");
                        let failure = self.encoded_failure(Failure::new(reason, None)).await;
                        self.fail(task_token, failure, ending).await
                    }
                    Err(error) => Err(error),
                }
            }
            Answer::Failed(failure) => self.fail(task_token, failure, ending).await,
            Answer::Cancelled => self.cancelled(task_token, ending).await,
            Answer::None => return None,
        };
        match answered {
            Ok(()) => {}
            // That is no fault: the task timed out, or its execution is closed.
            Err(error) if error.is_fault(FaultKind::UnknownResource) => {
                tracing::info!("the answer came too late: {error}");
            }
            Err(error) => tracing::error!("cannot answer an activity task: {error}"),
        }
        None
    }

    async fn complete(
        &self,
        task_token: TaskToken,
        result: SmolStr,
        then_poll: Option<ThenPoll<'_, PollForActivityTask>>,
        ending: &Ending,
    ) -> Result<Option<NextTask<ActivityTask>>, ServiceError> {
        let answer = RespondActivityTaskCompleted {
            task_token,
            result: Some(result),
            ..RespondActivityTaskCompleted::default()
        };
        poll::answer(&self.service, answer, then_poll, &ending.answers).await
    }

    async fn fail(
        &self,
        task_token: TaskToken,
        failure: Failure,
        ending: &Ending,
    ) -> Result<(), ServiceError> {
        tracing::debug!(reason = %failure.reason, "activity failed");
        let answer = RespondActivityTaskFailed {
            task_token,
            reason: Some(failure.reason),
            details: failure.details,
            ..RespondActivityTaskFailed::default()
        };
        persistently("RespondActivityTaskFailed", &ending.answers, || {
            self.service.respond_activity_task_failed(answer.clone())
        })
        .await
    }

    async fn cancelled(&self, task_token: TaskToken, ending: &Ending) -> Result<(), ServiceError> {
        let answer = RespondActivityTaskCanceled {
            task_token,
            ..RespondActivityTaskCanceled::default()
        };
        persistently("RespondActivityTaskCanceled", &ending.answers, || {
            self.service.respond_activity_task_canceled(answer.clone())
        })
        .await
    }
}
