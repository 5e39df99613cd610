//! The wire protocol: AWS JSON 1.0, in the dialect of the SDKs and in the older one.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue, SERVER};
use hyper::{Response, StatusCode};
use serde::Serialize;
use simpleflow_model::{Fault, FaultKind};
use simpleflow_service::SERVER_NAME;

use crate::access::Refused;
use crate::core::Failure;
use crate::operation::Unreadable;

/// How a client speaks: it is answered in kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// `SimpleWorkflowService.<operation>`, `application/x-amz-json-1.0`: the SDKs.
    Json10,
    /// `com.amazonaws.swf.service.model.SimpleWorkflowService.<operation>`, `application/json`.
    Legacy,
}

impl Dialect {
    fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Json10 => "application/x-amz-json-1.0",
            Self::Legacy => "application/json",
        })
    }
}

/// What a request is for: the dialect, and the name of the operation.
pub(crate) fn target(headers: &HeaderMap) -> Option<(Dialect, &str)> {
    let target = headers.get("x-amz-target")?.to_str().ok()?;
    let (service, operation) = target.rsplit_once('.')?;
    match service {
        "SimpleWorkflowService" => Some((Dialect::Json10, operation)),
        "com.amazonaws.swf.service.model.SimpleWorkflowService" => {
            Some((Dialect::Legacy, operation))
        }
        _ => None,
    }
}

/// An error as it goes over the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Error {
    pub status: StatusCode,
    namespace: &'static str,
    /// The type, without its namespace.
    pub name: &'static str,
    pub message: Option<String>,
}

/// The namespaces of the types of errors.
const SERVICE: &str = "com.amazon.coral.service";
const VALIDATE: &str = "com.amazon.coral.validate";
const MODEL: &str = "com.amazonaws.swf.base.model";

impl Error {
    /// An error that comes from no service in particular.
    pub(crate) fn common(status: StatusCode, name: &'static str, message: Option<String>) -> Self {
        Self {
            status,
            namespace: SERVICE,
            name,
            message,
        }
    }

    pub(crate) fn unknown_operation() -> Self {
        Self::common(StatusCode::BAD_REQUEST, "UnknownOperationException", None)
    }

    pub(crate) fn malformed(problem: impl Into<String>) -> Self {
        let message = Some(problem.into());
        Self::common(StatusCode::BAD_REQUEST, "SerializationException", message)
    }

    pub(crate) fn too_large() -> Self {
        let message = Some("Request size exceeds the limit of 1 MB".to_owned());
        let name = "RequestEntityTooLargeException";
        Self::common(StatusCode::PAYLOAD_TOO_LARGE, name, message)
    }

    pub(crate) fn too_slow() -> Self {
        let message = Some("The request did not arrive in time".to_owned());
        Self::common(
            StatusCode::REQUEST_TIMEOUT,
            "RequestTimeoutException",
            message,
        )
    }

    pub(crate) fn internal() -> Self {
        Self::common(StatusCode::INTERNAL_SERVER_ERROR, "InternalFailure", None)
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        let namespace = match fault.kind {
            FaultKind::Validation => VALIDATE,
            _ => MODEL,
        };
        Self {
            status: StatusCode::BAD_REQUEST,
            namespace,
            name: fault.kind.as_str(),
            message: (!fault.message.is_empty()).then(|| fault.message.into()),
        }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Fault(fault) => fault.into(),
            Failure::Internal | Failure::Stopped => Self::internal(),
        }
    }
}

impl From<Unreadable> for Error {
    fn from(unreadable: Unreadable) -> Self {
        match unreadable {
            Unreadable::UnknownOperation => Self::unknown_operation(),
            Unreadable::Malformed(problem) => Self::malformed(problem),
            Unreadable::Refused(fault) => fault.into(),
        }
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        let name = match &refused {
            Refused::Unsigned => "MissingAuthenticationTokenException",
            Refused::Incomplete => "IncompleteSignatureException",
            Refused::UnknownKey => "UnrecognizedClientException",
            Refused::OtherService(_)
            | Refused::OtherDate
            | Refused::OtherTime(_)
            | Refused::OtherSignature => "InvalidSignatureException",
        };
        let message = Some(refused.to_string());
        Self::common(StatusCode::BAD_REQUEST, name, message)
    }
}

/// The answer to a request: a body, empty for operations without output, or an error.
pub(crate) fn response(
    dialect: Dialect,
    request_id: &str,
    answer: Result<Vec<u8>, Error>,
) -> Response<Full<Bytes>> {
    #[derive(Serialize)]
    struct ErrorBody<'a> {
        #[serde(rename = "__type")]
        kind: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        message: Option<&'a str>,
    }
    let (status, body) = match answer {
        Ok(body) => (StatusCode::OK, body),
        Err(error) => {
            let body = ErrorBody {
                kind: format!("{}#{}", error.namespace, error.name),
                message: error.message.as_deref(),
            };
            // Strings can always be written.
            (error.status, serde_json::to_vec(&body).unwrap_or_default())
        }
    };
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, dialect.content_type());
    headers.insert(SERVER, HeaderValue::from_static(SERVER_NAME));
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert("x-amzn-requestid", id);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_dialects_are_understood() {
        let of = |target_header: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert("x-amz-target", HeaderValue::from_static(target_header));
            target(&headers).map(|(dialect, operation)| (dialect, operation.to_owned()))
        };
        let operation = "PollForDecisionTask".to_owned();
        assert_eq!(
            of("SimpleWorkflowService.PollForDecisionTask"),
            Some((Dialect::Json10, operation.clone()))
        );
        assert_eq!(
            of("com.amazonaws.swf.service.model.SimpleWorkflowService.PollForDecisionTask"),
            Some((Dialect::Legacy, operation))
        );
        assert_eq!(of("DynamoDB_20120810.ListTables"), None);
        assert_eq!(of("PollForDecisionTask"), None);
        assert_eq!(target(&HeaderMap::new()), None);
    }

    #[tokio::test]
    async fn errors_have_the_namespaces_of_the_service() {
        use http_body_util::BodyExt as _;
        let text = async |error: Error| {
            let response = response(Dialect::Json10, "id", Err(error.clone()));
            assert_eq!(response.status(), error.status);
            let body = response.into_body().collect().await.unwrap().to_bytes();
            String::from_utf8(body.to_vec()).unwrap()
        };
        let fault = Fault::new(FaultKind::UnknownResource, "Unknown domain: x");
        assert_eq!(
            text(fault.into()).await,
            r#"{"__type":"com.amazonaws.swf.base.model#UnknownResourceFault","message":"Unknown domain: x"}"#
        );
        let fault = Fault::new(FaultKind::Validation, "Invalid token");
        assert_eq!(
            text(fault.into()).await,
            r#"{"__type":"com.amazon.coral.validate#ValidationException","message":"Invalid token"}"#
        );
        assert_eq!(
            text(Error::internal()).await,
            r#"{"__type":"com.amazon.coral.service#InternalFailure"}"#
        );
    }
}
