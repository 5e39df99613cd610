//! Time limits, on the local backend.

use simpleflow::Elapsed;
use simpleflow::prelude::*;
use simpleflow::testing::Test;

/// Waits for a signal for a day, then does without.
#[workflow]
struct Patient;

impl Workflow for Patient {
    type Output = (Option<String>, bool);

    async fn run(self, flow: Flow) -> Result<Self::Output> {
        let day = Duration::from_secs(86_400);
        let answer = flow.timeout(flow.wait_signal("answer"), day).await;
        let answer = match answer {
            Ok(answer) => Some(answer?),
            Err(elapsed) => {
                let _: Elapsed = elapsed;
                None
            }
        };
        // A limit on more than a task.
        let nap = async {
            for _ in 0..3 {
                flow.sleep(Duration::from_secs(20)).await?;
            }
            Ok::<_, TaskError>(())
        };
        let tired = flow.timeout(nap, Duration::from_secs(50)).await.is_err();
        Ok((answer, tired))
    }
}

#[test]
fn a_wait_that_is_too_long_is_given_up() {
    let run = Test::of(Patient).run();
    assert_eq!(run.result(), Ok((None::<String>, true)));
    let passed = run.elapsed().as_secs();
    assert!((86_450..86_460).contains(&passed), "{passed}");
}

#[test]
fn what_comes_in_time_is_not_waited_for_any_longer() {
    let run = Test::of(Patient).signal("answer", "yes").run();
    assert_eq!(run.result(), Ok((Some("yes".to_owned()), true)));
    let passed = run.elapsed().as_secs();
    assert!((50..60).contains(&passed), "{passed}");
}
