//! How calls become tasks.

use std::cell::{Cell, RefCell};
use std::panic::Location;
use std::rc::Rc;

use simpleflow_model::{ActivityId, SmolStr, WorkflowId};

use super::{Flow, FlowState};
use crate::activity::{ActivityCall, ArgKind, OwnId};
use crate::check::{check_length, check_name, no_json};
use crate::error::TaskErrorKind;
use crate::future::Future;
use crate::task::{ActivityTask, ChildTask, Dependent, IdSpace, State, Task, TaskKind};
use crate::task_id;
use crate::workflow::{Workflow, WorkflowCall, input_of};

/// What can be given to [`Flow::submit`](crate::Flow::submit), and be a member of a
/// [canvas](crate::canvas): the call of an activity, a workflow or the call of one, a [`Lambda`](crate::Lambda)
/// function, a [`Signal`](crate::Signal), a [`Timer`](crate::Timer), a canvas. A [`Future`] is the task that it is of, and `()` and
/// `None` are nothing, done at once.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be submitted",
    label = "expected a call of an activity, such as `increment(1)`, a workflow, \
             a Lambda function, a signal or a timer",
    note = "a function with `#[activity]` is called by its name; its `run` is the function itself, \
            which does its work here and now"
)]
pub trait Submit: SubmitTo {
    /// The type of the result.
    type Output;
}

pub(super) mod sealed {
    use super::{Flow, FlowState, Location, Rc, Site, Task};

    /// Becomes a task, or a canvas of them.
    pub trait SubmitTo {
        fn submit_to(self, flow: &Flow, site: Site) -> Rc<Task>;
    }

    /// Becomes a task.
    #[expect(private_interfaces, reason = "no one else implements or calls it")]
    pub trait IntoTask: Sized {
        fn into_task(self, state: &mut FlowState, location: &'static Location<'static>)
        -> Rc<Task>;

        /// The same in a canvas that says whether failures fail the workflow. What has no such
        /// setting ignores it.
        fn into_task_that_raises(
            self,
            _raises: bool,
            state: &mut FlowState,
            location: &'static Location<'static>,
        ) -> Rc<Task> {
            self.into_task(state, location)
        }
    }

    impl<C: IntoTask> SubmitTo for C {
        fn submit_to(self, flow: &Flow, site: Site) -> Rc<Task> {
            flow.make(|state| match site.raises {
                Some(raises) => self.into_task_that_raises(raises, state, site.location),
                None => self.into_task(state, site.location),
            })
        }
    }
}

pub(crate) use sealed::SubmitTo;

/// Where something is submitted, and what the canvases around it say of its failure.
#[derive(Clone, Copy)]
pub struct Site {
    pub(crate) location: &'static Location<'static>,
    raises: Option<bool>,
}

impl Site {
    #[track_caller]
    pub(super) fn caller() -> Self {
        Self {
            location: Location::caller(),
            raises: None,
        }
    }

    /// The site of a member of a canvas that is submitted here. What the canvas outside says goes
    /// before.
    pub(crate) fn within(self, raises: Option<bool>) -> Self {
        Self {
            raises: self.raises.or(raises),
            ..self
        }
    }

    /// The same place for what the canvases around it say nothing of.
    pub(crate) fn apart(self) -> Self {
        Self {
            raises: None,
            ..self
        }
    }
}

impl<T> Submit for ActivityCall<T> {
    type Output = T;
}

impl<T> sealed::IntoTask for ActivityCall<T> {
    #[expect(private_interfaces, reason = "no one else implements or calls it")]
    fn into_task(self, state: &mut FlowState, location: &'static Location<'static>) -> Rc<Task> {
        state.last_submit = Some(location);
        let definition = self.overrides.as_deref().unwrap_or(self.definition);
        let mut args = Vec::with_capacity(self.args.len());
        let mut waits: Vec<(Rc<Task>, usize)> = Vec::new();
        let mut failure = None;
        let is_raw =
            matches!(&self.args[..], [arg] if arg.is_raw) && definition.parameters.len() == 1;
        for (index, arg) in self.args.into_iter().enumerate() {
            args.push(match arg.kind {
                ArgKind::Json(json) => json,
                ArgKind::Invalid(problem) => {
                    failure.get_or_insert(TaskErrorKind::Input(problem));
                    SmolStr::default()
                }
                ArgKind::Future(task) => match task.outcome() {
                    Some(Ok(json)) => json,
                    Some(Err(error)) => {
                        failure.get_or_insert(error.of_dependent());
                        SmolStr::default()
                    }
                    None => {
                        waits.push((task, index));
                        SmolStr::default()
                    }
                },
            });
        }
        let name = &definition.name;
        let (id, unique) = match self.id {
            Some(own) => {
                let id = match own {
                    OwnId::Suffix(suffix) => task_id::of_activity(name, suffix),
                    OwnId::Whole(id) => id,
                };
                (Some(id), true)
            }
            // The id is a hash of the arguments: while one is not known, there is none.
            None if definition.idempotent && !waits.is_empty() => (None, false),
            None if definition.idempotent => {
                let suffix = task_id::idempotent_suffix(definition.names(), &args);
                (Some(task_id::of_activity(name, suffix)), true)
            }
            None => (Some(state.next_activity_id(name)), false),
        };
        let space = IdSpace::Activities;
        if unique && let Some(task) = id.as_ref().and_then(|id| state.task_of(space, id)) {
            return task;
        }
        let checked = match &id {
            Some(id) => check_name(ActivityId::new(id.clone())),
            None => Ok(()),
        };
        let checked = checked.and_then(|()| definition.check());
        let activity = ActivityTask {
            definition: self.definition,
            overrides: self.overrides,
            args: RefCell::new(args),
            waiting_for: Cell::new(waits.len()),
            is_raw,
        };
        let task = state.new_task(id, TaskKind::Activity(activity), location, State::Blocked);
        if unique {
            state.keep_by_id(space, &task);
        }
        if let Some(failure) = checked.err().map(TaskErrorKind::Input).or(failure) {
            let error = task.error(failure);
            state.finish(&task, Err(error));
        } else if waits.is_empty() {
            state.queue_activity(&task);
        } else {
            for (dependency, index) in waits {
                dependency.add_dependent(Dependent::Argument(Rc::clone(&task), index));
            }
        }
        task
    }

    #[expect(private_interfaces, reason = "no one else implements or calls it")]
    fn into_task_that_raises(
        self,
        raises: bool,
        state: &mut FlowState,
        location: &'static Location<'static>,
    ) -> Rc<Task> {
        self.raises_on_failure(raises).into_task(state, location)
    }
}

#[diagnostic::do_not_recommend]
impl<T> Submit for Future<T> {
    type Output = T;
}

/// A task that was submitted already, as a member of a canvas.
impl<T> SubmitTo for Future<T> {
    fn submit_to(self, _flow: &Flow, _site: Site) -> Rc<Task> {
        self.task()
    }
}

#[diagnostic::do_not_recommend]
impl<S: Submit> Submit for Option<S> {
    type Output = Option<S::Output>;
}

/// Nothing is done at once, with the result `null`.
impl<S: Submit> SubmitTo for Option<S> {
    fn submit_to(self, flow: &Flow, site: Site) -> Rc<Task> {
        match self {
            Some(call) => call.submit_to(flow, site),
            None => ().submit_to(flow, site),
        }
    }
}

#[diagnostic::do_not_recommend]
impl Submit for () {
    type Output = ();
}

impl SubmitTo for () {
    fn submit_to(self, flow: &Flow, site: Site) -> Rc<Task> {
        let nothing = Box::pin(async { Ok(SmolStr::new_static("null")) });
        flow.spawn_task("nothing", nothing, site.location)
    }
}

impl FlowState {
    /// Queues an activity whose arguments are known, unless its input is longer than SWF takes.
    pub(super) fn queue_activity(&mut self, task: &Rc<Task>) {
        if let TaskKind::Activity(activity) = &task.kind
            && activity.input_bytes() > self.value_length
        {
            let checked = check_length("input", &activity.input(), self.value_length);
            if let Err(problem) = checked {
                return self.refuse_input(task, problem);
            }
        }
        self.queue(task);
    }
}

#[diagnostic::do_not_recommend]
impl<W: Workflow> Submit for W {
    type Output = W::Output;
}

impl<W: Workflow> sealed::IntoTask for W {
    #[expect(private_interfaces, reason = "no one else implements or calls it")]
    fn into_task(self, state: &mut FlowState, location: &'static Location<'static>) -> Rc<Task> {
        self.call().into_task(state, location)
    }

    #[expect(private_interfaces, reason = "no one else implements or calls it")]
    fn into_task_that_raises(
        self,
        raises: bool,
        state: &mut FlowState,
        location: &'static Location<'static>,
    ) -> Rc<Task> {
        self.call()
            .raises_on_failure(raises)
            .into_task(state, location)
    }
}

impl<W: Workflow> Submit for WorkflowCall<W> {
    type Output = W::Output;
}

impl<W: Workflow> sealed::IntoTask for WorkflowCall<W> {
    #[expect(private_interfaces, reason = "no one else implements or calls it")]
    fn into_task(self, state: &mut FlowState, location: &'static Location<'static>) -> Rc<Task> {
        state.last_submit = Some(location);
        let arguments = self.workflow.to_arguments();
        let settings = self.settings;
        let args = arguments.as_deref().unwrap_or_default();
        let (id, unique) = match self.workflow_id {
            Some(workflow_id) => (workflow_id, true),
            None => {
                let name = smol_str::format_smolstr!("workflow-{}", settings.name);
                let suffix = if settings.idempotent {
                    task_id::idempotent_suffix(&[], args)
                } else {
                    state.count(&name).to_string()
                };
                let run = &state.run;
                let suffix = task_id::child_suffix(&run.workflow_id, &run.run_id, &suffix);
                (task_id::join(&name, &suffix), settings.idempotent)
            }
        };
        let space = IdSpace::Children;
        if unique && let Some(task) = state.task_of(space, &id) {
            return task;
        }
        let input = input_of(&self.workflow, args);
        let checked = check_name(WorkflowId::new(id.clone()))
            .and_then(|()| settings.check())
            .and(arguments.map_err(|error| no_json("input", &error)))
            .and_then(|_| check_length("input", &input, state.value_length));
        let child = ChildTask {
            settings: Rc::new(settings),
            input,
            run_id: None.into(),
        };
        let task = state.new_task(id, TaskKind::Child(child), location, State::Waiting);
        if unique {
            state.keep_by_id(space, &task);
        }
        match checked {
            Ok(()) => state.queue(&task),
            Err(problem) => state.refuse_input(&task, problem),
        }
        task
    }

    #[expect(private_interfaces, reason = "no one else implements or calls it")]
    fn into_task_that_raises(
        self,
        raises: bool,
        state: &mut FlowState,
        location: &'static Location<'static>,
    ) -> Rc<Task> {
        self.raises_on_failure(raises).into_task(state, location)
    }
}
