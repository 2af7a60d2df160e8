//! The webhooks service over a real store.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod audit;
mod deliveries;
mod endpoints;
mod failing_endpoints;
mod shop;
