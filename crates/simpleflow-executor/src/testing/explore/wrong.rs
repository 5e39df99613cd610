//! What can be wrong with a schedule, whatever the result.

use simpleflow_core::panics::Panic;
use simpleflow_core::replay::{Decisions, ReplayError};
use simpleflow_model::{Decision, WorkflowExecution, WorkflowId, WorkflowType};

/// How many decisions are shown where they part.
const SHOWN: usize = 3;

/// Why a schedule could not be followed to the end of the execution.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Wrong {
    /// The code decides in several ways on one history.
    #[error(
        "non-deterministic workflow code: execution {workflow_id} decides in two ways on one \
         history\n  {first_is}\n{}\n  a replay of the whole history\n{}\n\
         the workflow's code must do the same at each replay: time, randomness and ids come from \
         the flow, and what changes by itself (statics, the order of a HashMap, files, the \
         environment) goes into an activity",
        indented(first),
        indented(second)
    )]
    Differs {
        /// The execution.
        workflow_id: WorkflowId,
        /// What decided at first: code that was kept, or another replay.
        first_is: &'static str,
        /// What it decided, as JSON, from where they part; up to three decisions.
        first: Vec<String>,
        /// The same of a replay of the whole history.
        second: Vec<String>,
    },
    /// The code does not do what the history says it did.
    #[error("execution {workflow_id}: {source}")]
    Replay {
        /// The execution.
        workflow_id: WorkflowId,
        /// Where they part.
        source: ReplayError,
    },
    /// The replay broke down.
    #[error("execution {workflow_id}: the replay {panic}")]
    Panic {
        /// The execution.
        workflow_id: WorkflowId,
        /// With what.
        panic: Panic,
    },
    /// A child has a type that the program does not know.
    #[error(
        "workflow {:?} version {:?} is not in this program (execution {workflow_id})",
        workflow_type.name.as_str(), workflow_type.version.as_str()
    )]
    UnknownType {
        /// The execution.
        workflow_id: WorkflowId,
        /// Its type.
        workflow_type: WorkflowType,
    },
    /// The execution goes on for longer than it may.
    #[error(
        "the execution is open after {steps} steps: is it without end? Explore::steps allows more"
    )]
    Endless {
        /// So many.
        steps: usize,
    },
    /// A schedule that was given says what cannot happen.
    #[error(
        "the schedule cannot be followed: after {} steps this cannot happen\n  {line}\nbut this \
         can\n{}\nwas it made with another version of the workflow, or with other settings?",
        after,
        indented(possible)
    )]
    Impossible {
        /// How many steps could be followed.
        after: usize,
        /// What cannot happen then.
        line: String,
        /// What can.
        possible: Vec<String>,
    },
    /// The service refused what a decider or a worker sent.
    #[error("the service: {0}")]
    Service(String),
}

impl Wrong {
    pub(super) fn service(error: impl std::fmt::Display) -> Self {
        Self::Service(error.to_string())
    }

    pub(super) fn differs(
        execution: &WorkflowExecution,
        was_kept: bool,
        first: &Decisions,
        second: &Decisions,
    ) -> Self {
        let pairs = first.decisions.iter().zip(&second.decisions);
        let same = pairs.take_while(|(one, other)| one == other).count();
        Self::Differs {
            workflow_id: execution.workflow_id.clone(),
            first_is: match was_kept {
                true => "the code that was kept since its last decision",
                false => "another replay of the whole history",
            },
            first: told(first, same),
            second: told(second, same),
        }
    }
}

/// What is shown of some decisions, of which so many are the same as others.
fn told(decisions: &Decisions, same: usize) -> Vec<String> {
    let parting = decisions.decisions.iter().skip(same);
    let mut lines: Vec<_> = parting.take(SHOWN).map(line).collect();
    if lines.is_empty() {
        let context = decisions.execution_context.as_deref();
        let context = context.map(|context| format!(", and the execution context {context}"));
        lines.push(format!("nothing more{}", context.unwrap_or_default()));
    }
    lines
}

fn line(decision: &Decision) -> String {
    serde_json::to_string(decision).unwrap_or_else(|error| error.to_string())
}

fn indented(lines: &[String]) -> String {
    let lines: Vec<_> = lines.iter().map(|line| format!("    {line}")).collect();
    lines.join("\n")
}
