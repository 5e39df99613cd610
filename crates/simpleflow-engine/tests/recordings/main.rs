//! What the real service did, command by command.
//!
//! The recordings are not part of this repository. Where they are not found beside it, the tests
//! say so and pass, so that a clone alone can be tested.

mod player;
mod recording;

use std::path::{Path, PathBuf};

use player::Stage;
use recording::Recording;

/// The files of a folder of recordings, or nothing if there is no such folder.
fn files(folder: &str) -> Option<Vec<PathBuf>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/swf/recorded")
        .join(folder);
    let Ok(entries) = std::fs::read_dir(&path) else {
        println!(
            "skipped: recordings of the service not found at {}",
            path.display()
        );
        return None;
    };
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "no recordings in {}", path.display());
    Some(files)
}

/// Plays the recordings, and fails with all that went wrong.
fn play_all(files: &[PathBuf], read: impl Fn(&str) -> Option<Recording>) -> usize {
    let mut events = 0;
    let mut failures = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(file).unwrap();
        let Some(recording) = read(&text) else {
            continue;
        };
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        match Stage::play(&recording) {
            Ok(played) => events += played,
            Err(problem) => failures.push(format!("{name}: {problem}")),
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    println!("{events} recorded events reproduced");
    events
}

#[test]
fn scenarios_are_reproduced() {
    let Some(files) = files("scenarios") else {
        return;
    };
    let events = play_all(&files, Recording::scenario);
    assert!(events >= files.len() * 4, "only {events} events compared");
}

#[test]
fn executions_are_reproduced() {
    let Some(files) = files("executions") else {
        return;
    };
    let events = play_all(&files, Recording::execution);
    assert!(events >= 80, "only {events} events compared");
}
