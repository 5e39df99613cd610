//! The one that writes: a batch of changes is a transaction.

use std::path::PathBuf;
use std::time::Duration;

use rusqlite::{Connection, params};
use simpleflow_model::{DomainName, Timestamp};

use super::{checksum, closed, failed, registrations};
use crate::store::{Changes, Portion, RegionId, RunKey, StoreError, Writer};

pub(super) struct SqliteWriter {
    pub(super) connection: Connection,
    pub(super) dir: PathBuf,
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
        most: Portion,
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
        registrations::put(connection, *region, registration)?;
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
pub(super) fn delete_from(
    connection: &Connection,
    tables: &[&str],
    key: RunKey,
) -> rusqlite::Result<()> {
    for table in tables {
        connection
            .prepare_cached(&format!("DELETE FROM {table} WHERE region = ? AND run = ?"))?
            .execute(params![key.region, key.run.0])?;
    }
    Ok(())
}
