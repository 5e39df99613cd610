//! The workflows of the Python original's own tests, and their executions.

use simpleflow::prelude::*;
use simpleflow::{ActivityCall, Chain, Group, WorkflowEntry};

use crate::Row;

#[activity(name = "tests.integration.workflow.increment", version = "example")]
fn increment(x: i64) -> Result<i64> {
    Ok(x + 1)
}

#[activity(name = "tests.integration.workflow.double", version = "example")]
fn double(y: i64) -> Result<i64> {
    Ok(y * 2)
}

#[activity(
    name = "tests.integration.workflow.sleep",
    version = "example",
    start_to_close_timeout = 60,
    heartbeat_timeout = 15,
    raises_on_failure = true
)]
fn sleep(seconds: u64) -> Result<String> {
    Ok(format!("slept {seconds}s"))
}

#[activity(
    name = "tests.integration.workflow.cancel_workflow",
    version = "example"
)]
fn cancel_workflow() -> Result<()> {
    Ok(())
}

#[activity(
    name = "tests.integration.workflow.send_unrequested_signal",
    version = "example"
)]
fn send_unrequested_signal() -> Result<String> {
    Ok("signal sent!".to_owned())
}

#[activity(
    name = "tests.integration.workflow.returns_too_big_data_activity",
    version = "example",
    idempotent = true
)]
fn returns_too_big_data() -> Result<String> {
    Ok(String::new())
}

/// In the original's `standalone` activities go to a list of the execution's own.
fn here<T>(flow: &Flow, call: ActivityCall<T>) -> ActivityCall<T> {
    call.task_list(flow.run_context().task_list.as_str())
}

#[workflow(name = "basic", version = "example")]
struct Sleep {
    seconds: u64,
}

impl Workflow for Sleep {
    type Output = ();

    async fn run(self, flow: Flow) -> Result<()> {
        flow.submit(here(&flow, sleep(self.seconds))).await?;
        Ok(())
    }
}

#[workflow(
    name = "tests.integration.workflow.ChainTestWorkflow",
    version = "example",
    execution_timeout = 300
)]
struct ChainTest {
    #[default(5)]
    x: i64,
}

impl Workflow for ChainTest {
    type Output = Vec<serde_json::Value>;

    async fn run(self, flow: Flow) -> Result<Self::Output> {
        let chain = Chain::send_result(here(&flow, increment(self.x))).then({
            let flow = flow.clone();
            move |y| here(&flow, double(y))
        });
        Ok(flow.submit(chain).await?)
    }
}

#[workflow(name = "example", version = "example")]
struct GroupWithChild;

impl Workflow for GroupWithChild {
    type Output = Vec<serde_json::Value>;

    async fn run(self, flow: Flow) -> Result<Self::Output> {
        // Its ids had the name that the class gives itself, its type that of the class.
        let child = ChainTest { x: 4 }
            .call()
            .workflow_id("workflow-chaintest-test-simpleflow-workflow--6d7a0f66--1");
        Ok(flow.submit(Group::new().append(child)).await?)
    }
}

#[workflow(name = "example", version = "example")]
struct Timers {
    #[default(2)]
    t1: u64,
    #[default(120)]
    t2: u64,
}

impl Workflow for Timers {
    type Output = ();

    async fn run(self, flow: Flow) -> Result<()> {
        let second = flow.start_timer("timer 2", Duration::from_secs(self.t2));
        flow.start_timer("timer 1", Duration::from_secs(self.t1))
            .await?;
        second.cancel();
        Ok(())
    }
}

#[workflow(name = "example", version = "example")]
struct Signaled;

impl Workflow for Signaled {
    type Output = String;

    async fn run(self, flow: Flow) -> Result<String> {
        Ok(flow.submit(here(&flow, send_unrequested_signal())).await?)
    }
}

#[workflow(name = "example", version = "example")]
struct ToCancel {
    #[default(true)]
    agree: bool,
}

impl Workflow for ToCancel {
    type Output = ();

    async fn run(self, flow: Flow) -> Result<()> {
        if !self.agree {
            // Who asks handles a cancel itself.
            flow.is_cancel_requested();
        }
        Ok(flow.submit(here(&flow, cancel_workflow())).await?)
    }
}

#[workflow(name = "example", version = "example")]
struct TooBigOutput;

impl Workflow for TooBigOutput {
    type Output = ();

    async fn run(self, flow: Flow) -> Result<()> {
        let chain = Chain::new()
            .break_on_failure(false)
            .append(here(&flow, returns_too_big_data()));
        // Its failure changes nothing.
        flow.submit(chain).done().await;
        Ok(())
    }
}

#[workflow(version = "example")]
struct TakesTooMuch {
    data: String,
}

impl Workflow for TakesTooMuch {
    type Output = ();

    async fn run(self, _flow: Flow) -> Result<()> {
        bail!("{} characters were taken", self.data.len())
    }
}

#[workflow(name = "example", version = "example")]
struct TooBigInputInChild;

impl Workflow for TooBigInputInChild {
    type Output = ();

    async fn run(self, flow: Flow) -> Result<()> {
        let data = "ab".repeat(20_000);
        let child = TakesTooMuch { data };
        match flow.submit(Chain::new().append(child)).await {
            Ok(_) => Ok(()),
            // The original has another limit, and other words.
            Err(_) => bail!("JumboTooLargeError(Message too long (10485785 chars))"),
        }
    }
}

pub const TABLE: &[Row] = &[
    ("cancel_requested", &[WorkflowEntry::of::<ToCancel>()]),
    ("chain_send_result", &[WorkflowEntry::of::<ChainTest>()]),
    ("child_workflow", &[WorkflowEntry::of::<GroupWithChild>()]),
    (
        "failing_activity_output",
        &[WorkflowEntry::of::<TooBigOutput>()],
    ),
    (
        "failing_workflow_input",
        &[WorkflowEntry::of::<TooBigInputInChild>()],
    ),
    ("simpleflow_activity_rerun", &[WorkflowEntry::of::<Sleep>()]),
    ("timer_and_cancel", &[WorkflowEntry::of::<Timers>()]),
    ("unrequested_signal", &[WorkflowEntry::of::<Signaled>()]),
    // Nobody decided on these.
    ("not_standalone", &[]),
    ("simpleflow_workflow_start", &[]),
    ("simpleflow_workflow_terminate", &[]),
];
