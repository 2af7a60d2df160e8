//! The measured inputs of the model, in `bench/scale/inputs.json`.

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

/// The path of the inputs in the project.
pub const FILE: &str = "bench/scale/inputs.json";

/// What was measured on one machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Inputs {
    /// The processor and the memory.
    pub machine: String,
    /// The processors, which the shop, the servers and the load generator share.
    pub processors: usize,
    /// The day of the measurement.
    pub date: String,
    /// The servers at rest.
    pub idle: Vec<Sample>,
    /// Requests that are not orders, at a low rate.
    pub requests: Vec<Sample>,
    /// Orders, with all that follows from them.
    pub orders: Vec<Sample>,
}

/// One measurement.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// The request.
    pub name: String,
    /// The number of `mercato` processes.
    pub processes: usize,
    /// The number of products that the requests choose from.
    #[serde(default)]
    pub products: usize,
    /// The number of requests that run at a time.
    #[serde(default)]
    pub connections: usize,
    /// How long requests were sent, in seconds.
    pub seconds: f64,
    /// From the first request until all orders were settled, in seconds.
    #[serde(default)]
    pub settled: f64,
    /// The processors that strangers used until then.
    #[serde(default)]
    pub strangers: f64,
    /// From the first request until nothing was left to do, in seconds.
    pub elapsed: f64,
    /// The answers.
    #[serde(default)]
    pub answers: u64,
    /// The median time of an answer, in milliseconds.
    #[serde(default)]
    pub p50_ms: f64,
    /// The processor time of each part, in seconds.
    pub cpu: Cpu,
    /// The counters of MongoDB.
    pub store: StoreCounters,
    /// The bytes of the answers.
    #[serde(default)]
    pub bytes: u64,
}

/// Processor time in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cpu {
    /// All `mercato` processes.
    pub shop: f64,
    /// mongod.
    pub mongodb: f64,
    /// The Kafka broker.
    pub kafka: f64,
    /// redis-server.
    pub redis: f64,
    /// Everything else on the machine: the load generator, the kernel, strangers.
    pub other: f64,
}

/// Differences of MongoDB's counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StoreCounters {
    /// The requests.
    pub requests: u64,
    /// The transactions that were committed.
    pub committed: u64,
    /// The transactions that were aborted, almost always after a conflict.
    pub aborted: u64,
    /// The time in transactions, in microseconds.
    pub in_transactions_us: u64,
    /// How often the journal was written to the disk.
    pub syncs: u64,
    /// The time in which it was written, in microseconds.
    pub syncing_us: u64,
}

impl Inputs {
    /// Parses the file.
    ///
    /// # Errors
    /// The file is malformed.
    pub fn parse(text: &str) -> Result<Self> {
        serde_json::from_str(text)
            .with_context(|| format!("{FILE} is malformed: repeat `cargo xtask scale --measure`"))
    }
}

impl Sample {
    /// Returns a number of this measurement for each answer.
    pub fn per_answer(&self, number: f64) -> f64 {
        number / (self.answers.max(1) as f64)
    }

    /// Returns the transactions of an answer, including the aborted ones.
    pub fn transactions(&self) -> f64 {
        self.per_answer((self.store.committed + self.store.aborted) as f64)
    }

    /// Returns the answers in a second.
    pub fn answers_per_second(&self) -> f64 {
        self.answers as f64 / self.seconds.max(f64::MIN_POSITIVE)
    }
}

impl Cpu {
    /// Returns the difference to an earlier time.
    pub fn since(self, earlier: Self) -> Self {
        Self {
            shop: self.shop - earlier.shop,
            mongodb: self.mongodb - earlier.mongodb,
            kafka: self.kafka - earlier.kafka,
            redis: self.redis - earlier.redis,
            other: self.other - earlier.other,
        }
    }

    /// Returns this time without the time that a sample at rest uses in `seconds`.
    pub fn without(self, rest: &Sample, seconds: f64) -> Self {
        let share = seconds / rest.elapsed.max(f64::MIN_POSITIVE);
        let minus = |used: f64, rest: f64| (used - rest * share).max(0.0);
        Self {
            shop: minus(self.shop, rest.cpu.shop),
            mongodb: minus(self.mongodb, rest.cpu.mongodb),
            kafka: minus(self.kafka, rest.cpu.kafka),
            redis: minus(self.redis, rest.cpu.redis),
            other: minus(self.other, rest.cpu.other),
        }
    }
}

impl StoreCounters {
    /// Returns the difference to an earlier moment.
    pub fn since(self, earlier: Self) -> Self {
        Self {
            requests: self.requests - earlier.requests,
            committed: self.committed - earlier.committed,
            aborted: self.aborted - earlier.aborted,
            in_transactions_us: self.in_transactions_us - earlier.in_transactions_us,
            syncs: self.syncs - earlier.syncs,
            syncing_us: self.syncing_us - earlier.syncing_us,
        }
    }
}
