//! What the service answers when it refuses a request.

use smol_str::SmolStr;

/// Why the service refused a request: the fault's type, as the service model names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// The named domain, type, execution or task does not exist, or is closed.
    UnknownResource,
    /// The domain is registered already.
    DomainAlreadyExists,
    /// The domain is deprecated.
    DomainDeprecated,
    /// The type is registered already.
    TypeAlreadyExists,
    /// The type is deprecated.
    TypeDeprecated,
    /// The type is in use: it must be deprecated first.
    TypeNotDeprecated,
    /// An open execution has that workflow id.
    WorkflowExecutionAlreadyStarted,
    /// A setting was neither given nor defaulted by the type.
    DefaultUndefined,
    /// A limit of the service is reached.
    LimitExceeded,
    /// Too many tags.
    TooManyTags,
    /// The caller may not do that.
    OperationNotPermitted,
    /// The request breaks a constraint of the service model.
    Validation,
}

impl FaultKind {
    /// Every kind.
    pub const ALL: &'static [Self] = &[
        Self::UnknownResource,
        Self::DomainAlreadyExists,
        Self::DomainDeprecated,
        Self::TypeAlreadyExists,
        Self::TypeDeprecated,
        Self::TypeNotDeprecated,
        Self::WorkflowExecutionAlreadyStarted,
        Self::DefaultUndefined,
        Self::LimitExceeded,
        Self::TooManyTags,
        Self::OperationNotPermitted,
        Self::Validation,
    ];

    /// The type as the wire names it, without its namespace.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UnknownResource => "UnknownResourceFault",
            Self::DomainAlreadyExists => "DomainAlreadyExistsFault",
            Self::DomainDeprecated => "DomainDeprecatedFault",
            Self::TypeAlreadyExists => "TypeAlreadyExistsFault",
            Self::TypeDeprecated => "TypeDeprecatedFault",
            Self::TypeNotDeprecated => "TypeNotDeprecatedFault",
            Self::WorkflowExecutionAlreadyStarted => "WorkflowExecutionAlreadyStartedFault",
            Self::DefaultUndefined => "DefaultUndefinedFault",
            Self::LimitExceeded => "LimitExceededFault",
            Self::TooManyTags => "TooManyTagsFault",
            Self::OperationNotPermitted => "OperationNotPermittedFault",
            Self::Validation => "ValidationException",
        }
    }
}

/// A refusal of the service.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", kind.as_str())]
pub struct Fault {
    /// The type of the fault.
    pub kind: FaultKind,
    /// The service's words; may be empty.
    pub message: SmolStr,
}

impl Fault {
    /// A fault with the service's words.
    pub fn new(kind: FaultKind, message: impl Into<SmolStr>) -> Self {
        Self {
            kind,
            message: message.into(),
        }
    }
}
