//! Runs that end with a next one.

// The macros write `simpleflow`, where users have all of it.
extern crate simpleflow_core as simpleflow;

mod common;

use common::*;
use simpleflow_core::replay::{MissingType, Replayer};
use simpleflow_core::testing::{HistoryBuilder, replay};
use simpleflow_core::{RunContext, WorkflowEntry};
use simpleflow_model::decision::ContinueAsNewWorkflowExecution;
use simpleflow_model::event::WorkflowExecutionStarted;
use simpleflow_model::types::WorkflowType;
use simpleflow_model::{ChildPolicy, Decision, TaskList, TaskPriority, Timeout};

/// A page after another, each in a run of its own.
#[workflow(name = "pages", version = "2", tag_list = ["of the type"])]
struct Pages {
    page: i64,
}

impl Workflow for Pages {
    type Output = i64;

    async fn run(self, flow: Flow) -> Result<i64> {
        flow.submit(inc(self.page)).await?;
        match self.page {
            page @ 0..3 => flow.continue_as_new(Self { page: page + 1 }),
            3 => flow.continue_as_new(
                Self { page: 4 }
                    .call()
                    .version("3")
                    .task_list("elsewhere")
                    .tag_list(Vec::<String>::new())
                    .execution_timeout(60)
                    .child_policy(ChildPolicy::Abandon)
                    .priority(9),
            ),
            4 => flow.continue_as_new(Other),
            5 => flow.continue_as_new(
                Self { page: 6 }
                    .call()
                    .decision_tasks_timeout(7)
                    .lambda_role("arn:aws:iam::1:role/other"),
            ),
            -1 => flow.continue_as_new(self.call().task_list("")),
            -2 => flow.continue_as_new(self.call().lambda_role("")),
            -3 => flow.continue_as_new(self.call().version("1:2")),
            -4 => flow.continue_as_new(self.call().tag_list(["x"; 6])),
            page => Ok(page),
        }
    }
}

workflow!(Other(flow) -> u32 {
    Ok(flow.history_length() as u32)
});

#[workflow(name = "long")]
struct Long {
    text: String,
}

impl Workflow for Long {
    type Output = u32;

    async fn run(self, flow: Flow) -> Result<u32> {
        flow.continue_as_new(Long {
            text: self.text.repeat(40_000),
        })
    }
}

/// The first run, at its end.
fn page(page: i64) -> HistoryBuilder {
    HistoryBuilder::new()
        .started_as(WorkflowExecutionStarted {
            input: Some(format!("[{page}]").into()),
            workflow_type: WorkflowType {
                name: "pages".into(),
                version: "1".into(),
                ..WorkflowType::default()
            },
            execution_start_to_close_timeout: Some(Timeout::Seconds(1_000)),
            task_start_to_close_timeout: Some(Timeout::Seconds(20)),
            child_policy: ChildPolicy::RequestCancel,
            task_priority: Some(TaskPriority(3)),
            tag_list: Some(vec![Some("of the run".into())]),
            lambda_role: Some("arn:aws:iam::1:role/r".into()),
            ..WorkflowExecutionStarted::default()
        })
        .decision(|d| d.schedule_activity("activity-inc-1", "inc"))
        .activity_completed("activity-inc-1", "1")
}

fn next_run(history: &HistoryBuilder) -> ContinueAsNewWorkflowExecution {
    let decisions = replay::<Pages>(history).decisions().unwrap().decisions;
    match &decisions[..] {
        [Decision::ContinueAsNewWorkflowExecution(next)] => (**next).clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_next_run_has_the_settings_of_this_one() {
    let next = next_run(&page(1));
    let expected = ContinueAsNewWorkflowExecution {
        input: Some(r#"{"args":[2],"kwargs":{}}"#.into()),
        execution_start_to_close_timeout: Some(Timeout::Seconds(1_000)),
        task_list: Some(TaskList {
            name: "test".into(),
            ..TaskList::default()
        }),
        task_priority: Some(TaskPriority(3)),
        task_start_to_close_timeout: Some(Timeout::Seconds(20)),
        child_policy: Some(ChildPolicy::RequestCancel),
        tag_list: Some(vec![Some("of the run".into())]),
        // The code's: an execution moves to a new version by itself.
        workflow_type_version: Some("2".into()),
        lambda_role: Some("arn:aws:iam::1:role/r".into()),
        ..ContinueAsNewWorkflowExecution::default()
    };
    assert_eq!(next, expected);
}

#[test]
fn a_call_changes_the_settings_that_it_names() {
    let next = next_run(&page(3));
    let list = next.task_list.map(|list| list.name);
    assert_eq!(list.as_deref(), Some("elsewhere"));
    assert_eq!(next.workflow_type_version.as_deref(), Some("3"));
    assert_eq!(next.tag_list, None);
    assert_eq!(
        next.execution_start_to_close_timeout,
        Some(Timeout::Seconds(60))
    );
    assert_eq!(next.child_policy, Some(ChildPolicy::Abandon));
    assert_eq!(next.task_priority, Some(TaskPriority(9)));
    assert_eq!(
        next.task_start_to_close_timeout,
        Some(Timeout::Seconds(20)),
        "it names none"
    );
}

#[test]
fn a_call_changes_the_time_of_decisions_and_the_role() {
    let next = next_run(&page(5));
    assert_eq!(next.task_start_to_close_timeout, Some(Timeout::Seconds(7)));
    assert_eq!(
        next.lambda_role.as_deref(),
        Some("arn:aws:iam::1:role/other")
    );
}

#[test]
fn a_setting_that_the_service_would_not_take_fails_the_execution() {
    for (page_number, told) in [
        (-1, "task list"),
        (-2, "lambda role \"\": expected the ARN"),
        (-3, "version"),
        (-4, "tags"),
    ] {
        let decided = next::<Pages>(&page(page_number));
        let [failed] = &decided[..] else {
            panic!("{decided:?}");
        };
        assert!(
            failed.starts_with("fail Workflow execution failed: cannot continue as new at ")
                && failed.contains(told),
            "{failed}"
        );
    }
}

#[test]
fn another_workflow_cannot_be_the_next_run() {
    let decided = next::<Pages>(&page(4));
    let [failed] = &decided[..] else {
        panic!("{decided:?}");
    };
    assert!(failed.starts_with("fail Workflow execution failed: cannot continue as new at "));
    let decisions = replay::<Pages>(&page(4)).decisions().unwrap().decisions;
    let Decision::FailWorkflowExecution(failed) = &decisions[0] else {
        panic!("{decisions:?}");
    };
    let told = failed.details.as_deref().or(failed.reason.as_deref());
    let told = told.unwrap_or_default();
    assert!(
        told.contains("workflow \"pages\" cannot go on as workflow"),
        "{told}"
    );
    assert!(told.contains("continued.rs:"), "{told}");
}

#[test]
fn an_input_that_is_too_long_fails_the_execution() {
    let history = HistoryBuilder::new().started(r#"["x"]"#);
    let decided = next::<Long>(&history);
    assert!(
        decided[0].ends_with("40025 characters of input are too many: SWF takes at most 32768"),
        "{decided:?}"
    );
}

#[test]
fn both_events_are_matched() {
    let asked = r#"{"args":[1],"kwargs":{}}"#;
    let history = page(0);
    assert_eq!(next::<Pages>(&history), [format!("continue as {asked}")]);
    let refused = history
        .clone()
        .decision_started()
        .signaled("late", "")
        .decided(|d| d.continue_as_new(asked));
    // Something happened meanwhile: it is asked for again.
    assert_eq!(next::<Pages>(&refused), [format!("continue as {asked}")]);
    let closed = refused.decision(|d| d.continue_as_new(asked));
    replay::<Pages>(&closed).check().unwrap();

    let another = page(7).decision(|d| d.continue_as_new(asked));
    let error = replay::<Pages>(&another).check().unwrap_err().to_string();
    assert!(error.contains("WorkflowExecutionContinuedAsNew"), "{error}");
    assert!(error.contains("the workflow returns its result"), "{error}");
    let another = page(0).decision(|d| d.complete("1"));
    let error = replay::<Pages>(&another).check().unwrap_err().to_string();
    assert!(error.contains("the workflow continues as new"), "{error}");
}

#[test]
fn signals_that_nobody_took_are_told_with_the_next_run() {
    let left_behind = |history: HistoryBuilder| {
        let mut replayer = Replayer::new(
            WorkflowEntry::of::<Pages>(),
            RunContext::default(),
            Default::default(),
        );
        replayer.feed(history.build()).unwrap();
        replayer.decisions().unwrap();
        replayer.signals_left_behind()
    };
    assert!(left_behind(page(0)).is_empty());
    let late = page(0).decision_started().signaled("late", "");
    assert!(left_behind(late.clone()).is_empty(), "it is not seen yet");
    let late = late
        .decided(|d| d.continue_as_new(""))
        .signaled("later", "");
    assert_eq!(left_behind(late), ["late", "later"]);
    assert!(left_behind(page(7).signaled("late", "")).is_empty());
}

#[test]
fn a_type_that_the_service_does_not_know_is_registered_and_asked_for_again() {
    let history = page(3)
        .decision(|d| {
            d.continue_as_new("")
                .refused("WORKFLOW_TYPE_DOES_NOT_EXIST")
        })
        .decision_started();
    let mut replayer = Replayer::new(
        WorkflowEntry::of::<Pages>(),
        RunContext::default(),
        Default::default(),
    );
    replayer.feed(history.build()).unwrap();
    let decided = lines(&replayer.decisions().unwrap());
    assert_eq!(decided, [r#"continue as {"args":[4],"kwargs":{}}"#]);
    let missing = WorkflowType {
        name: "pages".into(),
        version: "3".into(),
        ..WorkflowType::default()
    };
    assert_eq!(
        replayer.take_missing_types(),
        [MissingType::Workflow(missing)]
    );
}

#[test]
fn what_the_service_refuses_for_good_fails_the_execution() {
    let history = page(0).decision(|d| d.continue_as_new("").refused("WORKFLOW_TYPE_DEPRECATED"));
    let failed =
        ["fail Workflow execution failed: cannot continue as new: WORKFLOW_TYPE_DEPRECATED"];
    assert_eq!(next::<Pages>(&history), failed);
    let history = history.decision(|d| d.fail("so it is"));
    replay::<Pages>(&history).check().unwrap();
}

const RATE: &str = "CONTINUE_AS_NEW_WORKFLOW_EXECUTION_RATE_EXCEEDED";
const TIMER: &str = "_simpleflow_next_run_timer";

#[test]
fn a_refusal_for_its_rate_is_asked_again_after_a_rest() {
    let asked = r#"continue as {"args":[1],"kwargs":{}}"#;
    let mut history = page(0);
    for seconds in [1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60, 60] {
        assert_eq!(next::<Pages>(&history), [asked]);
        history = history.decision(|d| d.continue_as_new("").refused(RATE));
        assert_eq!(
            next::<Pages>(&history),
            [format!("timer {TIMER} {seconds}")]
        );
        history = history.decision(|d| d.start_timer(TIMER, seconds));
        assert!(next::<Pages>(&history).is_empty());
        history = history
            .signaled("late", "")
            .decision(|d| d)
            .timer_fired(TIMER);
    }
    let history = history.decision(|d| d.continue_as_new(""));
    replay::<Pages>(&history).check().unwrap();
}

#[test]
fn a_rest_before_the_next_run_is_matched() {
    let refused = page(0).decision(|d| d.continue_as_new("").refused(RATE));
    let error = replay::<Pages>(&refused.clone().signaled("late", "").decision(|d| d))
        .decisions()
        .unwrap_err();
    assert!(error.to_string().contains("continues as new"), "{error}");
    let unasked = page(0).decision(|d| d.start_timer(TIMER, 1));
    let error = replay::<Pages>(&unasked).decisions().unwrap_err();
    assert!(error.to_string().contains("TimerStarted"), "{error}");
    // What did not wait for a timer is no other history.
    let at_once = refused.clone().decision(|d| d.continue_as_new(""));
    replay::<Pages>(&at_once).check().unwrap();
    // Without a timer there is no rest.
    let asked = [r#"continue as {"args":[1],"kwargs":{}}"#];
    let no_timer = refused.clone().decision(|d| {
        d.start_timer(TIMER, 1)
            .refused("TIMER_CREATION_RATE_EXCEEDED")
    });
    assert_eq!(next::<Pages>(&no_timer), asked);
    let no_timer = no_timer.decision(|d| d.continue_as_new(""));
    replay::<Pages>(&no_timer).check().unwrap();
    // A cancel does not wait.
    let cancelled = refused
        .decision(|d| d.start_timer(TIMER, 1))
        .cancel_requested();
    assert_eq!(next::<Pages>(&cancelled), ["cancel the execution"]);
}

#[test]
fn a_cancel_that_comes_with_the_next_run_ends_the_execution() {
    let asked = r#"{"args":[1],"kwargs":{}}"#;
    let cancelled = ["cancel the execution"];
    assert_eq!(next::<Pages>(&page(0).cancel_requested()), cancelled);
    let refused = page(0)
        .decision_started()
        .cancel_requested()
        .decided(|d| d.continue_as_new(asked));
    assert_eq!(next::<Pages>(&refused), cancelled);
    let closed = refused.decision(|d| d.cancel());
    replay::<Pages>(&closed).check().unwrap();
    assert_eq!(
        next::<Unmoved>(&started().cancel_requested()),
        [r#"continue as {"args":[],"kwargs":{}}"#]
    );
}

#[workflow]
struct Unmoved;

impl Workflow for Unmoved {
    type Output = ();

    async fn run(self, flow: Flow) -> Result<()> {
        flow.continue_as_new(Self)
    }

    fn should_cancel(_: &simpleflow_core::ReplayContext<'_>) -> bool {
        false
    }
}

workflow!(Lengths(flow) -> Vec<usize> {
    let mut lengths = vec![flow.history_length()];
    for _ in 0..2 {
        flow.wait_signal::<()>("go").await?;
        lengths.push(flow.history_length());
    }
    Ok(lengths)
});

#[test]
fn the_length_of_the_history_is_what_the_code_has_seen() {
    // 1 started, 2 and 3 the decision task, 4 its answer, 5 the signal …
    let history = started().decision(|d| d).signaled("go", "");
    // … 6 and 7 the next, during which 8 comes, which is seen after the answer.
    let history = history.decision_started().signaled("go", "").decided(|d| d);
    assert_eq!(next::<Lengths>(&history), ["complete [1,5,8]"]);
}
