//! Activities that are programs: a signature, and a command line that goes on with the arguments.
//! Any language will do, since a program reads its arguments and prints its result.
//!
//! ```sh
//! simpleflow workflow.start --local examples.program.Factorial --input '[10]'
//! ```

use simpleflow::prelude::*;

/// Computes, as in `expr 6 '*' 7`. It prints a number, which is JSON. Its exit code is not 0 when
/// the arguments are no numbers, which fails the task with what it printed on stderr.
#[activity(
    program = "expr",
    version = "example",
    task_list = "quickstart",
    heartbeat_timeout = 60
)]
pub fn expr(left: i64, operator: String, right: i64) -> Result<i64>;

/// Computes n! by asking another program for each product.
#[workflow(name = "factorial", version = "example", task_list = "example")]
pub struct Factorial {
    /// The number.
    pub n: i64,
}

impl Workflow for Factorial {
    type Output = i64;

    async fn run(self, flow: Flow) -> Result<i64> {
        let mut product = flow.submit(expr(1, "*", 1));
        for factor in 2..=self.n {
            product = flow.submit(expr(&product, "*", factor));
        }
        product.await.map_err(Into::into)
    }
}

#[cfg(test)]
mod tests {
    use simpleflow::testing::explore;

    use super::*;

    #[test]
    fn multiplies_whenever_the_decider_crashes() {
        let explored = explore(Factorial { n: 4 }).crashes(2).run();
        assert!(explored.is_exhaustive());
        assert_eq!(explored.assert_same_result().result::<i64>(), Ok(24));
    }

    #[test]
    fn multiplies() {
        let run = simpleflow::testing::run(Factorial { n: 5 });
        assert_eq!(run.result::<i64>().unwrap(), 120);
    }
}
