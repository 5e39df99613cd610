//! The objects over HTTP: the part of S3's protocol that it takes to have one bucket, so that any
//! client of S3 can use it.

mod chunks;
mod listing;
mod refusal;
mod room;
mod said;
mod value;

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime};

use aws_sigv4::http_request::SignableBody;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{
    CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue,
    IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_UNMODIFIED_SINCE, LAST_MODIFIED, RANGE, SERVER,
};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode};
use percent_encoding::percent_decode_str;
use simpleflow_objects::{Place, Problem, check_key};
use simpleflow_service::SERVER_NAME;

use super::{OBJECT_BYTES, Only, Write, Written};
use crate::access::{self, Protocol};
use crate::http::{Body, Front, close_if_may_fork, log_answer};
use crate::store::{Described, StoredObject};
use refusal::Refusal;
pub(crate) use room::Room;
use said::Said;

/// How long the body of a request may take.
const BODY: Duration = Duration::from_secs(5 * 60);

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amz-request-id");

/// What is asked.
enum Operation {
    Get(String),
    Head(String),
    Put(String, Only),
    Delete(String, Only),
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
            Self::Put(..) => "PutObject",
            Self::Delete(..) => "DeleteObject",
            Self::List => "ListObjects",
            Self::HeadBucket => "HeadBucket",
            Self::Location => "GetBucketLocation",
        }
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
    let request_id = uuid::Uuid::new_v4().to_string();
    let (parts, body) = request.into_parts();
    let query = query(&parts);
    let operation = operation(&parts, &query);
    let name = operation.as_ref().map_or("", Operation::name);
    let arrived = match operation {
        Ok(operation) => arrive(front, &parts, &operation, body)
            .await
            .map(|value| (operation, value)),
        Err(refusal) => Err(refusal),
    };
    let began = Instant::now();
    let answer = match arrived {
        Ok((operation, value)) => carry_out(front, &parts, &query, operation, value).await,
        Err(refusal) => Err(refusal),
    };
    let took = began.elapsed();
    let error = answer.as_ref().err();
    let error = error.map(|refusal| (refusal.status, refusal.code));
    if !name.is_empty() {
        let code = error.map(|(_, code)| code);
        front.metrics.answered(name, code, took);
    }
    // That there is no such object is an answer as any other.
    let refused = error.filter(|(status, _)| *status != StatusCode::NOT_FOUND);
    log_answer(&request_id, name, took, refused);
    let mut response = answer.unwrap_or_else(|refusal| refusal.response(&request_id));
    set(&mut response, SERVER, SERVER_NAME);
    set(&mut response, REQUEST_ID, &request_id);
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
    let key = percent_decode_str(key)
        .decode_utf8()
        .map_err(|_| Refusal::bad("InvalidURI", "the key is not UTF-8"))?;
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
        Method::PUT => Ok(Operation::Put(key, only(&parts.headers)?)),
        Method::DELETE => Ok(Operation::Delete(key, only(&parts.headers)?)),
        _ => Err(Refusal::not_implemented(parts.method.as_str())),
    }
}

/// Lets a request in, and reads the value that comes with it.
async fn arrive(
    front: &Front,
    parts: &Parts,
    operation: &Operation,
    body: Incoming,
) -> Result<Bytes, Refusal> {
    let said = Said::read(&parts.headers)?;
    // Who may not call is not read from: bodies are long. The value is held to the hash later.
    if let Some(credentials) = &front.credentials {
        let body = SignableBody::Precomputed(said.hash.clone());
        access::verify(credentials, Protocol::S3, parts, body, SystemTime::now())?;
    }
    match operation {
        Operation::Put(..) => value::read(&front.room, &parts.headers, said, body).await,
        _ => Ok(Bytes::new()),
    }
}

async fn carry_out(
    front: &Front,
    parts: &Parts,
    query: &BTreeMap<String, String>,
    operation: Operation,
    value: Bytes,
) -> Result<Response<Body>, Refusal> {
    let objects = &front.objects;
    match operation {
        Operation::Put(key, only) => {
            let value = Some(value);
            let etag = match objects.write(Write { key, value, only }).await? {
                Written::Done(etag) => etag.unwrap_or_default(),
                Written::Another => return Err(Refusal::another()),
                Written::NoObject => return Err(Problem::NotFound.into()),
            };
            let mut response = Response::new(Body::default());
            set_etag(&mut response, &etag);
            Ok(response)
        }
        Operation::Get(key) => {
            let described = objects.describe(&key).await?.ok_or(Problem::NotFound)?;
            let room = front.room.take(described.info.size).await?;
            let StoredObject {
                described, value, ..
            } = objects.object(&key).await?.ok_or(Problem::NotFound)?;
            check_match(&parts.headers, &described)?;
            let mut response = part(&parts.headers, &room.with(value))?;
            describe(&mut response, &described);
            Ok(response)
        }
        Operation::Head(key) => {
            let described = objects.describe(&key).await?.ok_or(Problem::NotFound)?;
            check_match(&parts.headers, &described)?;
            let mut response = Response::new(Body::default());
            let length = HeaderValue::from(described.info.size);
            response.headers_mut().insert(CONTENT_LENGTH, length);
            describe(&mut response, &described);
            Ok(response)
        }
        Operation::Delete(key, only) => {
            let value = None;
            match objects.write(Write { key, value, only }).await? {
                // What is not there need not be deleted.
                Written::Done(_) | Written::NoObject => {}
                Written::Another => return Err(Refusal::another()),
            }
            let mut response = Response::new(Body::default());
            *response.status_mut() = StatusCode::NO_CONTENT;
            Ok(response)
        }
        Operation::List => listing::list(front, query).await,
        Operation::HeadBucket => Ok(Response::new(Body::default())),
        // No region means the usual one.
        Operation::Location => Ok(xml(StatusCode::OK, "<LocationConstraint/>")),
    }
}

/// When a change is to be done.
fn only(headers: &HeaderMap) -> Result<Only, Refusal> {
    for name in [IF_MODIFIED_SINCE, IF_UNMODIFIED_SINCE] {
        if headers.contains_key(&name) {
            return Err(Refusal::not_implemented(name.as_str()));
        }
    }
    match (headers.get(IF_MATCH), headers.get(IF_NONE_MATCH)) {
        (None, None) => Ok(Only::Always),
        (Some(etag), None) => Ok(Only::If(unquoted(etag))),
        (None, Some(any)) if any == "*" => Ok(Only::IfNone),
        _ => Err(Refusal::not_implemented(
            "If-None-Match with anything but a *, or together with If-Match,",
        )),
    }
}

/// Whether an object is the one that is asked for.
fn check_match(headers: &HeaderMap, found: &Described) -> Result<(), Refusal> {
    let wanted = headers.get(IF_MATCH).map(unquoted);
    match wanted {
        Some(wanted) if wanted != found.etag && wanted != "*" => Err(Refusal::another()),
        _ => Ok(()),
    }
}

/// The mark in a header.
fn unquoted(etag: &HeaderValue) -> String {
    let etag = etag.to_str().unwrap_or_default().trim_matches('"');
    etag.to_owned()
}

/// Says what is known of an object.
fn describe(response: &mut Response<Body>, object: &Described) {
    set_etag(response, &object.etag);
    let time = object.info.modified;
    let time = time.and_then(|time| jiff::Timestamp::try_from(time).ok());
    let printer = jiff::fmt::rfc2822::DateTimePrinter::new();
    let text = time.and_then(|time| printer.timestamp_to_rfc9110_string(&time).ok());
    if let Some(text) = text {
        set(response, LAST_MODIFIED, &text);
    }
}

fn set_etag(response: &mut Response<Body>, etag: &str) {
    set(response, ETAG, &format!("\"{etag}\""));
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
