//! The orders service: placement as a saga, the way of an order to its customer, totals with discounts and tax.
//!
//! Plain Rust over the ports and the inventory; `component` binds it to `mercato:shop/orders`, `mercato:shop/placement`,
//! `mercato:shop/discounts` and `mercato:shop/settlement`.

mod amounts;
mod audit;
mod changes;
#[cfg(target_arch = "wasm32")]
mod component;
mod discount;
mod discounts;
mod events;
mod lines;
mod listing;
mod order;
mod placement;
mod redemption;
mod saga;
mod service;
mod settings;
mod settlement;
mod status;
mod tax;
mod timeline;
mod transition;

pub use saga::Failure;
pub use service::OrdersService;
