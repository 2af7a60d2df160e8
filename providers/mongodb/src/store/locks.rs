//! Turns: commits of this process that change the same documents in transactions go one after the other, because
//! MongoDB lets one of two conflicting transactions fail at once instead of having it wait.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

/// A collection and an id.
pub(crate) type Key = (String, String);

type Queues = Arc<Mutex<HashMap<Key, Arc<AsyncMutex<()>>>>>;

/// The queues of the documents that are being changed now.
#[derive(Default)]
pub(crate) struct Locks(Queues);

/// The right to change some documents, until it is dropped.
pub(crate) struct Turn {
    queues: Queues,
    keys: Vec<Key>,
    guards: Vec<OwnedMutexGuard<()>>,
}

impl Locks {
    /// Waits for the turn of all these documents. The order of the set is that of all who wait, so that nobody waits in a circle.
    pub async fn turn(&self, keys: BTreeSet<Key>) -> Turn {
        let mut turn = Turn {
            queues: Arc::clone(&self.0),
            keys: Vec::with_capacity(keys.len()),
            guards: Vec::with_capacity(keys.len()),
        };
        for key in keys {
            let queue = Arc::clone(queues(&self.0).entry(key.clone()).or_default());
            turn.keys.push(key);
            turn.guards.push(queue.lock_owned().await);
        }
        turn
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.guards.clear();
        let mut queues = queues(&self.queues);
        for key in &self.keys {
            // Whoever waits holds the queue too.
            if queues.get(key).is_some_and(|queue| Arc::strong_count(queue) == 1) {
                queues.remove(key);
            }
        }
    }
}

fn queues(queues: &Queues) -> MutexGuard<'_, HashMap<Key, Arc<AsyncMutex<()>>>> {
    queues.lock().unwrap_or_else(PoisonError::into_inner)
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
    async fn a_turn_waits_for_those_with_a_document_in_common_and_for_no_other() {
        let locks = Locks::default();
        let first = locks.turn(keys(&["a", "b"])).await;
        let mut second = pin!(locks.turn(keys(&["b", "c"])));
        assert!(second.as_mut().now_or_never().is_none());
        drop(locks.turn(keys(&["d"])).await);
        drop(first);
        drop(second.await);
        assert!(queues(&locks.0).is_empty());
    }

    #[tokio::test]
    async fn one_who_gives_up_waiting_leaves_nothing_behind() {
        let locks = Locks::default();
        let first = locks.turn(keys(&["a"])).await;
        {
            let mut second = Box::pin(locks.turn(keys(&["a"])));
            assert!(second.as_mut().now_or_never().is_none());
            drop(first);
        }
        assert!(queues(&locks.0).is_empty());
    }
}
