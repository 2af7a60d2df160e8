//! A queueing network: stations with processors, and a clock that jumps from event to event.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::ops::Bound;

/// The number of a station.
pub type StationId = usize;

/// Work that waits for a processor: its time in microseconds, and the event at its end.
type Job<E> = (u64, E);

/// A queue at a station.
pub trait Queue: Copy + Ord {
    /// Returns whether the queue gets only every fourth turn while others wait.
    fn is_low(self) -> bool;
}

/// The turns between two turns of a low queue.
const LOW_TURN: u32 = 4;

/// Processors with several queues, which they serve by turns. So none of the queues starves.
struct Station<Q, E> {
    processors: usize,
    busy: usize,
    /// The queues in which work waits.
    waiting: BTreeMap<Q, VecDeque<Job<E>>>,
    /// The queue that was served last, of those that are not low.
    served: Option<Q>,
    turns: u32,
}

impl<Q: Queue, E> Station<Q, E> {
    /// Removes the work whose turn it is.
    fn take(&mut self) -> Option<Job<E>> {
        self.turns = self.turns.wrapping_add(1);
        let id = if self.turns.is_multiple_of(LOW_TURN) {
            self.low().or_else(|| self.ordinary())?
        } else {
            self.ordinary().or_else(|| self.low())?
        };
        if !id.is_low() {
            self.served = Some(id);
        }
        let queue = self.waiting.get_mut(&id)?;
        let job = queue.pop_front();
        if queue.is_empty() {
            self.waiting.remove(&id);
        }
        job
    }

    fn low(&self) -> Option<Q> {
        self.waiting.keys().find(|queue| queue.is_low()).copied()
    }

    /// Returns the next queue that is not low.
    fn ordinary(&self) -> Option<Q> {
        let after = self.served.map_or(Bound::Unbounded, Bound::Excluded);
        let next = self
            .waiting
            .range((after, Bound::Unbounded))
            .map(|(queue, _)| queue);
        let mut in_turn = next.chain(self.waiting.keys());
        in_turn.find(|queue| !queue.is_low()).copied()
    }
}

/// An event: its time, its number, and the station that its work ends at.
type Entry<E> = (u64, u64, Option<StationId>, E);

/// The stations and the events that are to come.
///
/// Times are in microseconds. Events of the same time occur in the order of their creation.
pub struct Network<Q, E> {
    now: u64,
    created: u64,
    events: BinaryHeap<Reverse<Entry<E>>>,
    stations: Vec<Station<Q, E>>,
}

impl<Q: Queue, E: Ord> Network<Q, E> {
    /// Creates a network with these numbers of processors.
    pub fn new(processors: impl IntoIterator<Item = usize>) -> Self {
        let station = |processors| Station {
            processors,
            busy: 0,
            waiting: BTreeMap::new(),
            served: None,
            turns: 0,
        };
        Self {
            now: 0,
            created: 0,
            events: BinaryHeap::new(),
            stations: processors.into_iter().map(station).collect(),
        }
    }

    /// Returns the time of the latest event.
    pub fn now(&self) -> u64 {
        self.now
    }

    /// Lets an event occur after a delay.
    pub fn after(&mut self, delay: u64, event: E) {
        self.schedule(delay, None, event);
    }

    /// Works at a station, in one of its queues, and lets an event occur at the end.
    pub fn work(&mut self, id: StationId, queue: Q, time: u64, event: E) {
        let Some(station) = self.stations.get_mut(id) else {
            return;
        };
        if station.busy < station.processors {
            station.busy += 1;
            self.schedule(time, Some(id), event);
        } else {
            station.waiting.entry(queue).or_default().push_back((time, event));
        }
    }

    /// Advances the clock to the next event, and returns it.
    pub fn next(&mut self) -> Option<E> {
        let Reverse((time, _, station, event)) = self.events.pop()?;
        self.now = time;
        if let Some(id) = station
            && let Some(station) = self.stations.get_mut(id)
        {
            match station.take() {
                Some((time, next)) => self.schedule(time, Some(id), next),
                None => station.busy -= 1,
            }
        }
        Some(event)
    }

    fn schedule(&mut self, delay: u64, station: Option<StationId>, event: E) {
        self.created += 1;
        let time = self.now.saturating_add(delay);
        self.events.push(Reverse((time, self.created, station, event)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Queue 9 is low.
    impl Queue for u8 {
        fn is_low(self) -> bool {
            self == 9
        }
    }

    fn order(mut network: Network<u8, u32>) -> Vec<(u64, u32)> {
        std::iter::from_fn(|| {
            let event = network.next()?;
            Some((network.now(), event))
        })
        .collect()
    }

    #[test]
    fn two_processors_work_at_the_same_time_and_a_third_job_waits() {
        let mut network = Network::new([2]);
        for (time, event) in [(10, 1), (30, 2), (5, 3)] {
            network.work(0, 0, time, event);
        }
        assert_eq!(order(network), [(10, 1), (15, 3), (30, 2)]);
    }

    #[test]
    fn queues_are_served_by_turns() {
        let mut network = Network::new([1]);
        for event in [1, 2, 3] {
            network.work(0, 0, 10, event);
        }
        network.work(0, 1, 5, 4);
        assert_eq!(order(network), [(10, 1), (20, 2), (25, 4), (35, 3)]);
    }

    #[test]
    fn a_low_queue_gets_every_fourth_turn() {
        let mut network = Network::new([1]);
        for event in 0..6 {
            network.work(0, 0, 1, event);
            network.work(0, 9, 1, event + 10);
        }
        let order: Vec<_> = order(network).into_iter().map(|(_, event)| event).collect();
        assert_eq!(order, [0, 1, 2, 3, 10, 4, 5, 11, 12, 13, 14, 15]);
    }

    #[test]
    fn stations_do_not_wait_for_each_other() {
        let mut network = Network::new([1, 1]);
        network.work(0, 0, 20, 1);
        network.work(1, 0, 10, 2);
        network.after(15, 3);
        assert_eq!(order(network), [(10, 2), (15, 3), (20, 1)]);
    }

    #[test]
    fn a_queue_of_random_arrivals_waits_as_long_as_theory_says() {
        // For random arrivals and constant work, the mean wait is u / (2 (1 - u)) of the work.
        let (mut network, mut random) = (Network::new([1]), fastrand::Rng::with_seed(1));
        let (mut arrival, mut arrivals) = (0_f64, Vec::new());
        for number in 0..20_000_u32 {
            arrival += -random.f64().max(f64::MIN_POSITIVE).ln() * 200.0;
            arrivals.push(arrival as u64);
            network.after(arrival as u64, number);
        }
        let mut waited = 0;
        while let Some(event) = network.next() {
            if event < 100_000 {
                network.work(0, 0, 100, event + 100_000);
            } else {
                waited += network.now() - arrivals[event as usize - 100_000] - 100;
            }
        }
        let mean = waited as f64 / 20_000.0;
        assert!((45.0..55.0).contains(&mean), "{mean}");
    }
}
