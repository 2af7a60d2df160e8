//! The orders service: the placement of orders as a saga, their statuses, and totals with discounts and tax.
//!
//! Plain Rust over the ports and the inventory. `component` binds it to `mercato:shop/orders`,
//! `mercato:shop/placement`, `mercato:shop/discounts` and `mercato:shop/settlement`.

mod amounts;
mod audit;
#[cfg(target_arch = "wasm32")]
mod component;
mod discount;
mod events;
mod order;
mod repository;
mod service;
mod settings;
mod status;

#[cfg(feature = "json-schema")]
pub use events::schemas as event_schemas;
pub use service::OrdersService;
