//! The `simpleflow` command with the examples in it, and with workflows that do what workflows
//! should not.

use std::collections::BTreeMap;
use std::process::ExitCode;

use examples as _;
use simpleflow::prelude::*;

/// Panics.
#[activity]
async fn explode(reason: String) {
    panic!("boom: {reason}");
}

/// Panics on a thread of its own.
#[activity]
fn explode_blocking() {
    panic!("boom from a thread");
}

/// Has a result without a JSON form: its keys are lists.
#[activity]
async fn unserialisable() -> BTreeMap<Vec<u8>, u8> {
    BTreeMap::from([(vec![1], 1)])
}

/// Has a result longer than SWF takes.
#[activity]
async fn huge(characters: usize) -> String {
    "x".repeat(characters)
}

/// Does one of the things that go wrong.
#[workflow(name = "misbehave", version = "test")]
struct Misbehave {
    how: String,
}

impl Workflow for Misbehave {
    type Output = String;

    async fn run(self, flow: Flow) -> Result<String> {
        match self.how.as_str() {
            "panic" => panic!("the workflow panics"),
            "activity panics" => flow.submit(explode("now")).await?,
            "blocking activity panics" => flow.submit(explode_blocking()).await?,
            "activity result" => drop(flow.submit(unserialisable()).await?),
            "huge activity result" => drop(flow.submit(huge(40_000)).await?),
            "huge activity input" => flow.submit(explode("x".repeat(40_000))).await?,
            "huge result" => return Ok("x".repeat(40_000)),
            "foreign" => std::future::pending().await,
            "catches the panic" => {
                let error = flow.submit(explode("caught")).await.unwrap_err();
                return Ok(error.reason());
            }
            other => bail!("there is no way to misbehave called {other:?}"),
        }
        Ok("nothing went wrong".into())
    }
}

/// The sum of so many signals.
#[workflow(name = "gather", version = "test", task_list = "gatherers")]
struct Gather {
    n: usize,
}

impl Workflow for Gather {
    type Output = i64;

    async fn run(self, flow: Flow) -> Result<i64> {
        let mut sum = 0;
        for _ in 0..self.n {
            sum += flow.wait_signal::<i64>("number").await?;
        }
        Ok(sum)
    }
}

/// Has a result without a JSON form.
#[workflow(name = "unserialisable", version = "test")]
struct Unserialisable;

impl Workflow for Unserialisable {
    type Output = BTreeMap<Vec<u8>, u8>;

    async fn run(self, _flow: Flow) -> Result<Self::Output> {
        Ok(BTreeMap::from([(vec![1], 1)]))
    }
}

mod other {
    //! The same last part of the path as an example's.

    use simpleflow::prelude::*;

    #[workflow(name = "other_word_count", version = "test")]
    pub(crate) struct WordCount;

    impl Workflow for WordCount {
        type Output = ();

        async fn run(self, _flow: Flow) -> Result<()> {
            Ok(())
        }
    }
}

mod first {
    use simpleflow::prelude::*;

    #[workflow(name = "twin", version = "test")]
    pub(crate) struct Twin;

    impl Workflow for Twin {
        type Output = ();

        async fn run(self, _flow: Flow) -> Result<()> {
            Ok(())
        }
    }
}

fn main() -> ExitCode {
    let mut registry = Registry::linked();
    if std::env::var_os("SIMPLEFLOW_TEST_TWINS").is_some() {
        registry = registry.workflow::<first::Twin>();
    }
    simpleflow::main_with(registry)
}
