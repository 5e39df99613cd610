//! Middleware around activities of every kind.

use std::sync::{Arc, Mutex};

use simpleflow::prelude::*;
use simpleflow::testing::Test;
use simpleflow::{Failure, When};

#[activity]
async fn waiting(x: i64) -> i64 {
    tokio::time::sleep(Duration::from_millis(1)).await;
    x
}

#[activity]
fn blocking(x: i64) -> i64 {
    x
}

#[activity(program = "echo")]
fn program(x: i64) -> i64;

#[activity]
async fn failing() -> Result<i64> {
    bail!("broken")
}

/// One of each kind.
#[workflow(name = "middleware", version = "test", task_list = "middleware")]
struct OfEachKind;

impl Workflow for OfEachKind {
    type Output = i64;

    async fn run(self, flow: Flow) -> Result<i64> {
        let all = [
            flow.submit(waiting(1)),
            flow.submit(blocking(2)),
            flow.submit(program(3)),
        ];
        let mut sum = 0;
        for one in all {
            sum += one.await?;
        }
        Ok(sum)
    }
}

#[workflow(
    name = "middleware_failing",
    version = "test",
    task_list = "middleware"
)]
struct Failing;

impl Workflow for Failing {
    type Output = String;

    async fn run(self, flow: Flow) -> Result<String> {
        let error = flow.submit(failing()).await.unwrap_err();
        Ok(error.reason())
    }
}

/// Refuses what has a wrong argument.
#[middleware]
async fn check(context: ActivityContext) -> Result<()> {
    match context.info().input.contains('2') {
        true => bail!("2 is not allowed"),
        false => Ok(()),
    }
}

/// Doubles results.
#[middleware(name = "twice")]
async fn doubled(_context: ActivityContext, next: Next) -> ActivityResult {
    let result: i64 = next.run().await?.parse().unwrap();
    Ok((result * 2).to_string().into())
}

#[middleware]
async fn lost(_context: ActivityContext, _result: ActivityResult) -> Result<()> {
    panic!("the middleware broke")
}

#[test]
fn it_sees_activities_of_every_kind() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sees = Arc::clone(&seen);
    let registry =
        Registry::linked().layer(move |context: ActivityContext, result: ActivityResult| {
            let info = context.info();
            let line = format!(
                "{} {} {:?}",
                info.activity_id,
                info.input,
                result.map_err(|failure| failure.reason)
            );
            sees.lock().unwrap().push(line);
            async { Ok::<_, Error>(()) }
        });
    let run = Test::of(OfEachKind).registry(registry.clone()).run();
    assert_eq!(run.result::<i64>().unwrap(), 6);
    Test::of(Failing).registry(registry).run();
    let mut seen = seen.lock().unwrap().clone();
    seen.sort();
    let expected = [
        r#"activity-middleware.blocking-1 {"args":[2],"kwargs":{}} Ok("2")"#,
        r#"activity-middleware.failing-1 {"args":[],"kwargs":{}} Err("Error: broken")"#,
        r#"activity-middleware.program-1 {"args":[3],"kwargs":{}} Ok("3")"#,
        r#"activity-middleware.waiting-1 {"args":[1],"kwargs":{}} Ok("1")"#,
    ];
    assert_eq!(seen, expected);
}

#[test]
fn it_may_change_and_refuse() {
    let mut registry = Registry::linked();
    registry.activate("twice", When::PostExecution).unwrap();
    let run = Test::of(OfEachKind).registry(registry.clone()).run();
    assert_eq!(run.result::<i64>().unwrap(), 12);
    registry.activate("check", When::PreExecution).unwrap();
    let run = Test::of(OfEachKind).registry(registry).run();
    let reason = run.failure().unwrap().reason;
    assert!(reason.contains("2 is not allowed"), "{reason}");
    // The activity does not run at all when `next` does not.
    let registry = Registry::linked().layer(|_: ActivityContext, _: Next| async {
        Err(Failure::new("closed on Sundays", None))
    });
    let run = Test::of(Failing).registry(registry).run();
    assert_eq!(run.result::<String>().unwrap(), "closed on Sundays");
}

#[test]
fn its_panic_is_the_failure_of_the_activity() {
    let mut registry = Registry::linked();
    registry
        .activate("middleware.lost", When::PostExecution)
        .unwrap();
    let run = Test::of(Failing).registry(registry).run();
    assert_eq!(
        run.result::<String>().unwrap(),
        "panic: the middleware broke"
    );
}

#[test]
fn one_that_is_not_there_is_told_with_those_that_are() {
    let error = Registry::linked().activate("chekc", When::PreExecution);
    assert_eq!(
        error.unwrap_err().to_string(),
        "there is no middleware \"chekc\": this program has middleware.check, middleware.lost, twice"
    );
    let error = Registry::linked().activate("check", When::PostExecution);
    assert_eq!(
        error.unwrap_err().to_string(),
        "middleware \"check\" runs before an activity, not after"
    );
}

#[test]
fn a_name_is_given_once() {
    let twice = Registry::linked().middleware("twice", doubled);
    let error = twice.check().unwrap_err().to_string();
    assert!(
        error.starts_with("two middlewares have the name \"twice\": at crates/"),
        "{error}"
    );
}
