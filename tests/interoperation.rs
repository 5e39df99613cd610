//! What the Python original and this command do for each other: workflows whose activities and
//! children are Python's, and activities and a child for workflows of Python. The other halves are
//! in `tests/python/workflows`.

use std::path::PathBuf;

use serde_json::{Value, json};
use simpleflow::Step;
use simpleflow::prelude::*;

/// What Python does.
#[expect(unused_variables, reason = "Python has the code")]
mod python {
    use super::*;

    const ELSEWHERE: &str = "Python does this";

    #[activity(
        name = "workflows.activities.increment",
        version = "test",
        task_list = "workers"
    )]
    pub(super) async fn increment(x: i64) -> Result<i64> {
        bail!("{ELSEWHERE}")
    }

    #[activity(
        name = "workflows.activities.scale",
        version = "test",
        task_list = "workers",
        named_arguments = true
    )]
    pub(super) async fn scale(value: i64, by: i64) -> Result<i64> {
        bail!("{ELSEWHERE}")
    }

    #[activity(
        name = "workflows.activities.echo",
        version = "test",
        task_list = "workers"
    )]
    pub(super) async fn echo(value: Value) -> Result<Value> {
        bail!("{ELSEWHERE}")
    }

    #[activity(
        name = "workflows.activities.fail",
        version = "test",
        task_list = "workers"
    )]
    pub(super) async fn fail(message: String) -> Result<()> {
        bail!("{ELSEWHERE}")
    }

    #[activity(
        name = "workflows.activities.fail_at_first",
        version = "test",
        task_list = "workers",
        retry = 2
    )]
    pub(super) async fn fail_at_first(times: u32, path: PathBuf) -> Result<u32> {
        bail!("{ELSEWHERE}")
    }

    #[activity(
        name = "workflows.activities.pause",
        version = "test",
        task_list = "workers",
        heartbeat_timeout = 4
    )]
    pub(super) async fn pause(seconds: f64) -> Result<String> {
        bail!("{ELSEWHERE}")
    }

    #[activity(
        name = "workflows.activities.repeat",
        version = "test",
        task_list = "workers"
    )]
    pub(super) async fn repeat(text: String, times: u32) -> Result<String> {
        bail!("{ELSEWHERE}")
    }

    #[workflow(
        name = "workflows.definitions.Child",
        version = "test",
        task_list = "deciders"
    )]
    pub(super) struct Child {
        pub(super) x: i64,
    }

    impl Workflow for Child {
        type Output = i64;

        async fn run(self, flow: Flow) -> Result<i64> {
            bail!("{ELSEWHERE}")
        }
    }
}

/// Has its activities and its child done by Python.
#[workflow(
    name = "served-by-python",
    version = "test",
    task_list = "rust-deciders"
)]
struct ServedByPython {
    /// What Python is to send back.
    sample: Value,
    /// Where attempts are counted.
    attempts: PathBuf,
}

impl Workflow for ServedByPython {
    type Output = Value;

    async fn run(self, flow: Flow) -> Result<Value> {
        let incremented = flow.submit(python::increment(1));
        let scaled = flow.submit(python::scale(&incremented, 21));
        let child = flow.submit(python::Child { x: 4 });
        let echoed = flow.submit(python::echo(self.sample));
        let retried = flow.submit(python::fail_at_first(2, self.attempts));
        let paused = flow.submit(python::pause(5.0));
        let failed = flow.submit(python::fail("this cannot be")).await;
        let too_long = flow.submit(python::repeat("x", 40_000)).await;
        let failure = |error: Option<TaskError>| {
            let error = error?;
            Some(json!({"reason": error.reason(), "details": error.details()}))
        };
        Ok(json!({
            "scaled": scaled.get().await?,
            "child": child.get().await?,
            "echoed": echoed.get().await?,
            "retried": retried.get().await?,
            "paused": paused.get().await?,
            "failed": failure(failed.err()),
            "too long": failure(too_long.err()),
        }))
    }
}

/// Has a long text made longer by Python, and hands on what came of it.
#[workflow(name = "long-by-python", version = "test", task_list = "rust-deciders")]
struct LongByPython {
    text: String,
}

impl Workflow for LongByPython {
    type Output = String;

    async fn run(self, flow: Flow) -> Result<String> {
        let longer = flow.submit(python::repeat(self.text, 2));
        Ok(flow.submit(python::repeat(&longer, 1)).await?)
    }
}

/// Fails with the failure of Python's activity.
#[workflow(
    name = "failed-by-python",
    version = "test",
    task_list = "rust-deciders"
)]
struct FailedByPython;

impl Workflow for FailedByPython {
    type Output = ();

    async fn run(self, flow: Flow) -> Result<()> {
        Ok(flow.submit(python::fail("this cannot be")).await?)
    }
}

/// Steps, of which the list is kept by the workers of a task list.
#[workflow(name = "steps-of-both", version = "test", task_list = "rust-deciders")]
struct StepsOfBoth {
    /// Where the list is.
    bucket: String,
    /// What its keys begin with.
    prefix: String,
    /// Whose workers keep it.
    task_list: String,
}

impl Workflow for StepsOfBoth {
    type Output = Vec<String>;

    async fn run(self, flow: Flow) -> Result<Vec<String>> {
        let Self {
            bucket,
            prefix,
            task_list,
        } = self;
        let steps = flow.steps();
        steps.set_bucket(bucket);
        steps.set_path_prefix(prefix);
        steps.set_activity_params(move |params| params.task_list = task_list.as_str().into());
        steps.add_forced_steps(["forced"], "always");
        let mut ran = Vec::new();
        for name in ["é.a", "forced.b"] {
            let outcome = flow.submit(Step::new(name, ()).emit_signal(true)).await?;
            ran.extend(outcome.completed().map(|()| name.to_owned()));
        }
        Ok(ran)
    }
}

/// Waits for a signal after an activity of Python.
#[workflow(name = "waits", version = "test", task_list = "rust-deciders")]
struct Waits;

impl Workflow for Waits {
    type Output = i64;

    async fn run(self, flow: Flow) -> Result<i64> {
        let one = flow.submit(python::increment(0)).await?;
        let other: i64 = flow.wait_signal("go").await?;
        Ok(one + other)
    }
}

/// Adds.
#[activity(name = "workflows.elsewhere.add", version = "test")]
async fn add(x: i64, y: Option<i64>) -> i64 {
    x + y.unwrap_or(1)
}

/// Gives back what it gets.
#[activity(name = "workflows.elsewhere.echo", version = "test")]
async fn echo(value: Value) -> Value {
    value
}

/// Fails.
#[activity(name = "workflows.elsewhere.fail", version = "test")]
fn fail(text: String) -> Result<i64> {
    Ok(text.parse()?)
}

/// Panics.
#[activity(name = "workflows.elsewhere.panic", version = "test")]
async fn panic(message: String) {
    panic!("{message}");
}

/// Fails so many times; the attempts are counted in a file.
#[activity(name = "workflows.elsewhere.fail_at_first", version = "test")]
fn fail_at_first(times: u32, path: PathBuf) -> Result<u32> {
    let attempts = match std::fs::read_to_string(&path) {
        Ok(text) => text.parse::<u32>()? + 1,
        Err(_) => 1,
    };
    std::fs::write(&path, attempts.to_string())?;
    if attempts <= times {
        bail!("attempt {attempts}");
    }
    Ok(attempts)
}

/// Takes longer than its heartbeat may.
#[activity(name = "workflows.elsewhere.pause", version = "test")]
async fn pause(context: ActivityContext, seconds: f64) -> &'static str {
    context.heartbeat(json!({"paused for": seconds}));
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
    "rested"
}

/// Has a result longer than SWF takes.
#[activity(name = "workflows.elsewhere.repeat", version = "test")]
async fn repeat(text: String, times: usize) -> String {
    text.repeat(times)
}

/// The child of a workflow of Python.
#[workflow(
    name = "workflows.elsewhere.Child",
    version = "test",
    task_list = "rust-deciders"
)]
struct Child {
    x: i64,
    #[default(2)]
    factor: i64,
}

impl Workflow for Child {
    type Output = i64;

    async fn run(self, flow: Flow) -> Result<i64> {
        Ok(flow
            .submit(add(self.x, Some(0)).task_list("rust-workers"))
            .await?
            * self.factor)
    }
}
