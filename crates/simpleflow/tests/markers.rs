//! Values that are remembered, on the local backend.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU32, Ordering};

use simpleflow::local::{Local, Outcome, StartOptions};
use simpleflow::prelude::*;
use simpleflow::{EventKind, WorkflowEntry};

static EFFECTS: AtomicU32 = AtomicU32::new(0);

#[workflow]
struct Remembers;

impl Workflow for Remembers {
    type Output = (Vec<u32>, Vec<u32>, Option<String>);

    async fn run(self, flow: Flow) -> Result<Self::Output> {
        let mut values = Vec::new();
        for _ in 0..3 {
            values.push(flow.record(|| EFFECTS.fetch_add(1, Ordering::SeqCst))?);
            flow.record_marker("round", values.len());
            flow.submit(Other).await?;
        }
        let rounds = flow.list_all_markers();
        let rounds: std::result::Result<_, _> = rounds.iter().map(|marker| marker.read()).collect();
        let last = flow.get_event_details(EventKind::Marker, "round");
        let last = last.and_then(|last| last.payload).map(String::from);
        Ok((values, rounds?, last))
    }
}

/// Takes the place of its parent in a decider that keeps one.
#[workflow]
struct Other;

impl Workflow for Other {
    type Output = ();

    async fn run(self, _flow: Flow) -> Result<()> {
        Ok(())
    }
}

#[test]
fn an_effect_runs_once_also_when_the_code_is_replayed_from_the_start() {
    let mut local = Local::with_virtual_time(Registry::linked())
        .unwrap()
        .keep(NonZeroUsize::MIN);
    let entry = WorkflowEntry::of::<Remembers>();
    let run = local.run(&entry, "[]", StartOptions::default()).unwrap();
    let Outcome::Completed(result) = run.outcome else {
        panic!("{:?}", run.outcome);
    };
    assert_eq!(result, r#"[[0,1,2],[1,2,3],"3"]"#);
    assert_eq!(EFFECTS.load(Ordering::SeqCst), 3);
}
