//! Tests of workflows on small histories, without a service.
//!
//! [`HistoryBuilder`] writes a history as SWF would have recorded it. [`replay`] says what a
//! workflow decides on a history, or whether it still decides what a recorded one says.
//!
//! ```
//! # use simpleflow_core::{self as simpleflow, Error, Flow, Workflow, WorkflowDefinition, WorkflowInput};
//! # use simpleflow_core::payload::{Arguments, ArgumentError, Parameter};
//! # struct Nap;
//! # impl WorkflowInput for Nap {
//! #     fn definition() -> &'static WorkflowDefinition {
//! #         static DEFINITION: std::sync::LazyLock<WorkflowDefinition> =
//! #             std::sync::LazyLock::new(|| WorkflowDefinition::new("nap", &[]));
//! #         &DEFINITION
//! #     }
//! #     fn from_arguments(_: Arguments<'_>) -> Result<Self, ArgumentError> { Ok(Nap) }
//! #     fn to_arguments(&self) -> Result<Vec<simpleflow_model::SmolStr>, serde_json::Error> { Ok(vec![]) }
//! # }
//! # impl Workflow for Nap {
//! #     type Output = ();
//! #     async fn run(self, flow: Flow) -> Result<(), Error> {
//! #         flow.start_timer("nap", std::time::Duration::from_secs(60)).await?;
//! #         Ok(())
//! #     }
//! # }
//! use simpleflow::testing::{HistoryBuilder, replay};
//!
//! let history = HistoryBuilder::new()
//!     .started("[]")
//!     .decision(|d| d.start_timer("nap", 60))
//!     .timer_fired("nap")
//!     .decision(|d| d.complete("null"));
//! replay::<Nap>(&history).check()?;
//! # Ok::<(), simpleflow::testing::ReplayFailed>(())
//! ```

mod builder;
mod decided;
mod flat;
mod recorded;

use simpleflow_model::values::Values as _;
use simpleflow_model::{DomainName, HistoryEvent, RunId, WorkflowExecution, WorkflowId};

pub use builder::HistoryBuilder;
pub use decided::Decided;
pub use recorded::{IntoHistory, InvalidHistory, RecordedHistory};

use crate::context::RunContext;
use crate::registry::WorkflowEntry;
use crate::replay::{Decisions, Limits, ReplayError, Replayer};
use crate::workflow::Workflow;

/// The replay of workflow `W` over a history: events, a [`HistoryBuilder`], or the JSON text of a
/// recorded one, in any of the forms that [`RecordedHistory::parse`] reads.
pub fn replay<W: Workflow>(history: impl IntoHistory) -> Replay {
    Replay::of(WorkflowEntry::of::<W>(), history)
}

/// A replay that can be asked for its decisions, or checked. Made by [`replay`].
#[must_use = "a replay does nothing until it is asked"]
pub struct Replay {
    entry: WorkflowEntry,
    history: Result<Vec<HistoryEvent>, InvalidHistory>,
    run: RunContext,
    limits: Limits,
}

impl Replay {
    /// The replay of a workflow of a registry; otherwise as [`replay`].
    pub fn of(entry: WorkflowEntry, history: impl IntoHistory) -> Self {
        let mut history = history.into_history();
        let limits = history
            .as_mut()
            .map_or_else(|_| Limits::default(), limits_of);
        let execution = history
            .as_ref()
            .ok()
            .and_then(|history| history.execution.clone())
            .unwrap_or_else(|| WorkflowExecution {
                workflow_id: "workflow".into(),
                run_id: "run".into(),
                ..WorkflowExecution::default()
            });
        Self {
            entry,
            limits,
            history: history.map(|history| history.events),
            run: RunContext {
                domain_name: "test".into(),
                workflow_id: execution.workflow_id,
                run_id: execution.run_id,
                ..RunContext::default()
            },
        }
    }

    /// The workflow id, on which the ids of children and the random values depend.
    pub fn workflow_id(mut self, workflow_id: impl Into<WorkflowId>) -> Self {
        self.run.workflow_id = workflow_id.into();
        self
    }

    /// The run id, on which the ids of children and the random values depend.
    pub fn run_id(mut self, run_id: impl Into<RunId>) -> Self {
        self.run.run_id = run_id.into();
        self
    }

    /// The domain.
    pub fn domain(mut self, domain: impl Into<DomainName>) -> Self {
        self.run.domain_name = domain.into();
        self
    }

    /// Other limits than the service's. A history with values that are longer than the service takes
    /// is one of deciders without that limit, and is replayed without it unless this is said.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// What the workflow decides at the end of the history; nothing when it is closed.
    ///
    /// # Errors
    /// [`ReplayFailed`] when the history cannot be read, or the workflow does not do what it says.
    pub fn decisions(self) -> Result<Decisions, ReplayFailed> {
        let mut replayer = Replayer::new(self.entry, self.run, self.limits);
        replayer.feed(self.history?)?;
        Ok(replayer.decisions()?)
    }

    /// Checks that the workflow decides, at each decision of the history, what the history says
    /// that it decided.
    ///
    /// # Errors
    /// [`ReplayFailed`], whose message shows where they part.
    pub fn check(self) -> Result<(), ReplayFailed> {
        self.decisions().map(drop)
    }
}

/// The limits of the deciders that a history is of.
fn limits_of(history: &mut RecordedHistory) -> Limits {
    let mut limits = Limits::default();
    history.events.each_value(&mut |field, value| {
        if field.is_exceeded_by(value) {
            limits.value_length = usize::MAX;
        }
    });
    limits
}

/// Why a history says nothing about a workflow, or nothing good.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayFailed {
    /// The history cannot be read.
    #[error(transparent)]
    History(#[from] InvalidHistory),
    /// The workflow does not do what the history says it did.
    #[error(transparent)]
    Replay(#[from] ReplayError),
}
