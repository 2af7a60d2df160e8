//! The catalog service over a real store.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod archive;
mod audit;
mod categories;
mod changes;
mod facets;
mod import;
mod import_categories;
mod import_variants;
mod ledger;
mod low_stock;
mod offers;
mod products;
mod restored;
mod search;
mod slugs;
mod stock;
mod support;
mod variants;
