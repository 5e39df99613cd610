//! Dataflow in its smallest form: `double` and `delay` both need the result of `increment`, and
//! run at the same time when they have it.
//!
//! ```sh
//! simpleflow workflow.start --local examples.basic.BasicWorkflow --input '[1, 5]'
//! ```

use simpleflow::prelude::*;

/// Adds one.
#[activity(task_list = "quickstart", version = "example")]
pub async fn increment(x: i64) -> Result<i64> {
    Ok(x + 1)
}

/// Doubles.
#[activity(task_list = "quickstart", version = "example")]
pub async fn double(x: i64) -> Result<i64> {
    Ok(x * 2)
}

/// Gives `x` back after some seconds.
#[activity(
    task_list = "quickstart",
    version = "example",
    retry = 3,
    heartbeat_timeout = 60
)]
pub async fn delay(seconds: f64, x: i64) -> Result<i64> {
    tokio::time::sleep(Duration::try_from_secs_f64(seconds)?).await;
    Ok(x)
}

/// Computes (x + 1) * 2. The fields are the input: `[1, 5]`, `{"x": 1}`, or
/// `{"args": [1], "kwargs": {"t": 5}}` on the command line.
#[workflow(name = "basic", version = "example", task_list = "example")]
pub struct BasicWorkflow {
    /// The number.
    pub x: i64,
    /// How long the delay takes, in seconds.
    #[default(30.0)]
    pub t: f64,
}

impl Workflow for BasicWorkflow {
    type Output = i64;

    async fn run(self, flow: Flow) -> Result<i64> {
        let y = flow.submit(increment(self.x));
        let yy = flow.submit(delay(self.t, &y)); // &y is a dependency, not a wait
        let z = flow.submit(double(&y));
        println!("({} + 1) * 2 = {}", self.x, z.get().await?);
        flow.wait_all((&yy, &z)).await?;
        z.get().await
    }
}

#[cfg(test)]
mod tests {
    use simpleflow::testing::explore;

    use super::*;

    #[test]
    fn computes() {
        let run = simpleflow::testing::run(BasicWorkflow { x: 1, t: 0.0 });
        assert_eq!(run.result::<i64>().unwrap(), 4);
        let scheduled = run.scheduled_activities();
        assert_eq!(
            scheduled,
            [
                "activity-examples.basic.increment-1",
                "activity-examples.basic.delay-1",
                "activity-examples.basic.double-1",
            ]
        );
    }

    #[test]
    fn computes_the_same_in_every_order() {
        let explored = explore(BasicWorkflow { x: 1, t: 0.0 }).run();
        assert!(explored.is_exhaustive());
        assert_eq!(explored.assert_same_result().result::<i64>(), Ok(4));
    }

    #[tokio::test]
    async fn an_activity_is_a_function_too() {
        assert_eq!(increment::run(1).await.unwrap(), 2);
    }
}
