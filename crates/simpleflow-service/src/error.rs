//! Why an operation was not carried out, or is not known to have been.

use simpleflow_model::{Fault, FaultKind};

/// Why an operation was not carried out, or is not known to have been.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceError {
    /// The service refused the request: it will refuse the same request again.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// The service takes no more requests at the moment; this one was not carried out.
    #[error("the service is asked too much: {0}")]
    Throttled(String),
    /// The service cannot be reached, or the connection broke. The operation may have been carried
    /// out.
    #[error("cannot reach the service: {0}")]
    Connection(String),
    /// The service was stopped, in this process: it answers nothing any more.
    #[error("the service was stopped")]
    Stopped,
    /// The service failed. The operation may have been carried out.
    #[error("the service failed: {0}")]
    Internal(String),
    /// There are no credentials, or the service does not accept them.
    #[error("no access: {0}")]
    Denied(String),
    /// The service is not set up such that it could be asked.
    #[error("{0}")]
    Config(String),
    /// The service refused the request for a reason that the model does not know.
    #[error("{code}: {message}")]
    Refused {
        /// The type of the error, as the wire names it.
        code: String,
        /// The service's words; may be empty.
        message: String,
    },
    /// The operation was carried out, or the service spoke of something else altogether: its answer
    /// cannot be read.
    #[error("the service gave an answer that cannot be read: {0}")]
    Unreadable(String),
}

impl ServiceError {
    /// Whether the service refused the request with this fault.
    pub fn is_fault(&self, kind: FaultKind) -> bool {
        matches!(self, Self::Fault(fault) if fault.kind == kind)
    }

    /// Whether the same request may succeed later. Who tries again should wait longer each time,
    /// and mind [`may_have_happened`](Self::may_have_happened).
    pub fn is_retryable(&self) -> bool {
        matches!(
            self,
            Self::Throttled(_) | Self::Connection(_) | Self::Internal(_)
        )
    }

    /// Whether the operation may have been carried out all the same. Asked once more, the service
    /// may then refuse what it has: a start, because the execution is open; an answer, because its
    /// task is closed.
    pub fn may_have_happened(&self) -> bool {
        matches!(
            self,
            Self::Connection(_) | Self::Internal(_) | Self::Unreadable(_)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused_is_not_tried_again() {
        let fault = ServiceError::from(Fault::new(FaultKind::UnknownResource, "Unknown domain: d"));
        assert!(fault.is_fault(FaultKind::UnknownResource));
        assert!(!fault.is_fault(FaultKind::Validation));
        assert_eq!(fault.to_string(), "UnknownResourceFault: Unknown domain: d");
        let refused = ServiceError::Refused {
            code: "UnknownOperationException".into(),
            message: String::new(),
        };
        for error in [fault, refused, ServiceError::Denied("who?".into())] {
            assert!(!error.is_retryable() && !error.may_have_happened());
        }
        assert!(ServiceError::Throttled("slow".into()).is_retryable());
        assert!(!ServiceError::Throttled("slow".into()).may_have_happened());
        for error in [ServiceError::Connection, ServiceError::Internal] {
            let error = error(String::new());
            assert!(error.is_retryable() && error.may_have_happened());
        }
    }
}
