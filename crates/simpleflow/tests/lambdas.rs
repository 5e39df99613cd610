//! Lambda functions, on the local backend.

use simpleflow::Lambda;
use simpleflow::prelude::*;
use simpleflow::testing::{Test, run};

#[workflow(lambda_role = "arn:aws:iam::123456789012:role/swf-lambda")]
struct Prices {
    names: Vec<String>,
}

impl Workflow for Prices {
    type Output = Vec<String>;

    async fn run(self, flow: Flow) -> Result<Vec<String>> {
        let prices: Vec<_> = self
            .names
            .iter()
            .map(|name| flow.submit(Lambda::<f64>::new("price").input(name)))
            .collect();
        let mut told = Vec::new();
        for price in prices {
            told.push(match price.await {
                Ok(price) => price.to_string(),
                Err(error) => error.reason(),
            });
        }
        Ok(told)
    }
}

fn prices(names: &[&str]) -> Prices {
    let names = names.iter().map(|name| name.to_string()).collect();
    Prices { names }
}

#[test]
fn a_closure_stands_in_for_a_lambda_function() {
    let run = Test::of(prices(&["tea", "gold", "bad"]))
        .lambda_function("price", |name: String| match name.as_str() {
            "tea" => Ok(4.5),
            "bad" => panic!("out of order"),
            other => Err(format!("no price for {other}")),
        })
        .run();
    let told: Vec<String> = run.result().unwrap();
    assert_eq!(told[..2], ["4.5", "String: no price for gold"]);
    assert!(told[2].starts_with("panic: out of order at "), "{told:?}");
}

#[test]
fn a_function_that_nothing_stands_in_for_is_not_started() {
    let told: Vec<String> = run(prices(&["tea"])).result().unwrap();
    assert_eq!(
        told,
        [
            "ASSUME_ROLE_FAILED: nothing stands in for the Lambda function \"price\": \
          add it with Registry::lambda_function"
        ]
    );
}

#[workflow]
struct WithoutRole;

impl Workflow for WithoutRole {
    type Output = String;

    async fn run(self, flow: Flow) -> Result<String> {
        let error = flow.submit(Lambda::<()>::new("f")).await.unwrap_err();
        Ok(error.reason())
    }
}

#[test]
fn a_workflow_without_a_role_can_call_no_function() {
    let reason: String = Test::of(WithoutRole)
        .lambda_function("f", |()| Ok::<_, String>(()))
        .run()
        .result()
        .unwrap();
    assert_eq!(
        reason,
        "ASSUME_ROLE_FAILED: No IAM role is attached to the current workflow execution."
    );
}
