//! The port `cache`: values that may be lost at any time.

use std::time::Duration;

use async_trait::async_trait;

/// The port `mercato:platform/cache`. No function fails: an unavailable cache returns no values.
#[async_trait]
pub trait Cache: Send + Sync {
    /// Returns the values of these keys, in the order of the keys. The value of a counter is its decimal
    /// digits.
    async fn get_many(&self, keys: Vec<String>) -> Vec<Option<Vec<u8>>>;

    /// Stores a value that expires after `ttl`.
    async fn set(&self, key: String, value: Vec<u8>, ttl: Duration);

    /// Deletes values and counters.
    async fn delete(&self, keys: Vec<String>);

    /// Adds to a counter and returns its new value, or `None` if the cache is unavailable. The counter
    /// expires `ttl` after its first increment.
    async fn increment(&self, key: String, by: i64, ttl: Duration) -> Option<i64>;
}
