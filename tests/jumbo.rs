//! Values that are longer than SWF's fields: standalone with nothing set up, what commands show of
//! them, their cache, and their end.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use serde_json::Value;
use simpleflow::model::RetentionDays;
use simpleflow::model::operation::RegisterDomain;
use simpleflow_executor::SwfService as _;
use simpleflow_server::{Embedded, Storage};

use crate::common::{Done, alone, run};

/// The command in this directory, with a cache there.
fn command(dir: &Path, args: &[&str]) -> Command {
    let mut command = alone(dir, args);
    command
        .env("SIMPLEFLOW_DISK_CACHE_DIR", dir.join("cache"))
        .env("SIMPLEFLOW_ENABLE_DISK_CACHE", "true");
    command
}

fn done(dir: &Path, args: &[&str]) -> Done {
    let done = run(command(dir, args), "");
    assert_eq!(done.code, 0, "{}", done.stderr);
    done
}

fn values(dir: &Path) -> usize {
    fs::read_dir(dir.join("simpleflow-data/values"))
        .map(|values| values.count())
        .unwrap_or_default()
}

fn json(done: &Done) -> Value {
    serde_json::from_str(&done.stdout).expect("it is JSON")
}

#[test]
fn long_values_work_with_nothing_set_up() {
    let dir = tempfile::tempdir().expect("a directory");
    let dir = dir.path();
    let args = ["standalone", "jumbo_fields", "--input", "[\"ab\"]"];
    let ran = done(dir, &args);
    assert_eq!(ran.stdout.lines().last(), Some("100000"));
    // The result of one activity, and the input of the other, for each attempt to schedule it.
    assert!(values(dir) >= 2);

    let id = "activity-examples.jumbo_fields.repeat_50k-1";
    let info = |more: &[&str]| {
        let args = [
            "--format",
            "json",
            "--header",
            "task.info",
            "standalone",
            "jumbo_fields",
            id,
        ];
        json(&done(dir, &[&args, more].concat()))[0]["result"].to_string()
    };
    let signature = info(&[]);
    assert!(
        signature.starts_with("\"simpleflow+file:///"),
        "{signature}"
    );
    assert!(
        signature.contains("/simpleflow-data/values/"),
        "{signature}"
    );
    assert!(signature.ends_with(" 100002\""), "{signature}");
    assert!(info(&["--decode"]).len() > 100_000);

    let replay = ["workflow.replay", "jumbo_fields", "--domain", "standalone"];
    let replay = [&replay[..], &["--workflow-id", "jumbo_fields"]].concat();
    assert!(done(dir, &replay).stdout.contains("same decisions"));
    let history = [
        "workflow.history",
        "--domain",
        "standalone",
        "jumbo_fields",
        "-o",
        "events",
    ];
    let recorded = done(dir, &history).stdout;
    fs::write(dir.join("history.json"), recorded).expect("the history is written");
    let replay = [
        "workflow.replay",
        "jumbo_fields",
        "--history",
        "history.json",
    ];
    assert!(done(dir, &replay).stdout.contains("same decisions"));
}

#[test]
fn only_what_is_shown_is_read() {
    let dir = tempfile::tempdir().expect("a directory");
    let dir = dir.path();
    done(dir, &["standalone", "jumbo_fields", "--input", "[\"ab\"]"]);
    let task = [
        "--format",
        "json",
        "--header",
        "task.info",
        "standalone",
        "jumbo_fields",
        "activity-examples.jumbo_fields.repeat_50k-1",
    ];
    let signature = json(&done(dir, &task))[0]["result"].to_string();
    let folder = dir.join("simpleflow-data/values");
    for value in fs::read_dir(folder).expect("there are values") {
        let value = value.expect("it is there");
        if !signature.contains(&*value.file_name().to_string_lossy()) {
            fs::remove_file(value.path()).expect("it is removed");
        }
    }
    assert_eq!(values(dir), 1);
    let decoded = |args: &[&str]| {
        let mut command = command(dir, &[args, &["--decode"]].concat());
        command.env_remove("SIMPLEFLOW_ENABLE_DISK_CACHE");
        let done = run(command, "");
        assert_eq!(done.code, 0, "{}", done.stderr);
        assert!(!done.stderr.contains("signature"), "{}", done.stderr);
        done.stdout
    };
    assert!(decoded(&task).len() > 100_000);
    let info = decoded(&["workflow.info", "standalone", "jumbo_fields"]);
    assert!(info.contains("ab"), "{info}");
    let mut history = command(
        dir,
        &["workflow.history", "--domain", "standalone", "jumbo_fields"],
    );
    history.arg("--decode");
    history.env_remove("SIMPLEFLOW_ENABLE_DISK_CACHE");
    let history = run(history, "");
    assert!(history.stderr.contains("is shown as its signature"));
}

#[test]
fn the_cache_is_shown_and_cleared() {
    let dir = tempfile::tempdir().expect("a directory");
    let dir = dir.path();
    let cache = |more: &[&str]| {
        let args = ["--format", "json", "--header", "jumbo.cache"];
        json(&done(dir, &[&args, more].concat()))[0].take()
    };
    assert_eq!(cache(&[])["Entries"], "0");
    done(dir, &["standalone", "jumbo_fields", "--input", "[\"ab\"]"]);
    let shown = cache(&[]);
    assert_eq!(shown["Entries"], values(dir).to_string());
    assert_eq!(shown["Enabled"], "true");
    assert_eq!(shown["Most Bytes"], "1073741824");
    assert_eq!(cache(&["--clear"])["Entries"], values(dir).to_string());
    assert_eq!(cache(&[])["Entries"], "0");
}

#[test]
fn values_are_removed_that_no_execution_needs() {
    let dir = tempfile::tempdir().expect("a directory");
    let dir = dir.path();
    done(dir, &["standalone", "jumbo_fields", "--input", "[\"ab\"]"]);
    let prune = |more: &[&str]| {
        let args = [&["jumbo.prune", "standalone"], more].concat();
        done(dir, &args).stdout
    };
    let young = prune(&[]);
    assert!(young.starts_with("0 values of 0 bytes removed"), "{young}");
    let all = values(dir);
    assert!(
        young.trim_end().ends_with(&format!("{all} left")),
        "{young}"
    );
    let value = fs::read_dir(dir.join("simpleflow-data/values"))
        .expect("there are values")
        .next();
    let value = value.expect("there is one").expect("it is there").path();
    let bytes = value.metadata().expect("it has a size").len();
    let file = fs::File::options().write(true).open(value);
    let aged = file.and_then(|file| file.set_modified(SystemTime::UNIX_EPOCH));
    aged.expect("its time is set");
    let told = format!("1 values of {bytes} bytes would be removed");
    assert!(prune(&["--dry-run"]).starts_with(&told));
    assert_eq!(values(dir), all);
    assert!(prune(&[]).starts_with("1 values of"));
    assert_eq!(values(dir), all - 1);
}

/// Registers a domain in the store of a directory.
fn register(dir: &Path, name: &str, days: u32) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let storage = Storage::Disk {
            dir: dir.join("simpleflow-data"),
            relaxed: false,
        };
        let embedded = Embedded::open(storage).await.expect("the store");
        let request = RegisterDomain {
            name: name.into(),
            workflow_execution_retention_period_in_days: RetentionDays(days),
            ..RegisterDomain::default()
        };
        let registered = embedded.service().register_domain(request).await;
        registered.expect("it is registered");
        embedded.stop().await.expect("the store is closed");
    });
}

#[test]
fn values_in_the_servers_own_folder_are_those_of_all_its_domains() {
    let dir = tempfile::tempdir().expect("a directory");
    let dir = dir.path();
    done(dir, &["standalone", "jumbo_fields", "--input", "[\"ab\"]"]);
    let folder = dir.join("simpleflow-data/values");
    let value = fs::read_dir(&folder).expect("there are values").next();
    let value = value.expect("there is one").expect("it is there").path();
    let file = fs::File::options().write(true).open(value);
    let old = SystemTime::now() - Duration::from_secs(60 * 86_400);
    let aged = file.and_then(|file| file.set_modified(old));
    aged.expect("its time is set");
    // Nobody needs it after the 30 days of this domain, but another may.
    let prune = || done(dir, &["jumbo.prune", "standalone", "--dry-run"]).stdout;
    assert!(prune().starts_with("1 values of"));
    register(dir, "other", 90);
    assert!(prune().starts_with("0 values of"));
    // A place that is named is what those domains have that are named with it.
    let named = |domains: &[&str]| {
        let args = [&["jumbo.prune", "--dry-run"], domains].concat();
        let elsewhere = dir.join("elsewhere");
        fs::create_dir_all(&elsewhere).expect("a directory");
        let mut command = command(dir, &args);
        let url = format!("file://{}", elsewhere.display());
        command.env("SIMPLEFLOW_JUMBO_FIELDS_BUCKET", url);
        let before = run(command, "").stdout;
        before.split_once("older than").map(|(_, at)| at.to_owned())
    };
    assert!(named(&["standalone"]) > named(&["standalone", "other"]));
}
