//! The operations.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aws_sdk_swf::Client;
use aws_sdk_swf::config::Credentials;
use aws_sdk_swf::config::retry::RetryConfig;
use aws_sdk_swf::config::timeout::TimeoutConfig;
use hyper::body::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use simpleflow_service::table::*;
use simpleflow_service::{
    EARLY_TASKS, NextTask, ServiceError, SwfService, THEN_POLL, WHEN_CLOSED, for_each_operation,
};

use crate::environment::Wanted;
use crate::plain::{Call, PlainServer, Signer, collect, within};
use crate::{Target, answer, call, environment};

/// How long an attempt may take, unless the client says so: longer than anything but a poll does.
const ATTEMPT: Duration = Duration::from_secs(30);

/// How long an attempt at a poll may take. The service answers within 60 seconds, and asks its
/// clients to wait for 70.
const POLL: Duration = Duration::from_secs(70);

/// Amazon SWF, or what speaks its protocol. A handle: clones use the same connections.
#[derive(Clone, Debug)]
pub struct AwsSwf {
    client: Client,
    /// The way to a server on this machine.
    plain: Option<Arc<PlainServer>>,
    target: Target,
    /// Whether the latest answer was the server's in the box.
    in_the_box: Arc<AtomicBool>,
}

impl AwsSwf {
    /// The service that the environment and the AWS configuration files name:
    /// `AWS_ENDPOINT_URL_SWF`, `AWS_ENDPOINT_URL`, `AWS_REGION`, `AWS_PROFILE` and all else that
    /// the SDK looks at.
    ///
    /// `SWF_CONNECTION_RETRIES`, a setting of the Python original, is how often a call is attempted;
    /// without it the SDK's settings hold. For a server on this machine there need be neither a
    /// region nor credentials, and only the environment and the files are looked at for them.
    ///
    /// # Errors
    /// [`ServiceError::Config`] when there is no region or a setting is wrong,
    /// [`ServiceError::Denied`] when there are no credentials, [`ServiceError::Connection`] when
    /// who gives them does not.
    pub async fn from_env() -> Result<Self, ServiceError> {
        Self::load(None).await
    }

    /// The service at this URL, for this region. All else is as in [`from_env`](Self::from_env).
    ///
    /// # Errors
    /// As [`from_env`](Self::from_env).
    pub async fn at(endpoint: &str, region: &str) -> Result<Self, ServiceError> {
        Self::load(Some(Wanted { endpoint, region })).await
    }

    async fn load(wanted: Option<Wanted<'_>>) -> Result<Self, ServiceError> {
        let environment = environment::load(wanted).await?;
        Ok(Self {
            client: Client::from_conf(environment.config),
            plain: environment.plain.map(Arc::new),
            target: environment.target,
            in_the_box: Arc::default(),
        })
    }

    /// The service of a client that was made elsewhere. Its settings hold; only polls get the time
    /// that they take. Of the [`target`](Self::target) no more than the region is known.
    pub fn new(client: Client) -> Self {
        let region = client.config().region();
        let target = Target {
            region: region.map(ToString::to_string),
            ..Target::default()
        };
        Self {
            client,
            plain: None,
            target,
            in_the_box: Arc::default(),
        }
    }

    /// The same, but the shorter way to a server on this machine, which
    /// [`from_env`](Self::from_env) takes by itself.
    #[doc(hidden)]
    #[must_use]
    pub fn plainly(mut self, endpoint: &str, credentials: Option<Credentials>) -> Self {
        let config = self.client.config();
        let retries = config.retry_config().cloned();
        let region = config.region().map(ToString::to_string).unwrap_or_default();
        let signer = credentials.map(|credentials| Signer {
            region,
            credentials,
        });
        let retries = retries.unwrap_or_else(RetryConfig::standard);
        self.plain = PlainServer::new(endpoint, signer, retries).map(Arc::new);
        self
    }

    /// What it talks to.
    pub fn target(&self) -> &Target {
        &self.target
    }

    async fn empty<R: Serialize>(
        &self,
        operation: &'static str,
        request: &R,
    ) -> Result<(), ServiceError> {
        self.call(operation, request).await.map(drop)
    }

    async fn output<R: Serialize, A: DeserializeOwned>(
        &self,
        operation: &'static str,
        request: &R,
    ) -> Result<A, ServiceError> {
        answer::output(&self.call(operation, request).await?)
    }

    async fn task<R: Serialize, A: DeserializeOwned>(
        &self,
        operation: &'static str,
        request: &R,
    ) -> Result<Option<A>, ServiceError> {
        answer::task(&self.wait(operation, request, &[]).await?)
    }

    /// Answers a task, and has the server that knows how poll with the same request.
    async fn answer_then_poll<R, P, T>(
        &self,
        operation: &'static str,
        answer: &R,
        then_poll: &P,
        asks_for: &'static [&'static str],
    ) -> Result<Option<NextTask<T>>, ServiceError>
    where
        R: Serialize,
        P: Serialize,
        T: DeserializeOwned + 'static,
    {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct AnswerThenPoll<'a, R, P> {
            #[serde(flatten)]
            answer: &'a R,
            then_poll: &'a P,
        }
        let Some(plain) = self.plain.as_ref().filter(|_| self.polls_with_answers()) else {
            return self.call(operation, answer).await.map(|_| None);
        };
        let call = Call {
            operation,
            request: &AnswerThenPoll { answer, then_poll },
            time: ATTEMPT,
            asks_for,
        };
        let Some(body) = plain.call_then_poll(&call, &self.in_the_box).await? else {
            return Ok(None);
        };
        Ok(Some(Box::pin(async move {
            answer::task(&within(POLL, collect(body)).await?)
        })))
    }

    /// Calls an operation whose answer the service makes wait.
    async fn wait<R: Serialize>(
        &self,
        operation: &'static str,
        request: &R,
        asks_for: &'static [&'static str],
    ) -> Result<Bytes, ServiceError> {
        if let Some(plain) = &self.plain {
            let call = Call {
                operation,
                request,
                time: POLL,
                asks_for,
            };
            return plain.call(&call, &self.in_the_box).await;
        }
        let timeouts = TimeoutConfig::builder()
            .operation_attempt_timeout(POLL)
            .disable_operation_timeout()
            .disable_read_timeout();
        let timeouts = timeouts.build();
        let body = call::call(&self.client, operation, request, timeouts, &self.in_the_box);
        body.await.map(Bytes::from)
    }

    async fn call<R: Serialize>(
        &self,
        operation: &'static str,
        request: &R,
    ) -> Result<Bytes, ServiceError> {
        if let Some(plain) = &self.plain {
            let call = Call {
                operation,
                request,
                time: ATTEMPT,
                asks_for: &[],
            };
            return plain.call(&call, &self.in_the_box).await;
        }
        let own = self.client.config().timeout_config();
        let attempt = own.and_then(TimeoutConfig::operation_attempt_timeout);
        let timeouts = TimeoutConfig::builder()
            .operation_attempt_timeout(attempt.unwrap_or(ATTEMPT))
            .build();
        let body = call::call(&self.client, operation, request, timeouts, &self.in_the_box);
        body.await.map(Bytes::from)
    }
}

macro_rules! service {
    ($( $(#[$doc:meta])* $kind:ident $method:ident($request:ident) -> $answer:ty; )*) => {
        impl SwfService for AwsSwf {
            fn takes_tasks_back(&self) -> bool {
                self.in_the_box.load(Ordering::Relaxed)
            }

            fn polls_with_answers(&self) -> bool {
                self.plain.is_some() && self.in_the_box.load(Ordering::Relaxed)
            }

            async fn poll_for_decision_task_early(
                &self,
                request: PollForDecisionTask,
            ) -> Result<Option<DecisionTask>, ServiceError> {
                answer::task(&self.wait("PollForDecisionTask", &request, &[EARLY_TASKS]).await?)
            }

            async fn respond_decision_task_completed_then_poll(
                &self,
                answer: RespondDecisionTaskCompleted,
                poll: PollForDecisionTask,
            ) -> Result<Option<NextTask<DecisionTask>>, ServiceError> {
                let operation = "RespondDecisionTaskCompleted";
                self.answer_then_poll(operation, &answer, &poll, &[THEN_POLL, EARLY_TASKS]).await
            }

            async fn respond_activity_task_completed_then_poll(
                &self,
                answer: RespondActivityTaskCompleted,
                poll: PollForActivityTask,
            ) -> Result<Option<NextTask<ActivityTask>>, ServiceError> {
                let operation = "RespondActivityTaskCompleted";
                self.answer_then_poll(operation, &answer, &poll, &[THEN_POLL]).await
            }

            async fn get_workflow_execution_history_when_closed(
                &self,
                request: GetWorkflowExecutionHistory,
            ) -> Result<History, ServiceError> {
                if self.plain.is_none() {
                    return self.get_workflow_execution_history(request).await;
                }
                let operation = "GetWorkflowExecutionHistory";
                answer::output(&self.wait(operation, &request, &[WHEN_CLOSED]).await?)
            }

            $(
                async fn $method(&self, request: $request) -> Result<$answer, ServiceError> {
                    self.$kind(stringify!($request), &request).await
                }
            )*
        }
    };
}

for_each_operation!(service);
