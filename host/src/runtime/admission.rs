//! The admission of calls: which call gets an instance next, which call waits, and which call is refused.
//!
//! Requests of a long or unknown cost use only a part of the instances. A request that is known to be short
//! finds a free one. Waiting requests get instances in the order of their [places](super::shares). Events have
//! instances of their own.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, Semaphore, SemaphorePermit};
use tokio::time::timeout;

use super::costs::Cost;
use super::limits::Limits;
use super::permits::{Permit, Permits};
use super::queue::Queue;
use super::shares::Place;

/// The interval in which the throughput is measured.
const MEASURED: Duration = Duration::from_secs(1);

/// The largest estimate of [`Admission::retry_after`], in seconds.
const MAX_RETRY_AFTER: u32 = 30;

/// The permits for instances, and the queues for them.
pub struct Admission {
    all: Lane,
    /// For requests of a long or unknown cost.
    unproven: Lane,
    /// For requests of a long cost.
    long: Lane,
    events: Semaphore,
    wait: Duration,
    instances: usize,
    event_instances: usize,
    throughput: Mutex<Throughput>,
}

/// Permits for some of the requests, and the queue for them.
struct Lane {
    permits: Permits<Place>,
    queue: Queue,
}

/// The permission of a request to use an instance. It ends when it is dropped.
pub type RequestPermit = Vec<Permit<Place>>;

impl Admission {
    /// Creates the permits and the queues.
    pub fn new(limits: &Limits) -> Self {
        let lane = |instances: u32, queue| Lane {
            permits: Permits::new(instances as usize),
            queue: Queue::new(queue),
        };
        Self {
            // Each share of the queue is smaller than the queue, so a short request finds a slot.
            all: lane(limits.instances, limits.queue),
            unproven: lane(limits.unproven_instances(), limits.queue - limits.queue / 4),
            long: lane(limits.long_instances(), limits.queue.div_ceil(4)),
            events: Semaphore::new(limits.event_instances() as usize),
            wait: limits.wait,
            instances: limits.instances as usize,
            event_instances: limits.event_instances() as usize,
            throughput: Mutex::new(Throughput::new(Instant::now())),
        }
    }

    /// Waits for the permission of a request. Returns `None` if the queue is full of requests that come before
    /// it, or the wait is too long.
    pub async fn request(&self, cost: Cost, place: Place) -> Option<RequestPermit> {
        let lanes: &[&Lane] = match cost {
            Cost::Short => &[&self.all],
            Cost::Unknown => &[&self.unproven, &self.all],
            Cost::Long => &[&self.long, &self.unproven, &self.all],
        };
        if let Some(permits) = lanes.iter().map(|lane| lane.permits.try_acquire(place)).collect() {
            return Some(permits);
        }
        let leave = Arc::new(Notify::new());
        if !lanes.iter().all(|lane| lane.queue.has_room(place)) {
            return None;
        }
        let mut slots = Vec::with_capacity(lanes.len());
        for lane in lanes {
            slots.push(lane.queue.enter(place, &leave)?);
        }
        let acquire = async {
            let mut permits = Vec::with_capacity(lanes.len());
            for lane in lanes {
                permits.push(lane.permits.acquire(place).await);
            }
            permits
        };
        tokio::select! {
            permits = timeout(self.wait, acquire) => permits.ok(),
            () = leave.notified() => None,
        }
    }

    /// Waits for the permission to handle an event.
    pub async fn event(&self) -> Option<SemaphorePermit<'_>> {
        self.events.acquire().await.ok()
    }

    /// Returns whether a request with this place would find an instance or a slot in the queue now.
    pub fn has_room(&self, place: Place) -> bool {
        self.all.permits.available() > 0 || self.all.queue.has_room(place)
    }

    /// Returns the number of running calls.
    pub fn running(&self) -> usize {
        let free = self.all.permits.available() + self.events.available_permits();
        (self.instances + self.event_instances).saturating_sub(free)
    }

    /// Returns the number of waiting requests.
    pub fn waiting(&self) -> usize {
        self.all.queue.len()
    }

    /// Counts an answered request.
    pub fn answered(&self) {
        self.throughput(|throughput| throughput.count(Instant::now()));
    }

    /// Estimates in how many seconds a request finds a slot, from 1 to 30. The estimate is the length of the
    /// queue divided by the recent throughput.
    pub fn retry_after(&self) -> u32 {
        let waiting = u32::try_from(self.waiting()).unwrap_or(u32::MAX);
        let time = self.throughput(|throughput| throughput.time_for(waiting, Instant::now()));
        u32::try_from(time.as_millis().div_ceil(1000))
            .map_or(MAX_RETRY_AFTER, |seconds| seconds.clamp(1, MAX_RETRY_AFTER))
    }

    fn throughput<T>(&self, f: impl FnOnce(&mut Throughput) -> T) -> T {
        f(&mut self.throughput.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The recent throughput of requests.
struct Throughput {
    since: Instant,
    count: u32,
    /// The mean time between two answers.
    interval: Duration,
}

impl Throughput {
    fn new(now: Instant) -> Self {
        Self {
            since: now,
            count: 0,
            interval: Duration::ZERO,
        }
    }

    fn count(&mut self, now: Instant) {
        self.count += 1;
        self.measure(now);
    }

    /// Returns how long this number of requests takes.
    fn time_for(&mut self, requests: u32, now: Instant) -> Duration {
        self.measure(now);
        self.interval.saturating_mul(requests)
    }

    fn measure(&mut self, now: Instant) {
        let elapsed = now.saturating_duration_since(self.since);
        if elapsed >= MEASURED {
            *self = Self {
                interval: elapsed / self.count.max(1),
                ..Self::new(now)
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use futures::FutureExt;

    use super::super::shares::Shares;
    use super::*;

    const LIMITS: Limits = Limits {
        instances: 8,
        instance_memory: 0,
        memory: 0,
        reusable_growth: 0,
        calls: 0,
        cpu: Duration::ZERO,
        cpu_anonymous: Duration::ZERO,
        time: Duration::ZERO,
        queue: 8,
        wait: Duration::from_secs(60),
    };

    /// Returns the next place of one client.
    fn place(shares: &Shares) -> Place {
        shares.place(IpAddr::from([192, 0, 2, 1]))
    }

    fn now<T>(future: impl Future<Output = T>) -> Option<T> {
        future.now_or_never()
    }

    #[tokio::test]
    async fn long_and_unknown_requests_leave_instances_to_short_ones() {
        let shares = Shares::default();
        let admission = Admission::new(&LIMITS);
        let long: Vec<_> = (0..3)
            .map_while(|_| now(admission.request(Cost::Long, place(&shares))))
            .collect();
        assert_eq!(long.len(), 2);
        let unknown: Vec<_> = (0..8)
            .map_while(|_| now(admission.request(Cost::Unknown, place(&shares))))
            .collect();
        assert_eq!(unknown.len(), 4);
        let short: Vec<_> = (0..8)
            .map_while(|_| now(admission.request(Cost::Short, place(&shares))))
            .collect();
        assert_eq!(short.len(), 2);
        assert_eq!(admission.running(), 8);
    }

    #[tokio::test]
    async fn the_queue_keeps_slots_for_short_requests() {
        let shares = Shares::default();
        let admission = Admission::new(&LIMITS);
        let _running: Vec<_> = (0..8)
            .map_while(|_| now(admission.request(Cost::Short, place(&shares))))
            .collect();
        let mut queue = Vec::new();
        for (cost, slots) in [(Cost::Long, 2), (Cost::Unknown, 4), (Cost::Short, 2)] {
            for _ in 0..slots {
                let mut waiting = Box::pin(admission.request(cost, place(&shares)));
                assert!(waiting.as_mut().now_or_never().is_none());
                queue.push(waiting);
            }
            let refused = now(admission.request(cost, place(&shares)));
            assert!(refused.is_some_and(|permit| permit.is_none()), "{cost:?}");
        }
        assert_eq!(admission.waiting(), 8);
        assert!(!admission.has_room(place(&shares)));
        drop(queue);
        assert_eq!(admission.waiting(), 0);
        assert!(admission.has_room(place(&shares)));
    }

    #[tokio::test]
    async fn events_have_instances_of_their_own_and_wait_without_a_limit() {
        let shares = Shares::default();
        let admission = Admission::new(&Limits {
            wait: Duration::ZERO,
            ..LIMITS
        });
        let _requests: Vec<_> = (0..8)
            .map_while(|_| now(admission.request(Cost::Short, place(&shares))))
            .collect();
        let mut running: Vec<_> = (0..LIMITS.event_instances())
            .map(|_| now(admission.event()).unwrap())
            .collect();
        let mut next = Box::pin(admission.event());
        tokio::time::sleep(Duration::from_millis(5)).await;
        assert!(next.as_mut().now_or_never().is_none());
        drop(running.pop());
        assert!(now(next).unwrap().is_some());
    }

    #[test]
    fn a_small_pool_serves_every_kind_of_call() {
        let shares = Shares::default();
        let admission = Admission::new(&Limits {
            instances: 1,
            queue: 0,
            ..LIMITS
        });
        for cost in [Cost::Long, Cost::Unknown, Cost::Short] {
            assert!(
                now(admission.request(cost, place(&shares))).unwrap().is_some(),
                "{cost:?}"
            );
        }
        assert!(now(admission.event()).unwrap().is_some());
    }

    #[test]
    fn measures_the_throughput_of_the_last_second() {
        let begun = Instant::now();
        let mut throughput = Throughput::new(begun);
        for _ in 0..50 {
            throughput.count(begun);
        }
        let later = begun + 2 * MEASURED;
        assert_eq!(throughput.time_for(50, later), 2 * MEASURED);
        assert_eq!(throughput.time_for(50, later + MEASURED), 50 * MEASURED);
    }

    #[tokio::test]
    async fn estimates_the_time_until_the_queue_is_empty() {
        let shares = Shares::default();
        let admission = Admission::new(&LIMITS);
        assert_eq!(admission.retry_after(), 1);
        let _running: Vec<_> = (0..8)
            .map_while(|_| now(admission.request(Cost::Short, place(&shares))))
            .collect();
        let mut queue: Vec<_> = (0..6)
            .map(|_| Box::pin(admission.request(Cost::Short, place(&shares))))
            .collect();
        queue
            .iter_mut()
            .for_each(|waiting| drop(waiting.as_mut().now_or_never()));
        for (interval, expected) in [(1, 1), (400, 3), (60_000, 30)] {
            admission.throughput(|throughput| throughput.interval = Duration::from_millis(interval));
            assert_eq!(admission.retry_after(), expected);
        }
    }
}
