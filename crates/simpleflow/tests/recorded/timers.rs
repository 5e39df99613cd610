//! Timers: fired, cancelled.

use simpleflow::prelude::*;
use simpleflow::{Raw, Timer, WorkflowEntry};

use crate::{Row, pass, workflow};

fn timer(seconds: u64) -> Timer {
    Timer::new("timerId", Duration::from_secs(seconds)).control(1)
}

const LONG: u64 = 8_640_000;

workflow!(FiresAfterFive(flow) -> Raw {
    flow.submit(timer(5)).await?;
    pass()
});

workflow!(FiresBeforeItsCancel(flow) -> Raw {
    let timer = flow.submit(timer(2));
    timer.get().await?;
    timer.cancel();
    assert_eq!(timer.state(), FutureState::Finished);
    pass()
});

workflow!(CancelledAtTheEnd(flow) -> Raw {
    let timer = flow.submit(timer(LONG));
    flow.wait_signal::<()>("signalName").await?;
    timer.cancel();
    pass()
});

workflow!(Cancelled(flow) -> Raw {
    let timer = flow.submit(timer(LONG));
    flow.wait_signal::<()>("Test Signal").await?;
    timer.cancel();
    assert!(timer.get().await.is_err());
    flow.wait_signal::<()>("Test Signal").await?;
    pass()
});

pub const TABLE: &[Row] = &[
    (
        "cancel-timer-using-do",
        &[WorkflowEntry::of::<CancelledAtTheEnd>()],
    ),
    (
        "cancel-timer-with-result-of-canceled",
        &[WorkflowEntry::of::<Cancelled>()],
    ),
    (
        "cancel-timer-with-result-of-fired",
        &[WorkflowEntry::of::<FiresBeforeItsCancel>()],
    ),
    (
        "start-timer-using-do",
        &[WorkflowEntry::of::<FiresAfterFive>()],
    ),
    (
        "start-timer-with-result-of-fired",
        &[WorkflowEntry::of::<FiresAfterFive>()],
    ),
    (
        "start-timer-with-result-of-starting",
        &[WorkflowEntry::of::<FiresAfterFive>()],
    ),
    (
        "wait-for-timer-with-result-of-canceled",
        &[WorkflowEntry::of::<Cancelled>()],
    ),
];
