//! The store in SQLite: one file in write-ahead mode, one writer, and readers beside it.
//!
//! Every commit is one transaction. With `synchronous=FULL` it is on disk when it returns; relaxed
//! means `synchronous=NORMAL`: what was written survives the death of the process, and a power
//! failure may lose the last commits but leaves a good file.

mod closed;
mod objects;

use std::fs;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Row, params};
use simpleflow_engine::{ClosedSelection, Entry, ExecutionKey, NotedHeartbeat, Registration};
use simpleflow_model::types::{
    ActivityTypeDetail, DomainDetail, ListTagsForResourceOutput, WorkflowExecutionInfo,
    WorkflowTypeDetail,
};
use simpleflow_model::{
    DomainName, EventId, HistoryEvent, RunId, SmolStr, Timestamp, WorkflowExecution,
};

use super::{
    Changes, ClosedRun, Kept, KeptRun, Opened, Place, Reader, RegionId, RunKey, StoreError, Writer,
};

pub(crate) use objects::ObjectStoreFile;

const FILE: &str = "simpleflow.sqlite3";

/// The schema, a step a version. A step that was released is never changed: what is new is a
/// further step.
const STEPS: &[&str] = &[
    "
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
",
    "
    CREATE TABLE closed_runs (
        region INTEGER NOT NULL,
        run INTEGER NOT NULL,
        domain TEXT NOT NULL,
        workflow_id TEXT NOT NULL,
        run_id TEXT NOT NULL,
        events INTEGER NOT NULL,
        detail TEXT NOT NULL,
        crc32 INTEGER NOT NULL,
        PRIMARY KEY (region, run)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX closed_run_ids ON closed_runs (region, run_id);
    CREATE TABLE closed_index (
        region INTEGER NOT NULL,
        domain TEXT NOT NULL,
        closed_by INTEGER NOT NULL,
        filter TEXT NOT NULL,
        at INTEGER NOT NULL,
        run INTEGER NOT NULL,
        PRIMARY KEY (region, domain, closed_by, filter, at, run)
    ) STRICT, WITHOUT ROWID;
    ALTER TABLE domains ADD COLUMN crc32 INTEGER;
    ALTER TABLE workflow_types ADD COLUMN crc32 INTEGER;
    ALTER TABLE activity_types ADD COLUMN crc32 INTEGER;
",
    // Events in the order in which they are written: whatever a batch is about, it goes to the end
    // of one table. In a table that is ordered by run it would go to as many pages as it has runs.
    "
    CREATE TABLE appends (
        append INTEGER PRIMARY KEY,
        region INTEGER NOT NULL,
        run INTEGER NOT NULL,
        first INTEGER NOT NULL,
        events TEXT NOT NULL,
        crc32 INTEGER NOT NULL
    ) STRICT;
    INSERT INTO appends (region, run, first, events, crc32)
        SELECT region, run, event_id, event, crc32 FROM events ORDER BY region, run, event_id;
    DROP TABLE events;
    CREATE INDEX appends_of_run ON appends (region, run, first);
",
];

/// What a store of the first version has.
#[cfg(test)]
pub(crate) const FIRST_STEP: &str = STEPS[0];

/// How large the write-ahead log may grow before it is folded into the file, in pages.
const CHECKPOINT_PAGES: u32 = 1_000;

/// How long that log becomes, about: each of its pages has a header.
const ROOM: u64 = CHECKPOINT_PAGES as u64 * (4_096 + 24) + 65_536;

/// A connection stays with one thread at a time. (One that only reads must be able to write too:
/// the first to open a log has to recover it.)
const FLAGS: OpenFlags = OpenFlags::SQLITE_OPEN_READ_WRITE.union(OpenFlags::SQLITE_OPEN_NO_MUTEX);

/// Opens the store of a directory, a new one if there is none.
pub(crate) fn open(place: &Place) -> Result<Opened, StoreError> {
    let dir = &place.dir;
    fs::create_dir_all(dir).map_err(|error| StoreError::failed(dir, error))?;
    let path = dir.join(FILE);
    if !place.relaxed
        && let Err(error) = make_room(dir)
    {
        // It grows by itself too.
        tracing::debug!(%error, "no room is kept for the write-ahead log");
    }
    let failed = |error| failed(dir, error);
    let mut connection = Connection::open_with_flags(&path, FLAGS | OpenFlags::SQLITE_OPEN_CREATE)
        .map_err(failed)?;
    connection
        .busy_timeout(Duration::from_secs(5))
        .map_err(failed)?;
    migrate(&mut connection, dir, STEPS)?;
    let synchronous = if place.relaxed { "NORMAL" } else { "FULL" };
    configure(&connection, synchronous).map_err(failed)?;
    // The entry of a new file must be on disk too.
    fs::File::open(dir)
        .and_then(|dir| dir.sync_all())
        .map_err(|error| StoreError::failed(dir, error))?;
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

fn configure(connection: &Connection, synchronous: &str) -> rusqlite::Result<()> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", synchronous)?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(())
}

/// Brings the schema to the present version.
fn migrate(connection: &mut Connection, dir: &Path, steps: &[&str]) -> Result<(), StoreError> {
    let failed = |error| failed(dir, error);
    let found: u32 = connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(failed)?;
    let known = steps.len() as u32;
    if found > known {
        return Err(StoreError::TooNew {
            dir: dir.to_owned(),
            found,
            known,
        });
    }
    let transaction = connection.transaction().map_err(failed)?;
    for step in steps.iter().skip(found as usize) {
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

    fn expire(
        &mut self,
        retentions: &[(RegionId, DomainName, Duration)],
        now: Timestamp,
        most: usize,
    ) -> Result<Option<Timestamp>, StoreError> {
        let expire = || {
            // One that only reads costs nothing.
            let transaction = self.connection.unchecked_transaction()?;
            let next = closed::expire(&transaction, retentions, now, most)?;
            transaction.commit()?;
            Ok(next)
        };
        expire().map_err(|error| failed(&self.dir, error))
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
        let mut insert = connection.prepare_cached(
            "INSERT INTO appends (region, run, first, events, crc32) VALUES (?, ?, ?, ?, ?)",
        )?;
        for events in changes.events.chunk_by(|(a, _), (b, _)| a == b) {
            let mut lines = Vec::new();
            for (_, event) in events {
                if !lines.is_empty() {
                    lines.push(b'\n');
                }
                serde_json::to_writer(&mut lines, event)?;
            }
            let lines = String::from_utf8(lines)?;
            let sum = checksum(&[&lines]);
            if let Some((key, event)) = events.first() {
                insert.execute(params![key.region, key.run.0, event.event_id.0, lines, sum])?;
            }
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
    for run in &changes.closed {
        delete_from(connection, &["runs", "heartbeats"], run.key)?;
        closed::insert(connection, run)?;
    }
    for key in &changes.removed {
        // It may have been written as closed in the meantime.
        closed::delete(connection, *key)?;
        delete_from(connection, &["runs", "heartbeats"], *key)?;
    }
    Ok(())
}

/// Deletes the rows of a run.
fn delete_from(connection: &Connection, tables: &[&str], key: RunKey) -> rusqlite::Result<()> {
    for table in tables {
        connection
            .prepare_cached(&format!("DELETE FROM {table} WHERE region = ? AND run = ?"))?
            .execute(params![key.region, key.run.0])?;
    }
    Ok(())
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

fn register(
    connection: &Connection,
    region: RegionId,
    registration: &Registration,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let put = |table: &str| format!("INSERT OR REPLACE INTO {table} VALUES (?, ?, ?, ?, ?, ?)");
    let delete = |table: &str| {
        format!("DELETE FROM {table} WHERE region = ? AND domain = ? AND name = ? AND version = ?")
    };
    match registration {
        Registration::Domain(detail, tags) => {
            let tags = ListTagsForResourceOutput {
                tags: Some(tags.clone()),
                ..Default::default()
            };
            let name = detail.domain_info.name.as_str();
            let (detail, tags) = (
                serde_json::to_string(detail)?,
                serde_json::to_string(&tags)?,
            );
            let sum = checksum(&[name, &detail, &tags]);
            connection
                .prepare_cached("INSERT OR REPLACE INTO domains VALUES (?, ?, ?, ?, ?)")?
                .execute(params![region, name, detail, tags, sum])?;
        }
        Registration::WorkflowType(domain, detail) => {
            let of = &detail.type_info.workflow_type;
            let (name, version) = (of.name.as_str(), of.version.as_str());
            let detail = serde_json::to_string(detail)?;
            connection
                .prepare_cached(&put("workflow_types"))?
                .execute(params![
                    region,
                    domain.as_str(),
                    name,
                    version,
                    detail,
                    checksum(&[domain.as_str(), &detail])
                ])?;
        }
        Registration::ActivityType(domain, detail) => {
            let of = &detail.type_info.activity_type;
            let (name, version) = (of.name.as_str(), of.version.as_str());
            let detail = serde_json::to_string(detail)?;
            connection
                .prepare_cached(&put("activity_types"))?
                .execute(params![
                    region,
                    domain.as_str(),
                    name,
                    version,
                    detail,
                    checksum(&[domain.as_str(), &detail])
                ])?;
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
    fn open(dir: &Path) -> Result<Self, StoreError> {
        let failed = |error| failed(dir, error);
        let connection = Connection::open_with_flags(dir.join(FILE), FLAGS).map_err(failed)?;
        let patience = connection.busy_timeout(Duration::from_secs(5));
        patience.map_err(failed)?;
        Ok(Self {
            connection,
            dir: dir.to_owned(),
        })
    }

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
        // Those of before the second step have no checksum.
        let check = |name: &str, parts: &[&str], sum: Option<u32>| match sum {
            Some(sum) if sum != checksum(parts) => {
                let what = format!("the registration of {name} is not what was written");
                Err(StoreError::damaged(&self.dir, what))
            }
            _ => Ok(()),
        };
        self.rows(
            "SELECT region, name, detail, tags, crc32 FROM domains",
            (),
            |row| {
                let texts = (row.get(1)?, row.get(2)?, row.get(3)?);
                Ok((row.get(0)?, texts, row.get(4)?))
            },
            |(region, (name, detail, tags), sum): (RegionId, (String, String, String), _)| {
                check(&name, &[&name, &detail, &tags], sum)?;
                let detail: DomainDetail = self.json(&detail)?;
                let tags: ListTagsForResourceOutput = self.json(&tags)?;
                let tags = tags.tags.unwrap_or_default();
                each(Kept::Registration(
                    region,
                    Registration::Domain(detail, tags),
                ))
            },
        )?;
        let of_type = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?));
        self.rows(
            "SELECT region, domain, detail, crc32 FROM workflow_types",
            (),
            of_type,
            |(region, domain, detail, sum): (RegionId, String, String, _)| {
                check(&domain, &[&domain, &detail], sum)?;
                let detail: WorkflowTypeDetail = self.json(&detail)?;
                let registration = Registration::WorkflowType(domain.into(), detail);
                each(Kept::Registration(region, registration))
            },
        )?;
        self.rows(
            "SELECT region, domain, detail, crc32 FROM activity_types",
            (),
            of_type,
            |(region, domain, detail, sum): (RegionId, String, String, _)| {
                check(&domain, &[&domain, &detail], sum)?;
                let detail: ActivityTypeDetail = self.json(&detail)?;
                let registration = Registration::ActivityType(domain.into(), detail);
                each(Kept::Registration(region, registration))
            },
        )
    }

    /// Reads events in the order of their ids, which must be dense.
    fn read_events(
        &self,
        key: RunKey,
        ids: RangeInclusive<i64>,
    ) -> Result<Vec<HistoryEvent>, StoreError> {
        let mut events: Vec<HistoryEvent> = Vec::new();
        let mut expected = None;
        self.rows(
            "SELECT first, events, crc32 FROM appends
             WHERE region = ?1 AND run = ?2 AND first <= ?4 AND first >= ifnull(
                 (SELECT max(first) FROM appends WHERE region = ?1 AND run = ?2 AND first <= ?3), 0)
             ORDER BY first",
            params![key.region, key.run.0, ids.start(), ids.end()],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
            |(first, lines, sum): (i64, String, u32)| {
                if checksum(&[&lines]) != sum {
                    let run = key.run.0;
                    let what = format!("event {first} of run {run} is not what was written");
                    return Err(StoreError::damaged(&self.dir, what));
                }
                for event in serde_json::Deserializer::from_str(&lines).into_iter() {
                    let event: HistoryEvent =
                        event.map_err(|error| StoreError::damaged(&self.dir, error))?;
                    // The first line may begin before what is asked for.
                    let id = *expected.get_or_insert(first.min(*ids.start()));
                    if event.event_id != EventId(id) {
                        return Err(self.lacks(key, EventId(id)));
                    }
                    expected = Some(id + 1);
                    if ids.contains(&id) {
                        events.push(event);
                    }
                }
                Ok(())
            },
        )?;
        Ok(events)
    }

    /// Reads the pages that are written to next, whose rows may all be those of closed runs.
    fn check_ends(&self) -> Result<(), StoreError> {
        self.rows(
            "SELECT append, events, crc32 FROM appends ORDER BY append DESC LIMIT 100",
            (),
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
            |(append, lines, sum): (i64, String, u32)| match checksum(&[&lines]) == sum {
                true => Ok(()),
                false => {
                    let what = format!("append {append} is not what was written");
                    Err(StoreError::damaged(&self.dir, what))
                }
            },
        )?;
        self.rows(
            "SELECT run, first FROM appends INDEXED BY appends_of_run
             ORDER BY region DESC, run DESC, first DESC LIMIT 300",
            (),
            |row| Ok((row.get(0)?, row.get(1)?)),
            |_: (i64, i64)| Ok(()),
        )
    }

    fn lacks(&self, key: RunKey, event: EventId) -> StoreError {
        let what = format!("run {} lacks event {event}", key.run.0);
        StoreError::damaged(&self.dir, what)
    }
}

impl Reader for SqliteReader {
    fn another(&self) -> Result<Box<dyn Reader>, StoreError> {
        Ok(Box::new(Self::open(&self.dir)?))
    }

    fn open(&self, each: &mut dyn FnMut(Kept) -> Result<(), StoreError>) -> Result<(), StoreError> {
        self.rows(
            "SELECT region, name FROM regions ORDER BY region",
            (),
            |row| Ok((row.get(0)?, row.get(1)?)),
            |(region, name): (RegionId, String)| each(Kept::Region(region, SmolStr::from(name))),
        )?;
        self.registrations(each)?;
        // Damage to where the closed runs are found is told now and not when one is looked for.
        for index in [
            "SELECT run FROM closed_index ORDER BY region, domain, closed_by, filter LIMIT 1",
            "SELECT run FROM closed_runs INDEXED BY closed_run_ids ORDER BY region, run_id LIMIT 1",
        ] {
            self.rows(index, (), |row| row.get(0), |_: u64| Ok(()))?;
        }
        self.check_ends()?;
        self.rows(
            "SELECT region, run FROM (
                 SELECT region, (SELECT max(run) FROM closed_runs
                                 WHERE closed_runs.region = regions.region) AS run FROM regions
             ) WHERE run IS NOT NULL",
            (),
            |row| Ok((row.get(0)?, row.get(1)?)),
            |(region, count)| each(Kept::RunCount(region, count)),
        )?;
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
        let history = self.read_events(key, 1..=i64::MAX)?;
        if history.is_empty() {
            return Err(self.lacks(key, EventId(1)));
        }
        Ok(history)
    }

    fn events(
        &self,
        key: RunKey,
        ids: RangeInclusive<i64>,
    ) -> Result<Vec<HistoryEvent>, StoreError> {
        let last = *ids.end();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let events = self.read_events(key, ids)?;
        match events.last() {
            Some(event) if event.event_id == EventId(last) => Ok(events),
            _ => Err(self.lacks(key, EventId(last))),
        }
    }

    fn closed(
        &self,
        region: RegionId,
        domain: &DomainName,
        run_id: &RunId,
    ) -> Result<Option<ClosedRun>, StoreError> {
        closed::find(self, region, domain, run_id)
    }

    fn list_closed(
        &self,
        region: RegionId,
        closed: &ClosedSelection,
        most: usize,
    ) -> Result<Vec<(Entry, WorkflowExecutionInfo)>, StoreError> {
        closed::list(self, region, closed, most)
    }

    fn count_closed(
        &self,
        region: RegionId,
        closed: &ClosedSelection,
        limit: usize,
    ) -> Result<(usize, bool), StoreError> {
        closed::count(self, region, closed, limit)
    }
}
