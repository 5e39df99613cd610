//! Steps: which run, which are skipped, and what they leave in the history.

// The macros write `simpleflow`, where users have all of it.
extern crate simpleflow_core as simpleflow;

mod common;

use common::*;
use serde_json::json;
use simpleflow_core::model::{Decision, Timeout};
use simpleflow_core::testing::{HistoryBuilder, replay};
use simpleflow_core::{Chain, Group, Step, StepOutcome};

/// Plays the service, which has these steps in each list that is asked for. Gives all decisions, one
/// after the other; of the two activities only what is said of the step.
fn decided<W: Workflow>(done: &str) -> Vec<String> {
    let mut told = Vec::new();
    let mut history = started();
    while !history.is_closed() {
        history = history.decision_started();
        let decisions = replay::<W>(&history).decisions();
        let decisions = decisions.unwrap_or_else(|error| panic!("{error}"));
        told.extend(lines(&decisions).iter().map(|line| short(line)));
        let made = decisions.decisions.clone();
        history = history.decided_as(decisions);
        history = made.into_iter().fold(history, |history, decision| {
            happen(history, &decision, done)
        });
        assert!(told.len() < 50, "{told:?}");
    }
    told
}

fn short(line: &str) -> String {
    match line.strip_prefix("schedule activity-simpleflow.step.tasks.") {
        Some(task) if task.starts_with("Get") => "get".to_owned(),
        Some(task) => {
            let (_, arguments) = task.split_once(',').unwrap();
            format!("mark ({arguments}")
        }
        None => line.to_owned(),
    }
}

/// What was decided comes to its end.
fn happen(history: HistoryBuilder, decision: &Decision, done: &str) -> HistoryBuilder {
    match decision {
        Decision::ScheduleActivityTask(d) => {
            let id = d.activity_id.as_str();
            match id {
                _ if id.contains("GetStepsDone") => history.activity_completed(id, done),
                _ if id.contains("MarkStepDone") => history.activity_completed(id, "null"),
                _ if id.contains("slow") => history.activity_failed(id, "Error: no", "{}"),
                _ => history.activity_completed(id, "7"),
            }
        }
        Decision::SignalExternalWorkflowExecution(d) => history.signal_delivered(&d.workflow_id),
        _ => history,
    }
}

fn marker(step: &str, status: &str, forced: bool, reasons: &[&str]) -> String {
    let reasons = json!(reasons);
    format!(
        r#"marker log.step {{"forced":{forced},"reasons":{reasons},"status":"{status}","step":"{step}"}}"#
    )
}

workflow!(Loads(flow) -> StepOutcome<i64> {
    Ok(flow.submit(Step::new("load.é", inc(1)).emit_signal(true)).await?)
});

#[test]
fn a_step_that_was_not_done_runs_and_is_marked() {
    let step = r"load.\u00e9";
    let signal =
        r#"signal step.load.é to workflow run: {"args":[],"kwargs":{},"__propagate":false}"#;
    assert_eq!(
        decided::<Loads>("[]"),
        [
            "get",
            &marker(step, "scheduled", false, &[]),
            "schedule activity-inc-1(1)",
            r#"mark ("workflow/steps/","load.é")"#,
            &marker(step, "completed", false, &[]),
            signal,
            r#"complete {"status":"completed","result":7}"#,
        ]
    );
}

#[test]
fn a_step_that_was_done_is_skipped() {
    assert_eq!(
        decided::<Loads>(r#"["load", "load.é"]"#)[..2],
        [
            "get".to_owned(),
            marker(
                r"load.\u00e9",
                "skipped",
                false,
                &["Step was already played"]
            ),
        ]
    );
}

#[test]
fn the_activities_are_those_of_the_original() {
    let history = started().decision_started();
    let decisions = replay::<Loads>(&history).decisions().unwrap().decisions;
    let Decision::ScheduleActivityTask(get) = &decisions[0] else {
        panic!("{decisions:?}");
    };
    assert_eq!(
        &*get.activity_type.name,
        "simpleflow.step.tasks.GetStepsDoneTask"
    );
    assert_eq!(&*get.activity_type.version, "1.0");
    // The hash of {"args":[null,"workflow/steps/"],"kwargs":{}}.
    assert_eq!(
        &*get.activity_id,
        "activity-simpleflow.step.tasks.GetStepsDoneTask-55ff4c42e389e8ef9c2d46e5aa84b504"
    );
    assert_eq!(
        get.input.as_deref(),
        Some(r#"{"args":[null,"workflow/steps/"],"kwargs":{}}"#)
    );
    let timeouts = [
        get.schedule_to_start_timeout,
        get.start_to_close_timeout,
        get.schedule_to_close_timeout,
        get.heartbeat_timeout,
    ];
    let seconds = [14_400, 60, 14_460, 180];
    assert_eq!(timeouts, seconds.map(|it| Some(Timeout::Seconds(it))));
    assert_eq!(get.task_priority.map(|priority| priority.0), Some(100));
}

workflow!(Customized(flow) -> () {
    let steps = flow.steps();
    steps.set_bucket("people");
    steps.set_path_prefix("1/steps");
    steps.set_activity_params(|params| params.task_list = "special".into());
    flow.submit(Step::new("a", inc(1))).await?;
    Ok(())
});

#[test]
fn a_workflow_says_where_the_list_is_and_who_reads_it() {
    let history = started().decision_started();
    let decisions = replay::<Customized>(&history)
        .decisions()
        .unwrap()
        .decisions;
    let Decision::ScheduleActivityTask(get) = &decisions[0] else {
        panic!("{decisions:?}");
    };
    assert_eq!(
        get.input.as_deref(),
        Some(r#"{"args":["people","1/steps"],"kwargs":{}}"#)
    );
    let task_list = get.task_list.as_ref().map(|list| list.name.as_str());
    assert_eq!(task_list, Some("special"));
}

workflow!(Choices(flow) -> Vec<String> {
    let steps = flow.steps();
    steps.add_skipped_steps(["*"], "not today");
    steps.add_forced_steps(["a"], "asked for");
    steps.add_forced_steps(["a.b"], None);
    let again = Step::new("a.b", inc(1)).force_steps_if_executed(["c"]);
    flow.submit(again).await?;
    for step in ["c", "d"] {
        flow.submit(Step::new(step, inc(2)).activities_if_step_already_done(slow(3))).await.ok();
    }
    flow.submit(Step::new("e", inc(3)).force(true)).await?;
    let names = [steps.get_forced_steps(), steps.get_skipped_steps()].concat();
    Ok(names.iter().map(ToString::to_string).collect())
});

#[test]
fn forced_steps_run_and_skipped_ones_do_not() {
    assert_eq!(
        decided::<Choices>(r#"["a.b", "c", "d", "e"]"#),
        [
            "get",
            &marker("a.b", "scheduled", true, &["asked for"]),
            "schedule activity-inc-1(1)",
            r#"mark ("workflow/steps/","a.b")"#,
            &marker("a.b", "completed", true, &["asked for"]),
            &marker("c", "scheduled", true, &["Dep of a.b"]),
            "schedule activity-inc-2(2)",
            r#"mark ("workflow/steps/","c")"#,
            &marker("c", "completed", true, &["Dep of a.b"]),
            // What runs in its place fails, so it is not even skipped.
            "schedule activity-slow-1(3)",
            &marker("e", "scheduled", true, &[]),
            "schedule activity-inc-3(3)",
            r#"mark ("workflow/steps/","e")"#,
            &marker("e", "completed", true, &[]),
            r#"complete ["a","a.b","c","*"]"#,
        ]
    );
}

workflow!(Twice(flow) -> Vec<bool> {
    let group: Group<_> = [1, 2].into_iter().map(|x| Step::new(format!("s{x}"), inc(x))).collect();
    flow.submit(group).await?;
    let again = flow.submit(Step::new("s1", inc(9))).await?;
    Ok(vec![again.completed().is_some()])
});

#[test]
fn the_list_is_read_once_and_what_this_execution_did_is_known() {
    let decided = decided::<Twice>("[]");
    let count = |what: &str| decided.iter().filter(|line| line.starts_with(what)).count();
    assert_eq!((count("get"), count("mark "), count("schedule")), (1, 2, 2));
    assert_eq!(
        decided[decided.len() - 2..],
        [
            marker("s1", "skipped", false, &["Step was already played"]),
            "complete [false]".to_owned(),
        ]
    );
}

workflow!(LooksAgain(flow) -> Vec<String> {
    flow.submit(Step::new("a", inc(1))).await?;
    let done = flow.steps().get_steps_done().await?;
    // Somebody else did it meanwhile.
    flow.submit(Step::new("b", inc(2))).await?;
    Ok(done.iter().map(ToString::to_string).collect())
});

#[test]
fn the_list_can_be_read_again() {
    let history = started().decision_started().decided_as(
        replay::<LooksAgain>(&started().decision_started())
            .decisions()
            .unwrap(),
    );
    let get = history.open_activities().next().unwrap().0.to_string();
    let mut history = history.activity_completed(&get, "[]");
    for (activity, result) in [
        ("inc", "1"),
        ("Mark", "null"),
        ("GetStepsDoneTask-1", r#"["a","b"]"#),
    ] {
        history = history.decision_started();
        let decisions = replay::<LooksAgain>(&history).decisions().unwrap();
        history = history.decided_as(decisions);
        let open: Vec<_> = history
            .open_activities()
            .map(|(id, _)| id.to_string())
            .collect();
        assert!(open.len() == 1 && open[0].contains(activity), "{open:?}");
        history = history.activity_completed(&open[0], result);
    }
    assert_eq!(
        next::<LooksAgain>(&history.decision_started()),
        [
            marker("b", "skipped", false, &["Step was already played"]),
            r#"complete ["a","b"]"#.to_owned(),
        ]
    );
}

workflow!(Fails(flow) -> String {
    let chain = |bubbles| Chain::new()
        .append(Step::new("a", slow(1)).emit_signal(true).bubbles_error_on_failure(bubbles))
        .append(inc(1));
    let kept: Vec<serde_json::Value> = flow.submit(chain(false)).await?;
    let bubbled = flow.submit(chain(true)).await.unwrap_err();
    Ok(format!("{} {}", kept[0], bubbled.reason()))
});

#[test]
fn a_step_that_failed_is_not_done() {
    let decided = decided::<Fails>("[]");
    let scheduled = marker("a", "scheduled", false, &[]);
    assert_eq!(
        decided[..6],
        [
            "get",
            &scheduled,
            "schedule activity-slow-1(1)",
            "schedule activity-inc-1(1)",
            &scheduled,
            "schedule activity-slow-2(1)",
        ]
    );
    let end = &decided[6];
    assert!(end.contains(r#"\"status\":\"failed\""#), "{end}");
    assert!(end.contains("Error: no"), "{end}");
    assert_eq!(decided.len(), 7);
}

workflow!(Nameless(flow) -> () {
    flow.submit(Step::new("", inc(1))).await?;
    Ok(())
});

#[test]
fn a_step_has_a_name() {
    let end = next::<Nameless>(&started().decision_started());
    assert!(end[0].contains("a step must have a name"), "{end:?}");
}

workflow!(Cancelled(flow) -> () {
    let scope = flow.scope();
    scope.submit(Step::new("s1", inc(1)));
    let step = flow.submit(Step::new("s2", inc(2)));
    flow.wait_signal::<()>("stop").await?;
    scope.cancel();
    step.get().await.map(drop)
});

/// Up to the first answer, and the id of the activity that reads the list.
fn asked() -> (HistoryBuilder, String) {
    let first = started().decision_started();
    let decisions = replay::<Cancelled>(&first).decisions().unwrap();
    let history = first.decided_as(decisions);
    let get = history.open_activities().next().unwrap().0.to_string();
    (history, get)
}

#[test]
fn a_step_that_is_cancelled_leaves_the_list_to_the_others() {
    let (history, get) = asked();
    let history = history.signaled("stop", "null").decision_started();
    assert_eq!(next::<Cancelled>(&history), Vec::<String>::new());
    let decisions = replay::<Cancelled>(&history).decisions().unwrap();
    let history = history.decided_as(decisions);
    let history = history.activity_completed(&get, "[]").decision_started();
    assert_eq!(
        next::<Cancelled>(&history),
        [
            &*marker("s2", "scheduled", false, &[]),
            "schedule activity-inc-1(2)"
        ]
    );
}

#[test]
fn what_a_step_is_made_of_is_cancelled_with_it() {
    let (history, get) = asked();
    let history = history.activity_completed(&get, "[]").decision_started();
    let decisions = replay::<Cancelled>(&history).decisions().unwrap();
    assert_eq!(decisions.decisions.len(), 4);
    let history = history.decided_as(decisions);
    assert_eq!(
        next::<Cancelled>(&history.signaled("stop", "null").decision_started()),
        ["cancel activity activity-inc-1"]
    );
}
