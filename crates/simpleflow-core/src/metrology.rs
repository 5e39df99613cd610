//! Metrology: what an activity measures of its own work.
//!
//! The JSON is the Python original's.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use serde::Serialize;
use serde_json::{Map, Value};
use simpleflow_model::SmolStr;

use crate::activity::ActivityInfo;

/// Where the time of the steps comes from.
pub type Clock = fn() -> SystemTime;

const MIB: f64 = (1 << 20) as f64;

/// What an activity measures of its own work, step by step. A handle: clones are the same record.
///
/// Whoever measures something finds it at the end of the activity, also of one that failed, as JSON
/// where its worker keeps metrics. The last attempt is the one that is kept. An activity that was
/// cancelled, lost or killed leaves none.
///
/// ```
/// # use simpleflow_core::{ActivityContext, Result};
/// fn import(context: ActivityContext, lines: Vec<String>) -> Result<usize> {
///     let mut step = context.metrology().step("parse");
///     step.metadata("format", "csv");
///     for line in &lines {
///         step.read.bytes += line.len() as u64;
///         step.read.records += 1;
///     }
///     step.done();
///     Ok(lines.len())
/// }
/// # let context = ActivityContext::for_test();
/// # import(context.clone(), vec!["a,b".into()]).unwrap();
/// # assert!(context.metrology().to_json().unwrap().contains(r#""bytes": 3"#));
/// ```
#[derive(Clone)]
pub struct Metrology {
    task: Arc<Task>,
    clock: Clock,
}

/// A task and what was measured of it, in one allocation: most activities measure nothing.
struct Task {
    info: ActivityInfo,
    record: Mutex<Record>,
}

#[derive(Default)]
struct Record {
    /// How many steps were begun.
    begun: usize,
    /// Those that are done, in the order in which they were begun.
    done: BTreeMap<usize, Done>,
    meta: Map<String, Value>,
}

#[derive(Serialize)]
struct Done {
    name: SmolStr,
    metadata: Map<String, Value>,
    time_started: f64,
    time_finished: f64,
    time_total: f64,
    read: Rates,
    write: Rates,
}

#[derive(Serialize)]
struct Rates {
    bytes: u64,
    records: u64,
    mb_s: Option<f64>,
    rec_s: Option<u64>,
    sampled: bool,
}

impl Metrology {
    pub(crate) fn new(info: ActivityInfo) -> Self {
        Self {
            task: Arc::new(Task {
                info,
                record: Mutex::default(),
            }),
            clock: || SystemTime::UNIX_EPOCH,
        }
    }

    pub(crate) fn set_clock(&mut self, clock: Clock) {
        self.clock = clock;
    }

    /// Which task is measured.
    pub fn info(&self) -> &ActivityInfo {
        &self.task.info
    }

    /// Begins a step, which ends when it is [done](Step::done) or dropped. Steps may overlap.
    pub fn step(&self, name: impl Into<SmolStr>) -> Step {
        let mut record = self.record();
        let number = record.begun;
        record.begun += 1;
        Step {
            read: StepIo::default(),
            write: StepIo::default(),
            metadata: Map::new(),
            metrology: self.clone(),
            number,
            name: name.into(),
            started: (self.clock)(),
        }
    }

    /// Says something of the activity as a whole: the member `meta`. A value that has no JSON form is
    /// left out.
    pub fn meta(&self, key: impl Into<String>, value: impl Serialize) {
        if let Ok(value) = serde_json::to_value(value) {
            self.record().meta.insert(key.into(), value);
        }
    }

    /// Whether nothing was measured. A step that is not done does not count.
    pub fn is_empty(&self) -> bool {
        let record = self.record();
        record.done.is_empty() && record.meta.is_empty()
    }

    /// What was measured, as JSON with indents; nothing if nothing was. Times are in seconds, of the
    /// epoch where they say when; `mb_s` is MiB a second, and null where there were no bytes or no
    /// time.
    pub fn to_json(&self) -> Option<String> {
        #[derive(Serialize)]
        struct Json<'a> {
            steps: Vec<&'a Done>,
            meta: Option<&'a Map<String, Value>>,
        }
        if self.is_empty() {
            return None;
        }
        let record = self.record();
        let json = Json {
            steps: record.done.values().collect(),
            meta: Some(&record.meta).filter(|meta| !meta.is_empty()),
        };
        serde_json::to_string_pretty(&json).ok()
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        let record = &self.task.record;
        // Nobody panics half-way through a change.
        record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Metrology {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Metrology").field(self.info()).finish()
    }
}

/// A step of an activity that is measured: [`Metrology::step`]. It ends when it is dropped.
#[must_use = "a step ends when it is dropped: `let mut step = ...`"]
pub struct Step {
    /// What it reads.
    pub read: StepIo,
    /// What it writes.
    pub write: StepIo,
    metadata: Map<String, Value>,
    metrology: Metrology,
    number: usize,
    name: SmolStr,
    started: SystemTime,
}

/// What a step reads or writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StepIo {
    /// How many bytes.
    pub bytes: u64,
    /// How many records, whatever these are.
    pub records: u64,
    /// Whether the numbers are of a sample only.
    pub sampled: bool,
}

impl Step {
    /// Says something of the step: a member of `metadata`. A value that has no JSON form is left out.
    pub fn metadata(&mut self, key: impl Into<String>, value: impl Serialize) {
        if let Ok(value) = serde_json::to_value(value) {
            self.metadata.insert(key.into(), value);
        }
    }

    /// Ends it here.
    pub fn done(self) {
        drop(self);
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        let finished = (self.metrology.clock)();
        // A clock may be set back.
        let total = finished.duration_since(self.started).unwrap_or_default();
        let done = Done {
            name: self.name.clone(),
            metadata: std::mem::take(&mut self.metadata),
            time_started: of_epoch(self.started),
            time_finished: of_epoch(finished),
            time_total: total.as_secs_f64(),
            read: self.read.rates(total),
            write: self.write.rates(total),
        };
        self.metrology.record().done.insert(self.number, done);
    }
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut step = f.debug_struct("Step");
        let step = step.field("name", &self.name).field("read", &self.read);
        step.field("write", &self.write).finish_non_exhaustive()
    }
}

impl StepIo {
    fn rates(self, total: Duration) -> Rates {
        let total = total.as_secs_f64();
        let a_second = |of: u64| (of > 0 && total > 0.0).then(|| of as f64 / total);
        Rates {
            bytes: self.bytes,
            records: self.records,
            mb_s: a_second(self.bytes).map(|rate| (rate / MIB * 100.0).round() / 100.0),
            rec_s: a_second(self.records).map(|rate| rate as u64),
            sampled: self.sampled,
        }
    }
}

fn of_epoch(time: SystemTime) -> f64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap_or_default().as_secs_f64()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use serde_json::json;

    use super::*;

    /// A clock that goes on by two seconds with each look.
    fn metrology() -> Metrology {
        static LOOKS: AtomicU64 = AtomicU64::new(0);
        LOOKS.store(0, Ordering::Relaxed);
        let mut metrology = Metrology::new(ActivityInfo::default());
        metrology.set_clock(|| {
            let look = LOOKS.fetch_add(1, Ordering::Relaxed);
            SystemTime::UNIX_EPOCH + Duration::from_secs(100 + 2 * look)
        });
        metrology
    }

    #[test]
    fn steps_are_written_as_the_original_writes_them() {
        let metrology = metrology();
        assert!(metrology.is_empty());
        let mut read = metrology.step("read");
        let unfinished = metrology.step("unfinished");
        read.read = StepIo {
            bytes: 3 << 20,
            records: 9,
            sampled: true,
        };
        read.metadata("file", "a.csv");
        assert!(metrology.is_empty());
        read.done();
        drop(metrology.step("at once"));
        let written: Value = serde_json::from_str(&metrology.to_json().unwrap()).unwrap();
        let nothing = json!({
            "bytes": 0, "records": 0, "mb_s": null, "rec_s": null, "sampled": false,
        });
        let expected = json!({
            "steps": [
                {
                    "name": "read",
                    "metadata": {"file": "a.csv"},
                    "time_started": 100.0,
                    "time_finished": 104.0,
                    "time_total": 4.0,
                    "read": {
                        "bytes": 3 << 20, "records": 9, "mb_s": 0.75, "rec_s": 2, "sampled": true,
                    },
                    "write": nothing,
                },
                {
                    "name": "at once",
                    "metadata": {},
                    "time_started": 106.0,
                    "time_finished": 108.0,
                    "time_total": 2.0,
                    "read": nothing,
                    "write": nothing,
                },
            ],
            "meta": null,
        });
        assert_eq!(written, expected);
        // It stands where it was begun.
        drop(unfinished);
        metrology.meta("shard", 7);
        let written: Value = serde_json::from_str(&metrology.to_json().unwrap()).unwrap();
        assert_eq!(written["steps"][1]["name"], "unfinished");
        assert_eq!(written["meta"], json!({"shard": 7}));
    }

    #[test]
    fn a_step_that_took_no_time_has_no_rates() {
        let metrology = Metrology::new(ActivityInfo::default());
        let mut step = metrology.step("short");
        step.write.bytes = 5;
        step.done();
        let written: Value = serde_json::from_str(&metrology.to_json().unwrap()).unwrap();
        assert_eq!(written["steps"][0]["write"]["bytes"], 5);
        assert_eq!(written["steps"][0]["write"]["mb_s"], Value::Null);
    }

    #[test]
    fn nothing_is_written_when_nothing_was_measured() {
        let metrology = Metrology::new(ActivityInfo::default());
        assert_eq!(metrology.to_json(), None);
    }
}
