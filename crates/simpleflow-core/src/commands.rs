//! The queue of what the workflow asked for and no event has confirmed yet.
//!
//! Commands are kept in the order in which the code issued them. A command leaves the queue when
//! an event claims it or the code withdraws it, mostly at the front: claims follow the order of
//! the decisions.

use std::collections::VecDeque;
use std::rc::Rc;

use simpleflow_model::SmolStr;

use crate::task::{Task, TaskKind};

/// The name of the marker that remembers a patch.
pub(crate) const PATCH_MARKER: &str = "simpleflow.patch";

/// The name of the marker that remembers a value.
pub(crate) const VALUE_MARKER: &str = "simpleflow.value";

#[derive(Clone)]
pub(crate) enum Command {
    /// Schedule an activity, start a child or a timer.
    Start(Rc<Task>),
    /// Cancel one of these.
    Cancel(Rc<Task>),
    /// Start the timer after which a refused task is tried again.
    BackOff {
        task: Rc<Task>,
        timer_id: SmolStr,
        seconds: u32,
        /// How often the service refused this timer.
        refusals: u32,
    },
    RecordMarker {
        name: SmolStr,
        details: SmolStr,
        location: &'static std::panic::Location<'static>,
    },
}

impl Command {
    /// Whether it records a patch, or remembers a value. It goes before all others: a replay takes a
    /// patch whose marker is not in the history for one that was not there, and makes the value
    /// anew, so that nothing may have been sent because of it.
    pub(crate) fn goes_first(&self) -> bool {
        matches!(self, Self::RecordMarker { name, .. }
            if name == PATCH_MARKER || name == VALUE_MARKER)
    }

    /// Whether it sends on a signal that the execution received. No code asks for that: a history
    /// that was written without it is no other history.
    pub(crate) fn is_sent_on(&self) -> bool {
        matches!(self, Self::Start(task)
            if matches!(&task.kind, TaskKind::SendSignal(signal) if signal.is_sent_on))
    }

    /// Whether it starts a timer: the limit on open ones holds it back.
    pub(crate) fn starts_timer(&self) -> bool {
        match self {
            Self::BackOff { .. } => true,
            Self::Start(task) => matches!(task.kind, TaskKind::Timer { .. }),
            _ => false,
        }
    }

    /// Whether it cancels one.
    pub(crate) fn cancels_timer(&self) -> bool {
        matches!(self, Self::Cancel(task) if matches!(task.kind, TaskKind::Timer { .. }))
    }

    /// Whether it is still to be sent when the code has ended: work of the execution's own ends
    /// with it, but others see its markers, its signals and its children.
    pub(crate) fn outlives_execution(&self) -> bool {
        match self {
            Self::RecordMarker { .. } => true,
            Self::Start(task) | Self::Cancel(task) => {
                matches!(task.kind, TaskKind::Child(_) | TaskKind::SendSignal(_))
            }
            Self::BackOff { .. } => false,
        }
    }
}

#[derive(Default)]
pub(crate) struct Commands {
    queue: VecDeque<(u64, Option<Command>)>,
    next: u64,
}

impl Commands {
    /// The place that the next command gets.
    pub(crate) fn next_place(&self) -> u64 {
        self.next
    }

    /// Appends a command at a place that is not lower than any before.
    pub(crate) fn push_at(&mut self, place: u64, command: Command) {
        self.queue.push_back((place, Some(command)));
        self.next = place + 1;
    }

    /// Takes the command at a place, if it is still there.
    pub(crate) fn take(&mut self, place: u64) -> Option<Command> {
        let index = self.queue.binary_search_by_key(&place, |(p, _)| *p).ok()?;
        self.remove(index)
    }

    /// Takes the first command below a place that fits, with its place.
    pub(crate) fn claim(
        &mut self,
        below: u64,
        fits: impl Fn(&Command) -> bool,
    ) -> Option<(u64, Command)> {
        let index = self
            .queue
            .iter()
            .take_while(|(place, _)| *place < below)
            .position(|(_, command)| command.as_ref().is_some_and(&fits))?;
        let place = self.queue[index].0;
        self.remove(index).map(|command| (place, command))
    }

    fn remove(&mut self, index: usize) -> Option<Command> {
        let command = self.queue[index].1.take()?;
        while let Some((_, None)) = self.queue.front() {
            self.queue.pop_front();
        }
        Some(command)
    }

    /// The length of the queue, with the gaps in it.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.queue.len()
    }

    /// The commands in order, with their places.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, &Command)> {
        self.queue
            .iter()
            .filter_map(|(place, command)| command.as_ref().map(|command| (*place, command)))
    }
}
