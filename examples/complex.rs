//! Workflows in a workflow, and an activity that needs the results of both.
//!
//! ```sh
//! simpleflow workflow.start --local examples.complex.ComplexWorkflow --input '[1, 5]'
//! ```

use simpleflow::prelude::*;

use crate::basic::BasicWorkflow;

/// Adds.
#[activity(task_list = "quickstart", version = "example")]
pub async fn add(a: i64, b: i64) -> i64 {
    a + b
}

/// Computes (x + 1) * 2 and (x + 2) * 2 in workflows of their own, and adds them.
#[workflow(name = "complex", version = "example", task_list = "example")]
pub struct ComplexWorkflow {
    /// The number.
    pub x: i64,
    /// How long the delay in each takes, in seconds.
    #[default(30.0)]
    pub t: f64,
}

impl Workflow for ComplexWorkflow {
    type Output = i64;

    async fn run(self, flow: Flow) -> Result<i64> {
        let Self { x, t } = self;
        let y = flow.submit(BasicWorkflow { x, t });
        let z = flow.submit(BasicWorkflow { x: x + 1, t });
        // It is scheduled when both executions have completed.
        flow.submit(add(&y, &z)).get().await
    }
}

#[cfg(test)]
mod tests {
    use simpleflow::testing::explore;

    use super::*;

    #[test]
    fn adds_the_results_of_its_children() {
        let run = simpleflow::testing::run(ComplexWorkflow { x: 1, t: 0.0 });
        assert_eq!(run.result::<i64>().unwrap(), 10);
        assert_eq!(run.scheduled_activities().len(), 1);
    }

    #[test]
    fn adds_the_same_in_the_orders_that_are_tried() {
        let explored = explore(ComplexWorkflow { x: 1, t: 0.0 }).bound(400).run();
        assert_eq!(explored.assert_same_result().result::<i64>(), Ok(10));
    }
}
