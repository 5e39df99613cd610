//! Why a request is refused, as S3 says it.

use hyper::{Response, StatusCode};
use simpleflow_objects::{Place, Problem};

use super::{OBJECT_BYTES, escape, xml};
use crate::access::Refused;
use crate::http::Body;

/// Why a request is refused.
#[derive(Debug)]
pub(super) struct Refusal {
    pub status: StatusCode,
    pub code: &'static str,
    message: String,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
        }
    }

    /// One for what is wrong with the request itself.
    pub(super) fn bad(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    pub(super) fn not_implemented(what: &str) -> Self {
        let message = format!(
            "{what} is not implemented: this server has GetObject, HeadObject, PutObject, \
             DeleteObject and ListObjects, in the bucket {}",
            Place::SERVER_BUCKET
        );
        Self::new(StatusCode::NOT_IMPLEMENTED, "NotImplemented", message)
    }

    pub(super) fn too_large() -> Self {
        let message = format!("An object may have at most {OBJECT_BYTES} bytes");
        Self::bad("EntityTooLarge", message)
    }

    /// The object is not the one that was meant.
    pub(super) fn another() -> Self {
        Self::new(
            StatusCode::PRECONDITION_FAILED,
            "PreconditionFailed",
            "At least one of the pre-conditions you specified did not hold: the object is another \
             by now",
        )
    }

    /// The answer.
    pub(super) fn response(&self, request_id: &str) -> Response<Body> {
        let Self { code, message, .. } = self;
        let message = escape(message);
        let error = format!(
            "<Error><Code>{code}</Code><Message>{message}</Message>\
             <RequestId>{request_id}</RequestId></Error>"
        );
        xml(self.status, &error)
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
            // To ask again is in vain, so this is no failure of the server. S3 has no such code.
            Problem::Damaged(why) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "ObjectDamaged", why)
            }
            Problem::Key(_) => Self::bad("InvalidURI", message),
            Problem::TooLarge { .. } => Self::too_large(),
            Problem::Unavailable(_) => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "ServiceUnavailable",
                message,
            ),
            // What went wrong names files of this machine, which are nobody else's business.
            _ => Self::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "InternalError",
                "The objects cannot be read or written: the log of the server says why",
            ),
        }
    }
}

impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Self {
        let message = refused.to_string();
        let (status, code) = match refused {
            Refused::Unsigned => (StatusCode::FORBIDDEN, "AccessDenied"),
            Refused::Incomplete | Refused::OtherService(_) => {
                (StatusCode::BAD_REQUEST, "AuthorizationHeaderMalformed")
            }
            Refused::UnknownKey => (StatusCode::FORBIDDEN, "InvalidAccessKeyId"),
            Refused::OtherTime(_) => (StatusCode::FORBIDDEN, "RequestTimeTooSkewed"),
            Refused::OtherDate | Refused::OtherSignature => {
                (StatusCode::FORBIDDEN, "SignatureDoesNotMatch")
            }
        };
        Self::new(status, code, message)
    }
}
