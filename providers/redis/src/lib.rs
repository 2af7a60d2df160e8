//! The cache port on Redis: one connection that all calls share, short timeouts, and misses where Redis is away.
//!
//! While Redis is away every call misses at once; one of them asks again each second. The log has one warning when Redis goes away
//! and one line when it is back.

mod breaker;
mod cache;
mod options;

pub use cache::RedisCache;
pub use options::RedisOptions;
