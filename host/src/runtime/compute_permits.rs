//! Permits for calls that compute for long. They keep a thread free for all other calls.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// How urgent a call's next permit is. Waiting calls of the same urgency get permits in the order of their
/// tickets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// The call handles an event.
    Event,
    /// The call has computed for a short time only, or it has changed something.
    Short,
    /// The call has computed for long.
    Long,
}

/// A call's place in the order of calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(u64);

/// The permits of this machine. Clones share them.
#[derive(Clone)]
pub struct ComputePermits(Arc<Mutex<State>>);

struct State {
    free: usize,
    waiting: BTreeMap<(Urgency, Ticket), oneshot::Sender<ComputePermit>>,
    next_ticket: u64,
}

/// A permit to compute. Dropping it passes it to the first waiting call.
pub struct ComputePermit {
    permits: ComputePermits,
    holder: (Urgency, Ticket),
}

impl ComputePermits {
    /// Returns the permits of this machine. One thread stays free for short calls and for connections.
    pub fn of_this_machine() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Self::new(threads.saturating_sub(1).max(1))
    }

    /// Returns this number of permits.
    pub fn new(count: usize) -> Self {
        Self(Arc::new(Mutex::new(State {
            free: count,
            waiting: BTreeMap::new(),
            next_ticket: 0,
        })))
    }

    /// Returns the next ticket. A call takes one ticket and keeps it.
    pub fn ticket(&self) -> Ticket {
        let mut state = self.state();
        state.next_ticket += 1;
        Ticket(state.next_ticket)
    }

    /// Waits for a permit.
    pub async fn acquire(&self, urgency: Urgency, ticket: Ticket) -> ComputePermit {
        let receiver = {
            let mut state = self.state();
            if state.free > 0 {
                state.free -= 1;
                return self.permit((urgency, ticket));
            }
            let (sender, receiver) = oneshot::channel();
            state.waiting.insert((urgency, ticket), sender);
            receiver
        };
        match receiver.await {
            Ok(permit) => permit,
            // The sender is dropped only after it was used.
            Err(_) => std::future::pending().await,
        }
    }

    /// Returns how many calls wait.
    #[cfg(test)]
    pub fn waiting(&self) -> usize {
        self.state().waiting.len()
    }

    fn permit(&self, holder: (Urgency, Ticket)) -> ComputePermit {
        ComputePermit {
            permits: self.clone(),
            holder,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ComputePermit {
    /// Returns whether a waiting call comes before the holder.
    pub fn is_due_to_another(&self) -> bool {
        let state = self.permits.state();
        let first = state.waiting.first_key_value();
        first.is_some_and(|(first, _)| *first < self.holder)
    }
}

impl Drop for ComputePermit {
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
            // If the call no longer waits, the new permit is dropped here and passes to the next one.
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
    async fn gives_a_permit_to_the_most_urgent_call_and_then_to_the_first() {
        let permits = ComputePermits::new(1);
        let tickets = [
            permits.ticket(),
            permits.ticket(),
            permits.ticket(),
            permits.ticket(),
        ];
        let held = permits.acquire(Urgency::Long, tickets[0]).await;
        let (order, mut acquired) = tokio::sync::mpsc::unbounded_channel();
        let waiting = [
            (Urgency::Long, tickets[2]),
            (Urgency::Short, tickets[3]),
            (Urgency::Long, tickets[1]),
            (Urgency::Event, permits.ticket()),
        ];
        let calls: Vec<_> = waiting
            .into_iter()
            .map(|(urgency, ticket)| {
                let (permits, order) = (permits.clone(), order.clone());
                tokio::spawn(async move {
                    let permit = permits.acquire(urgency, ticket).await;
                    order.send((urgency, ticket)).unwrap();
                    drop(permit);
                })
            })
            .collect();
        tokio::task::yield_now().await;
        drop(held);
        for call in calls {
            call.await.unwrap();
        }
        for expected in [waiting[3], waiting[1], waiting[2], waiting[0]] {
            assert_eq!(acquired.recv().await.unwrap(), expected);
        }
    }

    #[tokio::test]
    async fn a_call_that_no_longer_waits_does_not_keep_a_permit() {
        let permits = ComputePermits::new(1);
        let held = permits.acquire(Urgency::Long, permits.ticket()).await;
        for _ in 0..3 {
            let waiting = permits.acquire(Urgency::Long, permits.ticket());
            assert!(timeout(Duration::from_millis(1), waiting).await.is_err());
        }
        let mut given = Box::pin(permits.acquire(Urgency::Long, permits.ticket()));
        assert!(given.as_mut().now_or_never().is_none());
        drop(held);
        // The permit was sent to this call, which never takes it.
        drop(given);
        assert!(
            permits
                .acquire(Urgency::Long, permits.ticket())
                .now_or_never()
                .is_some()
        );
    }
}
