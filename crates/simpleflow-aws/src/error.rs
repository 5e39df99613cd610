//! What the SDK says went wrong, as the trait says it.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_swf::config::http::HttpResponse;
use aws_sdk_swf::error::{ProvideErrorMetadata, SdkError};
use hyper::header::HeaderMap;
use serde::Deserialize;
use simpleflow_model::{Fault, FaultKind};
use simpleflow_service::ServiceError;

/// How the service says that it does not accept who asks.
const DENIED: &[&str] = &[
    "AccessDenied",
    "AccessDeniedException",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "IncompleteSignatureException",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "NotAuthorized",
    "OptInRequired",
    "RequestExpired",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
];

/// A request that cannot be written, as the service would name it.
pub(crate) fn unwritable(error: serde_json::Error) -> ServiceError {
    ServiceError::Refused {
        code: "SerializationException".into(),
        message: error.to_string(),
    }
}

/// What became of a call, after all retries.
pub(crate) fn service_error<E>(error: SdkError<E, HttpResponse>) -> ServiceError
where
    E: Error + ProvideErrorMetadata + 'static,
{
    match &error {
        SdkError::ServiceError(refusal) => {
            let status = refusal.raw().status().as_u16();
            let meta = refusal.err().meta();
            refused(
                status,
                meta.code().unwrap_or_default(),
                meta.message().unwrap_or_default(),
            )
        }
        SdkError::ResponseError(response) => {
            let status = response.raw().status().as_u16();
            match response.raw().body().bytes() {
                // It was not read to its end.
                None => ServiceError::Connection(causes(&error)),
                Some(_) if status >= 500 => ServiceError::Internal(format!("HTTP status {status}")),
                Some(_) => {
                    ServiceError::Unreadable(format!("HTTP status {status}: {}", causes(&error)))
                }
            }
        }
        SdkError::TimeoutError(_) => ServiceError::Connection(causes(&error)),
        SdkError::DispatchFailure(failure)
            if failure.is_io() || failure.is_timeout() || failure.as_other().is_some() =>
        {
            ServiceError::Connection(causes(&error))
        }
        _ => match find(&error) {
            Some(error) => no_credentials(error),
            None => ServiceError::Config(causes(&error)),
        },
    }
}

/// What the service answered instead of an output, read from the answer itself.
pub(crate) fn refusal(status: u16, headers: &HeaderMap, body: &[u8]) -> ServiceError {
    #[derive(Default, Deserialize)]
    struct Body {
        #[serde(rename = "__type", alias = "code")]
        code: Option<String>,
        #[serde(alias = "Message")]
        message: Option<String>,
    }
    let Body { code, message } = serde_json::from_slice(body).unwrap_or_default();
    let header = headers.get("x-amzn-errortype");
    let header = header.and_then(|header| Some(header.to_str().ok()?.to_owned()));
    match header.or(code).as_deref().map(bare) {
        Some(code) if !code.is_empty() => refused(status, code, &message.unwrap_or_default()),
        _ if status >= 500 => ServiceError::Internal(format!("HTTP status {status}")),
        _ => ServiceError::Unreadable(format!("HTTP status {status}, without an error's type")),
    }
}

/// The code of an error, without its namespace and without the address of its description.
fn bare(code: &str) -> &str {
    let code = code.split(':').next().unwrap_or_default();
    code.rsplit('#').next().unwrap_or_default()
}

/// What the service answered instead of an output.
fn refused(status: u16, code: &str, message: &str) -> ServiceError {
    if let Some(kind) = FaultKind::ALL.iter().find(|kind| kind.as_str() == code) {
        return Fault::new(*kind, message).into();
    }
    let text = || match message {
        "" => code.to_owned(),
        message => format!("{code}: {message}"),
    };
    match (status, code) {
        (429, _) | (_, "RequestLimitExceeded" | "SlowDown" | "TooManyRequestsException") => {
            ServiceError::Throttled(text())
        }
        _ if code.starts_with("Throttl") || code.starts_with("RequestThrottled") => {
            ServiceError::Throttled(text())
        }
        (401 | 403, _) => ServiceError::Denied(text()),
        _ if DENIED.contains(&code) => ServiceError::Denied(text()),
        (500.., _) => ServiceError::Internal(text()),
        (408, _) | (_, "RequestTimeout" | "RequestTimeoutException") => {
            ServiceError::Connection(text())
        }
        _ => ServiceError::Refused {
            code: code.to_owned(),
            message: message.to_owned(),
        },
    }
}

/// Why there are no credentials. Who gives them may be out of reach for a moment.
pub(crate) fn no_credentials(error: &CredentialsError) -> ServiceError {
    match error {
        CredentialsError::CredentialsNotLoaded(_) => ServiceError::Denied(
            "there are no credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and \
             AWS_SECRET_ACCESS_KEY, or run where a role gives them"
                .into(),
        ),
        CredentialsError::InvalidConfiguration(_) => ServiceError::Denied(causes(error)),
        error => ServiceError::Connection(format!("no credentials: {}", causes(error))),
    }
}

/// The causes of an error, without the error itself, which is but the name of their kind.
pub(crate) fn causes(error: &(dyn Error + 'static)) -> String {
    let mut text = String::new();
    let causes = std::iter::successors(error.source(), |&error| error.source());
    for cause in causes.map(ToString::to_string) {
        // Some say what causes them themselves.
        if !text.ends_with(&cause) {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&cause);
        }
    }
    if text.is_empty() {
        return error.to_string();
    }
    text
}

/// The error of a type among the causes of an error.
fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut chain = std::iter::successors(Some(error), |&error| error.source());
    chain.find_map(|error| error.downcast_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_told_apart() {
        let of = |status, code| refused(status, code, "why");
        let text = |code: &str| format!("{code}: why");
        for kind in FaultKind::ALL {
            assert!(of(400, kind.as_str()).is_fault(*kind));
        }
        for code in ["ThrottlingException", "Throttling", "RequestLimitExceeded"] {
            assert_eq!(of(400, code), ServiceError::Throttled(text(code)));
        }
        let throttled = of(503, "ThrottledException");
        assert_eq!(
            throttled,
            ServiceError::Throttled(text("ThrottledException"))
        );
        for code in DENIED {
            assert_eq!(of(400, code), ServiceError::Denied(text(code)));
        }
        assert_eq!(
            of(403, "Forbidden"),
            ServiceError::Denied(text("Forbidden"))
        );
        for code in ["InternalFailure", "ServiceUnavailable"] {
            assert_eq!(of(500, code), ServiceError::Internal(text(code)));
        }
        assert!(of(408, "RequestTimeoutException").is_retryable());
        let refused = ServiceError::Refused {
            code: "UnknownOperationException".into(),
            message: "why".into(),
        };
        assert_eq!(of(400, "UnknownOperationException"), refused);
    }
}
