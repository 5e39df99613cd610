//! From what the code asked for to the decisions of one response.

use std::collections::VecDeque;
use std::io;

use simpleflow_model::decision::{
    CancelTimer, RecordMarker, RequestCancelActivityTask, RequestCancelExternalWorkflowExecution,
    ScheduleActivityTask, ScheduleLambdaFunction, SignalExternalWorkflowExecution,
    StartChildWorkflowExecution, StartTimer,
};
use simpleflow_model::values::Values as _;
use simpleflow_model::{
    ActivityType, Arn, Decision, RunId, SmolStr, TaskList, TaskPriority, Timeout, TimerId,
    WorkflowType, limits,
};

use super::{Limits, ReplayError, Replayer};
use crate::commands::{Command, VALUE_MARKER};
use crate::context::RunContext;
use crate::task::{ActivityTask, ChildTask, LambdaTask, SignalToSend, Task, TaskKind};
use crate::task_id::WAKE_UP_TIMER;
use crate::workflow::WorkflowDefinition;

/// The answer to a decision task.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decisions {
    /// The decisions, in order.
    pub decisions: Vec<Decision>,
    /// The execution context: what the code has set, or the signals that are waited for, in the
    /// original's form; empty to clear it; `None` to leave it.
    pub execution_context: Option<SmolStr>,
}

impl Decisions {
    /// The values of side effects that are remembered with these decisions, as JSON: each was made
    /// just now, and might be another if the decision were made again. See
    /// [`Flow::record`](crate::Flow::record).
    pub fn new_values(&self) -> impl Iterator<Item = &str> {
        self.decisions.iter().filter_map(|decision| match decision {
            Decision::RecordMarker(marker) if *marker.marker_name == *VALUE_MARKER => {
                marker.details.as_deref()
            }
            _ => None,
        })
    }
}

impl Replayer {
    /// The decisions to answer the decision task with that the history ends in; none when it is
    /// closed.
    ///
    /// The code is let to see what was fed, and goes on. Until events confirm the decisions, they
    /// are given again. At most 100 fit, and 1 MB; the timer `_simpleflow_wake_up_timer` makes
    /// the service call again for the rest.
    ///
    /// The workflow's [hooks](crate::Workflow::before_replay) are called around that, unless the
    /// execution is closed.
    ///
    /// # Errors
    /// [`ReplayError`] when the code does not do what the history says it did. The replayer is of
    /// no use then.
    pub fn decisions(&mut self) -> Result<Decisions, ReplayError> {
        if self.closed {
            self.read()?;
            return Ok(Decisions::default());
        }
        self.before_replay();
        self.read()?;
        let decisions = self.decide();
        self.after_replay();
        Ok(decisions)
    }

    /// The decisions on what the code has seen.
    fn decide(&self) -> Decisions {
        let state = self.shared.state.borrow();
        let workflow = self.entry.definition();
        let mut response = Response::new(self.limits);
        let goes_first = |(_, command): &(u64, &Command)| command.goes_first();
        for (_, command) in state.others.iter().filter(goes_first) {
            response.push(|| decision(command, workflow, &state.run));
        }
        let others = state.others.iter().filter(|command| !goes_first(command));
        if let Some(ending) = &self.ending {
            for (_, command) in others {
                if command.outlives_execution() {
                    response.push(|| decision(command, workflow, &state.run));
                }
            }
            response.push(|| ending.decision(self.limits.value_length));
        } else {
            let mut free = self
                .limits
                .open_activities
                .saturating_sub(state.open_activities);
            let mut free_timers = self.limits.open_timers.saturating_sub(state.open_timers);
            let mut held_back = VecDeque::new();
            let mut activities = state.activities.iter().peekable();
            let mut others = others.peekable();
            while !response.full {
                let activity = activities
                    .peek()
                    .filter(|_| free > 0)
                    .map(|(place, _)| *place);
                let other = others.peek().map(|(place, _)| *place);
                let next = match (activity, other) {
                    (None, None) => break,
                    (Some(activity), Some(other)) if other < activity => others.next(),
                    (Some(_), _) => {
                        free -= 1;
                        activities.next()
                    }
                    (None, Some(_)) => others.next(),
                };
                let Some((_, command)) = next else { break };
                if command.starts_timer() {
                    if free_timers == 0 {
                        held_back.push_back(command);
                        continue;
                    }
                    free_timers -= 1;
                }
                response.push(|| decision(command, workflow, &state.run));
                // No event may follow that calls for what was held back before it.
                if command.cancels_timer() {
                    match held_back.pop_front() {
                        Some(timer) => response.push(|| decision(timer, workflow, &state.run)),
                        None => free_timers += 1,
                    }
                }
            }
        }
        let mut decisions = response.decisions;
        if response.full && !self.wake_up_timer_open {
            decisions.push(wake_up());
        }
        Decisions {
            decisions,
            execution_context: self.execution_context(),
        }
    }

    fn execution_context(&self) -> Option<SmolStr> {
        let state = self.shared.state.borrow();
        if let Some(context) = &state.execution_context {
            return Some(context.clone());
        }
        let mut waiting = state.waiting_signals().peekable();
        if self.ending.is_none() && waiting.peek().is_some() {
            let names: Vec<_> = waiting.map(SmolStr::as_str).collect();
            let context = serde_json::json!({"waiting_signals": names}).to_string();
            // It is for people; one that the service would refuse is better left out.
            if !limits::is_longer(&context, limits::DATA_LENGTH) {
                return Some(context.into());
            }
        }
        self.context_was_set.then(SmolStr::default)
    }
}

/// A response under construction.
struct Response {
    limits: Limits,
    bytes: usize,
    decisions: Vec<Decision>,
    full: bool,
}

impl Response {
    fn new(limits: Limits) -> Self {
        Self {
            limits,
            bytes: 0,
            decisions: Vec::new(),
            full: false,
        }
    }

    /// Adds a decision, if there is one, unless it does not fit; one place is kept for the wake-up timer.
    fn push(&mut self, decision: impl FnOnce() -> Option<Decision>) {
        if self.full || self.decisions.len() + 1 >= self.limits.decisions {
            self.full = true;
            return;
        }
        let Some(mut decision) = decision() else {
            return;
        };
        let bytes = match with_short_values(&mut decision) {
            None => json_bytes(&decision),
            Some(short) => json_bytes(&short),
        };
        if self.bytes + bytes > self.limits.decision_bytes && !self.decisions.is_empty() {
            self.full = true;
            return;
        }
        self.bytes += bytes;
        self.decisions.push(decision);
    }
}

/// About the decision that is sent, if it has values that are longer than the service takes: what
/// goes in their place fits into the shortest fields.
fn with_short_values(decision: &mut Decision) -> Option<Decision> {
    let mut any = false;
    decision.each_value(&mut |field, value| any |= field.is_exceeded_by(value));
    if !any {
        return None;
    }
    let mut short = decision.clone();
    short.each_value(&mut |field, value| {
        if field.is_exceeded_by(value) {
            *value = "x".repeat(limits::REASON_LENGTH).into();
        }
    });
    Some(short)
}

/// The length of a decision as JSON, with its comma.
fn json_bytes(decision: &Decision) -> usize {
    struct Counter(usize);
    impl io::Write for Counter {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut counter = Counter(1);
    // Neither a decision nor the counter can fail.
    let _ = serde_json::to_writer(&mut counter, decision);
    counter.0
}

/// The decision for a command; none for what the service has no part in.
fn decision(
    command: &Command,
    workflow: &WorkflowDefinition,
    run: &RunContext,
) -> Option<Decision> {
    Some(match command {
        Command::Start(task) => return start(task, workflow, run),
        Command::Cancel(task) => return cancel(task),
        Command::BackOff {
            task,
            timer_id,
            seconds,
            ..
        } => StartTimer {
            timer_id: timer_id.clone().into(),
            // The original's deciders read the arguments of the next attempt from it.
            control: match &task.kind {
                TaskKind::Activity(activity) => Some(activity.input()),
                TaskKind::Child(child) => Some(child.input.clone()),
                _ => None,
            },
            start_to_fire_timeout: Timeout::Seconds(*seconds),
            ..StartTimer::default()
        }
        .into(),
        Command::RecordMarker { name, details, .. } => RecordMarker {
            marker_name: name.clone().into(),
            details: Some(details.clone()),
            ..RecordMarker::default()
        }
        .into(),
    })
}

fn start(task: &Task, workflow: &WorkflowDefinition, run: &RunContext) -> Option<Decision> {
    Some(match &task.kind {
        TaskKind::Activity(activity) => schedule_activity(task, activity, workflow.task_priority),
        TaskKind::Child(child) => start_child(task, child, run),
        TaskKind::SendSignal(signal) => send_signal(signal),
        TaskKind::Lambda(lambda) => schedule_lambda(task, lambda),
        TaskKind::Timer { seconds, control } => StartTimer {
            timer_id: task.id().clone().into(),
            start_to_fire_timeout: Timeout::Seconds(*seconds),
            control: control.clone(),
            ..StartTimer::default()
        }
        .into(),
        // Nobody starts the wait for a signal or a cancel, or a coroutine.
        TaskKind::Signal | TaskKind::CancelRequest | TaskKind::Coroutine(_) => return None,
    })
}

fn schedule_activity(
    task: &Task,
    activity: &ActivityTask,
    priority: Option<TaskPriority>,
) -> Decision {
    let definition = activity.definition();
    ScheduleActivityTask {
        activity_type: ActivityType {
            name: definition.name.clone().into(),
            version: definition.version.clone().into(),
            ..ActivityType::default()
        },
        activity_id: task.id().clone().into(),
        input: Some(activity.input()),
        task_list: Some(TaskList {
            name: definition.task_list.clone().into(),
            ..TaskList::default()
        }),
        task_priority: definition.task_priority.or(priority),
        schedule_to_close_timeout: Some(definition.schedule_to_close_timeout),
        schedule_to_start_timeout: Some(definition.schedule_to_start_timeout),
        start_to_close_timeout: Some(definition.start_to_close_timeout),
        heartbeat_timeout: Some(definition.heartbeat_timeout),
        ..ScheduleActivityTask::default()
    }
    .into()
}

fn start_child(task: &Task, child: &ChildTask, run: &RunContext) -> Decision {
    let settings = &child.settings;
    let task_list = match &settings.task_list {
        Some(task_list) => task_list.clone().into(),
        None => run.task_list.clone(),
    };
    let tags = settings.tag_list.of_child(&run.tag_list);
    StartChildWorkflowExecution {
        workflow_type: WorkflowType {
            name: settings.name.clone().into(),
            version: settings.version.clone().into(),
            ..WorkflowType::default()
        },
        workflow_id: task.id().clone().into(),
        input: Some(child.input.clone()),
        execution_start_to_close_timeout: Some(settings.execution_timeout),
        task_start_to_close_timeout: Some(settings.decision_tasks_timeout),
        task_list: Some(TaskList {
            name: task_list,
            ..TaskList::default()
        }),
        task_priority: settings.task_priority,
        child_policy: Some(settings.child_policy.clone()),
        tag_list: (!tags.is_empty()).then(|| tags.iter().cloned().map(Some).collect()),
        lambda_role: settings.lambda_role.clone().map(Arn::from),
        ..StartChildWorkflowExecution::default()
    }
    .into()
}

fn schedule_lambda(task: &Task, lambda: &LambdaTask) -> Decision {
    ScheduleLambdaFunction {
        id: task.id().clone().into(),
        name: lambda.name.clone().into(),
        input: lambda.input.clone(),
        start_to_close_timeout: lambda.start_to_close_timeout,
        ..ScheduleLambdaFunction::default()
    }
    .into()
}

fn send_signal(signal: &SignalToSend) -> Decision {
    SignalExternalWorkflowExecution {
        workflow_id: signal.workflow_id.clone().into(),
        run_id: signal.run_id.clone().map(RunId::from),
        signal_name: signal.name.clone().into(),
        input: signal.input.clone(),
        ..SignalExternalWorkflowExecution::default()
    }
    .into()
}

fn cancel(task: &Task) -> Option<Decision> {
    let id = task.id().clone();
    Some(match &task.kind {
        TaskKind::Activity(_) => RequestCancelActivityTask {
            activity_id: id.into(),
            ..RequestCancelActivityTask::default()
        }
        .into(),
        // Whichever run is open: while the child is, its workflow id is its own.
        TaskKind::Child(_) => RequestCancelExternalWorkflowExecution {
            workflow_id: id.into(),
            ..RequestCancelExternalWorkflowExecution::default()
        }
        .into(),
        TaskKind::Timer { .. } => CancelTimer {
            timer_id: id.into(),
            ..CancelTimer::default()
        }
        .into(),
        // Signals and Lambda functions that the service has cannot be called back.
        TaskKind::SendSignal(_)
        | TaskKind::Lambda(_)
        | TaskKind::Signal
        | TaskKind::CancelRequest
        | TaskKind::Coroutine(_) => return None,
    })
}

fn wake_up() -> Decision {
    StartTimer {
        timer_id: TimerId::from(SmolStr::new_static(WAKE_UP_TIMER)),
        start_to_fire_timeout: Timeout::Seconds(0),
        ..StartTimer::default()
    }
    .into()
}
