//! The combinators of the `futures` crate work on a flow's futures.

// The macros write `simpleflow`, where users have all of it.
extern crate simpleflow_core as simpleflow;

mod common;

use common::*;
use futures::future::{Either, join_all, select, select_all, try_join, try_join_all};
use futures::stream::{self, FuturesUnordered, StreamExt as _, TryStreamExt as _};

workflow!(JoinAll(flow) -> Vec<i64> {
    // Beyond 30, `join_all` is another implementation.
    let few = join_all((0..3).map(|x| flow.submit(inc(x))));
    let many = try_join_all((3..50).map(|x| flow.submit(inc(x))));
    let few = few.await.into_iter().collect::<std::result::Result<Vec<_>, _>>()?;
    let many = many.await?;
    Ok(few.into_iter().chain(many).collect())
});

#[test]
fn join_all_keeps_the_order_of_the_code() {
    let mut history = scheduled(50);
    for n in (1..=50).rev() {
        history = complete(history, n);
    }
    let all: Vec<_> = (1..=50).map(|n| n.to_string()).collect();
    assert_eq!(
        next::<JoinAll>(&history),
        [format!("complete [{}]", all.join(","))]
    );
}

workflow!(Unordered(flow) -> Vec<i64> {
    let all: FuturesUnordered<_> = (0..4).map(|x| flow.submit(inc(x))).collect();
    Ok(all.try_collect().await?)
});

#[test]
fn futures_unordered_gives_the_order_of_the_history() {
    let history = [3, 1, 4, 2].into_iter().fold(scheduled(4), complete);
    assert_eq!(next::<Unordered>(&history), ["complete [3,1,4,2]"]);
}

workflow!(Buffered(flow) -> Vec<i64> {
    let calls = stream::iter(0..5).map(|x| flow.submit(inc(x)));
    Ok(calls.buffered(3).try_collect().await?)
});

#[test]
fn buffered_submits_as_many_as_it_says() {
    let history = started();
    assert_eq!(next::<Buffered>(&history).len(), 3);
    let history = complete(scheduled(3), 2);
    assert!(
        next::<Buffered>(&history).is_empty(),
        "the first is awaited first"
    );
    let history = complete(history, 1);
    assert_eq!(
        next::<Buffered>(&history),
        ["schedule activity-inc-4(3)", "schedule activity-inc-5(4)"]
    );
    let history = history.decision(|d| {
        d.schedule_activity("activity-inc-4", "inc")
            .schedule_activity("activity-inc-5", "inc")
    });
    let history = [5, 4, 3].into_iter().fold(history, complete);
    assert_eq!(next::<Buffered>(&history), ["complete [1,2,3,4,5]"]);
}

workflow!(Selects(flow) -> i64 {
    let (a, b) = (flow.submit(inc(0)), flow.submit(inc(1)));
    let (first, rest) = match select(a, b).await {
        Either::Left((x, rest)) | Either::Right((x, rest)) => (x?, rest),
    };
    let (second, index, _) = select_all([rest, flow.submit(inc(2))]).await;
    Ok(first * 100 + second? * 10 + index as i64)
});

#[test]
fn select_gives_the_first_of_the_history() {
    let history =
        complete(scheduled(2), 2).decision(|d| d.schedule_activity("activity-inc-3", "inc"));
    assert_eq!(
        next::<Selects>(&complete(history.clone(), 1)),
        ["complete 210"]
    );
    assert_eq!(next::<Selects>(&complete(history, 3)), ["complete 231"]);
}

workflow!(TryJoin(flow) -> String {
    Ok(match try_join(flow.submit(inc(0)), flow.submit(inc(1))).await {
        Ok(both) => format!("{both:?}"),
        Err(error) => error.reason(),
    })
});

#[test]
fn try_join_ends_with_the_first_failure() {
    assert_eq!(
        next::<TryJoin>(&complete(complete(scheduled(2), 2), 1)),
        ["complete \"(1, 2)\""]
    );
    let failed = scheduled(2).activity_failed("activity-inc-2", "no", "");
    assert_eq!(next::<TryJoin>(&failed), ["complete \"no\""]);
}

workflow!(Branches(flow) -> i64 {
    // Two branches that talk to each other.
    let (sender, receiver) = futures::channel::oneshot::channel();
    let asks = async {
        let x = flow.submit(inc(0)).await?;
        let _ = sender.send(x);
        Ok::<_, Error>(())
    };
    let answers = async {
        let x = receiver.await.unwrap_or(0);
        Ok(flow.submit(inc(x)).await?)
    };
    Ok(try_join(asks, answers).await?.1)
});

#[test]
fn branches_of_the_code_may_wait_for_each_other() {
    let history = complete(scheduled(1), 1);
    assert_eq!(next::<Branches>(&history), ["schedule activity-inc-2(1)"]);
}
