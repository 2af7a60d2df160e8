//! The catalog service: products, stock, reservations.
//!
//! Plain Rust over the ports; `component` binds it to `mercato:shop/catalog` and `mercato:shop/inventory`.

mod archive;
mod categories;
mod category;
mod changes;
#[cfg(target_arch = "wasm32")]
mod component;
mod creation;
mod details;
mod edited;
mod facets;
mod import;
mod input;
mod inventory;
mod ledger;
mod listing;
mod low_stock;
mod movement;
mod product;
mod reservation;
mod service;
mod stock;
mod variants;

pub use service::CatalogService;
