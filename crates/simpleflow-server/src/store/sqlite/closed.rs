//! Closed runs: a row of each, and rows of an index that has one order for each filter and time.
//!
//! A page of a listing is a range of the index, whatever it selects by, so it costs what is on it
//! and not what is in the domain.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use simpleflow_engine::{ClosedBy, ClosedSelection, Entry, ExecutionKey, Filter};
use simpleflow_model::types::{WorkflowExecutionDetail, WorkflowExecutionInfo};
use simpleflow_model::{DomainName, RunId, Timestamp};

use super::checksum;
use super::reader::SqliteReader;
use super::writer::delete_from;
use crate::store::{ClosedRun, Portion, RegionId, RunKey, StoreError};

/// A time by which the index orders, as it is kept.
fn by(by: ClosedBy) -> u8 {
    match by {
        ClosedBy::Start => 0,
        ClosedBy::Close => 1,
    }
}

/// A filter as it is kept.
fn text(filter: &Filter) -> String {
    match filter {
        Filter::All => "a".to_owned(),
        Filter::WorkflowId(id) => format!("w{id}"),
        Filter::Type(name) => format!("t{name}"),
        // A name may hold anything, so it is told where it ends.
        Filter::TypeVersion(name, version) => format!("v{} {name}{version}", name.len()),
        Filter::Tag(tag) => format!("g{tag}"),
        Filter::Status(status) => format!("s{status}"),
    }
}

/// The rows of a run in the index: time, filter, at.
fn rows(info: &WorkflowExecutionInfo) -> impl Iterator<Item = (u8, String, i64)> {
    let times = [
        (by(ClosedBy::Start), Some(info.start_timestamp)),
        (by(ClosedBy::Close), info.close_timestamp),
    ];
    Filter::passed_by(info).into_iter().flat_map(move |filter| {
        let filter = text(&filter);
        let times = times.into_iter();
        times.filter_map(move |(by, at)| Some((by, filter.clone(), at?.as_micros())))
    })
}

const DELETE_FROM_INDEX: &str = "DELETE FROM closed_index WHERE region = ? AND domain = ?
     AND closed_by = ? AND filter = ? AND at = ? AND run = ?";

/// The checksum of a row of a run.
fn sum(domain: &str, events: i64, detail: &str) -> u32 {
    checksum(&[domain, &events.to_string(), detail])
}

pub(super) fn insert(
    connection: &Connection,
    run: &ClosedRun,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let ClosedRun {
        key,
        domain,
        events,
        detail,
    } = run;
    let info = &detail.execution_info;
    let text = serde_json::to_string(detail)?;
    let events = i64::try_from(*events)?;
    connection
        .prepare_cached("INSERT INTO closed_runs VALUES (?, ?, ?, ?, ?, ?, ?, ?)")?
        .execute(params![
            key.region,
            key.run.0,
            domain.as_str(),
            info.execution.workflow_id.as_str(),
            info.execution.run_id.as_str(),
            events,
            text,
            sum(domain, events, &text),
        ])?;
    // A tag may be there twice.
    let mut insert = connection
        .prepare_cached("INSERT OR IGNORE INTO closed_index VALUES (?, ?, ?, ?, ?, ?)")?;
    for (by, filter, at) in rows(info) {
        insert.execute(params![
            key.region,
            domain.as_str(),
            by,
            filter,
            at,
            key.run.0
        ])?;
    }
    Ok(())
}

/// Deletes a run with its events. It need not be a closed one. Says how many events a closed one had.
pub(super) fn delete(connection: &Connection, key: RunKey) -> rusqlite::Result<usize> {
    let kept = connection
        .prepare_cached(
            "SELECT run, domain, events, detail, crc32 FROM closed_runs
             WHERE region = ? AND run = ?",
        )?
        .query_row(params![key.region, key.run.0], |row| {
            KeptClosedRun::read(row, 0)
        })
        .optional()?;
    if let Some(kept) = &kept {
        if let Some(detail) = kept.detail() {
            let mut delete = connection.prepare_cached(DELETE_FROM_INDEX)?;
            for (by, filter, at) in rows(&detail.execution_info) {
                delete.execute(params![key.region, kept.domain, by, filter, at, key.run.0])?;
            }
        } else {
            tracing::error!(run = kept.run, "a closed run is not what was written");
            // It cannot say where it is in the index, so all of that is looked through.
            delete_from(connection, &["closed_index"], key)?;
        }
    }
    delete_from(connection, &["appends", "closed_runs"], key)?;
    Ok(kept.map_or(0, |kept| usize::try_from(kept.events).unwrap_or(0)))
}

pub(super) fn expire(
    connection: &Connection,
    retentions: &[(RegionId, DomainName, Duration)],
    now: Timestamp,
    most: Portion,
) -> rusqlite::Result<Option<Timestamp>> {
    let (by, filter) = (by(ClosedBy::Close), text(&Filter::All));
    let mut oldest = connection.prepare_cached(
        "SELECT at, run FROM closed_index WHERE region = ? AND domain = ? AND closed_by = ?
         AND filter = ? ORDER BY at, run LIMIT 1",
    )?;
    let mut next: Option<Timestamp> = None;
    let mut left = most;
    for (region, domain, retention) in retentions {
        let mut first = || {
            oldest
                .query_row(params![region, domain.as_str(), by, filter], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })
                .optional()
        };
        while let Some((at, run)) = first()? {
            let due = Timestamp::from_micros(at) + *retention;
            if due > now || left.runs == 0 || left.events == 0 {
                let due = due.max(now);
                next = Some(next.map_or(due, |next| next.min(due)));
                break;
            }
            left.runs -= 1;
            let key = RunKey {
                region: *region,
                run: ExecutionKey(run),
            };
            left.events = left.events.saturating_sub(delete(connection, key)?);
            // The row that led here goes even if there is no run to it.
            connection
                .prepare_cached(DELETE_FROM_INDEX)?
                .execute(params![region, domain.as_str(), by, filter, at, run])?;
        }
    }
    Ok(next)
}

/// A run as it was read, yet to be held against its checksum.
struct KeptClosedRun {
    run: u64,
    domain: String,
    events: i64,
    detail: String,
    crc32: u32,
}

impl KeptClosedRun {
    /// Of a row with these columns from one on.
    fn read(row: &Row<'_>, first: usize) -> rusqlite::Result<Self> {
        Ok(Self {
            run: row.get(first)?,
            domain: row.get(first + 1)?,
            events: row.get(first + 2)?,
            detail: row.get(first + 3)?,
            crc32: row.get(first + 4)?,
        })
    }

    /// Unless it is damaged.
    fn detail(&self) -> Option<WorkflowExecutionDetail> {
        (sum(&self.domain, self.events, &self.detail) == self.crc32)
            .then(|| serde_json::from_str(&self.detail).ok())
            .flatten()
    }
}

fn damaged(reader: &SqliteReader, run: u64) -> StoreError {
    let what = format!("the closed run {run} is not what was written");
    StoreError::damaged(&reader.dir, what)
}

/// A closed run by its id. Without being told, SQLite looks at every run of the region: the key of the
/// table begins with that too, and it takes the way to the row for the longer part.
const FIND: &str = "SELECT run, domain, events, detail, crc32
     FROM closed_runs INDEXED BY closed_run_ids
     WHERE region = ? AND run_id = ? AND domain = ?";

pub(super) fn find(
    reader: &SqliteReader,
    region: RegionId,
    domain: &DomainName,
    run_id: &RunId,
) -> Result<Option<ClosedRun>, StoreError> {
    let mut found = None;
    reader.rows(
        FIND,
        params![region, run_id.as_str(), domain.as_str()],
        |row| KeptClosedRun::read(row, 0),
        |kept| {
            let detail = kept.detail();
            let run = ExecutionKey(kept.run);
            found = Some(ClosedRun {
                key: RunKey { region, run },
                domain: domain.clone(),
                events: usize::try_from(kept.events).unwrap_or(0),
                detail: detail
                    .filter(|detail| detail.execution_info.execution.run_id == *run_id)
                    .ok_or_else(|| damaged(reader, kept.run))?,
            });
            Ok(())
        },
    )?;
    Ok(found)
}

/// An entry of the index as it is kept.
fn entry((at, key): Entry) -> (i64, i64) {
    (at.as_micros(), i64::try_from(key.0).unwrap_or(i64::MAX))
}

pub(super) fn list(
    reader: &SqliteReader,
    region: RegionId,
    closed: &ClosedSelection,
    most: usize,
) -> Result<Vec<(Entry, WorkflowExecutionInfo)>, StoreError> {
    let selection = &closed.selection;
    let (oldest, latest) = (entry(selection.oldest), entry(selection.latest));
    let order = if selection.ascending {
        "i.at, i.run"
    } else {
        "i.at DESC, i.run DESC"
    };
    let query = format!(
        "SELECT i.at, i.run, r.domain, r.events, r.detail, r.crc32
         FROM closed_index i LEFT JOIN closed_runs r ON r.region = i.region AND r.run = i.run
         WHERE i.region = ? AND i.domain = ? AND i.closed_by = ? AND i.filter = ?
         AND (i.at, i.run) BETWEEN (?, ?) AND (?, ?) ORDER BY {order} LIMIT ?"
    );
    let mut found = Vec::new();
    reader.rows(
        &query,
        params![
            region,
            selection.domain.as_str(),
            by(closed.by),
            text(&selection.filter),
            oldest.0,
            oldest.1,
            latest.0,
            latest.1,
            most
        ],
        |row| Ok((row.get(0)?, KeptClosedRun::read(row, 1)?)),
        |(at, kept): (i64, _)| {
            let at = Timestamp::from_micros(at);
            let info = kept.detail().map(|detail| detail.execution_info);
            let info = info.filter(|info| match closed.by {
                ClosedBy::Start => info.start_timestamp == at,
                ClosedBy::Close => info.close_timestamp == Some(at),
            });
            let info = info.ok_or_else(|| damaged(reader, kept.run))?;
            found.push(((at, ExecutionKey(kept.run)), info));
            Ok(())
        },
    )?;
    Ok(found)
}

pub(super) fn count(
    reader: &SqliteReader,
    region: RegionId,
    closed: &ClosedSelection,
    limit: usize,
) -> Result<(usize, bool), StoreError> {
    let selection = &closed.selection;
    let (oldest, latest) = (entry(selection.oldest), entry(selection.latest));
    let mut found = 0;
    reader.rows(
        "SELECT count(*) FROM (
             SELECT 1 FROM closed_index
             WHERE region = ? AND domain = ? AND closed_by = ? AND filter = ?
             AND (at, run) BETWEEN (?, ?) AND (?, ?) LIMIT ?
         )",
        params![
            region,
            selection.domain.as_str(),
            by(closed.by),
            text(&selection.filter),
            oldest.0,
            oldest.1,
            latest.0,
            latest.1,
            limit.saturating_add(1)
        ],
        |row| row.get(0),
        |count: usize| {
            found = count;
            Ok(())
        },
    )?;
    Ok((found.min(limit), found > limit))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use rusqlite::Connection;

    use super::super::schema::{STEPS, migrate};
    use super::*;

    #[test]
    fn a_closed_run_is_found_without_a_look_at_the_others() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection, Path::new(""), STEPS).unwrap();
        let explain = format!("EXPLAIN QUERY PLAN {FIND}");
        let plan = connection.query_row(&explain, [1, 2, 3], |row| row.get::<_, String>("detail"));
        assert_eq!(
            plan.unwrap(),
            "SEARCH closed_runs USING INDEX closed_run_ids (region=? AND run_id=?)"
        );
    }
}
