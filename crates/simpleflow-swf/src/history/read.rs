//! From events to states: what each event says of which attempt.

use simpleflow_model::{
    CloseStatus, EventAttributes, EventId, HistoryEvent, RunId, SmolStr, Timeout,
};

use super::{Attempt, Close, History, Moment, Place, State, Task, TaskKind, TimeLimits};

/// What a task is about.
struct Subject<'a> {
    kind: TaskKind,
    id: &'a str,
    name: &'a str,
    version: Option<&'a str>,
}

impl<'a> Subject<'a> {
    fn typed(kind: TaskKind, id: &'a str, name: &'a str, version: &'a str) -> Self {
        Self {
            kind,
            id,
            name,
            version: Some(version),
        }
    }

    fn named(kind: TaskKind, id: &'a str) -> Self {
        Self {
            kind,
            id,
            name: id,
            version: None,
        }
    }
}

/// How an attempt ended.
#[derive(Default)]
struct End {
    result: Option<SmolStr>,
    reason: Option<SmolStr>,
    details: Option<SmolStr>,
    cause: Option<SmolStr>,
    timeout_type: Option<SmolStr>,
}

impl End {
    fn cause(cause: &str) -> Self {
        Self {
            cause: Some(cause.into()),
            ..Self::default()
        }
    }

    fn timeout(limit: &str, details: Option<&SmolStr>) -> Self {
        Self {
            timeout_type: Some(limit.into()),
            details: details.cloned(),
            ..Self::default()
        }
    }

    fn result(result: Option<&SmolStr>) -> Self {
        Self {
            result: result.cloned(),
            ..Self::default()
        }
    }

    fn failure(reason: Option<&SmolStr>, details: Option<&SmolStr>) -> Self {
        Self {
            reason: reason.cloned(),
            details: details.cloned(),
            ..Self::default()
        }
    }
}

impl History {
    pub(super) fn read(&mut self, event: &HistoryEvent) {
        use EventAttributes as E;
        use State as S;
        use TaskKind as K;
        let at = Moment {
            event_id: event.event_id,
            timestamp: event.event_timestamp,
        };
        match &event.attributes {
            E::ActivityTaskScheduled(a) => {
                let subject = Subject::typed(
                    K::Activity,
                    &a.activity_id,
                    &a.activity_type.name,
                    &a.activity_type.version,
                );
                let attempt = Attempt {
                    decided_by: Some(a.decision_task_completed_event_id),
                    task_list: Some(a.task_list.name.clone()),
                    input: a.input.clone(),
                    control: a.control.clone(),
                    limits: TimeLimits {
                        schedule_to_start: a.schedule_to_start_timeout,
                        schedule_to_close: a.schedule_to_close_timeout,
                        start_to_close: a.start_to_close_timeout,
                        heartbeat: a.heartbeat_timeout,
                    },
                    ..Attempt::new(S::Scheduled, at)
                };
                self.attempt(subject, attempt);
            }
            E::ScheduleActivityTaskFailed(a) => {
                let subject = Subject::typed(
                    K::Activity,
                    &a.activity_id,
                    &a.activity_type.name,
                    &a.activity_type.version,
                );
                let attempt = Attempt {
                    decided_by: Some(a.decision_task_completed_event_id),
                    cause: Some(a.cause.as_str().into()),
                    ..Attempt::at_once(S::ScheduleFailed, at)
                };
                self.attempt(subject, attempt);
            }
            E::ActivityTaskStarted(a) => {
                self.begin(a.scheduled_event_id, at, a.identity.as_deref());
            }
            E::ActivityTaskCompleted(a) => self.end(
                a.scheduled_event_id,
                at,
                S::Completed,
                End::result(a.result.as_ref()),
            ),
            E::ActivityTaskFailed(a) => self.end(
                a.scheduled_event_id,
                at,
                S::Failed,
                End::failure(a.reason.as_ref(), a.details.as_ref()),
            ),
            E::ActivityTaskTimedOut(a) => self.end(
                a.scheduled_event_id,
                at,
                S::TimedOut,
                End::timeout(a.timeout_type.as_str(), a.details.as_ref()),
            ),
            E::ActivityTaskCanceled(a) => self.end(
                a.scheduled_event_id,
                at,
                S::Canceled,
                End::failure(None, a.details.as_ref()),
            ),
            E::ActivityTaskCancelRequested(a) => {
                if let Some(attempt) = self.last_of(K::Activity, &a.activity_id) {
                    attempt.cancel_requested = Some(at);
                    if attempt.state.is_open() {
                        attempt.state = S::CancelRequested;
                    }
                }
            }

            E::TimerStarted(a) => {
                let attempt = Attempt {
                    decided_by: Some(a.decision_task_completed_event_id),
                    started: Some(at),
                    control: a.control.clone(),
                    limits: TimeLimits {
                        start_to_close: Some(a.start_to_fire_timeout),
                        ..TimeLimits::default()
                    },
                    ..Attempt::new(S::Started, at)
                };
                self.attempt(Subject::named(K::Timer, &a.timer_id), attempt);
            }
            E::StartTimerFailed(a) => {
                let attempt = Attempt {
                    decided_by: Some(a.decision_task_completed_event_id),
                    cause: Some(a.cause.as_str().into()),
                    ..Attempt::at_once(S::StartFailed, at)
                };
                self.attempt(Subject::named(K::Timer, &a.timer_id), attempt);
            }
            E::TimerFired(a) => self.end(a.started_event_id, at, S::Fired, End::default()),
            E::TimerCanceled(a) => self.end(a.started_event_id, at, S::Canceled, End::default()),

            E::MarkerRecorded(a) => {
                let attempt = Attempt {
                    decided_by: Some(a.decision_task_completed_event_id),
                    input: a.details.clone(),
                    ..Attempt::at_once(S::Recorded, at)
                };
                self.add(Subject::named(K::Marker, &a.marker_name), attempt);
            }
            E::RecordMarkerFailed(a) => {
                let attempt = Attempt {
                    decided_by: Some(a.decision_task_completed_event_id),
                    cause: Some(a.cause.as_str().into()),
                    ..Attempt::at_once(S::RecordFailed, at)
                };
                self.add(Subject::named(K::Marker, &a.marker_name), attempt);
            }
            E::WorkflowExecutionSignaled(a) => {
                let from = a.external_workflow_execution.as_ref();
                let attempt = Attempt {
                    input: a.input.clone(),
                    workflow_id: from.map(|from| from.workflow_id.as_str().into()),
                    run_id: from.map(|from| from.run_id.clone()),
                    ..Attempt::at_once(S::Signaled, at)
                };
                self.add(Subject::named(K::Signal, &a.signal_name), attempt);
            }

            E::StartChildWorkflowExecutionInitiated(a) => {
                let subject = Subject::typed(
                    K::ChildWorkflow,
                    &a.workflow_id,
                    &a.workflow_type.name,
                    &a.workflow_type.version,
                );
                let attempt = Attempt {
                    decided_by: Some(a.decision_task_completed_event_id),
                    task_list: Some(a.task_list.name.clone()),
                    input: a.input.clone(),
                    control: a.control.clone(),
                    limits: TimeLimits {
                        start_to_close: a.execution_start_to_close_timeout,
                        ..TimeLimits::default()
                    },
                    ..Attempt::new(S::StartInitiated, at)
                };
                self.attempt(subject, attempt);
            }
            E::StartChildWorkflowExecutionFailed(a) => {
                if self.at(a.initiated_event_id).is_some() {
                    self.end(
                        a.initiated_event_id,
                        at,
                        S::StartFailed,
                        End::cause(a.cause.as_str()),
                    );
                } else {
                    let subject = Subject::typed(
                        K::ChildWorkflow,
                        &a.workflow_id,
                        &a.workflow_type.name,
                        &a.workflow_type.version,
                    );
                    let attempt = Attempt {
                        decided_by: Some(a.decision_task_completed_event_id),
                        cause: Some(a.cause.as_str().into()),
                        control: a.control.clone(),
                        ..Attempt::at_once(S::StartFailed, at)
                    };
                    self.attempt(subject, attempt);
                }
            }
            E::ChildWorkflowExecutionStarted(a) => {
                self.begin(a.initiated_event_id, at, None);
                self.names_run(a.initiated_event_id, &a.workflow_execution.run_id);
            }
            E::ChildWorkflowExecutionCompleted(a) => self.end(
                a.initiated_event_id,
                at,
                S::Completed,
                End::result(a.result.as_ref()),
            ),
            E::ChildWorkflowExecutionFailed(a) => self.end(
                a.initiated_event_id,
                at,
                S::Failed,
                End::failure(a.reason.as_ref(), a.details.as_ref()),
            ),
            E::ChildWorkflowExecutionTimedOut(a) => self.end(
                a.initiated_event_id,
                at,
                S::TimedOut,
                End::timeout(a.timeout_type.as_str(), None),
            ),
            E::ChildWorkflowExecutionCanceled(a) => self.end(
                a.initiated_event_id,
                at,
                S::Canceled,
                End::failure(None, a.details.as_ref()),
            ),
            E::ChildWorkflowExecutionTerminated(a) => {
                self.end(a.initiated_event_id, at, S::Terminated, End::default());
            }

            E::SignalExternalWorkflowExecutionInitiated(a) => {
                let attempt = Attempt {
                    decided_by: Some(a.decision_task_completed_event_id),
                    input: a.input.clone(),
                    control: a.control.clone(),
                    workflow_id: Some(a.workflow_id.as_str().into()),
                    run_id: a.run_id.clone(),
                    ..Attempt::new(S::Scheduled, at)
                };
                self.add(Subject::named(K::SignalSent, &a.signal_name), attempt);
            }
            E::SignalExternalWorkflowExecutionFailed(a) => self.end(
                a.initiated_event_id,
                at,
                S::Failed,
                End::cause(a.cause.as_str()),
            ),
            E::ExternalWorkflowExecutionSignaled(a) => {
                self.names_run(a.initiated_event_id, &a.workflow_execution.run_id);
                self.end(a.initiated_event_id, at, S::Signaled, End::default());
            }
            E::RequestCancelExternalWorkflowExecutionInitiated(a) => {
                let attempt = Attempt {
                    decided_by: Some(a.decision_task_completed_event_id),
                    control: a.control.clone(),
                    workflow_id: Some(a.workflow_id.as_str().into()),
                    run_id: a.run_id.clone(),
                    ..Attempt::new(S::Scheduled, at)
                };
                self.attempt(Subject::named(K::CancelSent, &a.workflow_id), attempt);
            }
            E::RequestCancelExternalWorkflowExecutionFailed(a) => self.end(
                a.initiated_event_id,
                at,
                S::Failed,
                End::cause(a.cause.as_str()),
            ),
            E::ExternalWorkflowExecutionCancelRequested(a) => {
                self.names_run(a.initiated_event_id, &a.workflow_execution.run_id);
                self.end(a.initiated_event_id, at, S::Completed, End::default());
            }

            E::LambdaFunctionScheduled(a) => {
                let subject = Subject {
                    name: &a.name,
                    ..Subject::named(K::LambdaFunction, &a.id)
                };
                let attempt = Attempt {
                    decided_by: Some(a.decision_task_completed_event_id),
                    input: a.input.clone(),
                    control: a.control.clone(),
                    limits: TimeLimits {
                        start_to_close: a.start_to_close_timeout,
                        ..TimeLimits::default()
                    },
                    ..Attempt::new(S::Scheduled, at)
                };
                self.attempt(subject, attempt);
            }
            E::ScheduleLambdaFunctionFailed(a) => {
                let subject = Subject {
                    name: &a.name,
                    ..Subject::named(K::LambdaFunction, &a.id)
                };
                let attempt = Attempt {
                    decided_by: Some(a.decision_task_completed_event_id),
                    cause: Some(a.cause.as_str().into()),
                    ..Attempt::at_once(S::ScheduleFailed, at)
                };
                self.attempt(subject, attempt);
            }
            E::LambdaFunctionStarted(a) => self.begin(a.scheduled_event_id, at, None),
            E::StartLambdaFunctionFailed(a) => {
                if let Some(scheduled) = a.scheduled_event_id {
                    let end = End {
                        cause: a.cause.as_ref().map(|cause| cause.as_str().into()),
                        details: a.message.clone(),
                        ..End::default()
                    };
                    self.end(scheduled, at, S::StartFailed, end);
                }
            }
            E::LambdaFunctionCompleted(a) => self.end(
                a.scheduled_event_id,
                at,
                S::Completed,
                End::result(a.result.as_ref()),
            ),
            E::LambdaFunctionFailed(a) => self.end(
                a.scheduled_event_id,
                at,
                S::Failed,
                End::failure(a.reason.as_ref(), a.details.as_ref()),
            ),
            E::LambdaFunctionTimedOut(a) => {
                let limit = a.timeout_type.as_ref().map_or("", |limit| limit.as_str());
                self.end(
                    a.scheduled_event_id,
                    at,
                    S::TimedOut,
                    End::timeout(limit, None),
                );
            }

            E::DecisionTaskScheduled(a) => {
                let place = Place::Decision(self.decision_tasks.len());
                self.by_event.insert(at.event_id, place);
                self.decision_tasks.push(Attempt {
                    task_list: Some(a.task_list.name.clone()),
                    limits: TimeLimits {
                        start_to_close: a.start_to_close_timeout,
                        schedule_to_start: a.schedule_to_start_timeout,
                        ..TimeLimits::default()
                    },
                    ..Attempt::new(S::Scheduled, at)
                });
            }
            E::DecisionTaskStarted(a) => {
                self.begin(a.scheduled_event_id, at, a.identity.as_deref());
            }
            E::DecisionTaskCompleted(a) => {
                self.execution_context = a
                    .execution_context
                    .clone()
                    .filter(|context| !context.is_empty());
                self.end(a.scheduled_event_id, at, S::Completed, End::default());
            }
            E::DecisionTaskTimedOut(a) => self.end(
                a.scheduled_event_id,
                at,
                S::TimedOut,
                End::timeout(a.timeout_type.as_str(), None),
            ),

            E::WorkflowExecutionCancelRequested(_) => self.cancel_requested = Some(at),
            _ => {
                if let Some(close) = close(event, at) {
                    self.close = Some(close);
                }
            }
        }
    }

    /// One more attempt at a task; its first makes the task.
    fn attempt(&mut self, subject: Subject<'_>, attempt: Attempt) {
        match self.by_id.get(&(subject.kind, SmolStr::new(subject.id))) {
            Some(&index) => {
                let task = &mut self.tasks[index];
                task.name = subject.name.into();
                task.version = subject.version.map(SmolStr::new);
                let place = Place::Task(index, task.attempts.len());
                self.by_event.insert(attempt.scheduled.event_id, place);
                task.attempts.push(attempt);
            }
            None => self.add(subject, attempt),
        }
    }

    /// A task of its own, also when there is one of that id.
    fn add(&mut self, subject: Subject<'_>, attempt: Attempt) {
        let id = SmolStr::new(subject.id);
        let index = self.tasks.len();
        self.by_event
            .insert(attempt.scheduled.event_id, Place::Task(index, 0));
        self.by_id.insert((subject.kind, id.clone()), index);
        self.tasks.push(Task {
            kind: subject.kind,
            id,
            name: subject.name.into(),
            version: subject.version.map(SmolStr::new),
            attempts: vec![attempt],
        });
    }

    fn at(&mut self, event: EventId) -> Option<&mut Attempt> {
        match *self.by_event.get(&event)? {
            Place::Task(task, attempt) => self.tasks.get_mut(task)?.attempts.get_mut(attempt),
            Place::Decision(index) => self.decision_tasks.get_mut(index),
        }
    }

    fn last_of(&mut self, kind: TaskKind, id: &str) -> Option<&mut Attempt> {
        let index = *self.by_id.get(&(kind, SmolStr::new(id)))?;
        self.tasks.get_mut(index)?.attempts.last_mut()
    }

    fn begin(&mut self, scheduled: EventId, at: Moment, identity: Option<&str>) {
        if let Some(attempt) = self.at(scheduled) {
            attempt.started = Some(at);
            attempt.identity = identity.map(SmolStr::new);
            // A cancel may have been asked for before it was taken.
            if attempt.state != State::CancelRequested {
                attempt.state = State::Started;
            }
        }
    }

    fn names_run(&mut self, initiated: EventId, run_id: &RunId) {
        if let Some(attempt) = self.at(initiated) {
            attempt.run_id = Some(run_id.clone());
        }
    }

    fn end(&mut self, scheduled: EventId, at: Moment, state: State, end: End) {
        if let Some(attempt) = self.at(scheduled) {
            attempt.state = state;
            attempt.ended = Some(at);
            attempt.result = end.result;
            attempt.reason = end.reason;
            attempt.details = end.details;
            attempt.cause = end.cause;
            attempt.timeout_type = end.timeout_type;
        }
    }
}

/// The close that an event is, if it is one.
fn close(event: &HistoryEvent, at: Moment) -> Option<Close> {
    use EventAttributes as E;
    let close = |status| Close {
        status,
        at,
        result: None,
        reason: None,
        details: None,
        cause: None,
        new_run_id: None,
    };
    Some(match &event.attributes {
        E::WorkflowExecutionCompleted(a) => Close {
            result: a.result.clone(),
            ..close(CloseStatus::Completed)
        },
        E::WorkflowExecutionFailed(a) => Close {
            reason: a.reason.clone(),
            details: a.details.clone(),
            ..close(CloseStatus::Failed)
        },
        E::WorkflowExecutionCanceled(a) => Close {
            details: a.details.clone(),
            ..close(CloseStatus::Canceled)
        },
        E::WorkflowExecutionTerminated(a) => Close {
            reason: a.reason.clone(),
            details: a.details.clone(),
            cause: a.cause.as_ref().map(|cause| cause.as_str().into()),
            ..close(CloseStatus::Terminated)
        },
        E::WorkflowExecutionTimedOut(a) => Close {
            cause: Some(a.timeout_type.as_str().into()),
            ..close(CloseStatus::TimedOut)
        },
        E::WorkflowExecutionContinuedAsNew(a) => Close {
            new_run_id: Some(a.new_execution_run_id.clone()),
            ..close(CloseStatus::ContinuedAsNew)
        },
        _ => return None,
    })
}

/// The time limit of a name such as `START_TO_CLOSE`.
pub(super) fn limit(limits: &TimeLimits, name: &str) -> Option<Timeout> {
    match name {
        "SCHEDULE_TO_START" => limits.schedule_to_start,
        "SCHEDULE_TO_CLOSE" => limits.schedule_to_close,
        "START_TO_CLOSE" => limits.start_to_close,
        "HEARTBEAT" => limits.heartbeat,
        _ => None,
    }
}
