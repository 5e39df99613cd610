//! The schema of the file of the executions, and how a file comes to it.

use std::path::Path;

use rusqlite::Connection;

use super::failed;
use crate::store::StoreError;

/// The schema, a step a version. A step that was released is never changed: what is new is a
/// further step.
pub(super) const STEPS: &[&str] = &[
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

/// Brings the schema of a file to the present version: that of the last of its steps.
pub(super) fn migrate(
    connection: &mut Connection,
    dir: &Path,
    steps: &[&str],
) -> Result<(), StoreError> {
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
