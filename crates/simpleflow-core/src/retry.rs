//! Retry policies: whether and when a task that failed is tried again.

use std::time::Duration;

use md5::{Digest, Md5};
use simpleflow_model::SmolStr;

use crate::error::{TaskError, TaskErrorKind};

/// Whether and when an activity or a child that failed is tried again.
///
/// A number is the policy of the Python original: so many more attempts, each at once. A policy can
/// be written wherever a number of retries can: in `#[activity(retry = ...)]` and
/// `#[workflow(retry = ...)]`, and on a call.
///
/// ```
/// # use simpleflow_core::RetryPolicy;
/// # use std::time::Duration;
/// // After 10, 20, 40, 60, 60 … seconds, each up to a fifth shorter.
/// let policy = RetryPolicy::exponential(10, Duration::from_secs(10))
///     .max_interval(Duration::from_secs(60))
///     .jitter(0.2)
///     .non_retryable("ValueError");
/// ```
///
/// The time between is a timer of the service: seconds, a fraction is rounded up. A failure that
/// says itself that it is [not to be retried](crate::Error::non_retryable) is not, whatever the
/// policy, nor is a task whose cancel was asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct RetryPolicy {
    retries: u32,
    first_interval: Duration,
    factor: f64,
    max_interval: Duration,
    jitter: f64,
    non_retryable: Vec<SmolStr>,
    timeouts: bool,
}

impl RetryPolicy {
    /// So many attempts more than the first, each at once.
    pub fn new(retries: u32) -> Self {
        Self {
            retries,
            first_interval: Duration::ZERO,
            factor: 1.0,
            max_interval: Duration::from_secs(3_600),
            jitter: 0.0,
            non_retryable: Vec::new(),
            timeouts: true,
        }
    }

    /// So many attempts more than the first: the first after this time, each further one after twice
    /// the time, an hour at most.
    pub fn exponential(retries: u32, first_interval: Duration) -> Self {
        Self::new(retries)
            .first_interval(first_interval)
            .factor(2.0)
    }

    /// How long to wait before the second attempt.
    #[must_use]
    pub fn first_interval(mut self, interval: Duration) -> Self {
        self.first_interval = interval;
        self
    }

    /// By how much each wait is longer than the one before; 1 or less, or no number, keeps it.
    #[must_use]
    pub fn factor(mut self, factor: f64) -> Self {
        self.factor = factor.max(1.0);
        self
    }

    /// The longest wait: an hour unless this is said.
    #[must_use]
    pub fn max_interval(mut self, interval: Duration) -> Self {
        self.max_interval = interval;
        self
    }

    /// By which share at most a wait is shortened at random, from 0 to 1, so that tasks that failed
    /// together do not come back together. It is the same at each replay.
    #[must_use]
    pub fn jitter(mut self, share: f64) -> Self {
        self.jitter = if share > 0.0 { share.min(1.0) } else { 0.0 };
        self
    }

    /// Adds a kind of failure that is not tried again: the type of the error, with or without its
    /// path, as in `ValueError` or `builtins.ValueError`; or the whole reason.
    #[must_use]
    pub fn non_retryable(mut self, error: impl Into<SmolStr>) -> Self {
        self.non_retryable.push(error.into());
        self
    }

    /// Whether a task whose time was up is tried again: it is unless this is said.
    #[must_use]
    pub fn timeouts(mut self, retried: bool) -> Self {
        self.timeouts = retried;
        self
    }

    /// How long to wait until the next attempt after a failure; none when there is none.
    pub(crate) fn delay_after(&self, error: &TaskError, run_id: &str) -> Option<Duration> {
        let attempt = error.attempt();
        let is_retried = match error.kind() {
            TaskErrorKind::Failed { .. } => !self.excludes(error),
            TaskErrorKind::TimedOut { .. } => self.timeouts,
            TaskErrorKind::Terminated => true,
            _ => false,
        };
        if !is_retried || attempt > self.retries {
            return None;
        }
        let seed = format!("{run_id}\n{}\n{attempt}", error.task_id());
        Some(self.interval(attempt, share_of(&seed)))
    }

    fn excludes(&self, error: &TaskError) -> bool {
        if error.is_non_retryable() {
            return true;
        }
        if self.non_retryable.is_empty() {
            return false;
        }
        let reason = error.reason();
        let error_type = error.error_type().unwrap_or_default();
        let short = error_type.rsplit(['.', ':']).next().unwrap_or_default();
        let is_it = |name: &SmolStr| [&*reason, &*error_type, short].contains(&name.as_str());
        self.non_retryable.iter().any(is_it)
    }

    /// The wait after this attempt, from 1, shortened by this share of the jitter.
    fn interval(&self, attempt: u32, share: f64) -> Duration {
        let longest = self.max_interval.as_secs_f64();
        let mut seconds = self.first_interval.as_secs_f64();
        // A product and no power: that is the same on every machine.
        for _ in 1..attempt {
            if seconds >= longest || self.factor <= 1.0 || seconds == 0.0 {
                break;
            }
            seconds *= self.factor;
        }
        let seconds = seconds.min(longest) * (1.0 - self.jitter * share);
        Duration::try_from_secs_f64(seconds).unwrap_or(self.max_interval)
    }
}

impl Default for RetryPolicy {
    /// One attempt alone.
    fn default() -> Self {
        Self::new(0)
    }
}

impl From<u32> for RetryPolicy {
    fn from(retries: u32) -> Self {
        Self::new(retries)
    }
}

/// A number from 0 to less than 1 that a text stands for.
fn share_of(text: &str) -> f64 {
    let digest = Md5::digest(text.as_bytes());
    let number = digest
        .iter()
        .take(4)
        .fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
    f64::from(number) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(policy: &RetryPolicy, share: f64) -> Vec<f64> {
        let interval = |attempt| policy.interval(attempt, share).as_secs_f64();
        (1..=5).map(interval).collect()
    }

    #[test]
    fn waits_grow_up_to_the_longest() {
        let policy = RetryPolicy::exponential(9, Duration::from_millis(1_500))
            .max_interval(Duration::from_secs(10));
        assert_eq!(seconds(&policy, 0.5), [1.5, 3.0, 6.0, 10.0, 10.0]);
        assert_eq!(seconds(&RetryPolicy::new(9), 0.5), [0.0; 5]);
        let odd = policy.factor(f64::NAN).jitter(7.0);
        assert_eq!(seconds(&odd, 0.5), [0.75; 5]);
        let huge = RetryPolicy::exponential(u32::MAX, Duration::MAX).max_interval(Duration::MAX);
        assert_eq!(huge.interval(u32::MAX, 0.0), Duration::MAX);
    }

    #[test]
    fn a_share_is_spread_and_the_same_each_time() {
        let shares: Vec<f64> = (0..100).map(|n| share_of(&n.to_string())).collect();
        assert!(shares.iter().all(|share| (0.0..1.0).contains(share)));
        let sum: f64 = shares.iter().sum();
        assert!((40.0..60.0).contains(&sum), "{sum}");
        assert_eq!(share_of("7"), shares[7]);
    }
}
