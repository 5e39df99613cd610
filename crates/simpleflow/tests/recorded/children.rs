//! Child executions: started, waited for, cancelled; and what they do.

use simpleflow::model::ChildPolicy;
use simpleflow::prelude::*;
use simpleflow::{Raw, WorkflowCall, WorkflowEntry};

use crate::{Row, pass, workflow};

/// What the children are to their parents, and what those that completed do.
#[simpleflow::workflow(
    name = "TestConfiguration.WorkflowType",
    version = "1",
    task_list = "childTaskList",
    execution_timeout = 1200,
    decision_tasks_timeout = 1200,
    lambda_role = "TestConfiguration.LambdaRole"
)]
pub struct Child {
    input: Raw,
}

impl Workflow for Child {
    type Output = Raw;

    async fn run(self, _flow: Flow) -> Result<Raw> {
        assert_eq!(self.input.as_str(), "Test Child Input");
        Ok("Child Result".into())
    }
}

/// `ending!(Name => error)`: a child that ends with an error.
macro_rules! ending {
    ($name:ident => $error:expr) => {
        #[simpleflow::workflow(version = "1")]
        struct $name {
            input: Raw,
        }

        impl Workflow for $name {
            type Output = Raw;

            async fn run(self, _flow: Flow) -> Result<Raw> {
                assert!(self.input.to_lowercase().ends_with("input"));
                Err($error)
            }
        }
    };
}

ending!(ChildCanceled => Error::cancelled().with_details("Child Canceled Details"));
ending!(ChildCancel => Error::cancelled().with_details("Child Cancel Details"));
ending!(ChildFailed => Error::msg("Child Failed Reason").with_details("Child Failed Details"));
ending!(ChildFail => Error::msg("Child Fail Reason").with_details("Child Fail Details"));

pub fn child(input: &str) -> WorkflowCall<Child> {
    Child {
        input: input.into(),
    }
    .call()
    .workflow_id("childWorkflowId")
    .child_policy(ChildPolicy::Terminate)
}

/// One of the two of which some wait for all, some for any.
fn numbered(number: u8) -> WorkflowCall<Child> {
    child("Test Child Input").workflow_id(format!("childWorkflowId+\"{number}\""))
}

workflow!(Started(flow) -> Raw {
    flow.submit(child("childInput")).started().await;
    pass()
});

workflow!(Canceled(flow) -> Raw {
    let error = flow.submit(child("childInput")).await.unwrap_err();
    assert!(error.is_cancelled(), "{error}");
    pass()
});

workflow!(Failed(flow) -> Raw {
    let error = flow.submit(child("childInput")).await.unwrap_err();
    assert_eq!(error.reason(), "Child Failed Reason");
    pass()
});

workflow!(Terminated(flow) -> Raw {
    let error = flow.submit(child("childInput")).await.unwrap_err();
    assert_eq!(*error.kind(), TaskErrorKind::Terminated);
    pass()
});

workflow!(WaitsForAny(flow) -> Raw {
    let children = [1, 2].map(|number| flow.submit(numbered(number)));
    let first = flow.wait_any(&[&children[0], &children[1]]).await;
    assert_eq!(children[first].get().await?.as_str(), "Child Result");
    pass()
});

workflow!(WaitsForAll(flow) -> Raw {
    let children = [1, 2].map(|number| flow.submit(numbered(number)));
    flow.wait_all(children).await?;
    pass()
});

workflow!(WaitsForTheCanceled(flow) -> Raw {
    let error = flow.submit(child("Test Child Input")).await.unwrap_err();
    assert!(error.is_cancelled(), "{error}");
    pass()
});

workflow!(WaitsForTheFailed(flow) -> Raw {
    let error = flow.submit(child("Test Child Input")).await.unwrap_err();
    assert_eq!(error.details(), Some("Child Fail Details"));
    pass()
});

workflow!(WaitsForTheTerminated(flow) -> Raw {
    let error = flow.submit(child("Test Child Input")).await.unwrap_err();
    assert_eq!(*error.kind(), TaskErrorKind::Terminated);
    pass()
});

workflow!(CancelsAtTheEnd(flow) -> Raw {
    let child = flow.submit(child("childInput"));
    child.started().await;
    child.cancel();
    pass()
});

workflow!(Cancels(flow) -> Raw {
    let child = flow.submit(child("childInput"));
    child.started().await;
    child.cancel();
    child.done().await;
    pass()
});

pub const TABLE: &[Row] = &[
    (
        "start-child-workflow-execution-with-result-of-started",
        &[WorkflowEntry::of::<Started>(), WorkflowEntry::of::<Child>()],
    ),
    (
        "start-child-workflow-execution-with-result-of-canceled",
        &[
            WorkflowEntry::of::<Canceled>(),
            WorkflowEntry::of::<ChildCanceled>(),
        ],
    ),
    (
        "start-child-workflow-execution-with-result-of-failed",
        &[
            WorkflowEntry::of::<Failed>(),
            WorkflowEntry::of::<ChildFailed>(),
        ],
    ),
    (
        "start-child-workflow-execution-with-result-of-terminated",
        &[
            WorkflowEntry::of::<Terminated>(),
            WorkflowEntry::of::<Child>(),
        ],
    ),
    (
        "wait-for-all-child-workflow-execution-with-no-completed-child-workflow-execution",
        &[
            WorkflowEntry::of::<WaitsForAll>(),
            WorkflowEntry::of::<Child>(),
        ],
    ),
    (
        "wait-for-any-child-workflow-execution-with-all-completed-child-workflow-execution",
        &[
            WorkflowEntry::of::<WaitsForAny>(),
            WorkflowEntry::of::<Child>(),
        ],
    ),
    (
        "wait-for-any-child-workflow-execution-with-one-completed-child-workflow-execution",
        &[
            WorkflowEntry::of::<WaitsForAny>(),
            WorkflowEntry::of::<Child>(),
        ],
    ),
    (
        "wait-for-child-workflow-execution-with-result-of-canceled",
        &[
            WorkflowEntry::of::<WaitsForTheCanceled>(),
            WorkflowEntry::of::<ChildCancel>(),
        ],
    ),
    (
        "wait-for-child-workflow-execution-with-result-of-failed",
        &[
            WorkflowEntry::of::<WaitsForTheFailed>(),
            WorkflowEntry::of::<ChildFail>(),
        ],
    ),
    (
        "wait-for-child-workflow-execution-with-result-of-terminated",
        &[
            WorkflowEntry::of::<WaitsForTheTerminated>(),
            WorkflowEntry::of::<Child>(),
        ],
    ),
    (
        "request-cancel-external-workflow-execution-with-result-of-requesting",
        &[WorkflowEntry::of::<CancelsAtTheEnd>()],
    ),
    (
        "request-cancel-external-workflow-execution-with-result-of-delivered",
        &[WorkflowEntry::of::<Cancels>()],
    ),
];
