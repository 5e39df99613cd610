//! Steps on the local backend.

use simpleflow::local::{Local, StartOptions};
use simpleflow::model::{EventAttributes, HistoryEvent};
use simpleflow::objects::{Objects, Resources};
use simpleflow::prelude::*;
use simpleflow::testing::Test;
use simpleflow::{Chain, Step, WorkflowEntry};

#[activity]
async fn load(what: String) -> Result<String> {
    match &*what {
        "nothing" => bail!("there is nothing"),
        _ => Ok(what),
    }
}

/// Loads one after the other, each as a step.
#[workflow]
struct Loads {
    what: Vec<String>,
    bucket: Option<String>,
}

impl Workflow for Loads {
    type Output = Vec<String>;

    async fn run(self, flow: Flow) -> Result<Vec<String>> {
        let steps = flow.steps();
        if let Some(bucket) = self.bucket {
            steps.set_bucket(bucket);
        }
        let chain: Chain = self
            .what
            .iter()
            .map(|what| Step::new(&**what, load(&**what)))
            .collect();
        flow.submit(chain).await?;
        let done = steps.get_steps_done().await?;
        Ok(done.iter().map(ToString::to_string).collect())
    }
}

fn loads(what: &[&str]) -> Loads {
    Loads {
        what: what.iter().map(ToString::to_string).collect(),
        bucket: None,
    }
}

fn test(what: &[&str], objects: &Objects) -> Test {
    Test::of(loads(what))
        .objects(objects.clone())
        .workflow_id("daily")
}

fn loaded(history: &[HistoryEvent]) -> usize {
    let is_load = |event: &&HistoryEvent| match &event.attributes {
        EventAttributes::ActivityTaskScheduled(it) => {
            it.activity_id.starts_with("activity-steps.load")
        }
        _ => false,
    };
    history.iter().filter(is_load).count()
}

#[test]
fn a_run_after_a_failure_goes_on_where_that_was() {
    let objects = Objects::memory();
    let failed = test(&["users", "nothing", "orders"], &objects).run();
    assert!(failed.failure().is_some());
    assert_eq!(loaded(&failed.history), 2);
    let run = test(&["users", "orders"], &objects).run();
    assert_eq!(loaded(&run.history), 1);
    // What is done is read anew at the end.
    assert_eq!(run.result::<Vec<String>>().unwrap(), ["orders", "users"]);
    // Of another workflow id it is another list.
    let other = test(&["users"], &objects).workflow_id("weekly").run();
    assert_eq!(loaded(&other.history), 1);
}

#[test]
fn who_did_a_step_is_written_down() {
    let objects = Objects::memory();
    test(&["users"], &objects).run();
    let text = objects.blocking().get("daily/steps/users").unwrap();
    let text: serde_json::Value = serde_json::from_slice(&text).unwrap();
    assert_eq!(text["workflow_id"], "daily");
    assert_eq!(text["version"], "1.0");
    assert!(!text["run_id"].as_str().unwrap().is_empty());
}

#[test]
fn places_that_a_workflow_names_are_in_those_of_the_test() {
    let objects = Objects::memory();
    let workflow = || Loads {
        bucket: Some("s3.amazonaws.com/ours".into()),
        ..loads(&["users"])
    };
    for expected in [1, 0] {
        let test = Test::of(workflow()).objects(objects.clone());
        assert_eq!(loaded(&test.workflow_id("daily").run().history), expected);
    }
    assert!(
        objects
            .blocking()
            .exists("s3://ours/daily/steps/users")
            .unwrap()
    );
}

#[test]
fn a_worker_that_cannot_open_the_place_fails_the_workflow() {
    let mut local = Local::with_virtual_time(Registry::linked()).unwrap();
    local = local.resources(Resources::new(Objects::memory()));
    let input = r#"[["users"], "ours"]"#;
    let entry = WorkflowEntry::of::<Loads>();
    let run = local.run(&entry, input, StartOptions::default()).unwrap();
    let said = format!("{:?}", run.outcome);
    assert!(said.contains("cannot open s3://ours"), "{said}");
}
