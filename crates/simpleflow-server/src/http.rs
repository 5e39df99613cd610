//! The HTTP front: connections, their limits, and what each request is answered.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use aws_sigv4::http_request::SignableBody;
use futures_util::{FutureExt as _, stream};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::header::{CONNECTION, CONTENT_TYPE, HeaderValue, USER_AGENT};
use hyper::http::request::Parts;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request as HttpRequest, Response as HttpResponse, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use simpleflow_model::limits;
use simpleflow_service::{EARLY_TASKS, THEN_POLL, WHEN_CLOSED};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};

use crate::access::{self, Credentials, Protocol};
use crate::ask::{Waiting, ask, ask_then_poll, ask_when_closed};
use crate::connection::{Connection, Peer};
use crate::core::{Asker, Core};
use crate::host;
use crate::metrics::Metrics;
use crate::objects::{EmbeddedObjects, wire as objects};
use crate::operation::{Answer, Request};
use crate::wire::{self, Dialect, Error};

/// How much the front bears with.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How long the headers of a request may take, and a connection may be idle.
    pub headers: Duration,
    /// How long the body of a request may take.
    pub body: Duration,
    /// How long a client may take nothing of an answer, or not be heard of at all.
    pub silence: Duration,
    /// How many connections there may be; who comes then waits to be accepted.
    pub connections: usize,
    /// How long a graceful stop waits for requests that are under way.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            headers: Duration::from_secs(75),
            body: Duration::from_secs(20),
            silence: Duration::from_secs(30),
            connections: 10_000,
            grace: Duration::from_secs(15),
        }
    }
}

/// How long the word that an answer is taken waits for the task that its poll brings. Nobody waits for
/// the word alone, and both are sent and read at once then.
const SOON: Duration = Duration::from_millis(2);

/// The body of an answer that is there as a whole.
pub(crate) type Body = Full<Bytes>;

/// The body of any answer.
type AnyBody = UnsyncBoxBody<Bytes, Infallible>;

/// The answer to a request for an operation.
struct Answered {
    body: Vec<u8>,
    /// The poll that is under way after it, and its operation.
    poll: Option<(&'static str, Waiting)>,
}

/// What every connection shares.
pub(crate) struct Front {
    pub core: Arc<Core>,
    pub metrics: Arc<Metrics>,
    pub objects: EmbeddedObjects,
    pub room: objects::Room,
    pub credentials: Option<Credentials>,
    pub limits: Limits,
}

/// Serves connections until it is told to stop, and then until the requests under way are
/// answered.
pub(crate) async fn serve(
    front: Arc<Front>,
    listener: TcpListener,
    mut stop: watch::Receiver<bool>,
) {
    let limits = front.limits;
    let connections = Arc::new(Semaphore::new(limits.connections));
    let graceful = GracefulShutdown::new();
    // Nothing is ever sent: its end is that of all connections.
    let (last, end) = watch::channel(());
    loop {
        let accept = async {
            let place = Arc::clone(&connections).acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            accepted = accept => accepted,
            // Whoever could tell to stop is gone: so it ends too.
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                // No more files, or a connection that ended at once. The next may do.
                tracing::warn!(%error, "a connection cannot be accepted");
                tokio::time::sleep(Duration::from_millis(10)).await;
                continue;
            }
        };
        if let Err(error) = set_options(&stream, limits.silence) {
            tracing::debug!(%error, "a connection without its options");
        }
        let stream = Connection::new(stream);
        let front = Arc::clone(&front);
        let service = {
            let (front, peer) = (Arc::clone(&front), stream.peer());
            service_fn(move |request| {
                let (front, peer) = (Arc::clone(&front), peer.clone());
                async move { Ok::<_, Infallible>(front.answer(request, peer).await) }
            })
        };
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.headers)
            .serve_connection(TokioIo::new(stream), service);
        let connection = graceful.watch(connection);
        front.metrics.connected();
        let mut end = end.clone();
        tokio::spawn(async move {
            let ended = tokio::select! {
                ended = connection => ended,
                _ = end.changed() => Ok(()),
            };
            if let Err(error) = ended {
                tracing::debug!(%error, "a connection ended");
            }
            front.metrics.disconnected();
            drop(place);
        });
    }
    drop(listener);
    front.core.drain();
    if tokio::time::timeout(limits.grace, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("some requests are not answered yet: their connections are closed");
    }
    drop(last);
}

/// Answers are small and somebody waits for them; who does not take them, or is no longer there,
/// is let go.
fn set_options(stream: &TcpStream, silence: Duration) -> std::io::Result<()> {
    let socket = socket2::SockRef::from(stream);
    socket.set_tcp_nodelay(true)?;
    let keepalive = socket2::TcpKeepalive::new().with_time(silence);
    socket.set_tcp_keepalive(&keepalive)?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(silence))?;
    Ok(())
}

impl Front {
    async fn answer(
        self: Arc<Self>,
        request: HttpRequest<Incoming>,
        peer: Peer,
    ) -> HttpResponse<AnyBody> {
        let response = if self.credentials.is_none()
            && let Some(host) = host::foreign(&request)
        {
            tracing::info!(host, "refused: meant for another host");
            text(
                StatusCode::MISDIRECTED_REQUEST,
                format!(
                    "this server is not {host}: without credentials it answers to localhost, \
                     127.0.0.1 and [::1] only\n"
                ),
            )
        } else {
            match (request.method(), request.uri().path()) {
                (&Method::POST, "/") => return self.operation(request, peer).await,
                (&Method::GET, "/healthz") => self.health(),
                (&Method::GET, "/metrics") => self.metrics(request, &peer),
                (_, path) if objects::is_for(path) => objects::answer(&self, request).await,
                _ => text(StatusCode::NOT_FOUND, "not found\n"),
            }
        };
        response.map(BodyExt::boxed_unsync)
    }

    async fn operation(
        self: Arc<Self>,
        request: HttpRequest<Incoming>,
        peer: Peer,
    ) -> HttpResponse<AnyBody> {
        let request_id = uuid::Uuid::new_v4().to_string();
        let (parts, body) = request.into_parts();
        let target = wire::target(&parts.headers);
        let dialect = target.map_or(Dialect::Json10, |(dialect, _)| dialect);
        let operation = target.map_or("", |(_, operation)| operation);
        let (began, answer) = match read(body, self.limits.body).await {
            Ok(body) => {
                let began = Instant::now();
                (began, self.carry_out(&parts, operation, &body, peer).await)
            }
            Err(error) => (Instant::now(), Err(error)),
        };
        self.note(&request_id, operation, began, answer.as_ref().err());
        let (answer, poll) = match answer {
            Ok(Answered { body, poll }) => (Ok(body), poll),
            Err(error) => (Err(error), None),
        };
        let mut response = wire::response(dialect, &request_id, answer);
        close_if_may_fork(&parts, &mut response);
        let Some((operation, poll)) = poll else {
            return response.map(BodyExt::boxed_unsync);
        };
        let yes = HeaderValue::from_static("true");
        response.headers_mut().insert(THEN_POLL, yes);
        let mut polled =
            Box::pin(async move { self.answer_poll(&request_id, operation, poll).await });
        let body = match tokio::time::timeout(SOON, &mut polled).await {
            Ok(body) => Full::new(body).boxed_unsync(),
            Err(_) => {
                let body = polled.map(|body| Ok(Frame::data(body)));
                StreamBody::new(stream::once(body)).boxed_unsync()
            }
        };
        // The answers to tasks have no body of their own.
        response.map(|_| body)
    }

    async fn carry_out(
        &self,
        parts: &Parts,
        operation: &str,
        body: &[u8],
        peer: Peer,
    ) -> Result<Answered, Error> {
        if let Some(credentials) = &self.credentials {
            let body = SignableBody::Bytes(body);
            access::verify(credentials, Protocol::Swf, parts, body, SystemTime::now())?;
        }
        let region = access::region(&parts.headers)?;
        let request = Request::parse(operation, body)?;
        let asks_for = |name| parts.headers.contains_key(name);
        let poll = match asks_for(THEN_POLL) {
            true => Request::parse_poll_after(operation, body)?,
            false => None,
        };
        let asker = match asks_for(EARLY_TASKS) && peer.is_local() {
            true => Asker::Decider(peer),
            false => Asker::Remote(peer),
        };
        let (answer, poll) = match (request, poll) {
            (request, Some(poll)) => {
                let operation = poll.name();
                let asked = ask_then_poll(&self.core, region, request, poll, asker).await;
                let (answer, waiting) = asked?;
                (answer, Some((operation, waiting)))
            }
            (Request::GetWorkflowExecutionHistory(request), None) if asks_for(WHEN_CLOSED) => {
                let asked = ask_when_closed(&self.core, region, request, asker).await;
                (asked?, None)
            }
            (request, None) => (ask(&self.core, region, request, asker).await?, None),
        };
        let body = written(operation, &answer)?;
        Ok(Answered { body, poll })
    }

    /// The answer of a poll that is under way. Of one that fails nothing is told: who polls again
    /// learns why.
    async fn answer_poll(&self, request_id: &str, operation: &str, poll: Waiting) -> Bytes {
        let began = Instant::now();
        let answer = poll.answer().await.map_err(Error::from);
        let body = answer.and_then(|answer| written(operation, &answer));
        self.note(request_id, operation, began, body.as_ref().err());
        body.unwrap_or_default().into()
    }

    /// Notes what a request was answered, in the metrics and in the log.
    fn note(&self, request_id: &str, operation: &str, began: Instant, error: Option<&Error>) {
        let took = began.elapsed();
        if let Ok(index) = Request::NAMES.binary_search(&operation) {
            let operation = Request::NAMES.get(index).copied().unwrap_or_default();
            let error = error.map(|error| error.name);
            self.metrics.answered(operation, error, took);
        }
        let error = error.map(|error| (error.status, error.name));
        log_answer(request_id, operation, took, error);
    }

    fn health(&self) -> HttpResponse<Body> {
        if self.core.is_serving() {
            text(StatusCode::OK, "ok\n")
        } else {
            text(
                StatusCode::SERVICE_UNAVAILABLE,
                "the store cannot be used\n",
            )
        }
    }

    /// They name domains and task lists. So with credentials they are for this machine, whose
    /// programs that collect metrics seldom sign, and for who has a key.
    fn metrics(&self, request: HttpRequest<Incoming>, peer: &Peer) -> HttpResponse<Body> {
        if let Some(credentials) = &self.credentials
            && !peer.is_local()
        {
            let (parts, _) = request.into_parts();
            let (body, now) = (SignableBody::Bytes(&[]), SystemTime::now());
            if let Err(problem) = access::verify(credentials, Protocol::Page, &parts, body, now) {
                tracing::info!(%problem, "refused: the metrics");
                return text(
                    StatusCode::FORBIDDEN,
                    format!(
                        "the metrics are for programs on the server's machine, by way of localhost, \
                         and for requests that are signed with its credentials (SigV4, service \
                         swf): {problem}\n"
                    ),
                );
            }
        }
        match self.metrics.text(&self.core.snapshot()) {
            Ok(metrics) => text(StatusCode::OK, metrics),
            Err(error) => {
                tracing::error!(%error, "the metrics cannot be written");
                text(StatusCode::INTERNAL_SERVER_ERROR, "")
            }
        }
    }
}

/// Reads a body of a size that the service accepts.
async fn read(body: Incoming, time: Duration) -> Result<Bytes, Error> {
    let body = Limited::new(body, limits::REQUEST_BYTES);
    match tokio::time::timeout(time, body.collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Error::too_large()),
        Ok(Err(error)) => Err(Error::malformed(error.to_string())),
        Err(_) => Err(Error::too_slow()),
    }
}

/// The answer to an operation as JSON.
fn written(operation: &str, answer: &Answer) -> Result<Vec<u8>, Error> {
    answer.to_json().map_err(|error| {
        tracing::error!(%error, operation, "an answer cannot be written");
        Error::internal()
    })
}

/// Logs what a request was answered, with the error if it was one.
pub(crate) fn log_answer(
    request_id: &str,
    operation: &str,
    took: Duration,
    error: Option<(StatusCode, &str)>,
) {
    match error {
        None => tracing::debug!(%request_id, operation, ?took, "answered"),
        Some((status, error)) if status.is_server_error() => {
            tracing::error!(%request_id, operation, ?took, error, "failed");
        }
        Some((_, error)) => tracing::info!(%request_id, operation, ?took, error, "refused"),
    }
}

/// Has a connection end with this answer if the client may be one of several processes on it.
pub(crate) fn close_if_may_fork(parts: &Parts, response: &mut HttpResponse<Body>) {
    if may_fork(parts) {
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(CONNECTION, close);
    }
}

/// Whether the client may be one of several processes on this connection.
///
/// Programs on botocore fork, the Python original among them, and the pool of connections does not
/// notice: parent and child then write to one socket, and the answers go to whoever reads first. On
/// a connection that ends with each answer there is nothing to share.
fn may_fork(parts: &Parts) -> bool {
    let agent = parts
        .headers
        .get(USER_AGENT)
        .and_then(|agent| agent.to_str().ok());
    agent.is_some_and(|agent| agent.contains("Botocore/") || agent.contains("botocore/"))
}

fn text(status: StatusCode, body: impl Into<Bytes>) -> HttpResponse<Body> {
    let mut response = HttpResponse::new(Full::new(body.into()));
    *response.status_mut() = status;
    let plain = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, plain);
    response
}
