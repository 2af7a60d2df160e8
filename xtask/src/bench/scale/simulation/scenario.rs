//! What is simulated, and what comes of it.

/// What is simulated.
#[derive(Clone, Debug)]
pub struct Scenario {
    pub processes: usize,
    /// The number of products that orders choose from.
    pub products: u32,
    /// The number of clients. Each one sends the next order after an answer.
    pub clients: usize,
    pub processors: Processors,
    /// The time before the time that counts, in seconds.
    pub warm_up: u64,
    /// The time that counts, in seconds.
    pub seconds: u64,
    /// Whether the simulation continues until all orders are settled.
    pub is_drained: bool,
}

/// Where the parts run.
#[derive(Clone, Copy, Debug)]
pub enum Processors {
    /// All parts share processors, of which strangers use some.
    Shared { count: usize, strangers: f64 },
    /// Each process and the primary have separate processors.
    Apart {
        process: usize,
        primary: usize,
        /// The time of a call to the primary in the network, in microseconds.
        network: u64,
    },
}

/// What happened in the time that counts.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Outcome {
    /// The orders that were answered.
    pub orders_per_second: f64,
    /// The orders whose events were handled.
    pub settled_per_second: f64,
    /// The median time of an answer, in milliseconds.
    pub p50_ms: f64,
    /// The committed transactions of an order.
    pub transactions: f64,
    /// The aborted transactions of an order.
    pub aborted: f64,
}
