//! Calls to a server on this machine, over plain HTTP.
//!
//! What the SDK does for each call costs several times what such a server needs to answer it. Here
//! are only the parts that matter for it: connections that are kept, the signature, time limits,
//! and the attempts after the first.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sdk_swf::config::retry::RetryConfig;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use backon::{ExponentialBuilder, Retryable as _};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HOST, HeaderMap, HeaderValue, SERVER};
use hyper::{Method, Request, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde::Serialize;
use simpleflow_service::{SERVER_NAME, ServiceError, THEN_POLL};

use crate::error;

/// How long a connection may take to come about, as with the SDK.
const CONNECT: Duration = Duration::from_millis(3_100);

/// How long a connection is kept without use: less than servers do.
const IDLE: Duration = Duration::from_secs(20);

/// A server on this machine. A handle: clones use the same connections.
#[derive(Clone, Debug)]
pub(crate) struct PlainServer {
    http: Client<HttpConnector, Full<Bytes>>,
    uri: Uri,
    host: HeaderValue,
    signer: Option<Signer>,
    retries: RetryConfig,
}

/// A call of an operation.
#[derive(Clone, Debug)]
pub(crate) struct Call<'a, R> {
    pub operation: &'static str,
    pub request: &'a R,
    /// How long an attempt may take.
    pub time: Duration,
    /// The headers that ask the server in the box for what SWF does not have.
    pub asks_for: &'static [&'static str],
}

/// Who calls, and in which region.
#[derive(Clone, Debug)]
pub(crate) struct Signer {
    pub region: String,
    pub credentials: Credentials,
}

impl PlainServer {
    /// The server of an endpoint, if that is one of plain HTTP.
    pub(crate) fn new(
        endpoint: &str,
        signer: Option<Signer>,
        retries: RetryConfig,
    ) -> Option<Self> {
        let uri: Uri = endpoint.parse().ok()?;
        let host = HeaderValue::from_str(uri.authority()?.as_str()).ok()?;
        if uri.scheme_str() != Some("http") {
            return None;
        }
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT));
        let http = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .build(connector);
        Some(Self {
            http,
            uri,
            host,
            signer,
            retries,
        })
    }

    /// Calls an operation: its request as JSON, and the body of the answer. That the server in the
    /// box answered is noted.
    pub(crate) async fn call<R: Serialize>(
        &self,
        call: &Call<'_, R>,
        in_the_box: &AtomicBool,
    ) -> Result<Bytes, ServiceError> {
        let answer = |request| async move {
            let (_, body) = self.send(request, in_the_box).await?;
            collect(body).await
        };
        self.attempt(call, answer).await
    }

    /// The same, but the body is yet to come. There is none unless the server knows that it was
    /// asked to poll.
    pub(crate) async fn call_then_poll<R: Serialize>(
        &self,
        call: &Call<'_, R>,
        in_the_box: &AtomicBool,
    ) -> Result<Option<Incoming>, ServiceError> {
        let answer = |request| async move {
            let (headers, body) = self.send(request, in_the_box).await?;
            Ok(headers.contains_key(THEN_POLL).then_some(body))
        };
        self.attempt(call, answer).await
    }

    /// Attempts a call as often as the settings say.
    async fn attempt<R: Serialize, T, F>(
        &self,
        call: &Call<'_, R>,
        answer: impl Fn(Request<Full<Bytes>>) -> F,
    ) -> Result<T, ServiceError>
    where
        F: Future<Output = Result<T, ServiceError>>,
    {
        let body = serde_json::to_vec(call.request).map_err(error::unwritable)?;
        let body = Bytes::from(body);
        let pauses = ExponentialBuilder::default()
            .with_min_delay(self.retries.initial_backoff())
            .with_max_delay(self.retries.max_backoff())
            .with_jitter()
            .with_max_times(self.retries.max_attempts().saturating_sub(1) as usize);
        let attempt = || async {
            let request = self.request(call, body.clone())?;
            within(call.time, answer(request)).await
        };
        attempt
            .retry(pauses)
            .sleep(tokio::time::sleep)
            .when(ServiceError::is_retryable)
            .await
    }

    /// Sends a request, and gives the head of its answer, and the body that follows.
    async fn send(
        &self,
        request: Request<Full<Bytes>>,
        in_the_box: &AtomicBool,
    ) -> Result<(HeaderMap, Incoming), ServiceError> {
        let answer = self.http.request(request).await;
        let (head, body) = answer
            .map_err(|error| ServiceError::Connection(error::causes(&error)))?
            .into_parts();
        let is_ours = head
            .headers
            .get(SERVER)
            .is_some_and(|name| name == SERVER_NAME);
        in_the_box.store(is_ours, Ordering::Relaxed);
        if head.status.is_success() {
            return Ok((head.headers, body));
        }
        let body = collect(body).await?;
        Err(error::refusal(head.status.as_u16(), &head.headers, &body))
    }

    fn request<R>(
        &self,
        call: &Call<'_, R>,
        body: Bytes,
    ) -> Result<Request<Full<Bytes>>, ServiceError> {
        let unwritable = |error: &dyn std::fmt::Display| ServiceError::Config(error.to_string());
        let target = format!("SimpleWorkflowService.{}", call.operation);
        let target = HeaderValue::from_str(&target).map_err(|error| unwritable(&error))?;
        let mut headers = HeaderMap::with_capacity(8);
        headers.insert(HOST, self.host.clone());
        let content_type = HeaderValue::from_static("application/x-amz-json-1.0");
        headers.insert(CONTENT_TYPE, content_type);
        headers.insert("x-amz-target", target);
        for name in call.asks_for {
            headers.insert(*name, HeaderValue::from_static("true"));
        }
        let mut request = Request::new(Full::new(body.clone()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = headers;
        if let Some(signer) = &self.signer {
            let signed = signer.sign(&mut request, &body);
            signed.map_err(|error| unwritable(&error))?;
        }
        Ok(request)
    }
}

/// Reads what is left of an answer.
pub(crate) async fn collect(body: Incoming) -> Result<Bytes, ServiceError> {
    let body = body.collect().await;
    let body = body.map_err(|error| ServiceError::Connection(error.to_string()))?;
    Ok(body.to_bytes())
}

/// Waits for an answer no longer than for a time.
pub(crate) async fn within<T>(
    time: Duration,
    answer: impl Future<Output = Result<T, ServiceError>>,
) -> Result<T, ServiceError> {
    let late = |_| ServiceError::Connection(format!("no answer within {time:?}"));
    tokio::time::timeout(time, answer).await.map_err(late)?
}

impl Signer {
    fn sign(
        &self,
        request: &mut Request<Full<Bytes>>,
        body: &[u8],
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let identity = self.credentials.clone().into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name("swf")
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()?
            .into();
        let mut headers = Vec::with_capacity(4);
        for (name, value) in request.headers() {
            headers.push((name.as_str(), value.to_str()?));
        }
        let signable = SignableRequest::new(
            request.method().as_str(),
            request.uri().to_string(),
            headers.into_iter(),
            SignableBody::Bytes(body),
        )?;
        let (instructions, _) = sign(signable, &parameters)?.into_parts();
        instructions.apply_to_request_http1x(request);
        Ok(())
    }
}
