//! Map and reduce over thousands of parts, of which so many are in work at a time.
//!
//! A history holds 25,000 events, about 4,000 activities. So the parts are mapped by children, each with
//! a history of its own, and their results are added as they come.
//!
//! ```sh
//! simpleflow workflow.start --local examples.map_reduce.Primes --input '[1000000, 500]' --skip-time
//! ```

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use simpleflow::prelude::*;

/// How many parts a child maps.
const PARTS: u64 = 1_000;

/// How many activities of a child, and how many children, are open at a time.
const AT_ONCE: usize = 50;

/// Counts the primes from a number up to another. A plain function may compute for long: it has a
/// thread of its own.
#[activity(version = "example")]
pub fn count_primes(from: u64, to: u64) -> u64 {
    let is_prime = |n: &u64| *n > 1 && !(2..=n.isqrt()).any(|divisor| n.is_multiple_of(divisor));
    (from..to).filter(is_prime).count() as u64
}

/// Counts the primes of some parts.
#[workflow(name = "primes_of_parts", version = "example")]
pub struct PrimesOfParts {
    /// The first number.
    pub from: u64,
    /// The number after the last.
    pub to: u64,
    /// How many numbers a part has.
    pub part: u64,
}

impl Workflow for PrimesOfParts {
    type Output = u64;

    async fn run(self, flow: Flow) -> Result<u64> {
        let Self { from, to, part } = self;
        let parts = ranges(from, to, part);
        let counts = parts.map(|(from, to)| flow.submit(count_primes(from, to)));
        let counts = stream::iter(counts).buffer_unordered(AT_ONCE);
        Ok(counts
            .try_fold(0, async |sum, count| Ok(sum + count))
            .await?)
    }
}

/// Counts the primes below a number.
#[workflow(name = "primes", version = "example")]
pub struct Primes {
    /// The number.
    pub below: u64,
    /// How many numbers a part has.
    #[default(1_000)]
    pub part: u64,
}

impl Workflow for Primes {
    type Output = u64;

    async fn run(self, flow: Flow) -> Result<u64> {
        let Self { below, part } = self;
        if part == 0 {
            bail!("a part has one number at least");
        }
        let children = ranges(0, below, part.saturating_mul(PARTS))
            .map(|(from, to)| flow.submit(PrimesOfParts { from, to, part }));
        let counts = stream::iter(children).buffer_unordered(AT_ONCE);
        Ok(counts
            .try_fold(0, async |sum, count| Ok(sum + count))
            .await?)
    }
}

/// The ranges of so many numbers, of which the last may have fewer.
fn ranges(from: u64, to: u64, length: u64) -> impl Iterator<Item = (u64, u64)> {
    let next = move |from: &u64| from.checked_add(length);
    std::iter::successors(Some(from), next)
        .take_while(move |from| *from < to)
        .map(move |from| (from, to.min(from.saturating_add(length))))
}

#[cfg(test)]
mod tests {
    use simpleflow::model::EventAttributes;
    use simpleflow::testing::explore;

    use super::*;

    #[test]
    fn counts_over_thousands_of_parts() {
        let run = simpleflow::testing::run(Primes {
            below: 25_000,
            part: 10,
        });
        assert_eq!(run.result::<u64>().unwrap(), 2_762);
        let is_child = |event: &&simpleflow::model::HistoryEvent| {
            matches!(
                event.attributes,
                EventAttributes::StartChildWorkflowExecutionInitiated(_)
            )
        };
        assert_eq!(run.history.iter().filter(is_child).count(), 3);
    }

    #[test]
    fn counts_the_same_in_the_orders_that_are_tried() {
        let explored = explore(Primes {
            below: 30,
            part: 10,
        })
        .bound(400)
        .run();
        assert_eq!(explored.assert_same_result().result::<u64>(), Ok(10));
    }

    #[test]
    fn nothing_to_count_is_nothing_to_do() {
        let run = simpleflow::testing::run(Primes { below: 0, part: 10 });
        assert_eq!(run.result::<u64>().unwrap(), 0);
        let run = simpleflow::testing::run(Primes { below: 9, part: 0 });
        let failure = run.failure().unwrap();
        assert!(failure.reason.contains("a part has one number at least"));
    }
}
