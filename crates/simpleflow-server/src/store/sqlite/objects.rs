//! The objects, in a file of their own: one of many megabytes must not hold up the batches of
//! events, nor make their log grow.

use std::fs;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, params};
use simpleflow_objects::{Bytes, ObjectInfo};

use super::{FLAGS, configure, failed, migrate};
use crate::store::{Place, StoreError};

const FILE: &str = "objects.sqlite3";

/// The schema, a step a version, as that of the other file.
const STEPS: &[&str] = &["
    CREATE TABLE objects (
        object INTEGER PRIMARY KEY,
        key TEXT NOT NULL UNIQUE,
        value BLOB NOT NULL,
        crc32 INTEGER NOT NULL
    ) STRICT;
"];

/// The file of the objects, open for one thread.
pub(crate) struct ObjectStoreFile {
    connection: Connection,
    place: Option<Place>,
}

/// An object's value with its checksum.
pub(crate) struct StoredObject {
    pub value: Bytes,
    pub crc32: u32,
}

/// What may fail of a transaction.
type Stored<T> = Result<T, StoreError>;

impl ObjectStoreFile {
    /// Opens the objects of a place, or new ones in memory.
    pub(crate) fn open(place: Option<&Place>) -> Stored<Self> {
        let dir = place.map(|place| place.dir.clone()).unwrap_or_default();
        let failed = |error| failed(&dir, error);
        let mut connection = match place {
            None => Connection::open_in_memory(),
            Some(_) => Connection::open_with_flags(
                dir.join(FILE),
                FLAGS | rusqlite::OpenFlags::SQLITE_OPEN_CREATE,
            ),
        }
        .map_err(failed)?;
        let patience = connection.busy_timeout(Duration::from_secs(5));
        patience.map_err(failed)?;
        migrate(&mut connection, &dir, STEPS)?;
        if let Some(place) = place {
            let synchronous = if place.relaxed { "NORMAL" } else { "FULL" };
            configure(&connection, synchronous).map_err(failed)?;
            // The entry of a new file must be on disk too.
            fs::File::open(&dir)
                .and_then(|dir| dir.sync_all())
                .map_err(|error| StoreError::failed(&dir, error))?;
        }
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
        let read = || {
            self.connection
                .prepare_cached("SELECT value, crc32 FROM objects WHERE key = ?")?
                .query_row([key], |row| {
                    Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, u32>(1)?))
                })
                .optional()
        };
        let Some((value, crc32)) = read().map_err(|error| self.failed(error))? else {
            return Ok(None);
        };
        if crc32fast::hash(&value) != crc32 {
            let what = format!("object {key:?} is not what was written");
            let dir = self.place.as_ref().map(|place| place.dir.clone());
            return Err(StoreError::damaged(&dir.unwrap_or_default(), what));
        }
        let value = value.into();
        Ok(Some(StoredObject { value, crc32 }))
    }

    pub(crate) fn put(&self, key: &str, value: &[u8]) -> Stored<()> {
        let write = || {
            self.connection
                .prepare_cached(
                    "INSERT INTO objects (key, value, crc32) VALUES (?1, ?2, ?3)
                     ON CONFLICT (key) DO UPDATE SET value = ?2, crc32 = ?3",
                )?
                .execute(params![key, value, crc32fast::hash(value)])
        };
        write().map(drop).map_err(|error| self.failed(error))
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

    pub(crate) fn size(&self, key: &str) -> Stored<Option<u64>> {
        let read = || {
            self.connection
                .prepare_cached("SELECT length(value) FROM objects WHERE key = ?")?
                .query_row([key], |row| row.get(0))
                .optional()
        };
        read().map_err(|error| self.failed(error))
    }

    /// At most so many objects whose keys begin with a prefix and come after a key.
    pub(crate) fn list(&self, prefix: &str, after: &str, most: usize) -> Stored<Vec<ObjectInfo>> {
        let read = || -> rusqlite::Result<Vec<ObjectInfo>> {
            let mut select = self.connection.prepare_cached(
                "SELECT key, length(value) FROM objects WHERE key >= ?1 AND key > ?2 ORDER BY key",
            )?;
            let rows = select.query_map([prefix, after], |row| {
                Ok(ObjectInfo {
                    key: row.get(0)?,
                    size: row.get(1)?,
                    modified: None,
                })
            })?;
            let begins = |row: &rusqlite::Result<ObjectInfo>| match row {
                Ok(object) => object.key.starts_with(prefix),
                Err(_) => true,
            };
            rows.take_while(begins).take(most).collect()
        };
        read().map_err(|error| self.failed(error))
    }

    fn failed(&self, error: rusqlite::Error) -> StoreError {
        let dir = self.place.as_ref().map(|place| place.dir.clone());
        failed(&dir.unwrap_or_default(), error)
    }
}
