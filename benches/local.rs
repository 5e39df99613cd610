//! The local backend: trivial activities per second, beside the local executor of the Python
//! original in the same run. Ours keeps a full SWF history, the original's none.
//!
//! `SIMPLEFLOW_BENCH_PYTHON` is the interpreter with the original in it; `scripts/bench` sets it.

use std::process::{Command, ExitCode};
use std::time::Duration;

use simpleflow::{Registry, Workflow, WorkflowEntry};
use simpleflow_benches::{Chain, FanOut, Times, ended, not_measured, timed, verdict_at_least};
use simpleflow_executor::{Local, Outcome, StartOptions};

const ROUNDS: usize = 4;

/// How often either side runs in a round, in one process: a cold start is not what is compared.
const RUNS: usize = 5;

/// The least ratio of our rate to the original's.
const BOUND: f64 = 10.0;

fn main() -> ExitCode {
    println!("local executor, trivial activities; bound: {BOUND} times the original's rate");
    let python = std::env::var_os("SIMPLEFLOW_BENCH_PYTHON");
    let mut fan_out = Vec::new();
    let mut chain = Vec::new();
    let mut theirs = Vec::new();
    for _ in 0..ROUNDS {
        fan_out.extend((0..RUNS).map(|_| run::<FanOut>(10_000)));
        chain.extend((0..RUNS).map(|_| run::<Chain>(1_000)));
        if let Some(python) = &python {
            theirs.push(original(python));
        }
    }
    let original = |shape: &str| {
        let times = theirs.iter().filter_map(|run: &Vec<(String, f64)>| {
            run.iter()
                .find(|(name, _)| name == shape)
                .map(|(_, seconds)| *seconds)
        });
        times.reduce(f64::min)
    };
    row(
        "fan-out 10000",
        10_000,
        Times::new(fan_out),
        original("fan-out"),
    );
    row("chain 1000", 1_000, Times::new(chain), original("chain"));
    if python.is_none() {
        println!("SIMPLEFLOW_BENCH_PYTHON is not set");
    }
    ended()
}

fn row(name: &str, tasks: u32, ours: Times, theirs: Option<f64>) {
    let rate = f64::from(tasks) / ours.min().as_secs_f64();
    print!(
        "{name:<14} ours {rate:>9.0} tasks/s (median {:.1} ms)",
        ours.median().as_secs_f64() * 1e3
    );
    match theirs {
        Some(seconds) => {
            let original = f64::from(tasks) / seconds;
            let ratio = rate / original;
            let verdict = verdict_at_least(ratio, BOUND);
            println!(", original {original:>7.0} tasks/s, ratio {ratio:.1} {verdict}");
        }
        None => println!(", original {}", not_measured()),
    }
}

fn run<W: Workflow>(n: u32) -> Duration {
    let mut local = Local::new(Registry::linked()).expect("the local backend starts");
    let input = format!("[{n}]");
    timed(|| {
        let run = local
            .run(&WorkflowEntry::of::<W>(), &input, StartOptions::default())
            .expect("the workflow runs");
        assert!(
            matches!(run.outcome, Outcome::Completed(_)),
            "{:?}",
            run.outcome
        );
        run
    })
}

/// A round of the original: seconds by shape, the best of its runs.
fn original(python: &std::ffi::OsStr) -> Vec<(String, f64)> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/python/local_executor.py");
    let output = Command::new(python)
        .args([script, &RUNS.to_string()])
        .output()
        .expect("the Python interpreter runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter_map(|row| Some((row["shape"].as_str()?.to_owned(), row["seconds"].as_f64()?)))
        .collect()
}
