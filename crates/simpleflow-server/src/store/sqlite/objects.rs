//! The objects, in a file of their own: one of many megabytes must not hold up the batches of
//! events, nor make their log grow.

use std::path::Path;
use std::time::{Duration, SystemTime};

use rusqlite::{Connection, OpenFlags, OptionalExtension as _, Row, params};
use simpleflow_model::Timestamp;
use simpleflow_objects::{Bytes, ObjectInfo};

use super::{FLAGS, connect, failed, migrate, prepare};
use crate::store::{Location, StoreError};

const FILE: &str = "objects.sqlite3";

/// The schema, a step a version, as that of the other file.
const STEPS: &[&str] = &[
    "
    CREATE TABLE objects (
        object INTEGER PRIMARY KEY,
        key TEXT NOT NULL UNIQUE,
        value BLOB NOT NULL,
        crc32 INTEGER NOT NULL
    ) STRICT;
",
    // Each value has a version that no other had, and the time when it was put, in milliseconds; those
    // that are there already count as put now. The value comes last: what stands behind a long one is
    // found by reading all of it.
    "
    CREATE TABLE versions (
        version INTEGER PRIMARY KEY AUTOINCREMENT,
        key TEXT NOT NULL UNIQUE,
        modified INTEGER NOT NULL,
        crc32 INTEGER NOT NULL,
        value BLOB NOT NULL
    ) STRICT;
    INSERT INTO versions (version, key, modified, crc32, value)
        SELECT object, key, unixepoch() * 1000, crc32, value FROM objects;
    DROP TABLE objects;
    ALTER TABLE versions RENAME TO objects;
",
];

/// The file of the objects, open for one thread.
pub(crate) struct ObjectStoreFile {
    connection: Connection,
    place: Option<Location>,
}

/// What is known of an object without its value.
#[derive(Debug)]
pub(crate) struct Described {
    pub info: ObjectInfo,
    /// A mark that no other value has that the key had or will have.
    pub etag: String,
}

/// An object.
#[derive(Debug)]
pub(crate) struct StoredObject {
    pub described: Described,
    pub value: Bytes,
    /// Whether the value is what was put.
    pub is_whole: bool,
}

/// What may fail of a transaction.
type Stored<T> = Result<T, StoreError>;

impl ObjectStoreFile {
    /// Opens the objects of a place, or new ones in memory.
    pub(crate) fn open(place: Option<&Location>) -> Stored<Self> {
        let connection = match place {
            Some(place) => {
                let flags = FLAGS | OpenFlags::SQLITE_OPEN_CREATE;
                let mut connection = connect(&place.dir, FILE, flags)?;
                prepare(&mut connection, place, STEPS)?;
                connection
            }
            None => {
                let nowhere = Path::new("");
                let opened = Connection::open_in_memory();
                let mut connection = opened.map_err(|error| failed(nowhere, error))?;
                migrate(&mut connection, nowhere, STEPS)?;
                connection
            }
        };
        Ok(Self {
            connection,
            place: place.cloned(),
        })
    }

    /// Does several things as one: all of it is on disk then, or none. After an error the file must
    /// be opened again.
    pub(crate) fn transaction<T>(&self, run: impl FnOnce(&Self) -> Stored<T>) -> Stored<T> {
        let transaction = self.connection.unchecked_transaction();
        let transaction = transaction.map_err(|error| self.failed(error))?;
        let done = run(self)?;
        transaction.commit().map_err(|error| self.failed(error))?;
        Ok(done)
    }

    pub(crate) fn get(&self, key: &str) -> Stored<Option<StoredObject>> {
        let select = "SELECT key, length(value), modified, version, crc32, value FROM objects
                      WHERE key = ?";
        let read = || {
            let mut select = self.connection.prepare_cached(select)?;
            let row = select.query_row([key], |row| {
                let value: Vec<u8> = row.get(5)?;
                Ok(StoredObject {
                    described: described(row)?,
                    is_whole: crc32fast::hash(&value) == row.get::<_, u32>(4)?,
                    value: value.into(),
                })
            });
            row.optional()
        };
        read().map_err(|error| self.failed(error))
    }

    /// What is known of an object.
    pub(crate) fn describe(&self, key: &str) -> Stored<Option<Described>> {
        let select = "SELECT key, length(value), modified, version, crc32 FROM objects
                      WHERE key = ?";
        let read = || {
            let mut select = self.connection.prepare_cached(select)?;
            select.query_row([key], described).optional()
        };
        read().map_err(|error| self.failed(error))
    }

    /// Writes an object, in place of one that is there. Says its mark.
    pub(crate) fn put(&self, key: &str, value: &[u8], now: Timestamp) -> Stored<String> {
        let crc32 = crc32fast::hash(value);
        let write = || {
            let mut insert = self.connection.prepare_cached(
                "INSERT OR REPLACE INTO objects (key, modified, crc32, value) VALUES (?, ?, ?, ?)",
            )?;
            insert.insert(params![key, now.as_micros() / 1_000, crc32, value])
        };
        let version = write().map_err(|error| self.failed(error))?;
        Ok(etag(version, crc32))
    }

    pub(crate) fn delete(&self, key: &str) -> Stored<()> {
        let delete = || {
            let mut delete = self
                .connection
                .prepare_cached("DELETE FROM objects WHERE key = ?")?;
            delete.execute([key])
        };
        delete().map(drop).map_err(|error| self.failed(error))
    }

    /// At most so many objects whose keys begin with a prefix and come after a key.
    pub(crate) fn list(&self, prefix: &str, after: &str, most: usize) -> Stored<Vec<Described>> {
        let read = || -> rusqlite::Result<Vec<Described>> {
            // One bound: of two SQLite would use but one, and read what is before the other.
            let mut select = self.connection.prepare_cached(
                "SELECT key, length(value), modified, version, crc32 FROM objects
                 WHERE key >= ? ORDER BY key",
            )?;
            let rows = select.query_map([prefix.max(after)], described)?;
            let is_after = |row: &Described| row.info.key != after;
            let begins = |row: &Described| row.info.key.starts_with(prefix);
            rows.filter(|row| row.as_ref().map_or(true, is_after))
                .take_while(|row| row.as_ref().map_or(true, begins))
                .take(most)
                .collect()
        };
        read().map_err(|error| self.failed(error))
    }

    fn failed(&self, error: rusqlite::Error) -> StoreError {
        let dir = self.place.as_ref().map(|place| place.dir.clone());
        failed(&dir.unwrap_or_default(), error)
    }
}

/// The first columns of a row.
fn described(row: &Row<'_>) -> rusqlite::Result<Described> {
    let modified = Duration::from_millis(row.get(2)?);
    Ok(Described {
        info: ObjectInfo {
            key: row.get(0)?,
            size: row.get(1)?,
            modified: SystemTime::UNIX_EPOCH.checked_add(modified),
        },
        etag: etag(row.get(3)?, row.get(4)?),
    })
}

/// The checksum tells apart what a server has in memory from what it had there before its end.
fn etag(version: i64, crc32: u32) -> String {
    format!("{version}-{crc32:08x}")
}
