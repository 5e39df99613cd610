//! A user's crate whose `Cargo.toml` names `simpleflow` and nothing else.

use simpleflow::prelude::*;

/// Adds one.
#[activity(task_list = "quickstart", retry = 3, meta = r#"{"owner": "nobody"}"#)]
pub async fn increment(x: i64) -> Result<i64> {
    Ok(x + 1)
}

/// Doubles, on a thread.
#[activity]
pub fn double(context: ActivityContext, x: i64) -> i64 {
    context.heartbeat(x);
    x * 2
}

/// Scales by its state.
pub struct Scale(pub i64);

#[activity]
impl Scale {
    /// The work.
    pub fn execute(&self, x: i64) -> i64 {
        self.0 * x
    }
}

/// Computes (x + 1) * 2, and scales it.
#[workflow(version = "example", child_policy = "ABANDON", tag_list = ["example"])]
pub struct Basic {
    x: i64,
    #[default(None)]
    note: Option<String>,
}

impl Workflow for Basic {
    type Output = (i64, Option<String>);

    async fn run(self, flow: Flow) -> Result<Self::Output> {
        let y = flow.submit(increment(self.x));
        let z = flow.submit(double(&y));
        let scaled = flow.submit(Scale::call(z));
        Ok((scaled.get().await?, self.note))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_macros_mark_is_linked() {
        let registry = Registry::linked();
        assert!(registry.check().is_ok());
        assert!(
            registry
                .find_activity("only_simpleflow.increment", "default")
                .is_some()
        );
        assert!(
            registry
                .find_workflow("only_simpleflow.Basic", "example")
                .is_some()
        );
    }
}
