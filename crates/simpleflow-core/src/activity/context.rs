//! What a running activity knows of itself, and its way back to the worker.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use simpleflow_model::{
    ActivityId, DomainName, RunId, SmolStr, TaskListName, TypeName, Version, WorkflowId,
};
use simpleflow_objects::{Objects, Place};

use crate::metrology::{Clock, Metrology};

/// Which task an activity runs for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ActivityInfo {
    /// The name of the activity type.
    pub name: TypeName,
    /// The version of the activity type.
    pub version: Version,
    /// The domain of the execution.
    pub domain_name: DomainName,
    /// The workflow id of the execution.
    pub workflow_id: WorkflowId,
    /// The run id of the execution.
    pub run_id: RunId,
    /// The id of the task.
    pub activity_id: ActivityId,
    /// The task list that the worker polled.
    pub activity_task_list: TaskListName,
    /// The input as it came, JSON text.
    pub input: SmolStr,
}

/// Where the heartbeats of an activity go. A worker implements it.
pub trait HeartbeatSink: Send + Sync {
    /// Reports that the activity is alive, with details as JSON text.
    fn heartbeat(&self, details: Option<SmolStr>);

    /// Whether the workflow asked for the cancel of the task, or the task is lost.
    fn is_cancel_requested(&self) -> bool;
}

struct NoSink;

impl HeartbeatSink for NoSink {
    fn heartbeat(&self, _details: Option<SmolStr>) {}
    fn is_cancel_requested(&self) -> bool {
        false
    }
}

/// The context of a running activity: a parameter of this type is filled by the worker.
#[derive(Clone)]
pub struct ActivityContext {
    metrology: Metrology,
    sink: Arc<dyn HeartbeatSink>,
    objects: Objects,
    open: Option<OpenPlace>,
    binaries: Arc<BTreeMap<String, PathBuf>>,
}

/// What opens a place for objects.
pub type OpenPlace = Arc<dyn Fn(&Place) -> Objects + Send + Sync>;

impl ActivityContext {
    /// The context of a task, whose heartbeats go to `sink`, and its objects to `objects`.
    pub fn new(info: ActivityInfo, sink: Arc<dyn HeartbeatSink>, objects: Objects) -> Self {
        Self {
            metrology: Metrology::new(info),
            sink,
            objects,
            open: None,
            binaries: Arc::default(),
        }
    }

    /// The same, with the files of the binaries that the activity needs.
    #[must_use]
    pub fn with_binaries(mut self, binaries: BTreeMap<String, PathBuf>) -> Self {
        self.binaries = Arc::new(binaries);
        self
    }

    /// The same, with what opens other places.
    #[must_use]
    pub fn with_places(mut self, open: OpenPlace) -> Self {
        self.open = Some(open);
        self
    }

    /// The same, with the clock of its [metrology](Self::metrology). Without one time stands still.
    #[must_use]
    pub fn with_clock(mut self, clock: Clock) -> Self {
        self.metrology.set_clock(clock);
        self
    }

    /// A context for a unit test: heartbeats go nowhere, nothing is ever cancelled, objects are in
    /// memory, and time stands still.
    pub fn for_test() -> Self {
        Self::new(ActivityInfo::default(), Arc::new(NoSink), Objects::memory())
    }

    /// Which task the activity runs for.
    pub fn info(&self) -> &ActivityInfo {
        self.metrology.info()
    }

    /// The place for values that are too long for SWF, or that outlive the execution: the one that
    /// its worker was given.
    ///
    /// ```
    /// # use simpleflow_core::{ActivityContext, Result};
    /// async fn render(context: ActivityContext, page: u32) -> Result<String> {
    ///     let key = format!("pages/{page}.svg");
    ///     context.objects().put(&key, "<svg/>").await?;
    ///     Ok(key)
    /// }
    ///
    /// /// In a plain function.
    /// fn size(context: ActivityContext, key: String) -> Result<usize> {
    ///     Ok(context.objects().blocking().get(&key)?.len())
    /// }
    /// ```
    pub fn objects(&self) -> &Objects {
        &self.objects
    }

    /// What the activity measures of its own work: bytes, records and the time of its steps. It costs
    /// nothing when it is not used.
    pub fn metrology(&self) -> &Metrology {
        &self.metrology
    }

    /// The objects of another place than that of the worker, by its URL. Where its worker cannot open any,
    /// all that is asked of it fails.
    pub fn open(&self, place: &Place) -> Objects {
        match &self.open {
            Some(open) => open(place),
            None => Objects::nowhere(format!(
                "this worker cannot open {place}: give it what can, with Resources::places"
            )),
        }
    }

    /// The file of a binary that the activity needs, by its name in `#[activity(binaries = [...])]`.
    /// It is there.
    pub fn binary(&self, name: &str) -> Option<&Path> {
        self.binaries.get(name).map(PathBuf::as_path)
    }

    /// Reports that the activity is alive, with details that a timeout will carry. Details that
    /// have no JSON form are left out.
    pub fn heartbeat<T: Serialize>(&self, details: T) {
        self.sink.heartbeat(crate::payload::to_json(&details).ok());
    }

    /// Whether the workflow asked for the cancel of this task.
    pub fn is_cancel_requested(&self) -> bool {
        self.sink.is_cancel_requested()
    }
}

impl fmt::Debug for ActivityContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.info().fmt(f)
    }
}
