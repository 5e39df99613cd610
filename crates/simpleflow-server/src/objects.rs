//! Objects: values that are too long for histories or outlive them, kept beside the engines.
//!
//! A thread of its own reads and writes them, from the first time on that somebody asks. What is to be
//! written meanwhile is one transaction; what is read is answered one by one, and before it.

pub(crate) mod wire;

use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use simpleflow_model::Timestamp;
use simpleflow_objects::{Bytes, ObjectFuture, ObjectInfo, ObjectStore, Problem};
use tokio::sync::oneshot;

use crate::clock::Clock;
use crate::store::{Described, Location, ObjectStoreFile, StoreError, StoredObject};

/// How many bytes an object may have. It is in memory as a whole while it is written or read.
pub const OBJECT_BYTES: u64 = 64 << 20;

/// How many bytes are read and written until a transaction ends, unless one object has more.
const BATCH_BYTES: usize = 32 << 20;

/// How many things are done until a transaction ends at most.
const BATCH: usize = 256;

/// How many objects are read of a listing at a time.
const PAGE: usize = 1_000;

/// What is asked.
enum Request {
    /// It answers by itself, and says how many bytes it read.
    Read(Box<dyn FnOnce(&mut OpenShelf<'_>) -> usize + Send>),
    Write(Write, Reply<Written>),
}

/// A change of an object.
#[derive(Debug)]
pub(crate) struct Write {
    pub key: String,
    /// Its new value; without one it is deleted.
    pub value: Option<Bytes>,
    pub only: Only,
}

/// When a change is to be done.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Only {
    /// In any case.
    Always,
    /// If there is no such object.
    IfNone,
    /// If there is one with this mark, or with any for a `*`.
    If(String),
}

/// What became of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    /// It is on disk, with the mark of the new value.
    Done(Option<String>),
    /// The object that there is was not to be changed.
    Another,
    /// There is no object that could be changed.
    NoObject,
}

type Reply<T> = oneshot::Sender<Result<T, Problem>>;

/// Where the objects are kept.
#[derive(Debug)]
pub(crate) struct Shelf {
    /// Nothing means memory.
    place: Option<Location>,
    clock: Clock,
    thread: Mutex<Thread>,
}

#[derive(Debug)]
enum Thread {
    NotStarted,
    Running(Sender<Request>, JoinHandle<()>),
    Closed,
}

impl Shelf {
    pub(crate) fn new(place: Option<Location>, clock: Clock) -> Self {
        Self {
            place,
            clock,
            thread: Mutex::new(Thread::NotStarted),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Thread> {
        // Nobody panics half-way through a change.
        self.thread.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes no more requests. The thread, if there is one, ends with those that it has.
    pub(crate) fn close(&self) -> Option<JoinHandle<()>> {
        match std::mem::replace(&mut *self.lock(), Thread::Closed) {
            Thread::Running(_, thread) => Some(thread),
            Thread::NotStarted | Thread::Closed => None,
        }
    }

    /// Reads something that has so many bytes.
    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&ObjectStoreFile) -> Result<T, StoreError> + Send + 'static,
        bytes: fn(&T) -> usize,
    ) -> Result<T, Problem> {
        let (reply, answer) = oneshot::channel();
        self.send(Request::Read(Box::new(move |shelf| {
            // Who asked may have gone.
            if reply.is_closed() {
                return 0;
            }
            let answer = shelf.with_file(read);
            let bytes = answer.as_ref().map_or(0, bytes);
            let _ = reply.send(answer);
            bytes
        })))?;
        answered(answer).await
    }

    async fn write(&self, write: Write) -> Result<Written, Problem> {
        let (reply, answer) = oneshot::channel();
        self.send(Request::Write(write, reply))?;
        answered(answer).await
    }

    fn send(&self, request: Request) -> Result<(), Problem> {
        let mut thread = self.lock();
        if matches!(*thread, Thread::NotStarted) {
            *thread = self.start().map_err(|error| {
                tracing::error!(%error, "the objects have no thread");
                Problem::io(&error)
            })?;
        }
        match &*thread {
            Thread::Running(requests, _) => requests.send(request).map_err(|_| ended()),
            Thread::NotStarted | Thread::Closed => Err(ended()),
        }
    }

    fn start(&self) -> io::Result<Thread> {
        let (requests, asked) = channel();
        let (place, clock) = (self.place.clone(), self.clock.clone());
        let thread = thread::Builder::new()
            .name("objects".into())
            .spawn(move || serve(place.as_ref(), &clock, &asked))?;
        Ok(Thread::Running(requests, thread))
    }
}

fn ended() -> Problem {
    Problem::Unavailable("the server has ended".into())
}

/// An answer, unless somebody panicked, or the end came first.
async fn answered<T>(answer: oneshot::Receiver<Result<T, Problem>>) -> Result<T, Problem> {
    answer.await.unwrap_or_else(|_| Err(ended()))
}

/// Does what is asked, until nobody can ask any more.
fn serve(place: Option<&Location>, clock: &Clock, asked: &Receiver<Request>) {
    let mut shelf = OpenShelf { place, file: None };
    while let Ok(first) = asked.recv() {
        let mut bytes = 0;
        let mut writes = Vec::new();
        let next = std::iter::from_fn(|| asked.try_recv().ok());
        for request in std::iter::once(first).chain(next).take(BATCH) {
            match request {
                // All of a batch are asked at once: what is read may be what was there before. What
                // is read of many must not be in memory together.
                Request::Read(read) => bytes += read(&mut shelf),
                Request::Write(write, reply) => {
                    bytes += write.value.as_ref().map_or(0, Bytes::len);
                    writes.push((write, reply));
                }
            }
            if bytes >= BATCH_BYTES {
                break;
            }
        }
        shelf.write(writes, clock.now());
    }
}

impl Write {
    fn run(&self, file: &ObjectStoreFile, now: Timestamp) -> Result<Written, StoreError> {
        if self.only != Only::Always {
            let found = file.describe(&self.key)?.map(|found| found.etag);
            match (&self.only, found) {
                (Only::IfNone, Some(_)) => return Ok(Written::Another),
                (Only::If(_), None) => return Ok(Written::NoObject),
                (Only::If(etag), Some(found)) if *etag != found && etag != "*" => {
                    return Ok(Written::Another);
                }
                _ => {}
            }
        }
        Ok(Written::Done(match &self.value {
            Some(value) => Some(file.put(&self.key, value, now)?),
            None => {
                file.delete(&self.key)?;
                None
            }
        }))
    }
}

/// What the thread has.
struct OpenShelf<'a> {
    place: Option<&'a Location>,
    file: Option<ObjectStoreFile>,
}

impl OpenShelf<'_> {
    /// Writes all of it in one transaction, and answers.
    fn write(&mut self, writes: Vec<(Write, Reply<Written>)>, now: Timestamp) {
        if writes.is_empty() {
            return;
        }
        let written = self.with_file(|file| {
            let all = writes.iter().map(|(write, _)| write);
            file.transaction(|file| all.map(|write| write.run(file, now)).collect())
        });
        let written: Vec<_> = match written {
            Ok(written) => Vec::into_iter(written).map(Ok).collect(),
            Err(problem) => vec![Err(problem); writes.len()],
        };
        for ((_, reply), written) in writes.into_iter().zip(written) {
            // Who asked may have gone.
            let _ = reply.send(written);
        }
    }

    fn with_file<T>(
        &mut self,
        run: impl FnOnce(&ObjectStoreFile) -> Result<T, StoreError>,
    ) -> Result<T, Problem> {
        let opened = match self.file.take() {
            Some(file) => Ok(file),
            None => ObjectStoreFile::open(self.place),
        };
        let done = opened.and_then(|file| run(self.file.insert(file)));
        done.map_err(|error| {
            tracing::error!(%error, "objects cannot be read or written");
            // Whether the file system took it is not known: the file is opened again, unless its
            // end is that of the objects.
            if self.place.is_some() {
                self.file = None;
            }
            Problem::Failed(error.to_string())
        })
    }
}

/// The objects of an [`Embedded`](crate::Embedded) service or a server in this process. A handle:
/// clones are the same objects.
#[derive(Clone, Debug)]
pub struct EmbeddedObjects(Arc<Shelf>);

impl EmbeddedObjects {
    pub(crate) fn new(shelf: Arc<Shelf>) -> Self {
        Self(shelf)
    }

    pub(crate) async fn object(&self, key: &str) -> Result<Option<StoredObject>, Problem> {
        let wanted = key.to_owned();
        let bytes = |object: &Option<StoredObject>| object.as_ref().map_or(0, |it| it.value.len());
        let object = self.0.read(move |file| file.get(&wanted), bytes).await?;
        if object.as_ref().is_some_and(|object| !object.is_whole) {
            tracing::error!(key, "an object is damaged: its value is not what was put");
            return Err(Problem::Damaged(
                "it is not what was put; put it again, or delete it".into(),
            ));
        }
        Ok(object)
    }

    pub(crate) async fn describe(&self, key: &str) -> Result<Option<Described>, Problem> {
        let key = key.to_owned();
        self.0.read(move |file| file.describe(&key), |_| 0).await
    }

    /// At most so many objects whose keys begin with a prefix and come after a key.
    pub(crate) async fn page(
        &self,
        prefix: &str,
        after: &str,
        most: usize,
    ) -> Result<Vec<Described>, Problem> {
        let (prefix, after) = (prefix.to_owned(), after.to_owned());
        let list = move |file: &ObjectStoreFile| file.list(&prefix, &after, most);
        self.0.read(list, |_| 0).await
    }

    /// Changes an object, when that is to be done.
    pub(crate) async fn write(&self, write: Write) -> Result<Written, Problem> {
        let size = write.value.as_ref().map_or(0, Bytes::len) as u64;
        if size > OBJECT_BYTES {
            let limit = OBJECT_BYTES;
            return Err(Problem::TooLarge { size, limit });
        }
        self.0.write(write).await
    }
}

impl ObjectStore for EmbeddedObjects {
    fn url(&self) -> String {
        match &self.0.place {
            Some(place) => format!("the store in {}", place.dir.display()),
            None => "memory:".to_owned(),
        }
    }

    fn get<'a>(&'a self, key: &'a str) -> ObjectFuture<'a, Bytes> {
        Box::pin(async move {
            let object = self.object(key).await?;
            object.map(|object| object.value).ok_or(Problem::NotFound)
        })
    }

    fn put<'a>(&'a self, key: &'a str, value: Bytes) -> ObjectFuture<'a, ()> {
        let put = Write {
            key: key.to_owned(),
            value: Some(value),
            only: Only::Always,
        };
        Box::pin(async move { self.write(put).await.map(drop) })
    }

    fn delete<'a>(&'a self, key: &'a str) -> ObjectFuture<'a, ()> {
        let delete = Write {
            key: key.to_owned(),
            value: None,
            only: Only::Always,
        };
        Box::pin(async move { self.write(delete).await.map(drop) })
    }

    fn list<'a>(&'a self, prefix: &'a str) -> ObjectFuture<'a, Vec<ObjectInfo>> {
        Box::pin(async move {
            let mut listed: Vec<ObjectInfo> = Vec::new();
            loop {
                let after = listed.last().map_or("", |last| &last.key);
                let page = self.page(prefix, after, PAGE).await?;
                let is_last = page.len() < PAGE;
                listed.extend(page.into_iter().map(|object| object.info));
                if is_last {
                    return Ok(listed);
                }
            }
        })
    }

    fn size<'a>(&'a self, key: &'a str) -> ObjectFuture<'a, Option<u64>> {
        Box::pin(async move {
            let described = self.describe(key).await?;
            Ok(described.map(|described| described.info.size))
        })
    }
}

#[cfg(test)]
mod tests {
    use simpleflow_objects::Objects;

    use super::*;

    fn place(dir: &tempfile::TempDir) -> Location {
        Location {
            dir: dir.path().to_owned(),
            relaxed: true,
        }
    }

    fn open(place: &Location) -> Objects {
        let shelf = Shelf::new(Some(place.clone()), Clock::Machine);
        Objects::new(EmbeddedObjects::new(Arc::new(shelf)))
    }

    fn file(place: &Location) -> rusqlite::Connection {
        rusqlite::Connection::open(place.dir.join("objects.sqlite3")).unwrap()
    }

    #[tokio::test]
    async fn a_damaged_object_is_nobody_elses_problem() {
        let dir = tempfile::tempdir().unwrap();
        let place = place(&dir);
        let objects = open(&place);
        for key in ["bad", "good"] {
            objects.put(key, "good").await.unwrap();
        }
        let damage = "UPDATE objects SET value = CAST('evil' AS BLOB) WHERE key = 'bad'";
        file(&place).execute(damage, ()).unwrap();
        // All are asked before anything is answered.
        let (requests, asked) = channel();
        let shelf = Arc::new(Shelf {
            place: Some(place.clone()),
            clock: Clock::Machine,
            thread: Mutex::new(Thread::Running(requests, thread::spawn(|| {}))),
        });
        let objects = Objects::new(EmbeddedObjects::new(Arc::clone(&shelf)));
        let answers = async {
            tokio::join!(
                objects.put("new", "1"),
                objects.get("bad"),
                objects.get("good"),
                objects.put("newer", "1"),
            )
        };
        let answer = async {
            shelf.close();
            serve(Some(&place), &Clock::Machine, &asked);
        };
        let ((new, bad, good, newer), ()) = tokio::join!(biased; answers, answer);
        assert_eq!((new, newer), (Ok(()), Ok(())));
        assert_eq!(good.unwrap(), "good");
        let bad = bad.unwrap_err();
        assert!(bad.is_damaged() && !bad.is_retryable(), "{bad}");
        // Nothing of the machine that has it is told.
        assert!(matches!(&bad.problem, Problem::Damaged(why) if !why.contains('/')));
    }

    #[tokio::test]
    async fn a_file_of_the_first_version_is_taken_over() {
        let dir = tempfile::tempdir().unwrap();
        let place = place(&dir);
        let first = "
            CREATE TABLE objects (
                object INTEGER PRIMARY KEY,
                key TEXT NOT NULL UNIQUE,
                value BLOB NOT NULL,
                crc32 INTEGER NOT NULL
            ) STRICT;
            INSERT INTO objects (key, value, crc32) VALUES ('a', CAST('old' AS BLOB), ?);
            PRAGMA user_version = 1;";
        let first = first.replace('?', &crc32fast::hash(b"old").to_string());
        file(&place).execute_batch(&first).unwrap();
        let objects = open(&place);
        assert_eq!(objects.get("a").await.unwrap(), "old");
        objects.put("b", "new").await.unwrap();
        let listed = objects.list("").await.unwrap();
        assert_eq!(listed.len(), 2);
        // What is older than it says would be removed too early.
        assert!(listed.iter().all(|object| object.modified.is_some()));
    }

    #[tokio::test]
    async fn a_mark_is_that_of_one_value_alone() {
        let shelf = Shelf::new(None, Clock::Machine);
        let objects = EmbeddedObjects::new(Arc::new(shelf));
        let write = async |value: Option<&'static str>, only| {
            let value = value.map(Bytes::from);
            let key = "a".to_owned();
            objects.write(Write { key, value, only }).await.unwrap()
        };
        let put = async || match write(Some("same"), Only::Always).await {
            Written::Done(Some(etag)) => etag,
            other => panic!("{other:?}"),
        };
        let first = put().await;
        let second = put().await;
        assert_ne!(first, second);
        let late = write(Some("late"), Only::If(first)).await;
        assert_eq!(late, Written::Another);
        let deleted = write(None, Only::If(second.clone())).await;
        assert_eq!(deleted, Written::Done(None));
        assert_ne!(put().await, second);
    }

    #[tokio::test]
    async fn a_listing_goes_on_where_it_was() {
        let objects = EmbeddedObjects::new(Arc::new(Shelf::new(None, Clock::Machine)));
        for key in ["a", "b/1", "b/2", "b/3", "c"] {
            objects.put(key, "1".into()).await.unwrap();
        }
        let page = async |prefix, after, most| {
            let page = objects.page(prefix, after, most).await.unwrap();
            page.into_iter().map(|it| it.info.key).collect::<Vec<_>>()
        };
        assert_eq!(page("b/", "", 2).await, ["b/1", "b/2"]);
        assert_eq!(page("b/", "b/2", 2).await, ["b/3"]);
        assert_eq!(page("b/", "b/3", 2).await, [""; 0]);
        assert_eq!(page("b/", "a", 1).await, ["b/1"]);
        assert_eq!(page("b/", "c", 1).await, [""; 0]);
        assert_eq!(page("", "b/2", 9).await, ["b/3", "c"]);
    }
}
