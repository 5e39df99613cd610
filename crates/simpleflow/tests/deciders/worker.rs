//! What a worker asks of its service: several polls at once, for no more than it can run, and not too
//! many heartbeats.

use std::num::NonZeroUsize;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use simpleflow::model::{ActivityType, SmolStr};
use simpleflow::prelude::*;
use simpleflow_executor::{Stop, Worker};
use simpleflow_service::ServiceError;
use simpleflow_service::table::{ActivityTask, PollForDecisionTask, RecordActivityTaskHeartbeat};
use tokio::sync::watch;

use crate::tapped::{Tap, Tapped};
use crate::world::*;

/// Counts the polls for activities. None of them ends, as there are no tasks.
struct Counts(watch::Sender<usize>);

impl Tap for Counts {
    fn polls_for_activities(&self) {
        self.0.send_modify(|polls| *polls += 1);
    }
}

#[tokio::test]
async fn as_many_polls_are_out_as_there_is_room_up_to_a_few() {
    let world = World::new().await;
    let processors = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    for (most, polls) in [(1, 1), (3, 3), (1_000_000, processors.max(8))] {
        let (counted, mut count) = watch::channel(0);
        let service = Tapped::new(&world.service, Counts(counted));
        let worker = Worker::new(service, DOMAIN.into(), Registry::linked());
        let stop = Stop::new();
        let list = "nobody-schedules-here".into();
        let running = worker.run(&list, NonZeroUsize::new(most).unwrap(), &stop);
        let counting = async {
            let all = count.wait_for(|out| *out >= polls);
            let waited = tokio::time::timeout(PATIENCE, all).await;
            assert!(waited.is_ok(), "there are not {polls} polls");
            stop.request();
        };
        tokio::join!(running, counting);
        assert_eq!(*count.borrow(), polls);
    }
}

/// A service whose polls come with answers. It counts the others.
#[derive(Default)]
struct WithAnswers {
    decisions: AtomicUsize,
    activities: AtomicUsize,
}

impl Tap for WithAnswers {
    fn polls_with_answers(&self) -> bool {
        true
    }

    fn poll(&self, _: &mut PollForDecisionTask) -> Result<(), ServiceError> {
        self.decisions.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    fn polls_for_activities(&self) {
        self.activities.fetch_add(1, Ordering::SeqCst);
    }
}

#[activity(name = "at-once", version = "test", task_list = "mixed")]
async fn at_once() -> i64 {
    1
}

#[activity(name = "after-a-while", version = "test", task_list = "mixed")]
async fn after_a_while() -> i64 {
    tokio::time::sleep(Duration::from_millis(1)).await;
    10
}

#[workflow]
struct Mixed {
    n: i64,
}

impl Workflow for Mixed {
    type Output = i64;

    async fn run(self, flow: Flow) -> Result<i64> {
        let mut sum = flow.submit(after_a_while()).await?;
        for _ in 0..self.n {
            sum += flow.submit(at_once()).await?;
        }
        Ok(sum + flow.submit(after_a_while()).await?)
    }
}

#[tokio::test]
async fn polls_come_with_answers_where_the_service_knows_how() {
    const STEPS: i64 = 20;
    let world = World::new().await;
    let service = Tapped::new(&world.service, WithAnswers::default());
    let worker = Worker::new(service.clone(), DOMAIN.into(), Registry::linked());
    let stop = Stop::new();
    let list = "mixed".into();
    let deciders = Running::start(deciders(&service, 1));
    let execution = world.start::<Mixed>("mixed", STEPS).await;
    let ended = async {
        let (_, result) = world.result::<Mixed>(&execution).await;
        assert_eq!(result, (STEPS + 20).to_string());
        // The first poll, and one after each of the two that were not answered in its place.
        while service.tap.activities.load(Ordering::SeqCst) < 3 {
            tokio::task::yield_now().await;
        }
        stop.request();
    };
    let running = worker.run(&list, NonZeroUsize::MIN, &stop);
    let ran = async { tokio::join!(running, ended) };
    let ran = tokio::time::timeout(PATIENCE, ran).await;
    assert!(ran.is_ok(), "the worker does not stop");
    deciders.stop().await;
    assert_eq!(service.tap.activities.load(Ordering::SeqCst), 3);
    // The first polls of the shared list and of the decider's own.
    assert_eq!(service.tap.decisions.load(Ordering::SeqCst), 2);
}

static BEATS: AtomicUsize = AtomicUsize::new(0);

/// Beats in each turn of a tight loop, with the turn's number, until there were some beats.
#[activity(name = "beats", version = "test")]
async fn beats(context: ActivityContext) -> usize {
    let mut turn = 0;
    while BEATS.load(Ordering::SeqCst) < 3 {
        context.heartbeat(turn);
        tokio::time::sleep(Duration::from_millis(1)).await;
        turn += 1;
    }
    turn
}

#[derive(Default)]
struct Beaten(Mutex<Vec<(Instant, Option<SmolStr>)>>);

impl Tap for Beaten {
    fn beat(&self, request: &RecordActivityTaskHeartbeat) -> bool {
        let beat = (Instant::now(), request.details.clone());
        self.0.lock().unwrap().push(beat);
        BEATS.fetch_add(1, Ordering::SeqCst);
        true
    }
}

#[tokio::test]
async fn heartbeats_in_a_tight_loop_are_not_all_sent() {
    let world = World::new().await;
    let service = Tapped::new(&world.service, Beaten::default());
    let worker = Worker::new(service.clone(), DOMAIN.into(), Registry::linked());
    let task = ActivityTask {
        task_token: "nobody's".into(),
        activity_id: "beats-1".into(),
        activity_type: ActivityType {
            name: "beats".into(),
            version: "test".into(),
            ..ActivityType::default()
        },
        input: Some("[]".into()),
        ..ActivityTask::default()
    };
    let (list, stop) = ("default".into(), Stop::new());
    let run = worker.run_task(task, &list, &stop);
    let ended = tokio::time::timeout(PATIENCE, run).await;
    ended.expect("there are three beats");
    let beats = service.tap.0.lock().unwrap();
    assert!(beats[2].0 - beats[0].0 >= Duration::from_secs(1));
    // Each has what was said last before it.
    let turns = beats.iter().map(|(_, details)| {
        let details = details.as_deref().expect("it has details");
        details.parse::<usize>().expect("it is a turn")
    });
    let turns: Vec<_> = turns.collect();
    assert!(turns.is_sorted() && turns[2] > turns[0], "{turns:?}");
}

/// Whether the activity that comes too late began.
static BEGAN: AtomicBool = AtomicBool::new(false);

#[activity(name = "late", version = "test", task_list = "late")]
fn late() -> bool {
    BEGAN.store(true, Ordering::SeqCst);
    true
}

#[workflow]
struct Late {
    _n: i64,
}

impl Workflow for Late {
    type Output = bool;

    async fn run(self, flow: Flow) -> Result<bool> {
        Ok(flow.submit(late()).await?)
    }
}

/// What a middleware is at.
#[derive(Clone, Copy, Debug, PartialEq)]
enum At {
    Nothing,
    ItsWait,
    ItsEnd,
}

/// Says that a middleware is at its end when it is dropped.
struct SaysItsEnd(Arc<watch::Sender<At>>);

impl Drop for SaysItsEnd {
    fn drop(&mut self) {
        self.0.send_replace(At::ItsEnd);
    }
}

/// A middleware that waits until it is dropped.
async fn waits(say: Arc<watch::Sender<At>>) -> Result<()> {
    let ends = SaysItsEnd(say);
    ends.0.send_replace(At::ItsWait);
    std::future::pending::<()>().await;
    drop(ends);
    Ok(())
}

async fn wait(at: &mut watch::Receiver<At>, what: At) {
    let reached = at.wait_for(|at| *at == what);
    let waited = tokio::time::timeout(PATIENCE, reached).await;
    assert!(waited.is_ok(), "it does not come to {what:?}");
}

/// Runs an execution whose activity has a middleware that waits, and terminates it then; ends when the
/// middleware is dropped.
async fn terminate_while_it_waits<W: Workflow>(
    task_list: &'static str,
    registry: Registry,
    mut at: watch::Receiver<At>,
) {
    let world = World::new().await;
    let worker = Worker::new(world.service.clone(), DOMAIN.into(), registry)
        .heartbeat(Duration::from_millis(100));
    let (stop, list) = (Stop::new(), task_list.into());
    let deciders = Running::start(deciders(&world.service, 1));
    let execution = world.start::<W>(task_list, 0).await;
    let ended = async {
        wait(&mut at, At::ItsWait).await;
        world.terminate(&execution).await;
        // The next heartbeat tells that the task is lost.
        wait(&mut at, At::ItsEnd).await;
        stop.request();
    };
    tokio::join!(worker.run(&list, NonZeroUsize::MIN, &stop), ended);
    deciders.stop().await;
}

#[tokio::test]
async fn a_blocking_activity_that_did_not_begin_never_does_once_its_task_is_over() {
    let (say, at) = watch::channel(At::Nothing);
    let say = Arc::new(say);
    let registry = Registry::linked().layer(move |_: ActivityContext| waits(Arc::clone(&say)));
    terminate_while_it_waits::<Late>("late", registry, at).await;
    assert!(!BEGAN.load(Ordering::SeqCst));
}

/// An activity that is over at once, on a thread of its own.
#[activity(name = "soon", version = "test", task_list = "soon")]
fn soon() -> bool {
    true
}

#[workflow]
struct Soon {
    _n: i64,
}

impl Workflow for Soon {
    type Output = bool;

    async fn run(self, flow: Flow) -> Result<bool> {
        Ok(flow.submit(soon()).await?)
    }
}

#[tokio::test]
async fn what_comes_after_a_body_is_dropped_when_its_task_is_over() {
    let (say, at) = watch::channel(At::Nothing);
    let say = Arc::new(say);
    let after = move |_: ActivityContext, _: ActivityResult| waits(Arc::clone(&say));
    terminate_while_it_waits::<Soon>("soon", Registry::linked().layer(after), at).await;
}
