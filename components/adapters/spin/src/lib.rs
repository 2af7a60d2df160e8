//! The ports of a shop over what Spin offers: documents and the outbox in its SQLite, the cache in its key-value store, its variables as
//! configuration, mail by its sockets. The instance is a fresh one for each request.
//!
//! What decides is plain Rust over small traits; `component` binds it to Spin's interfaces.

pub mod cache;
pub mod documents;
pub mod relay;
pub mod shop;

#[cfg(target_arch = "wasm32")]
mod component;

/// Now, in milliseconds since the Unix epoch.
#[must_use]
pub fn now() -> i64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |time| i64::try_from(time.as_millis()).unwrap_or(i64::MAX))
}
