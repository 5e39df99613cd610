//! One that reads, beside the one that writes and beside others.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, Row, params};
use simpleflow_engine::{ClosedSelection, Entry, ExecutionKey, NotedHeartbeat};
use simpleflow_model::types::WorkflowExecutionInfo;
use simpleflow_model::{
    DomainName, EventId, HistoryEvent, RunId, SmolStr, Timestamp, WorkflowExecution,
};

use super::{FILE, FLAGS, checksum, closed, connect, failed, registrations};
use crate::store::{ClosedRun, Kept, KeptRun, Reader, RegionId, RunKey, StoreError};

pub(super) struct SqliteReader {
    connection: Connection,
    pub(super) dir: PathBuf,
}

impl SqliteReader {
    pub(super) fn open(dir: &Path) -> Result<Self, StoreError> {
        Ok(Self {
            connection: connect(dir, FILE, FLAGS)?,
            dir: dir.to_owned(),
        })
    }

    /// Reads the rows of a query.
    pub(super) fn rows<T>(
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

    pub(super) fn json<T: serde::de::DeserializeOwned>(&self, text: &str) -> Result<T, StoreError> {
        serde_json::from_str(text).map_err(|error| StoreError::damaged(&self.dir, error))
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
        registrations::read(self, each)?;
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
