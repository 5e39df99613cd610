//! The state behind a flow: its tasks, and the commands that no event has confirmed yet.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::panic::Location;
use std::rc::Rc;
use std::time::Duration;

use md5::{Digest, Md5};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng as _;
use simpleflow_model::{EventId, MarkerName, SmolStr, TimerId, Timestamp, limits};

use super::cancel::CancelRequest;
use super::{FailureHandler, ScopeState, too_long};
use crate::commands::{Command, Commands, PATCH_MARKER};
use crate::context::RunContext;
use crate::error::{Error, TaskErrorKind};
use crate::task::{ActivityTask, Awaited, Dependent, IdSpace, Outcome, State, Task, TaskKind};
use crate::task_id;

/// The longest time that SWF's eight digits of seconds can say: more than three years.
const LONGEST_TIMER_SECONDS: u64 = 99_999_999;

pub(crate) struct FlowState {
    pub(crate) run: RunContext,
    pub(crate) now: Timestamp,
    /// The event that the code reacts to.
    pub(crate) seen: EventId,
    pub(crate) replaying: bool,
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
    /// Tasks that a timer will queue again.
    pub(crate) backing_off: BTreeMap<SmolStr, Rc<Task>>,
    /// Patches that the history knows.
    pub(crate) known_patches: HashSet<SmolStr>,
    /// What fails the workflow at once, whatever its code does.
    pub(crate) raised: Option<Error>,
    /// The scope of the code that makes tasks.
    pub(crate) scope: Option<Rc<ScopeState>>,
    /// The code that is asked about failures.
    pub(crate) failure_handler: Option<FailureHandler>,
    /// The cancel of the execution.
    pub(crate) cancel: CancelRequest,
    /// How many open tasks something waits for.
    pub(crate) awaited: Awaited,
    signals: BTreeMap<SmolStr, Signals>,
    activity_counts: HashMap<SmolStr, u32>,
    other_counts: HashMap<SmolStr, u32>,
    /// Tasks whose id does not come from a counter: a second submit is the same task.
    by_id: HashMap<(IdSpace, SmolStr), Rc<Task>>,
    patches: HashMap<SmolStr, bool>,
    rng: Option<ChaCha8Rng>,
}

#[derive(Default)]
struct Signals {
    received: VecDeque<SmolStr>,
    waiting: VecDeque<Rc<Task>>,
}

impl Signals {
    /// Takes the longest wait. One that the code has dropped, such as the loser of a race, takes
    /// no signal away from the next.
    fn take_waiting(&mut self) -> Option<Rc<Task>> {
        std::iter::from_fn(|| self.waiting.pop_front()).find(Task::is_wanted)
    }

    /// Adds a wait. A loop that drops its waits at either end leaves nothing behind.
    fn wait(&mut self, task: Rc<Task>) {
        while self
            .waiting
            .pop_front_if(|task| !task.is_wanted())
            .is_some()
        {}
        while self.waiting.pop_back_if(|task| !task.is_wanted()).is_some() {}
        self.waiting.push_back(task);
    }

    fn is_empty(&self) -> bool {
        self.received.is_empty() && self.waiting.is_empty()
    }
}

impl FlowState {
    pub(crate) fn new(run: RunContext) -> Self {
        Self {
            run,
            now: Timestamp::default(),
            seen: EventId(0),
            replaying: false,
            last_submit: None,
            activities: Commands::default(),
            others: Commands::default(),
            open: HashMap::new(),
            open_activities: 0,
            backing_off: BTreeMap::new(),
            known_patches: HashSet::new(),
            raised: None,
            scope: None,
            failure_handler: None,
            cancel: CancelRequest::default(),
            awaited: Awaited::default(),
            signals: BTreeMap::new(),
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
        let task = Task::new(id, kind, location, state, Rc::clone(&self.awaited));
        if let Some(scope) = &self.scope {
            scope.add(&task);
        }
        task
    }

    /// Takes a task that was made in a cancelled scope back. Its id is as free as if it had never
    /// been there.
    pub(crate) fn admit(&mut self, task: &Rc<Task>) {
        let is_late = |scope: &Rc<ScopeState>| scope.is_cancelled() && scope.just_added(task);
        if !self.scope.as_ref().is_some_and(is_late) {
            return;
        }
        self.cancel(task);
        if let Some(space) = task.kind.id_space() {
            let key = (space, task.id().clone());
            let is_it = |other: &Rc<Task>| Rc::ptr_eq(other, task);
            if self.by_id.get(&key).is_some_and(is_it) {
                self.by_id.remove(&key);
            }
        }
    }

    /// The names of the signals that are waited for.
    pub(crate) fn waiting_signals(&self) -> impl Iterator<Item = &SmolStr> {
        self.signals
            .iter()
            .filter(|(_, signals)| signals.waiting.iter().any(Task::is_wanted))
            .map(|(name, _)| name)
    }

    pub(crate) fn history_length(&self) -> usize {
        usize::try_from(self.seen.0).unwrap_or_default()
    }

    /// The place in the order of commands that the next one gets.
    pub(crate) fn next_place(&self) -> u64 {
        self.activities.next_place().max(self.others.next_place())
    }

    pub(crate) fn push(&mut self, command: Command) -> u64 {
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

    pub(crate) fn next_activity_id(&mut self, name: &SmolStr) -> SmolStr {
        task_id::of_activity(name, count(&mut self.activity_counts, name))
    }

    /// The number of the next task of this name that is not an activity: 1, 2, 3, …
    pub(crate) fn count(&mut self, name: &SmolStr) -> u32 {
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

    pub(crate) fn start_timer(
        &mut self,
        id: SmolStr,
        duration: Duration,
        location: &'static Location<'static>,
    ) -> Rc<Task> {
        if let Some(task) = self.task_of(IdSpace::Timers, &id) {
            return task;
        }
        let problem = TimerId::new(id.clone()).err();
        let task = self.new_timer(id, duration, location);
        self.keep_by_id(IdSpace::Timers, &task);
        match problem {
            Some(problem) => self.refuse_input(&task, problem.to_string()),
            None => self.queue(&task),
        }
        task
    }

    /// A timer whose id nobody knows, and which is forgotten when it has fired.
    pub(crate) fn sleep(
        &mut self,
        duration: Duration,
        location: &'static Location<'static>,
    ) -> Rc<Task> {
        let number = self.count(&SmolStr::new_static("sleep"));
        let task = self.new_timer(task_id::join("sleep", number), duration, location);
        self.queue(&task);
        task
    }

    fn new_timer(
        &mut self,
        id: SmolStr,
        duration: Duration,
        location: &'static Location<'static>,
    ) -> Rc<Task> {
        self.last_submit = Some(location);
        let kind = TaskKind::Timer {
            seconds: timer_seconds(duration),
            control: None,
        };
        self.new_task(id, kind, location, State::Waiting)
    }

    /// Fails a task that the service would not understand. One such decision would make it refuse
    /// all that it is sent with.
    pub(crate) fn refuse_input(&mut self, task: &Rc<Task>, problem: impl Into<SmolStr>) {
        let error = task.error(TaskErrorKind::Input(problem.into()));
        self.finish(task, Err(error));
    }

    pub(crate) fn wait_signal(
        &mut self,
        name: SmolStr,
        location: &'static Location<'static>,
    ) -> Rc<Task> {
        self.last_submit = Some(location);
        let task = self.new_task(name.clone(), TaskKind::Signal, location, State::Waiting);
        let signals = self.signals.entry(name).or_default();
        match signals.received.pop_front() {
            Some(payload) => task.set_state(State::Done(Ok(payload))),
            None => signals.wait(Rc::clone(&task)),
        }
        self.forget_signals(task.id());
        task
    }

    /// A signal arrived: it ends the longest wait for its name, or is kept for the next.
    pub(crate) fn receive_signal(&mut self, name: &str, payload: SmolStr) {
        let signals = self.signals.entry(name.into()).or_default();
        match signals.take_waiting() {
            Some(task) => self.finish(&task, Ok(payload)),
            None => signals.received.push_back(payload),
        }
        self.forget_signals(name);
    }

    /// Forgets a name that no signal and no wait has.
    fn forget_signals(&mut self, name: &str) {
        if self.signals.get(name).is_some_and(Signals::is_empty) {
            self.signals.remove(name);
        }
    }

    /// Records a marker. One that the service would not take fails the workflow: nothing waits
    /// for a marker that could be told.
    pub(crate) fn record_marker(
        &mut self,
        name: SmolStr,
        details: Result<SmolStr, serde_json::Error>,
        location: &'static Location<'static>,
    ) {
        self.last_submit = Some(location);
        let details = MarkerName::new(name.clone())
            .map_err(|problem| problem.to_string())
            .and(details.map_err(|problem| format!("its details have no JSON form: {problem}")))
            .and_then(|details| match details.chars().count() {
                length if length > limits::DATA_LENGTH => {
                    Err(too_long("details", length).to_string())
                }
                _ => Ok(details),
            });
        match details {
            Ok(details) => {
                self.push(Command::RecordMarker {
                    name,
                    details,
                    location,
                });
            }
            Err(problem) => {
                self.raised.get_or_insert_with(|| {
                    Error::msg(format_args!("the marker {name:?} at {location}: {problem}"))
                });
            }
        }
    }

    pub(crate) fn patched(&mut self, id: &str, location: &'static Location<'static>) -> bool {
        if let Some(&patched) = self.patches.get(id) {
            return patched;
        }
        let patched = !self.replaying || self.known_patches.contains(id);
        self.patches.insert(id.into(), patched);
        if patched {
            let details = serde_json::Value::from(id).to_string().into();
            self.record_marker(PATCH_MARKER.into(), Ok(details), location);
        }
        patched
    }

    /// The generator of this run: its seed is the workflow id and the run id.
    pub(crate) fn rng(&mut self) -> &mut ChaCha8Rng {
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
                        }
                    }
                }
                Err(error) => {
                    ended.extend(
                        dependents
                            .into_iter()
                            .rev()
                            .map(|dependent| match dependent {
                                Dependent::Argument(task, _) => {
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
        enum Way {
            Withdraw(Option<u64>),
            Ask,
            AskOnceStarted,
        }
        if task.is_done() || task.cancel_requested.replace(true) {
            return;
        }
        let way = task.with_state(|state| match state {
            State::Queued(place) => Way::Withdraw(Some(*place)),
            // The run id of a child is not known yet, and its workflow id may turn out to be
            // another execution's.
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
                if let Some(signals) = self.signals.get_mut(task.id()) {
                    signals.waiting.retain(|other| !Rc::ptr_eq(other, task));
                    self.forget_signals(task.id());
                }
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
        let timer_id = task_id::of_retry_timer(task.id());
        if let Some(other) = self.backing_off.get(&timer_id)
            && Rc::ptr_eq(other, task)
        {
            self.backing_off.remove(&timer_id);
        }
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
    pub(crate) fn sizes(&self) -> [(&'static str, usize); 9] {
        let waits = |signals: &Signals| signals.waiting.len() + signals.received.len();
        [
            ("activity commands", self.activities.len()),
            ("other commands", self.others.len()),
            ("open tasks", self.open.len()),
            ("open activities", self.open_activities),
            ("tasks that back off", self.backing_off.len()),
            ("tasks known by id", self.by_id.len()),
            ("names of signals", self.signals.len()),
            ("signals and waits", self.signals.values().map(waits).sum()),
            ("patches", self.patches.len() + self.known_patches.len()),
        ]
    }
}

/// A time as that of a timer: whole seconds, at most what SWF takes.
pub(crate) fn timer_seconds(duration: Duration) -> u32 {
    let fraction = u64::from(duration.subsec_nanos() > 0);
    let seconds = duration.as_secs().saturating_add(fraction);
    seconds.min(LONGEST_TIMER_SECONDS) as u32
}

fn count(counts: &mut HashMap<SmolStr, u32>, name: &SmolStr) -> u32 {
    if let Some(count) = counts.get_mut(name) {
        *count += 1;
        return *count;
    }
    counts.insert(name.clone(), 1);
    1
}
