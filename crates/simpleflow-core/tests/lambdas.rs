//! Lambda functions.

// The macros write `simpleflow`, where users have all of it.
extern crate simpleflow_core as simpleflow;

mod common;

use common::*;
use simpleflow_core::Lambda;
use simpleflow_core::testing::{HistoryBuilder, replay};

workflow!(Calls(flow) -> String {
    let call = Lambda::<f64>::new("price").input(("tea", 3)).retry(1);
    let price = flow.submit(call.start_to_close_timeout(60));
    price.cancel_once_started(&flow).await;
    Ok(match price.await {
        Ok(price) => format!("{price}"),
        Err(error) => format!("{:?} of {} at attempt {}", error.kind(), error.name(), error.attempt()),
    })
});

/// A cancel that comes too late.
trait CancelOnceStarted {
    async fn cancel_once_started(&self, flow: &Flow);
}

impl<T> CancelOnceStarted for Future<T> {
    async fn cancel_once_started(&self, flow: &Flow) {
        if flow
            .wait_any(&[&flow.wait_signal::<()>("cancel"), &flow.sleep(secs(1))])
            .await
            == 0
        {
            self.cancel();
            assert_ne!(self.state(), FutureState::Cancelled);
        }
    }
}

fn called() -> HistoryBuilder {
    started()
        .decision(|d| {
            d.schedule_lambda("lambda-price-1", "price")
                .start_timer("sleep-1", 1)
        })
        .timer_fired("sleep-1")
}

#[test]
fn a_lambda_function_gives_its_result() {
    assert_eq!(
        next::<Calls>(&started()),
        [
            "lambda lambda-price-1 price([\"tea\",3])",
            "timer sleep-1 1"
        ]
    );
    let history = called().lambda_started("lambda-price-1");
    assert!(next::<Calls>(&history.clone()).is_empty());
    let history = history.lambda_completed("lambda-price-1", "4.5");
    assert_eq!(next::<Calls>(&history), ["complete \"4.5\""]);
}

#[test]
fn each_end_of_a_lambda_function_is_typed() {
    let id = "lambda-price-1";
    type End = fn(HistoryBuilder, &str) -> HistoryBuilder;
    let ends: [(&str, End); 3] = [
        (
            "Failed { reason: \\\"no\\\", details: Some(\\\"more\\\") } of price at attempt 2",
            |h, id| h.lambda_failed(id, "no", "more"),
        ),
        (
            "TimedOut { timeout_type: StartToClose, details: None } of price at attempt 2",
            |h, id| h.lambda_timed_out(id),
        ),
        (
            "NotStarted { cause: \\\"ASSUME_ROLE_FAILED\\\", message: \\\"no role\\\" } of price at attempt 1",
            |h, id| h.lambda_not_started(id, "ASSUME_ROLE_FAILED", "no role"),
        ),
    ];
    for (expected, end) in ends {
        let mut history = end(called(), id);
        if expected.ends_with('2') {
            assert_eq!(
                next::<Calls>(&history),
                ["lambda lambda-price-1 price([\"tea\",3])"]
            );
            history = end(history.decision(|d| d.schedule_lambda(id, "price")), id);
        }
        assert_eq!(
            next::<Calls>(&history),
            [format!("complete \"{expected}\"")]
        );
    }
}

#[test]
fn a_lambda_function_that_is_refused_is_tried_again_or_fails() {
    let refused = |cause: &str| {
        started().decision(|d| {
            d.schedule_lambda("lambda-price-1", "price")
                .refused(cause)
                .start_timer("sleep-1", 1)
        })
    };
    for cause in [
        "LAMBDA_FUNCTION_CREATION_RATE_EXCEEDED",
        "OPEN_LAMBDA_FUNCTIONS_LIMIT_EXCEEDED",
    ] {
        let history = refused(cause);
        let timer = "__simpleflow_task_lambda-price-1";
        assert_eq!(next::<Calls>(&history), [format!("timer {timer} 1")]);
        let history = history
            .decision(|d| d.start_timer(timer, 1))
            .timer_fired(timer);
        assert_eq!(next::<Calls>(&history).len(), 1);
    }
    let history = refused("LAMBDA_SERVICE_NOT_AVAILABLE_IN_REGION").timer_fired("sleep-1");
    assert_eq!(
        next::<Calls>(&history),
        [
            "complete \"Refused { cause: \\\"LAMBDA_SERVICE_NOT_AVAILABLE_IN_REGION\\\" } of price at attempt 1\""
        ]
    );
}

#[test]
fn a_lambda_function_that_was_sent_cannot_be_cancelled() {
    let history = started()
        .decision(|d| {
            d.schedule_lambda("lambda-price-1", "price")
                .start_timer("sleep-1", 1)
        })
        .signaled("cancel", "");
    assert!(next::<Calls>(&history).is_empty());
    let history = history
        .decision(|d| d)
        .lambda_completed("lambda-price-1", "1");
    assert_eq!(next::<Calls>(&history), ["complete \"1\""]);
}

#[test]
fn a_function_that_the_code_does_not_call_or_by_another_name_is_detected() {
    let check = |id: &str, name: &str| {
        let history = started().decision(|d| d.schedule_lambda(id, name).start_timer("sleep-1", 1));
        replay::<Calls>(&history).check().unwrap_err().to_string()
    };
    assert!(check("lambda-price-2", "price").contains("what the code does not do"));
    let error = check("lambda-price-1", "other");
    assert!(
        error.contains("of type other") && error.contains("of type price"),
        "{error}"
    );
    let less = started().decision(|d| d.start_timer("sleep-1", 1));
    let error = replay::<Calls>(&less).check().unwrap_err().to_string();
    assert!(error.contains("submit of lambda-price-1"), "{error}");
}

workflow!(OwnIds(flow) -> Vec<String> {
    let first = flow.submit(Lambda::<i64>::new("f").id("mine"));
    let same = flow.submit(Lambda::<i64>::new("f").id("mine"));
    let mut told = vec![first.await?.to_string(), same.await?.to_string()];
    for call in [
        Lambda::<()>::new(""),
        Lambda::new("f").id(""),
        Lambda::new("f").input("x".repeat(32_768)),
    ] {
        told.push(flow.submit(call).await.unwrap_err().reason());
    }
    Ok(told)
});

#[test]
fn one_id_is_one_call_and_what_the_service_would_not_take_fails_alone() {
    assert_eq!(next::<OwnIds>(&started()), ["lambda mine f()"]);
    let history = started()
        .decision(|d| d.schedule_lambda("mine", "f"))
        .lambda_completed("mine", "7");
    assert_eq!(
        next::<OwnIds>(&history),
        ["complete [\"7\",\"7\",\
          \"function name \\\"\\\" is empty: expected at least 1 character\",\
          \"function id \\\"\\\" is empty: expected at least 1 character\",\
          \"32770 characters of input are too many: SWF takes at most 32768\"]"]
    );
}
