//! Values that were read or written a while ago, in memory.

use std::sync::{Arc, Mutex, PoisonError};

use lru::LruCache;

/// Values by their signatures, bounded by bytes; those that were used longest ago go first.
#[derive(Debug)]
pub(crate) struct MemoryCache(Mutex<Values>);

#[derive(Debug)]
struct Values {
    by_signature: LruCache<String, Arc<str>>,
    bytes: usize,
    most: usize,
}

impl MemoryCache {
    pub fn new(most: usize) -> Self {
        Self(Mutex::new(Values {
            by_signature: LruCache::unbounded(),
            bytes: 0,
            most,
        }))
    }

    pub fn get(&self, signature: &str) -> Option<Arc<str>> {
        self.lock(|values| values.by_signature.get(signature).cloned())
    }

    pub fn put(&self, signature: String, value: Arc<str>) {
        self.lock(|values| {
            if value.len() > values.most {
                return;
            }
            values.bytes += value.len();
            if let Some((_, old)) = values.by_signature.push(signature, value) {
                values.bytes -= old.len();
            }
            while values.bytes > values.most {
                let Some((_, oldest)) = values.by_signature.pop_lru() else {
                    return;
                };
                values.bytes -= oldest.len();
            }
        });
    }

    fn lock<T>(&self, run: impl FnOnce(&mut Values) -> T) -> T {
        // Nobody panics half-way through a change.
        run(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_longest_ago_goes_first() {
        let cache = MemoryCache::new(10);
        let put = |signature: &str, value: &str| cache.put(signature.into(), value.into());
        put("a", "12345");
        put("b", "12345");
        assert!(cache.get("a").is_some());
        put("c", "1");
        assert!(cache.get("b").is_none());
        assert_eq!(cache.get("a").as_deref(), Some("12345"));
        // The same once more takes its own place.
        put("a", "12345");
        assert_eq!(cache.get("c").as_deref(), Some("1"));
        // What is too large for it is not kept at the cost of all else.
        put("d", "12345678901");
        assert!(cache.get("d").is_none() && cache.get("a").is_some());
    }
}
