//! Stopping: nothing is lost, and it comes to an end.

use std::sync::{Condvar, Mutex};
use std::time::Duration;

use simpleflow::model::Timeout;
use simpleflow::prelude::*;
use simpleflow_service::ServiceError;
use simpleflow_service::table::PollForDecisionTask;

use crate::tapped::{Tap, Tapped};
use crate::world::*;

/// A place where workflows block until they may go on.
#[derive(Default)]
struct Gate {
    inside: Mutex<(usize, bool)>,
    changed: Condvar,
}

impl Gate {
    const fn new() -> Self {
        Self {
            inside: Mutex::new((0, false)),
            changed: Condvar::new(),
        }
    }

    fn pass(&self) {
        let mut inside = self.inside.lock().unwrap();
        inside.0 += 1;
        self.changed.notify_all();
        drop(self.changed.wait_while(inside, |(_, open)| !*open).unwrap());
    }

    fn open(&self) {
        self.inside.lock().unwrap().1 = true;
        self.changed.notify_all();
    }

    /// Waits until somebody is inside, away from the threads of the test's runtime.
    async fn entered(&'static self) {
        let wait = move || {
            let inside = self.inside.lock().unwrap();
            let waited = self
                .changed
                .wait_timeout_while(inside, PATIENCE, |(inside, _)| *inside == 0);
            assert!(
                !waited.unwrap().1.timed_out(),
                "no workflow came to the gate"
            );
        };
        tokio::task::spawn_blocking(wait).await.unwrap();
    }
}

static IN_HAND: Gate = Gate::new();

#[workflow]
struct InHand {
    n: i64,
}

impl Workflow for InHand {
    type Output = i64;

    async fn run(self, flow: Flow) -> Result<i64> {
        IN_HAND.pass();
        Ok(self.n + flow.wait_signal::<i64>("go").await?)
    }
}

#[tokio::test]
async fn the_decision_in_hand_is_answered_and_gives_the_original_list_back() {
    let world = World::new().await;
    let running = Running::start(deciders(&world.service, 2));
    let execution = world.start::<InHand>("in-hand", 1).await;
    IN_HAND.entered().await;
    running.tell();
    IN_HAND.open();
    running.ended().await;
    let history = world.history(&execution).await;
    assert_eq!(overrides(&history), [(Some(SHARED.into()), None)]);
    // Whoever comes next takes over at once.
    world.signal(&execution, 2).await;
    let next = Running::start(deciders(&world.service, 1));
    let (history, result) = world.result::<InHand>(&execution).await;
    assert_eq!(result, "3");
    assert!(!types(&history).contains(&"DecisionTaskTimedOut"));
    assert_eq!(overrides(&history)[1].1, Some(Timeout::Seconds(10)));
    next.stop().await;
}

/// A service that loses the task of a poll that is dropped, as Amazon SWF does.
#[derive(Default)]
struct LosesTasks {
    polled: Mutex<usize>,
}

impl Tap for LosesTasks {
    fn takes_tasks_back(&self) -> bool {
        false
    }

    fn poll(&self, _: &mut PollForDecisionTask) -> Result<(), ServiceError> {
        *self.polled.lock().unwrap() += 1;
        Ok(())
    }
}

async fn polling(service: &Tapped<LosesTasks>) {
    let waiting = async {
        while *service.tap.polled.lock().unwrap() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let waited = tokio::time::timeout(PATIENCE, waiting).await;
    waited.expect("there is a poll");
}

#[tokio::test]
async fn a_poll_under_way_is_waited_for_and_its_task_answered() {
    let world = World::new().await;
    let service = Tapped::new(&world.service, LosesTasks::default());
    let running = Running::start(deciders(&service, 1).sticky(false));
    polling(&service).await;
    running.tell();
    let execution = world.start::<Signals>("signals", 1).await;
    world
        .until(&execution, "the decision", |history| {
            overrides(history).len() == 1
        })
        .await;
    running.ended().await;
    assert_eq!(*service.tap.polled.lock().unwrap(), 1);
}

#[tokio::test]
async fn a_stop_takes_no_longer_than_it_may() {
    let world = World::new().await;
    let service = Tapped::new(&world.service, LosesTasks::default());
    let deciders = deciders(&service, 2).stop_timeout(Duration::ZERO);
    let running = Running::start(deciders);
    polling(&service).await;
    running.stop().await;
}

static FOR_EVER: Gate = Gate::new();

#[workflow]
struct Blocks {
    n: i64,
}

impl Workflow for Blocks {
    type Output = i64;

    async fn run(self, _flow: Flow) -> Result<i64> {
        FOR_EVER.pass();
        Ok(self.n)
    }
}

#[tokio::test]
async fn a_workflow_that_blocks_does_not_hold_up_the_stop() {
    let world = World::new().await;
    let deciders = deciders(&world.service, 1).stop_timeout(Duration::ZERO);
    let running = Running::start(deciders);
    world.start::<Blocks>("blocks", 1).await;
    FOR_EVER.entered().await;
    running.stop().await;
    FOR_EVER.open();
}

#[tokio::test]
async fn they_end_with_their_service() {
    let embedded = simpleflow_server::Embedded::open(simpleflow_server::Storage::Memory)
        .await
        .unwrap();
    let running = Running::start(deciders(&embedded.service(), 2).register_domain());
    embedded.stop().await.unwrap();
    running.ended().await;
}
