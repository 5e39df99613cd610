//! The handle that programs use.

use std::fmt;
use std::io::Write;
use std::sync::Arc;

use bytes::Bytes;

use crate::nowhere::Nowhere;
use crate::{Blocking, Memory, ObjectError, ObjectInfo, ObjectStore, Problem, key};

/// Objects of one place, whichever it is. A handle: clones are the same place.
///
/// A key is text, of 1 to [`KEY_BYTES`](crate::KEY_BYTES) bytes with the prefix of the place and
/// without control characters. A `/` is a character as any other; places that are shown as trees
/// show it as a level.
#[derive(Clone)]
pub struct Objects {
    store: Arc<dyn ObjectStore>,
    /// What the keys begin with at the place: empty, or with a `/` at its end.
    prefix: Arc<str>,
}

impl Objects {
    /// The objects of a place.
    pub fn new(store: impl ObjectStore + 'static) -> Self {
        Self::of(Arc::new(store))
    }

    /// The objects of a place that others have too.
    pub fn of(store: Arc<dyn ObjectStore>) -> Self {
        Self {
            store,
            prefix: "".into(),
        }
    }

    /// Objects in memory.
    pub fn memory() -> Self {
        Self::new(Memory::new())
    }

    /// The handle of whoever was given no place: all that is asked of it fails, with what to do
    /// about it.
    pub fn nowhere(what_to_do: impl Into<String>) -> Self {
        Self::new(Nowhere(what_to_do.into()))
    }

    /// The objects whose keys begin with `prefix` and a `/`, by the rest of their keys. An empty
    /// prefix is none.
    #[must_use]
    pub fn under(&self, prefix: &str) -> Self {
        let prefix = match prefix.trim_matches('/') {
            "" => Arc::clone(&self.prefix),
            prefix => format!("{}{prefix}/", self.prefix).into(),
        };
        Self {
            store: Arc::clone(&self.store),
            prefix,
        }
    }

    /// The URL of the place, with the prefix.
    pub fn url(&self) -> String {
        let (url, prefix) = (self.store.url(), self.prefix.trim_end_matches('/'));
        match prefix {
            "" => url,
            prefix => format!("{url}/{prefix}"),
        }
    }

    /// The same for code that has no `await`: a plain function as an activity.
    pub fn blocking(&self) -> Blocking<'_> {
        Blocking(self)
    }

    /// Reads an object.
    ///
    /// # Errors
    /// [`Problem::NotFound`] if there is none, [`Problem::Damaged`] if it is no longer what was put,
    /// and what goes wrong at the place.
    pub async fn get(&self, key: &str) -> Result<Bytes, ObjectError> {
        let at_place = self.at_place(key)?;
        let answer = self.store.get(&at_place).await;
        answer.map_err(|problem| self.error(key, problem))
    }

    /// Writes an object, in place of one that is there.
    ///
    /// # Errors
    /// What goes wrong at the place. Whether the object is there then is not known.
    pub async fn put(&self, key: &str, value: impl Into<Bytes>) -> Result<(), ObjectError> {
        let at_place = self.at_place(key)?;
        let answer = self.store.put(&at_place, value.into()).await;
        answer.map_err(|problem| self.error(key, problem))
    }

    /// Deletes an object. One that is not there is no error.
    ///
    /// # Errors
    /// What goes wrong at the place.
    pub async fn delete(&self, key: &str) -> Result<(), ObjectError> {
        let at_place = self.at_place(key)?;
        let answer = self.store.delete(&at_place).await;
        answer.map_err(|problem| self.error(key, problem))
    }

    /// How many bytes an object has, if it is there.
    ///
    /// # Errors
    /// What goes wrong at the place.
    pub async fn size(&self, key: &str) -> Result<Option<u64>, ObjectError> {
        let at_place = self.at_place(key)?;
        let answer = self.store.size(&at_place).await;
        answer.map_err(|problem| self.error(key, problem))
    }

    /// Whether an object is there.
    ///
    /// # Errors
    /// What goes wrong at the place.
    pub async fn exists(&self, key: &str) -> Result<bool, ObjectError> {
        Ok(self.size(key).await?.is_some())
    }

    /// Writes an object to `to`, piece by piece if the place can, and says how many bytes that were.
    ///
    /// # Errors
    /// As [`get`](Self::get), and what `to` says. What was written until then means nothing.
    pub async fn download(
        &self,
        key: &str,
        to: &mut (dyn Write + Send),
    ) -> Result<u64, ObjectError> {
        let at_place = self.at_place(key)?;
        let answer = self.store.download(&at_place, to).await;
        answer.map_err(|problem| self.error(key, problem))
    }

    /// The objects whose keys begin with a prefix, in the order of the bytes of their keys: all of
    /// them.
    ///
    /// # Errors
    /// What goes wrong at the place.
    pub async fn list(&self, prefix: &str) -> Result<Vec<ObjectInfo>, ObjectError> {
        let at_place = format!("{}{prefix}", self.prefix);
        let error = |problem| self.error(prefix, problem);
        key::check_prefix(&at_place).map_err(error)?;
        let mut listed = self.store.list(&at_place).await.map_err(error)?;
        for object in &mut listed {
            if let Some(own) = object.key.strip_prefix(&*self.prefix) {
                object.key = own.to_owned();
            }
        }
        Ok(listed)
    }

    /// The key of an object at the place.
    fn at_place(&self, key: &str) -> Result<String, ObjectError> {
        let at_place = format!("{}{key}", self.prefix);
        match key::check_key(&at_place) {
            Ok(()) => Ok(at_place),
            Err(problem) => Err(self.error(key, problem)),
        }
    }

    fn error(&self, key: &str, problem: Problem) -> ObjectError {
        ObjectError {
            place: self.url(),
            key: key.to_owned(),
            problem,
        }
    }
}

impl fmt::Debug for Objects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Objects").field(&self.url()).finish()
    }
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;

    use super::*;

    #[test]
    fn a_prefix_is_a_place_within_a_place() {
        block_on(async {
            let all = Objects::memory();
            let steps = all.under("steps/").under("basic-1");
            steps.put("a", "1").await.unwrap();
            all.put("steps", "2").await.unwrap();
            assert_eq!(all.get("steps/basic-1/a").await.unwrap(), "1");
            assert_eq!(steps.list("").await.unwrap()[0].key, "a");
            assert_eq!(steps.url(), "memory:/steps/basic-1");
            assert_eq!(all.list("").await.unwrap().len(), 2);
            steps.delete("a").await.unwrap();
            assert!(!steps.exists("a").await.unwrap());
        });
    }

    #[test]
    fn an_error_names_the_place_and_the_key() {
        block_on(async {
            let objects = Objects::memory().under("reports");
            let error = objects.get("2026").await.unwrap_err();
            assert!(error.is_not_found() && !error.is_retryable());
            assert_eq!(
                error.to_string(),
                "object \"2026\" in memory:/reports: there is none"
            );
            let error = Objects::nowhere("name one").get("2026").await.unwrap_err();
            assert_eq!(error.problem, Problem::NoPlace("name one".into()));
        });
    }

    #[test]
    fn keys_are_those_that_s3_takes() {
        block_on(async {
            let objects = Objects::memory().under("1234");
            let put = async |key: &str| objects.put(key, "").await;
            assert!(put(&"k".repeat(1_019)).await.is_ok());
            for (key, problem) in [
                ("k".repeat(1_020).as_str(), "1025 bytes"),
                ("a\nb", "the character '\\n'"),
                ("\u{ffff}", "the character"),
            ] {
                let error = put(key).await.unwrap_err();
                assert!(error.to_string().contains(problem), "{error}");
            }
            let error = Objects::memory().get("").await.unwrap_err();
            assert_eq!(error.problem, Problem::Key("is empty".into()));
        });
    }
}
