//! The state behind a flow: its tasks, and the commands that no event has confirmed yet.

use std::cell::Cell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::panic::Location;
use std::rc::Rc;

use md5::{Digest, Md5};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng as _;
use simpleflow_model::{EventId, SmolStr, Timestamp};

use super::cancel::CancelRequest;
use super::markers::{Effect, Markers};
use super::saga::Rollback;
use super::signals::SignalQueues;
use super::{FailureHandler, ScopeState};
use crate::commands::{Command, Commands, PATCH_MARKER};
use crate::context::RunContext;
use crate::error::{Error, TaskErrorKind};
use crate::event_details::{EventDetails, EventKind};
use crate::step::StepsState;
use crate::task::{ActivityTask, Awaited, Dependent, IdSpace, Outcome, State, Task, TaskKind};
use crate::task_id;

pub(crate) struct FlowState {
    pub(crate) run: RunContext,
    /// The most characters of an input, a result or details.
    pub(crate) value_length: usize,
    pub(crate) now: Timestamp,
    /// The event that the code reacts to.
    pub(crate) seen: EventId,
    pub(crate) replaying: bool,
    /// What the code has set as the execution context.
    pub(crate) execution_context: Option<SmolStr>,
    /// Where the code submitted last.
    pub(crate) last_submit: Option<&'static Location<'static>>,
    /// Activities that wait to be scheduled: apart, since the limit on open ones holds them back.
    pub(crate) activities: Commands,
    /// All other commands.
    pub(crate) others: Commands,
    /// The tasks that the service has, by the event that scheduled, initiated or started them.
    pub(crate) open: HashMap<EventId, Rc<Task>>,
    /// How many of these are activities.
    pub(crate) open_activities: usize,
    /// How many timers the service has, with those after which tasks are tried again.
    pub(crate) open_timers: usize,
    /// Tasks that a timer will queue again.
    pub(crate) backing_off: BTreeMap<SmolStr, Rc<Task>>,
    /// Patches that the history knows.
    pub(crate) known_patches: HashSet<SmolStr>,
    /// What fails the workflow at once, whatever its code does.
    pub(crate) raised: Option<Error>,
    /// The scope of the code that makes tasks.
    pub(crate) scope: Option<Rc<ScopeState>>,
    /// Whether a task was made since the code began to submit one, which may be there already.
    pub(super) has_made: Cell<bool>,
    /// The code that is asked about failures.
    pub(crate) failure_handler: Option<FailureHandler>,
    /// The cancel of the execution.
    pub(crate) cancel: CancelRequest,
    /// The sagas that are being undone, and those of which a failure is not told yet.
    pub(super) rollbacks: Vec<Rollback>,
    /// How many open tasks something waits for.
    pub(crate) awaited: Awaited,
    /// Whether the effect of a remembered value runs, and what it does to the flow.
    pub(super) effect: Cell<Effect>,
    pub(super) signals: SignalQueues,
    pub(crate) markers: Markers,
    pub(crate) steps: StepsState,
    activity_counts: HashMap<SmolStr, u32>,
    other_counts: HashMap<SmolStr, u32>,
    /// Tasks whose id does not come from a counter: a second submit is the same task.
    by_id: HashMap<(IdSpace, SmolStr), Rc<Task>>,
    patches: HashMap<SmolStr, bool>,
    rng: Option<ChaCha8Rng>,
}

impl FlowState {
    pub(crate) fn new(run: RunContext, value_length: usize) -> Self {
        Self {
            run,
            value_length,
            now: Timestamp::default(),
            seen: EventId(0),
            replaying: false,
            execution_context: None,
            last_submit: None,
            activities: Commands::default(),
            others: Commands::default(),
            open: HashMap::new(),
            open_activities: 0,
            open_timers: 0,
            backing_off: BTreeMap::new(),
            known_patches: HashSet::new(),
            raised: None,
            scope: None,
            has_made: Cell::default(),
            failure_handler: None,
            cancel: CancelRequest::default(),
            rollbacks: Vec::new(),
            awaited: Awaited::default(),
            effect: Cell::default(),
            signals: SignalQueues::default(),
            markers: Markers::default(),
            steps: StepsState::default(),
            activity_counts: HashMap::new(),
            other_counts: HashMap::new(),
            by_id: HashMap::new(),
            patches: HashMap::new(),
            rng: None,
        }
    }

    pub(crate) fn new_task(
        &self,
        id: impl Into<Option<SmolStr>>,
        kind: TaskKind,
        location: &'static Location<'static>,
        state: State,
    ) -> Rc<Task> {
        self.note_use();
        self.has_made.set(true);
        let task = Task::new(id, kind, location, state, Rc::clone(&self.awaited));
        if let Some(scope) = &self.scope {
            scope.add(&task);
        }
        task
    }

    /// Takes a task back that was made in a cancelled scope. Its id is as free as if it had never
    /// been there.
    pub(super) fn turn_away(&mut self, task: &Rc<Task>) {
        self.cancel(task);
        if let Some(space) = task.kind.id_space() {
            let key = (space, task.id().clone());
            let is_it = |other: &Rc<Task>| Rc::ptr_eq(other, task);
            if self.by_id.get(&key).is_some_and(is_it) {
                self.by_id.remove(&key);
            }
        }
    }

    pub(crate) fn history_length(&self) -> usize {
        usize::try_from(self.seen.0).unwrap_or_default()
    }

    /// The place in the order of commands that the next one gets.
    pub(crate) fn next_place(&self) -> u64 {
        self.activities.next_place().max(self.others.next_place())
    }

    pub(crate) fn push(&mut self, command: Command) -> u64 {
        self.note_use();
        let place = self.next_place();
        let queue = match &command {
            Command::Start(task) if matches!(task.kind, TaskKind::Activity(_)) => {
                &mut self.activities
            }
            _ => &mut self.others,
        };
        queue.push_at(place, command);
        place
    }

    /// Queues the start of a task.
    pub(crate) fn queue(&mut self, task: &Rc<Task>) {
        let place = self.push(Command::Start(Rc::clone(task)));
        task.set_state(State::Queued(place));
    }

    pub(crate) fn queue_unless_done(&mut self, task: &Rc<Task>) {
        if !task.is_done() {
            self.queue(task);
        }
    }

    pub(crate) fn next_activity_id(&mut self, name: &SmolStr) -> SmolStr {
        task_id::of_activity(name, count(&mut self.activity_counts, name))
    }

    /// The number of the next task of this name that is not an activity: 1, 2, 3, …
    pub(crate) fn count(&mut self, name: &SmolStr) -> u32 {
        self.note_use();
        count(&mut self.other_counts, name)
    }

    /// The task that has this id, if its id is its own and not a counter's.
    pub(crate) fn task_of(&self, space: IdSpace, id: &SmolStr) -> Option<Rc<Task>> {
        self.by_id.get(&(space, id.clone())).cloned()
    }

    pub(crate) fn keep_by_id(&mut self, space: IdSpace, task: &Rc<Task>) {
        self.by_id
            .insert((space, task.id().clone()), Rc::clone(task));
    }

    /// Fails a task that the service would not understand. One such decision would make it refuse
    /// all that it is sent with.
    pub(crate) fn refuse_input(&mut self, task: &Rc<Task>, problem: impl Into<SmolStr>) {
        let error = task.error(TaskErrorKind::Input(problem.into()));
        self.finish(task, Err(error));
    }

    pub(crate) fn patched(&mut self, id: &str, location: &'static Location<'static>) -> bool {
        self.note_use();
        if let Some(&patched) = self.patches.get(id) {
            return patched;
        }
        let patched = !self.replaying || self.known_patches.contains(id);
        self.patches.insert(id.into(), patched);
        if patched {
            let details = serde_json::Value::from(id).to_string().into();
            self.record_own_marker(PATCH_MARKER, Ok(details), location);
        }
        patched
    }

    pub(super) fn event_details(&self, kind: EventKind, name: &str) -> Option<EventDetails> {
        match kind {
            EventKind::Signal => self.signals.last(name).map(|signal| EventDetails {
                state: "signaled",
                payload: signal.input.clone(),
                timestamp: Some(signal.at),
                sender: signal.sender.clone(),
            }),
            EventKind::Marker => {
                let mut markers = self.markers.recorded().iter().rev();
                let marker = markers.find(|marker| marker.name == name)?;
                Some(EventDetails {
                    state: "recorded",
                    payload: Some(marker.details.clone()),
                    timestamp: Some(marker.recorded),
                    sender: None,
                })
            }
            EventKind::Timer => {
                let task = self.task_of(IdSpace::Timers, &name.into())?;
                let TaskKind::Timer { control, .. } = &task.kind else {
                    return None;
                };
                let state = task.with_state(|state| match state {
                    State::Done(Ok(_)) => "fired",
                    State::Done(Err(error)) if error.is_cancelled() => "canceled",
                    State::Done(Err(_)) => "start_failed",
                    _ => "started",
                });
                Some(EventDetails {
                    state,
                    payload: control.clone(),
                    timestamp: None,
                    sender: None,
                })
            }
        }
    }

    /// The generator of this run: its seed is the workflow id and the run id.
    pub(crate) fn rng(&mut self) -> &mut ChaCha8Rng {
        self.note_use();
        let run = &self.run;
        self.rng.get_or_insert_with(|| {
            let name = Md5::digest(run.workflow_id.as_bytes());
            let id = Md5::digest(run.run_id.as_bytes());
            let mut seed = [0; 32];
            seed[..16].copy_from_slice(&name);
            seed[16..].copy_from_slice(&id);
            ChaCha8Rng::from_seed(seed)
        })
    }

    /// Ends a task, and those that cannot run without its result; queues those that now can.
    pub(crate) fn finish(&mut self, task: &Rc<Task>, outcome: Outcome) {
        let mut ended = vec![(Rc::clone(task), outcome)];
        while let Some((task, outcome)) = ended.pop() {
            if task.is_done() {
                continue;
            }
            if let Err(error) = &outcome
                && task.raises_on_failure()
                && !task.cancel_requested.get()
                && !error.is_cancelled()
            {
                self.raised.get_or_insert_with(|| error.clone().into());
            }
            let dependents = task.finish(outcome.clone());
            match outcome {
                Ok(result) => {
                    for dependent in dependents {
                        match dependent {
                            Dependent::Argument(task, index) => {
                                self.fill(&task, index, result.clone());
                            }
                            Dependent::Same(task) => self.finish(&task, Ok(result.clone())),
                            Dependent::Signal(task) => self.queue_unless_done(&task),
                        }
                    }
                }
                Err(error) => {
                    ended.extend(
                        dependents
                            .into_iter()
                            .rev()
                            .map(|dependent| match dependent {
                                Dependent::Argument(task, _) | Dependent::Signal(task) => {
                                    let error = task.error(error.of_dependent());
                                    (task, Err(error))
                                }
                                Dependent::Same(task) => (task, Err(error.clone())),
                            }),
                    );
                }
            }
        }
    }

    fn fill(&mut self, dependent: &Rc<Task>, index: usize, result: SmolStr) {
        if let TaskKind::Activity(activity) = &dependent.kind
            && !dependent.is_done()
        {
            activity.fill(index, result);
            if !activity.is_blocked() {
                self.unblock(dependent, activity);
            }
        }
    }

    /// All arguments of an activity are known: it is queued. An idempotent one has its id only
    /// now, and may turn out to be a task that is there already.
    fn unblock(&mut self, task: &Rc<Task>, activity: &ActivityTask) {
        if !task.has_id() {
            let suffix =
                task_id::idempotent_suffix(activity.definition().names(), &activity.args());
            task.set_id(task_id::of_activity(&activity.definition().name, suffix));
            if let Some(same) = self.task_of(IdSpace::Activities, task.id()) {
                match same.outcome() {
                    Some(outcome) => self.finish(task, outcome),
                    None => same.add_dependent(Dependent::Same(Rc::clone(task))),
                }
                return;
            }
            self.keep_by_id(IdSpace::Activities, task);
        }
        self.queue_activity(task);
    }

    /// Cancels a task, as far as it can be at once; the service is asked for the rest, once.
    pub(crate) fn cancel(&mut self, task: &Rc<Task>) {
        self.note_use();
        enum Way {
            Withdraw(Option<u64>),
            Ask,
            AskOnceStarted,
        }
        if task.is_done() || task.is_beyond_recall() || task.cancel_requested.replace(true) {
            return;
        }
        let way = task.with_state(|state| match state {
            State::Queued(place) => Way::Withdraw(Some(*place)),
            // A child that is not started yet may never be: its workflow id may turn out to be another
            // execution's.
            State::Scheduled if matches!(task.kind, TaskKind::Child(_)) => Way::AskOnceStarted,
            State::Scheduled | State::Started => Way::Ask,
            _ => Way::Withdraw(None),
        });
        match way {
            Way::Withdraw(place) => {
                if let Some(place) = place {
                    self.activities
                        .take(place)
                        .or_else(|| self.others.take(place));
                }
                self.withdraw_requests(task);
                self.signals.withdraw(task);
            }
            Way::Ask => {
                self.push(Command::Cancel(Rc::clone(task)));
                if !matches!(task.kind, TaskKind::Timer { .. }) {
                    return;
                }
            }
            Way::AskOnceStarted => return,
        }
        let error = task.error(TaskErrorKind::Cancelled { details: None });
        self.finish(task, Err(error));
    }

    /// Takes back what the service was to be asked for about a task, and was not yet.
    pub(crate) fn withdraw_requests(&mut self, task: &Rc<Task>) {
        self.backing_off.retain(|_, other| !Rc::ptr_eq(other, task));
        self.others.claim(u64::MAX, |command| match command {
            Command::Cancel(other) | Command::BackOff { task: other, .. } => {
                Rc::ptr_eq(other, task)
            }
            _ => false,
        });
    }

    /// Does again what the service refused for its rate.
    pub(crate) fn try_again(&mut self, task: &Rc<Task>) {
        if task.cancel_requested.get() {
            self.push(Command::Cancel(Rc::clone(task)));
        } else {
            self.queue(task);
        }
    }
}

#[cfg(test)]
impl FlowState {
    /// How much there is of all that it holds more or less of.
    pub(crate) fn sizes(&self) -> [(&'static str, usize); 11] {
        let (names, signals) = self.signals.sizes();
        [
            ("activity commands", self.activities.len()),
            ("other commands", self.others.len()),
            ("open tasks", self.open.len()),
            ("open activities", self.open_activities),
            ("open timers", self.open_timers),
            ("tasks that back off", self.backing_off.len()),
            ("tasks known by id", self.by_id.len()),
            ("names of signals", names),
            ("signals and waits", signals),
            ("remembered values", self.markers.remembered()),
            ("patches", self.patches.len() + self.known_patches.len()),
        ]
    }
}

fn count(counts: &mut HashMap<SmolStr, u32>, name: &SmolStr) -> u32 {
    if let Some(count) = counts.get_mut(name) {
        *count += 1;
        return *count;
    }
    counts.insert(name.clone(), 1);
    1
}
