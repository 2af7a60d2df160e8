//! The port `cache` as a component calls it, and the generations of cached data.

use std::borrow::Cow;

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

/// A number in the cache that stands for a state of some data.
///
/// An answer is cached together with the generation that was read *before* the data. It is up to date if that
/// generation is still the current one. The cache may lose the number and start at 0 again. So it advances by
/// random steps, which make it unlikely that an old number returns. A change of the data may also end the
/// generation. Then the number is missing, and the next reader starts another generation.
#[derive(Clone, Debug)]
pub struct Generation {
    key: Cow<'static, str>,
    /// In milliseconds.
    ttl: u64,
}

impl Generation {
    /// Changes with every change of the catalog, except that orders move stock.
    pub const CATALOG: Self = Self {
        key: Cow::Borrowed("catalog.generation"),
        ttl: 24 * 60 * 60 * 1000,
    };

    /// Ends when an order moves the units on hand of any product.
    pub const UNITS: Self = Self {
        key: Cow::Borrowed("catalog.units"),
        ..Self::CATALOG
    };

    /// Ends when an order moves the units on hand of this product, or after ten minutes.
    #[must_use]
    pub fn units_of(product_id: &str) -> Self {
        Self {
            key: format!("catalog.units.{product_id}").into(),
            ttl: 10 * 60 * 1000,
        }
    }

    /// Returns the key of the number.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Starts the next generation and returns it, or `None` if the cache is unavailable.
    pub fn advance(&self, cache: &(impl Cache + ?Sized)) -> Option<i64> {
        let [a, b, c, d, ..] = id::random_bytes();
        let step = i64::from(u32::from_le_bytes([a, b, c, d])) + 1;
        cache.increment(&self.key, step, self.ttl)
    }

    /// Ends these generations by one call.
    pub fn end(cache: &(impl Cache + ?Sized), generations: impl IntoIterator<Item = Self>) {
        let keys: Vec<_> = generations
            .into_iter()
            .map(|generation| generation.key.into_owned())
            .collect();
        cache.delete(&keys);
    }

    /// Parses the value of [`key`](Self::key).
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<i64> {
        str::from_utf8(value).ok()?.parse().ok()
    }
}
