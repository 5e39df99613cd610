//! Recorded histories in a folder, held against today's code.

use std::fs;
use std::path::PathBuf;

use simpleflow::prelude::*;
use simpleflow::testing::{FolderFailed, HistoryBuilder, replay_folder};
use simpleflow_swf::History;

#[activity(name = "inc")]
async fn inc(x: i64) -> i64 {
    x + 1
}

/// Increments, and takes a nap.
#[workflow(name = "incremented")]
struct Incremented {
    x: i64,
}

impl Workflow for Incremented {
    type Output = i64;

    async fn run(self, flow: Flow) -> Result<i64> {
        let x = flow.submit(inc(self.x)).await?;
        flow.start_timer("nap", Duration::from_secs(60)).await?;
        Ok(x)
    }
}

/// A new folder for the histories of a test.
fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    // That of the last time.
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn history(workflow: &str) -> HistoryBuilder {
    let mut started = simpleflow::model::event::WorkflowExecutionStarted::default();
    started.workflow_type.name = workflow.into();
    started.workflow_type.version = "default".into();
    started.input = Some("[1]".into());
    HistoryBuilder::new()
        .started_as(started)
        .decision(|d| d.schedule_activity("activity-inc-1", "inc"))
        .activity_completed("activity-inc-1", "2")
        .decision(|d| d.start_timer("nap", 60))
        .timer_fired("nap")
        .decision(|d| d.complete("2"))
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap()
}

#[test]
fn a_folder_of_histories_is_replayed_in_whatever_form_they_are() {
    let folder = folder("forms");
    let events = history("incremented").build();
    fs::write(folder.join("events.json"), json(&events)).unwrap();
    let flat = History::new(events.clone()).flat_events();
    fs::write(folder.join("flat.json"), json(&flat)).unwrap();
    fs::create_dir(folder.join("older")).unwrap();
    let answer = serde_json::json!({ "events": events });
    fs::write(folder.join("older/answer.json"), json(&answer)).unwrap();
    fs::write(folder.join("README"), "not a history").unwrap();
    assert_eq!(replay_folder(folder).check().unwrap(), 3);
}

#[test]
fn each_history_that_does_not_pass_is_told_with_its_file() {
    let folder = folder("failures");
    let write = |name: &str, text: String| fs::write(folder.join(name), text).unwrap();
    write("good.json", json(&history("incremented").events()));
    let renamed = json(&history("incremented").events()).replace("nap", "rest");
    write("renamed.json", renamed);
    write("unknown.json", json(&history("decremented").events()));
    write("broken.json", "{".to_owned());
    write("end.json", json(&&history("incremented").events()[1..]));
    let registry = Registry::new().workflow::<Incremented>();
    let error = replay_folder(&folder)
        .registry(registry)
        .check()
        .unwrap_err();
    let FolderFailed::Histories {
        failed, replayed, ..
    } = &error
    else {
        panic!("{error}");
    };
    let names: Vec<_> = failed
        .iter()
        .map(|(path, _)| path.file_name().unwrap())
        .collect();
    assert_eq!(
        names,
        ["broken.json", "end.json", "renamed.json", "unknown.json"]
    );
    assert_eq!(*replayed, 5);
    let told = error.to_string();
    for part in [
        "4 of 5 histories in ",
        "broken.json: cannot read the history",
        "end.json: its first event is no WorkflowExecutionStarted",
        "renamed.json: non-deterministic workflow code at event 11",
        "unknown.json: its workflow type \"decremented\" version \"default\" is not in this program, \
         which has \"incremented\" version \"default\"",
    ] {
        assert!(told.contains(part), "{part:?} in {told}");
    }
}

#[test]
fn a_folder_without_a_history_is_no_test() {
    let folder = folder("empty");
    let error = replay_folder(&folder).check().unwrap_err().to_string();
    assert!(error.starts_with("there is no history in "), "{error}");
    let error = replay_folder(folder.join("none"))
        .check()
        .unwrap_err()
        .to_string();
    assert!(error.starts_with("cannot read "), "{error}");
}
