//! Values there and back, and what goes wrong on the way.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use futures::future::join_all;
use proptest::prelude::*;
use simpleflow_jumbo::{DiskCacheSettings, Jumbo, JumboError, Settings, Signature};
use simpleflow_objects::{
    Bytes, Folder, Memory, ObjectFuture, ObjectInfo, ObjectStore, Objects, Place, Problem,
};
use tokio::runtime::Runtime;

const LIMIT: usize = 256;

/// A place that counts what is asked of it, and fails as it is told.
#[derive(Debug, Default)]
struct Shaky {
    values: Memory,
    gets: AtomicUsize,
    puts: AtomicUsize,
    problems: Mutex<VecDeque<Problem>>,
}

impl Shaky {
    fn problem(&self) -> Result<(), Problem> {
        self.problems
            .lock()
            .unwrap()
            .pop_front()
            .map_or(Ok(()), Err)
    }

    fn fail(&self, problems: impl IntoIterator<Item = Problem>) {
        self.problems.lock().unwrap().extend(problems);
    }
}

#[derive(Clone, Debug, Default)]
struct Shared(Arc<Shaky>);

impl ObjectStore for Shared {
    fn url(&self) -> String {
        "s3://values".into()
    }

    fn get<'a>(&'a self, key: &'a str) -> ObjectFuture<'a, Bytes> {
        self.0.gets.fetch_add(1, Ordering::Relaxed);
        Box::pin(async move {
            self.0.problem()?;
            tokio::task::yield_now().await;
            self.0.values.get(key).await
        })
    }

    fn put<'a>(&'a self, key: &'a str, value: Bytes) -> ObjectFuture<'a, ()> {
        self.0.puts.fetch_add(1, Ordering::Relaxed);
        Box::pin(async move {
            self.0.problem()?;
            self.0.values.put(key, value).await
        })
    }

    fn delete<'a>(&'a self, key: &'a str) -> ObjectFuture<'a, ()> {
        self.0.values.delete(key)
    }

    fn list<'a>(&'a self, prefix: &'a str) -> ObjectFuture<'a, Vec<ObjectInfo>> {
        self.0.values.list(prefix)
    }

    fn size<'a>(&'a self, key: &'a str) -> ObjectFuture<'a, Option<u64>> {
        self.0.values.size(key)
    }
}

fn settings() -> Settings {
    Settings {
        place: Some("s3://values".parse().unwrap()),
        ..Settings::default()
    }
}

fn on(place: &Shared, settings: Settings) -> Jumbo {
    let place = place.clone();
    Jumbo::new(settings, move |_| Objects::new(place.clone())).unwrap()
}

/// A program with caches of its own.
fn reader(place: &Shared) -> Jumbo {
    on(place, settings())
}

fn run<T>(future: impl Future<Output = T>) -> T {
    Runtime::new().unwrap().block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_text_comes_back(
        text in prop_oneof![
            ".{0,600}",
            "[aé😀]{250,260}",
            "simpleflow\\+s3://.{0,300}",
        ],
        level in prop::option::of(1..=3),
    ) {
        run(async {
            let place = Shared::default();
            let jumbo = on(&place, Settings { compression: level, ..settings() });
            let sent = jumbo.encode(&text, LIMIT).await.unwrap();
            let sent = sent.unwrap_or_else(|| text.clone());
            assert!(sent.chars().count() <= LIMIT);
            for reader in [jumbo, reader(&place)] {
                let value = reader.decode(&sent).await.unwrap();
                assert_eq!(value.as_deref().unwrap_or(&sent), text);
            }
        });
    }
}

#[test]
fn a_limit_is_of_characters_not_bytes() {
    run(async {
        let jumbo = Jumbo::in_memory();
        let text = "é".repeat(LIMIT);
        assert_eq!(jumbo.encode(&text, LIMIT).await, Ok(None));
        let sent = jumbo.encode(&format!("{text}!"), LIMIT).await.unwrap();
        assert_eq!(Signature::parse(&sent.unwrap()).unwrap().length(), 257);
    });
}

#[test]
fn what_is_written_is_the_originals_form() {
    run(async {
        let place = Shared::default();
        let prefixed = Settings {
            place: Some("s3://values/of/us/".parse().unwrap()),
            ..settings()
        };
        let text = "é".repeat(300);
        let sent = on(&place, prefixed)
            .encode(&text, LIMIT)
            .await
            .unwrap()
            .unwrap();
        let (location, length) = sent.split_once(' ').unwrap();
        assert_eq!(length, "300");
        let key = location
            .strip_prefix("simpleflow+s3://values/of/us/")
            .unwrap();
        assert_eq!(place.0.values.get(key).await.unwrap(), text);
    });
}

#[test]
fn a_value_is_read_once_however_many_want_it() {
    run(async {
        let place = Shared::default();
        let text = "a".repeat(1_000);
        let sent = reader(&place).encode(&text, LIMIT).await.unwrap().unwrap();
        let jumbo = reader(&place);
        let all = join_all((0..20).map(|_| jumbo.decode(&sent))).await;
        assert!(
            all.iter()
                .all(|value| value.as_ref().unwrap().as_deref() == Some(&text))
        );
        jumbo.decode(&sent).await.unwrap();
        assert_eq!(place.0.gets.load(Ordering::Relaxed), 1);
    });
}

#[test]
fn who_wrote_a_value_does_not_read_it_from_its_place() {
    run(async {
        let place = Shared::default();
        let jumbo = reader(&place);
        let sent = jumbo
            .encode(&"a".repeat(1_000), LIMIT)
            .await
            .unwrap()
            .unwrap();
        assert!(jumbo.decode(&sent).await.unwrap().is_some());
        assert_eq!(place.0.gets.load(Ordering::Relaxed), 0);
    });
}

#[test]
fn programs_of_one_machine_share_a_cache_on_disk() {
    let dir = tempfile::tempdir().unwrap();
    let cached = || Settings {
        disk_cache: Some(DiskCacheSettings {
            dir: dir.path().join("cache"),
            bytes: 1 << 20,
        }),
        ..settings()
    };
    run(async {
        let place = Shared::default();
        let text = "a".repeat(1_000);
        let sent = reader(&place).encode(&text, LIMIT).await.unwrap().unwrap();
        for _ in 0..2 {
            let jumbo = on(&place, cached());
            let value = jumbo.decode(&sent).await.unwrap();
            assert_eq!(value.as_deref(), Some(text.as_str()));
        }
        assert_eq!(place.0.gets.load(Ordering::Relaxed), 1);
        on(&place, cached()).disk_cache().unwrap().clear().unwrap();
        on(&place, cached()).decode(&sent).await.unwrap();
        assert_eq!(place.0.gets.load(Ordering::Relaxed), 2);
    });
}

#[test]
fn a_folder_is_a_place_also_for_who_has_another() {
    let dir = tempfile::tempdir().unwrap();
    let open = |place: &Place| match place {
        Place::Folder(path) => Objects::new(Folder::new(path)),
        place => Objects::nowhere(place.to_string()),
    };
    run(async {
        let folder = Settings {
            place: Some(Place::Folder(dir.path().join("a b"))),
            ..Settings::default()
        };
        let text = "a".repeat(1_000);
        let writer = Jumbo::new(folder, open).unwrap();
        let sent = writer.encode(&text, LIMIT).await.unwrap().unwrap();
        assert!(sent.starts_with("simpleflow+file:///"), "{sent}");
        let reader = Jumbo::new(Settings::default(), open).unwrap();
        let value = reader.decode(&sent).await.unwrap();
        assert_eq!(value.as_deref(), Some(text.as_str()));
    });
}

#[test]
fn what_may_yet_go_well_is_tried_again() {
    run(async {
        let place = Shared::default();
        let slow = || Problem::Unavailable("SlowDown".into());
        place.0.fail([slow(), slow()]);
        let text = "a".repeat(1_000);
        let sent = reader(&place).encode(&text, LIMIT).await.unwrap().unwrap();
        place.0.fail([slow(), slow()]);
        assert!(reader(&place).decode(&sent).await.unwrap().is_some());
        assert_eq!(place.0.puts.load(Ordering::Relaxed), 3);
        assert_eq!(place.0.gets.load(Ordering::Relaxed), 3);
    });
}

#[test]
fn what_cannot_go_well_is_told_at_once_and_by_name() {
    run(async {
        let place = Shared::default();
        let denied = || Problem::Denied("AccessDenied".into());
        place.0.fail([denied()]);
        let text = "a".repeat(1_000);
        let error = reader(&place).encode(&text, LIMIT).await.unwrap_err();
        assert!(
            error.to_string().contains("in s3://values: access denied"),
            "{error}"
        );
        assert!(!error.is_retryable() && !error.is_lost());

        let sent = reader(&place).encode(&text, LIMIT).await.unwrap().unwrap();
        place.0.fail([denied()]);
        let error = reader(&place).decode(&sent).await.unwrap_err();
        assert!(
            error.to_string().contains(&sent) && !error.is_lost(),
            "{error}"
        );

        place
            .0
            .fail([Problem::Damaged("it is not what was put".into())]);
        let error = reader(&place).decode(&sent).await.unwrap_err();
        assert!(error.is_lost() && !error.is_retryable(), "{error}");

        let key = Signature::parse(&sent).unwrap().key();
        place
            .0
            .values
            .put(&key, Bytes::from("shorter"))
            .await
            .unwrap();
        let error = reader(&place).decode(&sent).await.unwrap_err();
        assert!(
            error.to_string().contains("it has 7 chars") && error.is_lost(),
            "{error}"
        );

        place.0.values.delete(&key).await.unwrap();
        let error = reader(&place).decode(&sent).await.unwrap_err();
        assert!(
            error.is_lost() && error.to_string().contains(&key),
            "{error}"
        );
        assert!(error.to_string().contains("there is none"), "{error}");
    });
}

#[test]
fn what_is_too_long_goes_nowhere() {
    run(async {
        let place = Shared::default();
        let low = Settings {
            ceiling: 1_000,
            ..settings()
        };
        let jumbo = on(&place, low);
        assert_eq!(jumbo.ceiling(LIMIT), 1_000);
        assert!(jumbo.encode(&"a".repeat(1_000), LIMIT).await.is_ok());
        let error = jumbo.encode(&"a".repeat(1_001), LIMIT).await.unwrap_err();
        assert!(error.is_too_long());
        assert!(error.to_string().contains("(1001 chars)"), "{error}");
        let error = jumbo.encode(&"a".repeat(100), 50).await.unwrap_err();
        assert!(matches!(
            error,
            JumboError::SignatureTooLong { limit: 50, .. }
        ));

        let nowhere = Jumbo::new(Settings::default(), |_| Objects::memory()).unwrap();
        assert_eq!(nowhere.ceiling(LIMIT), LIMIT);
        let error = nowhere.encode(&"a".repeat(300), LIMIT).await.unwrap_err();
        assert!(
            error.to_string().contains("SIMPLEFLOW_JUMBO_FIELDS_BUCKET"),
            "{error}"
        );
        assert_eq!(place.0.puts.load(Ordering::Relaxed), 1);
    });
}

#[test]
fn the_memory_of_another_program_is_out_of_reach() {
    run(async {
        let sent = Jumbo::in_memory().encode(&"a".repeat(300), LIMIT).await;
        let sent = sent.unwrap().unwrap();
        let error = reader(&Shared::default()).decode(&sent).await.unwrap_err();
        assert!(
            error.to_string().contains("memory of another program"),
            "{error}"
        );
        let error = Jumbo::in_memory().decode(&sent).await.unwrap_err();
        assert!(error.is_lost(), "{error}");
    });
}
