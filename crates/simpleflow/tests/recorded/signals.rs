//! Signals, markers, and the execution context.

use futures::FutureExt as _;
use simpleflow::prelude::*;
use simpleflow::{EventKind, Raw, WorkflowEntry};

use crate::children::child;
use crate::{Row, pass, workflow};

fn signal() -> Signal {
    Signal::new("signalName", Raw::new("signalInput"))
}

workflow!(Sends(flow) -> Raw {
    let child = flow.submit(child("childInput"));
    child.started().await;
    flow.submit(signal().to_child(&child));
    pass()
});

workflow!(SendsToNobody(flow) -> Raw {
    let error = flow.submit(signal().to("childWorkflowId")).await.unwrap_err();
    assert_eq!(error.reason(), "UNKNOWN_EXTERNAL_WORKFLOW_EXECUTION");
    pass()
});

workflow!(Signaled(flow) -> Raw {
    assert_eq!(flow.wait_signal::<Raw>("signalName").await?.as_str(), "signalInput");
    pass()
});

workflow!(NotSignaled(flow) -> Raw {
    let came = flow.wait_signal::<Raw>("signalName").now_or_never();
    assert!(came.is_none());
    pass()
});

workflow!(Records(flow) -> Raw {
    flow.record_marker("markerName", Raw::new("markerDetails"));
    flow.wait_signal::<()>("signalName").await?;
    let markers = flow.list_markers();
    assert_eq!(markers[0].read::<Raw>()?.as_str(), "markerDetails");
    pass()
});

workflow!(RecordsNothing(flow) -> Raw {
    assert!(flow.get_event_details(EventKind::Marker, "markerName").is_none());
    pass()
});

workflow!(SetsContext(flow) -> Raw {
    flow.set_execution_context("Test Execution Context");
    flow.wait_signal::<()>("Test Signal").await?;
    pass()
});

pub const TABLE: &[Row] = &[
    (
        "signal-external-workflow-execution-with-result-of-failed",
        &[WorkflowEntry::of::<SendsToNobody>()],
    ),
    (
        "signal-external-workflow-execution-with-result-of-signaling",
        &[WorkflowEntry::of::<Sends>()],
    ),
    (
        "wait-for-workflow-execution-signaled-with-result-of-signaled",
        &[WorkflowEntry::of::<Signaled>()],
    ),
    (
        "workflow-execution-signaled-with-result-of-notsignaled",
        &[WorkflowEntry::of::<NotSignaled>()],
    ),
    (
        "record-marker-with-result-of-markerrecorded",
        &[WorkflowEntry::of::<Records>()],
    ),
    (
        "marker-recorded-with-result-of-notrecorded",
        &[WorkflowEntry::of::<RecordsNothing>()],
    ),
    (
        "set-and-get-execution-context",
        &[WorkflowEntry::of::<SetsContext>()],
    ),
];
