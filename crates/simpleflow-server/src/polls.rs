//! Polls that wait.

use std::collections::{HashMap, VecDeque};

use simpleflow_engine::Ready;

use crate::core::Reply;
use crate::operation::Request;
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

/// The polls that wait, by task list.
#[derive(Default)]
pub(crate) struct Polls {
    waiting: HashMap<List, VecDeque<Poll>>,
    /// Where a poll waits.
    lists: HashMap<PollId, List>,
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
}
