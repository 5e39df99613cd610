//! One connection to an SWF server: AWS JSON 1.0 over HTTP/1.1, kept alive where the server does.
//!
//! No SDK: what it does for each call would be measured with the server. The signature is of the
//! right form and signs nothing, which servers that listen on loopback accept.

use std::fmt;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use tokio::net::TcpStream;

const CREDENTIALS: &str = concat!(
    "AWS4-HMAC-SHA256 Credential=AKIDLOAD/20260101/us-east-1/swf/aws4_request, ",
    "SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature=",
    "0000000000000000000000000000000000000000000000000000000000000000"
);
const DATE: &str = "20260101T000000Z";

/// Why a call has no answer.
#[derive(Debug)]
pub enum Failure {
    /// The server refused it.
    Refused {
        /// The HTTP status.
        status: u16,
        /// The type of the fault, without its namespace.
        kind: String,
        /// The server's words.
        message: String,
    },
    /// There was no answer, or none that can be read.
    Broken(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused {
                status,
                kind,
                message,
            } => write!(f, "{status} {kind}: {message}"),
            Self::Broken(problem) => f.write_str(problem),
        }
    }
}

impl std::error::Error for Failure {}

fn broken(what: &str, error: impl fmt::Display) -> Failure {
    Failure::Broken(format!("{what}: {error}"))
}

/// One connection, opened at the first call and again when the server has closed it.
#[derive(Debug)]
pub struct Connection {
    /// `host:port`.
    authority: String,
    host: HeaderValue,
    open: Option<SendRequest<Full<Bytes>>>,
}

impl Connection {
    /// A connection that is yet to be opened.
    ///
    /// # Errors
    /// When the authority cannot be a header.
    pub fn new(authority: &str) -> Result<Self, Failure> {
        Ok(Self {
            authority: authority.to_owned(),
            host: HeaderValue::from_str(authority).map_err(|error| broken(authority, error))?,
            open: None,
        })
    }

    /// Calls an operation of SWF and gives its answer's body.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn call(
        &mut self,
        operation: &'static str,
        request: &impl Serialize,
    ) -> Result<Bytes, Failure> {
        let body = serde_json::to_vec(request).map_err(|error| broken(operation, error))?;
        let target = format!("SimpleWorkflowService.{operation}");
        self.post("/", &target, body.into()).await
    }

    /// Posts to a path.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn post(&mut self, path: &str, target: &str, body: Bytes) -> Result<Bytes, Failure> {
        loop {
            let (sender, reused) = self.sender().await?;
            let request = Request::post(path)
                .header(HOST, self.host.clone())
                .header(CONTENT_TYPE, "application/x-amz-json-1.0")
                .header("x-amz-target", target)
                .header("x-amz-date", DATE)
                .header(AUTHORIZATION, CREDENTIALS)
                .body(Full::new(body.clone()))
                .map_err(|error| broken("request", error))?;
            let mut sender = sender;
            match sender.send_request(request).await {
                Ok(response) => {
                    let status = response.status();
                    let body = response.into_body().collect().await;
                    let body = body.map_err(|error| broken("answer", error))?.to_bytes();
                    self.open = Some(sender);
                    if status.is_success() {
                        return Ok(body);
                    }
                    return Err(refusal(status.as_u16(), &body));
                }
                // It was closed between two calls, and nothing of this one was sent.
                Err(error) if reused && error.is_canceled() => {}
                Err(error) => return Err(broken(target, error)),
            }
        }
    }

    /// Takes the way to send, and says whether it has been used before.
    async fn sender(&mut self) -> Result<(SendRequest<Full<Bytes>>, bool), Failure> {
        if let Some(mut sender) = self.open.take()
            && sender.ready().await.is_ok()
        {
            return Ok((sender, true));
        }
        let stream = TcpStream::connect(&self.authority)
            .await
            .map_err(|error| broken(&self.authority, error))?;
        stream
            .set_nodelay(true)
            .map_err(|error| broken(&self.authority, error))?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| broken(&self.authority, error))?;
        // Its errors are those of the calls, which report them.
        tokio::spawn(connection);
        Ok((sender, false))
    }
}

fn refusal(status: u16, body: &[u8]) -> Failure {
    #[derive(Deserialize)]
    struct Fault {
        #[serde(rename = "__type")]
        kind: String,
        #[serde(default, alias = "Message")]
        message: Option<String>,
    }
    let fault = serde_json::from_slice::<Fault>(body).unwrap_or_else(|_| Fault {
        kind: "unreadable".to_owned(),
        message: Some(String::from_utf8_lossy(body).chars().take(200).collect()),
    });
    let kind = fault.kind.rsplit('#').next().unwrap_or_default().to_owned();
    Failure::Refused {
        status,
        kind,
        message: fault.message.unwrap_or_default(),
    }
}
