//! The outcome of a load.

use std::fmt::Display;
use std::time::Duration;

use crate::bench::http::Answer;
use crate::bench::request::{Kind, Request};

/// The largest part of an answer that an error shows, in bytes.
const SHOWN: usize = 300;
/// The mark of GraphQL's errors in an answer.
const ERRORS: &[u8] = b"\"errors\"";

/// The outcome of a load.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// The latencies of the good answers in microseconds, sorted at the end.
    latencies: Vec<u32>,
    /// The time from the first request to the last answer.
    elapsed: Duration,
    /// The requests that failed.
    pub failed: u64,
    /// The orders that succeeded, and those without an answer.
    pub orders: Changes,
    /// The additions to carts that succeeded, and those without an answer.
    pub carts: Changes,
    /// The first failure.
    pub error: Option<String>,
}

/// The number of changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Those that succeeded.
    pub succeeded: u64,
    /// Those without an answer: each of them is done or not.
    pub unknown: u64,
}

impl Changes {
    /// Adds the changes of another load.
    pub fn add(&mut self, other: Self) {
        self.succeeded += other.succeeded;
        self.unknown += other.unknown;
    }

    /// Checks whether this number of changes is possible.
    pub fn explain(&self, found: u64) -> bool {
        (self.succeeded..=self.succeeded + self.unknown).contains(&found)
    }
}

impl Outcome {
    /// Counts an answer.
    pub fn answered(&mut self, request: &Request, answer: &Answer, latency: Duration) {
        let is_good = answer.status == 200
            && match &request.answer {
                Some(expected) => answer.body == *expected,
                None => !answer.body.windows(ERRORS.len()).any(|window| window == ERRORS),
            };
        if is_good {
            self.latencies
                .push(latency.as_micros().try_into().unwrap_or(u32::MAX));
            if let Some(changes) = self.changes(request.kind) {
                changes.succeeded += 1;
            }
        } else {
            let body = answer.body.get(..SHOWN).unwrap_or(&answer.body);
            self.fail(format_args!(
                "status {}: {}",
                answer.status,
                String::from_utf8_lossy(body)
            ));
        }
    }

    /// Counts a request without an answer.
    pub fn lost(&mut self, request: &Request, error: &std::io::Error) {
        self.fail(error);
        if let Some(changes) = self.changes(request.kind) {
            changes.unknown += 1;
        }
    }

    fn fail(&mut self, error: impl Display) {
        self.failed += 1;
        self.error.get_or_insert_with(|| error.to_string());
    }

    fn changes(&mut self, kind: Kind) -> Option<&mut Changes> {
        match kind {
            Kind::Other => None,
            Kind::Cart => Some(&mut self.carts),
            Kind::Order => Some(&mut self.orders),
        }
    }

    /// Adds the outcome of another connection.
    pub fn add(&mut self, other: Self) {
        self.latencies.extend(other.latencies);
        self.failed += other.failed;
        self.orders.add(other.orders);
        self.carts.add(other.carts);
        self.error = self.error.take().or(other.error);
    }

    /// Ends the outcome of all connections.
    pub fn finish(&mut self, elapsed: Duration) {
        self.elapsed = elapsed;
        self.latencies.sort_unstable();
    }

    /// Returns the number of good answers.
    pub fn succeeded(&self) -> u64 {
        self.latencies.len() as u64
    }

    /// Returns the good answers a second.
    pub fn rate(&self) -> f64 {
        self.latencies.len() as f64 / self.elapsed.as_secs_f64()
    }

    /// Returns the latency, in milliseconds, that this percentage of the good answers does not exceed. It is not a
    /// number if there are none.
    pub fn percentile(&self, percent: f64) -> f64 {
        let rank = (self.latencies.len() as f64 * percent / 100.0).ceil() as usize;
        let latency = self.latencies.get(rank.saturating_sub(1));
        latency.map_or(f64::NAN, |micros| f64::from(*micros) / 1000.0)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        Answer {
            status,
            body: body.into(),
        }
    }

    #[test]
    fn counts_answers_with_errors_and_other_answers_as_failures() {
        let mut outcome = Outcome::default();
        let mut order = Request::new(Kind::Order, None, "{a}", &Value::Null);
        let second = Duration::from_secs(1);
        outcome.answered(&order, &answer(200, r#"{"data":1}"#), second);
        outcome.answered(&order, &answer(200, r#"{"errors":[]}"#), second);
        outcome.answered(&order, &answer(503, "busy"), second);
        outcome.lost(&order, &std::io::ErrorKind::TimedOut.into());
        order.answer = Some(b"exactly".to_vec());
        outcome.answered(&order, &answer(200, "exactly"), second);
        outcome.answered(&order, &answer(200, "almost"), second);
        assert_eq!((outcome.succeeded(), outcome.failed), (2, 4));
        assert!(outcome.error.unwrap().contains("errors"));
        assert!(!outcome.orders.explain(1) && !outcome.orders.explain(4));
        assert!(outcome.orders.explain(2) && outcome.orders.explain(3));
    }

    #[test]
    fn percentiles_are_the_nearest_rank() {
        let mut outcome = Outcome {
            latencies: (1..=2_000).rev().map(|number| number * 1_000).collect(),
            ..Outcome::default()
        };
        outcome.finish(Duration::from_secs(10));
        assert_eq!(
            (outcome.percentile(50.0), outcome.percentile(99.9)),
            (1_000.0, 1_998.0)
        );
        assert_eq!(outcome.rate(), 200.0);
        assert!(Outcome::default().percentile(50.0).is_nan());
    }
}
