//! Chains, groups and what they are made of.

// The macros write `simpleflow`, where users have all of it.
extern crate simpleflow_core as simpleflow;

mod common;

use std::collections::BTreeMap;

use common::*;
use serde_json::{Value, json};
use simpleflow_core::model::{Decision, SmolStr};
use simpleflow_core::testing::replay;
use simpleflow_core::{ActivityCall, AggregateError, Chain, FuncGroup, Group};

#[activity(name = "fail")]
fn fail(x: i64) -> Result<i64> {
    Ok(x)
}

#[activity(name = "mul")]
fn mul(numbers: Vec<i64>) -> Result<i64> {
    Ok(numbers.into_iter().product())
}

#[activity(name = "add")]
fn add(a: i64, b: i64) -> Result<i64> {
    Ok(a + b)
}

#[workflow(name = "child")]
struct Child {
    x: i64,
}

impl Workflow for Child {
    type Output = i64;

    async fn run(self, _flow: Flow) -> Result<i64> {
        Ok(self.x)
    }
}

#[activity(name = "tests.integration.workflow.increment", version = "example")]
fn increment(x: i64) -> Result<i64> {
    Ok(x + 1)
}

#[activity(name = "tests.integration.workflow.double", version = "example")]
fn double(x: i64) -> Result<i64> {
    Ok(x * 2)
}

/// Plays the service: all activities that are scheduled end, in the order of their schedule, or
/// in the reverse; `fail` fails. Gives each round's decisions.
fn rounds<W: Workflow>(reverse: bool) -> Vec<Vec<String>> {
    let mut rounds = Vec::new();
    let mut history = started();
    while !history.is_closed() {
        history = history.decision_started();
        let decisions = replay::<W>(&history)
            .decisions()
            .unwrap_or_else(|error| panic!("{error}"));
        rounds.push(lines(&decisions));
        let mut calls: Vec<(SmolStr, String)> = Vec::new();
        let mut timers: Vec<SmolStr> = Vec::new();
        for decision in &decisions.decisions {
            match decision {
                Decision::ScheduleActivityTask(d) => calls.push((
                    d.activity_id.as_str().into(),
                    d.input.clone().unwrap_or_default().into(),
                )),
                Decision::StartTimer(d) => timers.push(d.timer_id.as_str().into()),
                _ => {}
            }
        }
        history = history.decided_as(decisions);
        if reverse {
            calls.reverse();
        }
        for (id, input) in calls {
            let input: Value = serde_json::from_str(&input).unwrap();
            let args = &input["args"];
            let number = |index: usize| args[index].as_i64().unwrap();
            history = match id.split('-').nth(1).unwrap() {
                "fail" => history.activity_failed(&id, "Error: no", "{}"),
                "mul" => {
                    let numbers: Vec<i64> = serde_json::from_value(args[0].clone()).unwrap();
                    let product: i64 = numbers.into_iter().product();
                    history.activity_completed(&id, product.to_string())
                }
                "add" => history.activity_completed(&id, (number(0) + number(1)).to_string()),
                _ => history.activity_completed(&id, (number(0) + 1).to_string()),
            };
        }
        for id in timers {
            history = history.timer_fired(&id);
        }
        assert!(rounds.len() < 30, "{rounds:?}");
    }
    rounds
}

/// How the workflow ends, whatever the order in which activities end.
#[track_caller]
fn end<W: Workflow>() -> String {
    let last = |reverse| rounds::<W>(reverse).pop().unwrap().pop().unwrap();
    let end = last(false);
    assert_eq!(end, last(true));
    end
}

/// The result of a canvas, with its error told in the place of one.
#[track_caller]
fn told<T: Into<Value>>(result: std::result::Result<T, TaskError>) -> Value {
    match result {
        Ok(result) => result.into(),
        Err(error) => match error.aggregate() {
            Some(aggregate) => json!({
                "results": aggregate.results(),
                "errors": aggregate
                    .errors()
                    .map(|(position, error)| (position.to_string(), error.reason().into()))
                    .collect::<BTreeMap<String, Value>>(),
            }),
            None => error.reason().into(),
        },
    }
}

macro_rules! canvas {
    ($name:ident, $canvas:expr) => {
        workflow!($name(flow) -> Value {
            Ok(told(flow.submit($canvas).await))
        });
    };
}

canvas!(
    OneAfterTheOther,
    Chain::new()
        .append(inc(1))
        .append(inc(2))
        .append(mul(vec![3, 2]))
);

#[test]
fn a_chain_submits_the_next_when_the_previous_is_done() {
    assert_eq!(
        rounds::<OneAfterTheOther>(false),
        [
            ["schedule activity-inc-1(1)"],
            ["schedule activity-inc-2(2)"],
            ["schedule activity-mul-1([3,2])"],
            ["complete [2,3,6]"],
        ]
    );
}

canvas!(
    AtTheSameTime,
    Group::new()
        .append(inc(1))
        .append(mul(vec![3, 2]))
        .append(inc(2))
);

#[test]
fn a_group_submits_all_at_once_and_keeps_the_order_of_its_members() {
    for reverse in [false, true] {
        assert_eq!(
            rounds::<AtTheSameTime>(reverse),
            [
                vec![
                    "schedule activity-inc-1(1)",
                    "schedule activity-mul-1([3,2])",
                    "schedule activity-inc-2(2)",
                ],
                vec!["complete [2,6,3]"],
            ]
        );
    }
}

workflow!(Empty(flow) -> Value {
    let group = flow.submit(Group::new());
    let typed = flow.submit(Vec::<ActivityCall<i64>>::new().into_iter().collect::<Group<_>>());
    let chain = flow.submit(Chain::new());
    let states = [group.is_done(), typed.is_done(), chain.is_done()];
    Ok(json!([states, group.await?, typed.await?, chain.await?]))
});

#[test]
fn an_empty_canvas_is_done_at_once() {
    assert_eq!(end::<Empty>(), "complete [[true,true,true],[],[],[]]");
}

canvas!(
    TwoAtATime,
    (1..=5).map(inc).collect::<Group<i64>>().max_parallel(2)
);

#[test]
fn a_group_with_max_parallel_submits_the_next_when_one_is_done() {
    assert_eq!(
        rounds::<TwoAtATime>(false),
        [
            vec!["schedule activity-inc-1(1)", "schedule activity-inc-2(2)"],
            vec!["schedule activity-inc-3(3)", "schedule activity-inc-4(4)"],
            vec!["schedule activity-inc-5(5)"],
            vec!["complete [2,3,4,5,6]"],
        ]
    );
    let history = started()
        .decision(|d| {
            d.schedule_activity("activity-inc-1", "inc")
                .schedule_activity("activity-inc-2", "inc")
        })
        .activity_started("activity-inc-1")
        .activity_completed("activity-inc-2", "3");
    assert_eq!(next::<TwoAtATime>(&history), ["schedule activity-inc-3(3)"]);
}

workflow!(DoneAlready(flow) -> Value {
    let done = flow.submit(inc(0));
    done.done().await;
    let members = [done.clone(), done.clone(), flow.submit(inc(5)), done];
    let group = members.into_iter().collect::<Group<i64>>().max_parallel(1);
    Ok(told(flow.submit(group).await))
});

#[test]
fn a_member_that_is_done_takes_no_place() {
    assert_eq!(end::<DoneAlready>(), "complete [1,1,6,1]");
}

canvas!(
    Sends,
    Chain::send_result(inc(5)).then(inc).then(|x| add(10, x))
);
canvas!(
    SendsLast,
    Chain::send_result(inc(5))
        .then(inc)
        .then(|x| add(10, x))
        .last()
);

#[test]
fn a_chain_that_sends_results_gives_each_member_the_one_before() {
    assert_eq!(
        rounds::<Sends>(false),
        [
            ["schedule activity-inc-1(5)"],
            ["schedule activity-inc-2(6)"],
            ["schedule activity-add-1(10,7)"],
            ["complete [6,7,17]"],
        ]
    );
    assert_eq!(end::<SendsLast>(), "complete 17");
}

canvas!(Recorded, Chain::send_result(increment(5)).then(double));

#[test]
fn a_history_of_the_original_has_the_same_ids() {
    let [increment, double] =
        ["increment", "double"].map(|name| format!("tests.integration.workflow.{name}"));
    let history = started()
        .decision(|d| d.schedule_activity(format!("activity-{increment}-1"), increment.as_str()))
        .activity_completed(&format!("activity-{increment}-1"), "6")
        .decision(|d| d.schedule_activity(format!("activity-{double}-1"), double.as_str()))
        .activity_completed(&format!("activity-{double}-1"), "12");
    assert_eq!(next::<Recorded>(&history), ["complete [6,12]"]);
}

workflow!(SendsAtRunTime(flow) -> Value {
    let mut chain = Chain::send_result(inc(0)).as_json();
    for round in 0..3 {
        chain = match round % 2 {
            0 => chain.then(|x: Value| Group::new().append(inc(x.as_i64().unwrap_or(-1)))).as_json(),
            _ => chain.then(|x: Value| mul(vec![x[0].as_i64().unwrap_or(-1), 5])).as_json(),
        };
    }
    Ok(told(flow.submit(chain).await))
});

#[test]
fn a_chain_that_sends_results_can_be_built_while_the_workflow_runs() {
    assert_eq!(end::<SendsAtRunTime>(), "complete [1,[2],10,[11]]");
}

#[activity(name = "liar")]
fn liar(x: i64) -> Result<String> {
    Ok(x.to_string())
}

canvas!(
    SendsAnother,
    Chain::send_result(inc(1))
        .then(liar)
        .then(|text| mul(vec![text.len() as i64]))
);

#[test]
fn a_result_of_another_type_than_it_is_sent_with_fails_the_member_that_takes_it() {
    assert_eq!(
        end::<SendsAnother>(),
        "complete {\"errors\":{\"2\":\"its result is not of type alloc::string::String: \
         invalid type: integer `3`, expected a string at line 1 column 1\"},\
         \"results\":[2,3,null]}"
    );
}

fn failing() -> Chain {
    Chain::new()
        .append(fail(1))
        .append(inc(1))
        .append(mul(vec![3, 2]))
}

canvas!(Breaks, failing());
canvas!(DoesNotRaise, failing().raises_on_failure(false));
canvas!(GoesOn, failing().break_on_failure(false));
canvas!(
    GoesOnQuietly,
    failing()
        .break_on_failure(false)
        .bubbles_error_on_failure(false)
);

#[test]
fn a_chain_breaks_at_a_failure_unless_it_is_to_go_on() {
    let no = "\"errors\":{\"0\":\"Error: no\"}";
    assert_eq!(
        end::<Breaks>(),
        format!("complete {{{no},\"results\":[null]}}")
    );
    assert_eq!(end::<DoesNotRaise>(), "complete [null]");
    assert_eq!(
        end::<GoesOn>(),
        format!("complete {{{no},\"results\":[null,2,6]}}")
    );
    assert_eq!(end::<GoesOnQuietly>(), "complete [null,2,6]");
}

canvas!(
    InAChain,
    Chain::new()
        .append(Chain::new().append(fail(1)).raises_on_failure(false))
        .append(inc(1))
        .append(mul(vec![3, 2]))
);
canvas!(
    BubblesFromAChain,
    Chain::new()
        .append(
            Chain::new()
                .append(
                    Chain::new()
                        .append(fail(1))
                        .raises_on_failure(false)
                        .bubbles_error_on_failure(true)
                )
                .append(inc(1))
                .bubbles_error_on_failure(false)
        )
        .append(mul(vec![3, 2]))
);
canvas!(
    BreaksTheChainAround,
    Chain::new().append(failing()).append(inc(7))
);

#[test]
fn a_chain_in_a_chain_breaks_it_if_its_failure_bubbles() {
    assert_eq!(end::<InAChain>(), "complete [[null],2,6]");
    assert_eq!(end::<BubblesFromAChain>(), "complete [[[null]],6]");
    assert_eq!(
        end::<BreaksTheChainAround>(),
        "complete {\"errors\":{\"0\":\"1 of 1 members failed: activity-fail-1: Error: no\"},\
         \"results\":[[null]]}"
    );
}

/// A group of three, of which this one fails.
fn with_failure(at: usize) -> Group {
    (0..3).fold(Group::new(), |group, place| match place == at {
        true => group.append(fail(1)),
        false => group.append(inc(place as i64)),
    })
}

workflow!(GroupFailsAt(flow) -> Value {
    let mut all = Vec::new();
    for place in 0..3 {
        all.push(told(flow.submit(with_failure(place)).await));
        all.push(told(flow.submit(with_failure(place).bubbles_error_on_failure(false)).await));
    }
    Ok(all.into())
});

#[test]
fn a_group_waits_for_all_and_says_who_failed() {
    let end = end::<GroupFailsAt>();
    let told: Value = serde_json::from_str(end.strip_prefix("complete ").unwrap()).unwrap();
    let failed =
        |at: &str, results: Value| json!({"errors": {at: "Error: no"}, "results": results});
    assert_eq!(
        told,
        json!([
            failed("0", json!([null, 2, 3])),
            [null, 2, 3],
            failed("1", json!([1, null, 3])),
            [1, null, 3],
            failed("2", json!([1, 2, null])),
            [1, 2, null],
        ])
    );
}

workflow!(Typed(flow) -> Value {
    let calls = || [inc(1), fail(1), inc(3)];
    let strict: std::result::Result<Vec<i64>, _> =
        flow.submit(calls().into_iter().collect::<Group<_>>()).await;
    let tolerant: Vec<Option<i64>> =
        flow.submit(calls().into_iter().collect::<Group<_>>().tolerant()).await?;
    let positions: Vec<usize> = strict
        .err()
        .and_then(|error| Some(error.aggregate()?.errors().map(|(at, _)| at).collect()))
        .unwrap_or_default();
    let sum: i64 = tolerant.iter().flatten().sum();
    Ok(json!([positions, tolerant, sum]))
});

#[test]
fn a_tolerant_group_gives_none_for_who_failed() {
    assert_eq!(end::<Typed>(), "complete [[1],[2,null,4],6]");
}

workflow!(Raises(flow) -> Value {
    let group = Group::new().append(inc(1)).append(Chain::new().append(fail(1)));
    flow.submit(group.raises_on_failure(true));
    flow.wait_signal::<()>("never").await?;
    Ok(Value::Null)
});

workflow!(RaisesNot(flow) -> Value {
    let inner = Group::new().append(vital(1)).append(vital(2).raises_on_failure(true));
    let group = Group::new()
        .append(inner.raises_on_failure(true))
        .append(FuncGroup::new(|_| vital(3)).raises_on_failure(true))
        .append(Child { x: 1 }.call().raises_on_failure(true))
        .append(Some(Child { x: 2 }))
        .raises_on_failure(false);
    let group = flow.submit(group);
    flow.sleep(secs(1)).await?;
    Ok(format!("{:?}", group.state()).into())
});

#[test]
fn what_a_canvas_says_of_raising_goes_before_what_its_members_say() {
    let history = started()
        .decision(|d| {
            d.schedule_activity("activity-inc-1", "inc")
                .schedule_activity("activity-fail-1", "fail")
        })
        .activity_failed("activity-fail-1", "Error: no", "{}");
    assert_eq!(
        next::<Raises>(&history),
        ["fail Workflow execution error in activity-fail: \"Error: no\""]
    );

    let activity = |n: u32| format!("activity-vital-{n}");
    let first = next::<RaisesNot>(&started());
    assert_eq!(first.len(), 6, "{first:?}");
    let ids: Vec<String> = first
        .iter()
        .filter_map(|line| line.strip_prefix("child ").map(str::to_owned))
        .collect();
    assert_eq!(ids.len(), 2);
    let mut history = started().decision(|d| {
        let d = (1..=3).fold(d, |d, n| d.schedule_activity(activity(n), "vital"));
        ids.iter()
            .fold(d, |d, id| d.start_child(id.as_str(), "child"))
            .start_timer("sleep-1", 1)
    });
    for n in 1..=3 {
        history = history.activity_failed(&activity(n), "Error: no", "{}");
    }
    for id in &ids {
        history = history.child_started(id).child_failed(id, "no");
    }
    assert!(next::<RaisesNot>(&history).is_empty());
    assert_eq!(
        next::<RaisesNot>(&history.timer_fired("sleep-1")),
        ["complete \"Finished\""]
    );
}

canvas!(
    Built,
    Chain::send_result(inc(2))
        .then(|n| (0..n).map(inc).collect::<Group<i64>>())
        .then(mul)
);

canvas!(
    BuiltLazily,
    Chain::new()
        .append(inc(1))
        .append(FuncGroup::new(|_| {
            Group::new()
                .append(inc(2))
                .append(FuncGroup::new(|_| Chain::new().append(inc(3))))
        }))
        .append(FuncGroup::new(|flow| flow.sleep(secs(5))))
        .append(FuncGroup::new(|flow| flow.record_marker("here", 1)))
        .append(FuncGroup::new(|_| None::<Chain>))
        .append(inc(4))
);

#[test]
fn a_func_group_is_built_when_its_turn_comes() {
    assert_eq!(end::<Built>(), "complete [3,[1,2,3],6]");
    assert_eq!(
        rounds::<BuiltLazily>(false),
        [
            vec!["schedule activity-inc-1(1)"],
            vec!["schedule activity-inc-2(2)", "schedule activity-inc-3(3)"],
            vec!["timer sleep-1 5"],
            vec!["marker here 1", "schedule activity-inc-4(4)"],
            vec!["complete [2,[3,[4]],null,null,null,5]"],
        ]
    );
}

workflow!(Maps(flow) -> Vec<i64> {
    let mut futures = flow.map(inc, [1, 2]);
    futures.extend(flow.starmap(add, vec![(1, 2), (3, 4)]));
    futures.extend(flow.starmap(inc, [(9,)]));
    Ok(flow.wait_all(futures).await?)
});

#[test]
fn map_and_starmap_submit_a_call_for_each_value() {
    assert_eq!(
        rounds::<Maps>(true),
        [
            vec![
                "schedule activity-inc-1(1)",
                "schedule activity-inc-2(2)",
                "schedule activity-add-1(1,2)",
                "schedule activity-add-2(3,4)",
                "schedule activity-inc-3(9)",
            ],
            vec!["complete [2,3,3,7,10]"],
        ]
    );
}

workflow!(Unawaited(flow) -> Value {
    flow.submit(Chain::send_result(inc(1)).then(inc));
    flow.wait_signal::<()>("end").await?;
    Ok(Value::Null)
});

#[test]
fn a_canvas_goes_on_unawaited() {
    let history = started()
        .decision(|d| d.schedule_activity("activity-inc-1", "inc"))
        .activity_completed("activity-inc-1", "2");
    assert_eq!(next::<Unawaited>(&history), ["schedule activity-inc-2(2)"]);
}

workflow!(Argument(flow) -> i64 {
    let numbers = flow.submit([inc(1), inc(2)].into_iter().collect::<Group<i64>>());
    Ok(flow.submit(mul(&numbers)).await?)
});

#[test]
fn the_future_of_a_canvas_is_an_argument_like_any_other() {
    assert_eq!(end::<Argument>(), "complete 6");
}

workflow!(Cancelled(flow) -> Value {
    let members = [inc(1), inc(2), inc(3), inc(4)].into_iter().collect::<Group<_>>();
    let canvas = flow.submit(Chain::new().append(members.max_parallel(2)).append(inc(5)));
    flow.wait_signal::<()>("stop").await?;
    canvas.cancel();
    let cancelled = canvas.await.is_err_and(|error| error.is_cancelled());
    flow.wait_signal::<()>("end").await?;
    Ok(cancelled.into())
});

#[test]
fn a_cancelled_canvas_cancels_what_it_has_under_way_and_submits_no_more() {
    let history = started()
        .decision(|d| {
            d.schedule_activity("activity-inc-1", "inc")
                .schedule_activity("activity-inc-2", "inc")
        })
        .activity_started("activity-inc-1")
        .activity_completed("activity-inc-2", "3")
        .decision(|d| d.schedule_activity("activity-inc-3", "inc"))
        .signaled("stop", "");
    assert_eq!(
        next::<Cancelled>(&history),
        [
            "cancel activity activity-inc-1",
            "cancel activity activity-inc-3"
        ]
    );
    let history = history
        .decision(|d| {
            d.cancel_activity("activity-inc-1")
                .cancel_activity("activity-inc-3")
        })
        .activity_canceled("activity-inc-1")
        .activity_completed("activity-inc-3", "4")
        .signaled("end", "");
    assert_eq!(next::<Cancelled>(&history), ["complete true"]);
}

workflow!(EndsFirst(flow) -> i64 {
    flow.submit(Group::new().append(Child { x: 1 }).append(inc(1)));
    flow.wait_signal::<()>("end").await?;
    Ok(1)
});

#[test]
fn what_a_canvas_submitted_outlives_the_workflow_that_did_not_wait_for_it() {
    let first = next::<EndsFirst>(&started());
    let child = first[0].strip_prefix("child ").unwrap().to_owned();
    let history = started()
        .decision(|d| {
            d.start_child(child.as_str(), "child")
                .schedule_activity("activity-inc-1", "inc")
        })
        .child_started(&child)
        .signaled("end", "");
    assert_eq!(next::<EndsFirst>(&history), ["complete 1"]);
}

workflow!(PanicsBeside(flow) -> Value {
    let panics = FuncGroup::new(|flow| {
        assert!(flow.is_replaying(), "never");
        inc(1)
    });
    Ok(told(flow.submit(Group::new().append(Child { x: 1 }).append(panics)).await))
});

#[test]
fn a_panic_in_a_canvas_fails_the_workflow_and_cancels_nothing() {
    let decisions = next::<PanicsBeside>(&started());
    assert_eq!(decisions.len(), 2);
    assert!(decisions[0].starts_with("child "), "{decisions:?}");
    assert_eq!(
        decisions[1],
        "fail Cannot replay the workflow: panic(never)"
    );
}

workflow!(Aggregates(flow) -> Value {
    let inner = Group::new().append(fail(1)).append(inc(1)).append(fail(2));
    let group = Group::new().append(inner).append(inc(2)).append(fail(3));
    let Err(error) = flow.submit(group).await else { bail() };
    let Some(aggregate) = error.aggregate() else { bail() };
    let flat: Vec<&str> = aggregate.flatten().into_iter().map(TaskError::task_id).collect();
    let of_tasks = |error: &TaskError| matches!(error.kind(), TaskErrorKind::Failed { .. });
    let left: Option<AggregateError> = aggregate.clone().handle(of_tasks).err();
    let left: Vec<usize> = left.iter().flat_map(|left| left.errors().map(|(at, _)| at)).collect();
    let none_left = aggregate.clone().handle(|_| true).is_ok();
    Ok(json!([flat, left, none_left, error.to_string()]))
});

fn bail() -> ! {
    panic!("it did not fail")
}

#[test]
fn an_aggregate_error_can_be_flattened_and_handled() {
    assert_eq!(
        end::<Aggregates>(),
        "complete [[\"activity-fail-1\",\"activity-fail-2\",\"activity-fail-3\"],[0],true,\
         \"group-1: 2 of 3 members failed: \
         group-2: 2 of 3 members failed: activity-fail-1: Error: no; activity-fail-2: Error: no; \
         activity-fail-3: Error: no\"]"
    );
}

workflow!(FailsTheWorkflow(flow) -> Vec<i64> {
    let calls = (0..5).map(fail).collect::<Group<i64>>();
    Ok(flow.submit(calls).await?)
});

#[test]
fn a_workflow_that_passes_the_failure_on_fails_with_it() {
    assert_eq!(
        end::<FailsTheWorkflow>(),
        "fail Workflow execution error in group-1: \"5 of 5 members failed: \
         activity-fail-1: Error: no; activity-fail-2: Error: no; activity-fail-3: Error: no; \
         and 2 more\""
    );
    let history = (1..=5).fold(
        started().decision(|d| {
            (1..=5).fold(d, |d, n| {
                d.schedule_activity(format!("activity-fail-{n}"), "fail")
            })
        }),
        |history, n| history.activity_failed(&format!("activity-fail-{n}"), "Error: no", "{}"),
    );
    let decisions = replay::<FailsTheWorkflow>(&history).decisions().unwrap();
    let [Decision::FailWorkflowExecution(failed)] = &*decisions.decisions else {
        panic!("{decisions:?}")
    };
    let details = failed.details.as_deref().unwrap_or_default();
    assert_eq!(details.lines().count(), 5);
    assert_eq!(
        details.lines().next_back(),
        Some("activity-fail-5: Error: no")
    );
}

workflow!(Extended(flow) -> Value {
    let mut group = Group::from_iter([inc(1)]);
    group.extend([inc(2), inc(3)]);
    let mut chain = Chain::from_iter([inc(4)]).append(group);
    chain.extend([inc(5)]);
    Ok(told(flow.submit(chain).await))
});

#[test]
fn a_canvas_is_built_piece_by_piece() {
    assert_eq!(end::<Extended>(), "complete [5,[2,3,4],6]");
}
