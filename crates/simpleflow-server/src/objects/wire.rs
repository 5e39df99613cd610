//! The objects over HTTP: the part of S3's protocol that it takes to have one bucket, so that any
//! client of S3 can use it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use aws_sigv4::http_request::SignableBody;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderMap, HeaderName,
    HeaderValue, IF_MATCH, RANGE, SERVER,
};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use simpleflow_objects::{ObjectInfo, ObjectStore as _, Place, Problem, check_key};
use simpleflow_service::SERVER_NAME;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::OBJECT_BYTES;
use crate::access::{self, Protocol};
use crate::http::{Body, Front, close_if_may_fork};

/// How long the body of a request may take.
const BODY: Duration = Duration::from_secs(5 * 60);

/// How many bytes of values may be on their way at once, in requests and answers, in KiB: beyond that a
/// request waits, for as long as a body may take.
const ON_THEIR_WAY: usize = 512 << 10;

/// How many objects a page of a listing has at most, as with S3.
const PAGE: usize = 1_000;

const CONTENT_SHA256: &str = "x-amz-content-sha256";

/// Room for the values that are on their way: clients that are slow, or many, must not fill the memory.
#[derive(Clone, Debug)]
pub(crate) struct Room(Arc<Semaphore>);

impl Room {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(ON_THEIR_WAY)))
    }

    /// Waits for room for a value.
    async fn take(&self, bytes: u64) -> Result<Taken, Refusal> {
        let kib = u32::try_from(bytes.min(OBJECT_BYTES).div_ceil(1 << 10)).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.0).acquire_many_owned(kib);
        match tokio::time::timeout(BODY, room).await {
            Ok(Ok(_room)) => Ok(Taken { _room }),
            _ => Err(Refusal::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "SlowDown",
                "Too many values are on their way: please try again later",
            )),
        }
    }
}

/// Room that is taken.
struct Taken {
    _room: OwnedSemaphorePermit,
}

impl Taken {
    /// The value, which has the room for as long as anybody has it.
    fn with(self, value: Bytes) -> Bytes {
        struct Held {
            value: Bytes,
            _room: Taken,
        }
        impl AsRef<[u8]> for Held {
            fn as_ref(&self) -> &[u8] {
                &self.value
            }
        }
        Bytes::from_owner(Held { value, _room: self })
    }
}

/// What is asked.
enum Operation {
    Get(String),
    Head(String),
    Put(String),
    Delete(String),
    List,
    HeadBucket,
    Location,
}

impl Operation {
    /// Its name in the metrics.
    fn name(&self) -> &'static str {
        match self {
            Self::Get(_) => "GetObject",
            Self::Head(_) => "HeadObject",
            Self::Put(_) => "PutObject",
            Self::Delete(_) => "DeleteObject",
            Self::List => "ListObjects",
            Self::HeadBucket => "HeadBucket",
            Self::Location => "GetBucketLocation",
        }
    }
}

/// Why a request is refused.
struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl Refusal {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
        }
    }

    fn not_implemented(what: &str) -> Self {
        let message = format!(
            "{what} is not implemented: this server has GetObject, HeadObject, PutObject, \
             DeleteObject and ListObjects, in the bucket {}",
            Place::SERVER_BUCKET
        );
        Self::new(StatusCode::NOT_IMPLEMENTED, "NotImplemented", message)
    }

    fn too_large() -> Self {
        let message = format!("An object may have at most {OBJECT_BYTES} bytes");
        Self::new(StatusCode::BAD_REQUEST, "EntityTooLarge", message)
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        let message = problem.to_string();
        match problem {
            Problem::NotFound => Self::new(
                StatusCode::NOT_FOUND,
                "NoSuchKey",
                "The specified key does not exist.",
            ),
            Problem::Key(_) => Self::new(StatusCode::BAD_REQUEST, "InvalidURI", message),
            Problem::TooLarge { .. } => Self::too_large(),
            Problem::Unavailable(_) => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "ServiceUnavailable",
                message,
            ),
            _ => Self::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", message),
        }
    }
}

impl From<crate::wire::Error> for Refusal {
    fn from(error: crate::wire::Error) -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            error.name,
            error.message.unwrap_or_default(),
        )
    }
}

/// Whether a path is one of objects.
pub(crate) fn is_for(path: &str) -> bool {
    key_of(path).is_some()
}

/// The key of a path, escaped as it came; empty for the bucket.
fn key_of(path: &str) -> Option<&str> {
    let rest = path.strip_prefix('/')?.strip_prefix(Place::SERVER_BUCKET)?;
    match rest {
        "" => Some(""),
        rest => rest.strip_prefix('/'),
    }
}

/// Answers a request about objects.
pub(crate) async fn answer(front: &Front, request: Request<Incoming>) -> Response<Body> {
    let began = Instant::now();
    let (parts, body) = request.into_parts();
    let query = query(&parts);
    let operation = operation(&parts, &query);
    let name = operation.as_ref().map_or("", Operation::name);
    let answer = match operation {
        Ok(operation) => carry_out(front, &parts, &query, operation, body).await,
        Err(refusal) => Err(refusal),
    };
    let took = began.elapsed();
    let error = answer.as_ref().err().map(|refusal| refusal.code);
    if !name.is_empty() {
        front.metrics.answered(name, error, took);
    }
    tracing::debug!(operation = name, ?took, error, "answered");
    let mut response = answer.unwrap_or_else(|refusal| {
        let (code, message) = (refusal.code, escape(&refusal.message));
        xml(
            refusal.status,
            &format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>"),
        )
    });
    set(&mut response, SERVER, SERVER_NAME);
    close_if_may_fork(&parts, &mut response);
    response
}

/// The members of a query.
fn query(parts: &Parts) -> BTreeMap<String, String> {
    let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let members = parts.uri.query().unwrap_or_default().split('&');
    members
        .filter(|member| !member.is_empty())
        .map(|member| match member.split_once('=') {
            Some((name, value)) => (decode(name), decode(value)),
            None => (decode(member), String::new()),
        })
        .collect()
}

/// What a request asks.
fn operation(parts: &Parts, query: &BTreeMap<String, String>) -> Result<Operation, Refusal> {
    let known = [
        "x-id",
        "list-type",
        "prefix",
        "max-keys",
        "continuation-token",
        "start-after",
        "marker",
        "encoding-type",
        "fetch-owner",
        "delimiter",
        "location",
    ];
    if let Some(other) = query.keys().find(|name| !known.contains(&name.as_str())) {
        return Err(Refusal::not_implemented(other));
    }
    if parts.headers.contains_key("x-amz-copy-source") {
        return Err(Refusal::not_implemented("CopyObject"));
    }
    let key = key_of(parts.uri.path()).unwrap_or_default();
    let key = percent_decode_str(key).decode_utf8().map_err(|_| {
        Refusal::new(
            StatusCode::BAD_REQUEST,
            "InvalidURI",
            "the key is not UTF-8",
        )
    })?;
    if key.is_empty() {
        return match parts.method {
            Method::GET if query.contains_key("location") => Ok(Operation::Location),
            Method::GET => Ok(Operation::List),
            Method::HEAD => Ok(Operation::HeadBucket),
            _ => Err(Refusal::not_implemented("to change a bucket")),
        };
    }
    check_key(&key)?;
    let key = key.into_owned();
    match parts.method {
        Method::GET => Ok(Operation::Get(key)),
        Method::HEAD => Ok(Operation::Head(key)),
        Method::PUT => Ok(Operation::Put(key)),
        Method::DELETE => Ok(Operation::Delete(key)),
        _ => Err(Refusal::not_implemented(parts.method.as_str())),
    }
}

async fn carry_out(
    front: &Front,
    parts: &Parts,
    query: &BTreeMap<String, String>,
    operation: Operation,
    body: Incoming,
) -> Result<Response<Body>, Refusal> {
    let hash = parts.headers.get(CONTENT_SHA256);
    let hash = hash.and_then(|hash| hash.to_str().ok()).unwrap_or_default();
    let encoding = parts.headers.get(CONTENT_ENCODING);
    if hash.starts_with("STREAMING-")
        || encoding.is_some_and(|encoding| encoding.as_bytes().starts_with(b"aws-chunked"))
    {
        return Err(Refusal::not_implemented("a body in signed chunks"));
    }
    // Who may not call is not read from: bodies are long.
    let verify = |body: SignableBody<'_>| match &front.credentials {
        Some(credentials) => {
            access::verify(credentials, Protocol::S3, parts, body, SystemTime::now())
        }
        None => Ok(()),
    };
    verify(SignableBody::Precomputed(hash.to_owned()))?;
    let objects = &front.objects;
    match operation {
        Operation::Put(key) => {
            let value = read(&front.room, &parts.headers, body).await?;
            if hash != "UNSIGNED-PAYLOAD" {
                verify(SignableBody::Bytes(&value))?;
            }
            objects.put(&key, value).await?;
            Ok(Response::new(Body::default()))
        }
        Operation::Get(key) => {
            let size = objects.size(&key).await?.ok_or(Problem::NotFound)?;
            let room = front.room.take(size).await?;
            let object = objects.object(&key).await?.ok_or(Problem::NotFound)?;
            let wanted = parts.headers.get(IF_MATCH);
            if wanted.is_some_and(|wanted| wanted.as_bytes() != object.etag.as_bytes()) {
                return Err(Refusal::new(
                    StatusCode::PRECONDITION_FAILED,
                    "PreconditionFailed",
                    "The object is another by now.",
                ));
            }
            let mut response = part(&parts.headers, &room.with(object.value))?;
            set(&mut response, ETAG, &object.etag);
            Ok(response)
        }
        Operation::Head(key) => {
            let size = objects.size(&key).await?.ok_or(Problem::NotFound)?;
            let mut response = Response::new(Body::default());
            let headers = response.headers_mut();
            headers.insert(CONTENT_LENGTH, HeaderValue::from(size));
            Ok(response)
        }
        Operation::Delete(key) => {
            objects.delete(&key).await?;
            let mut response = Response::new(Body::default());
            *response.status_mut() = StatusCode::NO_CONTENT;
            Ok(response)
        }
        Operation::List => list(front, query).await,
        Operation::HeadBucket => Ok(Response::new(Body::default())),
        // No region means the usual one.
        Operation::Location => Ok(xml(StatusCode::OK, "<LocationConstraint/>")),
    }
}

async fn read(room: &Room, headers: &HeaderMap, body: Incoming) -> Result<Bytes, Refusal> {
    let length = headers.get(CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > OBJECT_BYTES) {
        return Err(Refusal::too_large());
    }
    let room = room.take(length.unwrap_or(OBJECT_BYTES)).await?;
    let most = usize::try_from(OBJECT_BYTES).unwrap_or(usize::MAX);
    let bad = |code, message: &str| Refusal::new(StatusCode::BAD_REQUEST, code, message);
    match tokio::time::timeout(BODY, Limited::new(body, most).collect()).await {
        Ok(Ok(body)) => Ok(room.with(body.to_bytes())),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Refusal::too_large()),
        Ok(Err(error)) => Err(bad("IncompleteBody", &error.to_string())),
        Err(_) => Err(bad("RequestTimeout", "The body did not arrive in time")),
    }
}

/// The part of a value that is asked for.
fn part(headers: &HeaderMap, value: &Bytes) -> Result<Response<Body>, Refusal> {
    let Some(range) = headers.get(RANGE) else {
        return Ok(Response::new(Full::new(value.clone())));
    };
    let length = value.len();
    let wanted = || {
        let (from, to) = range
            .to_str()
            .ok()?
            .strip_prefix("bytes=")?
            .split_once('-')?;
        let (from, to) = match (from.parse::<usize>().ok(), to.parse::<usize>().ok()) {
            (Some(from), None) if to.is_empty() => (from, length),
            (Some(from), Some(last)) => (from, last.saturating_add(1).min(length)),
            (None, Some(last)) if from.is_empty() => (length.saturating_sub(last), length),
            _ => return None,
        };
        (from < to).then_some(from..to)
    };
    let Some(wanted) = wanted() else {
        return Err(Refusal::new(
            StatusCode::RANGE_NOT_SATISFIABLE,
            "InvalidRange",
            "The requested range is not satisfiable",
        ));
    };
    let shown = format!("bytes {}-{}/{length}", wanted.start, wanted.end - 1);
    let mut response = Response::new(Full::new(value.slice(wanted)));
    *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    set(&mut response, CONTENT_RANGE, &shown);
    Ok(response)
}

/// A page of a listing, in either version of the operation.
async fn list(front: &Front, query: &BTreeMap<String, String>) -> Result<Response<Body>, Refusal> {
    let member = |name: &str| query.get(name).map_or("", String::as_str);
    let most = match member("max-keys") {
        "" => PAGE,
        text => text.parse::<usize>().map_or(PAGE, |most| most.min(PAGE)),
    };
    let second = member("list-type") == "2";
    let after = match (second, member("continuation-token")) {
        (true, "") => member("start-after"),
        (true, token) => token,
        (false, _) => member("marker"),
    };
    let (prefix, delimiter) = (member("prefix"), member("delimiter"));
    let mut found = entries(front, prefix, delimiter, after, most + 1).await?;
    // Who asks for none has all of it.
    let is_truncated = found.len() > most && most > 0;
    found.truncate(most);
    let is_escaped = member("encoding-type") == "url";
    let text = |key: &str| match is_escaped {
        true => utf8_percent_encode(key, NON_ALPHANUMERIC).to_string(),
        false => escape(key),
    };
    let mut result = format!(
        "<ListBucketResult><Name>{}</Name><Prefix>{}</Prefix><MaxKeys>{most}</MaxKeys>\
         <KeyCount>{}</KeyCount><IsTruncated>{is_truncated}</IsTruncated>",
        Place::SERVER_BUCKET,
        text(prefix),
        found.len(),
    );
    // Writing to a text does not fail.
    if !delimiter.is_empty() {
        let _ = write!(result, "<Delimiter>{}</Delimiter>", text(delimiter));
    }
    if is_escaped {
        result.push_str("<EncodingType>url</EncodingType>");
    }
    if let Some(last) = found.last().filter(|_| is_truncated) {
        // A token is not escaped by the encoding type.
        let (name, next) = match second {
            true => ("NextContinuationToken", escape(last.key())),
            false => ("NextMarker", text(last.key())),
        };
        let _ = write!(result, "<{name}>{next}</{name}>");
    }
    for entry in &found {
        let key = text(entry.key());
        let _ = match entry {
            Entry::Object(ObjectInfo { size, .. }) => write!(
                result,
                "<Contents><Key>{key}</Key><Size>{size}</Size></Contents>"
            ),
            Entry::Level(_) => write!(
                result,
                "<CommonPrefixes><Prefix>{key}</Prefix></CommonPrefixes>"
            ),
        };
    }
    result.push_str("</ListBucketResult>");
    Ok(xml(StatusCode::OK, &result))
}

/// What a listing shows.
enum Entry {
    Object(ObjectInfo),
    /// What the keys of several objects begin with, up to the first delimiter.
    Level(String),
}

impl Entry {
    fn key(&self) -> &str {
        match self {
            Self::Object(object) => &object.key,
            Self::Level(level) => level,
        }
    }
}

/// At most so many entries of a listing that come after a key or a level.
async fn entries(
    front: &Front,
    prefix: &str,
    delimiter: &str,
    after: &str,
    most: usize,
) -> Result<Vec<Entry>, Refusal> {
    let level = |key: &str| {
        let rest = key.strip_prefix(prefix).filter(|_| !delimiter.is_empty())?;
        let end = rest.find(delimiter)? + delimiter.len();
        Some(format!("{prefix}{}", rest.get(..end)?))
    };
    let mut entries: Vec<Entry> = Vec::new();
    let mut after = after.to_owned();
    let mut passed = level(&after).filter(|level| *level == after);
    while entries.len() < most {
        let from = match &passed {
            // Hardly a key of the level comes after that.
            Some(level) => after.max(format!("{level}{}", char::MAX)),
            None => after,
        };
        let page = front.objects.page(prefix, &from, most).await?;
        let is_last = page.len() < most;
        after = page.last().map(|last| last.key.clone()).unwrap_or(from);
        for object in page {
            match level(&object.key) {
                level @ Some(_) if level == passed => {}
                Some(level) => {
                    passed = Some(level.clone());
                    entries.push(Entry::Level(level));
                }
                None => {
                    passed = None;
                    entries.push(Entry::Object(object));
                }
            }
        }
        if is_last {
            break;
        }
    }
    entries.truncate(most);
    Ok(entries)
}

fn xml(status: StatusCode, element: &str) -> Response<Body> {
    let text = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{element}");
    let mut response = Response::new(Full::new(text.into()));
    *response.status_mut() = status;
    set(&mut response, CONTENT_TYPE, "application/xml");
    response
}

/// Text as it stands in XML. Keys have no characters that cannot.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

fn set(response: &mut Response<Body>, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_value_has_its_room_until_it_is_gone() {
        let room = Room::new();
        let taken = room.take(OBJECT_BYTES).await.ok().unwrap();
        let small = room.take(1).await.ok().unwrap().with("small".into());
        let left = ON_THEIR_WAY - (OBJECT_BYTES >> 10) as usize - 1;
        assert_eq!(room.0.available_permits(), left);
        let value = taken.with("value".into());
        let part = value.slice(1..2);
        drop((small, value));
        assert_eq!(room.0.available_permits(), left + 1);
        drop(part);
        assert_eq!(room.0.available_permits(), ON_THEIR_WAY);
    }
}
