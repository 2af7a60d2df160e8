//! The carts service over a real catalog and real orders.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod audit;
mod carts;
mod checkout;
mod erasure;
mod shop;
