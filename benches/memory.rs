//! Memory of a suspended workflow: bytes on the heap for each open future.

use simpleflow::model::{EventAttributes, HistoryEvent};
use simpleflow::replay::{Limits, Replayer};
use simpleflow::{Registry, RunContext, WorkflowEntry};
use simpleflow_benches::FanOut;
use simpleflow_executor::{Local, StartOptions};

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

fn main() {
    let _profiler = dhat::Profiler::builder().testing().build();
    let none = suspended(0);
    for n in [1_000, 10_000] {
        let bytes = suspended(n) - none;
        println!(
            "suspended workflow with {n} open futures: {bytes} bytes, {:.0} bytes a future",
            bytes as f64 / n as f64
        );
    }
}

/// The heap bytes of a workflow that waits for `n` activities, of which the service has as many as
/// it takes.
fn suspended(n: i64) -> i64 {
    let events: Vec<HistoryEvent> = {
        let mut local = Local::new(Registry::linked()).expect("the local backend starts");
        let entry = WorkflowEntry::of::<FanOut>();
        let run = local
            .run(&entry, &format!("[{n}]"), StartOptions::default())
            .expect("the workflow runs");
        run.history
            .into_iter()
            .take_while(|event| {
                !matches!(event.attributes, EventAttributes::ActivityTaskStarted(_))
            })
            .collect()
    };
    let before = dhat::HeapStats::get().curr_bytes;
    let run = RunContext {
        workflow_id: "bench".into(),
        run_id: "run".into(),
        ..Default::default()
    };
    let mut replayer = Replayer::new(WorkflowEntry::of::<FanOut>(), run, Limits::default());
    replayer
        .feed(events.iter().cloned())
        .expect("the history replays");
    drop(replayer.decisions().expect("the history replays"));
    let after = dhat::HeapStats::get().curr_bytes;
    drop((replayer, events));
    after as i64 - before as i64
}
