//! Cold replay: a whole history from its JSON to the next decisions, beside only reading the same
//! JSON into typed events.

use std::process::ExitCode;

use simpleflow::model::types::History;
use simpleflow::replay::{Limits, Replayer};
use simpleflow::{RunContext, Workflow, WorkflowEntry};
use simpleflow_benches::{Chain, FanOut, ended, paired, ratio, verdict};
use simpleflow_executor::{Local, StartOptions};

const ROUNDS: usize = 31;

fn main() -> ExitCode {
    println!("cold replay: JSON to decisions, beside JSON to typed events only; bound 1.5");
    println!(
        "{:<16} {:>7} {:>12} {:>12} {:>12} {:>7}",
        "history", "events", "read us/ev", "both us/ev", "events/s", "ratio"
    );
    for n in [100, 1_000, 8_000] {
        cold(
            &format!("fan-out {n}"),
            &history(FanOut { n }),
            WorkflowEntry::of::<FanOut>(),
        );
    }
    for n in [100, 1_000] {
        cold(
            &format!("chain {n}"),
            &history(Chain { n }),
            WorkflowEntry::of::<Chain>(),
        );
    }
    let half = history(Chain { n: 2_000 });
    let whole = history(Chain { n: 4_000 });
    let shorter = cold("chain 2000", &half, WorkflowEntry::of::<Chain>());
    let longer = cold("chain 4000", &whole, WorkflowEntry::of::<Chain>());
    let growth = longer / shorter;
    println!(
        "linear: 24,000 events take {growth:.2} times the time of 12,000; bound 2.2: {}",
        verdict(growth, 2.2)
    );
    ended()
}

/// The history that the engine makes of a run, as JSON.
fn history<W: Workflow>(workflow: W) -> String {
    let entry = WorkflowEntry::of::<W>();
    let args = workflow.to_arguments().expect("numbers have a JSON form");
    let mut local = Local::new(simpleflow::Registry::linked()).expect("the local backend starts");
    let input = format!("[{}]", args.join(","));
    let run = local
        .run(&entry, &input, StartOptions::default())
        .expect("the workflow runs");
    let history = History {
        events: run.history,
        ..History::default()
    };
    serde_json::to_string(&history).expect("a history has a JSON form")
}

/// Prints a row, and gives the shortest time of the replay in seconds.
fn cold(name: &str, json: &str, entry: WorkflowEntry) -> f64 {
    let read = || serde_json::from_str::<History>(json).expect("the JSON is a history");
    let events = read().events.len() as f64;
    let replay = || {
        let run = RunContext {
            workflow_id: "bench".into(),
            run_id: "run".into(),
            ..Default::default()
        };
        let mut replayer = Replayer::new(entry, run, Limits::default());
        replayer.feed(read().events).expect("the history replays");
        let decisions = replayer.decisions().expect("the history replays");
        (replayer, decisions)
    };
    let (reads, replays) = paired(ROUNDS, read, replay);
    let ratio = ratio(replays.min(), reads.min());
    let per_event = |time: std::time::Duration| time.as_secs_f64() * 1e6 / events;
    println!(
        "{name:<16} {events:>7} {:>12.3} {:>12.3} {:>12.0} {ratio:>7.2} {}",
        per_event(reads.min()),
        per_event(replays.min()),
        events / replays.min().as_secs_f64(),
        verdict(ratio, 1.5)
    );
    replays.min().as_secs_f64()
}
