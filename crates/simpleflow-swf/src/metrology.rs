//! The metrics that activities leave of their own work, and those of a whole execution.
//!
//! Keys and JSON are the Python original's: `WORKFLOW_ID/RUN_ID/activity.ACTIVITY_ID.json` and
//! `WORKFLOW_ID/RUN_ID/metrology.json`, with the run id as Python's `quote_plus` writes it.

use std::collections::BTreeMap;

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use simpleflow_model::{ActivityId, RunId, WorkflowId};
use simpleflow_objects::{ObjectError, Objects};
use simpleflow_service::{ServiceError, SwfService};

use crate::WorkflowExecution;

/// What `quote_plus` escapes, but for the space.
const QUOTED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'_')
    .remove(b'.')
    .remove(b'-')
    .remove(b'~')
    .remove(b' ');

/// How many objects are read at once.
const READS: usize = 16;

/// What the keys of activities have before and after their ids.
const ACTIVITY: (&str, &str) = ("activity.", ".json");

/// The key of the metrics of an activity.
pub fn activity_key(workflow_id: &WorkflowId, run_id: &RunId, activity_id: &ActivityId) -> String {
    let (before, after) = ACTIVITY;
    format!(
        "{}/{before}{activity_id}{after}",
        level(workflow_id, run_id)
    )
}

/// The key of the metrics of a whole execution.
pub fn execution_key(workflow_id: &WorkflowId, run_id: &RunId) -> String {
    format!("{}/metrology.json", level(workflow_id, run_id))
}

/// What all keys of an execution have in common, without a `/`.
fn level(workflow_id: &WorkflowId, run_id: &RunId) -> String {
    let run_id = utf8_percent_encode(run_id.as_str(), QUOTED).to_string();
    format!("{workflow_id}/{}", run_id.replace(' ', "+"))
}

/// Why the metrics of an execution cannot be put together.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MetrologyError {
    /// The service does not give the history.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// Metrics cannot be read or written.
    #[error("metrics: {0}")]
    Objects(#[from] ObjectError),
    /// What an activity left is not JSON.
    #[error("metrics: object {key:?} in {place} is not JSON: {problem}")]
    Json {
        /// The place.
        place: String,
        /// The key there.
        key: String,
        /// What is wrong.
        problem: String,
    },
    /// No activity left any, or not there.
    #[error(
        "no activity of execution {workflow_id} run {run_id} left metrics in {place}: is that where \
         its workers keep them?"
    )]
    None {
        /// The workflow id.
        workflow_id: WorkflowId,
        /// The run id.
        run_id: RunId,
        /// The place.
        place: String,
    },
}

impl<S: SwfService> WorkflowExecution<S> {
    /// Puts the metrics of its activities together with its history, writes that beside them as
    /// `metrology.json`, in place of what was there, and gives it: a list of activities and child
    /// executions, each its id and its members as in [`History::cooked`](crate::History::cooked),
    /// with the member `metrology` where it left metrics. `place` is where its workers keep them.
    ///
    /// It can be done at any time, and again: an execution that is open has what there is so far.
    ///
    /// # Errors
    /// [`MetrologyError`]. Nothing is written then, unless the write itself failed.
    pub async fn merge_metrology(&self, place: &Objects) -> Result<Value, MetrologyError> {
        let id = self.id();
        let mut metrics = read_all(place, &level(&id.workflow_id, &id.run_id)).await?;
        if metrics.is_empty() {
            return Err(MetrologyError::None {
                workflow_id: id.workflow_id.clone(),
                run_id: id.run_id.clone(),
                place: place.url(),
            });
        }
        let tasks = self.history().await?.cooked_tasks().into_iter();
        let merged = tasks.map(|(id, mut task)| {
            let of_it = metrics.remove(id.as_str());
            if let (Some(metrics), Value::Object(members)) = (of_it, &mut task) {
                members.insert("metrology".to_owned(), metrics);
            }
            json!([id, task])
        });
        let merged = Value::Array(merged.collect());
        let key = execution_key(&id.workflow_id, &id.run_id);
        place.put(&key, format!("{merged:#}")).await?;
        Ok(merged)
    }
}

/// The metrics of the activities of an execution, by their ids.
async fn read_all(place: &Objects, level: &str) -> Result<BTreeMap<String, Value>, MetrologyError> {
    let (before, after) = ACTIVITY;
    let before = format!("{level}/{before}");
    let listed = place.list(&before).await?.into_iter();
    let activities = listed.filter_map(|object| {
        let id = object.key.strip_prefix(&before)?.strip_suffix(after)?;
        Some((id.to_owned(), object.key.clone()))
    });
    let read = async |(id, key): (String, String)| {
        let metrics = place.get(&key).await?;
        match serde_json::from_slice(&metrics) {
            Ok(metrics) => Ok((id, metrics)),
            Err(error) => Err(MetrologyError::Json {
                place: place.url(),
                key,
                problem: error.to_string(),
            }),
        }
    };
    stream::iter(activities)
        .map(read)
        .buffer_unordered(READS)
        .try_collect()
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_the_originals() {
        let (workflow_id, run_id) = (WorkflowId::from("a b"), RunId::from("22+x/=~ y_-.é"));
        assert_eq!(
            activity_key(&workflow_id, &run_id, &ActivityId::from("activity-m.f-1")),
            "a b/22%2Bx%2F%3D~+y_-.%C3%A9/activity.activity-m.f-1.json"
        );
        assert_eq!(
            execution_key(&workflow_id, &"r".into()),
            "a b/r/metrology.json"
        );
    }
}
