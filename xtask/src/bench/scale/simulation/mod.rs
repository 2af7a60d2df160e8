//! Simulates orders: processes with group commit on one primary, and the events that settle the orders.
//!
//! An order makes three commits: the reservation, the order, and the settlement. The first and the last change
//! its product. The committer of a process makes one transaction after the other, each with all commits that
//! wait. A transaction locks its products from its first statements until the primary acknowledges it. If
//! another process holds one of them, it is aborted, and tried again after a random wait. Callers get their
//! answers after the next write of the journal.

mod events;
mod scenario;
#[cfg(test)]
mod tests;
mod work;

use std::collections::{HashMap, VecDeque};

use super::costs::Costs;
use super::queueing::{self, Network, StationId};
pub use scenario::{Outcome, Processors, Scenario};
pub use work::CALLS;
use work::Work;

/// The maximum number of commits in a transaction, as in the store.
pub const MAX_COMMITS: usize = 128;

/// The limits of the random wait after a conflict, in microseconds, as in the store.
const FIRST_WAIT: u64 = 1_000;
const LONGEST_WAIT: u64 = 64_000;

/// The lifetime of reservations, in microseconds, as in the measurements.
const TIMER: u64 = 5_000_000;

/// The processors of Kafka's broker on a separate host.
const KAFKA: usize = 4;

/// Simulates a scenario. The same scenario always has the same outcome.
pub fn simulate(costs: &Costs, scenario: &Scenario) -> Outcome {
    Simulation::new(costs, scenario).run()
}

/// The queues in which work waits for a processor.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Queue {
    /// What orders compute in a process.
    Orders(ProcessId),
    /// The transactions of a process.
    Committer(ProcessId),
    /// The reads of orders.
    Reads,
    /// The calls of transactions.
    Calls,
    /// What the subscribers of events compute.
    Subscribers,
    /// What follows from commits: the outbox and Kafka.
    Events,
}

impl queueing::Queue for Queue {
    /// A process handles events in threads of low priority.
    fn is_low(self) -> bool {
        self == Self::Subscribers
    }
}

type OrderId = usize;
type ProcessId = usize;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// The shop has computed the next commit of an order, and reads for it.
    Computed(OrderId),
    /// The commit of an order can be made.
    Ready(OrderId),
    /// The process has prepared the next call of its transaction.
    Prepared(ProcessId),
    /// The call has reached the primary.
    Called(ProcessId),
    /// The primary has answered the call.
    Answered(ProcessId),
    /// The wait after a conflict is over.
    Waited(ProcessId),
    /// The journal is on the disk.
    Synced,
    /// The timer of a reservation is due.
    Due(OrderId),
    /// The relay of a process has computed a round, has used the primary, and has used Kafka.
    Relaying(ProcessId),
    Published(ProcessId),
    Relayed(ProcessId),
    /// A process has computed what follows from a timer, and has read the order.
    TimerComputed(ProcessId),
    TimerHandled(ProcessId),
}

/// What is published.
#[derive(Clone, Copy)]
enum Notice {
    /// An order was placed.
    Placed(OrderId),
    /// The timer of a reservation is due.
    Timer,
}

struct Order {
    process: ProcessId,
    product: u32,
    begun: u64,
    /// The number of finished commits.
    commits: u8,
}

impl Order {
    /// Returns the product that the next commit changes.
    fn locked(&self) -> Option<u32> {
        (self.commits != 1).then_some(self.product)
    }
}

struct Process {
    station: StationId,
    waiting: VecDeque<OrderId>,
    /// The commits of the running transaction.
    batch: Vec<OrderId>,
    /// The calls that the primary has answered.
    calls: u8,
    is_busy: bool,
    wait_limit: u64,
    /// The deliveries that run, and those that wait.
    delivering: usize,
    arrived: VecDeque<Notice>,
    /// The events of the next round of the relay, and of the running one.
    outbox: Vec<Notice>,
    publishing: Vec<Notice>,
    /// Whether a round runs, and whether a further one is due.
    is_relaying: bool,
    is_relay_due: bool,
}

#[derive(Default)]
struct Counts {
    orders: u64,
    settled: u64,
    /// The time of the last settlement.
    last: u64,
    committed: u64,
    aborted: u64,
    times: Vec<u64>,
}

struct Simulation<'a> {
    scenario: &'a Scenario,
    network: Network<Queue, Event>,
    random: fastrand::Rng,
    work: Work,
    primary: StationId,
    kafka: StationId,
    orders: Vec<Order>,
    processes: Vec<Process>,
    /// The process that holds each product.
    locks: HashMap<u32, ProcessId>,
    /// The commits that wait for the next write of the journal, and those of the running one.
    unsynced: Vec<OrderId>,
    syncing: Vec<OrderId>,
    is_syncing: bool,
    /// The time after which no order is placed.
    end: u64,
    counts: Counts,
}

impl<'a> Simulation<'a> {
    fn new(costs: &Costs, scenario: &'a Scenario) -> Self {
        let idle = (costs.idle.shop + costs.idle.mongodb + costs.idle.kafka) / 1e6;
        let (stations, stretch, network) = match scenario.processors {
            Processors::Shared { count, strangers } => {
                let free = (count as f64 - strangers - idle * scenario.processes as f64).max(0.1);
                (vec![count], count as f64 / free, 0)
            }
            Processors::Apart {
                process,
                primary,
                network,
            } => {
                let processes = std::iter::repeat_n(process, scenario.processes);
                let stations = [primary, KAFKA].into_iter().chain(processes).collect();
                (stations, 1.0, network)
            }
        };
        let is_shared = stations.len() == 1;
        let process = |number: usize| Process {
            station: if is_shared { 0 } else { number + 2 },
            waiting: VecDeque::new(),
            batch: Vec::new(),
            calls: 0,
            is_busy: false,
            wait_limit: FIRST_WAIT,
            delivering: 0,
            arrived: VecDeque::new(),
            outbox: Vec::new(),
            publishing: Vec::new(),
            is_relaying: false,
            is_relay_due: false,
        };
        Self {
            scenario,
            network: Network::new(stations),
            random: fastrand::Rng::with_seed(7),
            work: Work::new(costs, stretch, network),
            primary: 0,
            kafka: usize::from(!is_shared),
            orders: Vec::new(),
            processes: (0..scenario.processes).map(process).collect(),
            locks: HashMap::new(),
            unsynced: Vec::new(),
            syncing: Vec::new(),
            is_syncing: false,
            end: (scenario.warm_up + scenario.seconds) * 1_000_000,
            counts: Counts::default(),
        }
    }

    fn run(mut self) -> Outcome {
        for client in 0..self.scenario.clients {
            self.place(client % self.scenario.processes.max(1));
        }
        let begin = self.scenario.warm_up * 1_000_000;
        let mut is_warm = false;
        while let Some(event) = self.network.next()
            && (self.scenario.is_drained || self.network.now() < self.end)
        {
            if !is_warm && self.network.now() >= begin {
                self.counts = Counts::default();
                is_warm = true;
            }
            self.handle(event);
        }
        self.outcome()
    }

    fn outcome(mut self) -> Outcome {
        self.counts.times.sort_unstable();
        let median = self.counts.times.get(self.counts.times.len() / 2);
        let orders = (self.counts.orders as f64).max(1.0);
        let seconds = self.scenario.seconds as f64;
        let last = self.counts.last as f64 / 1e6 - self.scenario.warm_up as f64;
        Outcome {
            orders_per_second: self.counts.orders as f64 / seconds,
            settled_per_second: self.counts.settled as f64 / last.max(seconds),
            p50_ms: median.map_or(0.0, |micros| *micros as f64 / 1e3),
            transactions: self.counts.committed as f64 / orders,
            aborted: self.counts.aborted as f64 / orders,
        }
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Computed(order) => {
                self.network
                    .work(self.primary, Queue::Reads, self.work.read, Event::Ready(order))
            }
            Event::Ready(order) => {
                let Some(id) = self.orders.get(order).map(|order| order.process) else {
                    return;
                };
                if let Some(process) = self.processes.get_mut(id) {
                    process.waiting.push_back(order);
                    if !process.is_busy {
                        self.begin(id);
                    }
                }
            }
            Event::Prepared(id) => self.network.after(self.work.network, Event::Called(id)),
            Event::Called(id) => {
                self.network
                    .work(self.primary, Queue::Calls, self.work.call, Event::Answered(id))
            }
            Event::Answered(id) => self.continue_transaction(id),
            Event::Waited(id) => self.begin(id),
            Event::Synced => self.answer(),
            Event::Due(order) => {
                if let Some(process) = self.orders.get(order).map(|order| order.process) {
                    self.publish(process, Notice::Timer);
                }
            }
            Event::Relaying(id) => {
                let (queue, work) = (Queue::Events, self.work.relay_primary);
                self.network.work(self.primary, queue, work, Event::Published(id));
            }
            Event::Published(id) => {
                let (queue, work) = (Queue::Events, self.work.relay_kafka);
                self.network.work(self.kafka, queue, work, Event::Relayed(id));
            }
            Event::Relayed(id) => self.end_round(id),
            Event::TimerComputed(id) => {
                let work = self.work.read;
                self.network
                    .work(self.primary, Queue::Reads, work, Event::TimerHandled(id));
            }
            Event::TimerHandled(id) => self.delivered(id),
        }
    }

    fn place(&mut self, process: ProcessId) {
        if self.network.now() >= self.end {
            return;
        }
        let order = Order {
            process,
            product: self.random.u32(..self.scenario.products),
            begun: self.network.now(),
            commits: 0,
        };
        self.orders.push(order);
        self.compute(self.orders.len() - 1);
    }

    /// Computes the next commit of an order.
    fn compute(&mut self, id: OrderId) {
        if let Some(order) = self.orders.get(id)
            && let Some(process) = self.processes.get(order.process)
        {
            let queue = match order.commits {
                2 => Queue::Subscribers,
                _ => Queue::Orders(order.process),
            };
            self.network
                .work(process.station, queue, self.work.compute, Event::Computed(id));
        }
    }

    /// Begins a transaction with the commits that wait, and with those of an aborted one.
    fn begin(&mut self, id: ProcessId) {
        let Some(process) = self.processes.get_mut(id) else {
            return;
        };
        let room = MAX_COMMITS.saturating_sub(process.batch.len());
        let more = process.waiting.len().min(room);
        process.batch.extend(process.waiting.drain(..more));
        process.is_busy = !process.batch.is_empty();
        if process.is_busy {
            process.calls = 0;
            self.prepare(id);
        }
    }

    /// Prepares the next call of a transaction.
    fn prepare(&mut self, id: ProcessId) {
        if let Some(process) = self.processes.get(id) {
            self.network.work(
                process.station,
                Queue::Committer(id),
                self.work.prepare,
                Event::Prepared(id),
            );
        }
    }

    /// Locks the products after the first call, and ends the transaction after the last one.
    fn continue_transaction(&mut self, id: ProcessId) {
        let Some(process) = self.processes.get_mut(id) else {
            return;
        };
        process.calls += 1;
        let is_locked = process.calls > 1 || self.lock(id);
        match self.processes.get(id) {
            Some(process) if is_locked && process.calls < CALLS => self.prepare(id),
            Some(_) if is_locked => self.acknowledge(id),
            _ => {}
        }
    }

    /// Locks the products of a transaction. Returns false if it must be aborted.
    fn lock(&mut self, id: ProcessId) -> bool {
        let Some(process) = self.processes.get_mut(id) else {
            return false;
        };
        let orders = process.batch.iter().filter_map(|order| self.orders.get(*order));
        let products: Vec<u32> = orders.filter_map(Order::locked).collect();
        if products.iter().any(|product| self.locks.contains_key(product)) {
            self.counts.aborted += 1;
            let wait = self.random.u64(..=process.wait_limit);
            process.wait_limit = (process.wait_limit * 2).min(LONGEST_WAIT);
            self.network.after(wait, Event::Waited(id));
            return false;
        }
        process.wait_limit = FIRST_WAIT;
        self.locks
            .extend(products.into_iter().map(|product| (product, id)));
        true
    }

    /// Ends a transaction that the primary has acknowledged, and begins the next one.
    fn acknowledge(&mut self, id: ProcessId) {
        self.locks.retain(|_, holder| *holder != id);
        let Some(process) = self.processes.get_mut(id) else {
            return;
        };
        self.counts.committed += 1;
        self.unsynced.append(&mut process.batch);
        self.relay(id);
        self.sync();
        self.begin(id);
    }

    /// Writes the journal, unless it is being written.
    fn sync(&mut self) {
        if !self.is_syncing && !self.unsynced.is_empty() {
            self.is_syncing = true;
            self.syncing = std::mem::take(&mut self.unsynced);
            self.network.after(self.work.sync, Event::Synced);
        }
    }

    /// Answers the callers of durable commits.
    fn answer(&mut self) {
        self.is_syncing = false;
        for id in std::mem::take(&mut self.syncing) {
            let Some(order) = self.orders.get_mut(id) else {
                continue;
            };
            order.commits += 1;
            let (commits, process, order_begun) = (order.commits, order.process, order.begun);
            match commits {
                1 => {
                    self.compute(id);
                    self.network.after(TIMER, Event::Due(id));
                }
                2 => {
                    self.counts.orders += 1;
                    self.counts.times.push(self.network.now() - order_begun);
                    self.publish(process, Notice::Placed(id));
                    self.place(process);
                }
                _ => {
                    self.counts.settled += 1;
                    self.counts.last = self.network.now();
                    self.delivered(process);
                }
            }
        }
        self.sync();
    }
}
