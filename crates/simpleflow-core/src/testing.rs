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

use std::marker::PhantomData;

use simpleflow_model::types::History;
use simpleflow_model::{DomainName, HistoryEvent, RunId, WorkflowId};

pub use builder::HistoryBuilder;
pub use decided::Decided;

use crate::context::RunContext;
use crate::registry::WorkflowEntry;
use crate::replay::{Decisions, Limits, ReplayError, Replayer};
use crate::workflow::Workflow;

/// The replay of workflow `W` over a history: events, a [`HistoryBuilder`], or the JSON text that
/// `GetWorkflowExecutionHistory` answers, which may also be the bare list of the events.
pub fn replay<W: Workflow>(history: impl IntoHistory) -> Replay<W> {
    Replay {
        history: history.into_history(),
        run: RunContext {
            domain_name: "test".into(),
            workflow_id: "workflow".into(),
            run_id: "run".into(),
            ..RunContext::default()
        },
        limits: Limits::default(),
        workflow: PhantomData,
    }
}

/// A replay that can be asked for its decisions, or checked. Made by [`replay`].
#[must_use = "a replay does nothing until it is asked"]
pub struct Replay<W> {
    history: Result<Vec<HistoryEvent>, InvalidHistory>,
    run: RunContext,
    limits: Limits,
    workflow: PhantomData<W>,
}

impl<W: Workflow> Replay<W> {
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

    /// Other limits than the service's.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// What the workflow decides at the end of the history; nothing when it is closed.
    ///
    /// # Errors
    /// [`ReplayFailed`] when the history cannot be read, or the workflow does not do what it says.
    pub fn decisions(self) -> Result<Decisions, ReplayFailed> {
        let mut replayer = Replayer::new(WorkflowEntry::of::<W>(), self.run, self.limits);
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

/// A text that is not a history.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidHistory {
    /// It is not JSON, or its members are not those of a history.
    #[error(
        "cannot read the history: {0}; expected what GetWorkflowExecutionHistory answers, \
         or the list of its events"
    )]
    Json(String),
    /// It is the first page of several.
    #[error("the history is not complete: it has a nextPageToken, so there are further pages")]
    Page,
    /// There is nothing in it.
    #[error("the history has no events")]
    Empty,
}

/// What can be read as a history.
pub trait IntoHistory {
    /// The events.
    ///
    /// # Errors
    /// [`InvalidHistory`] when it is a text that cannot be read.
    fn into_history(self) -> Result<Vec<HistoryEvent>, InvalidHistory>;
}

impl IntoHistory for Vec<HistoryEvent> {
    fn into_history(self) -> Result<Vec<HistoryEvent>, InvalidHistory> {
        match self.is_empty() {
            true => Err(InvalidHistory::Empty),
            false => Ok(self),
        }
    }
}

impl IntoHistory for &[HistoryEvent] {
    fn into_history(self) -> Result<Vec<HistoryEvent>, InvalidHistory> {
        self.to_vec().into_history()
    }
}

impl IntoHistory for HistoryBuilder {
    fn into_history(self) -> Result<Vec<HistoryEvent>, InvalidHistory> {
        self.build().into_history()
    }
}

impl IntoHistory for &HistoryBuilder {
    fn into_history(self) -> Result<Vec<HistoryEvent>, InvalidHistory> {
        self.events().into_history()
    }
}

impl IntoHistory for &str {
    fn into_history(self) -> Result<Vec<HistoryEvent>, InvalidHistory> {
        let unreadable = |error: serde_json::Error| InvalidHistory::Json(error.to_string());
        if self.trim_start().starts_with('[') {
            let events: Vec<HistoryEvent> = serde_json::from_str(self).map_err(unreadable)?;
            return events.into_history();
        }
        let history: History = serde_json::from_str(self).map_err(unreadable)?;
        match history.next_page_token {
            Some(_) => Err(InvalidHistory::Page),
            None => history.events.into_history(),
        }
    }
}

impl IntoHistory for String {
    fn into_history(self) -> Result<Vec<HistoryEvent>, InvalidHistory> {
        self.as_str().into_history()
    }
}

impl IntoHistory for &String {
    fn into_history(self) -> Result<Vec<HistoryEvent>, InvalidHistory> {
        self.as_str().into_history()
    }
}
