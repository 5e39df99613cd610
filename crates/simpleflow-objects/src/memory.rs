//! The place in memory, for tests and for executions that end with the program.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use bytes::Bytes;

use crate::{ObjectFuture, ObjectInfo, ObjectStore, Problem};

/// Objects in memory: they end with the program.
#[derive(Debug, Default)]
pub struct Memory(Mutex<BTreeMap<String, Kept>>);

#[derive(Debug)]
struct Kept {
    value: Bytes,
    put: SystemTime,
}

impl Memory {
    /// A place with nothing in it.
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Kept>> {
        // Nobody panics half-way through a change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ObjectStore for Memory {
    fn url(&self) -> String {
        "memory:".to_owned()
    }

    fn get<'a>(&'a self, key: &'a str) -> ObjectFuture<'a, Bytes> {
        Box::pin(async move {
            let objects = self.lock();
            let kept = objects.get(key).ok_or(Problem::NotFound)?;
            Ok(kept.value.clone())
        })
    }

    fn put<'a>(&'a self, key: &'a str, value: Bytes) -> ObjectFuture<'a, ()> {
        Box::pin(async move {
            let put = SystemTime::now();
            self.lock().insert(key.to_owned(), Kept { value, put });
            Ok(())
        })
    }

    fn delete<'a>(&'a self, key: &'a str) -> ObjectFuture<'a, ()> {
        Box::pin(async move {
            self.lock().remove(key);
            Ok(())
        })
    }

    fn list<'a>(&'a self, prefix: &'a str) -> ObjectFuture<'a, Vec<ObjectInfo>> {
        Box::pin(async move {
            let objects = self.lock();
            let found = objects
                .range(prefix.to_owned()..)
                .take_while(|(key, _)| key.starts_with(prefix));
            Ok(found
                .map(|(key, kept)| ObjectInfo {
                    key: key.clone(),
                    size: kept.value.len() as u64,
                    modified: Some(kept.put),
                })
                .collect())
        })
    }

    fn size<'a>(&'a self, key: &'a str) -> ObjectFuture<'a, Option<u64>> {
        Box::pin(async move { Ok(self.lock().get(key).map(|kept| kept.value.len() as u64)) })
    }
}
