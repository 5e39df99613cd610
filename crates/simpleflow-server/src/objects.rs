//! Objects: values that are too long for histories or outlive them, kept beside the engines.
//!
//! A thread of its own reads and writes them, from the first time on that somebody asks. What is to be
//! written meanwhile is one transaction; what is read is answered one by one, and before it.

pub(crate) mod wire;

use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use simpleflow_objects::{Bytes, ObjectFuture, ObjectInfo, ObjectStore, Problem};
use tokio::sync::oneshot;

use crate::store::{ObjectStoreFile, Place, StoreError};

/// How many bytes an object may have. It is in memory as a whole while it is written or read.
pub const OBJECT_BYTES: u64 = 64 << 20;

/// How many bytes are read and written until a transaction ends, unless one object has more.
const BATCH_BYTES: usize = 32 << 20;

/// How many things are done until a transaction ends at most.
const BATCH: usize = 256;

/// How many objects are read of a listing at a time.
const PAGE: usize = 1_000;

/// What is asked.
#[derive(Debug)]
enum Ask {
    Read(Read),
    Write(Write),
}

#[derive(Debug)]
enum Write {
    Put(String, Bytes),
    Delete(String),
}

#[derive(Debug)]
enum Read {
    Get(String),
    Size(String),
    /// At most so many objects that begin with the first text and come after the second.
    List(String, String, usize),
}

/// What is answered.
#[derive(Debug)]
enum Answer {
    Done,
    Object(Option<Object>),
    Size(Option<u64>),
    Listed(Vec<ObjectInfo>),
}

/// An object, and a mark that another value of the same key does not have.
#[derive(Debug)]
pub(crate) struct Object {
    pub value: Bytes,
    pub etag: String,
}

struct Request {
    ask: Ask,
    reply: Reply,
}

type Reply = oneshot::Sender<Result<Answer, Problem>>;

/// Where the objects are kept.
#[derive(Debug)]
pub(crate) struct Shelf {
    /// Nothing means memory.
    place: Option<Place>,
    thread: Mutex<Thread>,
}

#[derive(Debug)]
enum Thread {
    NotStarted,
    Running(Sender<Request>, JoinHandle<()>),
    Closed,
}

impl Shelf {
    pub(crate) fn new(place: Option<Place>) -> Self {
        Self {
            place,
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

    async fn ask(&self, ask: Ask) -> Result<Answer, Problem> {
        let (reply, answer) = oneshot::channel();
        self.send(Request { ask, reply })?;
        // Somebody panicked, or the end came first.
        answer.await.unwrap_or_else(|_| Err(ended()))
    }

    fn send(&self, request: Request) -> Result<(), Problem> {
        let mut thread = self.lock();
        if matches!(*thread, Thread::NotStarted) {
            *thread = self.start().map_err(|error| Problem::io(&error))?;
        }
        match &*thread {
            Thread::Running(requests, _) => requests.send(request).map_err(|_| ended()),
            Thread::NotStarted | Thread::Closed => Err(ended()),
        }
    }

    fn start(&self) -> io::Result<Thread> {
        let (requests, asked) = channel();
        let place = self.place.clone();
        let thread = thread::Builder::new()
            .name("objects".into())
            .spawn(move || serve(place.as_ref(), &asked))?;
        Ok(Thread::Running(requests, thread))
    }
}

fn ended() -> Problem {
    Problem::Unavailable("the server has ended".into())
}

/// Does what is asked, until nobody can ask any more.
fn serve(place: Option<&Place>, asked: &Receiver<Request>) {
    let mut shelf = OpenShelf { place, file: None };
    while let Ok(first) = asked.recv() {
        let mut bytes = 0;
        let mut writes = Vec::new();
        let next = std::iter::from_fn(|| asked.try_recv().ok());
        for Request { ask, reply } in std::iter::once(first).chain(next).take(BATCH) {
            match ask {
                // All of a batch are asked at once: what is read may be what was there before.
                Ask::Read(read) => bytes += shelf.read(&read, reply),
                Ask::Write(write) => {
                    bytes += write.bytes();
                    writes.push((write, reply));
                }
            }
            if bytes >= BATCH_BYTES {
                break;
            }
        }
        shelf.write(writes);
    }
}

impl Write {
    /// How many bytes it has.
    fn bytes(&self) -> usize {
        match self {
            Self::Put(_, value) => value.len(),
            Self::Delete(_) => 0,
        }
    }
}

/// What the thread has.
struct OpenShelf<'a> {
    place: Option<&'a Place>,
    file: Option<ObjectStoreFile>,
}

impl OpenShelf<'_> {
    /// Reads something, and answers at once: what is read of many must not be in memory together.
    /// Says how many bytes that were.
    fn read(&mut self, read: &Read, reply: Reply) -> usize {
        // Who asked may have gone.
        if reply.is_closed() {
            return 0;
        }
        let answer = self.with_file(|file| read.of(file));
        let bytes = match &answer {
            Ok(Answer::Object(Some(object))) => object.value.len(),
            _ => 0,
        };
        let _ = reply.send(answer);
        bytes
    }

    /// Writes all of it in one transaction, and answers.
    fn write(&mut self, writes: Vec<(Write, Reply)>) {
        if writes.is_empty() {
            return;
        }
        let written = self.with_file(|file| {
            file.transaction(|file| {
                writes.iter().try_for_each(|(write, _)| match write {
                    Write::Put(key, value) => file.put(key, value),
                    Write::Delete(key) => file.delete(key),
                })
            })
        });
        for (_, reply) in writes {
            // Who asked may have gone.
            let _ = reply.send(written.clone().map(|()| Answer::Done));
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
            // end is that of the objects, or but one of them is damaged.
            if self.place.is_some() && !matches!(error, StoreError::Damaged { .. }) {
                self.file = None;
            }
            Problem::Failed(error.to_string())
        })
    }
}

impl Read {
    fn of(&self, file: &ObjectStoreFile) -> Result<Answer, StoreError> {
        Ok(match self {
            Self::Get(key) => Answer::Object(file.get(key)?.map(|stored| Object {
                etag: format!("\"{:08x}-{}\"", stored.crc32, stored.value.len()),
                value: stored.value,
            })),
            Self::Size(key) => Answer::Size(file.size(key)?),
            Self::List(prefix, after, most) => Answer::Listed(file.list(prefix, after, *most)?),
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

    pub(crate) async fn object(&self, key: &str) -> Result<Option<Object>, Problem> {
        match self.0.ask(Ask::Read(Read::Get(key.to_owned()))).await? {
            Answer::Object(object) => Ok(object),
            other => Err(unexpected(&other)),
        }
    }

    /// At most so many objects whose keys begin with a prefix and come after a key.
    pub(crate) async fn page(
        &self,
        prefix: &str,
        after: &str,
        most: usize,
    ) -> Result<Vec<ObjectInfo>, Problem> {
        let list = Read::List(prefix.to_owned(), after.to_owned(), most);
        match self.0.ask(Ask::Read(list)).await? {
            Answer::Listed(objects) => Ok(objects),
            other => Err(unexpected(&other)),
        }
    }
}

fn unexpected(answer: &Answer) -> Problem {
    Problem::Failed(format!("the answer is not to what was asked: {answer:?}"))
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
        Box::pin(async move {
            let size = value.len() as u64;
            if size > OBJECT_BYTES {
                let limit = OBJECT_BYTES;
                return Err(Problem::TooLarge { size, limit });
            }
            let put = Write::Put(key.to_owned(), value);
            self.0.ask(Ask::Write(put)).await.map(drop)
        })
    }

    fn delete<'a>(&'a self, key: &'a str) -> ObjectFuture<'a, ()> {
        let delete = Write::Delete(key.to_owned());
        Box::pin(async move { self.0.ask(Ask::Write(delete)).await.map(drop) })
    }

    fn list<'a>(&'a self, prefix: &'a str) -> ObjectFuture<'a, Vec<ObjectInfo>> {
        Box::pin(async move {
            let mut listed: Vec<ObjectInfo> = Vec::new();
            loop {
                let after = listed.last().map_or("", |last| &last.key);
                let page = self.page(prefix, after, PAGE).await?;
                let is_last = page.len() < PAGE;
                listed.extend(page);
                if is_last {
                    return Ok(listed);
                }
            }
        })
    }

    fn size<'a>(&'a self, key: &'a str) -> ObjectFuture<'a, Option<u64>> {
        Box::pin(async move {
            match self.0.ask(Ask::Read(Read::Size(key.to_owned()))).await? {
                Answer::Size(size) => Ok(size),
                other => Err(unexpected(&other)),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is answered to requests that wait together.
    fn answers(place: &Place, asks: impl IntoIterator<Item = Ask>) -> Vec<Result<Answer, Problem>> {
        let (requests, asked) = channel();
        let ask = |ask| {
            let (reply, answer) = oneshot::channel();
            requests.send(Request { ask, reply }).unwrap();
            answer
        };
        let answers: Vec<_> = asks.into_iter().map(ask).collect();
        drop(requests);
        serve(Some(place), &asked);
        let answer = |answer: oneshot::Receiver<_>| answer.blocking_recv().unwrap();
        answers.into_iter().map(answer).collect()
    }

    fn put(key: &str) -> Ask {
        Ask::Write(Write::Put(key.into(), "good".into()))
    }

    fn get(key: &str) -> Ask {
        Ask::Read(Read::Get(key.into()))
    }

    #[test]
    fn a_damaged_object_is_nobody_elses_problem() {
        let dir = tempfile::tempdir().unwrap();
        let place = Place {
            dir: dir.path().to_owned(),
            relaxed: true,
        };
        answers(&place, [put("bad"), put("good")]);
        let file = rusqlite::Connection::open(dir.path().join("objects.sqlite3")).unwrap();
        let damage = "UPDATE objects SET value = CAST('evil' AS BLOB) WHERE key = 'bad'";
        file.execute(damage, ()).unwrap();
        drop(file);
        let answers = answers(&place, [put("new"), get("bad"), get("good"), put("newer")]);
        assert!(matches!(&answers[0], Ok(Answer::Done)));
        let Err(Problem::Failed(damaged)) = &answers[1] else {
            panic!("{answers:?}");
        };
        assert!(damaged.contains("object \"bad\" is not what was written"));
        let Ok(Answer::Object(Some(object))) = &answers[2] else {
            panic!("{answers:?}");
        };
        assert_eq!(object.value, "good");
        assert!(matches!(&answers[3], Ok(Answer::Done)));
    }
}
