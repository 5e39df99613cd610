//! That what a replayer holds, and what a decision takes, depends on what is open and not on what
//! has been.

use std::cell::{Cell, RefCell};
use std::pin::pin;
use std::rc::Weak;
use std::time::Duration;

use simpleflow_macros::{activity, workflow};

use super::{Limits, Replayer};
use crate::registry::WorkflowEntry;
use crate::task::{self, Task};
use crate::testing::HistoryBuilder;
use crate::{Flow, Group, Result, Workflow};

#[activity(name = "inc")]
fn inc(x: i64) -> Result<i64> {
    Ok(x + 1)
}

#[activity(name = "once", idempotent = true)]
fn once(x: i64) -> Result<i64> {
    Ok(x)
}

thread_local! {
    static POLLS: Cell<usize> = const { Cell::new(0) };
    static TASKS: RefCell<Vec<Weak<Task>>> = const { RefCell::new(Vec::new()) };
}

/// Goes round and round: tasks that end, one that fails and is tried again, a timer that loses its
/// race, a wait that does, a marker, a value that is remembered, a signal whose name never comes
/// again, and coroutines.
#[workflow(name = "rounds")]
struct Rounds;

impl Workflow for Rounds {
    type Output = ();

    async fn run(self, flow: Flow) -> Result<()> {
        let mut rounds = pin!(async {
            for round in 0_u32.. {
                let first = flow.submit(inc(1));
                let second = flow.submit(inc(&first).retry(1));
                TASKS.with_borrow_mut(|tasks| {
                    tasks.extend(
                        [&first, &second].map(|future| std::rc::Rc::downgrade(&future.task())),
                    );
                });
                let timeout = flow.sleep(Duration::from_secs(60));
                let _never = flow.wait_signal::<()>("never");
                let missed = flow.wait_signal::<()>(format!("missed-{round}"));
                flow.wait_any(&[&timeout, &missed]).await;
                timeout.cancel();
                flow.record_marker("round", round);
                flow.record(|| round)?;
                let beside = flow.spawn({
                    let second = second.clone();
                    async move { Ok(second.await?) }
                });
                flow.spawn(std::future::pending::<Result<()>>()).cancel();
                flow.wait_all((&first, &second)).await?;
                beside.await?;
                flow.submit(once(7)).await?;
            }
            Ok(())
        });
        std::future::poll_fn(|context| {
            POLLS.set(POLLS.get() + 1);
            rounds.as_mut().poll(context)
        })
        .await
    }
}

/// All that a replayer holds more or less of.
fn sizes(replayer: &Replayer) -> Vec<(&'static str, usize)> {
    let state = replayer.shared.state.borrow();
    let mut sizes = vec![
        ("unread events", replayer.unread.len()),
        ("held events", replayer.held.len()),
        ("missing types", replayer.missing_types.len()),
        ("coroutines", replayer.shared.coroutines.len()),
    ];
    sizes.extend(state.sizes());
    sizes
}

#[test]
fn a_warm_decision_is_as_dear_as_what_is_new() {
    let mut replayer = Replayer::new(
        WorkflowEntry::of::<Rounds>(),
        Default::default(),
        Limits::default(),
    );
    let mut history = HistoryBuilder::new().started("[]");
    let mut decide = |history: HistoryBuilder| {
        let history = history.decision_started();
        let known = replayer.last_event_id().0 as usize;
        replayer.feed(history.events()[known..].to_vec()).unwrap();
        let answer = replayer.decisions().unwrap();
        (history.decided_as(answer), sizes(&replayer))
    };
    let mut seen = Vec::new();
    for round in 0..100 {
        POLLS.set(0);
        let (next, at_start) = decide(history);
        let (first, second) = (2 * round + 1, 2 * round + 2);
        let next = next.signaled(format!("missed-{round}"), "");
        let (next, _) = decide(next);
        let next = next.activity_completed(&format!("activity-inc-{first}"), "1");
        let (next, _) = decide(next);
        let second = format!("activity-inc-{second}");
        let (next, _) = decide(next.activity_failed(&second, "no", ""));
        history = next.activity_completed(&second, "2");
        if round == 0 {
            let (next, _) = decide(history);
            let id = next.open_activities().next().unwrap().0.to_string();
            history = next.activity_completed(&id, "7");
        }
        seen.push((POLLS.get(), at_start));
    }
    // The first round has one decision more; from the second on the idempotent task is known.
    assert_eq!(seen[2], seen[99]);
    let expected = [
        ("unread events", 0),
        ("held events", 0),
        ("missing types", 0),
        ("coroutines", 0),
        // An activity, a timer.
        ("activity commands", 1),
        ("other commands", 1),
        ("open tasks", 0),
        ("open activities", 0),
        ("open timers", 0),
        ("tasks that back off", 0),
        // The idempotent one.
        ("tasks known by id", 1),
        // Of the waits for a signal that never comes, the newest is kept.
        ("names of signals", 2),
        ("signals and waits", 2),
        ("remembered values", 0),
        ("patches", 0),
    ];
    assert_eq!(seen[99].1, expected);
    let alive =
        TASKS.with_borrow(|tasks| tasks.iter().filter(|task| task.strong_count() > 0).count());
    assert!(alive <= 2, "{alive} of 200 tasks are kept");
}

/// Coroutines, one after the other, that wait for one task and give it up.
#[workflow(name = "turns")]
struct Turns;

impl Workflow for Turns {
    type Output = ();

    async fn run(self, flow: Flow) -> Result<()> {
        let long = flow.wait_signal::<()>("end");
        TASKS.with_borrow_mut(|tasks| tasks.push(std::rc::Rc::downgrade(&long.task())));
        loop {
            let next = flow.wait_signal::<()>("next");
            let long = long.clone();
            let turn = flow.spawn(async move {
                futures_util::future::select(next, long).await;
                Ok(())
            });
            turn.await?;
        }
    }
}

#[test]
fn who_gave_a_wait_up_is_forgotten() {
    let mut history = HistoryBuilder::new().started("[]").decision(|d| d);
    for _ in 0..100 {
        history = history.signaled("next", "");
    }
    let mut replayer = Replayer::new(
        WorkflowEntry::of::<Turns>(),
        Default::default(),
        Limits::default(),
    );
    replayer.feed(history.build()).unwrap();
    replayer.decisions().unwrap();
    let task = TASKS
        .with_borrow(|tasks| tasks.last().unwrap().upgrade())
        .unwrap();
    assert_eq!(task.waiters(), 1);
}

/// As many members as it says, of which a hundred run at a time.
#[workflow(name = "wide")]
struct Wide {
    members: i64,
}

impl Workflow for Wide {
    type Output = usize;

    async fn run(self, flow: Flow) -> Result<usize> {
        let group: Group<i64> = (0..self.members).map(inc).collect();
        Ok(flow.submit(group.max_parallel(100)).await?.len())
    }
}

#[test]
fn a_wide_group_takes_as_many_polls_as_it_has_members() {
    let polls = |members: usize| {
        let mut replayer = Replayer::new(
            WorkflowEntry::of::<Wide>(),
            Default::default(),
            Limits::default(),
        );
        let mut history = HistoryBuilder::new().started(format!("[{members}]"));
        task::POLLS.set(0);
        while !history.is_closed() {
            history = history.decision_started();
            let known = replayer.last_event_id().0 as usize;
            replayer.feed(history.events()[known..].to_vec()).unwrap();
            history = history.decided_as(replayer.decisions().unwrap());
            let open: Vec<_> = history
                .open_activities()
                .map(|(id, _)| id.to_string())
                .collect();
            assert!(open.len() <= 100);
            for id in open {
                history = history.activity_completed(&id, "1");
            }
        }
        assert_eq!(replayer.shared.coroutines.len(), 0);
        task::POLLS.get()
    };
    // Each member is polled when it is submitted and when it is done, and so is the workflow's own
    // wait after each event.
    let (few, many) = (polls(1_000), polls(10_000));
    assert!(few <= 3 * 1_000 + 10, "{few}");
    assert!(many <= 3 * 10_000 + 10, "{many}");
}
