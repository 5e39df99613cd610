//! Objects: values that are too long for histories or outlive them, kept beside the engines.
//!
//! A thread of its own reads and writes them, from the first time on that somebody asks. All that is
//! asked meanwhile is one transaction.

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

/// How many bytes are written in one transaction at most, unless one object has more.
const BATCH_BYTES: usize = 32 << 20;

/// How many things are done in one transaction at most.
const BATCH: usize = 256;

/// How many objects are read of a listing at a time.
const PAGE: usize = 1_000;

/// What is asked.
#[derive(Debug)]
enum Ask {
    Get(String),
    Put(String, Bytes),
    Delete(String),
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
    reply: oneshot::Sender<Result<Answer, Problem>>,
}

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
    let mut file = None;
    while let Ok(first) = asked.recv() {
        let mut bytes = weight(&first);
        let mut batch = vec![first];
        while batch.len() < BATCH
            && bytes < BATCH_BYTES
            && let Ok(next) = asked.try_recv()
        {
            bytes += weight(&next);
            batch.push(next);
        }
        let (asks, replies): (Vec<_>, Vec<_>) = batch
            .into_iter()
            .map(|request| (request.ask, request.reply))
            .unzip();
        match carry_out(place, &mut file, &asks) {
            Ok(answers) => {
                for (reply, answer) in replies.into_iter().zip(answers) {
                    // Who asked may have gone.
                    let _ = reply.send(Ok(answer));
                }
            }
            Err(error) => {
                tracing::error!(%error, "objects cannot be read or written");
                // Whether the file system took it is not known: the file is opened again, unless
                // its end is that of the objects.
                if place.is_some() {
                    file = None;
                }
                for reply in replies {
                    let _ = reply.send(Err(Problem::Failed(error.to_string())));
                }
            }
        }
    }
}

/// How many bytes a request has.
fn weight(request: &Request) -> usize {
    match &request.ask {
        Ask::Put(_, value) => value.len(),
        _ => 0,
    }
}

fn carry_out(
    place: Option<&Place>,
    file: &mut Option<ObjectStoreFile>,
    asks: &[Ask],
) -> Result<Vec<Answer>, StoreError> {
    let file = match file {
        Some(file) => file,
        None => file.insert(ObjectStoreFile::open(place)?),
    };
    file.transaction(|file| {
        let answers = asks.iter().map(|ask| {
            Ok(match ask {
                Ask::Get(key) => Answer::Object(file.get(key)?.map(|stored| Object {
                    etag: format!("\"{:08x}-{}\"", stored.crc32, stored.value.len()),
                    value: stored.value,
                })),
                Ask::Put(key, value) => {
                    file.put(key, value)?;
                    Answer::Done
                }
                Ask::Delete(key) => {
                    file.delete(key)?;
                    Answer::Done
                }
                Ask::Size(key) => Answer::Size(file.size(key)?),
                Ask::List(prefix, after, most) => Answer::Listed(file.list(prefix, after, *most)?),
            })
        });
        answers.collect()
    })
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
        match self.0.ask(Ask::Get(key.to_owned())).await? {
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
        let list = Ask::List(prefix.to_owned(), after.to_owned(), most);
        match self.0.ask(list).await? {
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
            self.0.ask(Ask::Put(key.to_owned(), value)).await.map(drop)
        })
    }

    fn delete<'a>(&'a self, key: &'a str) -> ObjectFuture<'a, ()> {
        Box::pin(async move { self.0.ask(Ask::Delete(key.to_owned())).await.map(drop) })
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
            match self.0.ask(Ask::Size(key.to_owned())).await? {
                Answer::Size(size) => Ok(size),
                other => Err(unexpected(&other)),
            }
        })
    }
}
