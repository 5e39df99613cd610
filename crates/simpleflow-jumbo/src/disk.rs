//! Values that were read or written a while ago, in files: for all processes of a machine.
//!
//! The files are the index. The time of an entry's last change is when it was used last. How many
//! bytes there are in all is kept in a file of its own, under a lock; when they are too many, the
//! directory is read and what was used longest ago is removed, a tenth of the limit at a time, so
//! that what an eviction costs is shared by all entries that led to it.

mod entry;

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use uuid::Uuid;

use crate::Signature;

/// The file with the number of bytes of all entries, which is locked while it changes.
const TOTAL: &str = "total";

/// How many digits that number has, with zeros before it: as many as the largest.
const TOTAL_DIGITS: usize = 20;

/// What the name of an entry ends with that is not whole yet.
const PART: &str = ".part";

/// How old a part is whose writer is gone.
const ABANDONED: Duration = Duration::from_secs(3_600);

/// A cache of values in a directory, bounded by bytes. Any number of processes may use it at the same
/// time.
///
/// It never fails: an entry that is damaged or half-written counts as none, and a directory that
/// cannot be written to only costs speed. Its methods block.
#[derive(Clone, Debug)]
pub struct DiskCache {
    dir: PathBuf,
    most: u64,
}

/// What is in a cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// How many entries.
    pub entries: u64,
    /// How many bytes they have.
    pub bytes: u64,
}

/// A file of an entry.
struct EntryFile {
    path: PathBuf,
    bytes: u64,
    used: SystemTime,
}

impl DiskCache {
    /// The cache in a directory, of at most that many bytes. The directory is made when there is
    /// something to keep.
    pub fn new(dir: impl Into<PathBuf>, most: u64) -> Self {
        Self {
            dir: dir.into(),
            most,
        }
    }

    /// Its directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// How many bytes its entries may have.
    pub fn most(&self) -> u64 {
        self.most
    }

    /// The value of a signature, if it is there and whole.
    pub fn get(&self, signature: &Signature) -> Option<String> {
        let path = self.path(signature);
        let mut file = File::open(&path).ok()?;
        let value = entry::read(&mut file, &signature.to_string());
        match &value {
            // In a directory that is only read, what is used is not known to be.
            Some(_) => drop(file.set_modified(SystemTime::now())),
            // Another process may have replaced it meanwhile; then that goes, which is no loss.
            None => {
                tracing::debug!(path = %path.display(), "a damaged entry of the cache is removed");
                let _ = fs::remove_file(&path);
            }
        }
        value
    }

    /// Keeps a value, unless the directory does not take it.
    pub fn put(&self, signature: &Signature, value: &str) {
        if let Err(error) = self.try_put(signature, value) {
            let dir = self.dir.display();
            tracing::debug!(%dir, "a value is not kept in the cache: {error}");
        }
    }

    fn try_put(&self, signature: &Signature, value: &str) -> io::Result<()> {
        let named = signature.to_string();
        let bytes = entry::size(value, &named);
        if bytes > self.most {
            return Ok(());
        }
        let path = self.path(signature);
        let shard = path.parent().unwrap_or(&self.dir);
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(shard)?;
        let part = shard.join(format!("{}{PART}", Uuid::new_v4()));
        let mut private = OpenOptions::new();
        let kept = private
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&part)
            .and_then(|mut file| entry::write(&mut file, value, &named))
            // What is not counted would not be bounded.
            .and_then(|()| self.count(bytes))
            .and_then(|()| fs::rename(&part, &path));
        if kept.is_err() {
            let _ = fs::remove_file(&part);
        }
        kept
    }

    /// Counts an entry that is about to come, and makes room for it.
    fn count(&self, bytes: u64) -> io::Result<()> {
        self.with_total(|total| {
            let total = total.map(|total| total.saturating_add(bytes));
            match total {
                Some(total) if total <= self.most => Ok(total),
                _ => Ok(self.evict(bytes)?.saturating_add(bytes)),
            }
        })
    }

    /// Changes the number of bytes of all entries, which may not be known.
    fn with_total(&self, change: impl FnOnce(Option<u64>) -> io::Result<u64>) -> io::Result<()> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(self.dir.join(TOTAL))?;
        file.lock()?;
        let mut known = String::new();
        let read = (&file).take(TOTAL_DIGITS as u64).read_to_string(&mut known);
        let known = read.ok().and_then(|_| known.trim().parse().ok());
        let total = change(known)?;
        file.rewind()?;
        // It is never truncated: file systems hurry to have on disk what is written after that.
        write!(file, "{total:0TOTAL_DIGITS$}")
    }

    /// Removes what was used longest ago, until there is room for that many bytes and some to spare,
    /// and says how many bytes are left.
    fn evict(&self, needed: u64) -> io::Result<u64> {
        let mut entries = self.entries()?;
        let mut total = entries.iter().map(|entry| entry.bytes).sum::<u64>();
        if total.saturating_add(needed) <= self.most {
            return Ok(total);
        }
        let goal = (self.most - self.most / 10).saturating_sub(needed);
        entries.sort_unstable_by_key(|entry| entry.used);
        for entry in entries {
            if total <= goal {
                break;
            }
            if fs::remove_file(&entry.path).is_ok() {
                total -= entry.bytes;
            }
        }
        Ok(total)
    }

    /// The entries. Parts that nobody writes any more are removed.
    fn entries(&self) -> io::Result<Vec<EntryFile>> {
        let shards = match fs::read_dir(&self.dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            shards => shards?,
        };
        let mut entries = Vec::new();
        for shard in shards {
            let shard = shard?;
            if !shard.file_type()?.is_dir() || !is_shard(&shard.file_name()) {
                continue;
            }
            for file in fs::read_dir(shard.path())? {
                let file = file?;
                // Another process may just have removed it.
                let Ok(metadata) = file.metadata() else {
                    continue;
                };
                let (path, name) = (file.path(), file.file_name());
                let name = name.to_str().unwrap_or_default();
                let used = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                if name.ends_with(PART) {
                    if used.elapsed().is_ok_and(|age| age > ABANDONED) {
                        let _ = fs::remove_file(path);
                    }
                } else if metadata.is_file() && Uuid::try_parse(name).is_ok() {
                    let bytes = metadata.len();
                    entries.push(EntryFile { path, bytes, used });
                }
            }
        }
        Ok(entries)
    }

    /// What is in it.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn usage(&self) -> io::Result<Usage> {
        Ok(usage(&self.entries()?))
    }

    /// Removes all entries, and says what there was. Nothing else in the directory is touched.
    ///
    /// # Errors
    /// The directory cannot be read, or an entry not removed.
    pub fn clear(&self) -> io::Result<Usage> {
        let mut was = Usage::default();
        if self.entries()?.is_empty() {
            return Ok(was);
        }
        self.with_total(|_| {
            let entries = self.entries()?;
            was = usage(&entries);
            for entry in entries {
                match fs::remove_file(&entry.path) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
            }
            Ok(0)
        })?;
        Ok(was)
    }

    /// The file of an entry: its directory is one of 256.
    fn path(&self, signature: &Signature) -> PathBuf {
        let key = signature.key();
        self.dir.join(&key[..2]).join(key)
    }
}

fn usage(entries: &[EntryFile]) -> Usage {
    Usage {
        entries: entries.len() as u64,
        bytes: entries.iter().map(|entry| entry.bytes).sum(),
    }
}

/// Whether a directory is one of those of entries: the cache may be in a directory with other things.
fn is_shard(name: &std::ffi::OsStr) -> bool {
    name.len() == 2
        && name
            .to_str()
            .is_some_and(|name| u8::from_str_radix(name, 16).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signature(number: u128, length: usize) -> Signature {
        // The first digits, of which the directory is made, differ.
        let id = Uuid::from_u128(number.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835));
        Signature::new("s3://b", id, length)
    }

    fn cache(most: u64) -> (tempfile::TempDir, DiskCache) {
        let dir = tempfile::tempdir().unwrap();
        let cache = DiskCache::new(dir.path().join("cache"), most);
        (dir, cache)
    }

    /// Sets when an entry was used last: the clock of the file system may not tell two uses apart.
    fn use_at(cache: &DiskCache, signature: &Signature, second: u64) {
        let file = File::open(cache.path(signature)).unwrap();
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(second);
        file.set_modified(time).unwrap();
    }

    #[test]
    fn what_was_put_is_there_for_everybody() {
        let (_dir, cache) = cache(1 << 20);
        let (one, other) = (signature(1, 3), signature(2, 3));
        assert_eq!(cache.get(&one), None);
        assert_eq!(cache.usage().unwrap(), Usage::default());
        cache.put(&one, "abc");
        let another = DiskCache::new(cache.dir(), 1 << 20);
        assert_eq!(another.get(&one).as_deref(), Some("abc"));
        assert_eq!(another.get(&other), None);
        // The same id with another length, or at another place, is another value.
        assert_eq!(cache.get(&signature(1, 4)), None);
        assert_eq!(cache.usage().unwrap().entries, 0);
    }

    #[test]
    fn an_entry_that_is_damaged_in_any_place_is_none() {
        let (_dir, cache) = cache(1 << 20);
        let signature = signature(1, 40);
        let value = "a".repeat(40);
        cache.put(&signature, &value);
        let path = cache.path(&signature);
        let whole = fs::read(&path).unwrap();
        for place in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[place] ^= 1;
            fs::write(&path, &damaged).unwrap();
            assert_eq!(cache.get(&signature), None, "byte {place}");
            assert!(!path.exists());
            fs::write(&path, &whole[..place]).unwrap();
            assert_eq!(cache.get(&signature), None, "cut at {place}");
        }
        fs::write(&path, &whole).unwrap();
        assert_eq!(cache.get(&signature), Some(value));
    }

    #[test]
    fn what_was_used_longest_ago_goes_first() {
        let (_dir, cache) = cache(10_000);
        let value = "v".repeat(1_000);
        for number in 0..9 {
            cache.put(&signature(number, 1_000), &value);
            use_at(&cache, &signature(number, 1_000), number as u64 + 1);
        }
        assert_eq!(cache.usage().unwrap().entries, 9);
        // A use makes it young.
        assert!(cache.get(&signature(0, 1_000)).is_some());
        cache.put(&signature(9, 1_000), &value);
        let left: Vec<_> = (0..10)
            .filter(|number| cache.path(&signature(*number, 1_000)).exists())
            .collect();
        assert!(
            left.contains(&0) && left.contains(&9) && !left.contains(&1),
            "{left:?}"
        );
        assert!(cache.usage().unwrap().bytes <= 9_000);
    }

    #[test]
    fn it_is_bounded_whoever_puts_something_there() {
        let (_dir, cache) = cache(20_000);
        std::thread::scope(|scope| {
            for thread in 0..4_u128 {
                let cache = cache.clone();
                scope.spawn(move || {
                    for number in 0..50 {
                        let signature = signature(thread * 100 + number, 1_000);
                        cache.put(&signature, &"v".repeat(1_000));
                        let read = cache.get(&signature);
                        assert!(read.is_none_or(|read| read.len() == 1_000));
                    }
                });
            }
        });
        let usage = cache.usage().unwrap();
        assert!((1..=20_000).contains(&usage.bytes), "{usage:?}");
        // A number that somebody damaged is found anew.
        fs::write(cache.dir().join(TOTAL), "many").unwrap();
        cache.put(&signature(1_000, 1_000), &"v".repeat(1_000));
        let total = fs::read_to_string(cache.dir().join(TOTAL)).unwrap();
        assert_eq!(total.parse(), Ok(cache.usage().unwrap().bytes));
        // What has no room at all does not drive out everything else.
        let usage = cache.usage().unwrap();
        cache.put(&signature(1_001, 20_000), &"v".repeat(20_000));
        assert_eq!(cache.usage().unwrap(), usage);
    }

    #[test]
    fn a_directory_that_takes_nothing_only_costs_speed() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        // A file where the directory would be: not even root writes there.
        let cache = DiskCache::new(&file, 1 << 20);
        cache.put(&signature(1, 3), "abc");
        assert_eq!(cache.get(&signature(1, 3)), None);
    }

    #[test]
    fn clearing_removes_entries_and_nothing_else() {
        let (_dir, cache) = cache(1 << 20);
        assert_eq!(cache.clear().unwrap(), Usage::default());
        cache.put(&signature(1, 3), "abc");
        let foreign = cache.dir().join("notes.txt");
        fs::write(&foreign, "mine").unwrap();
        assert_eq!(cache.clear().unwrap().entries, 1);
        assert_eq!(cache.usage().unwrap(), Usage::default());
        assert!(foreign.exists());
        cache.put(&signature(1, 3), "abc");
        assert_eq!(cache.get(&signature(1, 3)).as_deref(), Some("abc"));
    }
}
