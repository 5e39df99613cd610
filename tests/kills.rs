//! Deciders, workers and their server, which are killed again and again.

use std::thread::sleep;
use std::time::{Duration, Instant};

use rand::RngExt as _;

use crate::fleet::{Fleet, chance};

/// How long the executions may take once nobody is killed any more.
const PATIENCE: Duration = Duration::from_secs(180);

const KILLS: usize = 30;

#[test]
fn kills_lose_nothing() {
    let mut fleet = Fleet::start();
    let start = |fleet: &Fleet, number: usize| match number % 2 {
        0 => fleet.decider(fleet.address()),
        _ => fleet.worker(fleet.address()),
    };
    let mut processes: Vec<_> = (0..4).map(|number| start(&fleet, number)).collect();
    let mut chance = chance();
    let began = Instant::now();
    for kill in 0..KILLS {
        // Some begin before each kill but the last ones, so that all kinds of moments are met.
        if kill < 20 {
            fleet.execute(10);
        }
        sleep(Duration::from_millis(chance.random_range(200..1200)));
        let victim = chance.random_range(0..processes.len());
        println!("{:?}: {victim} is killed", began.elapsed());
        // The former is killed where it is dropped.
        processes[victim] = start(&fleet, victim);
    }
    fleet.wait(PATIENCE);
    let events = fleet.check();
    println!("all is done in {:?}: {events:#?}", began.elapsed());
    assert_eq!(events.get("WorkflowExecutionCompleted"), Some(&200));
    let lost = events.keys().any(|kind| kind.ends_with("TimedOut"));
    assert!(lost, "no kill met a task");
}

#[test]
fn kills_of_the_server_lose_nothing() {
    let mut fleet = Fleet::start_on_disk();
    let [one, other] = [(), ()].map(|()| fleet.decider(fleet.address()));
    let worker = fleet.worker(fleet.address());
    let mut chance = chance();
    for kill in 0..KILLS {
        if kill < 20 {
            fleet.execute(10);
        }
        sleep(Duration::from_millis(chance.random_range(50..400)));
        fleet.kill_server();
    }
    fleet.wait(PATIENCE);
    let events = fleet.check();
    println!("{events:#?}");
    assert_eq!(events.get("WorkflowExecutionCompleted"), Some(&200));
    for process in [one, other, worker] {
        process.stop();
    }
}
