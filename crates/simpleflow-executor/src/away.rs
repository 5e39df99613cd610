//! A place for values that is out of reach, for tests.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use simpleflow_core::objects::{
    Bytes, Memory, ObjectFuture, ObjectInfo, ObjectStore, Objects, Problem,
};
use simpleflow_jumbo::{Jumbo, Settings};

/// What is said of it.
pub const DOWN: &str = "it is down";

/// A place that is out of reach until it is told to be back. A handle.
#[derive(Clone, Debug)]
pub struct Away(Arc<State>);

#[derive(Debug)]
struct State {
    /// Whether it says that it is away, or never answers.
    answers: bool,
    is_back: AtomicBool,
    objects: Memory,
}

impl Away {
    pub fn new(answers: bool) -> Self {
        Self(Arc::new(State {
            answers,
            is_back: AtomicBool::new(false),
            objects: Memory::default(),
        }))
    }

    /// It can be reached from now on, or not.
    pub fn is_back(&self, is_back: bool) {
        self.0.is_back.store(is_back, Ordering::SeqCst);
    }

    /// A codec whose values go there, which remembers none.
    pub fn jumbo(&self) -> Jumbo {
        let settings = Settings {
            place: Some("s3://values".parse().unwrap()),
            memory: 0,
            ..Settings::default()
        };
        let place = self.clone();
        Jumbo::new(settings, move |_| Objects::new(place.clone())).unwrap()
    }

    fn reached<'a, T: Send + 'a>(
        &'a self,
        then: impl FnOnce(&'a Memory) -> ObjectFuture<'a, T> + Send + 'a,
    ) -> ObjectFuture<'a, T> {
        Box::pin(async move {
            match (self.0.is_back.load(Ordering::SeqCst), self.0.answers) {
                (true, _) => then(&self.0.objects).await,
                (false, true) => Err(Problem::Unavailable(DOWN.into())),
                (false, false) => std::future::pending().await,
            }
        })
    }
}

impl ObjectStore for Away {
    fn url(&self) -> String {
        "s3://values".into()
    }

    fn get<'a>(&'a self, key: &'a str) -> ObjectFuture<'a, Bytes> {
        self.reached(move |objects| objects.get(key))
    }

    fn put<'a>(&'a self, key: &'a str, value: Bytes) -> ObjectFuture<'a, ()> {
        self.reached(move |objects| objects.put(key, value))
    }

    fn delete<'a>(&'a self, key: &'a str) -> ObjectFuture<'a, ()> {
        self.reached(move |objects| objects.delete(key))
    }

    fn list<'a>(&'a self, prefix: &'a str) -> ObjectFuture<'a, Vec<ObjectInfo>> {
        self.reached(move |objects| objects.list(prefix))
    }

    fn size<'a>(&'a self, key: &'a str) -> ObjectFuture<'a, Option<u64>> {
        self.reached(move |objects| objects.size(key))
    }
}
