//! Polls that wait, and tasks that came back because nobody was there to take them.

use std::collections::{HashMap, VecDeque};

use simpleflow_engine::{Engine, Ready, TaskKind};
use simpleflow_model::TaskToken;

use crate::core::Reply;
use crate::operation::{Answer, Request};
use crate::store::RegionId;

/// A task list of a region.
pub(crate) type List = (RegionId, Ready);

/// How many polls may wait on one task list, as the service says.
pub(crate) const MAXIMUM_POLLS: usize = 1_000;

/// A poll is known by its number.
pub(crate) type PollId = u64;

/// A poll that waits.
pub(crate) struct Poll {
    pub id: PollId,
    pub request: Request,
    pub reply: Reply,
}

/// The polls that wait, and the tasks that came back, by task list.
#[derive(Default)]
pub(crate) struct Polls {
    waiting: HashMap<List, VecDeque<Poll>>,
    /// Where a poll waits.
    lists: HashMap<PollId, List>,
    returned: HashMap<List, VecDeque<Answer>>,
}

impl Polls {
    /// How many polls wait.
    pub(crate) fn len(&self) -> usize {
        self.lists.len()
    }

    /// How many polls wait on a list.
    pub(crate) fn waiting(&self, list: &List) -> usize {
        self.waiting.get(list).map_or(0, VecDeque::len)
    }

    pub(crate) fn wait(&mut self, list: List, poll: Poll) {
        self.lists.insert(poll.id, list.clone());
        self.waiting.entry(list).or_default().push_back(poll);
    }

    /// Takes the poll that waits longest on a list and whose client is still there.
    pub(crate) fn next(&mut self, list: &List) -> Option<Poll> {
        let waiting = self.waiting.get_mut(list)?;
        let mut next = None;
        while let Some(poll) = waiting.pop_front() {
            self.lists.remove(&poll.id);
            if !poll.reply.is_abandoned() {
                next = Some(poll);
                break;
            }
        }
        if waiting.is_empty() {
            self.waiting.remove(list);
        }
        next
    }

    /// Puts a poll back that got nothing: it is the first again.
    pub(crate) fn put_back(&mut self, list: List, poll: Poll) {
        self.lists.insert(poll.id, list.clone());
        self.waiting.entry(list).or_default().push_front(poll);
    }

    /// Forgets a poll whose client is gone.
    pub(crate) fn forget(&mut self, id: PollId) {
        let Some(list) = self.lists.remove(&id) else {
            return;
        };
        if let Some(waiting) = self.waiting.get_mut(&list) {
            waiting.retain(|poll| poll.id != id);
            if waiting.is_empty() {
                self.waiting.remove(&list);
            }
        }
    }

    /// Takes all polls that wait.
    pub(crate) fn take_all(&mut self) -> impl Iterator<Item = Poll> + use<> {
        self.lists.clear();
        std::mem::take(&mut self.waiting).into_values().flatten()
    }

    /// Keeps a task that was started and could not be delivered: it goes to the next poll of its
    /// list, unless it is over by then.
    pub(crate) fn give_back(&mut self, list: List, task: Answer) {
        self.returned.entry(list).or_default().push_back(task);
    }

    /// Forgets the tasks that came back: what they are about is not there any more.
    pub(crate) fn forget_returned(&mut self) {
        self.returned.clear();
    }

    /// Takes a task that came back and can still be answered.
    pub(crate) fn take_returned(&mut self, list: &List, engine: &Engine) -> Option<Answer> {
        let returned = self.returned.get_mut(list)?;
        let mut task = None;
        while let Some(answer) = returned.pop_front() {
            if token(&answer).is_some_and(|(kind, token)| engine.is_handed_out(kind, token)) {
                task = Some(answer);
                break;
            }
        }
        if returned.is_empty() {
            self.returned.remove(list);
        }
        task
    }
}

/// The token of a task.
fn token(answer: &Answer) -> Option<(TaskKind, &TaskToken)> {
    match answer {
        Answer::DecisionTask(task) => Some((TaskKind::Decision, &task.task_token)),
        Answer::ActivityTask(task) => Some((TaskKind::Activity, &task.task_token)),
        _ => None,
    }
}
