//! The limits of the service. Source: the service model (API version 2012-01-25) and the quotas
//! in the Amazon SWF Developer Guide.

/// The longest input, result, details, control or execution context, in characters.
pub const DATA_LENGTH: usize = 32_768;
/// The longest details of a heartbeat, in characters.
pub const HEARTBEAT_DETAILS_LENGTH: usize = 2_048;
/// The longest reason of a failure or a termination, in characters.
pub const REASON_LENGTH: usize = 256;
/// The longest identity, in characters.
pub const IDENTITY_LENGTH: usize = 256;
/// The largest request, in bytes.
pub const REQUEST_BYTES: usize = 1_000_000;
/// The most events that a history may have; one more terminates the execution.
pub const HISTORY_EVENTS: usize = 25_000;
/// From so many events on a history counts as long: who looks after the execution is told. It is
/// four fifths of [`HISTORY_EVENTS`].
pub const LONG_HISTORY_EVENTS: usize = 20_000;
/// The most open activity tasks of one execution.
pub const OPEN_ACTIVITIES: usize = 1_000;
/// The most open timers of one execution.
pub const OPEN_TIMERS: usize = 1_000;
/// The most open child executions of one execution.
pub const OPEN_CHILDREN: usize = 1_000;
/// The most open executions of one domain.
pub const OPEN_EXECUTIONS: usize = 100_000;
/// The most tags of one execution.
pub const TAGS: usize = 5;
/// The largest page of a listing.
pub const PAGE_SIZE: usize = 1_000;
/// The longest time that an execution may be open, in seconds: one year.
pub const EXECUTION_SECONDS: u32 = 31_536_000;
/// The longest timer, and the longest time limit that is not `NONE`, in seconds: what the eight digits
/// of the service can say, more than three years.
pub const TIMEOUT_SECONDS: u32 = 99_999_999;
/// The longest time that a Lambda function may run, in seconds.
pub const LAMBDA_SECONDS: u32 = 900;
/// The most decisions that a decider of this project sends in one response. SWF bounds a response
/// by its size alone; the Python original and AWS's own Java library stop at 100.
pub const DECISIONS_PER_RESPONSE: usize = 100;

/// Whether a text has more than so many characters. It has no more characters than bytes, so most are
/// not counted.
pub fn is_longer(text: &str, most: usize) -> bool {
    text.len() > most && text.chars().count() > most
}
