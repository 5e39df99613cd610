//! A chain of activities with decider, worker and durable service in this process, beside what its
//! disk takes to keep as much: for each step one append with fdatasync, to a file that grows by it, which
//! has the bound; and one overwrite with fdatasync in a file that is long enough, as the store's log
//! is, which takes less.

use std::fs::File;
use std::io::{Seek as _, Write as _};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use simpleflow::{Registry, WorkflowEntry};
use simpleflow_benches::{Chain, Times, ended, ratio, timed, verdict};
use simpleflow_executor::{
    Decider, Follow, Outcome, StartError, StartOptions, Stop, Worker, registration, start,
};
use simpleflow_model::{DomainName, Timestamp};
use simpleflow_server::{Embedded, EmbeddedService, Storage};
use tokio::runtime::{Builder, Runtime};
use tokio::task::LocalSet;

/// Steps of the chain.
const STEPS: [i64; 2] = [100, 1_000];

/// How often each side is measured.
const ROUNDS: usize = 10;

/// What a step writes: its six events as they were in a run of this, in bytes.
const BYTES: usize = 1_500;

/// At most this often the appends.
const BOUND: f64 = 2.0;

fn main() -> ExitCode {
    // On the disk of the build, because /tmp may be memory.
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
    println!(
        "embedded, fsync: a chain beside one append or overwrite with fdatasync for each step"
    );
    for steps in STEPS {
        let durable = Side::open(dir.path().join(format!("durable-{steps}")), false);
        durable.chain(steps);
        // In turn, so that a disk whose speed drifts drifts for all.
        let (mut ours, mut appends, mut overwrites) = (Vec::new(), Vec::new(), Vec::new());
        for round in 0..ROUNDS {
            ours.push(timed(|| durable.chain(steps)));
            let mut log = Log::of(&dir.path().join(format!("log-{steps}-{round}")));
            appends.push(timed(|| log.write(steps)));
            log.rewind();
            overwrites.push(timed(|| log.write(steps)));
        }
        let (ours, appends) = (Times::new(ours), Times::new(appends));
        let figure = ratio(ours.min(), appends.min());
        println!(
            "  {steps:>5} steps: {:>9.3?}, appends {:>9.3?}, ratio {figure:.2} (medians {:.2}), bound {BOUND}: {}",
            ours.min(),
            appends.min(),
            ratio(ours.median(), appends.median()),
            verdict(figure, BOUND),
        );
        let overwrites = Times::new(overwrites);
        println!(
            "  {:>5}        overwrites {:>9.3?}, ratio {:.2} (medians {:.2})",
            "",
            overwrites.min(),
            ratio(ours.min(), overwrites.min()),
            ratio(ours.median(), overwrites.median()),
        );
    }
    println!("embedded, relaxed");
    for steps in STEPS {
        let relaxed = Side::open(dir.path().join(format!("relaxed-{steps}")), true);
        relaxed.chain(steps);
        let ours = Times::new(
            (0..ROUNDS)
                .map(|_| timed(|| relaxed.chain(steps)))
                .collect(),
        );
        println!("  {steps:>5} steps: {:>9.3?}", ours.min());
    }
    ended()
}

/// A file that takes what steps write.
struct Log(File);

impl Log {
    fn of(path: &Path) -> Self {
        Self(File::create(path).expect("a file"))
    }

    /// What a step writes, and a sync, again and again.
    fn write(&mut self, steps: i64) {
        let bytes = [b'x'; BYTES];
        for _ in 0..steps {
            self.0.write_all(&bytes).expect("a write");
            self.0.sync_data().expect("a sync");
        }
    }

    /// What is written next goes over what is there.
    fn rewind(&mut self) {
        self.0.sync_all().expect("a sync");
        self.0.rewind().expect("a beginning");
    }
}

/// The service with a decider and a worker, all on the calling thread.
struct Side {
    runtime: Runtime,
    tasks: LocalSet,
    service: EmbeddedService,
    _embedded: Embedded,
}

const DOMAIN: &str = "bench";
const DECIDERS: &str = "deciders";

impl Side {
    fn open(dir: PathBuf, relaxed: bool) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
        let tasks = LocalSet::new();
        let registry = Registry::linked();
        let storage = Storage::Disk { dir, relaxed };
        let opened = tasks.block_on(&runtime, async {
            let embedded = Embedded::open(storage).await.expect("a store");
            let service = embedded.service();
            let registered = registration::register_all(&service, &DOMAIN.into(), &registry).await;
            registered.expect("the types are registered");
            embedded
        });
        let service = opened.service();
        let decider = Decider::new(service.clone(), DOMAIN.into(), registry.clone());
        tasks.spawn_local(async move {
            decider.run(&[DECIDERS.into()], &Stop::new()).await;
        });
        let activity = registry.activities().next().expect("an activity");
        let task_list = activity.definition().task_list.clone().into();
        let worker = Worker::new(service.clone(), DOMAIN.into(), registry.clone());
        let slots = NonZeroUsize::new(100).expect("it is not zero");
        tasks.spawn_local(async move {
            worker.run(&task_list, slots, &Stop::new()).await;
        });
        Self {
            runtime,
            tasks,
            service,
            _embedded: opened,
        }
    }

    fn chain(&self, steps: i64) {
        let options = StartOptions {
            workflow_id: Some("chain".into()),
            task_list: Some(DECIDERS.into()),
            ..StartOptions::default()
        };
        let (service, domain) = (&self.service, DomainName::from(DOMAIN));
        let (entry, input) = (WorkflowEntry::of::<Chain>(), format!("[{steps}]"));
        let end = self.tasks.block_on(&self.runtime, async {
            let now = Timestamp::default();
            let execution = start(service, &domain, &entry, &input, &options, now).await?;
            let mut follow = Follow::new(service.clone(), domain.clone(), execution);
            Ok::<_, StartError>(follow.end(Duration::ZERO).await?)
        });
        let end = Outcome::of(&end.expect("the service answers").attributes);
        let expected = Outcome::Completed(steps.to_string().into());
        assert_eq!(end, Some(expected));
    }
}
