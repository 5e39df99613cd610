//! `simpleflow new`: what it writes builds, runs, and passes its own test.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::common::{Done, run_within, simpleflow};

/// Cargo in the new project, with the workspace's lock and target, so that little is built.
fn cargo(project: &Path, args: &[&str]) -> Done {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    std::fs::copy(root.join("Cargo.lock"), project.join("Cargo.lock")).unwrap();
    let mut cargo = Command::new(env!("CARGO"));
    let target = Path::new(env!("CARGO_BIN_EXE_simpleflow-under-test"))
        .ancestors()
        .nth(2)
        .unwrap();
    cargo
        .args(args)
        .current_dir(project)
        .env("CARGO_TARGET_DIR", target)
        .env("CARGO_NET_OFFLINE", "true");
    // The test's own view of its package is not the project's.
    for (name, _) in
        std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CARGO_PKG_"))
    {
        cargo.env_remove(name);
    }
    // It builds.
    run_within(Duration::from_secs(900), cargo, "")
}

#[test]
fn a_new_project_builds_runs_and_passes_its_test() {
    let directory = tempfile::tempdir().unwrap();
    let project = directory.path().join("my-project");
    let done = simpleflow(&["new", project.to_str().unwrap()]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert!(done.stdout.contains("cargo test"), "{}", done.stdout);
    let input = "[[\"ada\", \"grace\"]]";
    let args = [
        "run",
        "--quiet",
        "--",
        "workflow.start",
        "--local",
        "Greetings",
        "--input",
        input,
    ];
    let done = cargo(&project, &args);
    assert_eq!(
        (done.code, &*done.stdout),
        (0, "\"Hello, ada! Hello, grace!\"\n"),
        "{}",
        done.stderr
    );
    let done = cargo(&project, &["test", "--quiet"]);
    assert_eq!(done.code, 0, "{}{}", done.stdout, done.stderr);
    assert!(done.stdout.contains("1 passed"), "{}", done.stdout);
}

/// What is compiled in a checkout is there for a project only where it is compiled alike.
#[test]
fn a_new_project_is_compiled_as_its_checkout_is() {
    let directory = tempfile::tempdir().unwrap();
    let project = directory.path().join("my-project");
    let done = simpleflow(&["new", project.to_str().unwrap()]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    let profile = |directory: &Path| {
        let manifest = std::fs::read_to_string(directory.join("Cargo.toml")).unwrap();
        let (_, profile) = manifest.split_once("[profile.dev]\n").expect("a profile");
        profile.split("\n\n").next().map(str::to_owned)
    };
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    assert_eq!(profile(&project), profile(&checkout));
}

#[test]
fn an_empty_directory_will_do_and_its_path_is_quoted() {
    let directory = tempfile::tempdir().unwrap();
    let project = directory.path().join("it's here/my-project");
    std::fs::create_dir_all(&project).unwrap();
    let done = simpleflow(&["new", project.to_str().unwrap()]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    let quoted = r"it'\''s here/my-project'";
    assert!(done.stdout.contains(quoted), "{}", done.stdout);
    assert!(project.join("Cargo.toml").is_file());
}

#[test]
fn a_directory_that_will_not_do_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let full = directory.path().join("full");
    std::fs::create_dir(&full).unwrap();
    std::fs::write(full.join("precious"), "").unwrap();
    let done = simpleflow(&["new", full.to_str().unwrap()]);
    assert_eq!(done.code, 2);
    assert!(
        done.stderr.contains("is there already and not empty"),
        "{}",
        done.stderr
    );
    assert_eq!(std::fs::read_dir(&full).unwrap().count(), 1);
    let done = simpleflow(&["new", full.join("precious").to_str().unwrap()]);
    assert_eq!(done.code, 2);
    assert!(
        done.stderr.contains("is not a directory"),
        "{}",
        done.stderr
    );
    for name in ["1st", "a b", "simpleflow", "deps"] {
        let done = simpleflow(&["new", directory.path().join(name).to_str().unwrap()]);
        assert_eq!(done.code, 2, "{name}");
        assert!(done.stderr.contains(name), "{}", done.stderr);
        assert!(!directory.path().join(name).exists());
    }
}
