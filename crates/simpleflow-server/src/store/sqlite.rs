//! The store in SQLite: one file in write-ahead mode, one writer, one reader.
//!
//! Every commit is one transaction. With `synchronous=FULL` it is on disk when it returns; relaxed
//! means `synchronous=NORMAL`: what was written survives the death of the process, and a power
//! failure may lose the last commits but leaves a good file.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Row, params};
use simpleflow_engine::{ExecutionKey, NotedHeartbeat, Registration};
use simpleflow_model::types::{
    ActivityTypeDetail, DomainDetail, ListTagsForResourceOutput, WorkflowTypeDetail,
};
use simpleflow_model::{EventId, HistoryEvent, SmolStr, Timestamp, WorkflowExecution};

use super::{Changes, Kept, KeptRun, Opened, Place, Reader, RegionId, RunKey, StoreError, Writer};

const FILE: &str = "simpleflow.sqlite3";

/// The schema, a step a version. A step that was released is never changed: what is new is a
/// further step.
const STEPS: &[&str] = &["
    CREATE TABLE regions (
        region INTEGER PRIMARY KEY,
        name TEXT NOT NULL
    ) STRICT;
    CREATE TABLE domains (
        region INTEGER NOT NULL,
        name TEXT NOT NULL,
        detail TEXT NOT NULL,
        tags TEXT NOT NULL,
        PRIMARY KEY (region, name)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE workflow_types (
        region INTEGER NOT NULL,
        domain TEXT NOT NULL,
        name TEXT NOT NULL,
        version TEXT NOT NULL,
        detail TEXT NOT NULL,
        PRIMARY KEY (region, domain, name, version)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE activity_types (
        region INTEGER NOT NULL,
        domain TEXT NOT NULL,
        name TEXT NOT NULL,
        version TEXT NOT NULL,
        detail TEXT NOT NULL,
        PRIMARY KEY (region, domain, name, version)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE runs (
        region INTEGER NOT NULL,
        run INTEGER NOT NULL,
        domain TEXT NOT NULL,
        workflow_id TEXT NOT NULL,
        run_id TEXT NOT NULL,
        PRIMARY KEY (region, run)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE events (
        region INTEGER NOT NULL,
        run INTEGER NOT NULL,
        event_id INTEGER NOT NULL,
        event TEXT NOT NULL,
        crc32 INTEGER NOT NULL,
        PRIMARY KEY (region, run, event_id)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE heartbeats (
        region INTEGER NOT NULL,
        run INTEGER NOT NULL,
        scheduled_event_id INTEGER NOT NULL,
        at INTEGER NOT NULL,
        details TEXT,
        PRIMARY KEY (region, run, scheduled_event_id)
    ) STRICT, WITHOUT ROWID;
"];

/// How large the write-ahead log may grow before it is folded into the file, in pages.
const CHECKPOINT_PAGES: u32 = 4_000;

/// Opens the store of a directory, a new one if there is none.
pub(crate) fn open(place: &Place) -> Result<Opened, StoreError> {
    let dir = &place.dir;
    fs::create_dir_all(dir).map_err(|error| StoreError::failed(dir, error))?;
    let path = dir.join(FILE);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let failed = |error| failed(dir, error);
    let mut connection = Connection::open_with_flags(&path, flags | OpenFlags::SQLITE_OPEN_CREATE)
        .map_err(failed)?;
    connection
        .busy_timeout(Duration::from_secs(5))
        .map_err(failed)?;
    migrate(&mut connection, dir)?;
    let synchronous = if place.relaxed { "NORMAL" } else { "FULL" };
    configure(&connection, synchronous).map_err(failed)?;
    // The entry of a new file must be on disk too.
    fs::File::open(dir)
        .and_then(|dir| dir.sync_all())
        .map_err(|error| StoreError::failed(dir, error))?;
    let reader = Connection::open_with_flags(&path, flags).map_err(failed)?;
    reader
        .busy_timeout(Duration::from_secs(5))
        .map_err(failed)?;
    let reader = SqliteReader {
        connection: reader,
        dir: dir.clone(),
    };
    let writer = SqliteWriter {
        connection,
        dir: dir.clone(),
    };
    Ok((Box::new(writer), Box::new(reader)))
}

fn configure(connection: &Connection, synchronous: &str) -> rusqlite::Result<()> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", synchronous)?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(())
}

/// Brings the schema to the present version.
fn migrate(connection: &mut Connection, dir: &Path) -> Result<(), StoreError> {
    let failed = |error| failed(dir, error);
    let found: u32 = connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(failed)?;
    let known = STEPS.len() as u32;
    if found > known {
        return Err(StoreError::TooNew {
            dir: dir.to_owned(),
            found,
            known,
        });
    }
    let transaction = connection.transaction().map_err(failed)?;
    for step in STEPS.iter().skip(found as usize) {
        transaction.execute_batch(step).map_err(failed)?;
    }
    if found < known {
        transaction
            .pragma_update(None, "user_version", known)
            .map_err(failed)?;
    }
    transaction.commit().map_err(failed)
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

struct SqliteWriter {
    connection: Connection,
    dir: PathBuf,
}

impl Writer for SqliteWriter {
    fn commit(&mut self, changes: &Changes) -> Result<(), StoreError> {
        let write = || -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
            let transaction = self.connection.unchecked_transaction()?;
            write(&transaction, changes)?;
            transaction.commit()?;
            Ok(())
        };
        write().map_err(|error| StoreError::failed(&self.dir, error))
    }
}

fn write(
    connection: &Connection,
    changes: &Changes,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    for (region, name) in &changes.regions {
        connection
            .prepare_cached("INSERT INTO regions VALUES (?, ?)")?
            .execute(params![region, name.as_str()])?;
    }
    for (region, registration) in &changes.registrations {
        register(connection, *region, registration)?;
    }
    if !changes.runs.is_empty() {
        let mut insert = connection.prepare_cached("INSERT INTO runs VALUES (?, ?, ?, ?, ?)")?;
        for run in &changes.runs {
            insert.execute(params![
                run.key.region,
                run.key.run.0,
                run.domain.as_str(),
                run.id.workflow_id.as_str(),
                run.id.run_id.as_str(),
            ])?;
        }
    }
    if !changes.events.is_empty() {
        let mut insert = connection.prepare_cached("INSERT INTO events VALUES (?, ?, ?, ?, ?)")?;
        for event in &changes.events {
            let json = std::str::from_utf8(&event.json)?;
            let key = event.key;
            let sum = crc32fast::hash(&event.json);
            insert.execute(params![key.region, key.run.0, event.id, json, sum])?;
        }
    }
    for (region, heartbeat) in &changes.heartbeats {
        connection
            .prepare_cached("INSERT OR REPLACE INTO heartbeats VALUES (?, ?, ?, ?, ?)")?
            .execute(params![
                region,
                heartbeat.key.0,
                heartbeat.scheduled.0,
                heartbeat.at.as_micros(),
                heartbeat.details.as_deref(),
            ])?;
    }
    for key in &changes.removed {
        for delete in [
            "DELETE FROM events WHERE region = ? AND run = ?",
            "DELETE FROM heartbeats WHERE region = ? AND run = ?",
            "DELETE FROM runs WHERE region = ? AND run = ?",
        ] {
            connection
                .prepare_cached(delete)?
                .execute(params![key.region, key.run.0])?;
        }
    }
    Ok(())
}

fn register(
    connection: &Connection,
    region: RegionId,
    registration: &Registration,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let put = |table: &str| format!("INSERT OR REPLACE INTO {table} VALUES (?, ?, ?, ?, ?)");
    let delete = |table: &str| {
        format!("DELETE FROM {table} WHERE region = ? AND domain = ? AND name = ? AND version = ?")
    };
    match registration {
        Registration::Domain(detail, tags) => {
            let tags = ListTagsForResourceOutput {
                tags: Some(tags.clone()),
                ..Default::default()
            };
            connection
                .prepare_cached("INSERT OR REPLACE INTO domains VALUES (?, ?, ?, ?)")?
                .execute(params![
                    region,
                    detail.domain_info.name.as_str(),
                    serde_json::to_string(detail)?,
                    serde_json::to_string(&tags)?,
                ])?;
        }
        Registration::WorkflowType(domain, detail) => {
            let of = &detail.type_info.workflow_type;
            let (name, version) = (of.name.as_str(), of.version.as_str());
            let detail = serde_json::to_string(detail)?;
            connection
                .prepare_cached(&put("workflow_types"))?
                .execute(params![region, domain.as_str(), name, version, detail])?;
        }
        Registration::ActivityType(domain, detail) => {
            let of = &detail.type_info.activity_type;
            let (name, version) = (of.name.as_str(), of.version.as_str());
            let detail = serde_json::to_string(detail)?;
            connection
                .prepare_cached(&put("activity_types"))?
                .execute(params![region, domain.as_str(), name, version, detail])?;
        }
        Registration::DeletedWorkflowType(domain, of) => {
            let (name, version) = (of.name.as_str(), of.version.as_str());
            connection
                .prepare_cached(&delete("workflow_types"))?
                .execute(params![region, domain.as_str(), name, version])?;
        }
        Registration::DeletedActivityType(domain, of) => {
            let (name, version) = (of.name.as_str(), of.version.as_str());
            connection
                .prepare_cached(&delete("activity_types"))?
                .execute(params![region, domain.as_str(), name, version])?;
        }
    }
    Ok(())
}

struct SqliteReader {
    connection: Connection,
    dir: PathBuf,
}

impl SqliteReader {
    /// Reads the rows of a query.
    fn rows<T>(
        &self,
        query: &str,
        parameters: impl rusqlite::Params,
        read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
        mut each: impl FnMut(T) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let failed = |error| failed(&self.dir, error);
        let mut statement = self.connection.prepare_cached(query).map_err(failed)?;
        let mut rows = statement.query(parameters).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            each(read(row).map_err(failed)?)?;
        }
        Ok(())
    }

    fn json<T: serde::de::DeserializeOwned>(&self, text: &str) -> Result<T, StoreError> {
        serde_json::from_str(text).map_err(|error| StoreError::damaged(&self.dir, error))
    }

    fn registrations(
        &self,
        each: &mut dyn FnMut(Kept) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let pair = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        self.rows(
            "SELECT region, detail, tags FROM domains",
            (),
            pair,
            |(region, detail, tags): (RegionId, String, String)| {
                let detail: DomainDetail = self.json(&detail)?;
                let tags: ListTagsForResourceOutput = self.json(&tags)?;
                let tags = tags.tags.unwrap_or_default();
                each(Kept::Registration(
                    region,
                    Registration::Domain(detail, tags),
                ))
            },
        )?;
        self.rows(
            "SELECT region, domain, detail FROM workflow_types",
            (),
            pair,
            |(region, domain, detail): (RegionId, String, String)| {
                let detail: WorkflowTypeDetail = self.json(&detail)?;
                let registration = Registration::WorkflowType(domain.into(), detail);
                each(Kept::Registration(region, registration))
            },
        )?;
        self.rows(
            "SELECT region, domain, detail FROM activity_types",
            (),
            pair,
            |(region, domain, detail): (RegionId, String, String)| {
                let detail: ActivityTypeDetail = self.json(&detail)?;
                let registration = Registration::ActivityType(domain.into(), detail);
                each(Kept::Registration(region, registration))
            },
        )
    }
}

impl Reader for SqliteReader {
    fn all(&self, each: &mut dyn FnMut(Kept) -> Result<(), StoreError>) -> Result<(), StoreError> {
        self.rows(
            "SELECT region, name FROM regions ORDER BY region",
            (),
            |row| Ok((row.get(0)?, row.get(1)?)),
            |(region, name): (RegionId, String)| each(Kept::Region(region, SmolStr::from(name))),
        )?;
        self.registrations(each)?;
        self.rows(
            "SELECT region, run, domain, workflow_id, run_id FROM runs ORDER BY region, run",
            (),
            |row| {
                let key = RunKey {
                    region: row.get(0)?,
                    run: ExecutionKey(row.get(1)?),
                };
                let text = |index| row.get::<_, String>(index);
                Ok((key, text(2)?, text(3)?, text(4)?))
            },
            |(key, domain, workflow_id, run_id)| {
                let history = self.history(key)?;
                each(Kept::Run(KeptRun {
                    key,
                    domain: domain.into(),
                    id: WorkflowExecution {
                        workflow_id: workflow_id.into(),
                        run_id: run_id.into(),
                        ..Default::default()
                    },
                    history,
                }))
            },
        )?;
        self.rows(
            "SELECT region, run, scheduled_event_id, at, details FROM heartbeats",
            (),
            |row| {
                let heartbeat = NotedHeartbeat {
                    key: ExecutionKey(row.get(1)?),
                    scheduled: EventId(row.get(2)?),
                    at: Timestamp::from_micros(row.get(3)?),
                    details: row.get::<_, Option<String>>(4)?.map(SmolStr::from),
                };
                Ok((row.get(0)?, heartbeat))
            },
            |(region, heartbeat)| each(Kept::Heartbeat(region, heartbeat)),
        )
    }

    fn history(&self, key: RunKey) -> Result<Vec<HistoryEvent>, StoreError> {
        let mut history: Vec<HistoryEvent> = Vec::new();
        self.rows(
            "SELECT event_id, event, crc32 FROM events WHERE region = ? AND run = ? ORDER BY event_id",
            params![key.region, key.run.0],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
            |(id, text, sum): (i64, String, u32)| {
                if crc32fast::hash(text.as_bytes()) != sum {
                    let what = format!("event {id} of run {} is not what was written", key.run.0);
                    return Err(StoreError::damaged(&self.dir, what));
                }
                let event: HistoryEvent = self.json(&text)?;
                let expected = EventId(history.len() as i64 + 1);
                if EventId(id) != expected || event.event_id != expected {
                    let what = format!("run {} lacks event {expected}", key.run.0);
                    return Err(StoreError::damaged(&self.dir, what));
                }
                history.push(event);
                Ok(())
            },
        )?;
        if history.is_empty() {
            let what = format!("run {} has no events", key.run.0);
            return Err(StoreError::damaged(&self.dir, what));
        }
        Ok(history)
    }
}
