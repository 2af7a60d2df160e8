//! What was measured, as it is written.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::bench::measure::Measured;
use crate::bench::meter::SHOP;

/// The figures of one workload on one contender.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Row {
    /// The names.
    pub workload: &'static str,
    pub contender: &'static str,
    /// The requests that run at a time.
    pub connections: usize,
    /// The good answers, and those a second.
    pub requests: u64,
    pub rps: f64,
    /// Latencies of good answers.
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub p999_ms: f64,
    /// The 99th percentile at half of the rate.
    pub p99_at_half_load_ms: Option<f64>,
    /// The requests that failed.
    pub errors: u64,
    /// The processor time of the shop, of each server and of the load generator, for one good answer.
    pub cpu_us_per_request: f64,
    pub server_cpu_us_per_request: BTreeMap<&'static str, f64>,
    pub generator_cpu_us_per_request: f64,
    /// The requests to MongoDB and the messages to NATS, for one good answer.
    pub store_requests_per_request: Option<f64>,
    pub nats_messages_per_request: Option<f64>,
    /// The peak memory of the shop and of each server.
    pub rss_mib: u64,
    pub server_rss_mib: BTreeMap<&'static str, u64>,
    /// The time from the last answer until the events of all orders had arrived.
    pub events_seconds: Option<f64>,
}

/// The start of one contender.
#[derive(Clone, Debug)]
pub struct StartRow {
    /// The contender.
    pub contender: &'static str,
    /// What it is.
    pub about: &'static str,
    /// The time from the start of its processes to the first answer.
    pub cold_start: Duration,
    /// The memory of the shop before the first load, in MiB.
    pub memory: u64,
}

impl Row {
    /// Makes a row.
    pub fn new(workload: &'static str, contender: &'static str, measured: &Measured) -> Self {
        let outcome = &measured.outcome;
        let requests = outcome.succeeded();
        let each = |time: Duration| time.as_secs_f64() * 1e6 / requests as f64;
        let count = |count: Option<u64>| count.map(|count| count as f64 / requests as f64);
        let mut cpu: BTreeMap<_, _> = measured
            .used
            .cpu
            .iter()
            .map(|(name, time)| (*name, each(*time)))
            .collect();
        let mut memory: BTreeMap<_, _> = measured.memory.iter().copied().collect();
        Self {
            workload,
            contender,
            connections: measured.connections,
            requests,
            rps: outcome.rate(),
            p50_ms: outcome.percentile(50.0),
            p99_ms: outcome.percentile(99.0),
            p999_ms: outcome.percentile(99.9),
            p99_at_half_load_ms: measured.half_p99,
            errors: outcome.failed,
            cpu_us_per_request: cpu.remove(SHOP).unwrap_or_default(),
            server_cpu_us_per_request: cpu,
            generator_cpu_us_per_request: each(measured.generator),
            store_requests_per_request: count(measured.used.store_requests),
            nats_messages_per_request: count(measured.used.messages),
            rss_mib: memory.remove(SHOP).unwrap_or_default(),
            server_rss_mib: memory,
            events_seconds: measured.events.map(|time| time.as_secs_f64()),
        }
    }
}

/// Returns the names of the workloads of some rows, each once.
pub fn workloads(rows: &[Row]) -> Vec<&'static str> {
    let mut names = Vec::new();
    for row in rows {
        if !names.contains(&row.workload) {
            names.push(row.workload);
        }
    }
    names
}
