//! The load of each part at a rate of requests, and what must be bought for it.

use anyhow::Result;

use super::costs::{COMMITS_PER_ORDER, Costs, RequestCost, Times};
use super::simulation::{CALLS, MAX_COMMITS};

/// The rates that the page shows, in requests a minute.
pub const RATES: [f64; 3] = [1_000.0, 100_000.0, 10_000_000.0];

/// The mix of requests: lists, products by id, additions to carts, orders.
pub const LISTS: f64 = 0.4;
pub const PRODUCTS: f64 = 0.4;
pub const CARTS: f64 = 0.15;
pub const ORDERS: f64 = 0.05;

/// The different answers that shoppers look at: half of them lists, half of them products. Each is cached
/// alone.
pub const DISTINCT: f64 = 1_000.0;

/// The products that the orders are spread over.
pub const SOLD: f64 = 10_000.0;

/// How often an answer expires because of its age, in a second. The cache keeps answers for ten seconds. The
/// second answer after that expires with the next order, because its products were not known before it.
const AGED: f64 = 2.0 / 10.0;

/// The part of its processors that a host uses on average. The rest is for peaks.
pub const UTILISATION: f64 = 0.6;

/// The processors of each kind of host.
pub const PROCESS_CORES: usize = 8;
pub const PRIMARY_CORES: usize = 16;
pub const BROKER_CORES: usize = 4;

/// The time of a call in the network of a data centre, in microseconds.
pub const NETWORK_US: u64 = 300;

/// The partitions of a topic, unless they are set.
const PARTITIONS: f64 = 12.0;

/// The members of a replica set, and the copies of a topic.
const COPIES: f64 = 3.0;

/// The stored bytes of an order with its movements.
pub const ORDER_BYTES: f64 = 4_000.0;

/// The names of the measured requests.
pub const LIST: &str = "list of 20";
pub const LIST_UNCACHED: &str = "list of 20, not cached";
pub const PRODUCT: &str = "product by id";
pub const PRODUCT_UNCACHED: &str = "product by id, not cached";
pub const CART: &str = "add to cart";
pub const SIGN_IN: &str = "sign in";

/// The load at a rate of requests, on hosts that are large enough.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plan {
    /// The requests in a minute.
    pub rate: f64,
    /// The orders in a second.
    pub orders: f64,
    /// The part of the lists and products that the cache answers.
    pub cached: f64,
    /// The commits that share a transaction.
    pub merged: f64,
    /// The processors that each part computes on.
    pub cores: Times,
    /// The processes of the shop.
    pub processes: f64,
    /// The replica sets, or shards.
    pub shards: f64,
    /// The servers of Redis, which compute on one processor each.
    pub caches: f64,
    /// The brokers.
    pub brokers: f64,
    /// The partitions of a topic.
    pub partitions: f64,
    /// The bytes of answers in a second.
    pub bytes: f64,
}

impl Plan {
    /// Computes the load at a rate of requests a minute. A process can settle some orders a second, whatever
    /// its processors.
    ///
    /// # Errors
    /// A request was not measured.
    pub fn at(costs: &Costs, settled: f64, rate: f64) -> Result<Self> {
        let second = rate / 60.0;
        let orders = second * ORDERS;
        let lists = cached(second * LISTS, orders * 20.0 / SOLD);
        let products = cached(second * PRODUCTS, orders / SOLD);
        let requests = [
            (second * LISTS * lists, costs.request(LIST)?),
            (second * LISTS * (1.0 - lists), costs.request(LIST_UNCACHED)?),
            (second * PRODUCTS * products, costs.request(PRODUCT)?),
            (
                second * PRODUCTS * (1.0 - products),
                costs.request(PRODUCT_UNCACHED)?,
            ),
            (second * CARTS, costs.request(CART)?),
        ];
        let mut plan = Self {
            rate,
            orders,
            cached: (LISTS * lists + PRODUCTS * products) / (LISTS + PRODUCTS),
            merged: 1.0,
            cores: Times::default(),
            processes: (orders / (settled * UTILISATION)).ceil().max(1.0),
            shards: 1.0,
            caches: 1.0,
            brokers: 1.0,
            partitions: PARTITIONS,
            bytes: requests.iter().map(|(rate, cost)| rate * cost.bytes).sum(),
        };
        // More processes merge fewer commits, which costs more processors.
        loop {
            plan.load(costs, &requests);
            let processes = hosts(plan.cores.shop, PROCESS_CORES);
            if processes <= plan.processes {
                break;
            }
            plan.processes = processes;
        }
        plan.shards = hosts(plan.cores.mongodb, PRIMARY_CORES);
        plan.caches = hosts(plan.cores.redis, 1);
        plan.brokers = hosts(plan.cores.kafka, BROKER_CORES);
        plan.partitions = PARTITIONS.max(plan.processes);
        Ok(plan)
    }

    fn load(&mut self, costs: &Costs, requests: &[(f64, &RequestCost)]) {
        let order = &costs.order;
        let duration = order.duration_us + f64::from(CALLS) * NETWORK_US as f64;
        let commits = self.orders * COMMITS_PER_ORDER / self.processes;
        self.merged = (commits * duration / 1e6).clamp(1.0, MAX_COMMITS as f64);
        let transactions = self.orders * COMMITS_PER_ORDER / self.merged;
        let cores = |part: fn(&Times) -> f64| {
            let requests = requests.iter().map(|(rate, cost)| rate * part(&cost.times));
            let orders = self.orders * part(&order.fixed) + transactions * part(&order.transaction);
            (requests.sum::<f64>() + orders + self.processes * part(&costs.idle)) / 1e6
        };
        self.cores = Times {
            shop: cores(|times| times.shop),
            mongodb: cores(|times| times.mongodb),
            kafka: cores(|times| times.kafka),
            redis: cores(|times| times.redis),
        };
    }

    /// Returns the processors to buy: of the shop, of MongoDB with its secondaries, of Kafka, and of Redis.
    pub fn bought(&self) -> [f64; 4] {
        [
            self.processes * PROCESS_CORES as f64,
            self.shards * COPIES * PRIMARY_CORES as f64,
            self.brokers.max(COPIES) * BROKER_CORES as f64,
            self.caches,
        ]
    }

    /// Returns the bytes that orders add in a day.
    pub fn bytes_a_day(&self) -> f64 {
        self.orders * ORDER_BYTES * 86_400.0
    }
}

/// Returns the part of the requests that the cache answers. `rate` is that of half of the different answers,
/// and `sold` is how often an order sells a product of one answer, both in a second.
fn cached(rate: f64, sold: f64) -> f64 {
    let each = rate / (DISTINCT / 2.0);
    each / (each + AGED + sold)
}

/// Returns the hosts for some processors.
fn hosts(cores: f64, of: usize) -> f64 {
    (cores / (of as f64 * UTILISATION)).ceil().max(1.0)
}

/// Returns the highest rate at which `units` of a part suffice, in requests a minute.
///
/// # Errors
/// A request was not measured.
pub fn limit(costs: &Costs, settled: f64, units: impl Fn(&Plan) -> f64) -> Result<f64> {
    let (mut low, mut high) = (0.0_f64, 1e9_f64);
    while high - low > low / 1e3 + 1.0 {
        let middle = (low + high) / 2.0;
        if units(&Plan::at(costs, settled, middle)?) <= 1.0 {
            low = middle;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::scale::costs::OrderCost;

    const SETTLED: f64 = 1_000.0;

    fn costs() -> Costs {
        let times = |all: f64| Times {
            shop: all,
            mongodb: all,
            kafka: all,
            redis: all / 10.0,
        };
        let request = |name: &str, all: f64| RequestCost {
            name: name.into(),
            times: times(all),
            store_requests: 1.0,
            bytes: 1_000.0,
        };
        Costs {
            requests: vec![
                request(LIST, 200.0),
                request(LIST_UNCACHED, 600.0),
                request(PRODUCT, 200.0),
                request(PRODUCT_UNCACHED, 400.0),
                request(CART, 1_000.0),
            ],
            order: OrderCost {
                fixed: times(1_000.0),
                transaction: times(2_000.0),
                duration_us: 3_000.0,
                sync_us: 2_000.0,
            },
            idle: times(20_000.0),
        }
    }

    #[test]
    fn a_small_shop_needs_one_of_each() {
        let plan = Plan::at(&costs(), SETTLED, 1_000.0).unwrap();
        assert_eq!(
            [
                plan.processes,
                plan.shards,
                plan.caches,
                plan.brokers,
                plan.merged
            ],
            [1.0; 5]
        );
        assert!((plan.orders - 0.833).abs() < 0.001);
    }

    #[test]
    fn cores_grow_less_than_the_rate_because_commits_merge() {
        let [small, large] = [100_000.0, 10_000_000.0].map(|rate| Plan::at(&costs(), SETTLED, rate).unwrap());
        assert!(large.merged > small.merged, "{large:?}");
        assert!(
            large.cores.mongodb < small.cores.mongodb * 100.0,
            "{small:?} {large:?}"
        );
        assert!(large.processes > 10.0 && large.shards > 3.0, "{large:?}");
    }

    #[test]
    fn a_busy_shop_answers_more_from_the_cache() {
        let [small, large] =
            [1_000.0, 100_000.0].map(|rate| Plan::at(&costs(), SETTLED, rate).unwrap().cached);
        assert!(small < 0.1 && large > 0.7, "{small} {large}");
    }

    #[test]
    fn slow_events_need_more_processes() {
        let [slow, fast] = [10.0, SETTLED].map(|settled| Plan::at(&costs(), settled, 100_000.0).unwrap());
        assert_eq!(slow.processes, 14.0);
        assert!(fast.processes < slow.processes, "{fast:?}");
    }

    #[test]
    fn the_limit_of_one_unit_is_where_a_second_one_is_needed() {
        let limit = limit(&costs(), SETTLED, |plan| plan.shards).unwrap();
        assert_eq!(Plan::at(&costs(), SETTLED, limit * 0.99).unwrap().shards, 1.0);
        assert_eq!(Plan::at(&costs(), SETTLED, limit * 1.01).unwrap().shards, 2.0);
    }
}
