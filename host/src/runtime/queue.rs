//! The queue of requests that wait for an instance. If it is full, the last one leaves for one that comes before
//! it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::shares::Place;

/// A queue with a limit.
pub struct Queue {
    limit: usize,
    /// Each waiting request, with the notification that it must leave.
    waiting: Mutex<BTreeMap<Place, Arc<Notify>>>,
}

/// A slot in the queue. It becomes free when it is dropped.
pub struct Slot<'a> {
    queue: &'a Queue,
    place: Place,
}

impl Queue {
    /// Creates a queue for this number of requests.
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            waiting: Mutex::default(),
        }
    }

    /// Takes a slot. Returns `None` if the queue is full of requests that come before this one. `leave` is
    /// notified if this one must leave.
    pub fn enter(&self, place: Place, leave: &Arc<Notify>) -> Option<Slot<'_>> {
        let mut waiting = self.waiting();
        if !self.has_room_in(&waiting, place) {
            return None;
        }
        if waiting.len() >= self.limit
            && let Some((_, last)) = waiting.pop_last()
        {
            last.notify_one();
        }
        waiting.insert(place, leave.clone());
        Some(Slot { queue: self, place })
    }

    /// Returns whether a request with this place would get a slot.
    pub fn has_room(&self, place: Place) -> bool {
        self.has_room_in(&self.waiting(), place)
    }

    /// Returns the number of waiting requests.
    pub fn len(&self) -> usize {
        self.waiting().len()
    }

    fn has_room_in(&self, waiting: &BTreeMap<Place, Arc<Notify>>, place: Place) -> bool {
        waiting.len() < self.limit || waiting.last_key_value().is_some_and(|(last, _)| place < *last)
    }

    fn waiting(&self) -> MutexGuard<'_, BTreeMap<Place, Arc<Notify>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        self.queue.waiting().remove(&self.place);
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use futures::FutureExt;

    use super::super::shares::Shares;
    use super::*;

    #[test]
    fn the_last_request_leaves_a_full_queue_for_one_that_comes_before_it() {
        let (queue, shares) = (Queue::new(2), Shares::default());
        let [busy, quiet] = [1, 2].map(|number| IpAddr::from([192, 0, 2, number]));
        let leave: Vec<_> = (0..4).map(|_| Arc::new(Notify::new())).collect();
        let enter = |client, leave| queue.enter(shares.place(client), leave);
        let first = enter(busy, &leave[0]).unwrap();
        let second = enter(busy, &leave[1]).unwrap();
        assert!(!queue.has_room(shares.next(busy)) && enter(busy, &leave[2]).is_none());
        assert!(queue.has_room(shares.next(quiet)));
        let quiet_one = enter(quiet, &leave[3]).unwrap();
        let left = |index: usize| leave[index].notified().now_or_never().is_some();
        assert!(left(1) && !left(0) && !left(3));
        assert_eq!(queue.len(), 2);
        drop(second);
        assert_eq!(queue.len(), 2, "its slot belongs to another request");
        drop((first, quiet_one));
        assert_eq!(queue.len(), 0);
    }
}
