//! What a worker asks of its service: several polls at once, for no more than it can run, and not too
//! many heartbeats.

use std::num::NonZeroUsize;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use simpleflow::model::{ActivityType, SmolStr};
use simpleflow::prelude::*;
use simpleflow_executor::{Stop, Worker};
use simpleflow_service::table::{ActivityTask, RecordActivityTaskHeartbeat};
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
    for (most, polls) in [(1, 1), (3, 3), (100, 8)] {
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
