//! What a workflow makes of failures: of tasks whose failure is a value, of tasks whose failure is its
//! own, and with a word in each before that.
//!
//! ```sh
//! simpleflow workflow.start --local examples.failing.FailingWorkflow --skip-time
//! simpleflow workflow.start --local examples.failing.NotFailingWorkflow --skip-time
//! ```

use simpleflow::prelude::*;
use simpleflow::{FailureDecision, Group, ReplayContext};

/// Fails, which the workflow can bear.
#[activity(task_list = "quickstart", version = "example", retry = 1)]
pub async fn fail_but_dont_raise() -> Result<()> {
    bail!("this task had a problem, but it's okay")
}

/// Fails, and the workflow with it, whatever the workflow makes of that.
#[activity(
    task_list = "quickstart",
    version = "example",
    raises_on_failure = true
)]
pub async fn fail_and_raise() -> Result<()> {
    bail!("this task had a problem, and fails the workflow")
}

/// Takes longer than it may.
#[activity(
    task_list = "quickstart",
    version = "example",
    start_to_close_timeout = 1
)]
pub async fn time_out() -> Result<()> {
    tokio::time::sleep(Duration::from_secs(120)).await;
    Ok(())
}

/// Fails unless it is told not to.
#[workflow(name = "failing", version = "example", task_list = "example")]
pub struct FailingWorkflow {
    /// Whether to fail.
    #[default(true)]
    pub fail: bool,
}

impl Workflow for FailingWorkflow {
    type Output = String;

    async fn run(self, flow: Flow) -> Result<String> {
        let tolerated = flow.submit(fail_but_dont_raise());
        let raises = self.fail.then(|| flow.submit(fail_and_raise()));
        let failure = tolerated.await.expect_err("it fails");
        if let Some(raises) = raises {
            // Also when nobody looks at its result. It is awaited so that the workflow does not end
            // before it.
            let _ = raises.await;
        }
        Ok(failure.reason())
    }

    fn on_failure(_: &ReplayContext<'_>, reason: &str, _: Option<&str>) {
        println!("FailingWorkflow.on_failure: {reason}");
    }
}

/// Runs tasks that fail, and does not: it has a child tried again later, once, and does without the
/// others.
#[workflow(name = "not_failing", version = "example", task_list = "example")]
pub struct NotFailingWorkflow {}

impl Workflow for NotFailingWorkflow {
    type Output = Vec<serde_json::Value>;

    async fn run(self, flow: Flow) -> Result<Vec<serde_json::Value>> {
        flow.on_task_failure(|failure| match failure.name() {
            "failing" if failure.attempt() < 2 => {
                FailureDecision::retry_later(Duration::from_secs(1))
            }
            "failing" => FailureDecision::ignore("never mind"),
            _ => FailureDecision::none(),
        });
        let group = Group::new()
            .append(FailingWorkflow { fail: true })
            .append(FailingWorkflow { fail: false })
            .append(time_out())
            .bubbles_error_on_failure(false);
        Ok(flow.submit(group).await?)
    }

    fn on_completed(context: &ReplayContext<'_>) {
        let id = context.run_context().workflow_id;
        println!("NotFailingWorkflow.on_completed: {id}");
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_task_that_raises_fails_the_workflow() {
        let run = simpleflow::testing::run(FailingWorkflow { fail: true });
        assert_eq!(
            run.failure().unwrap().reason,
            "Workflow execution error in activity-examples.failing.fail_and_raise: \
             \"Error: this task had a problem, and fails the workflow\""
        );
    }

    #[test]
    fn a_failure_may_be_a_value() {
        let run = simpleflow::testing::run(FailingWorkflow { fail: false });
        assert_eq!(
            run.result::<String>().unwrap(),
            "Error: this task had a problem, but it's okay"
        );
        assert_eq!(run.scheduled_activities().len(), 2);
    }

    #[test]
    fn a_workflow_has_a_word_in_what_becomes_of_failures() {
        let run = simpleflow::testing::run(NotFailingWorkflow {});
        let results = run.result::<Vec<Value>>().unwrap();
        let tolerated = "Error: this task had a problem, but it's okay";
        assert_eq!(json!(results), json!(["never mind", tolerated, null]));
    }
}
