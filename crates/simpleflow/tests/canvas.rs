//! Canvases from end to end, run locally.

use serde_json::{Value, json};
use simpleflow::prelude::*;
use simpleflow::testing::run;
use simpleflow::{Chain, FuncGroup, Group};

#[activity]
async fn increment(x: i64) -> Result<i64> {
    Ok(x + 1)
}

#[activity]
async fn multiply(numbers: Vec<i64>) -> Result<i64> {
    Ok(numbers.into_iter().product())
}

#[activity]
async fn fail(x: i64) -> Result<i64> {
    bail!("not {x}")
}

/// Triples in a child execution.
#[workflow]
struct Triple {
    x: i64,
}

impl Workflow for Triple {
    type Output = i64;

    async fn run(self, flow: Flow) -> Result<i64> {
        flow.submit(multiply(vec![3, self.x])).get().await
    }
}

/// Canvases in canvases, of all kinds of members.
#[workflow]
struct Nested;

impl Workflow for Nested {
    type Output = Vec<Value>;

    async fn run(self, flow: Flow) -> Result<Vec<Value>> {
        let sends = Chain::send_result(increment(2))
            .then(|n| (0..n).map(increment).collect::<Group<i64>>())
            .then(multiply)
            .then(|x| Triple { x });
        let canvas = Chain::new()
            .append(
                Group::new()
                    .append(increment(1))
                    .append(sends)
                    .append(Chain::new().append(fail(1)).raises_on_failure(false)),
            )
            .append(FuncGroup::new(|flow| {
                flow.sleep(Duration::from_secs(3_600))
            }))
            .append(Triple { x: 2 });
        Ok(flow.submit(canvas).await?)
    }
}

#[test]
fn canvases_of_all_kinds_nest() {
    let run = run(Nested);
    assert_eq!(
        run.result::<Value>().unwrap(),
        json!([[2, [3, [1, 2, 3], 6, 18], [null]], null, 6])
    );
    assert!(run.elapsed() >= Duration::from_secs(3_600));
}

/// Many, of which so many are under way at most.
#[workflow]
struct AtMost {
    at_most: usize,
}

impl Workflow for AtMost {
    type Output = i64;

    async fn run(self, flow: Flow) -> Result<i64> {
        let group: Group<i64> = (0..200).map(increment).collect();
        Ok(flow
            .submit(group.max_parallel(self.at_most))
            .await?
            .iter()
            .sum())
    }
}

#[test]
fn no_more_than_max_parallel_are_under_way() {
    let run = run(AtMost { at_most: 3 });
    assert_eq!(run.result::<i64>().unwrap(), 200 * 201 / 2);
    let mut open = 0;
    let most = run.history.iter().map(|event| {
        match event.event_type() {
            "ActivityTaskScheduled" => open += 1,
            "ActivityTaskCompleted" => open -= 1,
            _ => {}
        }
        open
    });
    assert_eq!(most.max(), Some(3));
}

/// Tells of each failure.
#[workflow]
struct Fails;

impl Workflow for Fails {
    type Output = (Vec<Value>, Vec<String>);

    async fn run(self, flow: Flow) -> Result<Self::Output> {
        let group = Group::new().append(fail(1)).append(increment(1)).append(
            Chain::new()
                .append(increment(2))
                .append(fail(2))
                .append(increment(3)),
        );
        let error = flow.submit(group).await.err();
        let Some(failed) = error.as_ref().and_then(TaskError::aggregate) else {
            bail!("it has not failed")
        };
        let reasons = failed.flatten().into_iter().map(TaskError::reason);
        Ok((failed.results(), reasons.collect()))
    }
}

#[test]
fn a_failure_says_who_failed_and_what_the_others_gave() {
    let result = run(Fails).result::<Value>().unwrap();
    assert_eq!(
        result,
        json!([[null, 2, [3, null]], ["Error: not 1", "Error: not 2"]])
    );
}
