//! The catalog service: products, categories, stock and reservations.
//!
//! Plain Rust over the ports. `component` binds it to `mercato:shop/catalog` and `mercato:shop/inventory`.

mod category;
#[cfg(target_arch = "wasm32")]
mod component;
mod events;
mod platform;
mod product;
mod repository;
mod reservation;
mod service;
mod stock;
mod text;
mod validation;

#[cfg(feature = "json-schema")]
pub use events::schemas as event_schemas;
pub use service::CatalogService;
