//! Where attempts are kept: found by the event that began them, begun and ended.

use simpleflow_model::{EventId, RunId, SmolStr};

use super::{Attempt, History, Moment, Place, State, Task, TaskKind};

/// What a task is about.
pub(super) struct Subject<'a> {
    pub(super) kind: TaskKind,
    pub(super) id: &'a str,
    pub(super) name: &'a str,
    pub(super) version: Option<&'a str>,
}

impl<'a> Subject<'a> {
    pub(super) fn typed(kind: TaskKind, id: &'a str, name: &'a str, version: &'a str) -> Self {
        Self {
            kind,
            id,
            name,
            version: Some(version),
        }
    }

    pub(super) fn named(kind: TaskKind, id: &'a str) -> Self {
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
pub(super) struct End {
    pub(super) result: Option<SmolStr>,
    pub(super) reason: Option<SmolStr>,
    pub(super) details: Option<SmolStr>,
    pub(super) cause: Option<SmolStr>,
    pub(super) timeout_type: Option<SmolStr>,
}

impl End {
    pub(super) fn cause(cause: &str) -> Self {
        Self {
            cause: Some(cause.into()),
            ..Self::default()
        }
    }

    pub(super) fn timeout(limit: &str, details: Option<&SmolStr>) -> Self {
        Self {
            timeout_type: Some(limit.into()),
            details: details.cloned(),
            ..Self::default()
        }
    }

    pub(super) fn result(result: Option<&SmolStr>) -> Self {
        Self {
            result: result.cloned(),
            ..Self::default()
        }
    }

    pub(super) fn failure(reason: Option<&SmolStr>, details: Option<&SmolStr>) -> Self {
        Self {
            reason: reason.cloned(),
            details: details.cloned(),
            ..Self::default()
        }
    }
}

impl History {
    /// One more attempt at a task; its first makes the task.
    pub(super) fn attempt(&mut self, subject: Subject<'_>, attempt: Attempt) {
        match self.by_id.get(&(subject.kind, SmolStr::new(subject.id))) {
            Some(&index) => {
                let task = &mut self.tasks[index];
                // While one is open another of the id is refused, now or when it is to start.
                if !task.is_open() {
                    task.name = subject.name.into();
                    task.version = subject.version.map(SmolStr::new);
                }
                let place = Place::Task(index, task.attempts.len());
                let (event, state) = (attempt.scheduled.event_id, attempt.state);
                self.by_event.insert(event, place);
                task.attempts.push(attempt);
                if state.is_refused() {
                    self.put_before_open(event);
                }
            }
            None => self.add(subject, attempt),
        }
    }

    /// Puts an attempt that was refused before one that is open: the last is the task's state.
    fn put_before_open(&mut self, refused: EventId) {
        let Some(&Place::Task(task, refused)) = self.by_event.get(&refused) else {
            return;
        };
        let Some(attempts) = self.tasks[task].attempts.get_mut(..=refused) else {
            return;
        };
        let Some(open) = attempts.iter().position(|attempt| attempt.state.is_open()) else {
            return;
        };
        attempts[open..].rotate_right(1);
        for (index, attempt) in attempts.iter().enumerate().skip(open) {
            let place = Place::Task(task, index);
            self.by_event.insert(attempt.scheduled.event_id, place);
        }
    }

    /// A task of its own, also when there is one of that id.
    pub(super) fn add(&mut self, subject: Subject<'_>, attempt: Attempt) {
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

    pub(super) fn at(&mut self, event: EventId) -> Option<&mut Attempt> {
        match *self.by_event.get(&event)? {
            Place::Task(task, attempt) => self.tasks.get_mut(task)?.attempts.get_mut(attempt),
            Place::Decision(index) => self.decision_tasks.get_mut(index),
        }
    }

    pub(super) fn last_of(&mut self, kind: TaskKind, id: &str) -> Option<&mut Attempt> {
        let index = *self.by_id.get(&(kind, SmolStr::new(id)))?;
        self.tasks.get_mut(index)?.attempts.last_mut()
    }

    pub(super) fn begin(&mut self, scheduled: EventId, at: Moment, identity: Option<&str>) {
        if let Some(attempt) = self.at(scheduled) {
            attempt.started = Some(at);
            attempt.identity = identity.map(SmolStr::new);
            // A cancel may have been asked for before it was taken.
            if attempt.state != State::CancelRequested {
                attempt.state = State::Started;
            }
        }
    }

    pub(super) fn names_run(&mut self, initiated: EventId, run_id: &RunId) {
        if let Some(attempt) = self.at(initiated) {
            attempt.run_id = Some(run_id.clone());
        }
    }

    pub(super) fn end(&mut self, scheduled: EventId, at: Moment, state: State, end: End) {
        if let Some(attempt) = self.at(scheduled) {
            attempt.state = state;
            attempt.ended = Some(at);
            attempt.result = end.result;
            attempt.reason = end.reason;
            attempt.details = end.details;
            attempt.cause = end.cause;
            attempt.timeout_type = end.timeout_type;
        }
        if state.is_refused() {
            self.put_before_open(scheduled);
        }
    }
}
