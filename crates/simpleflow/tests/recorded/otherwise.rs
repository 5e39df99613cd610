//! Where a workflow of ours decides something else on purpose.

/// How it goes on where decisions differ.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum End {
    /// The history replays all the same.
    Replays,
    /// The code has parted from the history.
    Diverges,
}

/// A decision task whose decisions are others.
pub struct Otherwise {
    pub recording: &'static str,
    /// Which of its decision tasks that were answered, from 1.
    pub task: usize,
    pub end: End,
    pub why: &'static str,
}

const fn otherwise(recording: &'static str, task: usize, end: End, why: &'static str) -> Otherwise {
    Otherwise {
        recording,
        task,
        end,
        why,
    }
}

const ENDS_WITH_IT: &str = "work of the execution's own that is not sent when its code ends, or \
                            not cancelled, ends with it: only its close is sent";
const REGISTERED: &str = "a type that is not registered is registered, and the decision made again";
const NOT_TOLD: &str = "no code waits for the delivery of a cancel: it waits for the child, which \
                        tells what it makes of it";

pub const OTHERWISE: &[Otherwise] = &[
    otherwise("cancel-timer-using-do", 2, End::Replays, ENDS_WITH_IT),
    otherwise(
        "request-cancel-activity-task-using-do",
        2,
        End::Replays,
        ENDS_WITH_IT,
    ),
    otherwise(
        "schedule-lambda-function-using-do",
        1,
        End::Replays,
        ENDS_WITH_IT,
    ),
    otherwise(
        "timer_and_cancel",
        2,
        End::Replays,
        "the original goes on after its cancel with a decision task that it wakes itself for",
    ),
    otherwise(
        "request-cancel-activity-task-with-result-of-activityschedulefailed",
        2,
        End::Diverges,
        REGISTERED,
    ),
    otherwise(
        "schedule-activity-task-with-schedule-failure",
        2,
        End::Diverges,
        REGISTERED,
    ),
    otherwise(
        "a-try-with-expression-with-an-excpetion-from-a-continueasnew",
        2,
        End::Diverges,
        REGISTERED,
    ),
    otherwise(
        "return-result-of-continueasnewworkflowexecutionfailed",
        2,
        End::Diverges,
        REGISTERED,
    ),
    otherwise(
        "request-cancel-activity-task-with-result-of-requestcancelfailed",
        2,
        End::Diverges,
        "only what was submitted can be cancelled, not whatever has an id",
    ),
    otherwise(
        "request-cancel-external-workflow-execution-with-result-of-delivered",
        3,
        End::Diverges,
        NOT_TOLD,
    ),
];
