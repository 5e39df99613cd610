//! One path for all operations.
//!
//! The SDK has a type of its own for each shape, and none of them has a serde form. Instead of
//! converting them, every operation is carried by one of the client's, the smallest: its request is
//! replaced before it is signed, and the answer is read beside it. Endpoint, signing, retries,
//! time limits and connections are the SDK's all the same, and so are the errors, which it reads by
//! their code. In the traces of the SDK each call is a `DeprecateDomain`.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_swf::Client;
use aws_sdk_swf::config::interceptors::{
    AfterDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextMut,
};
use aws_sdk_swf::config::timeout::TimeoutConfig;
use aws_sdk_swf::config::{Config, ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_swf::error::BoxError;
use serde::Serialize;
use simpleflow_service::{SERVER_NAME, ServiceError};

use crate::error;

/// Calls an operation: its request as JSON, and the body of the answer. That the server in the box
/// answered is noted.
pub(crate) async fn call<R: Serialize>(
    client: &Client,
    operation: &'static str,
    request: &R,
    timeouts: TimeoutConfig,
    in_the_box: &Arc<AtomicBool>,
) -> Result<Vec<u8>, ServiceError> {
    let carried = Carried(Arc::new(Call {
        operation,
        request: serde_json::to_vec(request).map_err(error::unwritable)?,
        answer: Mutex::default(),
        in_the_box: Arc::clone(in_the_box),
    }));
    client
        .deprecate_domain()
        .name("carrier")
        .customize()
        .config_override(Config::builder().timeout_config(timeouts))
        .interceptor(carried.clone())
        .send()
        .await
        .map_err(error::service_error)?;
    Ok(carried.0.take_answer())
}

#[derive(Debug)]
struct Call {
    operation: &'static str,
    request: Vec<u8>,
    answer: Mutex<Vec<u8>>,
    in_the_box: Arc<AtomicBool>,
}

impl Call {
    fn set_answer(&self, answer: Vec<u8>) {
        *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = answer;
    }

    fn take_answer(&self) -> Vec<u8> {
        std::mem::take(&mut self.answer.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What is put in the place of the carrier's request and answer.
#[derive(Clone, Debug)]
struct Carried(Arc<Call>);

impl Intercept for Carried {
    fn name(&self) -> &'static str {
        "Carried"
    }

    fn modify_before_retry_loop(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Call {
            operation, request, ..
        } = &*self.0;
        let carrier = context.request_mut();
        let headers = carrier.headers_mut();
        headers.insert("x-amz-target", format!("SimpleWorkflowService.{operation}"));
        headers.insert("content-length", request.len().to_string());
        *carrier.body_mut() = request.clone().into();
        Ok(())
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response();
        let in_the_box = response.headers().get("server") == Some(SERVER_NAME);
        self.0.in_the_box.store(in_the_box, Ordering::Relaxed);
        let body = response.body().bytes();
        self.0.set_answer(body.unwrap_or_default().to_vec());
        Ok(())
    }
}
