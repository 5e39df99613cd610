//! The canvas: groups of tasks that run at the same time, chains of tasks that run one after the
//! other, and what becomes of them when a task fails.
//!
//! ```sh
//! simpleflow workflow.start --local examples.canvas.CanvasWorkflow --input '[1, 2, 3]'
//! ```

use serde_json::Value;
use simpleflow::prelude::*;
use simpleflow::{Chain, Group};

/// Adds one, and takes its time.
#[activity(task_list = "example", version = "example")]
pub async fn increment_slowly(x: i64) -> Result<i64> {
    tokio::time::sleep(Duration::from_millis(200)).await;
    Ok(x + 1)
}

/// The product of numbers.
#[activity(task_list = "example", version = "example")]
pub async fn multiply(numbers: Vec<i64>) -> Result<i64> {
    Ok(numbers.into_iter().product())
}

/// Fails.
#[activity(task_list = "example", version = "example")]
pub async fn fail_incrementing(x: i64) -> Result<i64> {
    bail!("failure on CPU intensive operation '{x} + 1'")
}

/// What the canvases gave.
#[derive(serde::Serialize)]
pub struct Results {
    /// `(x + 1) * (y + 1) * (z + 1)`.
    pub product: i64,
    /// Of a chain that broke.
    pub broken: Vec<Value>,
    /// Of a chain that went on after a failure.
    pub went_on: Vec<Value>,
    /// Of a chain with a chain in it that failed, and kept it to itself.
    pub kept_to_itself: Vec<Value>,
    /// Of a chain with chains in it, of which the innermost broke the one around it, but not more.
    pub bubbled: Vec<Value>,
}

/// Calculates with a canvas, and shows what failures do to others.
#[workflow(name = "canvas", version = "example", task_list = "example")]
pub struct CanvasWorkflow {
    /// A number.
    pub x: i64,
    /// Another.
    pub y: i64,
    /// One more.
    pub z: i64,
}

impl Workflow for CanvasWorkflow {
    type Output = Results;

    async fn run(self, flow: Flow) -> Result<Results> {
        let Self { x, y, z } = self;

        // The group's results are sent to the next of the chain; that they fit is checked by the
        // compiler. Of such a chain one may take the last result alone.
        let numbers: Group<i64> = [x, y, z].into_iter().map(increment_slowly).collect();
        let product = Chain::send_result(numbers).then(multiply).last();
        let product = flow.submit(product).await?;

        // A failure breaks a chain: what comes after is never run.
        let broken = Chain::new()
            .append(fail_incrementing(x))
            .append(increment_slowly(1))
            .append(multiply(vec![3, 2]))
            .raises_on_failure(false);
        let broken = flow.submit(broken).await?;

        // That can be bypassed. And the chain does not fail itself.
        let went_on = Chain::new()
            .append(fail_incrementing(x))
            .append(increment_slowly(1))
            .append(multiply(vec![3, 2]))
            .break_on_failure(false)
            .bubbles_error_on_failure(false);
        let went_on = flow.submit(went_on).await?;

        // A chain that does not raise does not break the chain around it.
        let kept_to_itself = Chain::new()
            .append(
                Chain::new()
                    .append(fail_incrementing(x))
                    .raises_on_failure(false),
            )
            .append(increment_slowly(1))
            .append(multiply(vec![3, 2]));
        let kept_to_itself = flow.submit(kept_to_itself).await?;

        // But it can.
        let bubbled = Chain::new()
            .append(
                Chain::new()
                    .append(
                        Chain::new()
                            .append(fail_incrementing(x))
                            .raises_on_failure(false)
                            .bubbles_error_on_failure(true),
                    )
                    .append(increment_slowly(1))
                    .bubbles_error_on_failure(false),
            )
            .append(multiply(vec![3, 2]));
        let bubbled = flow.submit(bubbled).await?;

        Ok(Results {
            product,
            broken,
            went_on,
            kept_to_itself,
            bubbled,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use simpleflow::testing::Test;

    use super::*;

    #[test]
    fn failures_stay_where_they_are_kept() {
        let run = Test::of(CanvasWorkflow { x: 1, y: 2, z: 3 })
            .replace::<increment_slowly, _>(|(x,): (i64,)| Ok::<_, Error>(x + 1))
            .run();
        assert_eq!(
            run.result::<Value>().unwrap(),
            json!({
                "product": 24,
                "broken": [null],
                "went_on": [null, 2, 6],
                "kept_to_itself": [[null], 2, 6],
                "bubbled": [[[null]], 6],
            })
        );
        // Of what comes after a failure, only what is not broken.
        assert_eq!(run.scheduled_activities().len(), 4 + 1 + 3 + 3 + 2);
    }
}
