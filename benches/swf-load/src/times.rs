//! Many durations, and what is said about them.

use std::time::Duration;

/// Durations, in milliseconds.
#[derive(Clone, Debug, Default)]
pub struct Times(Vec<f64>);

impl Times {
    /// Adds one.
    pub fn push(&mut self, time: Duration) {
        self.push_ms(time.as_secs_f64() * 1e3);
    }

    /// Adds one in milliseconds, which may be negative.
    pub fn push_ms(&mut self, time: f64) {
        self.0.push(time);
    }

    /// Adds those of another.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The one that `percent` of them do not exceed; nothing where there are none.
    pub fn percentile(&self, percent: usize) -> Option<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let rank = (sorted.len() * percent).div_ceil(100).max(1);
        sorted.get(rank - 1).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_one_of_them() {
        let mut times = Times::default();
        assert_eq!(times.percentile(50), None);
        for ms in (1..=200).rev() {
            times.push_ms(f64::from(ms));
        }
        assert_eq!(times.len(), 200);
        assert_eq!(times.percentile(50), Some(100.0));
        assert_eq!(times.percentile(99), Some(198.0));
        assert_eq!(times.percentile(100), Some(200.0));
    }
}
