//! Activities: scheduled, waited for, cancelled.

use futures::future::{Either, select};
use simpleflow::prelude::*;
use simpleflow::{ActivityCall, Raw, WorkflowEntry};

use crate::{Row, pass, workflow};

#[activity(
    name = "TestConfiguration.ActivityType",
    version = "1",
    task_list = "TestConfiguration.TaskList",
    start_to_close_timeout = 1200,
    schedule_to_close_timeout = 1200,
    schedule_to_start_timeout = 1200,
    heartbeat_timeout = 1200
)]
fn known(input: Raw) -> Result<Raw> {
    Ok(input)
}

#[activity(name = "activityType", version = "1")]
fn unknown(input: Raw) -> Result<Raw> {
    Ok(input)
}

fn activity() -> ActivityCall<Raw> {
    known(Raw::new("activityInput")).activity_id("activityId")
}

/// One of the two of which some wait for all, some for any.
fn numbered(number: u8) -> ActivityCall<Raw> {
    known(Raw::new(number.to_string())).activity_id(format!("Test Activity {number}"))
}

const SIGNAL: &str = "Test Signal";
const CANCEL: &str = "Signal for RequestCancelActivityTask";

workflow!(Completed(flow) -> Raw {
    let result = flow.submit(activity()).await?;
    assert_eq!(result.as_str(), "Test Activity 1 Result");
    pass()
});

workflow!(Scheduled(flow) -> Raw {
    let task = flow.submit(activity());
    flow.wait_signal::<()>(SIGNAL).await?;
    assert_eq!(task.state(), FutureState::Pending);
    pass()
});

workflow!(Started(flow) -> Raw {
    let task = flow.submit(activity());
    flow.wait_signal::<()>(SIGNAL).await?;
    assert_eq!(task.state(), FutureState::Running);
    pass()
});

workflow!(Failed(flow) -> Raw {
    let error = flow.submit(activity()).await.unwrap_err();
    assert_eq!(error.reason(), "Test Activity 1 Failed Reason");
    pass()
});

workflow!(CancelledByItsWorker(flow) -> Raw {
    let error = flow.submit(activity()).await.unwrap_err();
    assert!(error.is_cancelled(), "{error}");
    pass()
});

workflow!(CancelledAtTheEnd(flow) -> Raw {
    let task = flow.submit(activity());
    assert_eq!(flow.wait_signal::<Raw>(CANCEL).await?.as_str(), "Signal Input");
    task.cancel();
    pass()
});

workflow!(CancelsAnother(flow) -> Raw {
    let task = flow.submit(activity());
    flow.wait_signal::<Raw>(CANCEL).await?;
    task.await?;
    pass()
});

workflow!(NotRegistered(flow) -> Raw {
    flow.submit(unknown(Raw::new("activityInput")).activity_id("activityId")).await?;
    pass()
});

workflow!(All(flow) -> Raw {
    let tasks = [1, 2].map(|number| flow.submit(numbered(number)));
    flow.wait_all(&tasks).await?;
    pass()
});

workflow!(Any(flow) -> Raw {
    let tasks = [1, 2].map(|number| flow.submit(numbered(number)));
    match select(&mut tasks[0].get(), &mut tasks[1].get()).await {
        Either::Left((result, _)) | Either::Right((result, _)) => result?,
    };
    pass()
});

pub const TABLE: &[Row] = &[
    (
        "schedule-activity-task-with-result-of-completed",
        &[WorkflowEntry::of::<Completed>()],
    ),
    (
        "schedule-activity-task-with-result-of-scheduled",
        &[WorkflowEntry::of::<Scheduled>()],
    ),
    (
        "schedule-activity-task-with-result-of-started",
        &[WorkflowEntry::of::<Started>()],
    ),
    (
        "schedule-activity-task-with-schedule-failure",
        &[WorkflowEntry::of::<NotRegistered>()],
    ),
    (
        "request-cancel-activity-task-using-do",
        &[WorkflowEntry::of::<CancelledAtTheEnd>()],
    ),
    (
        "request-cancel-activity-task-with-result-of-activityschedulefailed",
        &[WorkflowEntry::of::<NotRegistered>()],
    ),
    (
        "request-cancel-activity-task-with-result-of-requestcancelfailed",
        &[WorkflowEntry::of::<CancelsAnother>()],
    ),
    (
        "wait-for-activity-task-with-one-canceled-activity-task",
        &[WorkflowEntry::of::<CancelledByItsWorker>()],
    ),
    (
        "wait-for-activity-task-with-one-failed-activity-task",
        &[WorkflowEntry::of::<Failed>()],
    ),
    (
        "wait-for-all-activity-task-with-all-completed-activity-tasks",
        &[WorkflowEntry::of::<All>()],
    ),
    (
        "wait-for-all-activity-task-with-one-completed-activity-tasks",
        &[WorkflowEntry::of::<All>()],
    ),
    (
        "wait-for-any-activity-task-with-no-completed-activity-tasks",
        &[WorkflowEntry::of::<Any>()],
    ),
];
