//! How executions end: with a result, with a next run, by an operator.

use simpleflow::prelude::*;
use simpleflow::{Raw, WorkflowEntry};

use crate::{Row, pass, workflow};

workflow!(Completes(_flow) -> Raw { pass() });

workflow!(LoopsOverNothing(_flow) -> Raw {
    for () in std::iter::empty() {}
    pass()
});

workflow!(CatchesItsError(_flow) -> Raw {
    let attempt: Result<Raw> = async { bail!("caught") }.await;
    attempt.or_else(|_| pass())
});

workflow!(
    /// The test terminates it.
    Waits(flow) -> () {
        Ok(flow.wait_signal("what nobody sends").await?)
    }
);

workflow!(GoesOn(flow) -> Raw {
    flow.continue_as_new(GoesOn)
});

pub const TABLE: &[Row] = &[
    (
        "a-for-in-loop-with-an-empty-body-expression-which-results-in-unit",
        &[WorkflowEntry::of::<LoopsOverNothing>()],
    ),
    (
        "a-for-to-loop-with-an-empty-body-expression-which-results-in-unit",
        &[WorkflowEntry::of::<LoopsOverNothing>()],
    ),
    (
        "a-while-loop-with-an-empty-body-expression-which-results-in-unit",
        &[WorkflowEntry::of::<LoopsOverNothing>()],
    ),
    (
        "a-try-finally-expression-with-a-body-of-unit",
        &[WorkflowEntry::of::<Completes>()],
    ),
    (
        "a-try-with-expression-with-a-return-completed",
        &[WorkflowEntry::of::<CatchesItsError>()],
    ),
    (
        "a-try-with-expression-with-an-excpetion-from-a-continueasnew",
        &[WorkflowEntry::of::<GoesOn>()],
    ),
    (
        "an-empty-computation-expression-which-results-in-unit",
        &[WorkflowEntry::of::<Waits>()],
    ),
    (
        "get-workflow-execution-input-with-null-input",
        &[WorkflowEntry::of::<Completes>()],
    ),
    (
        "return-result-of-completeworkflowexecution",
        &[WorkflowEntry::of::<Completes>()],
    ),
    (
        "return-result-of-continueasnewworkflowexecutionfailed",
        &[WorkflowEntry::of::<GoesOn>()],
    ),
    (
        "return-result-of-responddecisiontaskcompleted",
        &[WorkflowEntry::of::<Waits>()],
    ),
];
