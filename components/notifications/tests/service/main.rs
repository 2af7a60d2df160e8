//! The notifications service over real accounts, a real catalog and real orders.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod audit;
mod emails;
mod messages;
mod notifications;
mod pending;
mod preferences;
mod pruning;
mod shop;
mod sms;
