//! What the benchmarks share: the workflows that they run, measuring in pairs, and bounds.

use std::hint::black_box;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use simpleflow::prelude::*;

/// Adds one.
#[activity]
pub async fn increment(x: i64) -> i64 {
    x + 1
}

/// `n` activities, each with the result of the one before.
#[workflow]
pub struct Chain {
    /// How many.
    pub n: i64,
}

impl Workflow for Chain {
    type Output = i64;

    async fn run(self, flow: Flow) -> Result<i64> {
        let mut x = 0;
        for _ in 0..self.n {
            x = flow.submit(increment(x)).await?;
        }
        Ok(x)
    }
}

/// `n` activities at once, and the sum of their results.
#[workflow]
pub struct FanOut {
    /// How many.
    pub n: i64,
}

impl Workflow for FanOut {
    type Output = i64;

    async fn run(self, flow: Flow) -> Result<i64> {
        let parts: Vec<_> = (0..self.n).map(|x| flow.submit(increment(x))).collect();
        Ok(flow.wait_all(parts).await?.into_iter().sum())
    }
}

/// The times of one side.
#[derive(Debug)]
pub struct Times(Vec<Duration>);

impl Times {
    /// The times of some runs.
    ///
    /// # Panics
    /// When there is none.
    pub fn new(mut times: Vec<Duration>) -> Self {
        assert!(!times.is_empty());
        times.sort();
        Self(times)
    }

    /// The shortest.
    pub fn min(&self) -> Duration {
        self.0[0]
    }

    /// The one in the middle.
    pub fn median(&self) -> Duration {
        self.0[self.0.len() / 2]
    }
}

/// Measures two sides in turn, A B A B …, so that a machine whose speed drifts drifts for both.
///
/// Criterion and divan measure one side after the other, which on a shared machine compares two
/// moments and not two programs.
pub fn paired<A, B>(
    rounds: usize,
    mut a: impl FnMut() -> A,
    mut b: impl FnMut() -> B,
) -> (Times, Times) {
    let (mut times_a, mut times_b) = (Vec::new(), Vec::new());
    black_box(a());
    black_box(b());
    for _ in 0..rounds {
        times_a.push(timed(&mut a));
        times_b.push(timed(&mut b));
    }
    (Times::new(times_a), Times::new(times_b))
}

/// How long one call takes, without the drop of its result.
pub fn timed<T>(mut run: impl FnMut() -> T) -> Duration {
    let start = Instant::now();
    let result = black_box(run());
    let time = start.elapsed();
    drop(result);
    time
}

/// `a / b`, of durations.
pub fn ratio(a: Duration, b: Duration) -> f64 {
    a.as_secs_f64() / b.as_secs_f64()
}

/// Whether a bound of this program was missed.
static MISSED: AtomicBool = AtomicBool::new(false);

/// Says whether a figure keeps its bound, which is the most that it may be.
pub fn verdict(figure: f64, bound: f64) -> &'static str {
    judged(figure <= bound)
}

/// Says whether a figure keeps its bound, which is the least that it may be.
pub fn verdict_at_least(figure: f64, bound: f64) -> &'static str {
    judged(figure >= bound)
}

fn judged(kept: bool) -> &'static str {
    match kept {
        true => "kept",
        false => {
            MISSED.store(true, Ordering::Relaxed);
            "NOT KEPT"
        }
    }
}

/// Says that a figure with a bound is missing, which is no better than one that misses it.
pub fn not_measured() -> &'static str {
    MISSED.store(true, Ordering::Relaxed);
    "NOT MEASURED"
}

/// How a program ends that has printed all its figures: it fails if a bound was missed.
pub fn ended() -> ExitCode {
    match MISSED.load(Ordering::Relaxed) {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    }
}
