//! The ports of a shop on Spin's interfaces:
//!
//! | port | Spin |
//! |---|---|
//! | `documents`, and the outbox | SQLite |
//! | `cache` | the key-value store |
//! | `config` | the component's variables |
//! | `http-client` | outgoing HTTP |
//! | `mailer` | SMTP over a socket |
//! | `passwords` | computed in the component, counted in the key-value store |
//!
//! Each request has a new instance. The logic is plain Rust over small traits, and `component` binds it to
//! Spin.

pub mod cache;
pub mod documents;
pub mod passwords;
pub mod relay;
pub mod shop;

#[cfg(target_arch = "wasm32")]
mod component;

/// Returns the current time in milliseconds since the Unix epoch.
#[must_use]
pub fn now() -> i64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |time| i64::try_from(time.as_millis()).unwrap_or(i64::MAX))
}
