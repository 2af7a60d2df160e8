//! The circuit breaker of each endpoint: one that fails again and again, and takes its time for it, is left alone for a minute, so that
//! its deliveries don't hold up those of others.

use mercato_shop::breaker::Breaker;
use mercato_shop::cache::Cache;
use mercato_shop::id;

/// How long an endpoint is left alone, in milliseconds.
const REST: u64 = 60_000;

/// The breaker of an endpoint.
pub fn breaker<'a, C: Cache>(cache: &'a C, endpoint_id: &str) -> Breaker<'a, C> {
    Breaker::new(cache, &format!("webhooks.{endpoint_id}")).pausing(REST)
}

/// When a delivery is tried that has to wait for so many milliseconds: not all of them at the same moment, but within a minute more.
pub fn put_off(now: u64, wait: u64) -> u64 {
    let [low, high, ..] = id::random_bytes();
    let spread = u64::from(u16::from_le_bytes([low, high]));
    now.saturating_add(wait).saturating_add(spread)
}
