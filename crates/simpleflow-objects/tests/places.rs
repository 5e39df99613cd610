//! What every place does, held against the one in memory.

use std::time::{Duration, SystemTime};

use proptest::prelude::*;
use simpleflow_objects::{Bytes, Folder, Objects, Problem};
use tokio::runtime::Runtime;

/// What is done with a place.
#[derive(Clone, Debug)]
enum Step {
    Put(String, Vec<u8>),
    Get(String),
    Delete(String),
    List(String),
    Size(String),
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        // Few, so that they meet, and such as could lead somewhere else.
        "[ab.]{1,2}(/[ab.]{0,2}){0,2}",
        "[^\\p{C}]{1,30}(/[^\\p{C}]{0,100}){0,3}",
        "a/[%b]{100,300}",
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (key(), any::<Vec<u8>>()).prop_map(|(key, value)| Step::Put(key, value)),
        key().prop_map(Step::Get),
        key().prop_map(Step::Delete),
        "([ab.%]/?){0,3}".prop_map(Step::List),
        key().prop_map(Step::Size),
    ]
}

/// What there is, without its time.
async fn listed(objects: &Objects, prefix: &str) -> Vec<(String, u64)> {
    let listed = objects.list(prefix).await.unwrap();
    assert!(listed.iter().all(|object| object.modified.is_some()));
    listed
        .into_iter()
        .map(|object| (object.key, object.size))
        .collect()
}

async fn run(objects: &Objects, step: &Step) -> String {
    let shown = |it: &dyn std::fmt::Debug| format!("{it:?}");
    let problem = |error: simpleflow_objects::ObjectError| error.problem;
    match step {
        Step::Put(key, value) => shown(&objects.put(key, value.clone()).await.map_err(problem)),
        Step::Get(key) => {
            let mut to = Vec::new();
            let downloaded = objects.download(key, &mut to).await.map_err(problem);
            let got = objects.get(key).await.map_err(problem);
            assert_eq!(got.is_ok(), downloaded.is_ok());
            if let Ok(got) = &got {
                assert_eq!(got, &to);
            }
            shown(&got)
        }
        Step::Delete(key) => shown(&objects.delete(key).await.map_err(problem)),
        Step::List(prefix) => shown(&listed(objects, prefix).await),
        Step::Size(key) => shown(&objects.size(key).await.map_err(problem)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_folder_does_what_memory_does(steps in prop::collection::vec(step(), 1..12)) {
        let parent = tempfile::tempdir().unwrap();
        let dir = parent.path().join("objects");
        let folder = Objects::new(Folder::new(&dir));
        let memory = Objects::memory();
        Runtime::new().unwrap().block_on(async {
            for step in &steps {
                assert_eq!(run(&folder, step).await, run(&memory, step).await, "{step:?}");
            }
            assert_eq!(listed(&folder, "").await, listed(&memory, "").await);
        });
        // Nothing got out of it.
        let beside: Vec<_> = std::fs::read_dir(parent.path()).unwrap().collect();
        prop_assert!(beside.len() <= 1);
    }
}

#[test]
fn a_plain_function_can_use_a_place() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Objects::new(Folder::new(dir.path())).under("x");
    let objects = folder.blocking();
    objects.put("a", "1").unwrap();
    assert_eq!(objects.get("a").unwrap(), "1");
    assert_eq!(objects.size("a").unwrap(), Some(1));
    assert_eq!(objects.list("").unwrap().len(), 1);
    objects.delete("a").unwrap();
    assert!(!objects.exists("a").unwrap());
    // On a thread of a runtime too.
    let runtime = Runtime::new().unwrap();
    let put = runtime.block_on(async move {
        tokio::task::spawn_blocking(move || folder.blocking().put("b", "2")).await
    });
    put.unwrap().unwrap();
}

#[tokio::test]
async fn what_a_crash_left_is_no_object() {
    let dir = tempfile::tempdir().unwrap();
    let objects = Objects::new(Folder::new(dir.path()));
    objects
        .put("a", Bytes::from_static(b"whole"))
        .await
        .unwrap();
    std::fs::write(dir.path().join(".part-1"), "ha").unwrap();
    assert_eq!(objects.list("").await.unwrap().len(), 1);
    assert!(objects.get(".part-1").await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn what_a_crash_left_long_ago_is_removed() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, days: u64| {
        let path = dir.path().join(name);
        let file = std::fs::File::create(&path).unwrap();
        let age = Duration::from_secs(days * 24 * 60 * 60 + 60);
        file.set_modified(SystemTime::now() - age).unwrap();
        path
    };
    let old = file(".part-67e55044-10b1-426f-9247-bb680e5fe0c8", 1);
    let kept = [
        file(".part-97e55044-10b1-426f-9247-bb680e5fe0c8", 0),
        file(".part-of-somebody-else", 1),
        file("object", 1),
    ];
    let objects = Objects::new(Folder::new(dir.path()));
    objects.put("a", "1").await.unwrap();
    assert!(!old.exists());
    assert!(kept.iter().all(|path| path.exists()));
}

#[tokio::test]
async fn a_long_object_is_downloaded_in_pieces() {
    let dir = tempfile::tempdir().unwrap();
    let objects = Objects::new(Folder::new(dir.path().join("new/folder")));
    let long: Vec<u8> = (0_u32..3 << 20).map(|at| (at >> 10) as u8).collect();
    objects.put("a/b/long", long.clone()).await.unwrap();
    let mut to = Vec::new();
    let size = objects.download("a/b/long", &mut to).await.unwrap();
    assert_eq!(size, long.len() as u64);
    assert!(to == long);
}

#[tokio::test]
async fn a_disk_that_takes_nothing_is_told() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("file"), "").unwrap();
    // Where the folder should be made there is a file.
    let objects = Objects::new(Folder::new(dir.path().join("file")));
    let error = objects.put("a", "1").await.unwrap_err();
    assert!(matches!(error.problem, Problem::Failed(_)), "{error}");
    assert!(error.to_string().contains("/file"), "{error}");
}

#[tokio::test]
async fn what_is_somebody_elses_is_no_object() {
    let dir = tempfile::tempdir().unwrap();
    let objects = Objects::new(Folder::new(dir.path()));
    std::fs::create_dir(dir.path().join("lost+found")).unwrap();
    std::fs::write(dir.path().join("lost+found/found"), "x").unwrap();
    // A file where there would be a level, which its name says it is.
    std::fs::write(dir.path().join("notes%"), "x").unwrap();
    objects.put("a/b", "1").await.unwrap();
    assert_eq!(listed(&objects, "").await, [("a/b".to_owned(), 1)]);
    assert!(listed(&objects, "notes/").await.is_empty());
    assert!(!objects.exists("lost+found").await.unwrap());
    assert!(objects.get("lost+found").await.unwrap_err().is_not_found());
    objects.delete("lost+found").await.unwrap();
    assert!(dir.path().join("lost+found/found").exists());
}

#[tokio::test]
async fn a_folder_that_is_removed_is_made_again() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("new/folder");
    let objects = Objects::new(Folder::new(&folder));
    for _ in 0..2 {
        objects.put("a/b/c", "1").await.unwrap();
        assert_eq!(objects.get("a/b/c").await.unwrap(), "1");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_listing_does_not_look_where_nothing_of_it_can_be() {
    let dir = tempfile::tempdir().unwrap();
    let objects = Objects::new(Folder::new(dir.path()));
    let mut long = "basic-".to_owned();
    long.push_str(&"x".repeat(300));
    let keys = ["basic-1/a", "basic-2", &format!("{long}/b")];
    for key in keys {
        objects.put(key, "1").await.unwrap();
    }
    // What looks at it would fail: the file system follows no more than 40 links.
    std::os::unix::fs::symlink("other%", dir.path().join("other%")).unwrap();
    let found = listed(&objects, "basic-").await;
    assert_eq!(found.len(), 3, "{found:?}");
    assert_eq!(listed(&objects, &long[..280]).await.len(), 1);
    assert!(objects.list("o").await.is_err());
}
