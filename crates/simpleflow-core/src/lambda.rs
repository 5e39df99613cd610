//! Lambda functions: how a workflow calls one.

use std::marker::PhantomData;

use crate::retry::RetryPolicy;
use serde::Serialize;
use simpleflow_model::{SmolStr, Timeout};

/// A call of an AWS Lambda function, to be given to [`Flow::submit`](crate::Flow::submit). The
/// service itself calls it, with the `lambda_role` of the workflow; its result is read as a `T`.
///
/// A failure of the function is [`Failed`](crate::TaskErrorKind::Failed), a time limit that ran out
/// [`TimedOut`](crate::TaskErrorKind::TimedOut). Without a role, or with one that the service cannot
/// assume, it is [`NotStarted`](crate::TaskErrorKind::NotStarted). Where the service has no Lambda
/// functions, as the server in the box and `standalone` without a domain, it is
/// [`Refused`](crate::TaskErrorKind::Refused). One that was scheduled cannot be cancelled.
///
/// In local runs and tests, and only there, a closure stands in for it: see
/// [`Registry::lambda_function`](crate::Registry::lambda_function).
///
/// ```
/// # use simpleflow_core::{Flow, Lambda, Result};
/// # async fn example(flow: Flow) -> Result<f64> {
/// let price = Lambda::<f64>::new("price").input(("tea", 3));
/// Ok(flow.submit(price.start_to_close_timeout(60)).await?)
/// # }
/// ```
#[must_use = "a call does nothing until it is given to `flow.submit`"]
pub struct Lambda<T> {
    pub(crate) name: SmolStr,
    pub(crate) settings: LambdaSettings,
    output: PhantomData<fn() -> T>,
}

#[derive(Default)]
pub(crate) struct LambdaSettings {
    pub(crate) id: Option<SmolStr>,
    pub(crate) input: Option<Result<SmolStr, serde_json::Error>>,
    pub(crate) start_to_close_timeout: Option<Timeout>,
    pub(crate) retry: RetryPolicy,
}

impl<T> Lambda<T> {
    /// A call of the function with this name (1 to 64 characters), without input.
    pub fn new(name: impl Into<SmolStr>) -> Self {
        Self {
            name: name.into(),
            settings: LambdaSettings::default(),
            output: PhantomData,
        }
    }

    /// The input, as JSON of at most 32,768 characters; a [`Raw`](crate::Raw) is the text itself.
    pub fn input<I: Serialize>(mut self, input: I) -> Self {
        self.settings.input = Some(crate::raw::to_text(&input));
        self
    }

    /// How long it may run, in seconds: 1 to 900. The default is the service's, 900.
    pub fn start_to_close_timeout(mut self, timeout: impl Into<Timeout>) -> Self {
        self.settings.start_to_close_timeout = Some(timeout.into());
        self
    }

    /// How many times it is called again after a failure or a timeout.
    pub fn retry(mut self, retry: impl Into<RetryPolicy>) -> Self {
        self.settings.retry = retry.into();
        self
    }

    /// An id of one's own (1 to 256 characters), in place of `lambda-NAME-NUMBER`. A second submit
    /// with the same id is the same task.
    pub fn id(mut self, id: impl Into<SmolStr>) -> Self {
        self.settings.id = Some(id.into());
        self
    }
}
