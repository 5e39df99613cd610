//! Coroutines: code that runs beside the workflow's own.

// The macros write `simpleflow`, where users have all of it.
extern crate simpleflow_core as simpleflow;

mod common;

use std::cell::Cell;
use std::rc::Rc;

use common::*;

/// Increments twice.
fn twice(flow: &Flow, x: i64) -> Future<i64> {
    let inner = flow.clone();
    flow.spawn(async move {
        let once = inner.submit(inc(x)).await?;
        Ok(inner.submit(inc(once)).await?)
    })
}

workflow!(Beside(flow) -> (i64, i64) {
    let spawned = twice(&flow, 10);
    let own = flow.submit(inc(20)).await?;
    Ok((own, spawned.await?))
});

#[test]
fn a_coroutine_begins_where_it_is_spawned_and_goes_on_beside_the_workflow() {
    assert_eq!(
        next::<Beside>(&started()),
        ["schedule activity-inc-1(10)", "schedule activity-inc-2(20)"]
    );
    let history = complete(scheduled(2), 1);
    assert_eq!(next::<Beside>(&history), ["schedule activity-inc-3(1)"]);
    let history = history.decision(|d| d.schedule_activity("activity-inc-3", "inc"));
    let history = complete(complete(history, 2), 3);
    assert_eq!(next::<Beside>(&history), ["complete [2,3]"]);
}

workflow!(Argument(flow) -> i64 {
    let spawned = twice(&flow, 1);
    Ok(flow.submit(inc(&spawned)).await?)
});

#[test]
fn the_future_of_a_coroutine_is_an_argument_like_any_other() {
    let scheduled = |n: u32| format!("activity-inc-{n}");
    let history = started()
        .decision(|d| d.schedule_activity(scheduled(1), "inc"))
        .activity_completed(&scheduled(1), "2")
        .decision(|d| d.schedule_activity(scheduled(3), "inc"))
        .activity_completed(&scheduled(3), "3");
    assert_eq!(next::<Argument>(&history), ["schedule activity-inc-2(3)"]);
    let failed = started()
        .decision(|d| d.schedule_activity(scheduled(1), "inc"))
        .activity_failed(&scheduled(1), "no", "");
    assert_eq!(
        next::<Argument>(&failed),
        ["fail Workflow execution error in activity-inc: \"activity-inc-1 failed: no\""]
    );
}

workflow!(Unawaited(flow) -> String {
    let told = Rc::new(Cell::new(0));
    let counter = flow.spawn({
        let (flow, told) = (flow.clone(), Rc::clone(&told));
        async move {
            for n in 1.. {
                flow.wait_signal::<()>("tell").await?;
                told.set(n);
            }
            Ok(())
        }
    });
    flow.submit(inc(1)).await?;
    Ok(format!("{} {:?} {}", told.get(), counter.state(), counter.task_id()))
});

#[test]
fn a_coroutine_goes_on_unawaited_and_is_dropped_with_the_workflow() {
    let history = scheduled(1).signaled("tell", "").signaled("tell", "");
    assert!(next::<Unawaited>(&history).is_empty());
    assert_eq!(
        next::<Unawaited>(&complete(history, 1)),
        ["complete \"2 Running coroutine-1\""]
    );
}

workflow!(Fails(flow) -> Vec<String> {
    let inner = flow.clone();
    let of_task = flow.spawn(async move { Ok(inner.submit(inc(1)).await? + 1) });
    let own: Future<i64> = flow.spawn(async { Err(Error::msg("no luck").with_details("at all")) });
    let other: Future<i64> = flow.spawn(async { Ok("x".parse()?) });
    let mut told = Vec::new();
    for future in [of_task, own, other] {
        let error = future.await.err().ok_or_else(|| Error::msg("no failure"))?;
        told.push(format!("{}: {} {:?}", error.task_id(), error.reason(), error.details()));
    }
    Ok(told)
});

#[test]
fn a_coroutine_fails_with_the_failure_of_its_task_or_its_own() {
    let history = scheduled(1).activity_failed("activity-inc-1", "no", "more");
    let expected = [
        "activity-inc-1: no Some(\"more\")",
        "coroutine-2: no luck Some(\"at all\")",
        "coroutine-3: invalid digit found in string Some(\"core::num::error::ParseIntError\")",
    ];
    let expected = serde_json::to_string(&expected).unwrap();
    assert_eq!(next::<Fails>(&history), [format!("complete {expected}")]);
}

struct TellsItsDrop(Flow);

impl Drop for TellsItsDrop {
    fn drop(&mut self) {
        self.0.record_marker("dropped", ());
        // Whatever is spawned here belongs to the workflow, if there is still one.
        self.0.spawn(async { Ok(()) });
    }
}

workflow!(Cancels(flow) -> (bool, bool) {
    let waits = flow.spawn({
        let flow = flow.clone();
        async move {
            let _tells = TellsItsDrop(flow.clone());
            Ok(flow.wait_signal::<i64>("a").await?)
        }
    });
    let dependent = flow.submit(inc(&waits));
    flow.sleep(secs(1)).await?;
    waits.cancel();
    waits.cancel();
    flow.wait_signal::<i64>("a").await?;
    let cancelled = waits.await.is_err_and(|error| error.is_cancelled());
    Ok((cancelled, dependent.await.is_err()))
});

#[test]
fn a_cancelled_coroutine_is_dropped_where_it_waits() {
    let history = started()
        .decision(|d| d.start_timer("sleep-1", 1))
        .timer_fired("sleep-1");
    assert_eq!(next::<Cancels>(&history), ["marker dropped null"]);
    let history = history
        .decision(|d| d.marker("dropped", "null"))
        .signaled("a", "1");
    assert_eq!(next::<Cancels>(&history), ["complete [true,true]"]);
}

workflow!(Ends(flow) -> i64 {
    let inner = flow.clone();
    flow.spawn(async move {
        let _tells = TellsItsDrop(inner.clone());
        Ok(inner.wait_signal::<i64>("a").await?)
    });
    Ok(1)
});

#[test]
fn what_is_spawned_while_the_workflow_ends_never_runs() {
    assert_eq!(
        next::<Ends>(&started()),
        ["marker dropped null", "complete 1"]
    );
}

workflow!(CancelsItself(flow) -> String {
    let own: Rc<Cell<Option<Future<i64>>>> = Rc::default();
    let spawned = flow.spawn({
        let (flow, own) = (flow.clone(), Rc::clone(&own));
        async move {
            flow.submit(inc(1)).await?;
            if let Some(own) = own.take() {
                own.cancel();
            }
            Ok(flow.submit(inc(2)).await?)
        }
    });
    own.set(Some(spawned.clone()));
    spawned.done().await;
    Ok(format!("{:?}", spawned.state()))
});

#[test]
fn a_coroutine_may_cancel_itself() {
    assert_eq!(
        next::<CancelsItself>(&complete(scheduled(1), 1)),
        ["complete \"Cancelled\""]
    );
}

workflow!(Nested(flow) -> i64 {
    let outer = flow.spawn({
        let flow = flow.clone();
        async move {
            let (left, right) = (twice(&flow, 1), twice(&flow, 2));
            Ok(left.await? * 100 + right.await?)
        }
    });
    Ok(outer.await?)
});

#[test]
fn a_coroutine_may_spawn_others() {
    let history = complete(complete(scheduled(2), 2), 1);
    assert_eq!(
        next::<Nested>(&history),
        ["schedule activity-inc-3(2)", "schedule activity-inc-4(1)"]
    );
    let history = history.decision(|d| {
        d.schedule_activity("activity-inc-3", "inc")
            .schedule_activity("activity-inc-4", "inc")
    });
    let history = complete(complete(history, 3), 4);
    assert_eq!(next::<Nested>(&history), ["complete 403"]);
}

workflow!(Panics(flow) -> i64 {
    let inner = flow.clone();
    let spawned = flow.spawn(async move {
        inner.submit(inc(1)).await?;
        if flow_is_over() { panic!("no way out") }
        Ok(1)
    });
    Ok(spawned.await?)
});

fn flow_is_over() -> bool {
    true
}

workflow!(PanicsAtOnce(flow) -> i64 {
    let spawned = flow.spawn(async { if flow_is_over() { panic!("no way in") } Ok(1) });
    Ok(spawned.await?)
});

#[test]
fn a_panic_in_a_coroutine_fails_the_workflow() {
    assert_eq!(
        next::<Panics>(&complete(scheduled(1), 1)),
        ["fail Cannot replay the workflow: panic(no way out)"]
    );
    assert_eq!(
        next::<PanicsAtOnce>(&started()),
        ["fail Cannot replay the workflow: panic(no way in)"]
    );
}

workflow!(Foreign(flow) -> i64 {
    let inner = flow.clone();
    let spawned = flow.spawn(async move {
        inner.submit(inc(1)).await?;
        std::future::pending::<()>().await;
        Ok(1)
    });
    Ok(spawned.await?)
});

workflow!(EachOther(flow) -> i64 {
    let other: Rc<Cell<Option<Future<i64>>>> = Rc::default();
    let first = flow.spawn({
        let (flow, other) = (flow.clone(), Rc::clone(&other));
        async move {
            flow.submit(inc(1)).await?;
            Ok(match other.take() {
                Some(other) => other.await?,
                None => 1,
            })
        }
    });
    let second = flow.spawn({
        let first = first.clone();
        async move { Ok(first.await?) }
    });
    other.set(Some(second));
    Ok(first.await?)
});

workflow!(Spins(flow) -> i64 {
    let spawned = flow.spawn(std::future::poll_fn(|context| {
        context.waker().wake_by_ref();
        std::task::Poll::<Result<i64>>::Pending
    }));
    Ok(spawned.await?)
});

#[test]
fn a_coroutine_that_waits_for_nothing_of_the_flow_is_found() {
    let foreign = |decisions: Vec<String>| {
        assert!(
            decisions[0].starts_with("fail Cannot replay the workflow: it awaits a foreign future"),
            "{decisions:?}"
        );
    };
    foreign(next::<Foreign>(&complete(scheduled(1), 1)));
    foreign(next::<EachOther>(&complete(scheduled(1), 1)));
    foreign(next::<Spins>(&started()));
}

workflow!(Gate(flow) -> usize {
    let gate = flow.wait_signal::<i64>("gate");
    let order = Rc::new(Cell::new(0));
    let all: Vec<_> = (0..50_usize)
        .map(|n| {
            let (flow, gate, order) = (flow.clone(), gate.clone(), Rc::clone(&order));
            flow.clone().spawn(async move {
                gate.await?;
                let place = order.replace(order.get() + 1);
                flow.record_marker("order", place == n);
                Ok(place)
            })
        })
        .collect();
    Ok(flow.wait_all(all).await?.len())
});

#[test]
fn who_waited_first_goes_on_first() {
    let decisions = next::<Gate>(&started().decision(|d| d).signaled("gate", "1"));
    assert_eq!(decisions.len(), 51);
    assert!(
        decisions[..50]
            .iter()
            .all(|line| line == "marker order true")
    );
    assert_eq!(decisions[50], "complete 50");
}
