//! What a history says of one task: its attempts, and the state of each.

use std::time::Duration;

use serde::Serialize;
use simpleflow_model::{EventId, RunId, SmolStr, TaskListName, Timeout, Timestamp};

/// What kind of thing a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskKind {
    /// An activity task; its id is the activity id.
    Activity,
    /// A child execution; its id is the workflow id.
    ChildWorkflow,
    /// A Lambda function; its id is the function's id in the execution.
    LambdaFunction,
    /// A timer; its id is the timer id.
    Timer,
    /// A marker, with its name as id. Each record is a task of its own.
    Marker,
    /// A signal that was received, with its name as id. Each is a task of its own.
    Signal,
    /// A signal that was sent to another execution, with the signal's name as id.
    SignalSent,
    /// The cancel of another execution that was asked for, with its workflow id as id.
    CancelSent,
}

impl TaskKind {
    /// The word for it, as the Python original has it where that has one.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Activity => "activity",
            Self::ChildWorkflow => "child_workflow",
            Self::LambdaFunction => "lambda_function",
            Self::Timer => "timer",
            Self::Marker => "marker",
            Self::Signal => "signal",
            Self::SignalSent => "signal_sent",
            Self::CancelSent => "cancel_sent",
        }
    }
}

/// How far an attempt is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It waits for a worker, or for the service to carry it out.
    Scheduled,
    /// The service refused it.
    ScheduleFailed,
    /// A child execution was asked for and is not started yet.
    StartInitiated,
    /// The service did not start it.
    StartFailed,
    /// It runs.
    Started,
    /// Its cancel was asked for; it is still open.
    CancelRequested,
    /// It is done.
    Completed,
    /// It failed.
    Failed,
    /// One of its time limits ran out.
    TimedOut,
    /// It was cancelled.
    Canceled,
    /// A child execution was terminated.
    Terminated,
    /// A timer fired.
    Fired,
    /// A marker is recorded.
    Recorded,
    /// A marker was refused.
    RecordFailed,
    /// A signal came, or was delivered.
    Signaled,
}

impl State {
    /// The word for it: the end of the event's type, as the Python original has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::ScheduleFailed => "schedule_failed",
            Self::StartInitiated => "start_initiated",
            Self::StartFailed => "start_failed",
            Self::Started => "started",
            Self::CancelRequested => "cancel_requested",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::TimedOut => "timed_out",
            Self::Canceled => "canceled",
            Self::Terminated => "terminated",
            Self::Fired => "fired",
            Self::Recorded => "recorded",
            Self::RecordFailed => "record_failed",
            Self::Signaled => "signaled",
        }
    }

    /// Whether something is still to come.
    pub fn is_open(self) -> bool {
        matches!(
            self,
            Self::Scheduled | Self::StartInitiated | Self::Started | Self::CancelRequested
        )
    }

    /// Whether the service refused it: nobody ever had it.
    pub fn is_refused(self) -> bool {
        matches!(
            self,
            Self::ScheduleFailed | Self::StartFailed | Self::RecordFailed
        )
    }

    /// Whether it ended, and not well. A cancel is not a failure.
    pub fn is_failure(self) -> bool {
        self.is_refused() || matches!(self, Self::Failed | Self::TimedOut | Self::Terminated)
    }
}

/// An event, and when it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The event.
    pub event_id: EventId,
    /// When it was.
    pub timestamp: Timestamp,
}

/// The time limits of an attempt. What it does not have is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TimeLimits {
    /// From scheduled to started.
    pub schedule_to_start: Option<Timeout>,
    /// From scheduled to its end.
    pub schedule_to_close: Option<Timeout>,
    /// From started to its end; of a timer, when it fires.
    pub start_to_close: Option<Timeout>,
    /// Between heartbeats.
    pub heartbeat: Option<Timeout>,
}

impl TimeLimits {
    /// The limit of a name such as `START_TO_CLOSE`.
    pub fn of(&self, name: &str) -> Option<Timeout> {
        match name {
            "SCHEDULE_TO_START" => self.schedule_to_start,
            "SCHEDULE_TO_CLOSE" => self.schedule_to_close,
            "START_TO_CLOSE" => self.start_to_close,
            "HEARTBEAT" => self.heartbeat,
            _ => None,
        }
    }
}

/// One attempt at a task. A task that is tried again has one more.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    /// How far it is.
    pub state: State,
    /// When it was asked for: scheduled, initiated, or refused.
    pub scheduled: Moment,
    /// When it was started.
    pub started: Option<Moment>,
    /// When it ended.
    pub ended: Option<Moment>,
    /// When its cancel was asked for.
    pub cancel_requested: Option<Moment>,
    /// The `DecisionTaskCompleted` that asked for it.
    pub decided_by: Option<EventId>,
    /// The task list that it waited in.
    pub task_list: Option<TaskListName>,
    /// Who took it.
    pub identity: Option<SmolStr>,
    /// Its time limits.
    pub limits: TimeLimits,
    /// Its input; the details of a marker.
    pub input: Option<SmolStr>,
    /// The decider's note about it.
    pub control: Option<SmolStr>,
    /// Its result.
    pub result: Option<SmolStr>,
    /// Why it failed.
    pub reason: Option<SmolStr>,
    /// More about why it failed, was cancelled or timed out.
    pub details: Option<SmolStr>,
    /// Why the service refused it.
    pub cause: Option<SmolStr>,
    /// Which time limit ran out.
    pub timeout_type: Option<SmolStr>,
    /// The run of a child, or of the execution that a signal or cancel goes to.
    pub run_id: Option<RunId>,
    /// The execution that a signal goes to, or came from.
    pub workflow_id: Option<SmolStr>,
}

impl Attempt {
    pub(super) fn new(state: State, scheduled: Moment) -> Self {
        Self {
            state,
            scheduled,
            started: None,
            ended: None,
            cancel_requested: None,
            decided_by: None,
            task_list: None,
            identity: None,
            limits: TimeLimits::default(),
            input: None,
            control: None,
            result: None,
            reason: None,
            details: None,
            cause: None,
            timeout_type: None,
            run_id: None,
            workflow_id: None,
        }
    }

    /// An attempt that was over as soon as it began.
    pub(super) fn at_once(state: State, at: Moment) -> Self {
        Self {
            ended: Some(at),
            ..Self::new(state, at)
        }
    }

    /// When it came into its state.
    pub fn state_since(&self) -> Moment {
        let requested = match self.state {
            State::CancelRequested => self.cancel_requested,
            _ => None,
        };
        self.ended
            .or(requested)
            .or(self.started)
            .unwrap_or(self.scheduled)
    }

    /// For how long it waited, if it was started.
    pub fn waited(&self) -> Option<Duration> {
        let started = self.started?;
        Some(started.timestamp.since(self.scheduled.timestamp))
    }

    /// For how long it ran, if it was started and has ended.
    pub fn ran(&self) -> Option<Duration> {
        let (started, ended) = (self.started?, self.ended?);
        Some(ended.timestamp.since(started.timestamp))
    }

    /// Why it failed, in a line: the reason, the time limit, or the service's cause.
    pub fn failure(&self) -> Option<String> {
        if !self.state.is_failure() {
            return None;
        }
        Some(match (&self.reason, &self.timeout_type, &self.cause) {
            (Some(reason), _, _) => reason.to_string(),
            (None, Some(limit), _) => format!("timed out ({limit})"),
            (None, None, Some(cause)) => cause.to_string(),
            (None, None, None) => self.state.as_str().to_owned(),
        })
    }
}

/// A task of an execution, with all attempts at it.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    /// What kind of thing it is.
    pub kind: TaskKind,
    /// Its id in the execution; of markers and signals the name.
    pub id: SmolStr,
    /// The name of its type; of what has none the id.
    pub name: SmolStr,
    /// The version of its type.
    pub version: Option<SmolStr>,
    /// The attempts, oldest first, but what was refused while another was open before that one.
    /// There is at least one.
    pub(super) attempts: Vec<Attempt>,
}

impl Task {
    /// The attempts, oldest first. One that the service refused while another was open is before
    /// that one: it changed nothing about it. There is at least one.
    pub fn attempts(&self) -> &[Attempt] {
        &self.attempts
    }

    /// The attempts but those that the service refused, oldest first. There may be none.
    pub fn accepted(&self) -> impl DoubleEndedIterator<Item = &Attempt> {
        let attempts = self.attempts.iter();
        attempts.filter(|attempt| !attempt.state.is_refused())
    }

    /// The last attempt.
    pub fn last(&self) -> &Attempt {
        // A task is made with its first attempt, and none is ever removed.
        &self.attempts[self.attempts.len() - 1]
    }

    /// The state of the last attempt.
    pub fn state(&self) -> State {
        self.last().state
    }

    /// Whether something is still to come of the last attempt.
    pub fn is_open(&self) -> bool {
        self.state().is_open()
    }

    /// How many attempts failed, timed out or were terminated. One that the service refused is
    /// none.
    pub fn failures(&self) -> usize {
        self.accepted()
            .filter(|attempt| attempt.state.is_failure())
            .count()
    }
}
