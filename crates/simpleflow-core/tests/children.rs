//! Child workflows: what they are started with, and how they end.

// The macros write `simpleflow`, where users have all of it.
extern crate simpleflow_core as simpleflow;

mod common;

use common::*;
use simpleflow_core::TagList;
use simpleflow_core::testing::{HistoryBuilder, replay};
use simpleflow_model::event::WorkflowExecutionStarted;
use simpleflow_model::{ChildPolicy, Decision, SmolStr, Timeout, WorkflowType};

/// What it is started with depends on its input.
#[workflow(
    name = "order",
    task_list = "orders",
    tag_list = "INHERIT_TAG_LIST",
    lambda_role = "arn:role"
)]
struct Order {
    number: i64,
}

impl Workflow for Order {
    type Output = ();

    fn get_workflow_id(&self) -> Option<SmolStr> {
        (self.number > 0).then(|| format!("order-{}", self.number).into())
    }

    fn get_task_list(&self) -> Option<SmolStr> {
        (self.number == 2).then(|| "large".into())
    }

    fn get_tag_list(&self) -> Option<TagList> {
        (self.number == 2).then(|| ["two"].into_iter().collect())
    }

    async fn run(self, _flow: Flow) -> Result<()> {
        Ok(())
    }
}

workflow!(StartsOrders(flow) -> () {
    for number in 0..3 {
        flow.submit(Order { number });
    }
    let changed = Order { number: 2 }
        .call()
        .workflow_id("mine")
        .task_list("other")
        .inherit_tags()
        .decision_tasks_timeout(7)
        .lambda_role("arn:other")
        .child_policy(ChildPolicy::Abandon);
    flow.submit(changed);
    flow.submit(Order { number: 1 }.call().workflow_id("tagged").tag_list(["x"]));
    flow.sleep(secs(1)).await?;
    Ok(())
});

#[test]
fn a_child_is_started_as_its_definition_its_input_and_its_call_say() {
    let history = HistoryBuilder::new().started_as(WorkflowExecutionStarted {
        input: Some("[]".into()),
        workflow_type: WorkflowType {
            name: "workflow".into(),
            version: "default".into(),
            ..WorkflowType::default()
        },
        tag_list: Some(vec![Some("a".into()), Some("b".into())]),
        ..WorkflowExecutionStarted::default()
    });
    let decided = replay::<StartsOrders>(&history).decisions().unwrap();
    let started: Vec<_> = decided
        .decisions
        .iter()
        .filter_map(|decision| match decision {
            Decision::StartChildWorkflowExecution(child) => {
                let tags: Vec<_> = child.tag_list.iter().flatten().flatten().cloned().collect();
                let list = child.task_list.as_ref().unwrap().name.to_string();
                let role = child.lambda_role.as_ref().unwrap();
                Some(format!(
                    "{} {list} {} {role}",
                    child.workflow_id,
                    tags.join(",")
                ))
            }
            _ => None,
        })
        .collect();
    assert_eq!(
        started,
        [
            "workflow-order-workflow--2b10156--1 orders a,b arn:role",
            "order-1 orders a,b arn:role",
            "order-2 large two arn:role",
            "mine other a,b arn:other",
            "tagged orders x arn:role",
        ]
    );
    let Decision::StartChildWorkflowExecution(changed) = &decided.decisions[3] else {
        panic!("{decided:?}");
    };
    assert_eq!(
        changed.task_start_to_close_timeout,
        Some(Timeout::Seconds(7))
    );
    assert_eq!(changed.child_policy, Some(ChildPolicy::Abandon));
}

workflow!(Misfits(flow) -> Vec<String> {
    let order = || Order { number: 0 }.call();
    let mut told = Vec::new();
    for call in [
        order().tag_list(["1", "2", "3", "4", "5", "6"]),
        order().tag_list(["x".repeat(257)]),
        order().task_list("a|b"),
        order().workflow_id("a:b"),
    ] {
        told.push(flow.submit(call).await.unwrap_err().reason());
    }
    Ok(told)
});

#[test]
fn a_child_that_the_service_would_not_take_fails_alone() {
    let [complete] = &next::<Misfits>(&started())[..] else {
        panic!("{:?}", next::<Misfits>(&started()));
    };
    for problem in [
        "6 tags are too many: an execution has at most 5",
        "a tag of 257 characters is too long: SWF takes at most 256",
        "task list \\\"a|b\\\" contains",
        "workflow id \\\"a:b\\\" contains",
    ] {
        assert!(complete.contains(problem), "{complete}");
    }
}

#[workflow(name = "member", retry = 1)]
struct Member {
    x: i64,
}

impl Workflow for Member {
    type Output = i64;

    async fn run(self, _flow: Flow) -> Result<i64> {
        Ok(self.x)
    }
}

workflow!(Watches(flow) -> String {
    let child = flow.submit(Member { x: 1 }.call().workflow_id("c"));
    Ok(match child.await {
        Ok(x) => format!("{x}"),
        Err(error) => format!("{:?} at attempt {}", error.kind(), error.attempt()),
    })
});

fn watched() -> HistoryBuilder {
    started().decision(|d| d.start_child("c", "member"))
}

#[test]
fn each_end_of_a_child_is_typed() {
    type End = fn(HistoryBuilder) -> HistoryBuilder;
    let ends: [(&str, End); 5] = [
        (
            "Failed { reason: \\\"no\\\", details: None } at attempt 2",
            |h| h.child_failed("c", "no"),
        ),
        (
            "TimedOut { timeout_type: StartToClose, details: None } at attempt 2",
            |h| h.child_timed_out("c"),
        ),
        ("Cancelled { details: None } at attempt 1", |h| {
            h.child_canceled("c")
        }),
        ("Terminated at attempt 2", |h| h.child_terminated("c")),
        (
            "Refused { cause: \\\"WORKFLOW_ALREADY_RUNNING\\\" } at attempt 1",
            |h| h.child_not_started("c", "WORKFLOW_ALREADY_RUNNING"),
        ),
    ];
    for (expected, end) in ends {
        let mut history = end(watched());
        // It is started once more, unless it was cancelled or refused.
        if expected.ends_with('2') {
            assert_eq!(next::<Watches>(&history), ["child c"]);
            history = end(history.decision(|d| d.start_child("c", "member")));
        }
        assert_eq!(
            next::<Watches>(&history),
            [format!("complete \"{expected}\"")]
        );
    }
}

workflow!(Idempotent(flow) -> (i64, i64, i64) {
    let call = |x| Member { x }.call().idempotent(true);
    let (first, same, other) = (flow.submit(call(1)), flow.submit(call(1)), flow.submit(call(2)));
    assert_eq!(first.task_id(), same.task_id());
    Ok(flow.wait_all((first, same, other)).await?)
});

#[test]
fn equal_idempotent_children_are_one_execution() {
    let children = next::<Idempotent>(&started());
    assert_eq!(children.len(), 2, "{children:?}");
    let ids: Vec<_> = children
        .iter()
        .map(|line| line.strip_prefix("child ").unwrap().to_owned())
        .collect();
    let history = started()
        .decision(|d| {
            d.start_child(ids[0].as_str(), "member")
                .start_child(ids[1].as_str(), "member")
        })
        .child_completed(&ids[0], "1")
        .child_completed(&ids[1], "2");
    assert_eq!(next::<Idempotent>(&history), ["complete [1,1,2]"]);
}

workflow!(WaitsForStarts(flow) -> i64 {
    let child = flow.submit(Order { number: 1 });
    let task = flow.submit(inc(1));
    // Who waits for the end, waits on.
    let ended = flow.spawn({
        let child = child.clone();
        async move { Ok(child.await.is_ok()) }
    });
    child.started().await;
    flow.submit(inc(2));
    task.started().await;
    flow.submit(inc(3));
    flow.sleep(secs(1)).started().await;
    Ok(i64::from(ended.await?))
});

#[test]
fn code_may_wait_until_a_task_is_started() {
    let history = started().decision(|d| {
        d.start_child("order-1", "order")
            .schedule_activity("activity-inc-1", "inc")
    });
    assert!(next::<WaitsForStarts>(&history).is_empty());
    let history = history.child_started("order-1");
    assert_eq!(
        next::<WaitsForStarts>(&history),
        ["schedule activity-inc-2(2)"]
    );
    let history = history
        .decision(|d| d.schedule_activity("activity-inc-2", "inc"))
        .activity_started("activity-inc-1")
        .signaled("wakes the decider", "");
    let last = ["schedule activity-inc-3(3)", "timer sleep-1 1"];
    assert_eq!(next::<WaitsForStarts>(&history), last);
    let history = history
        .decision(|d| {
            d.schedule_activity("activity-inc-3", "inc")
                .start_timer("sleep-1", 1)
        })
        .timer_fired("sleep-1");
    assert!(next::<WaitsForStarts>(&history).is_empty());
    let history = history.child_completed("order-1", "null");
    assert_eq!(next::<WaitsForStarts>(&history), ["complete 1"]);
}
