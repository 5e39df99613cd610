//! The states as JSON, in the form of the Python original's `workflow.history -o cooked`.

use serde_json::{Map, Value, json};
use simpleflow_model::{CloseStatus, EventAttributes, EventId, HistoryEvent, SmolStr, Timeout};

use super::flat::read_option;
use super::{Attempt, History, Moment, State, Task, TaskKind};

impl History {
    /// The states as JSON: the members are the Python original's.
    ///
    /// An activity that was tried again is one object; what its last attempt does not say is of
    /// the attempts before, and `retry` counts the failures after the first.
    pub fn cooked(&self) -> Value {
        let by_id = |kind, cook: fn(&Self, &Task) -> Value| -> Value {
            let tasks = self.tasks_of(kind);
            tasks
                .map(|task| (task.id.to_string(), cook(self, task)))
                .collect::<Map<_, _>>()
                .into()
        };
        let signals = |task: &Task| signal(self, task);
        let sent = |task: &Task| signal_sent(task);
        json!({
            "workflow": self.cooked_workflow(),
            "activities": by_id(TaskKind::Activity, activity),
            "child_workflows": by_id(TaskKind::ChildWorkflow, child),
            "markers": self.lists(TaskKind::Marker, |_| true, marker),
            "timers": by_id(TaskKind::Timer, |_, task| timer(task)),
            "signals": by_id(TaskKind::Signal, signal),
            "signal_lists": self.lists(TaskKind::Signal, |_| true, signals),
            "external_workflows_signaling": self.tasks_of(TaskKind::SignalSent)
                .map(|task| (task.last().scheduled.event_id.to_string(), sent(task)))
                .collect::<Map<_, _>>(),
            "signaled_workflows":
                self.lists(TaskKind::SignalSent, |state| state == State::Signaled, sent),
        })
    }

    /// The activities, then the child executions, each with its id.
    pub(crate) fn cooked_tasks(&self) -> Vec<(SmolStr, Value)> {
        let cook = |kind, cook: fn(&Self, &Task) -> Value| {
            let tasks = self.tasks_of(kind);
            tasks.map(move |task| (task.id.clone(), cook(self, task)))
        };
        cook(TaskKind::Activity, activity)
            .chain(cook(TaskKind::ChildWorkflow, child))
            .collect()
    }

    /// The tasks of a kind in lists, by name.
    fn lists(
        &self,
        kind: TaskKind,
        wanted: impl Fn(State) -> bool,
        cook: impl Fn(&Task) -> Value,
    ) -> Value {
        let mut lists: Map<String, Value> = Map::new();
        for task in self.tasks_of(kind).filter(|task| wanted(task.state())) {
            let list = lists
                .entry(task.id.to_string())
                .or_insert_with(|| Value::Array(Vec::new()));
            if let Value::Array(list) = list {
                list.push(cook(task));
            }
        }
        lists.into()
    }

    fn event(&self, id: EventId) -> Option<&HistoryEvent> {
        let index = self
            .events
            .binary_search_by_key(&id, |event| event.event_id);
        self.events.get(index.ok()?)
    }

    fn cooked_workflow(&self) -> Value {
        let mut members = Map::new();
        if let (Some(event), Some(started)) = (self.events.first(), self.started()) {
            members.insert("state".into(), "started".into());
            at(&mut members, "started", Some(moment(event)));
            insert(
                &mut members,
                json!({
                    "child_policy": started.child_policy,
                    "task_list": started.task_list.name,
                    "workflow_type": started.workflow_type,
                    "continued_execution_run_id": started.continued_execution_run_id,
                    "execution_start_to_close_timeout": started.execution_start_to_close_timeout,
                    "input": read_option(started.input.as_ref()),
                    "lambda_role": started.lambda_role,
                    "parent_initiated_event_id": started.parent_initiated_event_id,
                    "parent_workflow_execution": started.parent_workflow_execution,
                    "tag_list": started.tag_list,
                    "task_priority": started.task_priority,
                    "task_start_to_close_timeout": started.task_start_to_close_timeout,
                }),
            );
        }
        let Some(close) = self.close() else {
            return members.into();
        };
        let state = close.status.as_str().to_lowercase();
        members.insert("state".into(), state.as_str().into());
        at(&mut members, &state, Some(close.at));
        let more = match &close.status {
            CloseStatus::Completed => json!({"result": close.result}),
            CloseStatus::Failed => json!({"reason": close.reason, "details": close.details}),
            CloseStatus::Canceled => json!({"details": close.details}),
            CloseStatus::Terminated => {
                json!({"cause": close.cause, "reason": close.reason, "details": close.details})
            }
            CloseStatus::TimedOut => json!({"timeout_type": close.cause}),
            CloseStatus::ContinuedAsNew => json!({"new_execution_run_id": close.new_run_id}),
            CloseStatus::Other(_) => Value::Null,
        };
        insert(&mut members, more);
        members.into()
    }
}

fn moment(event: &HistoryEvent) -> Moment {
    Moment {
        event_id: event.event_id,
        timestamp: event.event_timestamp,
    }
}

fn insert(members: &mut Map<String, Value>, more: Value) {
    if let Value::Object(more) = more {
        members.extend(more);
    }
}

/// `<state>_id` and `<state>_timestamp`.
fn at(members: &mut Map<String, Value>, state: &str, moment: Option<Moment>) {
    if let Some(moment) = moment {
        members.insert(format!("{state}_id"), moment.event_id.0.into());
        members.insert(
            format!("{state}_timestamp"),
            moment.timestamp.to_string().into(),
        );
    }
}

fn text(text: Option<&SmolStr>) -> Value {
    text.map_or(Value::Null, |text| text.as_str().into())
}

fn activity(_: &History, task: &Task) -> Value {
    let mut members = Map::new();
    for attempt in task.attempts() {
        insert(
            &mut members,
            json!({
                "type": "activity",
                "id": task.id,
                "name": task.name,
                "version": task.version,
                "state": attempt.state,
                "decision_task_completed_event_id": attempt.decided_by,
            }),
        );
        if attempt.state == State::ScheduleFailed {
            at(&mut members, "schedule_failed", attempt.ended);
            insert(
                &mut members,
                json!({
                    "cause": attempt.cause,
                    "activity_type": {"name": task.name, "version": task.version},
                }),
            );
            continue;
        }
        at(&mut members, "scheduled", Some(attempt.scheduled));
        insert(
            &mut members,
            json!({
                "input": read_option(attempt.input.as_ref()),
                "control": read_option(attempt.control.as_ref()),
                "task_list": attempt.task_list,
            }),
        );
        if attempt.started.is_some() {
            at(&mut members, "started", attempt.started);
            members.insert("identity".into(), text(attempt.identity.as_ref()));
        }
        at(&mut members, "cancel_requested", attempt.cancel_requested);
        ended(&mut members, attempt);
    }
    retries(&mut members, task);
    members.into()
}

/// What the end of an activity or child says.
fn ended(members: &mut Map<String, Value>, attempt: &Attempt) {
    if attempt.ended.is_none() {
        return;
    }
    at(members, attempt.state.as_str(), attempt.ended);
    let more = match attempt.state {
        // The result as it is; the original's decider reads it later.
        State::Completed => json!({"result": attempt.result}),
        State::Failed => json!({"reason": attempt.reason, "details": attempt.details}),
        State::Canceled => json!({"details": attempt.details}),
        State::TimedOut => {
            let kind = attempt.timeout_type.as_deref().unwrap_or_default();
            json!({
                "timeout_type": kind,
                "timeout_value": attempt.limits.of(kind),
            })
        }
        State::StartFailed => json!({"cause": attempt.cause}),
        _ => Value::Null,
    };
    insert(members, more);
}

fn retries(members: &mut Map<String, Value>, task: &Task) {
    let failed = task
        .attempts()
        .iter()
        .filter(|attempt| matches!(attempt.state, State::Failed | State::TimedOut))
        .count();
    if let Some(retry) = failed.checked_sub(1) {
        members.insert("retry".into(), retry.into());
    }
}

fn child(history: &History, task: &Task) -> Value {
    let mut members = Map::new();
    for attempt in task.attempts() {
        insert(
            &mut members,
            json!({
                "type": "child_workflow",
                "id": task.id,
                "name": task.name,
                "version": task.version,
                "state": attempt.state,
                "control": read_option(attempt.control.as_ref()),
                "decision_task_completed_event_id": attempt.decided_by,
            }),
        );
        let initiated = history.event(attempt.scheduled.event_id);
        if let Some(EventAttributes::StartChildWorkflowExecutionInitiated(initiated)) =
            initiated.map(|event| &event.attributes)
        {
            insert(
                &mut members,
                json!({
                    "initiated_event_id": attempt.scheduled.event_id,
                    "initiated_event_timestamp": attempt.scheduled.timestamp.to_string(),
                    "raw_input": initiated.input,
                    "input": read_option(initiated.input.as_ref()),
                    "child_policy": initiated.child_policy,
                    "tag_list": initiated.tag_list,
                    "task_list": initiated.task_list.name,
                }),
            );
        }
        if attempt.started.is_some() {
            at(&mut members, "started", attempt.started);
            insert(
                &mut members,
                json!({"run_id": attempt.run_id, "workflow_id": task.id}),
            );
        }
        ended(&mut members, attempt);
    }
    retries(&mut members, task);
    members.into()
}

fn marker(task: &Task) -> Value {
    let attempt = task.last();
    let at = attempt.scheduled;
    match attempt.state {
        State::RecordFailed => json!({
            "type": "marker",
            "name": task.id,
            "state": attempt.state,
            "cause": attempt.cause,
            "record_failed_event_id": at.event_id,
            "record_failed_event_timestamp": at.timestamp.to_string(),
        }),
        _ => json!({
            "type": "marker",
            "name": task.id,
            "state": attempt.state,
            "details": attempt.input,
            "event_id": at.event_id,
            "timestamp": at.timestamp.to_string(),
        }),
    }
}

fn timer(task: &Task) -> Value {
    let attempt = task.last();
    let seconds = match attempt.limits.start_to_close {
        Some(Timeout::Seconds(seconds)) => Some(seconds),
        _ => None,
    };
    let mut members = Map::new();
    let mut event = |state: &str, at: Moment| {
        members.insert(format!("{state}_event_id"), at.event_id.0.into());
        members.insert(
            format!("{state}_event_timestamp"),
            at.timestamp.to_string().into(),
        );
    };
    if let Some(started) = attempt.started {
        event("started", started);
    }
    if let Some(ended) = attempt.ended {
        event(attempt.state.as_str(), ended);
    }
    insert(
        &mut members,
        json!({
            "type": "timer",
            "id": task.id,
            "state": attempt.state,
            "start_to_fire_timeout": seconds,
            "control": read_option(attempt.control.as_ref()),
            "decision_task_completed_event_id": attempt.decided_by,
        }),
    );
    if attempt.state == State::StartFailed {
        members.insert("cause".into(), text(attempt.cause.as_ref()));
    }
    members.into()
}

fn signal(history: &History, task: &Task) -> Value {
    let attempt = task.last();
    let event = history.event(attempt.scheduled.event_id);
    let initiated = match event.map(|event| &event.attributes) {
        Some(EventAttributes::WorkflowExecutionSignaled(signal)) => {
            signal.external_initiated_event_id
        }
        _ => None,
    };
    json!({
        "type": "signal",
        "name": task.id,
        "state": attempt.state,
        "external_initiated_event_id": initiated,
        "external_run_id": attempt.run_id,
        "external_workflow_id": attempt.workflow_id,
        "input": read_option(attempt.input.as_ref()),
        "event_id": attempt.scheduled.event_id,
        "timestamp": attempt.scheduled.timestamp.to_string(),
    })
}

fn signal_sent(task: &Task) -> Value {
    let attempt = task.last();
    let mut members = Map::new();
    insert(
        &mut members,
        json!({
            "type": "external_workflow",
            "id": attempt.workflow_id,
            "run_id": attempt.run_id,
            "signal_name": task.id,
            "state": match attempt.state {
                State::Signaled => "execution_signaled",
                State::Failed => "signal_execution_failed",
                _ => "signal_execution_initiated",
            },
            "initiated_event_id": attempt.scheduled.event_id,
            "initiated_event_timestamp": attempt.scheduled.timestamp.to_string(),
            "input": read_option(attempt.input.as_ref()),
            "control": read_option(attempt.control.as_ref()),
        }),
    );
    match (attempt.state, attempt.ended) {
        (State::Signaled, Some(ended)) => insert(
            &mut members,
            json!({
                "workflow_id": attempt.workflow_id,
                "signaled_event_id": ended.event_id,
                "signaled_timestamp": ended.timestamp.to_string(),
            }),
        ),
        (State::Failed, Some(ended)) => insert(
            &mut members,
            json!({
                "cause": attempt.cause,
                "signal_failed_timestamp": ended.timestamp.to_string(),
            }),
        ),
        _ => {}
    }
    members.into()
}
