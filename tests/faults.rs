//! What a network and a service do to deciders and workers: whatever happens, the results are
//! right, and nothing is lost.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rand::RngExt as _;
use rand::seq::IndexedRandom as _;

use crate::fleet::{Fleet, chance};
use crate::proxy::{Exchange, Fault, Proxy};
use crate::swf::wait_for;

/// How long the executions of a test may take.
const PATIENCE: Duration = Duration::from_secs(180);

/// What deciders and workers ask for again and again.
const OPERATIONS: [&str; 5] = [
    "PollForDecisionTask",
    "RespondDecisionTaskCompleted",
    "PollForActivityTask",
    "RecordActivityTaskHeartbeat",
    "RespondActivityTaskCompleted",
];

/// Runs so many executions with a decider and a worker behind a proxy, checks what became of them,
/// and gives all that went through it.
fn run(executions: usize, plan: impl FnMut(&str) -> Option<Fault> + Send + 'static) -> Proxy {
    let mut fleet = Fleet::start();
    let proxy = Proxy::start(fleet.address(), plan);
    let decider = fleet.decider(&proxy.address());
    let worker = fleet.worker(&proxy.address());
    fleet.execute(executions);
    fleet.wait(PATIENCE);
    let events = fleet.check();
    proxy.calm_down();
    // A task that came late was lost meanwhile, so all may be done without it.
    wait_for("end of the silence", || (!proxy.is_silent()).then_some(()));
    // An answer that was asked for twice may still be under way.
    wait_for("answer to each task", || {
        let exchanges = proxy.exchanges();
        unanswered(&exchanges).is_empty().then_some(())
    });
    // Each completion that the service took is in a history, and no other.
    let exchanges = proxy.exchanges();
    let taken = exchanges.iter().filter(|exchange| {
        exchange.operation == "RespondActivityTaskCompleted"
            && matches!(exchange.answer, Some((200, _)))
    });
    assert_eq!(Some(&taken.count()), events.get("ActivityTaskCompleted"));
    drop(exchanges);
    decider.stop();
    worker.stop();
    proxy
}

/// The activity tasks that the worker got, and neither completed nor was told to have lost.
fn unanswered(exchanges: &[Exchange]) -> BTreeSet<&str> {
    let mut tasks = BTreeSet::new();
    for exchange in exchanges.iter().filter(|exchange| exchange.delivered) {
        if let ("PollForActivityTask", Some((200, task))) =
            (exchange.operation.as_str(), &exchange.answer)
        {
            tasks.extend(task["taskToken"].as_str());
        }
    }
    for exchange in exchanges {
        let over = match (exchange.operation.as_str(), &exchange.answer) {
            ("RespondActivityTaskCompleted", Some((200, _))) => true,
            (
                "RespondActivityTaskCompleted" | "RecordActivityTaskHeartbeat",
                Some((400, refusal)),
            ) => refusal["__type"]
                .as_str()
                .is_some_and(|code| code.ends_with("UnknownResourceFault")),
            _ => false,
        };
        if over && let Some(token) = exchange.request["taskToken"].as_str() {
            tasks.remove(token);
        }
    }
    tasks
}

#[test]
fn no_fault_of_the_service_changes_a_result() {
    const FAULTS: [Fault; 4] = [Fault::Throttled, Fault::Failed, Fault::Reset, Fault::Lost];
    let mut chance = chance();
    let proxy = run(20, move |_| {
        let strikes = chance.random_ratio(1, 4);
        strikes.then(|| FAULTS.choose(&mut chance).copied())?
    });
    let mut struck = BTreeMap::new();
    for exchange in &*proxy.exchanges() {
        if let Some(fault) = exchange.fault {
            let operation = exchange.operation.clone();
            *struck.entry((operation, format!("{fault:?}"))).or_insert(0) += 1;
        }
    }
    println!("{struck:#?}");
    for operation in OPERATIONS {
        let any = struck.keys().any(|(struck, _)| struck == operation);
        assert!(any, "nothing happened to {operation}");
    }
    for fault in FAULTS {
        let any = struck
            .keys()
            .any(|(_, struck)| *struck == format!("{fault:?}"));
        assert!(any, "{fault:?} never happened");
    }
}

/// The silence is real, because the client's clock is: after 30 seconds it gives a call up and
/// asks again, but waits for a poll. So it is a little longer than that.
#[test]
fn silence_delays_what_it_meets_and_loses_nothing() {
    const SILENCE: Duration = Duration::from_secs(33);
    let mut calls = BTreeMap::new();
    let proxy = run(20, move |operation| {
        let call = calls.entry(operation.to_owned()).or_insert(0);
        *call += 1;
        // All of them early, so that they pass together.
        let met = match operation.starts_with("Poll") {
            true => 4,
            false => 1,
        };
        (*call == met && OPERATIONS.contains(&operation)).then_some(Fault::Silence(SILENCE))
    });
    let exchanges = proxy.exchanges();
    for operation in OPERATIONS {
        let met = exchanges.iter().find(|exchange| {
            exchange.operation == operation && matches!(exchange.fault, Some(Fault::Silence(_)))
        });
        let met = met.unwrap_or_else(|| panic!("no {operation} met silence"));
        let task = met
            .answer
            .as_ref()
            .and_then(|(_, answer)| answer["taskToken"].as_str());
        match operation.starts_with("Poll") {
            // A poll that brings nothing may be left when all is done.
            true => assert!(met.delivered || task.is_none(), "{met:?}"),
            false => assert!(!met.delivered, "{met:?}"),
        }
    }
}
