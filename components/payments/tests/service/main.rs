//! The payments service over a real store, a real catalog and real orders.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod audit;
mod currencies;
mod money;
mod payments;
mod refunds;
mod scripted;
mod shop;
mod stripe;
mod stripe_refunds;
mod webhooks;
