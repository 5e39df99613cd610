//! A map as a sorted list.
//!
//! An execution has a few such maps, most are empty or nearly so, and there are many executions.
//! Empty it holds no memory; and there may be a thousand entries in it. What an execution does
//! first it mostly ends first, so an end that is taken from costs as little as one that is added
//! to.

use std::collections::VecDeque;

/// A map, ordered by its keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sorted<K, V>(VecDeque<(K, V)>);

impl<K, V> Default for Sorted<K, V> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<K: Copy + Ord, V> Sorted<K, V> {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (K, &V)> {
        self.0.iter().map(|(key, value)| (*key, value))
    }

    fn place(&self, key: K) -> Result<usize, usize> {
        self.0.binary_search_by_key(&key, |(key, _)| *key)
    }

    pub(crate) fn get(&self, key: K) -> Option<&V> {
        let (_, value) = self.0.get(self.place(key).ok()?)?;
        Some(value)
    }

    pub(crate) fn get_mut(&mut self, key: K) -> Option<&mut V> {
        let index = self.place(key).ok()?;
        let (_, value) = self.0.get_mut(index)?;
        Some(value)
    }

    /// Puts an entry in, in place of the one with its key.
    pub(crate) fn insert(&mut self, key: K, value: V) {
        match self.place(key) {
            Ok(index) => self.0[index] = (key, value),
            Err(index) => self.0.insert(index, (key, value)),
        }
    }

    pub(crate) fn remove(&mut self, key: K) -> Option<V> {
        let index = self.place(key).ok()?;
        let (_, value) = self.0.remove(index)?;
        if self.0.is_empty() {
            self.0 = VecDeque::new();
        }
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_in_the_order_of_their_keys() {
        let mut map = Sorted::default();
        for key in [5, 7, 3, 4, 5] {
            map.insert(key, key * 10);
        }
        assert!(map.iter().eq([(3, &30), (4, &40), (5, &50), (7, &70)]));
        assert_eq!((map.remove(4), map.remove(4)), (Some(40), None));
        assert_eq!((map.get(4), map.get(7)), (None, Some(&70)));
        if let Some(value) = map.get_mut(7) {
            *value = 1;
        }
        assert_eq!((map.len(), map.remove(7)), (3, Some(1)));
    }
}
