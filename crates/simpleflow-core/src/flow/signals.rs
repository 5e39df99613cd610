//! Signals: those that are waited for, those that are sent, and those that are sent on.

use std::collections::{BTreeMap, VecDeque};
use std::panic::Location;
use std::rc::Rc;

use simpleflow_model::{SignalName, SmolStr, Timestamp, WorkflowExecution, WorkflowId};

use super::FlowState;
use super::submit::{Submit, sealed};
use crate::check::{check_length, check_name, no_json};
use crate::signal::{self, Receiver, Signal};
use crate::task::{Dependent, SignalToSend, State, Task, TaskKind};
use crate::task_id;

/// The signals of an execution, by name.
#[derive(Default)]
pub(crate) struct SignalQueues {
    by_name: BTreeMap<SmolStr, Queue>,
    /// The last of each name.
    last: BTreeMap<SmolStr, Received>,
    /// The last of each name that is to be sent on: children that are started later get it too.
    sent_on: BTreeMap<SmolStr, Received>,
}

/// The signals of a name that nobody took yet, and the waits for one. One of them is empty.
#[derive(Default)]
struct Queue {
    received: VecDeque<SmolStr>,
    waiting: VecDeque<Rc<Task>>,
}

/// A signal as it was received.
#[derive(Clone)]
pub(crate) struct Received {
    pub(crate) input: Option<SmolStr>,
    pub(crate) sender: Option<WorkflowExecution>,
    pub(crate) at: Timestamp,
}

impl Received {
    /// The run that sent it, if it is one of this execution.
    fn run_of(&self, workflow_id: &str) -> Option<&str> {
        let sender = self.sender.as_ref()?;
        (*sender.workflow_id == *workflow_id).then_some(&*sender.run_id)
    }
}

impl Queue {
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

impl SignalQueues {
    /// The last signal of a name.
    pub(super) fn last(&self, name: &str) -> Option<&Received> {
        self.last.get(name)
    }

    /// Forgets a wait.
    pub(super) fn withdraw(&mut self, task: &Rc<Task>) {
        if let Some(queue) = self.by_name.get_mut(task.id()) {
            queue.waiting.retain(|other| !Rc::ptr_eq(other, task));
            self.forget(task.id());
        }
    }

    /// Forgets a name that no signal and no wait has.
    fn forget(&mut self, name: &str) {
        if self.by_name.get(name).is_some_and(Queue::is_empty) {
            self.by_name.remove(name);
        }
    }

    /// How many names there are, and how many signals and waits.
    #[cfg(test)]
    pub(super) fn sizes(&self) -> (usize, usize) {
        let waits = |queue: &Queue| queue.waiting.len() + queue.received.len();
        let names = self.by_name.len() + self.sent_on.len();
        (names, self.by_name.values().map(waits).sum())
    }
}

impl FlowState {
    /// The names of the signals that came and that nobody took.
    pub(crate) fn untaken_signals(&self) -> impl Iterator<Item = &SmolStr> {
        let queues = self.signals.by_name.iter();
        queues
            .filter(|(_, queue)| !queue.received.is_empty())
            .map(|(name, _)| name)
    }

    /// The names of the signals that are waited for.
    pub(crate) fn waiting_signals(&self) -> impl Iterator<Item = &SmolStr> {
        self.signals
            .by_name
            .iter()
            .filter(|(_, queue)| queue.waiting.iter().any(Task::is_wanted))
            .map(|(name, _)| name)
    }

    pub(crate) fn wait_signal(
        &mut self,
        name: SmolStr,
        location: &'static Location<'static>,
    ) -> Rc<Task> {
        self.last_submit = Some(location);
        let task = self.new_task(name.clone(), TaskKind::Signal, location, State::Waiting);
        let queue = self.signals.by_name.entry(name).or_default();
        match queue.received.pop_front() {
            Some(payload) => task.set_state(State::Done(Ok(payload))),
            None => queue.wait(Rc::clone(&task)),
        }
        self.signals.forget(task.id());
        task
    }

    /// A signal arrived: it ends the longest wait for its name, or is kept for the next.
    pub(crate) fn receive_signal(&mut self, name: &SmolStr, signal: Received) {
        let payload = signal::payload_of(signal.input.as_deref());
        self.signals.last.insert(name.clone(), signal);
        let queue = self.signals.by_name.entry(name.clone()).or_default();
        match queue.take_waiting() {
            Some(task) => self.finish(&task, Ok(payload)),
            None => queue.received.push_back(payload),
        }
        self.signals.forget(name);
    }

    /// A signal that was taken and not used goes to the longest wait, or is the next to be taken.
    pub(crate) fn give_signal_back(&mut self, name: &str, payload: SmolStr) {
        let queue = self.signals.by_name.entry(name.into()).or_default();
        match queue.take_waiting() {
            Some(task) => self.finish(&task, Ok(payload)),
            None => queue.received.push_front(payload),
        }
        self.signals.forget(name);
    }

    /// The id of the next signal of a name that is sent.
    fn next_signal_id(&mut self, name: &str) -> SmolStr {
        let prefix = smol_str::format_smolstr!("signal-{name}");
        let number = self.count(&prefix);
        task_id::join(prefix, number)
    }

    /// Sends a signal on to the parent, if it is to go there, and to all children that are started,
    /// but not back to its sender.
    pub(crate) fn send_on(&mut self, name: &SmolStr, signal: Received, to_parent: bool) {
        if let Some(parent) = self.run.parent_workflow_id.clone().filter(|_| to_parent) {
            let run_id = self.run.parent_run_id.as_deref().map(SmolStr::from);
            self.send_on_to(name, &signal, parent.as_str().into(), run_id);
        }
        let mut children: Vec<_> = self
            .open
            .iter()
            .filter(|(_, task)| task.with_state(|state| matches!(state, State::Started)))
            .filter_map(|(event_id, task)| Some((*event_id, task.started_child()?)))
            .collect();
        children.sort_by_key(|(event_id, _)| *event_id);
        for (_, (workflow_id, run_id)) in children {
            self.send_on_to(name, &signal, workflow_id, run_id);
        }
        self.signals.sent_on.insert(name.clone(), signal);
    }

    /// A child was started: signals that wait for it are sent, and those sent on that it missed.
    pub(crate) fn send_to_started(&mut self, child: &Rc<Task>) {
        let Some((workflow_id, run_id)) = child.started_child() else {
            return;
        };
        for (name, signal) in self.signals.sent_on.clone() {
            self.send_on_to(&name, &signal, workflow_id.clone(), run_id.clone());
        }
        for task in child.take_signals() {
            self.queue_unless_done(&task);
        }
    }

    /// Sends a signal on to an execution that is taken for open, of which one run is known.
    fn send_on_to(
        &mut self,
        name: &SmolStr,
        signal: &Received,
        workflow_id: SmolStr,
        run_id: Option<SmolStr>,
    ) {
        let sender = signal.run_of(&workflow_id);
        if sender.is_some() && sender == run_id.as_deref() {
            return;
        }
        // The receiver may have continued as new, so it is whichever run is open; but not when that
        // may be the sender.
        let run_id = run_id.filter(|_| sender.is_some());
        let id = self.next_signal_id(name);
        let kind = TaskKind::SendSignal(SignalToSend {
            name: name.clone(),
            input: signal.input.clone(),
            workflow_id,
            run_id,
            is_sent_on: true,
        });
        let task = self.new_task(id, kind, Location::caller(), State::Waiting);
        self.queue(&task);
    }
}

impl Submit for Signal {
    type Output = ();
}

impl sealed::IntoTask for Signal {
    #[expect(private_interfaces, reason = "no one else implements or calls it")]
    fn into_task(self, state: &mut FlowState, location: &'static Location<'static>) -> Rc<Task> {
        state.last_submit = Some(location);
        let id = state.next_signal_id(&self.name);
        let mut problem = check_name(SignalName::new(self.name.clone())).err();
        let run = &state.run;
        let (workflow_id, known_run, child) = match self.receiver {
            Receiver::Own => {
                let run_id = SmolStr::from(run.run_id.as_str());
                (run.workflow_id.as_str().into(), Some(run_id), None)
            }
            Receiver::Execution(workflow_id) => {
                let checked = check_name(WorkflowId::new(workflow_id.clone()));
                problem = problem.or(checked.err());
                (workflow_id, None, None)
            }
            Receiver::Parent => match &run.parent_workflow_id {
                // It may have continued as new since it started this execution.
                Some(parent) => (parent.as_str().into(), None, None),
                None => {
                    problem.get_or_insert_with(|| "this execution has no parent".into());
                    (SmolStr::default(), None, None)
                }
            },
            Receiver::Child(child) => match child.started_child() {
                // One that is open may have continued as new. When it has ended, its workflow id may
                // be another execution's.
                Some((workflow_id, run_id)) => {
                    (workflow_id, run_id.filter(|_| child.is_done()), None)
                }
                None => {
                    if !matches!(child.kind, TaskKind::Child(_)) {
                        problem.get_or_insert_with(|| {
                            format!("{} is no child workflow", child.id()).into()
                        });
                    }
                    (child.id().clone(), None, Some(child))
                }
            },
        };
        let input = match &self.payload {
            Ok(payload) => {
                let envelope = || signal::to_input(payload, self.propagate);
                let input = self.raw.unwrap_or_else(envelope);
                check_length("input", &input, state.value_length).map(|()| input)
            }
            Err(error) => Err(no_json("payload", error)),
        };
        let input = input
            .map_err(|wrong| problem.get_or_insert(wrong).clone())
            .ok();
        let kind = TaskKind::SendSignal(SignalToSend {
            name: self.name,
            input,
            workflow_id,
            run_id: self.run_id.or(known_run),
            is_sent_on: false,
        });
        let task = state.new_task(id, kind, location, State::Waiting);
        if let Some(problem) = problem {
            state.refuse_input(&task, problem);
            return task;
        }
        let Some(child) = child else {
            state.queue(&task);
            return task;
        };
        match child.outcome() {
            Some(Err(error)) => {
                let error = task.error(error.of_dependent());
                state.finish(&task, Err(error));
            }
            _ => child.add_dependent(Dependent::Signal(Rc::clone(&task))),
        }
        task
    }
}
