//! What happens to a request before GraphQL or REST executes it, or instead of that.

pub mod idempotency;
pub mod rate_limit;
pub mod response_cache;
