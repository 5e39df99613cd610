//! Steps: named parts of a workflow that are skipped when they were done before.
//!
//! What is done is kept as objects, beside the history: in the server in the box, a folder, or S3. So the
//! second of these skips what the first did:
//!
//! ```sh
//! simpleflow standalone examples.step.StepWorkflow --workflow-id steps
//! simpleflow standalone examples.step.StepWorkflow --workflow-id steps
//! ```

use simpleflow::prelude::*;
use simpleflow::{Group, Step};

/// The product of numbers.
#[activity(task_list = "example", version = "example", idempotent = true)]
pub async fn multiply(numbers: Vec<i64>) -> i64 {
    numbers.into_iter().product()
}

fn multiply_all() -> Group<i64> {
    (1..=3).map(|n| multiply(vec![n])).collect()
}

/// Four steps, of which a second run skips three. Gives the names of those that ran.
#[workflow(name = "step", version = "example", task_list = "example")]
pub struct StepWorkflow;

impl Workflow for StepWorkflow {
    type Output = Vec<String>;

    async fn run(self, flow: Flow) -> Result<Vec<String>> {
        let mut ran = Vec::new();
        let mut run = async |name: &str, step: Step<Vec<i64>>| -> Result<()> {
            let outcome = flow.submit(step).await?;
            ran.extend(outcome.completed().map(|_| name.to_owned()));
            Ok(())
        };

        let name = "my_step";
        run(name, Step::new(name, multiply_all())).await?;

        // A step can be forced, so that it runs also when it was done.
        let name = "my_step_force";
        run(name, Step::new(name, multiply_all()).force(true)).await?;

        // Something else can run in the place of a step that was done.
        let name = "my_step_with_callback_done";
        let done = Group::new().append(Signal::new("DONE", ()));
        let step = Step::new(name, multiply_all()).activities_if_step_already_done(done);
        run(name, step).await?;

        // A signal step.NAME can tell that the step has run or was skipped.
        let name = "my_step_with_signal";
        run(name, Step::new(name, multiply_all()).emit_signal(true)).await?;
        flow.wait_signal::<()>("step.my_step_with_signal").await?;
        Ok(ran)
    }
}

/// A list of what is done that many executions share: one for each person, wherever the workflow id comes
/// from.
#[workflow(name = "step-customized", version = "example", task_list = "example")]
pub struct CustomizedStepWorkflow {
    /// Whose list it is.
    pub people_id: String,
    /// Steps that are to run once more: a name, the beginning of names, or `*` for all.
    #[default(Vec::new())]
    pub force_steps: Vec<String>,
}

impl Workflow for CustomizedStepWorkflow {
    type Output = Vec<bool>;

    async fn run(self, flow: Flow) -> Result<Vec<bool>> {
        let steps = flow.steps();
        steps.set_path_prefix(format!("people/{}/steps", self.people_id));
        // The bucket can be said too; by default it is the place of the worker.
        // steps.set_bucket("my_bucket");
        steps.set_activity_params(|params| params.task_list = "quickstart".into());

        // Whoever forces "a.b" forces all steps named "a.b" and those below it, as "a.b.c".
        steps.add_forced_steps(self.force_steps, "workflow_init");
        steps.add_skipped_steps(["never"], "it is never needed");

        let all = ["a.b.c", "a.d", "never"].map(|name| Step::new(name, multiply_all()));
        let all = flow.submit(all.into_iter().collect::<Group<_>>()).await?;
        Ok(all.into_iter().map(|it| it.completed().is_some()).collect())
    }
}

#[cfg(test)]
mod tests {
    use simpleflow::objects::Objects;
    use simpleflow::testing::{Test, TestRun};

    use super::*;

    fn run<W: Workflow>(workflow: W, objects: &Objects) -> TestRun {
        let test = Test::of(workflow).workflow_id("steps");
        test.objects(objects.clone()).run()
    }

    fn ran<W: Workflow<Output = T>, T: serde::de::DeserializeOwned>(
        workflow: W,
        objects: &Objects,
    ) -> T {
        run(workflow, objects).result().unwrap()
    }

    #[test]
    fn the_second_run_skips_what_the_first_did() {
        let objects = Objects::memory();
        let first = ran(StepWorkflow, &objects);
        let all = [
            "my_step",
            "my_step_force",
            "my_step_with_callback_done",
            "my_step_with_signal",
        ];
        assert_eq!(first, all);
        assert_eq!(ran(StepWorkflow, &objects), ["my_step_force"]);
        // Elsewhere nothing was done.
        assert_eq!(ran(StepWorkflow, &Objects::memory()), all);
    }

    #[test]
    fn steps_are_forced_by_the_beginning_of_their_names() {
        let objects = Objects::memory();
        let steps = |force: &[&str]| {
            let workflow = CustomizedStepWorkflow {
                people_id: "7".into(),
                force_steps: force.iter().map(ToString::to_string).collect(),
            };
            ran(workflow, &objects)
        };
        assert_eq!(steps(&[]), [true, true, false]);
        assert_eq!(steps(&[]), [false, false, false]);
        assert_eq!(steps(&["a.b"]), [true, false, false]);
        assert_eq!(steps(&["*"]), [true, true, true]);
    }
}
