//! Locks on documents. Transactions of this process that change the same document run one after the other.
//! Without the lock, the second of two conflicting transactions would not wait in MongoDB but fail at once.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

/// A collection and an id.
pub(crate) type Key = (String, String);

type LockMap = HashMap<Key, Arc<AsyncMutex<()>>>;

/// The locks of the documents that are locked or waited for now.
#[derive(Default)]
pub(crate) struct Locks(Arc<Mutex<LockMap>>);

/// A lock on some documents. Dropping it releases them.
pub(crate) struct DocumentLock {
    map: Arc<Mutex<LockMap>>,
    keys: Vec<Key>,
    guards: Vec<OwnedMutexGuard<()>>,
}

impl Locks {
    /// Locks all these documents. Every caller locks in the order of the set, so there is no deadlock.
    pub async fn lock(&self, keys: BTreeSet<Key>) -> DocumentLock {
        let mut lock = DocumentLock {
            map: Arc::clone(&self.0),
            keys: Vec::with_capacity(keys.len()),
            guards: Vec::with_capacity(keys.len()),
        };
        for key in keys {
            let mutex = Arc::clone(lock_map(&self.0).entry(key.clone()).or_default());
            lock.keys.push(key);
            lock.guards.push(mutex.lock_owned().await);
        }
        lock
    }
}

impl Drop for DocumentLock {
    fn drop(&mut self) {
        self.guards.clear();
        let mut map = lock_map(&self.map);
        for key in &self.keys {
            // A waiting task has a reference to the mutex too.
            if map.get(key).is_some_and(|mutex| Arc::strong_count(mutex) == 1) {
                map.remove(key);
            }
        }
    }
}

fn lock_map(map: &Mutex<LockMap>) -> MutexGuard<'_, LockMap> {
    map.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures::FutureExt;

    use super::*;

    fn keys(ids: &[&str]) -> BTreeSet<Key> {
        ids.iter().map(|&id| ("c".to_owned(), id.to_owned())).collect()
    }

    #[tokio::test]
    async fn a_lock_waits_only_for_locks_on_the_same_documents() {
        let locks = Locks::default();
        let first = locks.lock(keys(&["a", "b"])).await;
        let mut second = pin!(locks.lock(keys(&["b", "c"])));
        assert!(second.as_mut().now_or_never().is_none());
        drop(locks.lock(keys(&["d"])).await);
        drop(first);
        drop(second.await);
        assert!(lock_map(&locks.0).is_empty());
    }

    #[tokio::test]
    async fn a_cancelled_wait_leaves_no_entry() {
        let locks = Locks::default();
        let first = locks.lock(keys(&["a"])).await;
        {
            let mut second = Box::pin(locks.lock(keys(&["a"])));
            assert!(second.as_mut().now_or_never().is_none());
            drop(first);
        }
        assert!(lock_map(&locks.0).is_empty());
    }
}
