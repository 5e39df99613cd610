//! Middleware: code around the activities of a worker, whichever they are. It is chosen where the
//! worker is started; the workflow knows nothing of it.
//!
//! ```sh
//! simpleflow workflow.start --local examples.middleware.Party --input '[["ada", "mallory"]]' \
//!     --middleware-pre-execution invited --middleware-post-execution report
//! ```

use simpleflow::prelude::*;

/// Lets somebody in.
#[activity(version = "example", task_list = "door")]
pub async fn let_in(name: String) -> Result<String> {
    Ok(format!("{name} is in"))
}

/// Runs before an activity, which does not run if this fails.
#[middleware]
pub async fn invited(context: ActivityContext) -> Result<()> {
    match context.info().input.contains("mallory") {
        true => bail!("mallory is not invited"),
        false => Ok(()),
    }
}

/// Runs after an activity, and after one that failed too.
#[middleware]
pub async fn report(context: ActivityContext, result: ActivityResult) -> Result<()> {
    let id = &context.info().activity_id;
    match result {
        Ok(result) => eprintln!("{id}: {result}"),
        Err(failure) => eprintln!("{id}: {}", failure.reason),
    }
    Ok(())
}

/// Runs around an activity: it may do both, change the result, or not run it at all.
#[middleware]
pub async fn shouted(_context: ActivityContext, next: Next) -> ActivityResult {
    let result = next.run().await?;
    Ok(result.to_uppercase().into())
}

/// Lets guests in, and notes who had to stay outside.
#[workflow(name = "party", version = "example", task_list = "example")]
pub struct Party {
    /// Who comes.
    pub guests: Vec<String>,
}

impl Workflow for Party {
    type Output = Vec<String>;

    async fn run(self, flow: Flow) -> Result<Vec<String>> {
        let mut noted = Vec::new();
        for guest in self.guests {
            let task = flow.submit(let_in(guest));
            noted.push(task.await.unwrap_or_else(|error| error.reason()));
        }
        Ok(noted)
    }
}

#[cfg(test)]
mod tests {
    use simpleflow::When;
    use simpleflow::testing::Test;

    use super::*;

    fn noted(active: &[(&str, When)]) -> Vec<String> {
        let mut registry = Registry::linked();
        for (name, when) in active {
            registry.activate(name, *when).unwrap();
        }
        let guests = vec!["ada".into(), "mallory".into()];
        let run = Test::of(Party { guests }).registry(registry).run();
        run.result().unwrap()
    }

    #[test]
    fn without_middleware_everybody_is_in() {
        assert_eq!(noted(&[]), ["ada is in", "mallory is in"]);
    }

    #[test]
    fn who_is_not_invited_stays_outside() {
        let active = [
            ("invited", When::PreExecution),
            ("report", When::PostExecution),
        ];
        assert_eq!(
            noted(&active),
            ["ada is in", "Error: mallory is not invited"]
        );
    }

    #[test]
    fn results_may_change() {
        let active = [("shouted", When::Around)];
        assert_eq!(noted(&active), ["ADA IS IN", "MALLORY IS IN"]);
    }
}
