//! Cache: values that may be lost at any time.

use std::time::Duration;

use async_trait::async_trait;

/// The port `mercato:platform/cache`. Nothing fails: a cache that is away misses.
#[async_trait]
pub trait Cache: Send + Sync {
    /// The values of these keys, in the order of the keys. A counter reads as its decimal digits.
    async fn get_many(&self, keys: Vec<String>) -> Vec<Option<Vec<u8>>>;

    /// Keeps a value for so long.
    async fn set(&self, key: String, value: Vec<u8>, ttl: Duration);

    /// Forgets these keys.
    async fn delete(&self, keys: Vec<String>);

    /// Adds to a counter that lives for `ttl` from its first increment on, and tells its new value; `None` where the cache is away.
    async fn increment(&self, key: String, by: i64, ttl: Duration) -> Option<i64>;
}
