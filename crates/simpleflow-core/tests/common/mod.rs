//! What the tests share: a few activities, a short way to write workflows, and to read decisions.

#![allow(dead_code, unused_imports, reason = "each test uses its own part")]

pub use std::time::Duration;

use simpleflow_core::replay::Decisions;
use simpleflow_core::testing::{HistoryBuilder, replay};
pub use simpleflow_core::{
    Error, FailureDecision, Flow, Future, FutureState, Result, RetryPolicy, Signal, TaskError,
    TaskErrorKind, Workflow,
};
pub use simpleflow_macros::{activity, workflow};
use simpleflow_model::Decision;

#[activity(name = "inc")]
pub fn inc(x: i64) -> Result<i64> {
    Ok(x + 1)
}

#[activity(name = "slow")]
pub fn slow(x: i64) -> Result<i64> {
    Ok(x)
}

#[activity(name = "retried", retry = 2)]
pub fn retried(x: i64) -> Result<i64> {
    Ok(x)
}

#[activity(name = "once", idempotent = true)]
pub fn once(x: i64) -> Result<i64> {
    Ok(x)
}

#[activity(name = "vital", raises_on_failure = true)]
pub fn vital(x: i64) -> Result<i64> {
    Ok(x)
}

#[activity(name = "polite", retry = polite_policy())]
pub fn polite(x: i64) -> Result<i64> {
    Ok(x)
}

fn polite_policy() -> RetryPolicy {
    RetryPolicy::exponential(3, secs(10)).non_retryable("ValueError")
}

/// A workflow without input: `workflow!(Name(flow) -> Output { body });`.
#[macro_export]
macro_rules! workflow {
    ($name:ident($flow:ident) -> $output:ty $body:block) => {
        #[simpleflow_macros::workflow]
        struct $name;

        impl simpleflow::Workflow for $name {
            type Output = $output;

            async fn run(self, $flow: simpleflow::Flow) -> simpleflow::Result<$output> $body
        }
    };
}

pub fn started() -> HistoryBuilder {
    HistoryBuilder::new().started("[]")
}

/// The first so many calls of `inc` are scheduled.
pub fn scheduled(count: usize) -> HistoryBuilder {
    started().decision(|d| {
        (1..=count).fold(d, |d, n| {
            d.schedule_activity(format!("activity-inc-{n}"), "inc")
        })
    })
}

/// The n-th call of `inc` gives n.
pub fn complete(history: HistoryBuilder, n: usize) -> HistoryBuilder {
    history.activity_completed(&format!("activity-inc-{n}"), n.to_string())
}

pub fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// What the workflow decides next, a line each.
#[track_caller]
pub fn next<W: Workflow>(history: &HistoryBuilder) -> Vec<String> {
    match replay::<W>(history).decisions() {
        Ok(decisions) => lines(&decisions),
        Err(error) => panic!("{error}"),
    }
}

pub fn lines(decisions: &Decisions) -> Vec<String> {
    decisions.decisions.iter().map(line).collect()
}

pub fn line(decision: &Decision) -> String {
    use Decision as D;
    match decision {
        D::ScheduleActivityTask(d) => {
            let input = d.input.as_deref().unwrap_or_default();
            let args = input
                .strip_prefix("{\"args\":[")
                .and_then(|rest| rest.split("],\"kwargs\"").next());
            format!("schedule {}({})", &*d.activity_id, args.unwrap_or(input))
        }
        D::RequestCancelActivityTask(d) => format!("cancel activity {}", d.activity_id),
        D::StartTimer(d) => {
            let control = d.control.as_ref().map(|control| format!(" {control}"));
            let control = control.unwrap_or_default();
            format!("timer {} {}{control}", d.timer_id, d.start_to_fire_timeout)
        }
        D::CancelTimer(d) => format!("cancel timer {}", d.timer_id),
        D::RecordMarker(d) => format!(
            "marker {} {}",
            d.marker_name,
            d.details.as_deref().unwrap_or_default()
        ),
        D::StartChildWorkflowExecution(d) => format!("child {}", d.workflow_id),
        D::RequestCancelExternalWorkflowExecution(d) => format!(
            "cancel child {} {}",
            d.workflow_id,
            d.run_id.as_deref().unwrap_or("of any run")
        ),
        D::ScheduleLambdaFunction(d) => format!(
            "lambda {} {}({})",
            d.id,
            d.name,
            d.input.as_deref().unwrap_or_default()
        ),
        D::SignalExternalWorkflowExecution(d) => format!(
            "signal {} to {} {}: {}",
            d.signal_name,
            d.workflow_id,
            d.run_id.as_deref().unwrap_or("of any run"),
            d.input.as_deref().unwrap_or_default()
        ),
        D::CompleteWorkflowExecution(d) => {
            format!("complete {}", d.result.as_deref().unwrap_or_default())
        }
        D::FailWorkflowExecution(d) => {
            format!("fail {}", d.reason.as_deref().unwrap_or_default())
        }
        D::ContinueAsNewWorkflowExecution(d) => {
            format!("continue as {}", d.input.as_deref().unwrap_or_default())
        }
        D::CancelWorkflowExecution(_) => "cancel the execution".to_owned(),
    }
}
