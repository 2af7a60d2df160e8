//! The port `cache` as a component calls it, and the generations of cached data.

use crate::id;

/// The port `cache`. No function fails: if the cache is unavailable, every key is missing.
pub trait Cache {
    /// Calls `cache.get-many`: returns the values of these keys, in the order of the keys. A counter is its
    /// decimal digits.
    fn get_many(&self, keys: &[String]) -> Vec<Option<Vec<u8>>>;

    /// Calls `cache.set`: stores a value for `ttl` milliseconds.
    fn set(&self, key: &str, value: &[u8], ttl: u64);

    /// Calls `cache.delete`.
    fn delete(&self, keys: &[String]);

    /// Calls `cache.increment`: adds to a counter and returns its new value. The counter expires `ttl`
    /// milliseconds after its first increment.
    fn increment(&self, key: &str, by: i64, ttl: u64) -> Option<i64>;
}

/// A number in the cache that changes with some data.
///
/// An answer is cached together with the generation that was read *before* the data. It is up to date if that
/// generation is still the current one. The cache may lose the number and start at 0 again. So it advances by
/// random steps, which make it unlikely that an old number returns.
#[derive(Clone, Copy, Debug)]
pub struct Generation {
    key: &'static str,
}

impl Generation {
    /// Changes with every product and every movement of stock.
    pub const CATALOG: Self = Self {
        key: "catalog.generation",
    };

    /// A day, in milliseconds.
    const TTL: u64 = 24 * 60 * 60 * 1000;

    /// Returns the key of the number.
    #[must_use]
    pub const fn key(self) -> &'static str {
        self.key
    }

    /// Starts the next generation and returns it, or `None` if the cache is unavailable.
    pub fn advance(self, cache: &(impl Cache + ?Sized)) -> Option<i64> {
        let [a, b, c, d, ..] = id::random_bytes();
        let step = i64::from(u32::from_le_bytes([a, b, c, d])) + 1;
        cache.increment(self.key, step, Self::TTL)
    }

    /// Parses the value of [`key`](Self::key).
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<i64> {
        str::from_utf8(value).ok()?.parse().ok()
    }
}
