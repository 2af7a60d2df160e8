//! The times of the parts of an order.

use crate::bench::scale::costs::Costs;

/// The calls of a transaction: statements for three to four collections, the outbox, and the commit. The
/// products come first.
pub const CALLS: u8 = 6;

/// The parts of an order with equal costs: three commits, and the timer of the reservation.
const PARTS: f64 = 4.0;

/// The times of the parts of an order, in microseconds of a processor.
pub struct Work {
    pub compute: u64,
    pub read: u64,
    pub prepare: u64,
    pub call: u64,
    pub network: u64,
    pub relay: u64,
    pub relay_primary: u64,
    pub relay_kafka: u64,
    pub sync: u64,
}

impl Work {
    /// `stretch` is how much longer work takes because strangers use the processors too.
    pub fn new(costs: &Costs, stretch: f64, network: u64) -> Self {
        let order = &costs.order;
        let micros = |time: f64| (time * stretch).round() as u64;
        let (shop, primary) = (order.transaction.shop, order.transaction.mongodb);
        // What a transaction costs beyond its duration is work for its events.
        let within = (order.duration_us / (shop + primary).max(1.0)).min(1.0);
        Self {
            compute: micros(order.fixed.shop / PARTS),
            read: micros(order.fixed.mongodb / PARTS),
            prepare: micros(shop * within / f64::from(CALLS)),
            call: micros(primary * within / f64::from(CALLS)),
            network,
            relay: micros(shop * (1.0 - within)),
            relay_primary: micros(primary * (1.0 - within)),
            relay_kafka: micros(order.transaction.kafka + order.fixed.kafka),
            // The disk does not wait for processors.
            sync: order.sync_us.round() as u64,
        }
    }
}
