//! What activities of every kind measure, and where it goes.

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde_json::Value;
use simpleflow::local::{LOCAL_DOMAIN, Local, LocalRun, StartOptions};
use simpleflow::objects::{Objects, Resources};
use simpleflow::prelude::*;
use simpleflow::swf::Domain;
use simpleflow::swf::metrology::{activity_key, execution_key};
use simpleflow::{When, WorkflowEntry};

/// Ends without a wait.
#[activity]
async fn at_once(context: ActivityContext, bytes: u64) -> u64 {
    context.metrology().step("work").read.bytes = bytes;
    bytes
}

#[activity]
async fn waiting(context: ActivityContext, bytes: u64) -> u64 {
    let mut step = context.metrology().step("work");
    tokio::time::sleep(Duration::from_millis(1)).await;
    step.read.bytes = bytes;
    bytes
}

#[activity]
fn blocking(context: ActivityContext, bytes: u64) -> u64 {
    context.metrology().step("work").read.bytes = bytes;
    bytes
}

/// Fails, and is tried again with another number of bytes.
#[activity(retry = 1)]
async fn failing(context: ActivityContext) -> Result<u64> {
    static ATTEMPTS: Mutex<BTreeMap<String, u64>> = Mutex::new(BTreeMap::new());
    let run = context.info().run_id.to_string();
    let attempt = *ATTEMPTS
        .lock()
        .unwrap()
        .entry(run)
        .and_modify(|attempt| *attempt += 1)
        .or_insert(4);
    context.metrology().step("work").read.bytes = attempt;
    bail!("broken")
}

#[activity]
async fn panics(context: ActivityContext) -> u64 {
    let mut step = context.metrology().step("work");
    step.read.bytes = 6;
    panic!("broken")
}

#[activity(program = "echo")]
fn program(x: u64) -> u64;

/// Measures the activity that is within it.
#[middleware]
async fn around(context: ActivityContext, next: Next) -> ActivityResult {
    let _step = context.metrology().step("all");
    next.run().await
}

#[workflow(name = "metrology", version = "test", task_list = "metrology")]
struct OfEachKind;

impl Workflow for OfEachKind {
    type Output = ();

    async fn run(self, flow: Flow) -> Result<()> {
        for task in [
            flow.submit(at_once(1)),
            flow.submit(waiting(2)),
            flow.submit(blocking(3)),
            flow.submit(failing()),
            flow.submit(panics()),
            flow.submit(program(7)),
        ] {
            let _ = task.await;
        }
        Ok(())
    }
}

fn run(registry: Registry, resources: Resources) -> (Local, LocalRun) {
    let local = Local::with_virtual_time(registry).unwrap();
    let mut local = local.resources(resources);
    let workflow = WorkflowEntry::of::<OfEachKind>();
    let run = local.run(&workflow, "[]", StartOptions::default()).unwrap();
    (local, run)
}

async fn json(place: &Objects, key: &str) -> Value {
    serde_json::from_slice(&place.get(key).await.unwrap()).unwrap()
}

#[tokio::test]
async fn what_was_measured_is_there_when_the_activity_ends() {
    let objects = Objects::memory();
    let (local, run) = run(Registry::linked(), Resources::new(objects.clone()));
    let (workflow_id, run_id) = (&run.execution.workflow_id, &run.execution.run_id);
    let place = objects.under("metrology");
    for (activity, bytes) in [
        ("at_once", 1),
        ("waiting", 2),
        ("blocking", 3),
        // The last attempt's.
        ("failing", 5),
        ("panics", 6),
    ] {
        let id = format!("activity-metrology.{activity}-1");
        let key = activity_key(workflow_id, run_id, &id.as_str().into());
        let metrics = json(&place, &key).await;
        assert_eq!(metrics["steps"][0]["read"]["bytes"], bytes, "{activity}");
        assert!(metrics["steps"][0]["time_started"].as_f64() > Some(1e9));
    }
    assert_eq!(objects.list("").await.unwrap().len(), 5);

    let domain = Domain::new(local.service().clone(), LOCAL_DOMAIN);
    let execution = domain.run(workflow_id.clone(), run_id.clone());
    let merged = execution.merge_metrology(&place).await.unwrap();
    let of = |task: usize| (&merged[task][0], &merged[task][1]);
    let (id, failing) = of(3);
    assert_eq!(id, "activity-metrology.failing-1");
    assert_eq!(failing["state"], "failed");
    assert_eq!(failing["metrology"]["steps"][0]["read"]["bytes"], 5);
    let (id, program) = of(5);
    assert_eq!(id, "activity-metrology.program-1");
    assert_eq!(program["result"], "7");
    assert_eq!(program.get("metrology"), None);
    let written = json(&place, &execution_key(workflow_id, run_id)).await;
    assert_eq!(written, merged);
    // Once more gives the same.
    assert_eq!(execution.merge_metrology(&place).await.unwrap(), merged);

    let elsewhere = execution.merge_metrology(&Objects::memory()).await;
    let error = elsewhere.unwrap_err().to_string();
    assert!(error.contains("left metrics in memory:"), "{error}");
    let key = activity_key(workflow_id, run_id, &"activity-x".into());
    place.put(&key, "{").await.unwrap();
    let error = execution.merge_metrology(&place).await.unwrap_err();
    let error = error.to_string();
    assert!(error.contains("activity.activity-x.json\" in memory:/metrology is not JSON"));
}

#[tokio::test]
async fn a_middleware_measures_programs_too() {
    let objects = Objects::memory();
    let mut registry = Registry::linked();
    registry.activate("around", When::Around).unwrap();
    let resources = Resources::new(Objects::nowhere("none")).metrology(objects.clone());
    let (_local, run) = run(registry, resources);
    let (workflow_id, run_id) = (&run.execution.workflow_id, &run.execution.run_id);
    let key = |id: &str| activity_key(workflow_id, run_id, &id.into());
    let program = json(&objects, &key("activity-metrology.program-1")).await;
    assert_eq!(program["steps"][0]["name"], "all");
    // Steps are in the order in which they begin.
    let waiting = json(&objects, &key("activity-metrology.waiting-1")).await;
    assert_eq!(waiting["steps"][0]["name"], "all");
    assert_eq!(waiting["steps"][1]["name"], "work");
}

#[test]
fn metrics_that_cannot_be_written_do_no_harm() {
    let resources = Resources::new(Objects::nowhere("none"));
    let (_local, run) = run(Registry::linked(), resources);
    assert_eq!(
        run.outcome,
        simpleflow::local::Outcome::Completed("null".into())
    );
}
