//! Failure: tasks that are tried again, and a workflow that decides what a failure means.
//!
//! ```sh
//! simpleflow workflow.start --local examples.retry.Download --input '[3]'
//! simpleflow workflow.start --local examples.retry.Download --input '[9]'
//! ```

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use simpleflow::prelude::*;

/// What the server was asked for: by which run, and which part.
static ASKED: Mutex<BTreeSet<(String, u32)>> = Mutex::new(BTreeSet::new());

/// Fetches a part. The server is busy when it is asked for every fourth one for the first time.
#[activity(version = "example", retry = 2)]
pub async fn fetch(context: ActivityContext, part: u32) -> Result<String> {
    let request = (context.info().run_id.to_string(), part);
    let mut asked = ASKED.lock().unwrap_or_else(PoisonError::into_inner);
    if asked.insert(request) && part % 4 == 3 {
        bail!("the server is busy, at part {part}");
    }
    Ok(format!("part {part}"))
}

/// Fails for parts that are not there, however often it is tried.
#[activity(version = "example", retry = 1)]
pub async fn check(part: String) -> Result<String> {
    if part.ends_with('8') {
        bail!("{part} is damaged");
    }
    Ok(part)
}

/// Downloads parts one after another. A damaged one is left out, and named in the result; more
/// than one fails the workflow.
#[workflow(name = "download_parts", version = "example")]
pub struct Download {
    /// How many parts there are.
    pub parts: u32,
}

impl Workflow for Download {
    type Output = Vec<String>;

    async fn run(self, flow: Flow) -> Result<Vec<String>> {
        let mut result = Vec::new();
        let mut damaged = 0;
        for part in 1..=self.parts {
            let text = flow.submit(fetch(part));
            match flow.submit(check(&text)).await {
                Ok(text) => result.push(text),
                Err(error) => {
                    damaged += 1;
                    result.push(format!("without part {part}: {}", error.reason()));
                }
            }
            if damaged > 1 {
                bail!("{damaged} parts are damaged");
            }
        }
        Ok(result)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use simpleflow::testing::{Test, explore};

    use super::*;

    #[test]
    fn is_tried_again_and_goes_on() {
        let calls = AtomicU32::new(0);
        let busy_at_first = move |(part,): (u32,)| match calls.fetch_add(1, Ordering::Relaxed) % 2 {
            0 => Err("busy".to_owned()),
            _ => Ok(format!("part {part}")),
        };
        let run = Test::of(Download { parts: 9 })
            .replace::<fetch, _>(busy_at_first)
            .run();
        let fetches = run
            .scheduled_activities()
            .into_iter()
            .filter(|id| id.contains("fetch"));
        assert_eq!(fetches.count(), 2 * 9);
        let parts = run.result::<Vec<String>>().unwrap();
        assert_eq!(parts.len(), 9);
        assert_eq!(parts[0], "part 1");
        assert_eq!(parts[7], "without part 8: Error: part 8 is damaged");
    }

    #[test]
    fn one_failure_of_any_task_changes_nothing() {
        let explored = explore(Download { parts: 2 })
            .replace::<fetch, _>(|(part,): (u32,)| Ok::<_, Error>(format!("part {part}")))
            .fail_any(1)
            .run();
        assert!(explored.is_exhaustive());
        let parts = explored.assert_same_result().result::<Vec<String>>();
        assert_eq!(parts.unwrap(), ["part 1", "part 2"]);
    }

    #[test]
    fn too_much_damage_fails() {
        let run = simpleflow::testing::run(Download { parts: 18 });
        let failure = run.failure().unwrap();
        assert_eq!(
            failure.reason,
            "Workflow execution failed: 2 parts are damaged"
        );
    }
}
