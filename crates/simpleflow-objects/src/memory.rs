//! The place in memory, for tests and for executions that end with the program.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::{ObjectFuture, ObjectInfo, ObjectStore, Problem};

/// Objects in memory: they end with the program.
#[derive(Debug, Default)]
pub struct Memory(Mutex<BTreeMap<String, Bytes>>);

impl Memory {
    /// A place with nothing in it.
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Bytes>> {
        // Nobody panics half-way through a change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ObjectStore for Memory {
    fn url(&self) -> String {
        "memory:".to_owned()
    }

    fn get<'a>(&'a self, key: &'a str) -> ObjectFuture<'a, Bytes> {
        Box::pin(async move { self.lock().get(key).cloned().ok_or(Problem::NotFound) })
    }

    fn put<'a>(&'a self, key: &'a str, value: Bytes) -> ObjectFuture<'a, ()> {
        Box::pin(async move {
            self.lock().insert(key.to_owned(), value);
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
                .map(|(key, value)| ObjectInfo {
                    key: key.clone(),
                    size: value.len() as u64,
                })
                .collect())
        })
    }

    fn size<'a>(&'a self, key: &'a str) -> ObjectFuture<'a, Option<u64>> {
        Box::pin(async move { Ok(self.lock().get(key).map(|value| value.len() as u64)) })
    }
}
