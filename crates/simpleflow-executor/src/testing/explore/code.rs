//! What the explored schedules have in common: the code of the workflow and its activities, and
//! what it is known to answer.

use std::cell::RefCell;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

use simpleflow_core::panics;
use simpleflow_core::replay::{Decisions, Limits, MissingType, Replayer};
use simpleflow_core::{ActivityResult, Failure, Registry, RunContext, WorkflowEntry};
use simpleflow_jumbo::Jumbo;
use simpleflow_model::{
    DomainName, EventAttributes, HistoryEvent, SmolStr, Timestamp, WorkflowExecution, limits,
};
use tokio::runtime::Runtime;

use super::still::Still;
use super::world::{Work, now};
use super::wrong::Wrong;
use crate::in_process::lambda;
use crate::local::{LOCAL_DOMAIN, LocalError, Outside};
use crate::start::StartOptions;
use crate::testing::{Prepared, Test};
use crate::values::{self, Patience};
use crate::worker::Worker;

/// When the executions start unless the test says something else: all schedules at the same time.
const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// The code under test, and its answers.
pub(super) struct Code {
    pub entry: WorkflowEntry,
    pub input: String,
    pub registry: Registry,
    pub options: StartOptions,
    /// When the execution starts.
    pub start: Timestamp,
    /// What comes from outside, at any time.
    pub inputs: Vec<Outside>,
    runtime: Runtime,
    worker: Worker<Still>,
    limits: Limits,
    /// Where values go that are longer than their fields. One text always has the same signature.
    pub jumbo: Jumbo,
    /// The answers to histories, by their hashes: a history is answered in one way.
    decided: RefCell<HashMap<u64, Decided>>,
    /// The answers of activities, by what they were asked and how often before in a schedule.
    answers: RefCell<HashMap<Question, ActivityResult>>,
}

/// Who is asked what, and how often before.
pub(super) type Question = ((String, SmolStr), usize);

/// What a workflow decides on a history.
#[derive(Clone)]
pub(super) struct Decided {
    pub decisions: Decisions,
    /// What has to be registered before they are sent.
    pub missing: Vec<MissingType>,
}

impl Code {
    /// What a test runs, on a runtime for its activities.
    pub fn of(test: &Test, runtime: Runtime) -> Result<Self, LocalError> {
        let Prepared {
            registry,
            input,
            resources,
            jumbo,
        } = test.prepared()?;
        registry.check()?;
        let mut options = test.options.clone();
        // It stands in the lines of schedules.
        let name = || test.entry.definition().name.clone().into();
        options.workflow_id.get_or_insert_with(name);
        options.jumbo = Some(jumbo.clone());
        let signals = std::mem::take(&mut options.signals).into_iter();
        let later = test.later.iter().map(|later| later.what.clone());
        let inputs = signals
            .map(|(name, input)| Outside::Signal(name, input))
            .chain(later)
            .collect();
        let start = test.start_time.unwrap_or(START);
        Ok(Self {
            // It runs activities and answers nobody.
            worker: Worker::new(Still::at(start), LOCAL_DOMAIN.into(), registry.clone())
                .resources(resources)
                .jumbo(jumbo.clone()),
            limits: Limits {
                value_length: jumbo.ceiling(limits::DATA_LENGTH),
                ..Limits::default()
            },
            jumbo,
            entry: test.entry,
            input,
            registry,
            options,
            start,
            inputs,
            runtime,
            decided: RefCell::default(),
            answers: RefCell::default(),
        })
    }

    /// The answer of an activity or a Lambda function: it runs when it is asked something for the
    /// first time, and answers the same in all schedules.
    pub fn answer(&self, question: Question, work: &Work) -> ActivityResult {
        if let Some(answer) = self.answers.borrow().get(&question) {
            return answer.clone();
        }
        let answer = match work {
            Work::Activity(task) => self.runtime.block_on(self.worker.result_of(task.clone())),
            Work::Lambda(function) => match self.registry.find_lambda_function(&function.name) {
                Some(stand_in) => lambda::run(&stand_in, function),
                None => Err(Failure::new(lambda::no_stand_in(function), None)),
            },
        };
        self.answers.borrow_mut().insert(question, answer.clone());
        answer
    }

    /// What the workflow decides on a history that ends in the start of a decision task. A history
    /// that no schedule had before is answered twice, by code that replays it from its start and
    /// by code that was kept, if there is some: so every decision is one before which a decider
    /// may crash.
    pub fn decide(
        &self,
        hash: u64,
        execution: &WorkflowExecution,
        mut history: Vec<HistoryEvent>,
        kept: &mut Option<Replayer>,
    ) -> Result<Decided, Wrong> {
        let mut known = self.decided.borrow_mut();
        let unknown = match known.entry(hash) {
            Entry::Occupied(decided) => return Ok(decided.get().clone()),
            Entry::Vacant(unknown) => unknown,
        };
        let entry = self.workflow(execution, &history)?;
        let decoded = values::decode_for_code(Some(&self.jumbo), &mut history, Patience::ONCE);
        now(decoded).map_err(Wrong::service)?;
        let replayer = || replayer(entry, execution, self.limits);
        let again = answer(&mut replayer(), execution, &history)?;
        let was_kept = kept.is_some();
        let kept = kept.get_or_insert_with(replayer);
        let decided = answer(kept, execution, &history)?;
        if !agree(&decided.decisions, &again.decisions) {
            return Err(Wrong::differs(
                execution,
                was_kept,
                &decided.decisions,
                &again.decisions,
            ));
        }
        // What is sent is what was decided by the code that goes on.
        Ok(unknown.insert(decided).clone())
    }

    fn workflow(
        &self,
        execution: &WorkflowExecution,
        history: &[HistoryEvent],
    ) -> Result<WorkflowEntry, Wrong> {
        let Some(EventAttributes::WorkflowExecutionStarted(started)) =
            history.first().map(|event| &event.attributes)
        else {
            return Err(Wrong::service("an execution without its start"));
        };
        let workflow_type = &started.workflow_type;
        self.registry
            .find_workflow(&workflow_type.name, &workflow_type.version)
            .copied()
            .ok_or_else(|| Wrong::UnknownType {
                workflow_id: execution.workflow_id.clone(),
                workflow_type: workflow_type.clone(),
            })
    }
}

/// Whether two decisions on one history are the same. Where both remember values that were made for
/// them, and the values differ, the rest may differ too.
fn agree(one: &Decisions, other: &Decisions) -> bool {
    let both_made_values = one.new_values().next().is_some() && other.new_values().next().is_some();
    one == other || both_made_values && !one.new_values().eq(other.new_values())
}

fn replayer(entry: WorkflowEntry, execution: &WorkflowExecution, limits: Limits) -> Replayer {
    let run = RunContext {
        domain_name: DomainName::from(LOCAL_DOMAIN),
        workflow_id: execution.workflow_id.clone(),
        run_id: execution.run_id.clone(),
        ..RunContext::default()
    };
    Replayer::new(entry, run, limits)
}

/// Lets a replayer see what is new to it of a history, and decide.
fn answer(
    replayer: &mut Replayer,
    execution: &WorkflowExecution,
    history: &[HistoryEvent],
) -> Result<Decided, Wrong> {
    let known = usize::try_from(replayer.last_event_id().0).unwrap_or(usize::MAX);
    let new = history.get(known..).unwrap_or_default();
    let decisions = panics::catch(|| {
        replayer.feed(new.iter().cloned())?;
        replayer.decisions()
    })
    .map_err(|panic| Wrong::Panic {
        workflow_id: execution.workflow_id.clone(),
        panic,
    })?
    .map_err(|source| Wrong::Replay {
        workflow_id: execution.workflow_id.clone(),
        source,
    })?;
    Ok(Decided {
        decisions,
        missing: replayer.take_missing_types(),
    })
}
