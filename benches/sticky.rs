//! What a decider computes for an execution of 2,000 activities, one after the other: with the
//! suspended code kept, beside a full replay at each decision. The time is that of the decider's
//! thread, with its calls of the service in the process.

use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::sync::mpsc;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use simpleflow::{Registry, WorkflowEntry};
use simpleflow_benches::{Chain, Times, ended, ratio, verdict};
use simpleflow_executor::{Decider, Follow, StartOptions, Stop, Worker, registration, start};
use simpleflow_model::Timestamp;
use simpleflow_server::{Embedded, EmbeddedService, Storage};
use tokio::runtime::{Builder, Runtime};

/// Activities of the execution.
const STEPS: i64 = 2_000;

/// How often each side is measured.
const ROUNDS: usize = 3;

/// At most this part of the time of full replays.
const BOUND: f64 = 0.03;

const DOMAIN: &str = "bench";
const DECIDERS: &str = "deciders";

fn main() -> ExitCode {
    println!("a decider's CPU for {STEPS} activities in sequence: code kept, beside full replays");
    let runtime = Runtime::new().expect("a runtime");
    let embedded = runtime
        .block_on(Embedded::open(Storage::Memory))
        .expect("a service");
    let service = embedded.service();
    let registry = Registry::linked();
    runtime
        .block_on(registration::register_all(
            &service,
            &DOMAIN.into(),
            &registry,
        ))
        .expect("the types are registered");
    let activity = registry.activities().next().expect("an activity");
    let task_list = activity.definition().task_list.clone().into();
    let worker = Worker::new(service.clone(), DOMAIN.into(), registry.clone());
    runtime.spawn(async move {
        let never = Stop::new();
        worker.run(&task_list, NonZeroUsize::MIN, &never).await;
    });
    let (mut kept, mut full) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        kept.push(decide(&runtime, &service, 1));
        full.push(decide(&runtime, &service, 0));
    }
    let (kept, full) = (Times::new(kept), Times::new(full));
    let figure = ratio(kept.min(), full.min());
    println!(
        "  kept {:.3?}, full replays {:.3?}, ratio {figure:.4} (medians {:.4}), bound {BOUND}: {}",
        kept.min(),
        full.min(),
        ratio(kept.median(), full.median()),
        verdict(figure, BOUND)
    );
    ended()
}

/// Runs one execution with a decider that keeps so many, on a thread of its own; what that thread
/// computed.
fn decide(runtime: &Runtime, service: &EmbeddedService, keep: usize) -> Duration {
    let stop = Stop::new();
    let (stopped, decider) = (stop.clone(), service.clone());
    let (time, measured) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        let decider = Decider::new(decider, DOMAIN.into(), Registry::linked()).keep(keep);
        let own = Builder::new_current_thread().enable_all().build();
        let began = computed();
        own.expect("a runtime")
            .block_on(decider.run(&[DECIDERS.into()], &stopped));
        let took = computed() - began;
        time.send(took).expect("it is waited for");
    });
    runtime.block_on(async {
        let options = StartOptions {
            workflow_id: Some("chain".into()),
            task_list: Some(DECIDERS.into()),
            ..StartOptions::default()
        };
        let (entry, input) = (WorkflowEntry::of::<Chain>(), format!("[{STEPS}]"));
        let now = Timestamp::default();
        let started = start(service, &DOMAIN.into(), &entry, &input, &options, now).await;
        let execution = started.expect("it starts");
        let mut follow = Follow::new(service.clone(), DOMAIN.into(), execution);
        follow.end(Duration::ZERO).await.expect("it closes");
    });
    stop.request();
    thread.join().expect("the decider ends");
    measured.recv().expect("the decider says its time")
}

/// How long this thread was on a processor.
fn computed() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(
        time.tv_sec.try_into().unwrap_or_default(),
        time.tv_nsec.try_into().unwrap_or_default(),
    )
}
