//! Binaries that activities need: downloaded once to a directory, whoever needs them.
//!
//! Names and places are those of the Python original: `<directory>/<name>-<MD5 of the
//! location>/<name>`.

use std::fmt;
use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use md5::{Digest as _, Md5};
use simpleflow_core::objects::{ObjectError, Objects, Place};

/// A binary: the name that it is called by, and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binary {
    name: String,
    location: String,
    /// The place without a prefix, and the key there.
    place: Place,
    key: String,
}

/// Why a binary cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BinaryError {
    /// Its name or its location cannot be one.
    #[error("binary {name:?} from {location:?}: {problem}")]
    Invalid {
        /// The name.
        name: String,
        /// The location.
        location: String,
        /// What is wrong.
        problem: String,
    },
    /// It cannot be downloaded.
    #[error("binary {name}: {source}")]
    Download {
        /// The name.
        name: String,
        /// Why.
        source: ObjectError,
    },
    /// It cannot be written.
    #[error("binary {name}: cannot write {}: {source}", path.display())]
    Write {
        /// The name.
        name: String,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Binary {
    /// A binary at a location: `s3://BUCKET/KEY`, or `http://HOST:PORT/objects/KEY` of the server in
    /// the box.
    ///
    /// # Errors
    /// The name cannot be that of a file, or the location is another.
    pub fn new(name: &str, location: &str) -> Result<Self, BinaryError> {
        let invalid = |problem: &str| BinaryError::Invalid {
            name: name.to_owned(),
            location: location.to_owned(),
            problem: problem.to_owned(),
        };
        let unfit = |c: char| c == '/' || c == ':' || c.is_control();
        if name.is_empty() || name.starts_with('.') || name.contains(unfit) || name.len() > 200 {
            return Err(invalid(
                "the name must be that of a file, without a dot at its start and without / and :",
            ));
        }
        let nowhere = || {
            invalid(
                "expected s3://BUCKET/KEY, or http://HOST:PORT/objects/KEY of the server in the box",
            )
        };
        let none = String::new();
        let (place, key) = match location.parse().map_err(|_| nowhere())? {
            Place::S3 { bucket, prefix } => {
                let place = Place::S3 {
                    bucket,
                    prefix: none,
                };
                (place, prefix)
            }
            Place::Server { endpoint, prefix } => {
                let place = Place::Server {
                    endpoint,
                    prefix: none,
                };
                (place, prefix)
            }
            Place::Folder(_) => return Err(nowhere()),
        };
        if key.is_empty() {
            return Err(nowhere());
        }
        Ok(Self {
            name: name.to_owned(),
            location: location.to_owned(),
            place,
            key,
        })
    }

    /// The name that it is called by.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it comes from.
    pub fn location(&self) -> &str {
        &self.location
    }
}

/// The directory that binaries are downloaded to, and the way to them. A handle.
#[derive(Clone)]
pub struct Binaries {
    directory: PathBuf,
    open: Arc<dyn Fn(&Place) -> Objects + Send + Sync>,
}

impl Binaries {
    /// Binaries in a directory, from places that `open` opens.
    pub fn new(
        directory: impl Into<PathBuf>,
        open: impl Fn(&Place) -> Objects + Send + Sync + 'static,
    ) -> Self {
        let directory = directory.into();
        Self {
            directory: std::path::absolute(&directory).unwrap_or(directory),
            open: Arc::new(open),
        }
    }

    /// The file that a binary is or will be.
    pub fn path(&self, binary: &Binary) -> PathBuf {
        let sum = Md5::digest(binary.location.as_bytes());
        let sum: String = sum.iter().map(|byte| format!("{byte:02x}")).collect();
        let directory = format!("{}-{sum}", binary.name);
        self.directory.join(directory).join(&binary.name)
    }

    /// Downloads a binary unless it is there, and gives its file. Whoever needs it meanwhile, also in
    /// another process, waits.
    ///
    /// # Errors
    /// It cannot be downloaded or written. There is no file then.
    pub async fn fetch(&self, binary: &Binary) -> Result<PathBuf, BinaryError> {
        let path = self.path(binary);
        if is_executable(&path) {
            return Ok(path);
        }
        let failed = |source| BinaryError::Write {
            name: binary.name.clone(),
            path: path.clone(),
            source,
        };
        let beside = |end: &str| path.with_file_name(format!(".{}.{end}", binary.name));
        let lock = beside("lock");
        let locked = tokio::task::spawn_blocking(move || locked(&lock));
        let _lock = locked
            .await
            .map_err(io::Error::other)
            .and_then(|locked| locked)
            .map_err(failed)?;
        if is_executable(&path) {
            return Ok(path);
        }
        tracing::info!(
            location = binary.location,
            path = %path.display(),
            "downloads a binary"
        );
        let part = beside("part");
        let downloaded = self.download(binary, &part, &path).await;
        if downloaded.is_err() {
            // It may not even be there.
            let _ = fs::remove_file(&part);
        }
        downloaded.map(|()| path)
    }

    async fn download(&self, binary: &Binary, part: &Path, path: &Path) -> Result<(), BinaryError> {
        let failed = |source| BinaryError::Write {
            name: binary.name.clone(),
            path: path.to_owned(),
            source,
        };
        let mut file = File::create(part).map_err(failed)?;
        let objects = (self.open)(&binary.place);
        let downloaded = objects.download(&binary.key, &mut file).await;
        downloaded.map_err(|source| BinaryError::Download {
            name: binary.name.clone(),
            source,
        })?;
        file.set_permissions(Permissions::from_mode(0o755))
            .and_then(|()| file.sync_all())
            .map_err(failed)?;
        // Who has it open for writing keeps it from being run.
        drop(file);
        fs::rename(part, path).map_err(failed)
    }
}

impl fmt::Debug for Binaries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Binaries").field(&self.directory).finish()
    }
}

fn is_executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

/// Waits for a lock, which ends with the file.
fn locked(path: &Path) -> io::Result<File> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)?;
    file.lock()?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use simpleflow_core::objects::{Bytes, Memory, ObjectFuture, ObjectInfo, ObjectStore, Problem};

    use super::*;

    /// A place that counts what is read, and cuts off what is called `cut`.
    #[derive(Debug, Default)]
    struct Counted {
        memory: Memory,
        read: AtomicUsize,
    }

    impl ObjectStore for Counted {
        fn url(&self) -> String {
            "s3://tools".into()
        }
        fn get<'a>(&'a self, key: &'a str) -> ObjectFuture<'a, Bytes> {
            self.memory.get(key)
        }
        fn put<'a>(&'a self, key: &'a str, value: Bytes) -> ObjectFuture<'a, ()> {
            self.memory.put(key, value)
        }
        fn delete<'a>(&'a self, key: &'a str) -> ObjectFuture<'a, ()> {
            self.memory.delete(key)
        }
        fn list<'a>(&'a self, prefix: &'a str) -> ObjectFuture<'a, Vec<ObjectInfo>> {
            self.memory.list(prefix)
        }
        fn size<'a>(&'a self, key: &'a str) -> ObjectFuture<'a, Option<u64>> {
            self.memory.size(key)
        }
        fn download<'a>(
            &'a self,
            key: &'a str,
            to: &'a mut (dyn io::Write + Send),
        ) -> ObjectFuture<'a, u64> {
            Box::pin(async move {
                self.read.fetch_add(1, Ordering::SeqCst);
                let value = self.memory.get(key).await?;
                to.write_all(&value).map_err(Problem::writing)?;
                match key {
                    "cut" => Err(Problem::Unavailable("cut off".into())),
                    _ => Ok(value.len() as u64),
                }
            })
        }
    }

    fn binary(key: &str) -> Binary {
        Binary::new("tool", &format!("s3://tools/{key}")).unwrap()
    }

    #[tokio::test]
    async fn a_binary_is_downloaded_once_however_many_need_it() {
        let directory = tempfile::tempdir().unwrap();
        let store = Arc::new(Counted::default());
        store.put("v1/tool", "#!/bin/sh".into()).await.unwrap();
        let opened = Objects::of(store.clone());
        let binaries = Binaries::new(directory.path(), move |_| opened.clone());
        let binary = binary("v1/tool");
        let (path, again) = tokio::join!(binaries.fetch(&binary), binaries.fetch(&binary));
        let path = path.unwrap();
        assert_eq!(again.unwrap(), path);
        assert_eq!(store.read.load(Ordering::SeqCst), 1);
        assert_eq!(fs::read_to_string(&path).unwrap(), "#!/bin/sh");
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o755
        );
        // The original's name of it.
        let expected = "tool-b55b58992a83838ca6e22b4b34d01e40/tool";
        let found = path.strip_prefix(directory.path()).unwrap();
        assert_eq!(found.to_str(), Some(expected));
    }

    #[tokio::test]
    async fn a_download_that_fails_leaves_no_binary() {
        let directory = tempfile::tempdir().unwrap();
        let store = Arc::new(Counted::default());
        store.put("cut", "half".into()).await.unwrap();
        let opened = Objects::of(store);
        let binaries = Binaries::new(directory.path(), move |_| opened.clone());
        for (key, problem) in [("cut", "cut off"), ("none", "there is none")] {
            let error = binaries.fetch(&binary(key)).await.unwrap_err();
            assert!(error.to_string().ends_with(problem), "{error}");
            let path = binaries.path(&binary(key));
            let left: Vec<_> = fs::read_dir(path.parent().unwrap()).unwrap().collect();
            assert_eq!(left.len(), 1, "only the lock is left");
        }
    }

    #[test]
    fn a_binary_has_the_name_of_a_file_and_a_location() {
        for (name, location) in [
            ("", "s3://b/k"),
            ("../tool", "s3://b/k"),
            (".hidden", "s3://b/k"),
            ("a:b", "s3://b/k"),
            ("tool", "s3://bucket"),
            ("tool", "/usr/bin/tool"),
            ("tool", "ftp://b/k"),
        ] {
            let error = Binary::new(name, location).unwrap_err();
            assert!(error.to_string().starts_with("binary "), "{error}");
        }
    }
}
