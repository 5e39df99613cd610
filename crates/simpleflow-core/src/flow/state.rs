//! The state behind a flow: its tasks, and the commands that no event has confirmed yet.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::panic::Location;
use std::rc::Rc;
use std::time::Duration;

use md5::{Digest, Md5};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng as _;
use simpleflow_model::{EventId, SmolStr, Timestamp};

use crate::commands::{Command, Commands};
use crate::context::RunContext;
use crate::error::{TaskError, TaskErrorKind};
use crate::task::{ActivityTask, Dependent, Outcome, State, Task, TaskKind};
use crate::task_id;

/// The name of the marker that remembers a patch.
pub(crate) const PATCH_MARKER: &str = "simpleflow.patch";

pub(crate) struct FlowState {
    pub(crate) run: RunContext,
    pub(crate) now: Timestamp,
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
    /// The failure of a task that fails the workflow at once.
    pub(crate) raised: Option<TaskError>,
    signals: BTreeMap<SmolStr, Signals>,
    activity_counts: HashMap<SmolStr, u32>,
    other_counts: HashMap<SmolStr, u32>,
    /// Tasks whose id does not come from a counter: a second submit is the same task.
    by_id: HashMap<SmolStr, Rc<Task>>,
    patches: HashMap<SmolStr, bool>,
    rng: Option<ChaCha8Rng>,
}

#[derive(Default)]
struct Signals {
    received: VecDeque<SmolStr>,
    waiting: VecDeque<Rc<Task>>,
}

impl FlowState {
    pub(crate) fn new(run: RunContext) -> Self {
        Self {
            run,
            now: Timestamp::default(),
            replaying: false,
            last_submit: None,
            activities: Commands::default(),
            others: Commands::default(),
            open: HashMap::new(),
            open_activities: 0,
            backing_off: BTreeMap::new(),
            known_patches: HashSet::new(),
            raised: None,
            signals: BTreeMap::new(),
            activity_counts: HashMap::new(),
            other_counts: HashMap::new(),
            by_id: HashMap::new(),
            patches: HashMap::new(),
            rng: None,
        }
    }

    /// Whether anything can still happen to the flow from outside.
    pub(crate) fn has_open_work(&self) -> bool {
        !self.activities.is_empty()
            || !self.others.is_empty()
            || !self.open.is_empty()
            || !self.backing_off.is_empty()
            || self
                .signals
                .values()
                .any(|signals| !signals.waiting.is_empty())
    }

    /// The names of the signals that are waited for.
    pub(crate) fn waiting_signals(&self) -> impl Iterator<Item = &SmolStr> {
        self.signals
            .iter()
            .filter(|(_, signals)| !signals.waiting.is_empty())
            .map(|(name, _)| name)
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

    pub(crate) fn next_id(&mut self, name: &'static str) -> SmolStr {
        let number = self.count(&SmolStr::new_static(name));
        task_id::join(name, number)
    }

    /// The task that has this id, if its id is its own and not a counter's.
    pub(crate) fn task_of(&self, id: &str) -> Option<Rc<Task>> {
        self.by_id.get(id).cloned()
    }

    pub(crate) fn keep_by_id(&mut self, task: &Rc<Task>) {
        self.by_id.insert(task.id().clone(), Rc::clone(task));
    }

    pub(crate) fn start_timer(
        &mut self,
        id: SmolStr,
        duration: Duration,
        location: &'static Location<'static>,
    ) -> Rc<Task> {
        self.last_submit = Some(location);
        if let Some(task) = self.task_of(&id) {
            return task;
        }
        let seconds = duration.as_secs() + u64::from(duration.subsec_nanos() > 0);
        let kind = TaskKind::Timer {
            seconds: u32::try_from(seconds).unwrap_or(u32::MAX),
            control: None,
        };
        let task = Task::new(id, kind, location, State::Waiting);
        self.keep_by_id(&task);
        self.queue(&task);
        task
    }

    pub(crate) fn wait_signal(
        &mut self,
        name: SmolStr,
        location: &'static Location<'static>,
    ) -> Rc<Task> {
        self.last_submit = Some(location);
        let task = Task::new(name.clone(), TaskKind::Signal, location, State::Waiting);
        let signals = self.signals.entry(name).or_default();
        match signals.received.pop_front() {
            Some(payload) => task.set_state(State::Done(Ok(payload))),
            None => signals.waiting.push_back(Rc::clone(&task)),
        }
        task
    }

    /// A signal arrived: it ends the longest wait for its name, or is kept for the next.
    pub(crate) fn receive_signal(&mut self, name: &str, payload: SmolStr) {
        let signals = self.signals.entry(name.into()).or_default();
        match signals.waiting.pop_front() {
            Some(task) => self.finish(&task, Ok(payload)),
            None => signals.received.push_back(payload),
        }
    }

    pub(crate) fn record_marker(
        &mut self,
        name: SmolStr,
        details: Option<SmolStr>,
        location: &'static Location<'static>,
    ) {
        self.last_submit = Some(location);
        self.push(Command::RecordMarker {
            name,
            details,
            location,
        });
    }

    pub(crate) fn patched(&mut self, id: &str, location: &'static Location<'static>) -> bool {
        if let Some(&patched) = self.patches.get(id) {
            return patched;
        }
        let patched = !self.replaying || self.known_patches.contains(id);
        self.patches.insert(id.into(), patched);
        if patched {
            let details = serde_json::Value::from(id).to_string();
            self.record_marker(PATCH_MARKER.into(), Some(details.into()), location);
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
                self.raised.get_or_insert_with(|| error.clone());
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
                                    let kind = TaskErrorKind::Dependency(Box::new(error.clone()));
                                    let error = task.error(kind);
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
        if let TaskKind::Activity(activity) = &dependent.kind {
            activity.fill(index, result);
            if !activity.is_blocked() && !dependent.is_done() {
                self.unblock(dependent, activity);
            }
        }
    }

    /// All arguments of an activity are known: it is queued. An idempotent one has its id only
    /// now, and may turn out to be a task that is there already.
    fn unblock(&mut self, task: &Rc<Task>, activity: &ActivityTask) {
        if !task.has_id() {
            let suffix = task_id::idempotent_suffix(&activity.args());
            task.set_id(task_id::of_activity(&activity.definition().name, suffix));
            if let Some(same) = self.task_of(task.id()) {
                let known = same.with_state(|state| match state {
                    State::Done(outcome) => Some(outcome.clone()),
                    _ => None,
                });
                match known {
                    Some(outcome) => self.finish(task, outcome),
                    None => same.add_dependent(Dependent::Same(Rc::clone(task))),
                }
                return;
            }
            self.keep_by_id(task);
        }
        self.queue_activity(task);
    }

    /// Cancels a task, as far as it can be at once.
    pub(crate) fn cancel(&mut self, task: &Rc<Task>) {
        enum Way {
            Withdraw(Option<u64>),
            Ask,
            Nothing,
        }
        let is_timer = matches!(task.kind, TaskKind::Timer { .. });
        let way = task.with_state(|state| match state {
            State::Blocked | State::BackingOff | State::Waiting => Way::Withdraw(None),
            State::Queued(place) => Way::Withdraw(Some(*place)),
            State::Scheduled | State::Started => Way::Ask,
            State::Done(_) => Way::Nothing,
        });
        let withdraw = match way {
            Way::Nothing => return,
            Way::Withdraw(place) => {
                if let Some(place) = place {
                    self.activities
                        .take(place)
                        .or_else(|| self.others.take(place));
                }
                self.backing_off.retain(|_, other| !Rc::ptr_eq(other, task));
                for signals in self.signals.values_mut() {
                    signals.waiting.retain(|other| !Rc::ptr_eq(other, task));
                }
                true
            }
            Way::Ask => {
                let asked = self
                    .others
                    .iter()
                    .any(|(_, c)| matches!(c, Command::Cancel(other) if Rc::ptr_eq(other, task)));
                if !asked {
                    self.push(Command::Cancel(Rc::clone(task)));
                }
                is_timer
            }
        };
        if withdraw {
            let error = task.error(TaskErrorKind::Cancelled { details: None });
            self.finish(task, Err(error));
        }
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
