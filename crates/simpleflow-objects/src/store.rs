//! What a place has to do.

use std::fmt;
use std::io::Write;
use std::pin::Pin;
use std::time::SystemTime;

use bytes::Bytes;

use crate::Problem;

/// What a place answers, in time.
pub type ObjectFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, Problem>> + Send + 'a>>;

/// An object of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectInfo {
    /// Its key.
    pub key: String,
    /// How many bytes it has.
    pub size: u64,
    /// When it was put, by the clock of the place; none where that is not kept.
    pub modified: Option<SystemTime>,
}

/// A place for objects. Programs use it through [`Objects`](crate::Objects), which checks the keys:
/// an implementation gets those that S3 takes.
///
/// Whoever reads an object gets all of it as it was put, or what was there before, never a part. An
/// object that was put is there when the answer comes, also after a crash, unless the place is in
/// memory.
pub trait ObjectStore: fmt::Debug + Send + Sync {
    /// The URL of the place, for people, and for other processes if they can reach it.
    fn url(&self) -> String;

    /// Reads an object; [`Problem::NotFound`] if there is none, [`Problem::Damaged`] if it is known
    /// not to be what was put.
    fn get<'a>(&'a self, key: &'a str) -> ObjectFuture<'a, Bytes>;

    /// Writes an object, in place of one that is there.
    fn put<'a>(&'a self, key: &'a str, value: Bytes) -> ObjectFuture<'a, ()>;

    /// Deletes an object. One that is not there is no problem.
    fn delete<'a>(&'a self, key: &'a str) -> ObjectFuture<'a, ()>;

    /// The objects whose keys begin with a prefix, in the order of the bytes of their keys.
    fn list<'a>(&'a self, prefix: &'a str) -> ObjectFuture<'a, Vec<ObjectInfo>>;

    /// How many bytes an object has, if it is there.
    fn size<'a>(&'a self, key: &'a str) -> ObjectFuture<'a, Option<u64>>;

    /// Writes an object to `to`, and says how many bytes that were. A place that can does it piece by
    /// piece. After an error, what was written until then means nothing.
    fn download<'a>(
        &'a self,
        key: &'a str,
        to: &'a mut (dyn Write + Send),
    ) -> ObjectFuture<'a, u64> {
        Box::pin(async move {
            let value = self.get(key).await?;
            to.write_all(&value).map_err(Problem::writing)?;
            Ok(value.len() as u64)
        })
    }
}
