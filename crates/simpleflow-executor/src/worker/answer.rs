//! The answer to an activity task.

use simpleflow_core::{ActivityResult, Failure};
use simpleflow_model::operation::{
    RespondActivityTaskCanceled, RespondActivityTaskCompleted, RespondActivityTaskFailed,
};
use simpleflow_model::{FaultKind, SmolStr, TaskToken, limits};
use simpleflow_service::{ServiceError, SwfService};

use super::Worker;
use super::task::Ending;
use crate::retry::persistently;
use crate::values;

/// What the service is told of a task.
pub(super) enum Answer {
    Completed(SmolStr),
    Failed(Failure),
    Cancelled,
    /// Nothing: the service does not know the task any more.
    None,
}

impl<S: SwfService> Worker<S> {
    /// The answer of an activity that ended, within the limits.
    pub(super) fn answer_of(&self, result: ActivityResult) -> Answer {
        let most = self.most();
        match result {
            Ok(result) if result.len() <= most => Answer::Completed(result),
            Ok(result) => match result.chars().count() {
                length if length <= most => Answer::Completed(result),
                length => Answer::Failed(Failure::result_too_long(length, most)),
            },
            Err(failure) => Answer::Failed(failure.within(most)),
        }
    }

    /// Answers a task. The work is done, so this does not give up unless the worker has to end:
    /// when the task is over the service says so.
    pub(super) async fn answer(&self, token: TaskToken, answer: Answer, ending: &Ending) {
        tokio::select! {
            () = self.tell(token, answer, ending) => {}
            () = ending.answers.cancelled() => {
                tracing::error!("an activity task is not answered: the worker ends");
            }
        }
    }

    async fn tell(&self, task_token: TaskToken, answer: Answer, ending: &Ending) {
        let answered = match answer {
            Answer::Completed(result) => {
                let completed = self.complete(task_token.clone(), result, ending).await;
                match completed {
                    // It will not take the result another time either.
                    Err(error @ (ServiceError::Fault(_) | ServiceError::Refused { .. }))
                        if !error.is_fault(FaultKind::UnknownResource) =>
                    {
                        let reason = format!("the service does not take the result: {error}");
                        self.fail(task_token, Failure::new(reason, None), ending)
                            .await
                    }
                    completed => completed,
                }
            }
            Answer::Failed(failure) => self.fail(task_token, failure, ending).await,
            Answer::Cancelled => self.cancelled(task_token, ending).await,
            Answer::None => return,
        };
        match answered {
            Ok(()) => {}
            // That is no fault: the task timed out, or its execution is closed.
            Err(error) if error.is_fault(FaultKind::UnknownResource) => {
                tracing::info!("the answer came too late: {error}");
            }
            Err(error) => tracing::error!("cannot answer an activity task: {error}"),
        }
    }

    async fn complete(
        &self,
        task_token: TaskToken,
        result: SmolStr,
        ending: &Ending,
    ) -> Result<(), ServiceError> {
        let mut answer = RespondActivityTaskCompleted {
            task_token,
            result: Some(result),
            ..RespondActivityTaskCompleted::default()
        };
        let (jumbo, stop) = (self.jumbo.as_ref(), &ending.answers);
        if let Err(error) = values::encode_persistently(jumbo, &mut answer, stop).await {
            let failure = Failure::new(error.to_string(), None);
            return self.fail(answer.task_token, failure, ending).await;
        }
        persistently("RespondActivityTaskCompleted", &ending.answers, || {
            self.service.respond_activity_task_completed(answer.clone())
        })
        .await
    }

    async fn fail(
        &self,
        task_token: TaskToken,
        failure: Failure,
        ending: &Ending,
    ) -> Result<(), ServiceError> {
        tracing::debug!(reason = %failure.reason, "activity failed");
        let mut answer = RespondActivityTaskFailed {
            task_token,
            reason: Some(failure.reason),
            details: failure.details,
            ..RespondActivityTaskFailed::default()
        };
        if let Err(error) = values::encode(self.jumbo.as_ref(), &mut answer).await {
            tracing::warn!("the details of a failure are cut: {error}");
            let whole = Failure {
                reason: answer.reason.unwrap_or_default(),
                details: answer.details,
            };
            let cut = whole.within(limits::DATA_LENGTH);
            (answer.reason, answer.details) = (Some(cut.reason), cut.details);
        }
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
