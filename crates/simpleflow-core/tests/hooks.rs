//! The hooks of a workflow, and their order.

// The macros write `simpleflow`, where users have all of it.
extern crate simpleflow_core as simpleflow;

mod common;

use std::cell::RefCell;

use common::*;
use simpleflow_core::replay::Replayer;
use simpleflow_core::testing::{HistoryBuilder, replay};
use simpleflow_core::{Closing, ReplayContext, RunContext, WorkflowEntry, bail};

thread_local! {
    static CALLS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

fn called(hook: &str, context: &ReplayContext<'_>) {
    let closing = match context.closing() {
        None => String::new(),
        Some(Closing::Completed { result }) => format!(" with {result}"),
        Some(Closing::Failed { reason, details }) => format!(" with {reason} {details:?}"),
        Some(Closing::Canceled { details }) => format!(" with {details:?}"),
        Some(Closing::ContinuedAsNew) => " with a next run".to_owned(),
    };
    let call = format!("{hook} at {}{closing}", context.history_length());
    assert_eq!(context.run_context().task_list.as_str(), "test");
    assert!(context.now().as_micros() > 0);
    CALLS.with_borrow_mut(|calls| calls.push(call));
}

#[simpleflow_macros::workflow]
struct Hooked {
    end: String,
}

impl Workflow for Hooked {
    type Output = i64;

    async fn run(self, flow: Flow) -> Result<i64> {
        let x = flow.submit(inc(1)).await?;
        match &*self.end {
            "result" => Ok(x),
            "cancel" => Err(Error::cancelled().with_details("why")),
            "next" => flow.continue_as_new(Self {
                end: "result".into(),
            }),
            _ => bail!("no"),
        }
    }

    fn before_replay(context: &ReplayContext<'_>) {
        called("before_replay", context);
    }

    fn after_replay(context: &ReplayContext<'_>) {
        called("after_replay", context);
    }

    fn on_completed(context: &ReplayContext<'_>) {
        called("on_completed", context);
    }

    fn on_failure(context: &ReplayContext<'_>, reason: &str, details: Option<&str>) {
        called(&format!("on_failure({reason}, {details:?})"), context);
    }

    fn on_canceled(context: &ReplayContext<'_>) {
        called("on_canceled", context);
    }

    fn after_closed(context: &ReplayContext<'_>) {
        called("after_closed", context);
    }

    fn should_cancel(context: &ReplayContext<'_>) -> bool {
        called("should_cancel", context);
        true
    }
}

fn calls(history: &HistoryBuilder) -> Vec<String> {
    replay::<Hooked>(history).decisions().unwrap();
    CALLS.take()
}

fn scheduled(end: &str) -> HistoryBuilder {
    HistoryBuilder::new()
        .started(format!("[{end:?}]"))
        .decision(|d| d.schedule_activity("activity-inc-1", "inc"))
}

fn at_its_end(end: &str) -> HistoryBuilder {
    scheduled(end).activity_completed("activity-inc-1", "2")
}

#[test]
fn the_order_is_the_original_s() {
    let waiting = calls(&HistoryBuilder::new().started("[\"result\"]"));
    assert_eq!(waiting, ["before_replay at 0", "after_replay at 1"]);
    assert_eq!(
        calls(&at_its_end("result")),
        [
            "before_replay at 0",
            "after_replay at 7 with 2",
            "on_completed at 7 with 2",
            "after_closed at 7 with 2",
        ]
    );
    let no = "Workflow execution failed: no";
    assert_eq!(
        calls(&at_its_end("")),
        [
            "before_replay at 0".to_owned(),
            format!("on_failure({no}, None) at 7 with {no} None"),
            format!("after_closed at 7 with {no} None"),
        ]
    );
    assert_eq!(
        calls(&scheduled("result").cancel_requested()),
        [
            "before_replay at 0",
            "should_cancel at 6",
            "on_canceled at 6 with None",
            "after_replay at 6 with None",
            "after_closed at 6 with None",
        ]
    );
    assert_eq!(
        calls(&at_its_end("cancel"))[1],
        "on_canceled at 7 with Some(\"why\")"
    );
    assert_eq!(
        calls(&at_its_end("next")),
        [
            "before_replay at 0",
            "after_replay at 7 with a next run",
            "after_closed at 7 with a next run",
        ]
    );
}

#[test]
fn what_is_closed_has_no_hooks() {
    let history = at_its_end("result").decision(|d| d.complete("2"));
    assert!(calls(&history).is_empty());
}

#[test]
fn kept_code_has_them_for_each_decision() {
    let mut history = HistoryBuilder::new().started("[\"result\"]");
    let mut replayer = Replayer::new(
        WorkflowEntry::of::<Hooked>(),
        RunContext::default(),
        Default::default(),
    );
    replayer.feed(history.events().to_vec()).unwrap();
    replayer.decisions().unwrap();
    history = history
        .decision(|d| d.schedule_activity("activity-inc-1", "inc"))
        .activity_completed("activity-inc-1", "2");
    let known = replayer.last_event_id().0 as usize;
    replayer.feed(history.events()[known..].to_vec()).unwrap();
    replayer.decisions().unwrap();
    assert_eq!(
        CALLS.take(),
        [
            "before_replay at 0",
            "after_replay at 1",
            "before_replay at 1",
            "after_replay at 7 with 2",
            "on_completed at 7 with 2",
            "after_closed at 7 with 2",
        ]
    );
}

#[simpleflow_macros::workflow]
struct Careless;

impl Workflow for Careless {
    type Output = i64;

    async fn run(self, _: Flow) -> Result<i64> {
        Ok(1)
    }

    fn on_completed(_: &ReplayContext<'_>) {
        panic!("too much");
    }
}

#[test]
fn a_panic_in_a_hook_changes_no_decision() {
    let mut replayer = Replayer::new(
        WorkflowEntry::of::<Careless>(),
        RunContext::default(),
        Default::default(),
    );
    replayer.feed(started().build()).unwrap();
    assert_eq!(lines(&replayer.decisions().unwrap()), ["complete 1"]);
    let panics = replayer.take_hook_panics();
    assert_eq!(panics.len(), 1);
    assert_eq!(panics[0].hook, "on_completed");
    assert_eq!(panics[0].panic.message, "too much");
    assert!(replayer.take_hook_panics().is_empty());
}
