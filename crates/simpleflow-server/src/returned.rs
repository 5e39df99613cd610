//! Tasks that came back because nobody was there to take them.

use std::collections::{HashMap, VecDeque};

use simpleflow_engine::TaskKind;
use simpleflow_model::TaskToken;

use crate::polls::List;
use crate::store::RegionId;

/// How many may be there before those that are over are looked for.
const FEW: usize = 64;

/// The tasks that came back, by task list, those that came first in front. Only the token of a task is
/// kept: what it looks like is for the next poll to say.
#[derive(Debug)]
pub(crate) struct Returned {
    lists: HashMap<List, VecDeque<TaskToken>>,
    count: usize,
    /// At how many those that are over are looked for.
    sweep_at: usize,
}

impl Default for Returned {
    fn default() -> Self {
        Self {
            lists: HashMap::new(),
            count: 0,
            sweep_at: FEW,
        }
    }
}

impl Returned {
    /// Keeps a task that was started and could not be delivered.
    pub(crate) fn put(&mut self, list: List, token: TaskToken) {
        self.lists.entry(list).or_default().push_back(token);
        self.count += 1;
    }

    /// How many there are.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// Whether so many are there that those that are over should be [swept](Self::sweep) out. Nobody
    /// may poll their lists.
    pub(crate) fn is_full(&self) -> bool {
        self.count >= self.sweep_at
    }

    /// Drops those that are over.
    pub(crate) fn sweep(&mut self, is_open: impl Fn(RegionId, TaskKind, &TaskToken) -> bool) {
        self.count = 0;
        self.lists.retain(|(region, list), tokens| {
            tokens.retain(|token| is_open(*region, list.kind, token));
            self.count += tokens.len();
            !tokens.is_empty()
        });
        // So a task that stays is looked at no more often than others come.
        self.sweep_at = FEW.max(2 * self.count);
    }

    /// The first task of a list that is not over. It stays here.
    pub(crate) fn first(
        &mut self,
        list: &List,
        is_open: impl Fn(&TaskToken) -> bool,
    ) -> Option<TaskToken> {
        loop {
            let token = self.lists.get(list)?.front()?;
            if is_open(token) {
                return Some(token.clone());
            }
            self.take(list);
        }
    }

    /// Takes the first task of a list.
    pub(crate) fn take(&mut self, list: &List) {
        let Some(tokens) = self.lists.get_mut(list) else {
            return;
        };
        if tokens.pop_front().is_some() {
            self.count -= 1;
        }
        if tokens.is_empty() {
            self.lists.remove(list);
        }
    }
}

#[cfg(test)]
mod tests {
    use simpleflow_engine::Ready;

    use super::*;

    fn list(name: &str) -> List {
        let ready = Ready {
            domain: "d".into(),
            kind: TaskKind::Activity,
            task_list: name.into(),
        };
        (0, ready)
    }

    #[test]
    fn who_came_first_goes_first_and_who_is_over_not_at_all() {
        let mut returned = Returned::default();
        for token in ["over", "first", "second"] {
            returned.put(list("l"), token.into());
        }
        let first = |returned: &mut Returned| {
            let first = returned.first(&list("l"), |token| token.as_str() != "over");
            first.map(|token| token.to_string())
        };
        assert_eq!(first(&mut returned).as_deref(), Some("first"));
        assert_eq!(first(&mut returned).as_deref(), Some("first"));
        returned.take(&list("l"));
        assert_eq!(first(&mut returned).as_deref(), Some("second"));
        returned.take(&list("l"));
        assert_eq!(first(&mut returned), None);
        assert_eq!((returned.count, returned.lists.len()), (0, 0));
    }

    #[test]
    fn tasks_that_are_over_do_not_add_up_in_lists_that_nobody_polls() {
        let mut returned = Returned::default();
        for number in 0..10_000 {
            let token = if number % 200 == 0 { "open" } else { "over" };
            returned.put(list(&number.to_string()), token.into());
            if returned.is_full() {
                returned.sweep(|_, _, token| token.as_str() == "open");
            }
            assert!(returned.count <= 2 * FEW, "{}", returned.count);
        }
        returned.sweep(|_, _, token| token.as_str() == "open");
        assert_eq!((returned.count, returned.lists.len()), (50, 50));
    }
}
