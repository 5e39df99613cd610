//! Functions of AWS Lambda.

use simpleflow::prelude::*;
use simpleflow::{Lambda, Raw, WorkflowEntry};

use crate::{Row, pass, workflow};

fn function(id: &str, input: &str) -> Lambda<Raw> {
    Lambda::new("TestConfiguration.LambdaName")
        .id(id)
        .input(Raw::new(input))
        .start_to_close_timeout(5)
}

const INPUT: &str = "TestConfiguration.LambdaInput";

workflow!(CalledAtTheEnd(flow) -> Raw {
    flow.submit(function("lambdaId", INPUT));
    pass()
});

workflow!(Failed(flow) -> Raw {
    let error = flow.submit(function("lambdaId", "lambdaInput")).await.unwrap_err();
    assert_eq!(error.reason(), "UnhandledError");
    pass()
});

workflow!(NotStarted(flow) -> Raw {
    let error = flow.submit(function("lambdaId", INPUT)).await.unwrap_err();
    let TaskErrorKind::NotStarted { cause, .. } = error.kind() else {
        bail!("{error}");
    };
    assert_eq!(cause, "ASSUME_ROLE_FAILED");
    pass()
});

workflow!(All(flow) -> Raw {
    let ids = ["lambdaId+\"1\"", "lambdaId+\"2\""];
    let results = flow.wait_all(ids.map(|id| flow.submit(function(id, INPUT)))).await?;
    assert_eq!(results, ["TestConfiguration.LambdaResult"; 2].map(Raw::new));
    pass()
});

pub const TABLE: &[Row] = &[
    (
        "schedule-lambda-function-using-do",
        &[WorkflowEntry::of::<CalledAtTheEnd>()],
    ),
    (
        "schedule-lambda-function-with-result-of-failed",
        &[WorkflowEntry::of::<Failed>()],
    ),
    (
        "schedule-lambda-function-with-result-of-startfailed",
        &[WorkflowEntry::of::<NotStarted>()],
    ),
    (
        "wait-for-all-lambda-function-with-all-completed-lambda-functions",
        &[WorkflowEntry::of::<All>()],
    ),
    (
        "wait-for-lambda-function-with-lambda-function-start-failure",
        &[WorkflowEntry::of::<NotStarted>()],
    ),
    (
        "wait-for-lambda-function-with-one-failed-lambda-function",
        &[WorkflowEntry::of::<Failed>()],
    ),
];
