//! Signals that are sent, sent on, and taken one after the other.

// The macros write `simpleflow`, where users have all of it.
extern crate simpleflow_core as simpleflow;

mod common;

use common::*;
use futures::future::join;
use futures::{FutureExt as _, StreamExt as _};
use simpleflow_core::testing::{HistoryBuilder, replay};
use simpleflow_core::{Replayer, WorkflowEntry};
use simpleflow_model::event::WorkflowExecutionStarted;
use simpleflow_model::{WorkflowExecution, WorkflowType};

#[derive(serde::Serialize, serde::Deserialize)]
struct Paid {
    amount: i64,
}

workflow!(Sends(flow) -> String {
    let own = flow.signal("own", ());
    let other = flow.submit(Signal::new("paid", Paid { amount: 7 }).to("shop").propagate(false));
    let run = flow.submit(Signal::new("n", 5).to("shop").run_id("r1"));
    own.await?;
    run.await?;
    Ok(match other.await {
        Ok(()) => "delivered".to_owned(),
        Err(error) => format!("{error} of {} at attempt {}", error.name(), error.attempt()),
    })
});

fn sent() -> HistoryBuilder {
    started().decision(|d| {
        d.signal("own", "workflow")
            .signal("paid", "shop")
            .signal("n", "shop")
    })
}

#[test]
fn a_signal_is_sent_to_itself_or_to_another_execution() {
    assert_eq!(
        next::<Sends>(&started()),
        [
            r#"signal own to workflow run: {"args":[],"kwargs":{},"__propagate":true}"#,
            r#"signal paid to shop of any run: {"args":[],"kwargs":{"amount":7},"__propagate":false}"#,
            r#"signal n to shop r1: {"args":[5],"kwargs":{},"__propagate":true}"#,
        ]
    );
    let history = sent()
        .signal_delivered("workflow")
        .signal_delivered("shop")
        .decision(|d| d)
        .signal_delivered("shop");
    assert_eq!(next::<Sends>(&history), ["complete \"delivered\""]);
}

#[test]
fn a_signal_that_is_not_delivered_fails_with_the_cause() {
    let history = sent()
        .signal_not_delivered("shop", "UNKNOWN_EXTERNAL_WORKFLOW_EXECUTION")
        .signal_delivered("workflow")
        .signal_delivered("shop");
    assert_eq!(
        next::<Sends>(&history),
        ["complete \"signal-paid-1: UNKNOWN_EXTERNAL_WORKFLOW_EXECUTION of paid at attempt 1\""]
    );
}

#[test]
fn a_signal_that_is_refused_for_its_rate_is_sent_again_later() {
    let rate = "SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_RATE_EXCEEDED";
    let timer = "__simpleflow_task_signal-paid-1";
    let history = started().decision(|d| {
        d.signal("own", "workflow")
            .signal("paid", "shop")
            .refused(rate)
            .signal("n", "shop")
    });
    assert_eq!(next::<Sends>(&history), [format!("timer {timer} 1")]);
    let history = history
        .decision(|d| d.start_timer(timer, 1))
        .timer_fired(timer);
    let [again] = &next::<Sends>(&history)[..] else {
        panic!("{:?}", next::<Sends>(&history));
    };
    assert!(again.starts_with("signal paid to shop"), "{again}");
    let history = history.decision(|d| d.signal("paid", "shop").refused(rate));
    assert_eq!(next::<Sends>(&history), [format!("timer {timer} 2")]);
}

#[test]
fn a_signal_that_the_code_does_not_send_or_no_more_sends_is_detected() {
    let less = sent()
        .signal_delivered("shop")
        .decision(|d| d.signal("more", "shop"));
    let error = replay::<Sends>(&less).check().unwrap_err().to_string();
    assert!(
        error.contains("SignalExternalWorkflowExecutionInitiated more"),
        "{error}"
    );
    let more = started().decision(|d| d.signal("own", "workflow").signal("n", "shop"));
    let error = replay::<Sends>(&more).check().unwrap_err().to_string();
    assert!(error.contains("submit of signal-paid-1"), "{error}");
}

workflow!(SendsTwice(flow) -> () {
    let first = flow.submit(Signal::new("go", 1).to("a"));
    let second = flow.submit(Signal::new("go", 2).to("a"));
    let third = flow.submit(Signal::new("go", 3).to("b"));
    third.cancel();
    flow.wait_all((first, second)).await?;
    Ok(())
});

/// The original sends one of them.
#[test]
fn signals_of_one_name_are_all_sent_and_one_that_was_not_sent_can_be_cancelled() {
    let decided = next::<SendsTwice>(&started());
    assert_eq!(decided.len(), 2, "{decided:?}");
    let history = started()
        .decision(|d| d.signal("go", "a").signal("go", "a"))
        .signal_delivered("a")
        .decision(|d| d)
        .signal_delivered("a");
    assert_eq!(next::<SendsTwice>(&history), ["complete null"]);
}

#[workflow(name = "member")]
struct Member;

impl Workflow for Member {
    type Output = ();

    async fn run(self, _flow: Flow) -> Result<()> {
        Ok(())
    }
}

workflow!(SendsToChild(flow) -> Vec<String> {
    let child = flow.submit(Member.call().workflow_id("child"));
    let early = flow.submit(Signal::new("early", ()).to_child(&child).propagate(false));
    let _ = child.done().await;
    let late = flow.submit(Signal::new("late", ()).to_child(&child).propagate(false));
    let timer = flow.sleep(secs(1));
    let foreign = flow.submit(Signal::new("foreign", ()).to_child(&timer));
    let parent = flow.submit(Signal::new("parent", ()).to_parent());
    let nameless = flow.submit(Signal::new("", ()));
    let mut told = Vec::new();
    for signal in [early, late, foreign, parent, nameless] {
        told.push(match signal.await {
            Ok(()) => "delivered".to_owned(),
            Err(error) => error.to_string(),
        });
    }
    Ok(told)
});

#[test]
fn a_signal_to_a_child_waits_until_that_is_started_and_goes_to_whichever_run_is_open() {
    let history = started();
    assert_eq!(next::<SendsToChild>(&history), ["child child"]);
    let history = history
        .decision(|d| d.start_child("child", "member"))
        .child_started("child");
    let empty = r#"{"args":[],"kwargs":{},"__propagate":false}"#;
    assert_eq!(
        next::<SendsToChild>(&history),
        [format!("signal early to child of any run: {empty}")]
    );
    let history = history
        .decision(|d| d.signal("early", "child"))
        .signal_delivered("child")
        .child_completed("child", "null");
    assert_eq!(
        next::<SendsToChild>(&history),
        [
            format!("signal late to child run-5: {empty}"),
            "timer sleep-1 1".to_owned()
        ]
    );
    let history = history
        .decision(|d| d.signal("late", "child").start_timer("sleep-1", 1))
        .signal_not_delivered("child", "UNKNOWN_EXTERNAL_WORKFLOW_EXECUTION");
    assert_eq!(
        next::<SendsToChild>(&history),
        ["complete [\"delivered\",\
          \"signal-late-1: UNKNOWN_EXTERNAL_WORKFLOW_EXECUTION\",\
          \"signal-foreign-1: sleep-1 is no child workflow\",\
          \"signal-parent-1: this execution has no parent\",\
          \"signal--1: signal name \\\"\\\" is empty: expected at least 1 character\"]"]
    );
}

#[test]
fn a_signal_to_a_child_that_is_never_started_fails_with_it() {
    let history = started()
        .decision(|d| d.start_child("child", "member"))
        .child_not_started("child", "WORKFLOW_ALREADY_RUNNING");
    let [complete] = &next::<SendsToChild>(&history)[..] else {
        panic!("{:?}", next::<SendsToChild>(&history));
    };
    for name in ["early", "late"] {
        let failure = format!("signal-{name}-1: child failed: WORKFLOW_ALREADY_RUNNING");
        assert!(complete.contains(&failure), "{complete}");
    }
}

workflow!(SendsToParent(flow) -> () {
    let own = flow.run_context().parent_run_id.unwrap();
    let to_parent = || Signal::new("done", ()).propagate(false).to_parent();
    flow.submit(to_parent()).await?;
    flow.submit(to_parent().run_id(own.as_str())).await?;
    Ok(())
});

#[test]
fn a_signal_to_the_parent_goes_to_whichever_run_is_open_unless_it_names_one() {
    let empty = r#"{"args":[],"kwargs":{},"__propagate":false}"#;
    let history = with_parent();
    assert_eq!(
        next::<SendsToParent>(&history),
        [format!("signal done to parent of any run: {empty}")]
    );
    let history = history
        .decision(|d| d.signal("done", "parent"))
        .signal_delivered("parent");
    assert_eq!(
        next::<SendsToParent>(&history),
        [format!("signal done to parent parent-run: {empty}")]
    );
}

// Propagation.

workflow!(Family(flow) -> () {
    let children = [1, 2].map(|n| flow.submit(Member.call().workflow_id(format!("child-{n}"))));
    flow.wait_signal::<serde_json::Value>("late").await?;
    let last = flow.submit(Member.call().workflow_id("child-3"));
    flow.wait_all((children, last)).await?;
    Ok(())
});

fn with_parent() -> HistoryBuilder {
    HistoryBuilder::new().started_as(WorkflowExecutionStarted {
        input: Some("[]".into()),
        workflow_type: WorkflowType {
            name: "workflow".into(),
            version: "default".into(),
            ..WorkflowType::default()
        },
        parent_workflow_execution: Some(WorkflowExecution {
            workflow_id: "parent".into(),
            run_id: "parent-run".into(),
            ..WorkflowExecution::default()
        }),
        ..WorkflowExecutionStarted::default()
    })
}

fn family() -> HistoryBuilder {
    with_parent()
        .decision(|d| {
            d.start_child("child-1", "member")
                .start_child("child-2", "member")
        })
        .child_started("child-1")
        .child_started("child-2")
}

const PROPAGATED: &str = r#"{"args":[],"kwargs":{"x":1},"__propagate":true}"#;

#[test]
fn a_signal_that_is_to_be_propagated_goes_to_the_parent_and_all_children_but_its_sender() {
    let sent_to = |history: HistoryBuilder, to: &[&str]| {
        let expected: Vec<_> = to
            .iter()
            .map(|receiver| format!("signal go to {receiver}: {PROPAGATED}"))
            .collect();
        assert_eq!(next::<Family>(&history), expected);
    };
    let (parent, first, second) = (
        "parent of any run",
        "child-1 of any run",
        "child-2 of any run",
    );
    sent_to(
        family().signaled("go", PROPAGATED),
        &[parent, first, second],
    );
    sent_to(
        family().signaled_by("go", PROPAGATED, "parent", "parent-run"),
        &[first, second],
    );
    sent_to(
        family().signaled_by("go", PROPAGATED, "child-1", "run-5"),
        &[parent, second],
    );
    sent_to(
        family().signaled_by("go", PROPAGATED, "parent", "another run"),
        &["parent parent-run", first, second],
    );
    // It continued as new: the run that is open has it.
    sent_to(
        family().signaled_by("go", PROPAGATED, "child-1", "another run"),
        &[parent, "child-1 run-5", second],
    );
    sent_to(
        family()
            .child_completed("child-1", "null")
            .signaled("go", PROPAGATED),
        &[parent, second],
    );
    sent_to(
        family().signaled("go", PROPAGATED.replace("true", "false")),
        &[],
    );
    sent_to(family().signaled("go", "Hi there!"), &[]);
}

#[test]
fn a_child_that_is_started_later_gets_the_last_signal_of_each_name() {
    let sent = |history: HistoryBuilder, name: &str| {
        let all = |d: simpleflow_core::testing::Decided| {
            d.signal(name, "parent")
                .signal(name, "child-1")
                .signal(name, "child-2")
        };
        history.decision(all)
    };
    let history = sent(family().signaled("go", "{\"__propagate\":1}"), "go");
    let history = sent(history.signaled("go", PROPAGATED), "go");
    let history = history
        .signaled("late", "")
        .decision(|d| d.start_child("child-3", "member"));
    let history = history.child_started("child-3");
    assert_eq!(
        next::<Family>(&history),
        [format!("signal go to child-3 of any run: {PROPAGATED}")]
    );
    // What becomes of it changes nothing.
    let history = history
        .decision(|d| d.signal("go", "child-3"))
        .signal_not_delivered("child-3", "UNKNOWN_EXTERNAL_WORKFLOW_EXECUTION");
    assert_eq!(next::<Family>(&history), <[&str; 0]>::default());
}

#[workflow(name = "discreet", propagate_signals_to_parent = false)]
struct Discreet;

impl Workflow for Discreet {
    type Output = ();

    async fn run(self, flow: Flow) -> Result<()> {
        Family.run(flow).await
    }
}

#[test]
fn a_workflow_may_keep_signals_from_its_parent() {
    assert_eq!(
        next::<Discreet>(&family().signaled("go", PROPAGATED)),
        [
            format!("signal go to child-1 of any run: {PROPAGATED}"),
            format!("signal go to child-2 of any run: {PROPAGATED}")
        ]
    );
}

/// The original sends one of them in each decision task, and runs no code before.
#[test]
fn a_history_in_which_signals_were_not_or_otherwise_sent_on_is_no_other_history() {
    let history = family()
        .signaled("late", PROPAGATED)
        .decision(|d| d.signal("late", "child-1"))
        .signal_delivered("child-1")
        .decision(|d| d.signal("late", "parent"))
        .signal_delivered("parent");
    assert_eq!(
        next::<Family>(&history),
        [
            format!("signal late to child-2 of any run: {PROPAGATED}"),
            "child child-3".to_owned()
        ]
    );
    let history = family()
        .signaled("late", PROPAGATED)
        .decision(|d| d.start_child("child-3", "member"));
    replay::<Family>(&history).check().unwrap();
}

// Signals that are taken one after the other.

workflow!(Listens(flow) -> Vec<i64> {
    let mut numbers = flow.signals::<i64>("n");
    let mut taken = vec![numbers.next().await?];
    while taken.len() < 3 {
        taken.push(numbers.next().await?);
        flow.submit(slow(1)).await?;
    }
    // A stream of its own takes what this one has left.
    let rest: Vec<_> = flow.signals::<i64>("n").take(1).collect().await;
    for number in rest {
        taken.push(number?);
    }
    Ok(taken)
});

#[test]
fn a_stream_gives_each_signal_once_and_in_order() {
    let history = started()
        .decision(|d| d)
        .signaled("n", "1")
        .signaled("n", r#"{"args":[2],"kwargs":{}}"#)
        .signaled("n", "3")
        .signaled("n", "4")
        .decision(|d| d.schedule_activity("activity-slow-1", "slow"))
        .activity_completed("activity-slow-1", "1")
        .decision(|d| d.schedule_activity("activity-slow-2", "slow"))
        .activity_completed("activity-slow-2", "1");
    assert_eq!(next::<Listens>(&history), ["complete [1,2,3,4]"]);
}

workflow!(Shares(flow) -> Vec<(String, i64)> {
    let mut taken = Vec::new();
    let mut stream = flow.signals::<i64>("n");
    // The wait comes first, then the stream.
    let wait = flow.wait_signal::<i64>("n");
    let (streamed, waited) = join(stream.next(), wait).await;
    taken.push(("wait".to_owned(), waited?));
    taken.push(("stream".to_owned(), streamed?));
    Ok(taken)
});

#[test]
fn a_signal_goes_to_whoever_waits_longest_be_it_a_stream_or_a_wait() {
    let history = started()
        .decision(|d| d)
        .signaled("n", "1")
        .decision(|d| d)
        .signaled("n", "2");
    assert_eq!(
        next::<Shares>(&history),
        ["complete [[\"wait\",1],[\"stream\",2]]"]
    );
}

workflow!(DropsStream(flow) -> i64 {
    let mut stream = flow.signals::<i64>("n");
    // It has asked for one, and is not asked again.
    assert!(stream.next().now_or_never().is_none());
    flow.wait_signal::<()>("stop").await?;
    drop(stream);
    Ok(flow.wait_signal::<i64>("n").await?)
});

#[test]
fn a_stream_that_is_dropped_gives_back_what_nobody_got() {
    let history = started()
        .decision(|d| d)
        .signaled("n", "1")
        .signaled("n", "2")
        .signaled("stop", "");
    assert_eq!(next::<DropsStream>(&history), ["complete 1"]);
}

workflow!(Mistyped(flow) -> (bool, i64) {
    let mut stream = flow.signals::<i64>("n");
    let mistyped = stream.next().await.unwrap_err();
    let is_result = matches!(mistyped.kind(), TaskErrorKind::Result { .. });
    Ok((is_result, stream.next().await?))
});

#[test]
fn a_signal_of_another_type_is_an_error_and_the_next_comes_all_the_same() {
    let history = started().signaled("n", "no").signaled("n", "2");
    assert_eq!(next::<Mistyped>(&history), ["complete [true,2]"]);
}

workflow!(WaitsByStream(flow) -> () {
    flow.signals::<()>("go").next().await?;
    Ok(())
});

#[test]
fn the_execution_context_names_what_a_stream_waits_for() {
    let mut replayer = Replayer::new(
        WorkflowEntry::of::<WaitsByStream>(),
        Default::default(),
        Default::default(),
    );
    replayer.feed(started().build()).unwrap();
    let context = replayer.decisions().unwrap().execution_context;
    assert_eq!(context.as_deref(), Some(r#"{"waiting_signals":["go"]}"#));
}

workflow!(WaitsInSaga(flow) -> i64 {
    flow.saga(async |saga| {
        saga.submit(inc(1)).await?;
        saga.undo(slow(1));
        Ok(saga.signals::<i64>("paid").next().await?)
    })
    .await
});

#[test]
fn a_stream_of_a_scope_is_cancelled_with_it() {
    let history = started()
        .decision(|d| d.schedule_activity("activity-inc-1", "inc"))
        .activity_completed("activity-inc-1", "2")
        .decision(|d| d);
    let cancelled = history.clone().cancel_requested();
    assert_eq!(
        next::<WaitsInSaga>(&cancelled),
        ["schedule activity-slow-1(1)"]
    );
    let paid = history.signaled("paid", "7");
    assert_eq!(next::<WaitsInSaga>(&paid), ["complete 7"]);
}

workflow!(NotPermitted(flow) -> String {
    let child = flow.submit(Member.call().workflow_id("child"));
    flow.wait_signal::<()>("go").await?;
    child.cancel();
    let sent = flow.submit(Signal::new("paid", ()).to("shop").propagate(false)).await;
    Ok(sent.unwrap_err().reason())
});

#[test]
fn what_the_service_does_not_permit_to_send_is_refused_before_it_is_initiated() {
    let history = started()
        .decision(|d| d.start_child("child", "member"))
        .child_started("child")
        .decision(|d| d)
        .signaled("go", "")
        .decision(|d| {
            d.cancel_child("child")
                .refused("OPERATION_NOT_PERMITTED")
                .signal("paid", "shop")
                .refused("OPERATION_NOT_PERMITTED")
        });
    assert_eq!(
        next::<NotPermitted>(&history),
        ["complete \"OPERATION_NOT_PERMITTED\""]
    );
}
