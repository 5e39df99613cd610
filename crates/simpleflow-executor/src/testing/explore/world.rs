//! One schedule on its way: the engine, the executions in it, and what can happen next.

mod action;
mod task;

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use futures::FutureExt as _;
use simpleflow_core::replay::{MissingType, Replayer};
use simpleflow_core::{ActivityResult, Failure};
use simpleflow_engine::{Due, DueTask, Engine, Ready, TaskKind};
use simpleflow_model::operation::*;
use simpleflow_model::values::Values;
use simpleflow_model::{
    DomainName, EventAttributes, Fault, HistoryEvent, RunId, SmolStr, TaskList, Timestamp,
    WorkflowExecution,
};
use simpleflow_service::ServiceError;

use super::Injected;
use super::code::Code;
use super::still::Still;
use super::wrong::Wrong;
use crate::in_process::lambda;
use crate::local::{LOCAL_DOMAIN, LocalError, Outside};
use crate::outcome::Outcome;
use crate::registration::{register_activity_type, register_all, register_workflow_type};
use crate::start::start;
use crate::testing::TestRun;
use crate::values;
pub(super) use action::Action;
use action::RunKey;
use task::Task;
pub(super) use task::Work;

/// How a failure that is injected reads.
const INJECTED: &str = "Injected: the task fails in this schedule";

/// A run, as far as deciders know it.
#[derive(Default)]
struct Run {
    kept: Option<Replayer>,
    /// Stands for its history up to this length.
    hash: u64,
    length: usize,
}

/// A schedule on its way.
pub(super) struct World<'a> {
    code: &'a Code,
    service: Still,
    root: WorkflowExecution,
    runs: BTreeMap<RunKey, Run>,
    tasks: Vec<Task>,
    inputs: Vec<Outside>,
    injected: Injected,
    /// How often the activities were asked what.
    asked: BTreeMap<(String, SmolStr), usize>,
}

/// Waits for what is answered in this process at once.
pub(super) fn now<T>(answer: impl Future<Output = T>) -> T {
    answer
        .now_or_never()
        .expect("what is in this process does not wait")
}

impl<'a> World<'a> {
    /// Starts the execution.
    pub fn new(code: &'a Code, injected: Injected) -> Result<Self, LocalError> {
        let service = Still::at(code.start);
        let domain = DomainName::from(LOCAL_DOMAIN);
        now(register_all(&service, &domain, &code.registry))?;
        let root = now(start(
            &service,
            &domain,
            &code.entry,
            &code.input,
            &code.options,
            code.start,
        ))?;
        let mut world = Self {
            code,
            service,
            root,
            runs: BTreeMap::new(),
            tasks: Vec::new(),
            inputs: code.inputs.clone(),
            injected,
            asked: BTreeMap::new(),
        };
        world.look();
        Ok(world)
    }

    /// The last run of the workflow, once it is closed.
    pub fn closed(&mut self) -> Option<TestRun> {
        loop {
            let last = {
                let engine = self.service.engine();
                let execution = engine.execution(&self.root.run_id)?;
                if execution.state().is_open() {
                    return None;
                }
                execution.history().last()?.attributes.clone()
            };
            if let EventAttributes::WorkflowExecutionContinuedAsNew(next) = last {
                self.root.run_id = next.new_execution_run_id.clone();
                continue;
            }
            let mut history = self.history(&self.root.run_id);
            // All of them are in memory.
            let _lost = now(values::decode_each(Some(&self.code.jumbo), &mut *history));
            return Some(TestRun {
                outcome: Outcome::of(&history.last()?.attributes)?,
                history,
            });
        }
    }

    fn history(&self, run_id: &RunId) -> Vec<HistoryEvent> {
        let engine = self.service.engine();
        let execution = engine.execution(run_id);
        execution.map_or_else(Vec::new, |execution| execution.history().to_vec())
    }

    /// Looks at what has come of a step: new runs, new events, tasks for workers, who take them at
    /// once, and tasks that are over.
    fn look(&mut self) {
        let mut engine = self.service.engine();
        let now = engine.now();
        let lists = engine.take_ready().into_iter();
        for Ready {
            domain, task_list, ..
        } in lists.filter(|r| r.kind == TaskKind::Activity)
        {
            let poll = PollForActivityTask {
                domain,
                task_list: TaskList {
                    name: task_list,
                    ..TaskList::default()
                },
                ..PollForActivityTask::default()
            };
            while let Ok(Some(task)) = engine.poll_for_activity_task(&poll, now) {
                let history = engine.execution(&task.workflow_execution.run_id);
                let started = history.and_then(|e| e.events_from(task.started_event_id).first());
                if let Some(EventAttributes::ActivityTaskStarted(started)) =
                    started.map(|event| &event.attributes)
                {
                    let scheduled = started.scheduled_event_id;
                    self.tasks.push(Task::new(Work::Activity(task), scheduled));
                }
            }
        }
        let functions: Vec<_> = engine.scheduled_lambda_functions().collect();
        for function in functions {
            let (run_id, scheduled) = (&function.execution.run_id, function.scheduled_event_id);
            let stand_in = self.code.registry.find_lambda_function(&function.name);
            let started = match stand_in {
                Some(_) => engine.lambda_function_started(run_id, scheduled, now),
                None => {
                    let problem = lambda::no_stand_in(&function);
                    engine.start_lambda_function_failed(run_id, scheduled, &problem, now)
                }
            };
            if started.is_ok() && stand_in.is_some() {
                self.tasks
                    .push(Task::new(Work::Lambda(function), scheduled));
            }
        }
        self.tasks.retain(|task| task.at_work(&engine).is_some());
        // An order that does not depend on that of other executions.
        self.tasks.sort_by(|a, b| a.place().cmp(&b.place()));
        for execution in engine.executions() {
            let id = execution.id();
            let key = (id.workflow_id.clone(), id.run_id.clone());
            let run = self.runs.entry(key).or_default();
            let history = execution.history();
            for event in history.get(run.length..).unwrap_or_default() {
                let mut hasher = DefaultHasher::new();
                (run.hash, id.run_id.as_str()).hash(&mut hasher);
                // An event has a JSON form.
                let text = serde_json::to_string(event).unwrap_or_default();
                text.hash(&mut hasher);
                run.hash = hasher.finish();
            }
            run.length = history.len();
            if !execution.state().is_open() {
                run.kept = None;
            }
        }
    }

    /// What stands for the state: two schedules with the same have the same future.
    pub fn hash(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        for ((workflow_id, _), run) in &self.runs {
            (workflow_id.as_str(), run.hash).hash(&mut hasher);
        }
        for task in self.tasks.iter().filter(|task| task.lost) {
            task.place().hash(&mut hasher);
        }
        for input in &self.inputs {
            format!("{input:?}").hash(&mut hasher);
        }
        self.injected.hash(&mut hasher);
        self.service.engine().now().as_micros().hash(&mut hasher);
        hasher.finish()
    }

    /// What can happen next. The first of it is what would happen if nothing got in the way:
    /// decisions at once, then the answers of activities in the order in which they were
    /// scheduled, then what comes from outside, then time.
    pub fn possible(&self) -> Vec<Action> {
        let engine = self.service.engine();
        let now = engine.now();
        let overdue = engine.dues().take_while(|due| due.at <= now);
        let overdue: Vec<_> = overdue
            .filter(|due| due.what != DueTask::Retention)
            .collect();
        if !overdue.is_empty() {
            return overdue.into_iter().map(Action::Time).collect();
        }
        let deciding: Vec<_> = self
            .runs
            .keys()
            .filter(|(_, run_id)| {
                let execution = engine.execution(run_id);
                let tasks = execution.map(|execution| execution.state().decision_tasks());
                tasks == Some((true, false))
            })
            .collect();
        let mut actions: Vec<_> = deciding
            .iter()
            .copied()
            .cloned()
            .map(Action::Decide)
            .collect();
        let answering: Vec<_> = (0..self.tasks.len())
            .filter(|&task| !self.tasks[task].lost)
            .collect();
        let cancelled = |task: usize| {
            let at_work = self.tasks[task].at_work(&engine);
            at_work.is_some_and(|at_work| at_work.cancel_requested)
        };
        for &task in &answering {
            if cancelled(task) {
                actions.push(Action::Cancelled(task));
            }
            actions.push(Action::Answer(task));
        }
        let root = engine.execution(&self.root.run_id);
        if root.is_some_and(|root| root.state().is_open()) {
            actions.extend((0..self.inputs.len()).map(Action::Input));
        }
        let is_idle = actions.is_empty();
        actions.extend(self.time(&engine, is_idle));
        if self.injected.failures > 0 {
            actions.extend(answering.iter().copied().map(Action::Fail));
        }
        if self.injected.lost_answers > 0 {
            let limited = |task: &usize| {
                let task = &self.tasks[*task];
                engine.dues().any(|due| task.is_limited_by(&due))
            };
            actions.extend(answering.into_iter().filter(limited).map(Action::Lose));
        }
        if self.injected.crashes > 0 {
            actions.extend(deciding.into_iter().cloned().map(Action::Crash));
        }
        actions
    }

    /// What time may bring next. Activities that are not lost answer within their time, and beat
    /// their hearts; and an execution's own time is up only when nothing else can happen.
    fn time(&self, engine: &Engine, is_idle: bool) -> Vec<Action> {
        let at_work = self.tasks.iter().filter(|task| !task.lost);
        let limits = at_work.filter_map(|task| task.at_work(engine)?.ends);
        let limit = limits.min();
        let mut next: Vec<Due> = Vec::new();
        for due in engine.dues() {
            let too_late = next.first().is_some_and(|next| due.at > next.at);
            if too_late || limit.is_some_and(|limit| due.at >= limit) {
                break;
            }
            match due.what {
                DueTask::Retention => {}
                DueTask::ActivityTask(..) | DueTask::LambdaFunction(_)
                    if self.worked_on(&due).is_some() => {}
                DueTask::Execution if !is_idle => break,
                _ => next.push(due),
            }
        }
        next.into_iter().map(Action::Time).collect()
    }

    /// The task that something due is about, if a worker is at it.
    fn worked_on(&self, due: &Due) -> Option<&Task> {
        let mut tasks = self.tasks.iter();
        tasks.find(|task| !task.lost && task.is_limited_by(due))
    }

    /// Lets something happen.
    pub fn perform(&mut self, action: Action) -> Result<(), Wrong> {
        match action {
            Action::Decide(run) => self.decide(&run, true)?,
            Action::Crash(run) => {
                self.injected.crashes -= 1;
                self.decide(&run, false)?;
            }
            Action::Answer(task) => {
                let task = self.tasks.remove(task);
                match self.run(&task) {
                    Ok(result) => self.call(|engine, now| task.complete(engine, result, now))?,
                    Err(failure) => self.fail(&task, failure)?,
                }
            }
            Action::Fail(task) => {
                self.injected.failures -= 1;
                let task = self.tasks.remove(task);
                self.fail(&task, Failure::new(INJECTED, None))?;
            }
            Action::Lose(task) => {
                self.injected.lost_answers -= 1;
                let mut task = self.tasks.remove(task);
                // What it does outside is done.
                let _lost = self.run(&task);
                task.lost = true;
                self.tasks.push(task);
            }
            Action::Cancelled(task) => {
                if let Work::Activity(task) = self.tasks.remove(task).work {
                    let answer = RespondActivityTaskCanceled {
                        task_token: task.task_token,
                        ..RespondActivityTaskCanceled::default()
                    };
                    self.call(|engine, now| engine.respond_activity_task_canceled(&answer, now))?;
                }
            }
            Action::Input(input) => self.send(input)?,
            Action::Time(due) => self.pass(&due)?,
        }
        self.look();
        Ok(())
    }

    fn call<T>(
        &self,
        run: impl FnOnce(&mut Engine, Timestamp) -> Result<T, Fault>,
    ) -> Result<T, Wrong> {
        let mut engine = self.service.engine();
        let now = engine.now();
        run(&mut engine, now).map_err(|fault| Wrong::service(ServiceError::from(fault)))
    }

    /// Takes the decision task of a run, and decides. A decider that crashes does not answer, and
    /// its code is lost.
    fn decide(&mut self, key: &RunKey, answers: bool) -> Result<(), Wrong> {
        let (workflow_id, run_id) = key;
        let task = {
            let mut engine = self.service.engine();
            let now = engine.now();
            engine.decision_task_of(run_id, now)
        };
        let task = task.ok_or_else(|| Wrong::service("a decision task is not there"))?;
        self.look();
        let execution = WorkflowExecution {
            workflow_id: workflow_id.clone(),
            run_id: run_id.clone(),
            ..WorkflowExecution::default()
        };
        let history = self.history(run_id);
        let run = self.runs.entry(key.clone()).or_default();
        let decided = self
            .code
            .decide(run.hash, &execution, history, &mut run.kept)?;
        if !answers {
            run.kept = None;
            return Ok(());
        }
        for missing in decided.missing {
            self.register(missing)?;
        }
        let mut answer = RespondDecisionTaskCompleted {
            task_token: task.task_token,
            decisions: Some(decided.decisions.decisions),
            execution_context: decided.decisions.execution_context,
            ..RespondDecisionTaskCompleted::default()
        };
        self.encode(&mut answer)?;
        self.call(|engine, now| engine.respond_decision_task_completed(&answer, now))
    }

    /// Puts values elsewhere that are longer than their fields.
    fn encode<T: Values + Send>(&self, request: &mut T) -> Result<(), Wrong> {
        now(values::encode(Some(&self.code.jumbo), request)).map_err(Wrong::service)
    }

    fn register(&self, missing: MissingType) -> Result<(), Wrong> {
        let domain = DomainName::from(LOCAL_DOMAIN);
        let registered = match missing {
            MissingType::Activity(activity_type) => {
                now(register_activity_type(&self.service, domain, activity_type))
            }
            MissingType::Workflow(workflow_type) => {
                now(register_workflow_type(&self.service, domain, workflow_type))
            }
        };
        registered.map_err(Wrong::service)
    }

    fn run(&mut self, task: &Task) -> ActivityResult {
        let question = task.question();
        let asked = self.asked.entry(question.clone()).or_default();
        *asked += 1;
        self.code.answer((question, *asked - 1), &task.work)
    }

    fn fail(&self, task: &Task, failure: Failure) -> Result<(), Wrong> {
        self.call(|engine, now| task.fail(engine, failure, now))
    }

    fn send(&mut self, input: usize) -> Result<(), Wrong> {
        let (domain, workflow_id) = (LOCAL_DOMAIN.into(), self.root.workflow_id.clone());
        match self.inputs.remove(input) {
            Outside::Signal(name, input) => {
                let mut signal = SignalWorkflowExecution {
                    domain,
                    workflow_id,
                    signal_name: name.into(),
                    input,
                    ..SignalWorkflowExecution::default()
                };
                self.encode(&mut signal)?;
                self.call(|engine, now| engine.signal_workflow_execution(&signal, now))
            }
            Outside::Cancel => self.call(|engine, now| {
                let cancel = RequestCancelWorkflowExecution {
                    domain,
                    workflow_id,
                    ..RequestCancelWorkflowExecution::default()
                };
                engine.request_cancel_workflow_execution(&cancel, now)
            }),
        }
    }

    /// Lets time go on to what is due. Workers that are at something beat its heart meanwhile, and
    /// closed executions are forgotten.
    fn pass(&mut self, until: &Due) -> Result<(), Wrong> {
        loop {
            let next = self.service.engine().dues().next();
            let Some(next) = next.filter(|next| next.at < until.at) else {
                break;
            };
            match self.worked_on(&next).map(|task| &task.work) {
                Some(Work::Activity(task)) => {
                    let beat = RecordActivityTaskHeartbeat {
                        task_token: task.task_token.clone(),
                        ..RecordActivityTaskHeartbeat::default()
                    };
                    let before = Timestamp::from_micros(next.at.as_micros() - 1);
                    let mut engine = self.service.engine();
                    engine
                        .record_activity_task_heartbeat(&beat, before)
                        .map_err(|fault| Wrong::service(ServiceError::from(fault)))?;
                }
                _ => {
                    self.service.engine().fire_due(&next);
                }
            }
        }
        self.service.engine().fire_due(until);
        Ok(())
    }
}
