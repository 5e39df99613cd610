//! Objects for code that has no `await`.

use std::io::Write;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake};
use std::thread::{self, Thread};

use bytes::Bytes;

use crate::{ObjectError, ObjectInfo, Objects};

/// [`Objects`] for code that may block and has no `await`, as an activity that is a plain function.
/// Each method is that of the same name there.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Blocking<'a>(pub(crate) &'a Objects);

impl Blocking<'_> {
    /// Reads an object.
    ///
    /// # Errors
    /// As [`Objects::get`].
    pub fn get(self, key: &str) -> Result<Bytes, ObjectError> {
        wait(self.0.get(key))
    }

    /// Writes an object.
    ///
    /// # Errors
    /// As [`Objects::put`].
    pub fn put(self, key: &str, value: impl Into<Bytes>) -> Result<(), ObjectError> {
        wait(self.0.put(key, value))
    }

    /// Deletes an object.
    ///
    /// # Errors
    /// As [`Objects::delete`].
    pub fn delete(self, key: &str) -> Result<(), ObjectError> {
        wait(self.0.delete(key))
    }

    /// How many bytes an object has, if it is there.
    ///
    /// # Errors
    /// As [`Objects::size`].
    pub fn size(self, key: &str) -> Result<Option<u64>, ObjectError> {
        wait(self.0.size(key))
    }

    /// Whether an object is there.
    ///
    /// # Errors
    /// As [`Objects::exists`].
    pub fn exists(self, key: &str) -> Result<bool, ObjectError> {
        wait(self.0.exists(key))
    }

    /// Writes an object to `to`.
    ///
    /// # Errors
    /// As [`Objects::download`].
    pub fn download(self, key: &str, to: &mut (dyn Write + Send)) -> Result<u64, ObjectError> {
        wait(self.0.download(key, to))
    }

    /// The objects whose keys begin with a prefix.
    ///
    /// # Errors
    /// As [`Objects::list`].
    pub fn list(self, prefix: &str) -> Result<Vec<ObjectInfo>, ObjectError> {
        wait(self.0.list(prefix))
    }
}

/// Wakes a thread that is parked.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Blocks this thread until a future is done.
fn wait<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let waker = Arc::new(Unpark(thread::current())).into();
    let mut context = Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(done) => return done,
            Poll::Pending => thread::park(),
        }
    }
}
