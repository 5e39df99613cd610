//! Priorities of tasks. Of the tasks that wait on a task list, the one with the highest goes first.
//!
//! Within one workflow they mean little: they are for workflows that share a task list. See [SWF's
//! guide](https://docs.aws.amazon.com/amazonswf/latest/developerguide/programming-priority.html).
//!
//! ```sh
//! simpleflow workflow.start --local examples.priorities.WorkflowPriority1 --input '[1]'
//! ```

use simpleflow::prelude::*;

/// Adds one.
#[activity(task_list = "quickstart", version = "example")]
pub async fn increment(x: i64) -> i64 {
    x + 1
}

/// Adds one, with a priority of its own.
#[activity(task_list = "quickstart", version = "example", task_priority = 12)]
pub async fn increment_with_high_prio(x: i64) -> i64 {
    x + 1
}

/// Without a priority: that is 0.
#[workflow(name = "priority-1", version = "example", task_list = "example")]
pub struct WorkflowPriority1 {
    /// The number.
    pub x: i64,
}

impl Workflow for WorkflowPriority1 {
    type Output = i64;

    async fn run(self, flow: Flow) -> Result<i64> {
        Ok(flow.submit(increment(self.x)).await?)
    }
}

/// Task by task.
#[workflow(name = "priority-2", version = "example", task_list = "example")]
pub struct WorkflowPriority2 {
    /// The number.
    pub x: i64,
}

impl Workflow for WorkflowPriority2 {
    type Output = i64;

    async fn run(self, flow: Flow) -> Result<i64> {
        let a = flow.submit(increment(self.x).priority(5));
        let b = flow.submit(increment(&a)); // none
        Ok(b.await?)
    }
}

/// For all tasks of a workflow.
#[workflow(
    name = "priority-3",
    version = "example",
    task_list = "example",
    task_priority = 5
)]
pub struct WorkflowPriority3 {
    /// The number.
    pub x: i64,
}

impl Workflow for WorkflowPriority3 {
    type Output = i64;

    async fn run(self, flow: Flow) -> Result<i64> {
        Ok(flow.submit(increment(self.x)).await?) // 5
    }
}

/// As the input says.
#[workflow(name = "priority-4", version = "example", task_list = "example")]
pub struct WorkflowPriority4 {
    /// The number, and the priority.
    pub x: i32,
}

impl Workflow for WorkflowPriority4 {
    type Output = i64;

    async fn run(self, flow: Flow) -> Result<i64> {
        Ok(flow
            .submit(increment(i64::from(self.x)).priority(self.x))
            .await?)
    }
}

/// What the activity says goes before what the workflow says, and what the call says before both.
#[workflow(
    name = "priority-5",
    version = "example",
    task_list = "example",
    task_priority = 5
)]
pub struct WorkflowPriority5 {
    /// The number.
    pub x: i64,
}

impl Workflow for WorkflowPriority5 {
    type Output = i64;

    async fn run(self, flow: Flow) -> Result<i64> {
        let a = flow.submit(increment_with_high_prio(self.x)); // 12
        let b = flow.submit(increment_with_high_prio(&a).priority(13));
        let c = flow.submit(increment_with_high_prio(&b).priority(0)); // as if none had one
        Ok(c.await?)
    }
}

#[cfg(test)]
mod tests {
    use simpleflow::model::EventAttributes;

    use super::*;

    /// The priorities of a workflow's tasks; 0 stands for none.
    fn priorities<W: Workflow>(workflow: W) -> Vec<i32> {
        let run = simpleflow::testing::run(workflow);
        run.result::<i64>().unwrap();
        let events = run.history.iter();
        events
            .filter_map(|event| match &event.attributes {
                EventAttributes::ActivityTaskScheduled(task) => Some(task.task_priority),
                _ => None,
            })
            .map(|priority| priority.map_or(0, |priority| priority.0))
            .collect()
    }

    #[test]
    fn priorities_are_those_of_the_call_the_activity_and_the_workflow() {
        assert_eq!(priorities(WorkflowPriority1 { x: 1 }), [0]);
        assert_eq!(priorities(WorkflowPriority2 { x: 1 }), [5, 0]);
        assert_eq!(priorities(WorkflowPriority3 { x: 1 }), [5]);
        assert_eq!(priorities(WorkflowPriority4 { x: 7 }), [7]);
        assert_eq!(priorities(WorkflowPriority5 { x: 1 }), [12, 13, 0]);
    }
}
