//! The port `cache` as guests see it, and generations: how a cached answer is known to be of now.

use crate::id;

/// As `mercato:platform/cache`: nothing fails, a cache that is away misses.
pub trait Cache {
    /// The values of these keys, in the order of the keys. A counter reads as its decimal digits.
    fn cached(&self, keys: &[String]) -> Vec<Option<Vec<u8>>>;

    /// Keeps a value for so many milliseconds.
    fn keep(&self, key: &str, value: &[u8], ttl: u64);

    /// Adds to a counter, which lives for `ttl` milliseconds from its first increment on, and tells its new value.
    fn increment(&self, key: &str, by: i64, ttl: u64) -> Option<i64>;
}

/// The mark in the cache of a session that is over: its access tokens are refused though they have not expired. It is set for as
/// long as they could live; where the cache is away, they live that long.
#[derive(Clone, Debug)]
pub struct Revocation(String);

impl Revocation {
    /// The mark of this session.
    #[must_use]
    pub fn of(session_id: &str) -> Self {
        Self(format!("accounts.revoked.{session_id}"))
    }

    /// Sets the mark, for so many milliseconds.
    pub fn mark(&self, cache: &(impl Cache + ?Sized), ttl: u64) {
        cache.keep(&self.0, b"1", ttl);
    }

    /// Whether it is set.
    pub fn is_marked(&self, cache: &(impl Cache + ?Sized)) -> bool {
        cache
            .cached(std::slice::from_ref(&self.0))
            .first()
            .is_some_and(Option::is_some)
    }
}

/// A number in the cache that is another one after each change of some data. What was made of the data is kept with the
/// generation that was read *before* the data were: if that is still the current one, nothing has changed since.
///
/// It moves on by random steps, so that a generation which the cache has dropped does not come back.
#[derive(Clone, Copy, Debug)]
pub struct Generation {
    key: &'static str,
}

impl Generation {
    /// Changes with every product and with every movement of stock.
    pub const CATALOG: Self = Self {
        key: "catalog.generation",
    };

    /// A day, in milliseconds.
    const TTL: u64 = 24 * 60 * 60 * 1000;

    /// Where it is kept.
    #[must_use]
    pub const fn key(self) -> &'static str {
        self.key
    }

    /// Moves on: the data have changed, or the cache does not know the generation. `None` where the cache is away.
    pub fn advance(self, cache: &(impl Cache + ?Sized)) -> Option<i64> {
        let [a, b, c, d, ..] = id::random_bytes();
        let step = i64::from(u32::from_le_bytes([a, b, c, d])) + 1;
        cache.increment(self.key, step, Self::TTL)
    }

    /// The generation in a cached value.
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<i64> {
        str::from_utf8(value).ok()?.parse().ok()
    }
}
