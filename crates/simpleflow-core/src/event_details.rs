//! The last event of a name, as the code reads it.

use simpleflow_model::{SmolStr, Timestamp, WorkflowExecution};

/// Of what an event is: see [`Flow::get_event_details`](crate::Flow::get_event_details).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// A signal that was received.
    Signal,
    /// A marker that was recorded.
    Marker,
    /// A timer that was started with an id.
    Timer,
}

/// What is known of a signal, a marker or a timer.
#[derive(Clone, Debug, PartialEq)]
pub struct EventDetails {
    /// `signaled`; `recorded`; or of a timer `started`, `fired`, `canceled`, `start_failed`.
    pub state: &'static str,
    /// The input of a signal as it came, the details of a marker, the control of a timer.
    pub payload: Option<SmolStr>,
    /// When the signal was received, or the marker recorded. Not known of a timer.
    pub timestamp: Option<Timestamp>,
    /// The execution that sent the signal, if one did.
    pub sender: Option<WorkflowExecution>,
}
