//! The place that is a folder.

mod names;

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Read as _, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;

use crate::{ObjectFuture, ObjectInfo, ObjectStore, Problem};
use names::{Name, directory_of, path_of, read_name};

/// A folder on this machine, or one that several share: each object is a file.
///
/// `a/b.txt` is the file `a%/b.txt`: folders have a `%` at their end, so that there may be an object
/// `a` too. Characters that file names do not like are escaped as in URLs.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
    known: Arc<Known>,
}

/// What a folder and its clones know of it.
#[derive(Debug, Default)]
struct Known {
    /// Whether what crashes left there was removed.
    swept: OnceLock<()>,
    /// Directories whose entries are on disk. Of one that merely exists that is not known: another put
    /// may have made it just now.
    synced: Mutex<HashSet<PathBuf>>,
}

/// How old a part of an object is that nobody writes any more.
const OLD: Duration = Duration::from_secs(24 * 60 * 60);

/// How many directories are known to be on disk at most; then they are learned anew.
const SYNCED: usize = 10_000;

/// How many bytes of a download are in memory.
const PIECE: u64 = 1 << 20;

impl Folder {
    /// A folder, which is made when something is put there. With the first put what earlier ones left
    /// that were cut off by a crash is removed, when it is a day old.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        Self {
            // The folder stays the same when the program changes its own.
            path: std::path::absolute(&path).unwrap_or(path),
            known: Arc::default(),
        }
    }

    /// Does what blocks on a thread for it, if there is a runtime that has some.
    async fn run<T: Send + 'static>(
        &self,
        run: impl FnOnce(&Path) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let folder = self.path.clone();
        if Handle::try_current().is_err() {
            return run(&folder);
        }
        let ran = spawn_blocking(move || run(&folder)).await;
        ran.unwrap_or_else(|error| Err(Problem::Failed(format!("a thread was lost: {error}"))))
    }
}

impl ObjectStore for Folder {
    fn url(&self) -> String {
        format!("file://{}", self.path.display())
    }

    fn get<'a>(&'a self, key: &'a str) -> ObjectFuture<'a, Bytes> {
        let path = path_of(key);
        Box::pin(self.run(move |folder| {
            let read = fs::read(folder.join(path)).map_err(|error| of_object(&error))?;
            Ok(read.into())
        }))
    }

    fn put<'a>(&'a self, key: &'a str, value: Bytes) -> ObjectFuture<'a, ()> {
        let path = path_of(key);
        let known = Arc::clone(&self.known);
        Box::pin(self.run(move |folder| {
            known.swept.get_or_init(|| sweep(folder));
            let path = folder.join(path);
            known
                .make_directory(folder, path.parent().unwrap_or(folder))
                .and_then(|()| write(folder, &path, &value))
                .map_err(|error| Problem::io(&error))
        }))
    }

    fn delete<'a>(&'a self, key: &'a str) -> ObjectFuture<'a, ()> {
        let path = path_of(key);
        Box::pin(self.run(move |folder| {
            let path = folder.join(path);
            match fs::remove_file(&path).and_then(|()| sync_directory(&path)) {
                Err(error) if of_object(&error) == Problem::NotFound => Ok(()),
                deleted => deleted.map_err(|error| Problem::io(&error)),
            }
        }))
    }

    fn list<'a>(&'a self, prefix: &'a str) -> ObjectFuture<'a, Vec<ObjectInfo>> {
        let prefix = prefix.to_owned();
        Box::pin(self.run(move |folder| {
            // No key that begins with the prefix is elsewhere.
            let within = prefix.rfind('/').map_or("", |end| &prefix[..=end]);
            let mut found = Vec::new();
            collect(
                &folder.join(directory_of(within)),
                within,
                &prefix,
                &mut found,
            )
            .map_err(|error| Problem::io(&error))?;
            found.sort_unstable_by(|a, b| a.key.cmp(&b.key));
            Ok(found)
        }))
    }

    fn size<'a>(&'a self, key: &'a str) -> ObjectFuture<'a, Option<u64>> {
        let path = path_of(key);
        Box::pin(
            self.run(move |folder| match fs::metadata(folder.join(path)) {
                Ok(metadata) => Ok(metadata.is_file().then_some(metadata.len())),
                Err(error) => match of_object(&error) {
                    Problem::NotFound => Ok(None),
                    problem => Err(problem),
                },
            }),
        )
    }

    fn download<'a>(
        &'a self,
        key: &'a str,
        to: &'a mut (dyn Write + Send),
    ) -> ObjectFuture<'a, u64> {
        let path = path_of(key);
        Box::pin(async move {
            let open = move |folder: &Path| {
                File::open(folder.join(path)).map_err(|error| of_object(&error))
            };
            let mut file = self.run(open).await?;
            let mut written = 0;
            loop {
                let read = move |_: &Path| {
                    let mut piece = Vec::new();
                    let read = (&file).take(PIECE).read_to_end(&mut piece);
                    read.map_err(|error| Problem::io(&error))?;
                    Ok((file, piece))
                };
                let piece;
                (file, piece) = self.run(read).await?;
                if piece.is_empty() {
                    return Ok(written);
                }
                to.write_all(&piece).map_err(Problem::writing)?;
                written += piece.len() as u64;
            }
        })
    }
}

/// What the file system says of an object's file.
fn of_object(error: &io::Error) -> Problem {
    match error.kind() {
        // A file stands where a folder would, or somebody's folder where a file would.
        io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory => Problem::NotFound,
        _ => Problem::io(error),
    }
}

/// Writes a file whole or not at all.
fn write(folder: &Path, path: &Path, value: &[u8]) -> io::Result<()> {
    let part = folder.join(names::new_part());
    let written = File::create_new(&part)
        .and_then(|mut file| {
            file.write_all(value)?;
            file.sync_all()
        })
        .and_then(|()| fs::rename(&part, path))
        .and_then(|()| sync_directory(path));
    if written.is_err() {
        // It may not even be there.
        let _ = fs::remove_file(&part);
    }
    written
}

impl Known {
    /// Makes a directory of a folder. When it returns its entry is on disk, and those of the directories
    /// that it is in.
    fn make_directory(&self, folder: &Path, directory: &Path) -> io::Result<()> {
        let lock = || self.synced.lock().unwrap_or_else(PoisonError::into_inner);
        let mut unsynced = Vec::new();
        for level in directory.ancestors() {
            if !level.is_dir() {
                // Whatever was known of it is over.
                lock().remove(level);
            } else if !level.starts_with(folder) {
                // Somebody else's, who had it on disk.
                break;
            }
            if !lock().contains(level) {
                unsynced.push(level);
            }
        }
        if unsynced.is_empty() {
            return Ok(());
        }
        fs::create_dir_all(directory)?;
        unsynced
            .iter()
            .try_for_each(|level| sync_directory(level))?;
        let mut synced = lock();
        if synced.len() >= SYNCED {
            synced.clear();
        }
        synced.extend(unsynced.into_iter().map(Path::to_owned));
        Ok(())
    }
}

/// Removes parts of objects that are old: another process may be writing the others.
fn sweep(folder: &Path) {
    let is_old = |part: &fs::DirEntry| {
        let written = part.metadata().and_then(|metadata| metadata.modified());
        written.is_ok_and(|written| written.elapsed().is_ok_and(|age| age > OLD))
    };
    // What cannot be removed is in nobody's way; a folder that is not there has none.
    for part in fs::read_dir(folder).into_iter().flatten().flatten() {
        if names::is_part(&part.file_name()) && is_old(&part) {
            let _ = fs::remove_file(part.path());
        }
    }
}

/// Has the entry of a file on disk.
fn sync_directory(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(directory) => File::open(directory)?.sync_all(),
        None => Ok(()),
    }
}

/// The objects below a directory whose keys begin with `wanted`. All that are there begin with `prefix`.
fn collect(
    directory: &Path,
    prefix: &str,
    wanted: &str,
    found: &mut Vec<ObjectInfo>,
) -> io::Result<()> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if of_object(&error) == Problem::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        match entry.file_name().to_str().and_then(read_name) {
            Some(Name::Directory(part)) => {
                let within = format!("{prefix}{part}");
                if within.starts_with(wanted) || wanted.starts_with(&within) {
                    collect(&entry.path(), &within, wanted, found)?;
                }
            }
            Some(Name::Object(last)) => {
                let key = format!("{prefix}{last}");
                if !key.starts_with(wanted) {
                    continue;
                }
                match fs::metadata(entry.path()) {
                    Ok(metadata) if metadata.is_file() => found.push(ObjectInfo {
                        key,
                        size: metadata.len(),
                        modified: metadata.modified().ok(),
                    }),
                    // Somebody else's directory.
                    Ok(_) => {}
                    // It was deleted just now.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => return Err(error),
                }
            }
            // Somebody else's, or the part of an object.
            None => {}
        }
    }
    Ok(())
}
