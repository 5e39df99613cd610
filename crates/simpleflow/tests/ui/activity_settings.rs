use simpleflow::prelude::*;

#[activity(timeout = 60)]
fn unknown(x: i64) -> i64 {
    x
}

#[activity(retry)]
fn no_value() {}

#[activity(version = "1", idempotent =, task_list = "x")]
fn no_value_after_the_sign() {}

#[activity(retry = 1, version = "1", retry = 2)]
fn twice() {}

#[activity(retry: 1)]
fn another_sign() {}

#[activity("resize")]
fn no_name() {}

#[activity(retry = 1 version = "1")]
fn no_comma() {}

#[activity(name = 1)]
fn name_is_a_number() {}

#[activity(version = 1.0)]
fn version_is_a_number() {}

#[activity(task_list = LIST)]
fn task_list_is_a_path() {}

#[activity(retry = "3")]
fn retry_is_a_text() {}

#[activity(retry = -1)]
fn retry_is_negative() {}

#[activity(task_priority = "high")]
fn priority_is_a_text() {}

#[activity(task_priority = 3000000000)]
fn priority_is_too_large() {}

#[activity(idempotent = "yes")]
fn flag_is_a_text() {}

#[activity(raises_on_failure = 1)]
fn flag_is_a_number() {}

#[activity(start_to_close_timeout = "5 minutes")]
fn timeout_is_a_text() {}

#[activity(heartbeat_timeout = 0.5)]
fn timeout_is_not_whole() {}

#[activity(schedule_to_start_timeout = Duration::from_secs(60))]
fn timeout_is_a_duration() {}

#[activity(meta = "[1]")]
fn meta_is_a_list() {}

#[activity(meta = "{owner: 1}")]
fn meta_is_not_json() {}

#[activity(name = "video:resize")]
fn name_with_a_colon() {}

#[activity(name = "")]
fn name_is_empty() {}

#[activity(version = "arn")]
fn version_is_arn() {}

#[activity(
    version = "a version is short, that is to say that it has no more than 64 characters",
    task_list = " thumbnails",
)]
fn two_at_once() {}

// None of the above hides the activities from their callers.
fn callers(flow: Flow) {
    flow.submit(unknown(1));
    flow.submit(no_value());
    flow.submit(another_sign());
}

fn main() {}
