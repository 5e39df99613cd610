//! Timers as tasks.

use std::panic::Location;
use std::rc::Rc;
use std::time::Duration;

use simpleflow_model::{SmolStr, TimerId, limits};

use super::FlowState;
use super::submit::{Submit, sealed};
use crate::check::{Problem, check_name, check_value};
use crate::task::{IdSpace, State, Task, TaskKind};
use crate::task_id;
use crate::timer::Timer;

impl Submit for Timer {
    type Output = ();
}

impl sealed::IntoTask for Timer {
    #[expect(private_interfaces, reason = "no one else implements or calls it")]
    fn into_task(self, state: &mut FlowState, location: &'static Location<'static>) -> Rc<Task> {
        let space = IdSpace::Timers;
        if let Some(task) = state.task_of(space, &self.id) {
            return task;
        }
        let most = state.value_length;
        let control = check_id(&self.id).and_then(|()| {
            let control = self.control;
            control
                .map(|control| check_value("control", control, most))
                .transpose()
        });
        let (control, problem) = match control {
            Ok(control) => (control, None),
            Err(problem) => (None, Some(problem)),
        };
        let task = state.new_timer(self.id, self.duration, control, location);
        state.keep_by_id(space, &task);
        match problem {
            Some(problem) => state.refuse_input(&task, problem),
            None => state.queue(&task),
        }
        task
    }
}

fn check_id(id: &SmolStr) -> Result<(), Problem> {
    check_name(TimerId::new(id.clone()))?;
    match task_id::is_reserved_timer(id) {
        true => Err("timers with this id are the decider's own: choose another".into()),
        false => Ok(()),
    }
}

impl FlowState {
    /// A timer whose id nobody knows, and which is forgotten when it has fired. What it is for is
    /// the start of its id.
    pub(crate) fn sleep(
        &mut self,
        what_for: &'static str,
        duration: Duration,
        location: &'static Location<'static>,
    ) -> Rc<Task> {
        let id = loop {
            let number = self.count(&SmolStr::new_static(what_for));
            let id = task_id::join(what_for, number);
            // The code may have given it to an open timer of its own.
            let known = self.task_of(IdSpace::Timers, &id);
            if known.is_none_or(|task| task.is_done()) {
                break id;
            }
        };
        let task = self.new_timer(id, duration, None, location);
        self.queue(&task);
        task
    }

    fn new_timer(
        &mut self,
        id: SmolStr,
        duration: Duration,
        control: Option<SmolStr>,
        location: &'static Location<'static>,
    ) -> Rc<Task> {
        self.last_submit = Some(location);
        let kind = TaskKind::Timer {
            seconds: timer_seconds(duration),
            control,
        };
        self.new_task(id, kind, location, State::Waiting)
    }
}

/// A time as that of a timer: whole seconds, at most what SWF takes.
pub(crate) fn timer_seconds(duration: Duration) -> u32 {
    let fraction = u64::from(duration.subsec_nanos() > 0);
    let seconds = duration.as_secs().saturating_add(fraction);
    seconds.min(limits::TIMEOUT_SECONDS.into()) as u32
}
