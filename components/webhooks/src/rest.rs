//! A circuit breaker for each endpoint (M. Nygard, Release It!): one that fails again and again, and takes its time for it, is left
//! alone for a minute, so that its deliveries don't hold up those of others. It is counted in the cache, for all instances together.

use mercato_common::cache::Cache;
use mercato_common::id;

/// So many failures in a row open it.
const FAILURES: i64 = 5;
/// How long failures count, in milliseconds.
const MEMORY: u64 = 60_000;
/// How long an endpoint is left alone, in milliseconds.
const REST: u64 = 60_000;

/// How an endpoint has been of late.
pub struct Rest<'a, C> {
    cache: &'a C,
    failures: String,
    until: String,
    failed: i64,
    /// When it may be called again, in milliseconds since the Unix epoch; 0 where it may be at any time.
    ends: u64,
}

impl<'a, C: Cache> Rest<'a, C> {
    /// Looks it up.
    pub fn of(cache: &'a C, endpoint_id: &str) -> Self {
        let failures = format!("webhooks.{endpoint_id}.failures");
        let until = format!("webhooks.{endpoint_id}.rest");
        let kept = cache.cached(&[failures.clone(), until.clone()]);
        let mut kept = kept.into_iter().map(number);
        Self {
            cache,
            failed: kept.next().flatten().unwrap_or(0),
            ends: kept
                .next()
                .flatten()
                .and_then(|until| u64::try_from(until).ok())
                .unwrap_or(0),
            failures,
            until,
        }
    }

    /// When a delivery that comes during the rest is tried: not all of them at the same moment. None where it may be at once.
    pub fn put_off(&self, now: u64) -> Option<u64> {
        let [low, high, ..] = id::random_bytes();
        let spread = u64::from(u16::from_le_bytes([low, high]));
        (now < self.ends).then(|| self.ends.saturating_add(spread))
    }

    /// Takes note of an attempt.
    pub fn note(&self, arrived: bool, now: u64) {
        if arrived {
            if self.failed > 0 {
                self.cache.increment(&self.failures, -self.failed, MEMORY);
            }
            return;
        }
        let failed = self.cache.increment(&self.failures, 1, MEMORY);
        if failed.is_some_and(|failed| failed >= FAILURES) {
            let until = now.saturating_add(REST);
            self.cache.keep(&self.until, until.to_string().as_bytes(), REST);
        }
    }
}

fn number(value: Option<Vec<u8>>) -> Option<i64> {
    str::from_utf8(&value?).ok()?.parse().ok()
}
