//! The place of whoever was given none.

use bytes::Bytes;

use crate::{ObjectFuture, ObjectInfo, ObjectStore, Problem};

/// No place. It says what to do about that.
#[derive(Debug)]
pub(crate) struct Nowhere(pub String);

impl Nowhere {
    fn refuse<T>(&self) -> ObjectFuture<'_, T> {
        Box::pin(async { Err(Problem::NoPlace(self.0.clone())) })
    }
}

impl ObjectStore for Nowhere {
    fn url(&self) -> String {
        "no place".to_owned()
    }

    fn get<'a>(&'a self, _key: &'a str) -> ObjectFuture<'a, Bytes> {
        self.refuse()
    }

    fn put<'a>(&'a self, _key: &'a str, _value: Bytes) -> ObjectFuture<'a, ()> {
        self.refuse()
    }

    fn delete<'a>(&'a self, _key: &'a str) -> ObjectFuture<'a, ()> {
        self.refuse()
    }

    fn list<'a>(&'a self, _prefix: &'a str) -> ObjectFuture<'a, Vec<ObjectInfo>> {
        self.refuse()
    }

    fn size<'a>(&'a self, _key: &'a str) -> ObjectFuture<'a, Option<u64>> {
        self.refuse()
    }
}
