//! A circuit breaker (M. Nygard, Release It!). It refuses requests to a server that keeps failing, so that
//! the shop does not wait for each of them. All instances share its state in the cache.
//!
//! - A closed breaker lets all requests through. Five failures in a row open it.
//! - An open breaker refuses all requests for a pause. Then it is half open.
//! - A half-open breaker lets one request of all instances through, the probe. Its success closes the
//!   breaker, and its failure opens it again.
//!
//! Without a cache the breaker is always closed.

use crate::cache::Cache;
use crate::id;

/// The number of failures in a row that opens a breaker.
const MAX_FAILURES: i64 = 5;
/// How long failures count, in milliseconds.
const FAILURES_TTL: u64 = 60_000;
/// How long a breaker stays open by default, in milliseconds.
const DEFAULT_PAUSE: u64 = 10_000;
/// How long a breaker stays half open without a request, in milliseconds. Then it is closed.
const HALF_OPEN_TTL: u64 = 10 * 60_000;
/// How long the other requests wait for the result of a probe, in milliseconds. It is longer than any request
/// takes: after that, the instance of the probe has ended without a result.
const PROBE_TTL: u64 = 30_000;
/// After how many milliseconds a request that waits for a probe may try again.
const PROBE_WAIT: u64 = 1_000;

/// A breaker for one server.
#[derive(Clone, Debug)]
pub struct Breaker<'a, C> {
    cache: &'a C,
    pause: u64,
    failures: String,
    open_until: String,
    probe: String,
}

/// The permit to send one request. Its result goes to [`Breaker::record`].
#[derive(Debug)]
#[must_use = "the breaker needs the result of the request"]
pub struct Permit {
    /// The number of failures in a row before this request.
    failures: i64,
    is_probe: bool,
}

impl<'a, C: Cache> Breaker<'a, C> {
    /// Returns the breaker of this name, `service.server`. The name is the prefix of its keys in the cache.
    pub fn new(cache: &'a C, name: &str) -> Self {
        Self {
            cache,
            pause: DEFAULT_PAUSE,
            failures: format!("{name}.failures"),
            open_until: format!("{name}.open"),
            probe: format!("{name}.probe"),
        }
    }

    /// Sets how long the breaker stays open, in milliseconds.
    #[must_use]
    pub fn with_pause(mut self, pause: u64) -> Self {
        self.pause = pause;
        self
    }

    /// Sends a request unless the breaker is open.
    ///
    /// `is_failure` returns whether an error is a failure of the server, in contrast to an answer of a server
    /// that works.
    ///
    /// # Errors
    /// The error of the request, or `refused` with the seconds to wait.
    pub fn call<T, E>(
        &self,
        request: impl FnOnce() -> Result<T, E>,
        is_failure: impl FnOnce(&E) -> bool,
        refused: impl FnOnce(i64) -> E,
    ) -> Result<T, E> {
        let permit = self.acquire().map_err(|wait| {
            let seconds = i64::try_from(wait.div_ceil(1_000)).unwrap_or(i64::MAX);
            refused(seconds)
        })?;
        let result = request();
        let succeeded = result.as_ref().err().is_none_or(|error| !is_failure(error));
        self.record(&permit, succeeded);
        result
    }

    /// Returns the permit to send a request.
    ///
    /// # Errors
    /// The milliseconds to wait, if the breaker is open or another request is the probe.
    pub fn acquire(&self) -> Result<Permit, u64> {
        let cached = self
            .cache
            .get_many(&[self.failures.clone(), self.open_until.clone()]);
        let mut cached = cached.into_iter().map(parse);
        let failures = cached.next().flatten().unwrap_or(0);
        let open_until = cached
            .next()
            .flatten()
            .and_then(|until| u64::try_from(until).ok());
        let Some(open_until) = open_until.filter(|until| *until > 0) else {
            return Ok(Permit {
                failures,
                is_probe: false,
            });
        };
        let wait = open_until.saturating_sub(id::now());
        if wait > 0 {
            return Err(wait);
        }
        // Each time the breaker opens, it gets another probe.
        let probe = format!("{}.{open_until}", self.probe);
        let count = self.cache.increment(&probe, 1, PROBE_TTL);
        if count.is_some_and(|count| count != 1) {
            return Err(PROBE_WAIT);
        }
        Ok(Permit {
            failures,
            is_probe: true,
        })
    }

    /// Records whether the server answered a request.
    pub fn record(&self, permit: &Permit, succeeded: bool) {
        if !succeeded {
            let failures = self.cache.increment(&self.failures, 1, FAILURES_TTL);
            if permit.is_probe || failures.is_some_and(|failures| failures >= MAX_FAILURES) {
                let until = id::now().saturating_add(self.pause);
                let ttl = self.pause.saturating_add(HALF_OPEN_TTL);
                self.cache
                    .set(&self.open_until, until.to_string().as_bytes(), ttl);
            }
            return;
        }
        if permit.failures != 0 {
            self.reset_failures(permit.failures);
        }
        if permit.is_probe {
            self.cache.delete(std::slice::from_ref(&self.open_until));
        }
    }

    /// Sets the number of failures back to zero. If several requests succeed at once, each subtracts all
    /// failures. So a negative result is added again.
    fn reset_failures(&self, failures: i64) {
        let left = self
            .cache
            .increment(&self.failures, failures.saturating_neg(), FAILURES_TTL);
        if let Some(negative) = left.filter(|left| *left < 0) {
            self.cache
                .increment(&self.failures, negative.saturating_neg(), FAILURES_TTL);
        }
    }
}

fn parse(value: Option<Vec<u8>>) -> Option<i64> {
    str::from_utf8(&value?).ok()?.parse().ok()
}

#[cfg(test)]
mod tests;
