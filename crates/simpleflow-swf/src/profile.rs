//! Where the time of an execution went.

mod html;

use std::cmp::Reverse;
use std::time::Duration;

use crate::History;
use crate::history::{Attempt, Task, TaskKind};

pub use html::Timeline;

/// A time in seconds, of whole microseconds: the number that is nearest to it, as decimals are read.
/// [`Duration::as_secs_f64`] adds two numbers, so that 5.278 seconds are 5.2780000000000005.
pub fn seconds(time: Duration) -> f64 {
    time.as_micros() as f64 / 1e6
}

/// Where the time of a task went, of its last attempt.
#[derive(Clone, Copy, Debug)]
pub struct Timing<'a> {
    /// The task.
    pub task: &'a Task,
    /// For how long it waited.
    pub waited: Duration,
    /// For how long it ran.
    pub ran: Duration,
    /// That as a share of the time from the history's first event to its last, in percent.
    pub percentage: f64,
}

impl Timing<'_> {
    /// The attempt that was measured.
    pub fn attempt(&self) -> &Attempt {
        self.task.last()
    }
}

impl History {
    /// The activities, Lambda functions and child executions that ran to an end, those that took
    /// longest first.
    pub fn profile(&self) -> Vec<Timing<'_>> {
        let total = seconds(self.elapsed());
        let mut timings: Vec<_> = self
            .tasks()
            .iter()
            .filter(|task| {
                matches!(
                    task.kind,
                    TaskKind::Activity | TaskKind::LambdaFunction | TaskKind::ChildWorkflow
                )
            })
            .filter_map(|task| {
                let (waited, ran) = (task.last().waited()?, task.last().ran()?);
                let percentage = match total > 0.0 {
                    true => seconds(ran) / total * 100.0,
                    false => 0.0,
                };
                Some(Timing {
                    task,
                    waited,
                    ran,
                    percentage,
                })
            })
            .collect();
        timings.sort_by_key(|timing| Reverse(timing.ran));
        timings
    }
}
