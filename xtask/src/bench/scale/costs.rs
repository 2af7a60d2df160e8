//! The cost of each request, derived from the measured inputs of one process.

use anyhow::{Context, Result, ensure};

use super::inputs::{Cpu, Inputs, Sample};

/// The commits of an order of one line: the reservation, the order, and its settlement after the event.
pub const COMMITS_PER_ORDER: f64 = 3.0;

/// The processor time of each part, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Times {
    pub shop: f64,
    pub mongodb: f64,
    pub kafka: f64,
    pub redis: f64,
}

/// The costs of a request that is no order.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestCost {
    pub name: String,
    pub times: Times,
    /// The requests to MongoDB.
    pub store_requests: f64,
    /// The bytes of the answer.
    pub bytes: f64,
}

/// The costs of an order. A part of them belongs to transactions, which orders share.
#[derive(Clone, Debug, PartialEq)]
pub struct OrderCost {
    /// For each order, however many share a transaction.
    pub fixed: Times,
    /// For each transaction.
    pub transaction: Times,
    /// The time from the first statement of a transaction to its end, in microseconds.
    pub duration_us: f64,
    /// The time in which the journal is written to the disk, in microseconds.
    pub sync_us: f64,
}

/// All costs.
#[derive(Clone, Debug, PartialEq)]
pub struct Costs {
    pub requests: Vec<RequestCost>,
    pub order: OrderCost,
    /// What one process uses of each part at rest, in microseconds of a second.
    pub idle: Times,
}

impl Costs {
    /// Derives the costs from the samples of one process.
    ///
    /// # Errors
    /// A sample is missing.
    pub fn derive(inputs: &Inputs) -> Result<Self> {
        let one = |samples: &[Sample]| -> Vec<Sample> {
            let of_one = samples.iter().filter(|sample| sample.processes == 1);
            of_one.cloned().collect()
        };
        let idle = one(&inputs.idle)
            .pop()
            .context("no sample of one process at rest")?;
        let orders = one(&inputs.orders);
        ensure!(orders.len() >= 2, "too few samples of orders of one process");
        let requests = one(&inputs.requests);
        Ok(Self {
            requests: requests.iter().map(|sample| request(sample, &idle)).collect(),
            order: order(&orders, &idle),
            idle: times(idle.cpu, idle.elapsed),
        })
    }

    /// Returns the costs of a request.
    ///
    /// # Errors
    /// The request was not measured.
    pub fn request(&self, name: &str) -> Result<&RequestCost> {
        let mut requests = self.requests.iter();
        requests
            .find(|request| request.name == name)
            .with_context(|| format!("the request `{name}` was not measured"))
    }
}

/// Returns processor time divided by a number, in microseconds.
fn times(cpu: Cpu, by: f64) -> Times {
    let each = |seconds: f64| seconds * 1e6 / by.max(f64::MIN_POSITIVE);
    Times {
        shop: each(cpu.shop),
        mongodb: each(cpu.mongodb),
        kafka: each(cpu.kafka),
        redis: each(cpu.redis),
    }
}

fn request(sample: &Sample, idle: &Sample) -> RequestCost {
    let at_rest = idle.store.requests as f64 * sample.elapsed / idle.elapsed.max(f64::MIN_POSITIVE);
    RequestCost {
        name: sample.name.clone(),
        times: times(sample.cpu.without(idle, sample.elapsed), sample.answers as f64),
        store_requests: sample.per_answer((sample.store.requests as f64 - at_rest).max(0.0)),
        bytes: sample.per_answer(sample.bytes as f64),
    }
}

fn order(samples: &[Sample], idle: &Sample) -> OrderCost {
    let points = |part: fn(&Times) -> f64| {
        let point = |sample: &Sample| {
            let used = times(sample.cpu.without(idle, sample.elapsed), sample.answers as f64);
            (sample.transactions(), part(&used))
        };
        line(&samples.iter().map(point).collect::<Vec<_>>())
    };
    let (shop, mongodb) = (points(|times| times.shop), points(|times| times.mongodb));
    let (kafka, redis) = (points(|times| times.kafka), points(|times| times.redis));
    let least = |each: fn(&Sample) -> f64| samples.iter().map(each).fold(f64::INFINITY, f64::min);
    let transactions = |sample: &Sample| (sample.store.committed + sample.store.aborted).max(1) as f64;
    OrderCost {
        fixed: Times {
            shop: shop.0,
            mongodb: mongodb.0,
            kafka: kafka.0,
            redis: redis.0,
        },
        transaction: Times {
            shop: shop.1,
            mongodb: mongodb.1,
            kafka: kafka.1,
            redis: redis.1,
        },
        // The least of all samples has the least waiting for processors and for the disk in it.
        duration_us: samples
            .iter()
            .map(|sample| sample.store.in_transactions_us as f64 / transactions(sample))
            .fold(f64::INFINITY, f64::min),
        sync_us: least(|sample| sample.store.syncing_us as f64 / sample.store.syncs.max(1) as f64),
    }
}

/// Returns the line `a + b x` through points by least squares. Neither `a` nor `b` is negative.
fn line(points: &[(f64, f64)]) -> (f64, f64) {
    let count = points.len().max(1) as f64;
    let mean = |each: fn(&(f64, f64)) -> f64| points.iter().map(each).sum::<f64>() / count;
    let (x, y) = (mean(|point| point.0), mean(|point| point.1));
    let xy: f64 = points.iter().map(|point| (point.0 - x) * (point.1 - y)).sum();
    let xx: f64 = points.iter().map(|point| (point.0 - x).powi(2)).sum();
    let slope = if xx > 0.0 { (xy / xx).max(0.0) } else { 0.0 };
    let start = y - slope * x;
    if start >= 0.0 {
        return (start, slope);
    }
    let through_zero: f64 = points.iter().map(|point| point.0 * point.1).sum();
    let squares: f64 = points.iter().map(|point| point.0.powi(2)).sum();
    (0.0, through_zero / squares.max(f64::MIN_POSITIVE))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::scale::inputs::StoreCounters;

    #[test]
    fn finds_the_line_through_points_and_never_a_negative_cost() {
        assert_eq!(line(&[(1.0, 5.0), (3.0, 9.0)]), (3.0, 2.0));
        assert_eq!(line(&[(1.0, 5.0), (3.0, 1.0)]), (3.0, 0.0));
        let (start, slope) = line(&[(1.0, 1.0), (2.0, 4.0)]);
        assert_eq!((start, (slope * 10.0).round()), (0.0, 18.0));
    }

    /// Orders that cost 1 ms each and 2 ms for each transaction, at a process that uses 10 ms a second at rest.
    fn sample(answers: u64, committed: u64) -> Sample {
        Sample {
            processes: 1,
            seconds: 10.0,
            elapsed: 10.0,
            answers,
            cpu: Cpu {
                mongodb: answers as f64 / 1e3 + committed as f64 / 500.0 + 0.1,
                ..Cpu::default()
            },
            store: StoreCounters {
                committed,
                in_transactions_us: committed * 3_000,
                ..StoreCounters::default()
            },
            ..Sample::default()
        }
    }

    #[test]
    fn separates_the_costs_of_orders_transactions_and_rest() {
        let inputs = Inputs {
            machine: String::new(),
            processors: 2,
            date: String::new(),
            idle: vec![sample(0, 0)],
            requests: Vec::new(),
            orders: vec![sample(100, 300), sample(1_000, 500), sample(2_000, 400)],
        };
        let costs = Costs::derive(&inputs).unwrap();
        assert_eq!(costs.order.fixed.mongodb.round(), 1_000.0);
        assert_eq!(costs.order.transaction.mongodb.round(), 2_000.0);
        assert_eq!(costs.idle.mongodb.round(), 10_000.0);
        assert_eq!(costs.order.duration_us, 3_000.0);
    }
}
