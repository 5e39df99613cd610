//! The ids of tasks, exactly as the Python original makes them.

use std::fmt::Display;

use md5::{Digest, Md5};
use simpleflow_model::SmolStr;

use crate::payload::{self, Parameter};

/// The longest id of an activity, a timer or an execution, in characters.
const MAX_LENGTH: usize = 256;

/// The id of an activity task.
pub(crate) fn of_activity(name: &str, suffix: impl Display) -> SmolStr {
    join(format_args!("activity-{name}"), suffix)
}

/// `NAME-SUFFIX`, within SWF's limit.
pub(crate) fn join(name: impl Display, suffix: impl Display) -> SmolStr {
    within_limit(smol_str::format_smolstr!("{name}-{suffix}"))
}

/// The timer after which a task is tried again.
pub(crate) fn of_retry_timer(task_id: &str) -> SmolStr {
    within_limit(smol_str::format_smolstr!("{RETRY_TIMER_PREFIX}{task_id}"))
}

/// The prefix of the timers after which a task is tried again.
pub(crate) const RETRY_TIMER_PREFIX: &str = "__simpleflow_task_";

/// The timer that makes the service call the decider again at once, when there is more to decide
/// than one response takes. Its name is the original's.
pub(crate) const WAKE_UP_TIMER: &str = "_simpleflow_wake_up_timer";

/// The timer after which a next run is asked for again.
pub(crate) const NEXT_RUN_TIMER: &str = "_simpleflow_next_run_timer";

/// Whether a timer is not the code's.
pub(crate) fn is_reserved_timer(id: &str) -> bool {
    id == WAKE_UP_TIMER || id == NEXT_RUN_TIMER || id.starts_with(RETRY_TIMER_PREFIX)
}

/// An id of more than 256 characters keeps its first 223 and ends in the MD5 of the whole.
fn within_limit(id: SmolStr) -> SmolStr {
    if id.len() <= MAX_LENGTH || id.chars().count() <= MAX_LENGTH {
        return id;
    }
    let start: String = id.chars().take(223).collect();
    format!("{start}-{}", md5_hex(&id)).into()
}

/// The suffix of an idempotent task: the MD5 of its arguments in canonical JSON.
pub(crate) fn idempotent_suffix(names: &'static [Parameter], args: &[SmolStr]) -> String {
    // The text was made by serde_json; it parses.
    let value = |arg: &SmolStr| serde_json::from_str(arg).unwrap_or(serde_json::Value::Null);
    let (named, args) = payload::named(names, args);
    let args: Vec<_> = args.iter().map(value).collect();
    let kwargs: serde_json::Map<_, _> = named
        .map(|(name, arg)| (name.to_owned(), value(arg)))
        .collect();
    md5_hex(&payload::canonical_json(
        &serde_json::json!({"args": args, "kwargs": kwargs}),
    ))
}

/// The suffix of a child execution's id: it carries the parent's workflow id and a checksum of its
/// run id, so that the children of two runs do not meet.
pub(crate) fn child_suffix(parent_workflow_id: &str, parent_run_id: &str, suffix: &str) -> String {
    format!(
        "{}{suffix}",
        child_id_prefix(parent_workflow_id, parent_run_id)
    )
}

/// What stands in the id of a child execution, after the name of its workflow, for its parent.
pub fn child_id_prefix(parent_workflow_id: &str, parent_run_id: &str) -> String {
    // Python's `zlib.adler32` of nothing is 1, but the original writes 0 when there is no run id.
    let checksum = match parent_run_id {
        "" => 0,
        run_id => adler2::adler32_slice(run_id.as_bytes()),
    };
    format!("{parent_workflow_id}--{checksum:x}--")
}

pub(crate) fn md5_hex(text: &str) -> String {
    use std::fmt::Write as _;
    Md5::digest(text.as_bytes())
        .iter()
        .fold(String::with_capacity(32), |mut hex, byte| {
            // Writing to a string cannot fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_the_original_s() {
        assert_eq!(join("activity-inc", 1), "activity-inc-1");
        assert_eq!(
            join("workflow-childname", child_suffix("parent-wf", "RUN1", "1")),
            "workflow-childname-parent-wf--3180127--1"
        );
        assert_eq!(child_suffix("p", "", "2"), "p--0--2");
        assert_eq!(
            of_retry_timer("activity-inc-1"),
            "__simpleflow_task_activity-inc-1"
        );
        assert_eq!(of_retry_timer(&"n".repeat(256)).chars().count(), 256);
        // {"args":[1],"kwargs":{"k":2}} in the original.
        assert_eq!(
            md5_hex(r#"{"args":[1],"kwargs":{"k":2}}"#),
            "173b8c41270a7c70a3ebafc164f16ba7"
        );
        const NAMES: &[Parameter] = &[Parameter {
            name: "k",
            type_name: "i64",
        }];
        assert_eq!(
            idempotent_suffix(NAMES, &["2".into()]),
            md5_hex(r#"{"args":[],"kwargs":{"k":2}}"#)
        );
        assert_eq!(
            idempotent_suffix(&[], &["1".into(), "\"é\"".into()]),
            md5_hex("{\"args\":[1,\"\\u00e9\"],\"kwargs\":{}}")
        );
    }

    #[test]
    fn a_long_id_ends_in_its_hash() {
        let name = "é".repeat(300);
        let id = join(&name, 1);
        assert_eq!(id.chars().count(), 256);
        assert!(id.starts_with(&"é".repeat(223)));
        assert!(id.ends_with(&md5_hex(&format!("{name}-1"))));
        let just_fits = "n".repeat(254);
        assert_eq!(join(&just_fits, 1), format!("{just_fits}-1"));
    }
}
