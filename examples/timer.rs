//! Timers, and how one is cancelled.
//!
//! ```sh
//! simpleflow workflow.start --local examples.timer.TimerWorkflow --input '[1, 120]'
//! simpleflow workflow.start --local examples.timer.TimerWorkflow --skip-time
//! ```

use simpleflow::prelude::*;
use simpleflow::{Chain, FuncGroup, FutureState, Group};

/// Cancels timer 2 when timer 1 has fired.
#[workflow(name = "timer", version = "example", task_list = "example")]
pub struct TimerWorkflow {
    /// How long timer 1 takes, in seconds.
    #[default(30)]
    pub t1: u64,
    /// How long timer 2 takes, in seconds.
    #[default(120)]
    pub t2: u64,
}

impl Workflow for TimerWorkflow {
    type Output = String;

    async fn run(self, flow: Flow) -> Result<String> {
        let timer_2 = flow.start_timer("timer 2", Duration::from_secs(self.t2));
        let cancel = {
            let timer_2 = timer_2.clone();
            FuncGroup::new(move |_| timer_2.cancel())
        };
        let timer_1 = simpleflow::Timer::new("timer 1", Duration::from_secs(self.t1));
        let both = Group::new()
            .append(timer_2.clone())
            .append(Chain::new().append(timer_1).append(cancel))
            // A timer that was cancelled is a member that failed.
            .bubbles_error_on_failure(false);
        flow.submit(both).await?;
        Ok(match timer_2.state() {
            FutureState::Cancelled => "timer 1 fired, timer 2 was cancelled",
            _ => "both timers fired",
        }
        .to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longer_timer_is_cancelled() {
        let run = simpleflow::testing::run(TimerWorkflow { t1: 30, t2: 120 });
        let result: String = run.result().unwrap();
        assert_eq!(result, "timer 1 fired, timer 2 was cancelled");
        assert_eq!(run.elapsed().as_secs(), 30);
    }

    #[test]
    fn a_timer_that_fired_cannot_be_cancelled() {
        let run = simpleflow::testing::run(TimerWorkflow { t1: 120, t2: 30 });
        assert_eq!(run.result::<String>().unwrap(), "both timers fired");
        assert_eq!(run.elapsed().as_secs(), 120);
    }
}
