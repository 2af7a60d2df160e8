//! Permits that are given in an order. A semaphore would give them in the order of arrival.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// A number of permits. Whoever waits with the smallest key gets the next one. Clones share the permits.
pub struct Permits<K: Ord + Copy>(Arc<Mutex<State<K>>>);

struct State<K: Ord + Copy> {
    free: usize,
    waiting: BTreeMap<K, oneshot::Sender<Permit<K>>>,
}

/// A permit. Dropping it passes it to the first that waits.
pub struct Permit<K: Ord + Copy> {
    permits: Permits<K>,
    holder: K,
}

/// Waits for a permit until it is dropped.
struct Waiting<'a, K: Ord + Copy> {
    permits: &'a Permits<K>,
    holder: K,
}

impl<K: Ord + Copy> Drop for Waiting<'_, K> {
    fn drop(&mut self) {
        self.permits.state().waiting.remove(&self.holder);
    }
}

impl<K: Ord + Copy> Clone for Permits<K> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<K: Ord + Copy> Permits<K> {
    /// Returns this number of permits.
    pub fn new(count: usize) -> Self {
        Self(Arc::new(Mutex::new(State {
            free: count,
            waiting: BTreeMap::new(),
        })))
    }

    /// Returns a permit, if one is free.
    pub fn try_acquire(&self, holder: K) -> Option<Permit<K>> {
        let mut state = self.state();
        state.free = state.free.checked_sub(1)?;
        Some(self.permit(holder))
    }

    /// Waits for a permit. No two that wait may have the same key.
    pub async fn acquire(&self, holder: K) -> Permit<K> {
        let receiver = {
            let mut state = self.state();
            if state.free > 0 {
                state.free -= 1;
                return self.permit(holder);
            }
            let (sender, receiver) = oneshot::channel();
            state.waiting.insert(holder, sender);
            receiver
        };
        let _waiting = Waiting {
            permits: self,
            holder,
        };
        match receiver.await {
            Ok(permit) => permit,
            // The sender is dropped only after it was used.
            Err(_) => std::future::pending().await,
        }
    }

    /// Returns the number of free permits.
    pub fn available(&self) -> usize {
        self.state().free
    }

    /// Returns how many wait.
    #[cfg(test)]
    pub fn waiting(&self) -> usize {
        self.state().waiting.len()
    }

    fn permit(&self, holder: K) -> Permit<K> {
        Permit {
            permits: self.clone(),
            holder,
        }
    }

    fn state(&self) -> MutexGuard<'_, State<K>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Ord + Copy> Permit<K> {
    /// Returns whether another one waits with a smaller key than the holder's.
    pub fn is_due_to_another(&self) -> bool {
        let state = self.permits.state();
        let first = state.waiting.first_key_value();
        first.is_some_and(|(first, _)| *first < self.holder)
    }
}

impl<K: Ord + Copy> Drop for Permit<K> {
    fn drop(&mut self) {
        let first = {
            let mut state = self.permits.state();
            let first = state.waiting.pop_first();
            if first.is_none() {
                state.free += 1;
            }
            first
        };
        if let Some((holder, waiting)) = first {
            // If nobody receives it, the new permit is dropped here and passes to the next one.
            drop(waiting.send(self.permits.permit(holder)));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures::FutureExt;
    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn gives_a_permit_to_the_smallest_key() {
        let permits = Permits::new(1);
        let held = permits.acquire(5).await;
        assert!(permits.try_acquire(0).is_none());
        let (order, mut acquired) = tokio::sync::mpsc::unbounded_channel();
        let calls: Vec<_> = [7, 3, 6, 1]
            .into_iter()
            .map(|key| {
                let (permits, order) = (permits.clone(), order.clone());
                tokio::spawn(async move {
                    let permit = permits.acquire(key).await;
                    order.send(key).unwrap();
                    drop(permit);
                })
            })
            .collect();
        tokio::task::yield_now().await;
        assert!(held.is_due_to_another());
        drop(held);
        for call in calls {
            call.await.unwrap();
        }
        for expected in [1, 3, 6, 7] {
            assert_eq!(acquired.recv().await.unwrap(), expected);
        }
        assert_eq!(permits.available(), 1);
    }

    #[tokio::test]
    async fn who_no_longer_waits_does_not_keep_a_permit() {
        let permits = Permits::new(1);
        let held = permits.acquire(0).await;
        for key in 1..4 {
            let waiting = permits.acquire(key);
            assert!(timeout(Duration::from_millis(1), waiting).await.is_err());
            assert_eq!(permits.waiting(), 0);
        }
        let mut given = Box::pin(permits.acquire(4));
        assert!(given.as_mut().now_or_never().is_none());
        drop(held);
        // The permit was sent to this call, which never takes it.
        drop(given);
        assert!(permits.try_acquire(5).is_some());
    }
}
