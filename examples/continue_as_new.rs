//! A workflow that goes on for ever in new runs, each with a history of its own.
//!
//! ```sh
//! simpleflow workflow.start --local examples.continue_as_new.Counter --input '[0, 3]'
//! ```

use simpleflow::prelude::*;

/// Adds one.
#[activity(task_list = "quickstart", version = "example")]
pub async fn increment(x: u64) -> u64 {
    x + 1
}

/// Counts up to a number, one in each run.
#[workflow(name = "continue_as_new", version = "example", task_list = "example")]
pub struct Counter {
    /// Where this run begins.
    #[default(0)]
    pub from: u64,
    /// Where the last run ends.
    #[default(10)]
    pub to: u64,
}

impl Workflow for Counter {
    type Output = u64;

    async fn run(self, flow: Flow) -> Result<u64> {
        let count = flow.submit(increment(self.from)).await?;
        // A workflow that runs for long would ask flow.history_length() whether it is time.
        if count < self.to {
            let to = self.to;
            return flow.continue_as_new(Self { from: count, to });
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use simpleflow::model::EventAttributes;

    use super::*;

    #[test]
    fn counts_in_several_runs() {
        let run = simpleflow::testing::run(Counter { from: 0, to: 3 });
        assert_eq!(run.result::<u64>().unwrap(), 3);
        // The history is that of the last run, which began at 2.
        let EventAttributes::WorkflowExecutionStarted(started) = &run.history[0].attributes else {
            panic!("{:?}", run.history[0]);
        };
        assert_eq!(
            started.input.as_deref(),
            Some(r#"{"args":[2,3],"kwargs":{}}"#)
        );
        assert!(started.continued_execution_run_id.is_some());
    }
}
