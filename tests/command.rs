//! The `simpleflow` command with the examples in it, and with workflows that do what workflows
//! should not.

mod interoperation;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};

use examples as _;
use simpleflow::prelude::*;
use simpleflow::{Step, StepOutcome};

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

/// Adds.
#[activity]
async fn add(x: i64, y: i64) -> i64 {
    x + y
}

/// Says in which process it is, in a file, and that it holds; then waits for another file beside.
fn hold_at(context: &ActivityContext, path: &Path) -> Result<PathBuf> {
    context.heartbeat("holding");
    let written = path.with_extension("new");
    std::fs::write(&written, std::process::id().to_string())?;
    std::fs::rename(&written, path)?;
    Ok(path.with_extension("go"))
}

/// Holds on, and can be dropped.
#[activity]
async fn hold(context: ActivityContext, path: PathBuf) -> Result<String> {
    let go = hold_at(&context, &path)?;
    while !go.exists() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok("it was let go".into())
}

/// Holds on to a thread, and does not look whether it is cancelled.
#[activity]
fn hold_blocking(context: ActivityContext, path: PathBuf) -> Result<String> {
    let go = hold_at(&context, &path)?;
    while !go.exists() {
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok("it was let go".into())
}

/// Holds on to a thread, and says how many such there were at its start.
#[activity]
fn hold_and_count(context: ActivityContext, path: PathBuf) -> Result<usize> {
    static RUNNING: AtomicUsize = AtomicUsize::new(0);
    let running = RUNNING.fetch_add(1, Ordering::SeqCst) + 1;
    let go = hold_at(&context, &path)?;
    while !go.exists() {
        std::thread::sleep(Duration::from_millis(10));
    }
    RUNNING.fetch_sub(1, Ordering::SeqCst);
    Ok(running)
}

/// Holds on in two processes.
#[activity(program = [
    "sh",
    "-c",
    "sleep 600 & echo $$ $! > \"$1.new\"; mv \"$1.new\" \"$1\"; wait",
    "hold"
])]
fn hold_program(path: PathBuf);

/// Counts.
#[activity(program = ["sh", "-c", "echo \"$1\" | wc -w", "words"])]
fn words(text: String) -> u64;

/// Prints more than a result may be.
#[activity(program = ["sh", "-c", "head -c 300000 /dev/zero | tr '\\0' 1"])]
fn print_much() -> u64;

/// Complains.
#[activity(program = ["sh", "-c", "echo sorry >&2; echo so sorry >&2; exit 3"])]
fn complain();

/// Keeps a text at the place for objects.
#[activity]
async fn keep(context: ActivityContext, key: String, text: String) -> Result<String> {
    context.objects().put(&key, text).await?;
    Ok(key)
}

/// Reads a text from the place for objects.
#[activity]
fn read_kept(context: ActivityContext, key: String) -> Result<String> {
    let text = context.objects().blocking().get(&key)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Measures what it counts, and fails if there is nothing to count.
#[activity]
async fn measure(context: ActivityContext, text: String) -> Result<usize> {
    let mut step = context.metrology().step("count");
    step.read.bytes = text.len() as u64;
    match text.is_empty() {
        true => bail!("there is nothing to count"),
        false => Ok(text.len()),
    }
}

/// The same, on a thread of its own.
#[activity]
fn measure_blocking(context: ActivityContext, text: String) -> usize {
    context.metrology().step("count").write.bytes = text.len() as u64;
    text.len()
}

/// Two steps, of which the second needs what is not there.
#[workflow(name = "stepwise")]
struct Stepwise;

impl Workflow for Stepwise {
    type Output = (StepOutcome<i64>, StepOutcome<String>);

    async fn run(self, flow: Flow) -> Result<Self::Output> {
        let first = flow.submit(Step::new("first", add(1, 2))).await?;
        let second = flow
            .submit(Step::new("second", read_kept("wanted")))
            .await?;
        Ok((first, second))
    }
}

/// Greets, with a program that has to be downloaded.
#[activity(program = "greet", binaries = ["greet=s3://simpleflow-tools/v1/greet"])]
fn greet(name: String) -> String;

/// The same, in code.
#[activity(binaries = ["greet=s3://simpleflow-tools/v1/greet"])]
fn greet_in_code(context: ActivityContext, name: String) -> Result<String> {
    let Some(program) = context.binary("greet") else {
        bail!("there is no program to greet with")
    };
    let output = std::process::Command::new(program).arg(name).output()?;
    Ok(String::from_utf8(output.stdout)?.trim_end().to_owned())
}

/// Greets in both ways, and keeps what was said.
#[workflow(name = "greetings", version = "test", task_list = "greetings")]
struct Greetings {
    name: String,
}

impl Workflow for Greetings {
    type Output = String;

    async fn run(self, flow: Flow) -> Result<String> {
        let said = flow.submit(greet(&*self.name)).await?;
        let same = flow.submit(greet_in_code(&*self.name)).await?;
        let key = flow.submit(keep("greetings/it.json", format!("{said}, {same}")));
        Ok(flow.submit(read_kept(key)).await?)
    }
}

/// Refuses an activity whose input has a certain word.
#[middleware]
async fn refuse(context: ActivityContext) -> Result<()> {
    match context.info().input.contains("forbidden") {
        true => bail!("that is forbidden"),
        false => Ok(()),
    }
}

/// Notes results in a file that the environment names, with the process that it is in.
#[middleware(name = "notes")]
async fn note(context: ActivityContext, result: ActivityResult) -> Result<()> {
    let path = std::env::var("SIMPLEFLOW_TEST_NOTES")?;
    let (process, id) = (std::process::id(), &context.info().activity_id);
    let result = result.map_err(|failure| failure.reason);
    std::fs::write(path, format!("{process} {id} {result:?}"))?;
    Ok(())
}

/// Uses memory.
#[activity]
fn eat(mib: usize) -> usize {
    let eaten = vec![1_u8; mib << 20];
    std::thread::sleep(Duration::from_secs(600));
    eaten.len()
}

/// Ends its process.
#[activity]
fn leave(code: i32) {
    std::process::exit(code);
}

/// Reports with long details.
#[activity]
async fn talk(context: ActivityContext, characters: usize) {
    context.heartbeat("x".repeat(characters));
}

/// Counts, and says so. When it is lost, with its worker or on its way, it comes back in seconds.
#[activity(
    task_list = "steps",
    version = "test",
    retry = 50,
    heartbeat_timeout = 1,
    start_to_close_timeout = 5
)]
async fn step(context: ActivityContext, n: i64) -> i64 {
    context.heartbeat(n);
    tokio::time::sleep(Duration::from_millis(100)).await;
    n + 1
}

/// Three steps side by side, and three one after another.
#[workflow(name = "steps", version = "test", task_list = "decisions")]
struct Steps {
    n: i64,
}

impl Workflow for Steps {
    type Output = i64;

    async fn run(self, flow: Flow) -> Result<i64> {
        let side_by_side: Vec<_> = (0..3).map(|i| flow.submit(step(self.n + i))).collect();
        let mut sum = 0;
        for n in &side_by_side {
            sum += n.get().await?;
        }
        for _ in 0..3 {
            sum = flow.submit(step(sum)).await?;
        }
        Ok(sum)
    }
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
