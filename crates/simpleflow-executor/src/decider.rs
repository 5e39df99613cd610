//! The decider: takes decision tasks, replays, answers.
//!
//! It keeps the suspended code of the executions that it decided for. A decision task is then
//! answered from the events that are new; when the code is not there, or does not fit, the whole
//! history is read and replayed.

mod history;
mod kept;
mod patience;
mod polling;
mod pool;
mod sticky;

use std::cell::RefCell;
use std::sync::Arc;

use simpleflow_core::panics::{self, Panic};
use simpleflow_core::replay::{Decisions, HookPanic, Limits, MissingType, ReplayError, Replayer};
use simpleflow_core::{Failure, Registry, RunContext, WorkflowEntry};
use simpleflow_jumbo::Jumbo;
use simpleflow_model::decision::FailWorkflowExecution;
use simpleflow_model::operation::{PollForDecisionTask, RespondDecisionTaskCompleted};
use simpleflow_model::types::DecisionTask;
use simpleflow_model::{
    Decision, DomainName, EventAttributes, EventId, HistoryEvent, TaskList, TaskListName,
    TaskToken, Timestamp, WorkflowExecution, WorkflowType, limits,
};
use simpleflow_service::{NextTask, ServiceError, SwfService};
use tokio_util::sync::CancellationToken;

use crate::poll::{self, ThenPoll};
use crate::registration;
use crate::retry::persistently;
use crate::stop::Stop;
use crate::values::{self, Patience, ValueError};
use kept::{Kept, Suspended};
use patience::{VALUES, patience};
pub use pool::Deciders;
use sticky::Sticky;

/// Why a decision task was not answered. The service will hand it out again when its time is up:
/// nothing is lost.
#[derive(Debug, thiserror::Error)]
pub enum DeciderError {
    /// The service did not take or give something.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// No workflow of the program has that type.
    #[error(
        "workflow {:?} version {:?} is not in this program ({})",
        workflow_type.name.as_str(), workflow_type.version.as_str(), describe(execution)
    )]
    UnknownType {
        /// The type.
        workflow_type: WorkflowType,
        /// The execution.
        execution: WorkflowExecution,
    },
    /// The history cannot be replayed with this code.
    #[error("{}: {source}", describe(execution))]
    Replay {
        /// The execution.
        execution: WorkflowExecution,
        /// Why.
        source: ReplayError,
    },
    /// The service gives a history that does not go as far as the task.
    #[error(
        "{}: its history has no event after {last}, but the decision task started with event \
         {started}: the service is late",
        describe(execution)
    )]
    Behind {
        /// The execution.
        execution: WorkflowExecution,
        /// The last event that there is.
        last: EventId,
        /// The start of the task.
        started: EventId,
    },
    /// A value of the history cannot be read, or one of a decision cannot be written.
    #[error("{}: {source}", describe(execution))]
    Value {
        /// The execution.
        execution: WorkflowExecution,
        /// Which, and why.
        source: ValueError,
    },
    /// The replay broke down.
    #[error("{}: the replay {panic}", describe(execution))]
    Panic {
        /// The execution.
        execution: WorkflowExecution,
        /// With what.
        panic: Panic,
    },
}

fn describe(execution: &WorkflowExecution) -> String {
    format!(
        "execution {} run {}",
        execution.workflow_id, execution.run_id
    )
}

/// What a decider does after an answer.
#[derive(Clone, Copy)]
enum Then {
    /// It polls the same list, unless there is a stop.
    Poll,
    /// It does not poll: whoever has it answer may.
    Rest,
}

/// Whom the decision tasks of an execution come back to.
enum Affinity {
    /// Nobody else decides on its task lists.
    Alone,
    /// Whoever polls first.
    Anyone,
    /// It has a task list of its own.
    Sticky(Sticky),
}

/// Changes where the tasks of a decision go, before it is sent. What they are must stay: the code is
/// matched with it.
type Reroute = Arc<dyn Fn(&WorkflowExecution, &mut Decision) + Send + Sync>;

/// A decider for one domain. It stays on one thread: workflows may hold what is not `Send`.
///
/// As it is made, it is the only one on its task lists: each task comes back to it. For several
/// there is [`Deciders`].
pub struct Decider<S> {
    service: S,
    domain: DomainName,
    registry: Registry,
    limits: Limits,
    affinity: Affinity,
    reroute: Option<Reroute>,
    jumbo: Option<Jumbo>,
    kept: RefCell<Kept>,
}

impl<S: SwfService> Decider<S> {
    /// A decider for the workflows of a registry.
    pub fn new(service: S, domain: DomainName, registry: Registry) -> Self {
        Self {
            service,
            domain,
            registry,
            limits: Limits::default(),
            affinity: Affinity::Alone,
            reroute: None,
            jumbo: None,
            kept: RefCell::default(),
        }
    }

    /// How many suspended executions to keep at most: 10,000 unless this is said. The others are
    /// replayed in full.
    #[must_use]
    pub fn keep(mut self, most: usize) -> Self {
        self.kept.get_mut().most = most;
        self
    }

    /// How many bytes they may hold, about: 256 MiB unless this is said.
    #[must_use]
    pub fn keep_bytes(mut self, most: usize) -> Self {
        self.kept.get_mut().most_bytes = most;
        self
    }

    /// Lets values travel elsewhere that are longer than their fields. Unless this is said they are
    /// refused.
    ///
    /// A value of a history that is lost fails the execution. While its place is out of reach it is
    /// tried again for up to 30 seconds, or the time that the decision may take if that is less. What
    /// cannot be read then, or is refused, leaves the decision task unanswered: it is handed out
    /// again when its time is up. So it is with what a decision writes. That is written anew when the
    /// decision is made again; what was written before names nothing then.
    #[must_use]
    pub fn jumbo(mut self, jumbo: Jumbo) -> Self {
        self.limits.value_length = values::ceiling(Some(&jumbo), limits::DATA_LENGTH);
        self.jumbo = Some(jumbo);
        self
    }

    fn sticky(&self) -> Option<&Sticky> {
        match &self.affinity {
            Affinity::Sticky(sticky) => Some(sticky),
            Affinity::Alone | Affinity::Anyone => None,
        }
    }

    /// Answers a decision task that a poll of that task list brought.
    ///
    /// # Errors
    /// [`DeciderError`]: the task stays unanswered.
    pub async fn decide(
        &self,
        task: DecisionTask,
        task_list: &TaskListName,
    ) -> Result<(), DeciderError> {
        let (poll, never) = (self.poll_request(task_list), Stop::new());
        let decided = self.decide_until(task, &poll, Then::Rest, &never).await;
        decided.map(drop)
    }

    /// Answers a decision task that a poll brought, and asks again what may yet succeed until there
    /// is a stop.
    async fn decide_until(
        &self,
        task: DecisionTask,
        poll: &PollForDecisionTask,
        then: Then,
        stop: &Stop,
    ) -> Result<Option<NextTask<DecisionTask>>, DeciderError> {
        let execution = task.workflow_execution.clone();
        let task_token = task.task_token.clone();
        warn_of_length(&task);
        let (mut suspended, mut decided) = match self.replay(task, poll, stop).await {
            Err(DeciderError::Value { source, .. }) if source.is_final() => {
                self.fail(task_token, &source, stop).await?;
                return Ok(None);
            }
            replayed => replayed?,
        };
        if let Some(reroute) = &self.reroute {
            for decision in &mut decided.decisions {
                reroute(&execution, decision);
            }
        }
        for HookPanic { hook, panic } in suspended.replayer.take_hook_panics() {
            tracing::error!("{}: the hook {hook} {panic}", describe(&execution));
        }
        for name in suspended.replayer.signals_left_behind() {
            tracing::warn!(
                "{}: it continues as new, and nobody took a signal {name:?}, which the next run \
                 will not see; take signals before",
                describe(&execution)
            );
        }
        for missing in suspended.replayer.take_missing_types() {
            self.register(missing, stop.at_once_token()).await?;
        }
        let closes = decided.decisions.last().is_some_and(is_closing);
        tracing::debug!(
            workflow_id = %execution.workflow_id,
            run_id = %execution.run_id,
            decisions = decided.decisions.len(),
            "decided"
        );
        let (next_list, limit) = match self.sticky() {
            Some(sticky) => sticky.next_list(&suspended.task_list, stop.is_requested()),
            None => (None, None),
        };
        suspended.overridden = limit.is_some();
        let mut answer = RespondDecisionTaskCompleted {
            task_token,
            decisions: Some(decided.decisions),
            execution_context: decided.execution_context,
            task_list: next_list,
            task_list_schedule_to_start_timeout: limit,
            ..RespondDecisionTaskCompleted::default()
        };
        let patience = Patience::until_stop(stop.at_once_token()).at_most(suspended.patience);
        match values::encode_patiently(self.jumbo.as_ref(), &mut answer, patience).await {
            Ok(()) => {}
            Err(error) if error.is_final() => {
                self.fail(answer.task_token, &error, stop).await?;
                return Ok(None);
            }
            Err(source) => return Err(DeciderError::Value { execution, source }),
        }
        // It is kept from now on: the next task may be here before the word that this one is
        // answered. A close may be refused, when something happened meanwhile: the rare full replay
        // is cheaper than keeping what is most likely over.
        let started = suspended.started;
        if !closes {
            let run_id = execution.run_id.clone();
            self.kept.borrow_mut().put(run_id, suspended);
        }
        let then_poll = match then {
            Then::Poll => Some(ThenPoll { poll, stop }),
            Then::Rest => None,
        };
        let answered = poll::answer(&self.service, answer, then_poll, stop.at_once_token());
        answered.await.map_err(|error| {
            // An answer that is refused leaves nothing kept: the history is looked at again.
            self.kept.borrow_mut().forget(&execution.run_id, started);
            error.into()
        })
    }

    /// Fails an execution whose code cannot be told what it waits for, or cannot say what it wants.
    async fn fail(
        &self,
        task_token: TaskToken,
        error: &ValueError,
        stop: &Stop,
    ) -> Result<(), DeciderError> {
        let failure = Failure::new(format!("Cannot replay the workflow: {error}"), None);
        let fail = FailWorkflowExecution {
            reason: Some(failure.reason),
            details: failure.details,
            ..FailWorkflowExecution::default()
        };
        let answer = RespondDecisionTaskCompleted {
            task_token,
            decisions: Some(vec![fail.into()]),
            ..RespondDecisionTaskCompleted::default()
        };
        let give_up = stop.at_once_token();
        poll::answer::<_, PollForDecisionTask>(&self.service, answer, None, give_up).await?;
        Ok(())
    }

    /// The decisions on a task, from what is kept or else from the whole history.
    async fn replay(
        &self,
        mut task: DecisionTask,
        poll: &PollForDecisionTask,
        stop: &Stop,
    ) -> Result<(Suspended, Decisions), DeciderError> {
        let kept = self.kept.borrow_mut().take(&task.workflow_execution.run_id);
        // What is kept is where the history was when it was last decided on, or is of no use.
        if let Some(mut kept) = kept.filter(|k| task.previous_started_event_id == Some(k.started)) {
            let last = kept.started;
            let mut events = self.events(poll.clone(), &mut task, last, stop).await?;
            if let (Some(sticky), true) = (self.sticky(), kept.overridden) {
                sticky.check(last, &events);
            }
            // A service may lose a task that was not on disk, and give another its number.
            let is_the_same = |event: &HistoryEvent| event.event_timestamp == kept.started_at;
            if events.first().is_some_and(is_the_same) {
                events.remove(0);
                match go_on(&mut kept, events, &task) {
                    Ok(decisions) => return Ok((kept, decisions)),
                    Err(error) => tracing::warn!("what was kept is of no use: {error}"),
                }
            }
        }
        let entry = self.entry(&task)?;
        let events = self
            .events(poll.clone(), &mut task, EventId(1), stop)
            .await?;
        let mut suspended = self.suspended(entry, &task, &events);
        let decisions = go_on(&mut suspended, events, &task)?;
        Ok((suspended, decisions))
    }

    /// The events of a task from one on, with the values that the code will read.
    async fn events(
        &self,
        poll: PollForDecisionTask,
        task: &mut DecisionTask,
        first: EventId,
        stop: &Stop,
    ) -> Result<Vec<HistoryEvent>, DeciderError> {
        let token = stop.at_once_token();
        let mut events = history::of_task(&self.service, poll, task, first, token).await?;
        let patience = Patience::until_stop(token).at_most(patience(&events));
        let decoded = values::decode_for_code(self.jumbo.as_ref(), &mut events, patience).await;
        decoded.map_err(|source| DeciderError::Value {
            execution: task.workflow_execution.clone(),
            source,
        })?;
        Ok(events)
    }

    fn entry(&self, task: &DecisionTask) -> Result<WorkflowEntry, DeciderError> {
        let workflow_type = &task.workflow_type;
        self.registry
            .find_workflow(&workflow_type.name, &workflow_type.version)
            .copied()
            .ok_or_else(|| DeciderError::UnknownType {
                workflow_type: workflow_type.clone(),
                execution: task.workflow_execution.clone(),
            })
    }

    /// An execution of which no event is replayed yet.
    fn suspended(
        &self,
        entry: WorkflowEntry,
        task: &DecisionTask,
        events: &[HistoryEvent],
    ) -> Suspended {
        let run = RunContext {
            domain_name: self.domain.clone(),
            workflow_id: task.workflow_execution.workflow_id.clone(),
            run_id: task.workflow_execution.run_id.clone(),
            ..RunContext::default()
        };
        let task_list = match events.first().map(|event| &event.attributes) {
            Some(EventAttributes::WorkflowExecutionStarted(a)) => a.task_list.name.clone(),
            _ => TaskListName::default(),
        };
        Suspended {
            replayer: Replayer::new(entry, run, self.limits),
            started: EventId(0),
            started_at: Timestamp::default(),
            task_list,
            overridden: false,
            patience: VALUES,
            bytes: 0,
        }
    }

    async fn register(
        &self,
        missing: MissingType,
        stop: &CancellationToken,
    ) -> Result<(), ServiceError> {
        persistently("a registration", stop, || async {
            let domain = self.domain.clone();
            match missing.clone() {
                MissingType::Activity(activity_type) => {
                    registration::register_activity_type(&self.service, domain, activity_type).await
                }
                MissingType::Workflow(workflow_type) => {
                    registration::register_workflow_type(&self.service, domain, workflow_type).await
                }
            }
        })
        .await
    }

    /// The poll of a task list. Where tasks come back to this decider, it is for only what is new
    /// since the last decision.
    pub fn poll_request(&self, task_list: &TaskListName) -> PollForDecisionTask {
        let only_new = match &self.affinity {
            Affinity::Alone => true,
            Affinity::Anyone => false,
            Affinity::Sticky(sticky) => sticky.list == *task_list,
        };
        PollForDecisionTask {
            domain: self.domain.clone(),
            task_list: TaskList {
                name: task_list.clone(),
                ..TaskList::default()
            },
            identity: Some(crate::identity().clone()),
            start_at_previous_started_event: Some(only_new),
            ..PollForDecisionTask::default()
        }
    }
}

/// Lets an execution see the events of a task, and gives the decisions on them. A panic in it
/// concerns this execution alone.
fn go_on(
    suspended: &mut Suspended,
    events: Vec<HistoryEvent>,
    task: &DecisionTask,
) -> Result<Decisions, DeciderError> {
    suspended.bytes += kept::bytes(&events);
    suspended.started = task.started_event_id;
    if let Some(last) = events.last() {
        suspended.started_at = last.event_timestamp;
    }
    suspended.patience = patience(&events);
    let replayer = &mut suspended.replayer;
    panics::catch(|| {
        replayer.feed(events)?;
        replayer.decisions()
    })
    .map_err(|panic| DeciderError::Panic {
        execution: task.workflow_execution.clone(),
        panic,
    })?
    .map_err(|source| DeciderError::Replay {
        execution: task.workflow_execution.clone(),
        source,
    })
}

/// Says it of an execution once, as its history becomes long.
fn warn_of_length(task: &DecisionTask) {
    let is_long = |event: EventId| event.0 > limits::LONG_HISTORY_EVENTS as i64;
    if is_long(task.started_event_id) && !task.previous_started_event_id.is_some_and(is_long) {
        tracing::warn!(
            "{}: its history has {} events: SWF terminates it when they are more than {}; its code \
             should end the run with flow.continue_as_new before",
            describe(&task.workflow_execution),
            task.started_event_id,
            limits::HISTORY_EVENTS
        );
    }
}

fn is_closing(decision: &Decision) -> bool {
    matches!(
        decision,
        Decision::CompleteWorkflowExecution(_)
            | Decision::FailWorkflowExecution(_)
            | Decision::CancelWorkflowExecution(_)
            | Decision::ContinueAsNewWorkflowExecution(_)
    )
}
