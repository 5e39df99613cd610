//! One warm decision: the suspended code gets what is new, on short and on long histories. The
//! cost must not grow with the history.

use std::process::ExitCode;

use simpleflow::model::{EventAttributes, HistoryEvent};
use simpleflow::replay::{Limits, Replayer};
use simpleflow::{RunContext, Workflow, WorkflowEntry};
use simpleflow_benches::{Chain, Times, ended, ratio, timed, verdict};
use simpleflow_executor::{Local, StartOptions};

/// How many decisions are measured at each length, and how often.
const DECISIONS: usize = 40;
const ROUNDS: usize = 25;

fn main() -> ExitCode {
    let lengths = [300, 3_000, 24_000];
    println!("one warm decision on histories of 300, 3,000 and 24,000 events; bound on growth 1.3");
    let mut local = Local::new(simpleflow::Registry::linked()).expect("the local backend starts");
    let run = local
        .run(
            &WorkflowEntry::of::<Chain>(),
            "[4100]",
            StartOptions::default(),
        )
        .expect("the workflow runs");
    let steps = decisions(run.history);
    let mut times: Vec<Vec<std::time::Duration>> = vec![Vec::new(); lengths.len()];
    for _ in 0..ROUNDS {
        let mut replayer = replayer::<Chain>();
        let mut fed = 0;
        let mut steps = steps.clone().into_iter();
        for (index, length) in lengths.into_iter().enumerate() {
            while fed < length {
                let step = steps.next().expect("the history is longer");
                fed += step.len();
                replayer.feed(step).expect("the history replays");
            }
            drop(replayer.decisions().expect("the history replays"));
            for step in steps.by_ref().take(DECISIONS) {
                fed += step.len();
                let mut step = Some(step);
                times[index].push(timed(|| {
                    replayer
                        .feed(step.take().into_iter().flatten())
                        .expect("it replays");
                    replayer.decisions().expect("it decides")
                }));
            }
        }
    }
    let times: Vec<Times> = times.into_iter().map(Times::new).collect();
    for (length, times) in lengths.iter().zip(&times) {
        println!(
            "{length:>7} events: {:>7.2} us median, {:>7.2} us min",
            times.median().as_secs_f64() * 1e6,
            times.min().as_secs_f64() * 1e6
        );
    }
    let medians: Vec<_> = times.iter().map(Times::median).collect();
    let growth = ratio(
        medians.iter().copied().max().unwrap_or_default(),
        medians.iter().copied().min().unwrap_or_default(),
    );
    println!(
        "largest / smallest median: {growth:.2}; bound 1.3: {}",
        verdict(growth, 1.3)
    );
    ended()
}

fn replayer<W: Workflow>() -> Replayer {
    let run = RunContext {
        workflow_id: "bench".into(),
        run_id: "run".into(),
        ..Default::default()
    };
    Replayer::new(WorkflowEntry::of::<W>(), run, Limits::default())
}

/// The history cut behind each `DecisionTaskStarted`: what each decision task brought.
fn decisions(history: Vec<HistoryEvent>) -> Vec<Vec<HistoryEvent>> {
    let mut steps = vec![Vec::new()];
    for event in history {
        let ends = matches!(event.attributes, EventAttributes::DecisionTaskStarted(_));
        if let Some(step) = steps.last_mut() {
            step.push(event);
        }
        if ends {
            steps.push(Vec::new());
        }
    }
    steps
}
