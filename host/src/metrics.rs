//! The metrics at `/metrics`, as OpenMetrics 1.0 text for Prometheus.

use std::sync::atomic::Ordering;
use std::time::Duration;

use http::{Method, StatusCode};
use mercato_ports::events::Attempt;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use crate::runtime::PoolLoad;

/// The media type of the metrics.
pub const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The upper bounds of the histogram of response times, in seconds.
const SECONDS: [f64; 11] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0];

/// The metrics of a running shop.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<Request, Counter>,
    seconds: Histogram,
    events: Family<Event, Counter>,
    failures: Counter,
    refused: Counter,
    computed: Counter,
    out_of_memory: Counter,
    running: Gauge,
    waiting: Gauge,
    memory: Gauge,
    streams: Gauge,
    connections: Gauge,
}

/// The labels of a request. Path and caller are no labels, because clients could create any number of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    method: &'static str,
    status: u16,
}

/// The labels of an attempt to deliver an event.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Event {
    subscriber: String,
    outcome: &'static str,
}

/// The current load of the shop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// The load of the instances.
    pub pool: PoolLoad,
    /// The number of open event streams.
    pub streams: usize,
    /// The number of open connections.
    pub connections: usize,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("mercato");
        let requests = Family::default();
        let seconds = Histogram::new(SECONDS);
        let events = Family::default();
        let failures = Counter::default();
        let (refused, computed, out_of_memory) = (Counter::default(), Counter::default(), Counter::default());
        let (running, waiting, memory) = (Gauge::default(), Gauge::default(), Gauge::default());
        let (streams, connections) = (Gauge::default(), Gauge::default());
        let version = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "The running program", version);
        registry.register("requests", "Answered requests", requests.clone());
        registry.register_with_unit(
            "request_duration",
            "The time from the head of a request to its response",
            Unit::Seconds,
            seconds.clone(),
        );
        registry.register("event_deliveries", "Attempts to deliver an event", events.clone());
        registry.register(
            "call_failures",
            "Calls without a free instance, and calls that were cancelled",
            failures.clone(),
        );
        registry.register(
            "call_refusals",
            "Requests that found no free instance",
            refused.clone(),
        );
        registry.register(
            "call_cpu_limit",
            "Calls that computed for longer than their limit",
            computed.clone(),
        );
        registry.register(
            "call_out_of_memory",
            "Calls that needed more memory than there was",
            out_of_memory.clone(),
        );
        registry.register_with_unit(
            "instance_memory",
            "The memory of all instances",
            Unit::Bytes,
            memory.clone(),
        );
        registry.register(
            "calls_running",
            "Calls that instances are running",
            running.clone(),
        );
        registry.register(
            "calls_waiting",
            "Calls that wait for an instance",
            waiting.clone(),
        );
        registry.register("streams", "Open event streams", streams.clone());
        registry.register("connections", "Open connections", connections.clone());
        Self {
            registry,
            requests,
            seconds,
            events,
            failures,
            refused,
            computed,
            out_of_memory,
            running,
            waiting,
            memory,
            streams,
            connections,
        }
    }
}

impl Metrics {
    /// Counts an answered request.
    pub fn answered(&self, method: &Method, status: StatusCode, time: Duration) {
        let labels = Request {
            method: method_label(method),
            status: status.as_u16(),
        };
        self.requests.get_or_create(&labels).inc();
        self.seconds.observe(time.as_secs_f64());
    }

    /// Counts a call that failed in the host.
    pub fn failed(&self) {
        self.failures.inc();
    }

    /// Counts an attempt to deliver an event.
    pub fn attempted(&self, subscriber: &str, attempt: Attempt) {
        let labels = Event {
            subscriber: subscriber.to_owned(),
            outcome: match attempt {
                Attempt::Handled => "taken",
                Attempt::Retried => "retried",
                Attempt::Rejected => "rejected",
                Attempt::Unreachable => "unreachable",
            },
        };
        self.events.get_or_create(&labels).inc();
    }

    /// Returns all metrics as text.
    ///
    /// # Errors
    /// If they cannot be encoded.
    pub fn text(&self, load: Load) -> Result<String, std::fmt::Error> {
        let set = |gauge: &Gauge, count: usize| gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
        set(&self.running, load.pool.running);
        set(&self.waiting, load.pool.waiting);
        set(&self.memory, load.pool.memory);
        set(&self.streams, load.streams);
        set(&self.connections, load.connections);
        let set = |counter: &Counter, count: u64| counter.inner().store(count, Ordering::Relaxed);
        set(&self.refused, load.pool.refused);
        set(&self.computed, load.pool.computed);
        set(&self.out_of_memory, load.pool.out_of_memory);
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

/// Returns the name of a common method, or `other`. Clients can invent any number of other names.
fn method_label(method: &Method) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    KNOWN
        .into_iter()
        .find(|name| *name == method.as_str())
        .unwrap_or("other")
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDLE: Load = Load {
        pool: PoolLoad {
            running: 0,
            waiting: 0,
            memory: 0,
            refused: 0,
            computed: 0,
            out_of_memory: 0,
        },
        streams: 0,
        connections: 0,
    };

    #[test]
    fn encodes_all_metrics() {
        let metrics = Metrics::default();
        for time in [3, 70] {
            metrics.answered(&Method::POST, StatusCode::OK, Duration::from_millis(time));
        }
        for attempt in [
            Attempt::Handled,
            Attempt::Retried,
            Attempt::Rejected,
            Attempt::Retried,
            Attempt::Unreachable,
        ] {
            metrics.attempted("orders", attempt);
        }
        metrics.failed();
        let text = metrics
            .text(Load {
                pool: PoolLoad {
                    running: 3,
                    waiting: 2,
                    memory: 1024,
                    refused: 7,
                    computed: 5,
                    out_of_memory: 4,
                },
                streams: 1,
                connections: 4,
            })
            .unwrap();
        for line in [
            r#"mercato_requests_total{method="POST",status="200"} 2"#,
            r#"mercato_request_duration_seconds_bucket{le="0.005"} 1"#,
            r#"mercato_request_duration_seconds_bucket{le="0.1"} 2"#,
            r#"mercato_event_deliveries_total{subscriber="orders",outcome="taken"} 1"#,
            r#"mercato_event_deliveries_total{subscriber="orders",outcome="retried"} 2"#,
            r#"mercato_event_deliveries_total{subscriber="orders",outcome="rejected"} 1"#,
            r#"mercato_event_deliveries_total{subscriber="orders",outcome="unreachable"} 1"#,
            "mercato_call_failures_total 1",
            "mercato_call_refusals_total 7",
            "mercato_call_cpu_limit_total 5",
            "mercato_call_out_of_memory_total 4",
            "mercato_instance_memory_bytes 1024",
            "mercato_calls_running 3",
            "mercato_calls_waiting 2",
            "mercato_streams 1",
            "mercato_connections 4",
            "# EOF",
        ] {
            assert!(
                text.lines().any(|found| found == line),
                "{line} is not in\n{text}"
            );
        }
    }

    #[test]
    fn counts_all_unknown_methods_as_one() {
        let metrics = Metrics::default();
        for name in ["BREW", "WHEN"] {
            let method = Method::from_bytes(name.as_bytes()).unwrap();
            metrics.answered(&method, StatusCode::NOT_FOUND, Duration::ZERO);
        }
        let text = metrics.text(IDLE).unwrap();
        assert!(
            text.contains(r#"mercato_requests_total{method="other",status="404"} 2"#),
            "{text}"
        );
    }
}
