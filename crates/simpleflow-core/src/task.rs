//! A task of a workflow: an activity, a child execution, a timer, a Lambda function, a signal that is
//! sent, or the wait for one or for a cancel; and what is known of it so far.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Deref;
use std::panic::Location;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use simpleflow_model::{SmolStr, Timeout};

use crate::activity::ActivityDefinition;
use crate::error::{TaskError, TaskErrorKind};
use crate::future::FutureState;
use crate::payload;
use crate::raw::Raw;
use crate::retry::RetryPolicy;
use crate::workflow::WorkflowDefinition;

/// The result of a task: JSON text, or how it failed.
pub(crate) type Outcome = Result<SmolStr, TaskError>;

#[cfg(test)]
thread_local! {
    /// How often tasks were asked whether they are done.
    pub(crate) static POLLS: Cell<usize> = const { Cell::new(0) };
}

/// Public because of the sealed traits that name it; nobody else sees it.
pub struct Task {
    /// Unset while an idempotent task waits for the arguments that its id is made from.
    id: OnceCell<SmolStr>,
    pub(crate) kind: TaskKind,
    pub(crate) location: &'static Location<'static>,
    state: RefCell<State>,
    /// Failures so far.
    pub(crate) failures: Cell<u32>,
    /// Whether the code said of its failure that it deals with it.
    pub(crate) handled: Cell<bool>,
    /// How often the service refused it for its rate so far.
    pub(crate) refusals: Cell<u32>,
    /// Whether the code asked for its cancel.
    pub(crate) cancel_requested: Cell<bool>,
    waiting: RefCell<Waiting>,
    /// Whether one of the wakers is to be told of its start.
    start_awaited: Cell<bool>,
    dependents: RefCell<Vec<Dependent>>,
    awaited: Awaited,
}

/// How many open tasks of a flow something waits for. While it is zero, no event can make
/// suspended code go on.
pub(crate) type Awaited = Rc<Cell<usize>>;

/// Those who wait for a task, in the order in which they began to.
#[derive(Default)]
struct Waiting {
    /// Whom to wake, and whether that counts as a wait.
    wakers: BTreeMap<u64, (Waker, bool)>,
    next: u64,
    /// How many count.
    counted: usize,
}

/// One who may wait for a task: a future that polls it. When that is dropped, nothing waits there
/// any more.
pub(crate) struct Waiter {
    task: Rc<Task>,
    /// Its place among those who wait.
    place: Cell<Option<u64>>,
    counts: bool,
}

impl Waiter {
    pub(crate) fn new(task: Rc<Task>) -> Self {
        Self::of(task, true)
    }

    /// One that also does other things: that it waits too keeps no code going.
    pub(crate) fn aside(task: Rc<Task>) -> Self {
        Self::of(task, false)
    }

    fn of(task: Rc<Task>, counts: bool) -> Self {
        let place = Cell::new(None);
        Self {
            task,
            place,
            counts,
        }
    }

    /// Whether the task is done; if not, this waits for it from now on.
    pub(crate) fn poll(&self, context: &Context<'_>) -> Poll<()> {
        #[cfg(test)]
        POLLS.set(POLLS.get() + 1);
        if self.task.is_done() {
            return Poll::Ready(());
        }
        let place = self
            .task
            .wait(self.place.get(), context.waker(), self.counts);
        self.place.set(Some(place));
        Poll::Pending
    }

    /// Whether the task is started or done; if not, this waits for either from now on.
    pub(crate) fn poll_started(&self, context: &Context<'_>) -> Poll<()> {
        if self.with_state(|state| matches!(state, State::Started)) {
            return Poll::Ready(());
        }
        let polled = self.poll(context);
        self.task.start_awaited.set(polled.is_pending());
        polled
    }
}

impl Deref for Waiter {
    type Target = Rc<Task>;

    fn deref(&self) -> &Rc<Task> {
        &self.task
    }
}

impl Clone for Waiter {
    fn clone(&self) -> Self {
        Self::of(Rc::clone(&self.task), self.counts)
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        if let Some(place) = self.place.get() {
            self.task.wait_no_more(place);
        }
    }
}

/// Who is told when a task ends.
pub(crate) enum Dependent {
    /// A task whose argument at this position is the result.
    Argument(Rc<Task>, usize),
    /// A task that turned out to be the same one.
    Same(Rc<Task>),
    /// A signal to this child execution, which is sent when it is started.
    Signal(Rc<Task>),
}

impl Dependent {
    fn into_task(self) -> Rc<Task> {
        match self {
            Self::Argument(task, _) | Self::Same(task) | Self::Signal(task) => task,
        }
    }
}

/// Within which tasks an id is one task's.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum IdSpace {
    Activities,
    Children,
    Timers,
    Lambdas,
}

pub(crate) enum TaskKind {
    Activity(ActivityTask),
    Child(ChildTask),
    Timer {
        seconds: u32,
        control: Option<SmolStr>,
    },
    /// The wait for a signal.
    Signal,
    SendSignal(SignalToSend),
    Lambda(LambdaTask),
    /// Code of the workflow's own, by its number.
    Coroutine(u32),
    /// The wait for a request to cancel the execution.
    CancelRequest,
}

pub(crate) struct LambdaTask {
    pub(crate) name: SmolStr,
    pub(crate) input: Option<SmolStr>,
    pub(crate) start_to_close_timeout: Option<Timeout>,
    pub(crate) retry: RetryPolicy,
}

/// A signal to another execution, or to this one.
pub(crate) struct SignalToSend {
    pub(crate) name: SmolStr,
    pub(crate) input: Option<SmolStr>,
    pub(crate) workflow_id: SmolStr,
    /// The run, if it is to be this one and not whichever is open.
    pub(crate) run_id: Option<SmolStr>,
    /// Whether it was received, and is sent on by no code.
    pub(crate) is_sent_on: bool,
}

pub(crate) struct ActivityTask {
    /// What `#[activity]` says.
    pub(crate) definition: &'static ActivityDefinition,
    /// What the call says in its place.
    pub(crate) overrides: Option<Box<ActivityDefinition>>,
    /// The arguments, as JSON; those that wait for another task are empty until it is done.
    pub(crate) args: RefCell<Vec<SmolStr>>,
    /// How many do.
    pub(crate) waiting_for: Cell<usize>,
    /// Whether the only argument is a [`Raw`](crate::Raw), which is the input.
    pub(crate) is_raw: bool,
}

pub(crate) struct ChildTask {
    pub(crate) settings: Rc<WorkflowDefinition>,
    pub(crate) input: SmolStr,
    /// The id of its first run, once it is started: of those after it, if it continues as new, the
    /// parent never hears.
    pub(crate) run_id: RefCell<Option<SmolStr>>,
}

/// Where a task is on its way.
pub(crate) enum State {
    /// It waits for the results of other tasks.
    Blocked,
    /// Its decision waits to be sent, at this place in the queue.
    Queued(u64),
    /// The service has it.
    Scheduled,
    /// A worker or decider has it.
    Started,
    /// The service refused it for now; it is queued again when a timer fires.
    BackingOff,
    /// It waits for something that nobody was asked for, such as a signal.
    Waiting,
    Done(Outcome),
}

impl ActivityTask {
    pub(crate) fn definition(&self) -> &ActivityDefinition {
        self.overrides.as_deref().unwrap_or(self.definition)
    }

    pub(crate) fn is_blocked(&self) -> bool {
        self.waiting_for.get() > 0
    }

    /// The arguments as they are known.
    pub(crate) fn args(&self) -> std::cell::Ref<'_, [SmolStr]> {
        std::cell::Ref::map(self.args.borrow(), Vec::as_slice)
    }

    /// Gives an argument that was waited for.
    pub(crate) fn fill(&self, index: usize, value: SmolStr) {
        self.args.borrow_mut()[index] = value;
        self.waiting_for.set(self.waiting_for.get() - 1);
    }

    /// The length of the input in bytes, which is at least its length in characters.
    pub(crate) fn input_bytes(&self) -> usize {
        const ENVELOPE: usize = r#"{"args":[],"kwargs":{}}"#.len();
        let meta = self
            .definition()
            .meta
            .as_ref()
            .map_or(0, |meta| meta.len() + r#","meta":"#.len());
        let names = self.definition().names().iter();
        let names: usize = names.map(|name| name.name.len() + r#""":"#.len()).sum();
        let args = self.args.borrow();
        ENVELOPE + meta + names + args.iter().map(|arg| arg.len() + 1).sum::<usize>()
    }

    pub(crate) fn input(&self) -> SmolStr {
        let args = self.args.borrow();
        if self.is_raw
            && let [arg] = &args[..]
            && let Ok(raw) = serde_json::from_str::<Raw>(arg)
        {
            return raw.into_inner();
        }
        let mut text = String::with_capacity(self.input_bytes());
        let (named, args) = payload::named(self.definition().names(), &args);
        text.push_str("{\"args\":[");
        for (index, arg) in args.iter().enumerate() {
            if index > 0 {
                text.push(',');
            }
            text.push_str(arg);
        }
        text.push_str("],\"kwargs\":{");
        for (index, (name, arg)) in named.enumerate() {
            let comma = if index > 0 { "," } else { "" };
            // Writing to a string cannot fail.
            let _ = write!(text, "{comma}\"{name}\":{arg}");
        }
        text.push('}');
        if let Some(meta) = &self.definition().meta {
            text.push_str(",\"meta\":");
            text.push_str(meta);
        }
        text.push('}');
        text.into()
    }
}

impl TaskKind {
    /// Within which tasks its id is its own. Waits for one signal share their name, the service does
    /// not know the ids of signals that are sent, and of a coroutine it never hears.
    pub(crate) fn id_space(&self) -> Option<IdSpace> {
        match self {
            Self::Activity(_) => Some(IdSpace::Activities),
            Self::Child(_) => Some(IdSpace::Children),
            Self::Timer { .. } => Some(IdSpace::Timers),
            Self::Lambda(_) => Some(IdSpace::Lambdas),
            Self::Signal | Self::SendSignal(_) | Self::CancelRequest | Self::Coroutine(_) => None,
        }
    }
}

impl Task {
    pub(crate) fn new(
        id: impl Into<Option<SmolStr>>,
        kind: TaskKind,
        location: &'static Location<'static>,
        state: State,
        awaited: Awaited,
    ) -> Rc<Self> {
        Rc::new(Self {
            id: id.into().map(OnceCell::from).unwrap_or_default(),
            kind,
            location,
            state: RefCell::new(state),
            failures: Cell::new(0),
            handled: Cell::new(false),
            refusals: Cell::new(0),
            cancel_requested: Cell::new(false),
            waiting: RefCell::default(),
            start_awaited: Cell::new(false),
            dependents: RefCell::default(),
            awaited,
        })
    }

    /// The id; while an idempotent task has none yet, its name.
    pub(crate) fn id(&self) -> &SmolStr {
        self.id.get().unwrap_or_else(|| self.name())
    }

    /// Gives an idempotent task the id that its arguments make.
    pub(crate) fn set_id(&self, id: SmolStr) {
        let _ = self.id.set(id);
    }

    pub(crate) fn has_id(&self) -> bool {
        self.id.get().is_some()
    }

    /// The name of the activity, workflow, timer or signal.
    pub(crate) fn name(&self) -> &SmolStr {
        match (&self.kind, self.id.get()) {
            (TaskKind::Activity(activity), _) => &activity.definition().name,
            (TaskKind::Child(child), _) => &child.settings.name,
            (TaskKind::CancelRequest, _) => const { &SmolStr::new_static("cancel request") },
            (TaskKind::SendSignal(signal), _) => &signal.name,
            (TaskKind::Lambda(lambda), _) => &lambda.name,
            (_, Some(id)) => id,
            (_, None) => const { &SmolStr::new_static("") },
        }
    }

    pub(crate) fn retry_policy(&self) -> Option<&RetryPolicy> {
        match &self.kind {
            TaskKind::Activity(activity) => Some(&activity.definition().retry),
            TaskKind::Child(child) => Some(&child.settings.retry),
            TaskKind::Lambda(lambda) => Some(&lambda.retry),
            _ => None,
        }
    }

    pub(crate) fn raises_on_failure(&self) -> bool {
        match &self.kind {
            _ if self.handled.get() => false,
            TaskKind::Activity(activity) => activity.definition().raises_on_failure,
            TaskKind::Child(child) => child.settings.raises_on_failure,
            _ => false,
        }
    }

    pub(crate) fn error(&self, kind: TaskErrorKind) -> TaskError {
        TaskError::new(
            self.id().clone(),
            self.name().clone(),
            match self.kind {
                TaskKind::Activity(_) => "activity-",
                TaskKind::Child(_) => "workflow-",
                TaskKind::SendSignal(_) => "signal-",
                TaskKind::Lambda(_) => "lambda-",
                _ => "",
            },
            self.failures.get() + 1,
            self.location,
            kind,
        )
    }

    pub(crate) fn with_state<T>(&self, read: impl FnOnce(&State) -> T) -> T {
        read(&self.state.borrow())
    }

    pub(crate) fn set_state(&self, state: State) {
        *self.state.borrow_mut() = state;
    }

    pub(crate) fn is_done(&self) -> bool {
        self.with_state(|state| matches!(state, State::Done(_)))
    }

    /// Whether it cannot be cancelled: a signal or a Lambda function that the service has, or the
    /// wait for the cancel of the execution, which is one for all who ask.
    pub(crate) fn is_beyond_recall(&self) -> bool {
        match self.kind {
            TaskKind::SendSignal(_) | TaskKind::Lambda(_) => {
                self.with_state(|state| matches!(state, State::Scheduled | State::Started))
            }
            TaskKind::CancelRequest => true,
            _ => false,
        }
    }

    /// How it ended, if it has.
    pub(crate) fn outcome(&self) -> Option<Outcome> {
        self.with_state(|state| match state {
            State::Done(outcome) => Some(outcome.clone()),
            _ => None,
        })
    }

    pub(crate) fn future_state(&self) -> FutureState {
        self.with_state(|state| match state {
            State::Waiting if matches!(self.kind, TaskKind::Coroutine(_)) => FutureState::Running,
            State::Blocked
            | State::Queued(_)
            | State::Scheduled
            | State::BackingOff
            | State::Waiting => FutureState::Pending,
            State::Started => FutureState::Running,
            State::Done(Err(error)) if error.is_cancelled() => FutureState::Cancelled,
            State::Done(_) => FutureState::Finished,
        })
    }

    pub(crate) fn add_dependent(&self, dependent: Dependent) {
        self.dependents.borrow_mut().push(dependent);
    }

    /// The execution of a child that is started, or was: its workflow id, and its first run.
    pub(crate) fn started_child(&self) -> Option<(SmolStr, Option<SmolStr>)> {
        let TaskKind::Child(child) = &self.kind else {
            return None;
        };
        let run_id = child.run_id.borrow().clone();
        let started = self.with_state(|state| match state {
            State::Started => true,
            State::Done(_) => run_id.is_some(),
            _ => false,
        });
        started.then(|| (self.id().clone(), run_id))
    }

    /// The signals that are to be sent when it is started.
    pub(crate) fn take_signals(&self) -> Vec<Rc<Task>> {
        let mut dependents = self.dependents.borrow_mut();
        let signals =
            dependents.extract_if(.., |dependent| matches!(dependent, Dependent::Signal(_)));
        signals.map(Dependent::into_task).collect()
    }

    /// Ends the task: its waiters are woken, its dependents given back, its arguments dropped.
    pub(crate) fn finish(&self, outcome: Outcome) -> Vec<Dependent> {
        self.set_state(State::Done(outcome));
        if let TaskKind::Activity(activity) = &self.kind {
            activity.args.take();
        }
        self.wake();
        self.dependents.take()
    }

    /// A worker or a decider has it. Whether code waits for that, which is woken.
    pub(crate) fn start(&self) -> bool {
        self.set_state(State::Started);
        let awaited = self.start_awaited.take();
        if awaited {
            // Who waits for its end, waits again.
            self.wake();
        }
        awaited
    }

    fn wake(&self) {
        for (waker, _) in self.take_wakers().into_values() {
            waker.wake();
        }
    }

    fn take_wakers(&self) -> BTreeMap<u64, (Waker, bool)> {
        let mut waiting = self.waiting.borrow_mut();
        if std::mem::take(&mut waiting.counted) > 0 {
            self.awaited.set(self.awaited.get() - 1);
        }
        std::mem::take(&mut waiting.wakers)
    }

    /// Whether something waits for it.
    pub(crate) fn is_awaited(&self) -> bool {
        self.waiting.borrow().counted > 0
    }

    /// How many wait for it.
    #[cfg(test)]
    pub(crate) fn waiters(&self) -> usize {
        self.waiting.borrow().wakers.len()
    }

    /// Whether another than the one holder that asks still has to do with the task.
    pub(crate) fn is_wanted(self: &Rc<Self>) -> bool {
        Rc::strong_count(self) > 1 || !self.dependents.borrow().is_empty()
    }

    /// Lets this waker be woken when the task ends, in the place of the one that the same waiter had,
    /// and gives its place.
    fn wait(&self, place: Option<u64>, waker: &Waker, counts: bool) -> u64 {
        let mut waiting = self.waiting.borrow_mut();
        if let Some(place) = place
            && let Some((known, _)) = waiting.wakers.get_mut(&place)
        {
            known.clone_from(waker);
            return place;
        }
        if counts {
            if waiting.counted == 0 {
                self.awaited.set(self.awaited.get() + 1);
            }
            waiting.counted += 1;
        }
        let place = waiting.next;
        waiting.next += 1;
        waiting.wakers.insert(place, (waker.clone(), counts));
        place
    }

    fn wait_no_more(&self, place: u64) {
        let mut waiting = self.waiting.borrow_mut();
        let waker = waiting.wakers.remove(&place);
        if let Some((_, true)) = waker {
            waiting.counted -= 1;
            if waiting.counted == 0 {
                self.awaited.set(self.awaited.get() - 1);
            }
        }
        // It is dropped when nothing is borrowed.
        drop(waiting);
    }
}

/// A chain of dependents can be as long as a workflow: it is dropped link by link, since a drop
/// within a drop would overflow the stack.
impl Drop for Task {
    fn drop(&mut self) {
        self.take_wakers();
        let mut dependents = self.dependents.take();
        while let Some(dependent) = dependents.pop() {
            if let Some(task) = Rc::into_inner(dependent.into_task()) {
                dependents.append(&mut task.dependents.borrow_mut());
            }
        }
    }
}
