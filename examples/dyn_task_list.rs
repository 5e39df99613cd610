//! A task list that is known only when the workflow runs: the call of an activity can say it.
//!
//! ```sh
//! simpleflow workflow.start --local examples.dyn_task_list.DynTaskListWorkflow \
//!     --input '[5, "machine-17"]'
//! ```

use simpleflow::prelude::*;

/// Doubles.
#[activity(version = "example")]
pub async fn double(x: i64) -> i64 {
    x * 2
}

/// Doubles a number where it is told to.
#[workflow(name = "dyn_task_list", version = "example", task_list = "example")]
pub struct DynTaskListWorkflow {
    /// The number.
    pub x: i64,
    /// The task list of the workers that shall do it.
    pub task_list: String,
}

impl Workflow for DynTaskListWorkflow {
    type Output = i64;

    async fn run(self, flow: Flow) -> Result<i64> {
        let doubled = flow.submit(double(self.x).task_list(self.task_list));
        doubled.get().await
    }
}

#[cfg(test)]
mod tests {
    use simpleflow::model::EventAttributes;

    use super::*;

    #[test]
    fn the_task_is_on_the_list() {
        let workflow = DynTaskListWorkflow {
            x: 5,
            task_list: "machine-17".into(),
        };
        let run = simpleflow::testing::run(workflow);
        assert_eq!(run.result::<i64>().unwrap(), 10);
        let lists = run
            .history
            .iter()
            .filter_map(|event| match &event.attributes {
                EventAttributes::ActivityTaskScheduled(a) => Some(a.task_list.name.as_str()),
                _ => None,
            });
        assert_eq!(lists.collect::<Vec<_>>(), ["machine-17"]);
    }
}
