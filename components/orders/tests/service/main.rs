//! The orders service over a real store and a real catalog.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod audit;
mod changes;
mod discounts;
mod placement;
mod saga;
mod settlement;
mod shop;
mod status;
mod totals;
