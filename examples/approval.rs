//! A timer and a signal: somebody is asked, and has so long to answer.
//!
//! ```sh
//! simpleflow workflow.start --local examples.approval.Approval --input '["ada", 10]' \
//!     --signal 'answer={"approved": true}'
//! simpleflow workflow.start --local examples.approval.Approval --input '["ada", 86400]' --skip-time
//! ```

use simpleflow::prelude::*;

/// Asks for an approval.
#[activity(version = "example")]
pub async fn ask(person: String) -> Result<String> {
    Ok(format!("asked {person}"))
}

/// Writes down how it ended.
#[activity(version = "example")]
pub async fn record(person: String, decision: String) -> Result<String> {
    Ok(format!("{person}: {decision}"))
}

/// The payload of the signal `answer`.
#[derive(serde::Deserialize)]
pub struct Answer {
    approved: bool,
}

/// Asks somebody and waits for the signal `answer`, as long as the limit says.
#[workflow(name = "approval", version = "example")]
pub struct Approval {
    /// Who is asked.
    pub person: String,
    /// How long there is to answer, in seconds.
    #[default(86_400)]
    pub seconds: u64,
}

impl Workflow for Approval {
    type Output = String;

    async fn run(self, flow: Flow) -> Result<String> {
        flow.submit(ask(&*self.person)).await?;
        let answer = flow.wait_signal::<Answer>("answer");
        let deadline = flow.start_timer("deadline", Duration::from_secs(self.seconds));
        let decision = tokio::select! {
            biased;
            answer = answer.get() => match answer?.approved {
                true => "approved",
                false => "refused",
            },
            _ = deadline.get() => "no answer",
        };
        deadline.cancel();
        Ok(flow.submit(record(self.person, decision)).await?)
    }
}

#[cfg(test)]
mod tests {
    use simpleflow::testing::{Test, explore};

    use super::*;

    fn approval() -> Approval {
        Approval {
            person: "ada".into(),
            seconds: 86_400,
        }
    }

    #[test]
    fn an_answer_ends_the_wait() {
        let run = Test::of(approval())
            .signal("answer", serde_json::json!({"approved": true}))
            .run();
        assert_eq!(run.result::<String>().unwrap(), "ada: approved");
    }

    #[test]
    fn the_answer_or_the_deadline_decides_in_every_order() {
        let explored = explore(approval())
            .signal("answer", serde_json::json!({"approved": false}))
            .run();
        assert!(explored.is_exhaustive());
        let endings = ["ada: no answer", "ada: refused"];
        assert_eq!(explored.results().len(), endings.len());
        explored.allow_results(|run| {
            let ending = run.result::<String>();
            ending.is_ok_and(|ending| endings.contains(&&*ending))
        });
    }

    #[test]
    fn a_day_without_an_answer_is_an_end_too() {
        let run = Test::of(approval()).run();
        assert_eq!(run.result::<String>().unwrap(), "ada: no answer");
        assert!(run.elapsed() >= Duration::from_secs(86_400));
    }
}
