//! The port `cache` on Redis: one shared connection, short timeouts, and misses while Redis is unavailable.
//!
//! During an outage a circuit breaker lets one call a second reach Redis, and all other calls miss at once.
//! The log gets one line at the begin and one at the end of an outage.

mod breaker;
mod cache;
mod options;

pub use cache::RedisCache;
pub use options::RedisOptions;
