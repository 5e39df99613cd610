//! The store in SQLite: one file in write-ahead mode, one writer, and readers beside it.
//!
//! Every commit is one transaction. With `synchronous=FULL` it is on disk when it returns; relaxed
//! means `synchronous=NORMAL`: what was written survives the death of the process, and a power
//! failure may lose the last commits but leaves a good file.

mod closed;
mod objects;
mod reader;
mod registrations;
mod schema;
mod writer;

use std::fs;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::{Location, Opened, StoreError};
use reader::SqliteReader;
use schema::{STEPS, migrate};
use writer::SqliteWriter;

pub(crate) use objects::{Described, ObjectStoreFile, StoredObject};
#[cfg(test)]
pub(crate) use schema::FIRST_STEP;

const FILE: &str = "simpleflow.sqlite3";

/// How large the write-ahead log may grow before it is folded into the file, in pages.
const CHECKPOINT_PAGES: u32 = 1_000;

/// How long that log becomes, about: each of its pages has a header.
const ROOM: u64 = CHECKPOINT_PAGES as u64 * (4_096 + 24) + 65_536;

/// A connection stays with one thread at a time. (One that only reads must be able to write too:
/// the first to open a log has to recover it.)
const FLAGS: OpenFlags = OpenFlags::SQLITE_OPEN_READ_WRITE.union(OpenFlags::SQLITE_OPEN_NO_MUTEX);

/// Opens the store of a directory, a new one if there is none.
pub(crate) fn open(place: &Location) -> Result<Opened, StoreError> {
    let dir = &place.dir;
    fs::create_dir_all(dir).map_err(|error| StoreError::failed(dir, error))?;
    if !place.relaxed
        && let Err(error) = make_room(dir)
    {
        // It grows by itself too.
        tracing::debug!(%error, "no room is kept for the write-ahead log");
    }
    let mut connection = connect(dir, FILE, FLAGS | OpenFlags::SQLITE_OPEN_CREATE)?;
    prepare(&mut connection, place, STEPS)?;
    let reader = SqliteReader::open(dir)?;
    let writer = SqliteWriter {
        connection,
        dir: dir.clone(),
    };
    Ok((Box::new(writer), Box::new(reader)))
}

/// Has the write-ahead log be as long as it may become, filled up with zeros, which SQLite takes for
/// the end of what is in it. A file that does not grow is synced in two thirds of the time.
fn make_room(dir: &Path) -> io::Result<()> {
    let log = fs::File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(dir.join(format!("{FILE}-wal")))?;
    let length = log.metadata()?.len();
    let room = ROOM.saturating_sub(length);
    (&log).seek(SeekFrom::End(0))?;
    let filled = io::copy(&mut io::repeat(0).take(room), &mut &log).and_then(|_| log.sync_all());
    if filled.is_err() {
        log.set_len(length)?;
    }
    filled
}

/// Connects to a file of a directory.
fn connect(dir: &Path, file: &str, flags: OpenFlags) -> Result<Connection, StoreError> {
    let connect = || {
        let connection = Connection::open_with_flags(dir.join(file), flags)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        Ok(connection)
    };
    connect().map_err(|error| failed(dir, error))
}

/// Makes a file ready for whoever writes to it: it has the schema that these steps lead to, it is in
/// write-ahead mode, and its entry in the directory is on disk.
fn prepare(
    connection: &mut Connection,
    place: &Location,
    steps: &[&str],
) -> Result<(), StoreError> {
    let dir = &place.dir;
    migrate(connection, dir, steps)?;
    let synchronous = if place.relaxed { "NORMAL" } else { "FULL" };
    configure(connection, synchronous).map_err(|error| failed(dir, error))?;
    let synced = fs::File::open(dir).and_then(|dir| dir.sync_all());
    synced.map_err(|error| StoreError::failed(dir, error))
}

fn configure(connection: &Connection, synchronous: &str) -> rusqlite::Result<()> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", synchronous)?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(())
}

/// Damage is told apart from what may pass: what SQLite says is damage, and values that are not
/// what was written.
fn failed(dir: &Path, error: rusqlite::Error) -> StoreError {
    use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
    match error.sqlite_error_code() {
        None | Some(DatabaseCorrupt | NotADatabase) => StoreError::damaged(dir, error),
        Some(_) => StoreError::failed(dir, error),
    }
}

/// A checksum over values that belong together.
fn checksum(parts: &[&str]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            hasher.update(&[0]);
        }
        hasher.update(part.as_bytes());
    }
    hasher.finalize()
}
