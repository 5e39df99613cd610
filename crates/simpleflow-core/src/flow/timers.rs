//! Timers as tasks.

use std::panic::Location;
use std::rc::Rc;
use std::time::Duration;

use simpleflow_model::{SmolStr, TimerId};

use super::submit::{Submit, sealed};
use super::{FlowState, too_long};
use crate::task::{IdSpace, State, Task, TaskKind};
use crate::task_id;
use crate::timer::Timer;

/// The longest time that SWF's eight digits of seconds can say: more than three years.
const LONGEST_TIMER_SECONDS: u64 = 99_999_999;

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
        let mut problem = TimerId::new(self.id.clone())
            .err()
            .map(|problem| SmolStr::from(problem.to_string()));
        if task_id::is_reserved_timer(&self.id) {
            problem = Some("timers with this id are the decider's own: choose another".into());
        }
        let control = match self.control.transpose() {
            Ok(control) => control,
            Err(error) => {
                problem = Some(format!("its control has no JSON form: {error}").into());
                None
            }
        };
        let length = control
            .as_ref()
            .map_or(0, |control| control.chars().count());
        if length > state.value_length {
            problem = Some(too_long("control", length, state.value_length));
        }
        let task = state.new_timer(self.id, self.duration, control, location);
        state.keep_by_id(space, &task);
        match problem {
            Some(problem) => state.refuse_input(&task, problem),
            None => state.queue(&task),
        }
        task
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
    seconds.min(LONGEST_TIMER_SECONDS) as u32
}
